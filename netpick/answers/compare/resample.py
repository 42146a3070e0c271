"""Resampled test rows: the same draws for every candidate, so that differences are taken in pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from netpick.answers.metrics.base import Linear, Metric, Weights
from netpick.types import Array
from netpick.types.results import Answered

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
CELLS = 2_000_000  # resamples times rows that are worth drawing; 16 MB of weights, kept for all candidates
FEWEST = 100  # resamples, for a standard error within 7 %


@dataclass(frozen=True)
class Resampler:
    """Draws rows with replacement, or whole groups of rows where rows of a group depend on each other.

    Up to 2,000 rows, 1,000 resamples are drawn once and kept. Beyond that, a bootstrap would only repeat what the
    influence of each row says (the two agree to a few percent of the interval's width by then), at hundreds of
    times the cost; metrics that have no influence are then drawn fewer times, a few megabytes at once.
    """

    n: int
    seed: int
    groups: Array | None = None  # (n,) group of each row
    folds: Array | None = None  # (n,) fold of each row, where each fold was answered by a model of its own

    @property
    def count(self) -> int:
        """How many resamples are drawn."""
        return min(RESAMPLES, max(FEWEST, CELLS // max(1, self.n)))

    @property
    def is_small(self) -> bool:
        """Whether all resamples are drawn, rather than a normal interval taken."""
        return self.count == RESAMPLES

    @cached_property
    def units(self) -> Array | None:
        """Group numbers 0..G-1 of the rows; None when every row stands for itself."""
        return None if self.groups is None else np.unique(self.groups, return_inverse=True)[1]

    @cached_property
    def num_units(self) -> int:
        """How many independent units the rows are."""
        return self.n if self.units is None else int(self.units.max()) + 1

    def weights(self) -> Iterator[Weights]:
        """All resamples in chunks (r, n), the same every time that it is called."""
        if self.is_small:
            yield self._kept
            return
        rows_at_once = max(1, CELLS // self.n)
        for chunk, start in enumerate(range(0, self.count, rows_at_once)):
            yield self._draw(min(rows_at_once, self.count - start), chunk)

    @cached_property
    def unit_weights(self) -> Weights | None:
        """How often each unit counts in each resample (R, units); None where units are so many that chance is normal."""
        if self.num_units > CELLS // RESAMPLES:
            return None
        if self.units is None:
            return self._kept
        return self._times(np.random.default_rng([self.seed, 0]), RESAMPLES)

    def sums(self, by_row: Floats) -> Floats:
        """What each independent unit adds, from what each row adds (n,) or (n, ...): rows as they are, or sums of groups."""
        if self.units is None:
            return by_row
        summed = np.zeros((self.num_units, *by_row.shape[1:]))
        np.add.at(summed, self.units, by_row)
        return summed

    def standard_error(self, influence: Floats) -> float:
        """Of a metric whose rows have this influence (n,)."""
        units = self.sums(influence)
        return math.sqrt(float(units @ units)) / self.n

    def fold_factor(self, influence: Floats) -> float:
        """How much wider an interval is because every fold has a model of its own; 1 without folds.

        Rows vary by themselves, and K folds of independent rows would vary K times as much as all of them. What they vary beyond
        that is due to their models, which share most of their training rows: Nadeau and Bengio (2003) correct its variance by
        1/K + (rows of a fold) / (rows to learn from).
        """
        if self.folds is None or not len(influence):
            return 1.0
        names, fold = np.unique(self.folds, return_inverse=True)
        by_rows = self.standard_error(influence) ** 2
        count = len(names)
        if count < 2 or by_rows <= 0:
            return 1.0
        means = np.bincount(fold, influence) / np.bincount(fold)
        beyond = max(0.0, float(means.var(ddof=1)) - count * by_rows)
        return math.sqrt(1 + beyond * (1 / count + 1 / (count - 1)) / by_rows)

    def values(self, metric: Metric[Any], truth: Array, predictions: Answered, decided: Array | None) -> Floats:
        """The metric under every resample (count,); NaN where a resample leaves it undefined."""
        return np.concatenate([metric.values(truth, predictions, weights, decided) for weights in self.weights()])

    @cached_property
    def _kept(self) -> Weights:
        return self._draw(self.count, 0)

    def _draw(self, count: int, chunk: int) -> Weights:
        times = self._times(np.random.default_rng([self.seed, chunk]), count)
        return times if self.units is None else times[:, self.units]

    def _times(self, generator: np.random.Generator, count: int) -> Weights:
        """How often each unit is drawn (count, units)."""
        drawn = generator.integers(0, self.num_units, size=(count, self.num_units), dtype=np.int32)
        times = np.empty((count, self.num_units))
        for resample, picks in enumerate(drawn):
            times[resample] = np.bincount(picks, minlength=self.num_units)
        return times


def plain_value(metric: Metric[Any], truth: Array, predictions: Answered, decided: Array | None) -> float:
    """The metric on the rows as they are."""
    return float(metric.values(truth, predictions, np.ones((1, len(truth))), decided)[0])


def linear_or_plain(metric: Metric[Any], truth: Array, predictions: Answered, decided: Array | None) -> Linear:
    """The metric's linear form; one without derivative has its value and no influence (n = 0)."""
    linear = metric.linear(truth, predictions, decided)
    if linear is not None:
        return linear
    return Linear(value=plain_value(metric, truth, predictions, decided), influence=np.empty(0))
