"""A metric on some rows with its 95 % interval, and the difference of two candidates on the same rows.

Shares (accuracy, recall, AUC, ...) take Wilson's interval at the row count that gives their variance; everything else
takes a bias-corrected, accelerated bootstrap (BCa; Efron 1987) on few rows and a normal interval on many. Both are checked
by simulation in tests/unit/test_compare.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from netpick.compare.resample import Floats, Resampler, linear_or_plain
from netpick.metrics.base import Linear, Metric
from netpick.metrics.intervals import Z, t_quantile, wilson
from netpick.types import Array, Comparison, Predictions, Score

NORMAL = NormalDist()
# The 95 % interval of the mean of one exponential loss: one row says next to nothing, and is not shown as certain.
NO_ERROR = 1e-9  # a standard error that is nothing but rounding
FROM_ONE_ROW = 1 / 3.69, 39.5


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One side of a comparison: a name, and what it says about the rows."""

    name: str
    predictions: Predictions
    decided: Array | None


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A contender's value, influence and, where resamples are needed, its values under them."""

    linear: Linear
    resampled: Floats | None
    rows: int  # effective rows behind it


def score(metric: Metric, truth: Array, predictions: Predictions, decided: Array | None, resampler: Resampler) -> Score:
    """The metric on these rows with its 95 % interval and n."""
    linear = linear_or_plain(metric, truth, predictions, decided)
    n = len(truth)
    if metric.share and len(linear.influence):
        error = resampler.standard_error(linear.influence)
        # Rows that do not vary (a perfect score) tell no variance: the metric says how many rows stand behind it.
        varies = error > NO_ERROR and 0.0 < linear.value < 1.0
        rows = float(n) if varies else metric.effective_rows(truth, predictions, decided) * resampler.num_units / n
        low, high = _share_interval(linear.value, error, rows)
        return Score(value=linear.value, low=low, high=high, n=n)
    if resampler.num_units < 2:
        low, high = linear.value * FROM_ONE_ROW[0], linear.value * FROM_ONE_ROW[1]
    elif metric.biased and resampler.is_small:
        low, high = _reflected_interval(linear, resampler.values(metric, truth, predictions, decided))
    elif resampler.is_small or not len(linear.influence):
        low, high = _bootstrap_interval(linear, resampler.values(metric, truth, predictions, decided), resampler)
    else:
        half = Z * resampler.standard_error(linear.influence)
        low, high = linear.value - half, linear.value + half
    low, high = max(low, metric.lowest), min(high, metric.highest)
    return Score(value=linear.value, low=min(low, linear.value), high=max(high, linear.value), n=n)


def _share_interval(value: float, error: float, at_most: float) -> tuple[float, float]:
    """Wilson's interval at the row count that gives this standard error, and at most so many.

    For an accuracy this is Wilson's interval itself; with groups its rows are divided by the design effect.
    """
    value = min(max(value, 0.0), 1.0)
    rows = value * (1 - value) / error**2 if error > NO_ERROR and 0.0 < value < 1.0 else math.inf
    return wilson(value, min(rows, at_most))


def _bootstrap_interval(linear: Linear, resampled: Floats, resampler: Resampler) -> tuple[float, float]:
    """The BCa interval of the resampled values, widened on very few rows as Student's t is."""
    resampled = np.sort(resampled[np.isfinite(resampled)])
    if len(resampled) == 0 or not resampler.is_small or not len(linear.influence):
        half = Z * float(resampled.std()) if len(resampled) else 0.0
        return linear.value - half, linear.value + half
    below = (np.searchsorted(resampled, linear.value, "left") + np.searchsorted(resampled, linear.value, "right")) / 2
    bias = NORMAL.inv_cdf(min(max(below / len(resampled), 0.01), 0.99))
    units = resampler.sums(linear.influence)
    cubes, squares = float((units**3).sum()), float(units @ units)
    bend = cubes / (6 * squares**1.5) if squares > 0 else 0.0
    ends = []
    for z in (-Z, Z):
        moved = bias + (bias + z) / max(1 - bend * (bias + z), 0.1)
        ends.append(float(np.quantile(resampled, NORMAL.cdf(moved))))
    units_count = resampler.num_units
    wider = t_quantile(units_count - 1) / Z * math.sqrt(units_count / (units_count - 1))
    return linear.value + (ends[0] - linear.value) * wider, linear.value + (ends[1] - linear.value) * wider


