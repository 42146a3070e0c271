"""Metrics of texts, symbol by symbol: what a symbol or a character costs, and how often the likeliest ones came.

All are sums over blocks and a function of the sums, so that intervals resample stretches of text, never single symbols: those
of one stretch are hard together, and an interval of symbols is four to five times too narrow.
"""

from __future__ import annotations

import math

import numpy as np

from netpick.answers.answered import AnsweredSymbols
from netpick.answers.metrics.sums import Floats, RatioMetric, RowSums, SumMetric, Sums, over
from netpick.types import Array

LEAST = 1e-300
LARGEST_LOG = 700.0  # of a perplexity


class Perplexity(SumMetric[AnsweredSymbols]):
    """exp of the mean surprise of a symbol: among how many equally likely ones a model chooses, in effect."""

    name = "perplexity"
    label = "Perplexity"
    better = "lower"
    reads = AnsweredSymbols
    lowest = 1.0
    definition = "Among how many equally likely symbols the model chooses, in effect; comparable only where symbols are the same."

    def sums(self, truth: Array, predictions: AnsweredSymbols, decided: Array | None) -> Sums:
        known = truth[:, 0] > 0
        return RowSums([np.stack([_costs(predictions, known).sum(axis=1), known.sum(axis=1)], axis=1)])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return np.exp(np.minimum(over(totals[:, 0], totals[:, 1]), LARGEST_LOG))


class BitsPerCharacter(RatioMetric[AnsweredSymbols]):
    """What a character of the text costs in bits, whatever its symbols are: the common currency of language models."""

    name = "bits_per_character"
    label = "Bits per character"
    better = "lower"
    reads = AnsweredSymbols
    lowest = 0.0
    definition = (
        "The bits that a character of the text costs: what a compressor with this model would need for it. Comparable whatever the "
        "symbols are."
    )

    def applies(self, truth: Array, predictions: AnsweredSymbols) -> bool:
        """Not where the text hides words: nobody can spell them."""
        return len(truth) > 0 and bool((truth[:, 1] >= 0).all() and truth[:, 1].any())

    def parts(self, truth: Array, predictions: AnsweredSymbols, decided: Array | None) -> tuple[Array, Array | None]:
        spent = _costs(predictions, truth[:, 0] > 0).sum(axis=1) / math.log(2)
        return spent[:, None], truth[:, 1].sum(axis=1, dtype=np.float64)[:, None]


class Likeliest(RatioMetric[AnsweredSymbols]):
    """Share of the symbols that were among the likeliest `most`."""

    better = "higher"
    reads = AnsweredSymbols
    share = True
    lowest, highest = 0.0, 1.0
    most: int

    def applies(self, truth: Array, predictions: AnsweredSymbols) -> bool:
        return len(truth) > 0 and predictions.ranks is not None and bool((truth[:, 0] > 0).any())

    def parts(self, truth: Array, predictions: AnsweredSymbols, decided: Array | None) -> tuple[Array, Array | None]:
        assert predictions.ranks is not None
        known = truth[:, 0] > 0
        among = known & (predictions.ranks >= 1) & (predictions.ranks <= self.most)
        return among.sum(axis=1, dtype=np.float64)[:, None], known.sum(axis=1, dtype=np.float64)[:, None]


class Top1(Likeliest):
    """Share of the symbols that were held the likeliest."""

    name, label, most = "next_top_1", "Top-1 accuracy", 1
    definition = "The share of symbols that the model held the likeliest before they came."


class Top5(Likeliest):
    """Share of the symbols that were among the five likeliest."""

    name, label, most = "next_top_5", "Top-5 accuracy", 5
    definition = "The share of symbols that were among the five that the model held the likeliest."


def _costs(predictions: AnsweredSymbols, known: Array) -> Floats:
    """(n, T) surprise of each symbol in nats, 0 where there is none."""
    return np.where(known, -np.log(np.maximum(predictions.chances, LEAST)), 0.0)
