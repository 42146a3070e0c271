"""Metrics of texts that were made up: how many words and characters have to be changed, and how many texts are right as a whole.

The changes are the fewest that lead from what was said to the truth: replaced, left out, put in (Levenshtein 1966).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from netpick.answers.answered import AnsweredTexts, AnsweredTranscripts, texts_of
from netpick.answers.metrics.means import RowMean
from netpick.answers.metrics.sums import RatioMetric
from netpick.types import Array

Change = Literal["same", "replaced", "missing", "added"]


class ErrorRate(RatioMetric[AnsweredTexts]):
    """Units (words, characters) that have to be changed, over those of the truth. It may be above 1: what is made up counts too."""

    better = "lower"
    reads = AnsweredTexts
    lowest = 0.0

    def units(self, text: str) -> Sequence[str]:
        raise NotImplementedError

    def applies(self, truth: Array, predictions: AnsweredTexts) -> bool:
        return len(truth) > 0 and any(len(self.units(text)) for text in texts_of(truth))

    def parts(self, truth: Array, predictions: AnsweredTexts, decided: Array | None) -> tuple[Array, Array | None]:
        from rapidfuzz.distance import Levenshtein

        pairs = [(self.units(a), self.units(b)) for a, b in zip(texts_of(truth), predictions.texts, strict=True)]
        wrong = np.array([Levenshtein.distance(a, b) for a, b in pairs], dtype=np.float64)
        return wrong[:, None], np.array([len(a) for a, _ in pairs], dtype=np.float64)[:, None]

    def if_wrong(self, truth: Array, predictions: AnsweredTexts) -> float | None:
        """One unit of a text of average length; nothing else says what the errors of other texts would be where none is seen."""
        return 1.0


class WordErrorRate(ErrorRate):
    """Words that have to be changed, over the words of the truth."""

    reads = AnsweredTranscripts
    name, label = "word_error_rate", "Word error rate"
    definition = "The words that have to be replaced, put in or left out to get the truth, over the words of the truth. It can be above 1."

    def units(self, text: str) -> Sequence[str]:
        return text.split()


class CharacterErrorRate(ErrorRate):
    """Characters that have to be changed, over the characters of the truth."""

    name, label = "character_error_rate", "Character error rate"
    definition = "The characters that have to be replaced, put in or left out to get the truth, over the characters of the truth. It can be above 1."

    def units(self, text: str) -> Sequence[str]:
        return text


class ExactMatch(RowMean[AnsweredTexts]):
    """Share of the texts that are right as a whole."""

    name, label = "exact_match", "Exact match"
    better = "higher"
    reads = AnsweredTexts
    share = proportion = True
    lowest, highest = 0.0, 1.0
    definition = "The share of texts that are the truth, character by character."

    def per_row(self, truth: Array, predictions: AnsweredTexts, decided: Array | None) -> Array:
        return np.array([a == b for a, b in zip(texts_of(truth), predictions.texts, strict=True)], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A stretch of words of the truth and of what was said for them; one of both is empty where words are missing or added."""

    change: Change
    truth: str
    said: str


CHANGES: dict[str, Change] = {"equal": "same", "replace": "replaced", "delete": "missing", "insert": "added"}


def aligned(truth: str, said: str) -> list[Aligned]:
    """What was said beside the truth, word by word."""
    from rapidfuzz.distance import Levenshtein

    true_words, said_words = truth.split(), said.split()
    made = []
    for code in Levenshtein.opcodes(true_words, said_words):
        made.append(
            Aligned(
                change=CHANGES[code.tag],
                truth=" ".join(true_words[code.src_start : code.src_end]),
                said=" ".join(said_words[code.dest_start : code.dest_end]),
            )
        )
    return made