def _reflected_interval(linear: Linear, resampled: Floats) -> tuple[float, float]:
    """The basic bootstrap interval: if resamples lie above the sample, the sample lies as far above the truth."""
    low, high = np.nanquantile(resampled, (0.025, 0.975))
    return 2 * linear.value - float(high), 2 * linear.value - float(low)


def paired_difference(metric: Metric, truth: Array, a: Contender, b: Contender, resampler: Resampler) -> Comparison:
    """How much better `a` is than `b` on the same rows: positive when `a` is better, whichever way the metric points."""
    return compare_pairs(metric, truth, [a, b], [(a.name, b.name)], resampler)[0]


def compare_pairs(
    metric: Metric,
    truth: Array,
    contenders: Iterable[Contender],
    pairs: Iterable[tuple[str, str]],
    resampler: Resampler,
) -> list[Comparison]:
    """Paired differences of many pairs; every contender is measured once, under the same resamples.

    Intervals are plain 95 % ones, not corrected for the number of pairs: the two that the verdict rests on (winner
    against runner-up, winner against best baseline) are fixed on validation rows before the test rows are opened, so
    each is one test; the others are there to be looked at.
    """
    measured = {c.name: _measure(metric, truth, c, resampler) for c in contenders}
    return [_difference(metric, (a, b), measured, resampler) for a, b in pairs]


def _measure(metric: Metric, truth: Array, contender: Contender, resampler: Resampler) -> _Measured:
    linear = linear_or_plain(metric, truth, contender.predictions, contender.decided)
    resampled = None
    if resampler.is_small or not len(linear.influence):
        resampled = resampler.values(metric, truth, contender.predictions, contender.decided)
    rows = metric.effective_rows(truth, contender.predictions, contender.decided)
    return _Measured(linear=linear, resampled=resampled, rows=rows)


def _difference(
    metric: Metric, names: tuple[str, str], measured: Mapping[str, _Measured], resampler: Resampler
) -> Comparison:
    a, b = (measured[name] for name in names)
    sign = 1.0 if metric.better == "higher" else -1.0
    difference = sign * (a.linear.value - b.linear.value)
    influence = sign * (a.linear.influence - b.linear.influence)
    linear = Linear(value=difference, influence=influence)
    if resampler.num_units < 2:
        half = FROM_ONE_ROW[1] * max(abs(a.linear.value), abs(b.linear.value))
    elif a.resampled is not None and b.resampled is not None:
        half = _spread(a.resampled - b.resampled, resampler)
    else:
        half = Z * resampler.standard_error(influence)
    low, high = difference - half, difference + half
    if metric.share and len(influence):
        low, high = _at_least_share(linear, (low, high), min(a.rows, b.rows), resampler)
    widest = metric.highest - metric.lowest  # two groups of rows alone would give more than there can be
    low, high = max(low, -widest), min(high, widest)
    verdict: Literal["better", "worse", "tie"] = "better" if low > 0 else "worse" if high < 0 else "tie"
    return Comparison(
        a=names[0], b=names[1], metric=metric.name, difference=difference, low=low, high=high, verdict=verdict
    )


def _spread(resampled: Floats, resampler: Resampler) -> float:
    """Half the width of the interval of resampled differences, by their standard deviation and Student's t.

    BCa lost here: candidates that are equal differ symmetrically, and it called them different in one case of ten on 30
    rows.
    """
    resampled = resampled[np.isfinite(resampled)]
    units = resampler.num_units
    if len(resampled) == 0:
        return 0.0
    return t_quantile(units - 1) * math.sqrt(units / (units - 1)) * float(resampled.std())


def _at_least_share(
    linear: Linear, interval: tuple[float, float], rows: int, resampler: Resampler
) -> tuple[float, float]:
    """Widens the interval of a difference of shares to Agresti and Min's (2005), which adds half a row to each outcome.

    On few rows the resamples vary too little: four rows that `a` has right and `b` wrong differ by 1 in every resample,
    which is no proof.
    """
    units = max(rows * resampler.num_units / resampler.n, 1.0)
    error = resampler.standard_error(linear.influence)
    added = units + 2
    centre = linear.value * units / added
    # Variance per row with half a row of +1, half a row of -1 and one row of 0 added
    mean_square = ((error**2 * units + linear.value**2) * units + 1) / added
    half = t_quantile(units - 1) * math.sqrt(max(mean_square - centre**2, 0.0) / added)
    return min(interval[0], centre - half), max(interval[1], centre + half)
