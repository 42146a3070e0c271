"""EXAMPLES: the ways in which examples are made, in the order in which they are asked whether they are meant.

To add one: an `Examples` of base.py in a file of its own, a line in the table, and its name as `Task.examples` of a task.
"""

from __future__ import annotations

from netpick.tasks import TASKS
from netpick.tasks.base import Task
from netpick.tasks.detect.examples import PictureExamples
from netpick.tasks.examples.base import (
    DEFAULT_BUDGET,
    Encoded,
    Evidence,
    ExampleRequest,
    Examples,
    Labelled,
    NewExamples,
    Prepared,
)
from netpick.tasks.examples.rows import RowExamples
from netpick.tasks.forecast.examples import WindowExamples
from netpick.tasks.generate.examples import SampleExamples
from netpick.tasks.music.examples import PieceExamples
from netpick.tasks.pairs.examples import PairExamples
from netpick.tasks.segment.examples import MaskExamples
from netpick.tasks.speech.examples import SpeechExamples
from netpick.tasks.tag.examples import SentenceExamples
from netpick.tasks.text.examples import BlockExamples
from netpick.types import Source

EXAMPLES: dict[str, Examples] = {
    examples.name: examples
    for examples in (
        SentenceExamples(),
        MaskExamples(),
        SpeechExamples(),
        PictureExamples(),
        PairExamples(),
        PieceExamples(),
        BlockExamples(),
        SampleExamples(),
        WindowExamples(),
        RowExamples(),
    )
}


def examples_of(task: Task) -> Examples:
    """What is learned from and answered in a task."""
    return EXAMPLES[task.examples]


def choose_examples(source: Source, request: ExampleRequest) -> tuple[Examples, Source]:
    """What the examples of a source are, by what was asked for and by what it holds; and the source as they need it.

    Raises RequestError where options contradict each other.
    """
    for examples in EXAMPLES.values():
        asked = request.task in TASKS and examples_of(TASKS[request.task]) is examples
        arranged = examples.taken(source, request, asked=asked)
        if arranged is not None:
            return examples, arranged
    raise AssertionError("rows are always examples")


__all__ = [
    "DEFAULT_BUDGET",
    "EXAMPLES",
    "Encoded",
    "Evidence",
    "ExampleRequest",
    "Examples",
    "Labelled",
    "NewExamples",
    "Prepared",
    "choose_examples",
    "examples_of",
]
