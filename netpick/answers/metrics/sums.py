"""Metrics that are sums over rows and a function of the sums: values under any weights, influence and intervals follow.

A metric that can be written so says two things, what each row adds (`sums`) and what the sums mean (`of_sums`). How it varies
under resamples, between paired candidates and over groups is then no business of its own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol

import numpy as np
import numpy.typing as npt

from netpick.answers.answered import A
from netpick.answers.metrics.base import Linear, Metric, Ratio, Weights
from netpick.types import Array

Floats = npt.NDArray[np.float64]
STEP = 1e-6  # of a sum, for a slope that no formula gives
STEEPEST = 1e150  # influence of a row: its square is still a number
LEAST = 1e-290  # sum that is divided by; anything over less is more than a number can hold


class Sums(Protocol):
    """What each of n rows adds to S sums."""

    def totals(self, weights: Weights) -> Floats:
        """The sums (R, S) under each row of weights (R, n)."""

    def along(self, slopes: Floats) -> Floats:
        """What each row adds (n,) to the sums, each multiplied by its slope (S,)."""


@dataclass(frozen=True)
class RowSums:
    """Numbers (n, k) that rows add, in several parts."""

    parts: Sequence[Array]

    def totals(self, weights: Weights) -> Floats:
        return np.concatenate([weights @ part for part in self.parts], axis=1)

    def along(self, slopes: Floats) -> Floats:
        ends = np.cumsum([part.shape[1] for part in self.parts])[:-1]
        added = [part @ slope for part, slope in zip(self.parts, np.split(slopes, ends), strict=True)]
        return np.asarray(sum(added[1:], start=added[0]))


@dataclass(frozen=True)
class RowCounts:
    """Ones that rows add: each to one of K cells in every part (n,); cell K is nowhere. No one-hot matrix is made."""

    parts: Sequence[Array]
    cells: int

    def totals(self, weights: Weights) -> Floats:
        sums = np.empty((len(weights), len(self.parts), self.cells))
        for resample, row_weights in enumerate(weights):
            for number, part in enumerate(self.parts):
                sums[resample, number] = np.bincount(part, row_weights, self.cells + 1)[: self.cells]
        return sums.reshape(len(weights), -1)

    def along(self, slopes: Floats) -> Floats:
        of_parts = np.split(slopes, len(self.parts))
        added = [np.append(slope, 0.0)[part] for part, slope in zip(self.parts, of_parts, strict=True)]
        return np.asarray(sum(added[1:], start=added[0]))


class SumMetric(Metric[A], Generic[A]):
    """A function of sums over rows. A subclass says what rows add and what the sums mean."""

    @abstractmethod
    def sums(self, truth: Array, predictions: A, decided: Array | None) -> Sums:
        """What each row adds."""

    @abstractmethod
    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        """The metric (R,) of sums (R, S); the shape of `truth` tells classes from labels."""

    def slopes(self, totals: Floats, truth: Array) -> Floats:
        """The derivative (S,) of `of_sums` at the plain sums (S,): by differences, unless a subclass knows the formula."""
        steps = STEP * np.maximum(np.abs(totals), 1.0)
        apart = np.diag(steps)
        return np.asarray((self.of_sums(totals + apart, truth) - self.of_sums(totals - apart, truth)) / (2 * steps))

    def values(self, truth: Array, predictions: A, weights: Weights, decided: Array | None) -> Array:
        return self.of_sums(self.sums(truth, predictions, decided).totals(weights), truth)

    def linear(self, truth: Array, predictions: A, decided: Array | None) -> Linear:
        n = len(truth)
        sums = self.sums(truth, predictions, decided)
        totals = sums.totals(np.ones((1, n)))
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # where all but nothing is divided by, a row may move it by any amount
            slopes = np.clip(np.nan_to_num(self.slopes(totals[0], truth)), -STEEPEST, STEEPEST)
            moved = n * np.asarray(sums.along(slopes), dtype=np.float64)
        influence = np.clip(moved, -STEEPEST, STEEPEST)
        return Linear(value=float(self.of_sums(totals, truth)[0]), influence=influence)


class RatioMetric(Metric[A], Generic[A]):
    """The mean over T targets of sum(above) / sum(below), or of its square root; most errors and losses are of this kind."""

    root: ClassVar[bool] = False  # the square root of each ratio counts

    @abstractmethod
    def parts(self, truth: Array, predictions: A, decided: Array | None) -> tuple[Array, Array | None]:
        """What each row adds above and below, (n, T); None below: rows are counted."""

    def values(self, truth: Array, predictions: A, weights: Weights, decided: Array | None) -> Array:
        above, below = self.parts(truth, predictions, decided)
        counted = weights.sum(axis=1, keepdims=True) if below is None else weights @ below
        return np.asarray(self._bend(over(weights @ above, counted)).mean(axis=1))

    def linear(self, truth: Array, predictions: A, decided: Array | None) -> Linear:
        above, below = self.parts(truth, predictions, decided)
        if below is None:
            ratio = above.mean(axis=0)
            influence = above - ratio
        else:
            total = below.sum(axis=0)
            ratio = over(above.sum(axis=0), total)
            influence = len(truth) * over(above - ratio * below, total)
        bent = self._bend(ratio)
        if self.root:
            influence = influence * np.divide(0.5, bent, out=np.zeros_like(bent), where=bent > 0)
        return Linear(value=float(bent.mean()), influence=influence.mean(axis=1))

    def ratio(self, truth: Array, predictions: A, decided: Array | None) -> Ratio | None:
        if self.share:
            return None
        above, below = self.parts(truth, predictions, decided)
        return Ratio(
            above=above,
            below=np.ones_like(above) if below is None else below,
            root=self.root,
            unseen=self.if_wrong(truth, predictions),
        )

    def if_wrong(self, truth: Array, predictions: A) -> float | None:
        """What a wrong row costs on average, if the probabilities are right; None where there are none."""
        return None

    def _bend(self, ratio: Array) -> Array:
        return np.sqrt(ratio) if self.root else ratio


def over(above: Array, below: Array) -> Array:
    """above / below, 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > LEAST)
