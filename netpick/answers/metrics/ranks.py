"""Metrics of order: ROC AUC and average precision, with ties, averaged over classes or labels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from netpick.answers.answered import AnsweredChances
from netpick.answers.metrics.base import Linear, Metric, Weights
from netpick.types import Array

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_ROWS = (
    12  # for each row and question; of 2 to 12, what gave about the nominal coverage from poor to nearly perfect
)


class RankMetric(Metric[AnsweredChances]):
    """A metric of one score against a yes/no truth, averaged over one-versus-rest questions.

    Two classes ask one question (the positive class); more classes or several labels ask one each, skipping those that
    are all yes or all no.
    """

    better = "higher"
    reads = AnsweredChances
    share = True
    lowest, highest = 0.0, 1.0

    def questions(self, truth: Array, predictions: AnsweredChances) -> Iterator[tuple[Bools, Floats]]:
        """Yes/no truth (n,) and score (n,) of each question that has both answers."""
        probabilities = predictions.probabilities
        num_classes = probabilities.shape[1]
        for k in (1,) if truth.ndim == 1 and num_classes == 2 else range(num_classes):
            positive = truth[:, k] > 0 if truth.ndim == 2 else truth == k
            if positive.any() and not positive.all():
                yield positive, probabilities[:, k]

    def applies(self, truth: Array, predictions: AnsweredChances) -> bool:
        return next(self.questions(truth, predictions), None) is not None

    @abstractmethod
    def one(self, positive: Bools, scores: Floats, weights: Weights) -> Floats:
        """The value (R,) of one question under each weighting; NaN where a resample lacks an answer."""

    @abstractmethod
    def one_linear(self, positive: Bools, scores: Floats) -> Linear:
        """The value and the influence of each row, for one question."""

    def within(
        self, truth: Array, predictions: AnsweredChances
    ) -> Iterator[tuple[npt.NDArray[np.int64], Bools, Floats]]:
        """Rows, yes/no truth and score of each question: of all rows, or of each fold, whose model has a scale of its own."""
        folds = predictions.folds
        for positive, scores in self.questions(truth, predictions):
            parts = [np.arange(len(truth))] if folds is None else [np.flatnonzero(folds == k) for k in np.unique(folds)]
            both = [rows for rows in parts if positive[rows].any() and not positive[rows].all()]
            for rows in both or [np.arange(len(truth))]:
                yield rows, positive[rows], scores[rows]

    def values(self, truth: Array, predictions: AnsweredChances, weights: Weights, decided: Array | None) -> Array:
        total, count = np.zeros(len(weights)), np.zeros(len(weights))
        for rows, positive, scores in self.within(truth, predictions):
            value = self.one(positive, scores, weights[:, rows])
            defined = np.isfinite(value)
            total += np.where(defined, value, 0.0)
            count += defined
        return _ratio(total, count)

    def linear(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Linear:
        values, influence = [], np.zeros(len(truth))
        of_fold, questions = np.zeros(len(truth)), np.zeros(len(truth))
        for rows, positive, scores in self.within(truth, predictions):
            part = self.one_linear(positive, scores)
            values.append(part.value)
            influence[rows] += part.influence * (len(truth) / len(rows))
            of_fold[rows] += part.value
            questions[rows] += 1
        value = float(np.mean(values))
        if predictions.folds is None:
            return Linear(value=value, influence=influence / len(values))
        # A row also tells how good its fold's model is, as it does in a mean over rows.
        model = np.divide(of_fold, questions, out=np.full(len(truth), value), where=questions > 0) - value
        return Linear(value=value, influence=influence / len(values) + model)

    def effective_rows(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> int:
        """Twice the rarer answer of the rarest question: the AUC's variance near 1 is that of so many coin flips
        (Hanley and McNeil 1982)."""
        rarer = [min(int(p.sum()), int((~p).sum())) for p, _ in self.questions(truth, predictions)]
        return min(len(truth), 2 * min(rarer) * max(1, len(rarer) // 2))

    def strata(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Array | None:
        return truth if truth.ndim == 1 else None

    def most_rows(self, truth: Array, predictions: AnsweredChances) -> float:
        """Pairs in the wrong order are seldom when nearly all are right, and chance may hide how much they vary."""
        return float(MOST_ROWS * len(truth) * sum(1 for _ in self.questions(truth, predictions)))


class Auc(RankMetric):
    """Area under the ROC curve: Mann and Whitney's share of ordered pairs, ties counting half."""

    name = "auc"
    label = "ROC AUC"
    definition = (
        "The chance that a random positive row scores above a random negative one; 0.5 is guessing, 1 is perfect "
        "(mean of one class against the rest when there are more than two)."
    )

    def one(self, positive: Bools, scores: Floats, weights: Weights) -> Floats:
        yes = np.flatnonzero(positive)
        no = np.flatnonzero(~positive)
        no = no[np.argsort(scores[no])]
        below = np.searchsorted(scores[no], scores[yes], side="left")
        not_above = np.searchsorted(scores[no], scores[yes], side="right")
        weights_yes = weights[:, yes]
        passed = np.zeros((len(weights), len(no) + 1))
        np.cumsum(weights[:, no], axis=1, out=passed[:, 1:])
        beaten = np.einsum("rp,rp->r", weights_yes, passed[:, below])
        if np.array_equal(below, not_above):
            won = beaten
        else:
            won = (beaten + np.einsum("rp,rp->r", weights_yes, passed[:, not_above])) / 2
        pairs = weights_yes.sum(axis=1) * passed[:, -1]
        return _ratio(won, pairs)

    def one_linear(self, positive: Bools, scores: Floats) -> Linear:
        # DeLong, DeLong, Clarke-Pearson 1988: each positive's share of beaten negatives, and the other way round.
        order = np.argsort(scores)
        ends = _ends_of_ties(scores[order])
        is_yes = positive[order]
        yes_upto = np.cumsum(is_yes)[ends].astype(np.float64)
        no_upto = ends + 1 - yes_upto
        n, num_yes, num_no = len(scores), yes_upto[-1], no_upto[-1]
        # Per step of tied scores: negatives below and positives above, ties counting half
        beaten = (no_upto - np.diff(no_upto, prepend=0.0) / 2) / num_no
        losing = 1 - (yes_upto - np.diff(yes_upto, prepend=0.0) / 2) / num_yes
        auc = float(np.diff(yes_upto, prepend=0.0) @ beaten / num_yes)
        step = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        influence = np.empty(n)
        influence[order] = np.where(is_yes, (beaten[step] - auc) * (n / num_yes), (losing[step] - auc) * (n / num_no))
        return Linear(value=auc, influence=influence)


