"""How texts end that were generated symbol by symbol, and what a score of them is to be compared by."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from netpick.answers.metrics.translation import signature
from netpick.report.markup import Html, element
from netpick.types.words import grouped, percent

REPEATED = re.compile(
    r"(?:^|\s)(\S+(?:\s\S+){0,3})(?:\s+\1){2,}\s*$"
)  # the same one to four words, three times, at the end


def generated_words(truth: Sequence[str], said: Sequence[str]) -> Html:
    """Lengths, empty answers, passages that repeat themselves, and sacrebleu's signature."""
    lengths = [np.array([len(text.split()) for text in texts], dtype=np.float64).sum() for texts in (said, truth)]
    empty = sum(not text.strip() for text in said)
    loops = sum(REPEATED.search(text) is not None for text in said)
    right = sum(a == b for a, b in zip(truth, said, strict=True))
    told = (
        f"The generated texts have {percent(lengths[0] / max(1.0, lengths[1]))} of the words of the references. {grouped(right)} of {grouped(len(said))} "
        f"are the reference as a whole, {grouped(empty)} are empty, {grouped(loops)} end in a passage that repeats itself."
    )
    return element(
        "div",
        element("h3", "How they were generated"),
        element("p", told),
        element("p", "BLEU, for whoever compares it with others: ", element("code", signature())),
    )
