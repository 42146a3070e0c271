"""Metrics of translations: BLEU (Papineni et al. 2002) and chrF (Popovic 2015), as sacrebleu has them (Post 2018).

Both are a function of sums over sentences: of each sentence is counted once, and all resamples are one product of matrices.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np

from netpick.answers.answered import AnsweredTranslations, texts_of
from netpick.answers.metrics.sums import Floats, RowSums, SumMetric, Sums, over
from netpick.types import Array

ORDERS = 4  # words of the longest n-gram of BLEU
CHARACTERS = 6  # of the longest one of chrF
BETA = 2  # how much more recall counts than precision
MOST_COUNTED = 1 << 17  # pairs of texts whose counts are remembered


class Bleu(SumMetric[AnsweredTranslations]):
    """N-grams of words that are in the reference too, and a penalty for texts that are too short."""

    name, label = "bleu", "BLEU"
    better = "higher"
    reads = AnsweredTranslations
    lowest, highest = 0.0, 100.0
    definition = (
        "How many of the words, pairs, triples and quadruples of words of the generated texts are in the reference, from 0 to 100, with a "
        "penalty for texts that are too short (sacrebleu, tokenisation 13a, upper and lower case apart)."
    )

    def sums(self, truth: Array, predictions: AnsweredTranslations, decided: Array | None) -> Sums:
        pairs = zip(predictions.texts, texts_of(truth), strict=True)
        return RowSums([np.array([_bleu_counts(*pair) for pair in pairs], dtype=np.float64)])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        """Geometric mean of the four precisions; one without any match counts half as much as the one before it (smoothing exp)."""
        said, asked, right, possible = totals[:, 0], totals[:, 1], totals[:, 2 : 2 + ORDERS], totals[:, 2 + ORDERS :]
        logs, halved = np.zeros(len(totals)), np.ones(len(totals))
        for order in range(ORDERS):
            none = right[:, order] <= 0
            halved = np.where(none, 2 * halved, halved)
            matched = np.where(none, 1 / halved, right[:, order])
            logs += np.log(np.maximum(over(matched, possible[:, order]), 1e-300)) / ORDERS
        short = np.where(said < asked, 1 - over(asked, said), 0.0)
        short = np.where(said > 0, short, -np.inf)
        nothing = (right.sum(axis=1) <= 0) | (possible <= 0).any(axis=1)
        return np.where(nothing, 0.0, 100 * np.exp(logs + short))


class Chrf(SumMetric[AnsweredTranslations]):
    """F-score of n-grams of characters, blanks left out."""

    name, label = "chrf", "chrF"
    better = "higher"
    reads = AnsweredTranslations
    lowest, highest = 0.0, 100.0
    definition = (
        "The F-score of n-grams of one to six characters of the generated texts and the reference, from 0 to 100; recall counts twice as "
        "much as precision (sacrebleu, chrF2)."
    )

    def sums(self, truth: Array, predictions: AnsweredTranslations, decided: Array | None) -> Sums:
        pairs = zip(predictions.texts, texts_of(truth), strict=True)
        return RowSums([np.array([_chrf_counts(*pair) for pair in pairs], dtype=np.float64)])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        """Mean over orders of which both sides have n-grams: of precision and of recall, then their F-score."""
        said, asked, right = (totals[:, part * CHARACTERS : (part + 1) * CHARACTERS] for part in range(3))
        there = (said > 0) & (asked > 0)
        orders = there.sum(axis=1)
        precision = over(np.where(there, over(right, said), 0.0).sum(axis=1), orders.astype(np.float64))
        recall = over(np.where(there, over(right, asked), 0.0).sum(axis=1), orders.astype(np.float64))
        factor = float(BETA**2)
        return np.asarray(100 * over((1 + factor) * precision * recall, factor * precision + recall))


def signature() -> str:
    """What sacrebleu says of how BLEU was computed, for whoever compares scores."""
    import sacrebleu

    return f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"


@lru_cache(maxsize=MOST_COUNTED)
def _bleu_counts(said: str, asked: str) -> tuple[int, ...]:
    """Words of both, then n-grams that match, and that there are, of each order."""
    counted = _bleu().sentence_score(said, [asked])
    return (counted.sys_len, counted.ref_len, *counted.counts, *counted.totals)


@lru_cache(maxsize=1)
def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=True)  # which changes the score of a single sentence, and none of its counts


@lru_cache(maxsize=MOST_COUNTED)
def _chrf_counts(said: str, asked: str) -> tuple[int, ...]:
    """N-grams of each order of what was said (where the reference has any, as sacrebleu has it), of the reference, and of both."""
    sides = ["".join(text.split()) for text in (said, asked)]
    counts: list[tuple[int, int, int]] = []
    for order in range(1, CHARACTERS + 1):
        first, second = (Counter(side[i : i + order] for i in range(len(side) - order + 1)) for side in sides)
        counts.append((first.total() if second else 0, second.total(), (first & second).total()))
    return tuple(count for part in zip(*counts, strict=True) for count in part)