class AveragePrecision(RankMetric):
    """Precision averaged over the steps of recall, without interpolation; tied scores make one step."""

    name = "average_precision"
    label = "Average precision"
    definition = (
        "Precision averaged over all thresholds, weighted by the recall gained at each; guessing scores the share of "
        "positives (mean of one class against the rest when there are more than two)."
    )

    def one(self, positive: Bools, scores: Floats, weights: Weights) -> Floats:
        order = np.argsort(-scores)
        ends = _ends_of_ties(scores[order])
        counted = weights[:, order]
        hits = np.cumsum(counted * positive[order], axis=1)[:, ends]
        called = np.cumsum(counted, axis=1)[:, ends]
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        gained = np.diff(hits, axis=1, prepend=0.0)
        total = hits[:, -1]
        return _ratio((gained * precision).sum(axis=1), total)

    def one_linear(self, positive: Bools, scores: Floats) -> Linear:
        order = np.argsort(-scores)
        ends = _ends_of_ties(scores[order])
        hits = np.cumsum(positive[order], dtype=np.float64)[ends]
        called = (ends + 1).astype(np.float64)
        gained = np.diff(hits, prepend=0.0)
        total = hits[-1]
        value = float((gained * hits / called).sum() / total)
        # A row lifts `called` (and `found`, if positive) at its own step and at every later one.
        if_yes = _sums_from_here(gained / called)
        if_any = _sums_from_here(gained * hits / called**2)
        step = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        is_yes = positive[order]
        influence = np.empty(len(scores))
        influence[order] = (is_yes * (hits[step] / called[step] + if_yes[step] - value) - if_any[step]) / total
        return Linear(value=value, influence=influence * len(scores))


def _ends_of_ties(ordered: Floats) -> npt.NDArray[np.int64]:
    """Positions of the last element of every run of equal values."""
    return np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)


def _sums_from_here(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values[::-1])[::-1])


def _ratio(above: Floats, below: Floats) -> Floats:
    """above / below (R,), NaN where a resample leaves nothing to divide by."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))
