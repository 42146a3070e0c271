"""Metrics of tags: tokens that are right, and entities that are found whole.

An entity counts where its first token, its last one and its type are those of the truth (conlleval). Of most texts nine tokens of ten are outside
of any entity, so that the share of right tokens says little of them. All are sums over sentences, so that intervals resample
sentences, or documents where they are known.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from netpick.answers.answered import AnsweredTags
from netpick.answers.metrics.sums import Floats, RatioMetric, RowSums, SumMetric, Sums, over
from netpick.answers.spans import SCHEMES, Spans, spans_of
from netpick.types import Array


class TokenAccuracy(RatioMetric[AnsweredTags]):
    """Share of the tokens whose tag is right."""

    name = "token_accuracy"
    label = "Token accuracy"
    better = "higher"
    reads = AnsweredTags
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of tokens whose tag is right."

    def applies(self, truth: Array, predictions: AnsweredTags) -> bool:
        return len(truth) > 0 and bool((truth >= 0).any())

    def parts(self, truth: Array, predictions: AnsweredTags, decided: Array | None) -> tuple[Array, Array | None]:
        assert decided is not None
        known = truth >= 0
        right = known & (decided == truth)
        return right.sum(axis=1, dtype=np.float64)[:, None], known.sum(axis=1, dtype=np.float64)[:, None]


class EntityMetric(SumMetric[AnsweredTags]):
    """A function of how many entities there are, how many were said, and how many are in both."""

    better = "higher"
    reads = AnsweredTags
    share = True
    lowest, highest = 0.0, 1.0

    def applies(self, truth: Array, predictions: AnsweredTags) -> bool:
        if not len(truth) or SCHEMES[int(predictions.parts[0, 0, 2])] == "none":
            return False
        return bool(len(spans_of(truth, predictions.parts[0]).rows))

    def sums(self, truth: Array, predictions: AnsweredTags, decided: Array | None) -> Sums:
        assert decided is not None
        return RowSums([entity_counts(truth, decided, predictions.parts[0]).astype(np.float64)])

    def effective_rows(self, truth: Array, predictions: AnsweredTags, decided: Array | None) -> int:
        """Sentences with entities: all others are right by saying nothing."""
        assert decided is not None
        counts = entity_counts(truth, decided, predictions.parts[0])
        return int((counts[:, 1:].sum(axis=1) > 0).sum())

    @abstractmethod
    def of_sums(self, totals: Floats, truth: Array) -> Floats: ...


class EntityF1(EntityMetric):
    """The harmonic mean of precision and recall of whole entities."""

    name = "entity_f1"
    label = "Entity F1"
    definition = "The harmonic mean of the shares of said entities that are right and of true entities that are found; right is the exact span with its type."

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return over(2 * totals[:, 0], totals[:, 1] + totals[:, 2])


class EntityPrecision(EntityMetric):
    """Share of the entities that were said which are right."""

    name = "entity_precision"
    label = "Entity precision"
    definition = "The share of entities that were said whose span and type are exactly right."

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return over(totals[:, 0], totals[:, 2])


class EntityRecall(EntityMetric):
    """Share of the true entities that were found."""

    name = "entity_recall"
    label = "Entity recall"
    definition = "The share of true entities that were found with their exact span and type."

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return over(totals[:, 0], totals[:, 1])


def entity_counts(truth: Array, decided: Array, parts: Array) -> Array:
    """(n, 3) of each row: entities that are right, true ones, and those that were said."""
    steps = max(truth.shape[1], decided.shape[1])
    there, said = spans_of(truth, parts), spans_of(decided, parts)
    right = np.isin(said.keys(steps), there.keys(steps))
    rows = len(truth)
    counts = [np.bincount(some, minlength=rows) for some in (said.rows[right], there.rows, said.rows)]
    return np.stack(counts, axis=1)


def type_counts(there: Spans, said: Spans, steps: int, types: int) -> Array:
    """(types, 3) of each type: entities that are right, true ones, and those that were said."""
    right = np.isin(said.keys(steps), there.keys(steps))
    counts = [np.bincount(some, minlength=types)[:types] for some in (said.types[right], there.types, said.types)]
    return np.stack(counts, axis=1)
