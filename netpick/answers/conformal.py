"""Prediction intervals of regressions: how far from the prediction the truth of nine rows in ten lies.

Split conformal prediction (Vovk et al. 2005; Lei et al. 2018): the half width is a quantile of the absolute errors on
validation rows, corrected for their number, so that a new row of the same kind is covered with at least that probability
whatever the model. Where errors grow with the prediction, as those of prices do, the half width follows it: errors are
divided by their usual size at that prediction first, if the interval score (Gneiting & Raftery 2007) of rows that this
size was not learned from gains by it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT, Array

Floats = npt.NDArray[np.float64]

COVERAGE = 0.9  # share of rows that an interval holds
PORTION_ROWS, MOST_PORTIONS = 60, 10  # validation rows behind one size of errors at least, and sizes at most
BELIEF_ROWS = 10.0  # that the common size of errors is worth in every portion
FOLDS = 5


@dataclass(config=STRICT, kw_only=True)
class Interval:
    """Half the width of one target's interval: at these predictions so much, straight between, level beyond the ends."""

    at: tuple[float, ...] = Field(min_length=1, max_length=MOST_PORTIONS)
    half: tuple[float, ...] = Field(min_length=1, max_length=MOST_PORTIONS)

    def __post_init__(self) -> None:
        if len(self.at) != len(self.half):
            raise ValueError("a half width at every place")
        if not np.isfinite([*self.at, *self.half]).all() or min(self.half) < 0 or (np.diff(self.at) <= 0).any():
            raise ValueError("places that rise, and half widths of at least 0")

    @property
    def words(self) -> str:
        """'half width 0.48', 'half width 0.21 to 0.9, by the prediction'."""
        low, high = f"{min(self.half):.3g}", f"{max(self.half):.3g}"
        return f"half width {low}" if low == high else f"half width {low} to {high}, by the prediction"

    def around(self, values: Floats) -> Floats:
        """Half widths at these predictions (n,)."""
        return np.asarray(np.interp(values, self.at, self.half))


def interval_of(values: Floats, truth: Floats) -> Interval | None:
    """The interval of one target from predictions and truth of validation rows (n,); None where they are too few."""
    errors = np.abs(truth - values)
    known = np.isfinite(errors)
    values, errors = values[known], errors[known]
    if math.ceil((len(errors) + 1) * COVERAGE) > len(errors):
        return None
    level = _corrected_quantile(errors)
    constant = Interval(at=(0.0,), half=(level,))
    count = min(MOST_PORTIONS, len(errors) // PORTION_ROWS)
    if count < 2 or values.min() == values.max():
        return constant
    fold = np.random.default_rng(0).permutation(len(errors)) % FOLDS
    sizes = np.empty(len(errors))
    for number in range(FOLDS):
        held = fold == number
        sizes[held] = _sizes(values[~held], errors[~held], count).around(values[held])
    if not sizes.min() > 0:
        return constant
    factor = _corrected_quantile(errors / sizes)
    gained = _interval_score(errors, np.full(len(errors), level)) - _interval_score(errors, factor * sizes)
    if gained.mean() <= gained.std() / math.sqrt(len(gained)):
        return constant
    whole = _sizes(values, errors, count)
    return Interval(at=whole.at, half=tuple(factor * half for half in whole.half))


def _sizes(values: Floats, errors: Floats, count: int) -> Interval:
    """The mean error around each of some predictions, each the centre of equally many rows."""
    parts = np.array_split(np.argsort(values, kind="stable"), count)
    common = float(errors.mean())
    at = np.array([values[part].mean() for part in parts])
    half = np.array([(errors[part].sum() + BELIEF_ROWS * common) / (len(part) + BELIEF_ROWS) for part in parts])
    apart = np.concatenate([[True], np.diff(at) > 0])
    return Interval(at=tuple(map(float, at[apart])), half=tuple(map(float, half[apart])))


def _corrected_quantile(scores: Array) -> float:
    """The quantile that one more score of the same kind stays below with a probability of at least COVERAGE."""
    rank = math.ceil((len(scores) + 1) * COVERAGE)
    return float(np.partition(scores, rank - 1)[rank - 1])


def _interval_score(errors: Floats, half: Floats) -> Floats:
    """Width, and what a miss costs (n,); less is better."""
    return np.asarray(2 * half + 2 / (1 - COVERAGE) * np.maximum(errors - half, 0.0))
