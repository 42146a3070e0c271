"""ANSWERS: the kinds of answers, and all that depends on what is answered. The table below is the only place that lists them.

Tasks say which answer they have. Nothing outside this room and `tasks/` asks for one by name: whoever has to tell them apart
asks an answer for what it does, or for a fact about it.
"""

from __future__ import annotations

from typing import Any

from netpick.answers.base import PLAIN, Answer, Read, TensorSpec
from netpick.answers.boxes import BOXES
from netpick.answers.classes import ONE_CLASS
from netpick.answers.horizon import HORIZON
from netpick.answers.labels import ANY_LABELS
from netpick.answers.masks import MASKS
from netpick.answers.notes import NOTES
from netpick.answers.numbers import NUMBERS
from netpick.answers.samples import SAMPLES
from netpick.answers.symbols import SYMBOLS
from netpick.answers.tags import TAGS
from netpick.answers.transcripts import TRANSCRIPTS
from netpick.answers.translations import TRANSLATIONS

ANSWERS: dict[str, Answer[Any]] = {
    answer.name: answer
    for answer in (
        ONE_CLASS,
        ANY_LABELS,
        NUMBERS,
        HORIZON,
        SYMBOLS,
        TRANSCRIPTS,
        TRANSLATIONS,
        TAGS,
        NOTES,
        MASKS,
        BOXES,
        SAMPLES,
    )
}

__all__ = [
    "ANSWERS",
    "ANY_LABELS",
    "BOXES",
    "HORIZON",
    "MASKS",
    "NOTES",
    "NUMBERS",
    "ONE_CLASS",
    "PLAIN",
    "SAMPLES",
    "SYMBOLS",
    "TAGS",
    "TRANSCRIPTS",
    "TRANSLATIONS",
    "Answer",
    "Read",
    "TensorSpec",
]
