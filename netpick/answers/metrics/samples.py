"""Metrics of rows that are made up: whether they teach as real ones do, whether they can be told apart, and whether they are copies."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from netpick.answers.answered import FACTS, AnsweredClasses, AnsweredNumbers, AnsweredSamples
from netpick.answers.metrics.base import Linear, Metric, Ratio, Weights
from netpick.answers.metrics.errors import R2
from netpick.answers.metrics.means import RowMean
from netpick.answers.metrics.ranks import Auc
from netpick.types import Array


class Useful(Metric[AnsweredSamples]):
    """What boosted trees that were fitted to made-up rows say of real ones (TSTR; Esteban et al. 2017), by a metric of such answers."""

    inner: ClassVar[Metric[Any]]
    better = "higher"
    reads = AnsweredSamples

    @abstractmethod
    def read(self, truth: Array, predictions: AnsweredSamples) -> tuple[Array, Any]:
        """The target of the rows and what the trees say of it, as the inner metric reads them."""

    @abstractmethod
    def fits(self, columns: int) -> bool:
        """Whether answers of so many numbers a row are of its kind."""

    def applies(self, truth: Array, predictions: AnsweredSamples) -> bool:
        useful = predictions.useful
        return useful is not None and self.fits(useful.shape[1]) and self.inner.applies(*self.read(truth, predictions))

    def margin(self, value: float) -> float:
        return self.inner.margin(value)

    def values(self, truth: Array, predictions: AnsweredSamples, weights: Weights, decided: Array | None) -> Array:
        return self.inner.values(*self.read(truth, predictions), weights, None)

    def linear(self, truth: Array, predictions: AnsweredSamples, decided: Array | None) -> Linear | None:
        return self.inner.linear(*self.read(truth, predictions), None)

    def effective_rows(self, truth: Array, predictions: AnsweredSamples, decided: Array | None) -> int:
        return self.inner.effective_rows(*self.read(truth, predictions), None)

    def ratio(self, truth: Array, predictions: AnsweredSamples, decided: Array | None) -> Ratio | None:
        return self.inner.ratio(*self.read(truth, predictions), None)

    def strata(self, truth: Array, predictions: AnsweredSamples, decided: Array | None) -> Array | None:
        return self.inner.strata(*self.read(truth, predictions), None)

    def most_rows(self, truth: Array, predictions: AnsweredSamples) -> float:
        return self.inner.most_rows(*self.read(truth, predictions))


class UsefulAuc(Useful):
    """Of classes: ROC AUC."""

    name, label, inner = "useful_auc", "Usefulness (AUC)", Auc()
    share = True
    lowest, highest = 0.0, 1.0
    definition = (
        "The ROC AUC on real test rows of boosted trees that learned from these rows alone; beside it stands that of real rows, which a "
        "generator can hardly reach."
    )

    def read(self, truth: Array, predictions: AnsweredSamples) -> tuple[Array, AnsweredClasses]:
        assert predictions.useful is not None
        numbers = np.nan_to_num(truth[:, 0], nan=-1.0).astype(np.int64)
        return numbers, AnsweredClasses(probabilities=predictions.useful)

    def fits(self, columns: int) -> bool:
        return columns > 1


class UsefulR2(Useful):
    """Of numbers: R2."""

    name, label, inner = "useful_r2", "Usefulness (R2)", R2()
    highest = 1.0
    squared = True
    definition = (
        "R2 on real test rows of boosted trees that learned from these rows alone; beside it stands that of real rows."
    )

    def read(self, truth: Array, predictions: AnsweredSamples) -> tuple[Array, AnsweredNumbers]:
        assert predictions.useful is not None
        return truth[:, :1], AnsweredNumbers(values=predictions.useful)

    def fits(self, columns: int) -> bool:
        return columns == 1


class OfFact(RowMean[AnsweredSamples]):
    """The mean over test rows of one of the numbers that each has."""

    reads = AnsweredSamples
    fact: ClassVar[str]
    decides = False

    def applies(self, truth: Array, predictions: AnsweredSamples) -> bool:
        return len(truth) > 0 and predictions.facts is not None

    def per_row(self, truth: Array, predictions: AnsweredSamples, decided: Array | None) -> Array:
        assert predictions.facts is not None
        return np.asarray(predictions.facts[:, FACTS.index(self.fact)])


class ToldApart(OfFact):
    """The classifier two-sample test (Lopez-Paz & Oquab 2017), as the AUC of boosted trees."""

    name, label, fact, better = "told_apart", "Told apart (AUC)", "told", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "How well boosted trees tell made-up rows from real ones that they have not seen, as an AUC: 0.5 is not at all, 1 always."


class AlikeColumns(OfFact):
    """One minus the total variation distance of each column, averaged."""

    name, label, fact, better = "alike_columns", "Columns alike", "columns", "higher"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of each column's distribution that real and made-up rows have in common (1 minus the total variation distance), on average."


class AlikePairs(OfFact):
    """The same of pairs of columns, in coarse bins."""

    name, label, fact, better = "alike_pairs", "Pairs of columns alike", "pairs", "higher"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The same of two columns together, each in at most eight groups, on average over pairs."


class Coverage(OfFact):
    """Naeem et al. 2020."""

    name, label, fact, better = "covered", "Coverage", "covered", "higher"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of real rows that have a made-up row as near as their fifth real neighbour: what of the real rows is made at all."


class Density(OfFact):
    """Naeem et al. 2020."""

    name, label, fact, better = "density", "Density", "density", "higher"
    lowest = 0.0
    definition = "How many made-up rows lie as near to real ones as real neighbours do: 1 is as many as real rows, less means rows like none."


class Copies(OfFact):
    """Exact copies of training rows."""

    name, label, fact, better = "copies", "Exact copies", "copied", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of made-up rows that equal a row that was learned from, in every column."


class HeldOutCopies(OfFact):
    """What of it is chance."""

    name, label, fact, better = "held_out_copies", "Copies among held-out rows", "held_copied", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of real rows that were not learned from and equal one that was: so many copies are chance."


class NearCopies(OfFact):
    """The same of codes: a number is equal to those of its bin."""

    name, label, fact, better = "near_copies", "Near copies", "near_copied", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of made-up rows that equal a row that was learned from, where numbers of the same hundredth of their column are equal."


class HeldOutNearCopies(OfFact):
    """What of it is chance."""

    name, label, fact, better = "held_out_near_copies", "Near copies among held-out rows", "held_near_copied", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The same share of real rows that were not learned from: so many near copies are chance."


class NearerToLearned(OfFact):
    """Distance to the closest record, against as many held-out rows."""

    name, label, fact, better = "nearer", "Nearer to learned rows", "nearer", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = (
        "The share of made-up rows that lie nearer to a row that was learned from than to a held-out one, of as many of both: one half where "
        "nothing was memorised."
    )


class RareCombinations(OfFact):
    """Pairs of values that a single training row has."""

    name, label, fact, better = "rare", "Rare combinations", "rare", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = (
        "The share of made-up rows with a combination of two values that a single row that was learned from has."
    )


class HeldOutRare(OfFact):
    """What of it is chance."""

    name, label, fact, better = "held_out_rare", "Rare combinations among held-out rows", "held_rare", "lower"
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The same share of real rows that were not learned from."


SAMPLE_METRICS = (
    UsefulAuc(), UsefulR2(), ToldApart(), AlikeColumns(), AlikePairs(), Coverage(), Density(), Copies(), HeldOutCopies(),
    NearCopies(), HeldOutNearCopies(), NearerToLearned(), RareCombinations(), HeldOutRare(),
)  # fmt: skip
