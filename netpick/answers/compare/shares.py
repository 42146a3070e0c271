"""Intervals of shares: Wilson's, at the row count that gives the variance seen, for groups with Student's t."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from netpick.answers.compare.resample import Floats, Resampler
from netpick.answers.metrics.base import Linear, Metric
from netpick.answers.metrics.intervals import Z, t_quantile, wilson
from netpick.types import Array
from netpick.types.results import Answered

NO_ERROR = 1e-9  # a standard error that is nothing but rounding


def share_interval(
    metric: Metric[Any],
    linear: Linear,
    rows: tuple[Array, Answered, Array | None],
    resampler: Resampler,
) -> tuple[float, float]:
    """The 95 % interval of a metric in 0..1; `rows` are truth, predictions and decided classes.

    For an accuracy this is Wilson's interval itself; with groups its rows are divided by the design effect. A share of one
    class of many (AUC, average precision) takes Student's t with Welch's degrees of freedom, since one class may be rare.
    """
    value = min(max(linear.value, 0.0), 1.0)
    variance, degrees = _variance(linear.influence, metric.strata(*rows), resampler)
    seen = math.sqrt(variance) > NO_ERROR and 0.0 < value < 1.0
    hidden = metric.hidden_variance(*rows)
    if hidden > 0 and 0.0 < value < 1.0:
        variance, seen = variance + hidden, True
    if not seen:
        # Rows that do not vary (a perfect score) tell no variance: the metric says how many rows stand behind it.
        return wilson(value, metric.effective_rows(*rows) * resampler.num_units / resampler.n)
    behind, most = value * (1 - value) / variance, metric.most_rows(rows[0], rows[1])
    behind = min(behind, most) if metric.proportion else 1 / (1 / behind + 1 / most)
    return wilson(value, behind, Z if degrees is None else t_quantile(degrees))


def _variance(influence: Floats, strata: Array | None, resampler: Resampler) -> tuple[float, float | None]:
    """The variance of a share, and Student's degrees of freedom (None: many)."""
    if resampler.units is not None:
        units = resampler.num_units
        if units < 2:
            return 0.0, None
        return resampler.standard_error(influence) ** 2 * units / (units - 1), units - 1.0
    return (
        stratified_variance(influence, strata)
        if strata is not None
        else (resampler.standard_error(influence) ** 2, None)
    )


def stratified_variance(influence: Floats, strata: Array) -> tuple[float, float | None]:
    """The variance of a sum over rows of several classes (n,), and Welch's degrees of freedom; None for no variance.

    The only row of a class says nothing of how much its class varies: as much as a coin then, of which a mean over several
    classes has its part.
    """
    counts = np.bincount(strata)
    counts = counts[np.flatnonzero(counts)]
    alone = 0.25 if len(counts) == 2 else 0.25 / len(counts) ** 2
    parts = np.bincount(strata, influence**2)[np.unique(strata)] / len(influence) ** 2
    parts = np.where(counts > 1, parts * counts / np.maximum(counts - 1, 1), alone)
    variance = float(parts.sum())
    if variance == 0:
        return 0.0, None
    return variance, max(1.0, variance**2 / float((parts**2 / np.maximum(counts - 1, 1)).sum()))
