"""A metric on some rows with its 95 % interval, and the difference of two candidates on the same rows.

Shares (accuracy, recall, AUC, ...) take Wilson's interval, errors and losses a studentised bootstrap on the scale of
logarithms. How often intervals hold the truth, and comparisons find a difference, is in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from netpick.answers.compare.resample import Floats, Resampler, linear_or_plain
from netpick.answers.compare.shares import share_interval, stratified_variance
from netpick.answers.compare.studentised import gaps_interval, ratio_interval
from netpick.answers.metrics.base import Linear, Metric
from netpick.answers.metrics.intervals import t_quantile
from netpick.types import Array
from netpick.types.results import Answered, Comparison, Score

# The 95 % interval of the mean of one exponential loss: one row says next to nothing, and is not shown as certain.
FROM_ONE_ROW = 1 / 3.69, 39.5


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One side of a comparison: a name, and what it says about the rows."""

    name: str
    predictions: Answered
    decided: Array | None


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A contender's value, influence and, where resamples are needed, its values under them."""

    linear: Linear
    resampled: Floats | None
    rows: int  # effective rows behind it
    strata: Array | None  # classes that it compares with each other


def score(
    metric: Metric[Any], truth: Array, predictions: Answered, decided: Array | None, resampler: Resampler
) -> Score:
    """The metric on these rows with its 95 % interval and n."""
    linear = linear_or_plain(metric, truth, predictions, decided)
    rows = truth, predictions, decided
    if metric.share and len(linear.influence):
        low, high = share_interval(metric, linear, rows, resampler)
    elif resampler.num_units < 2:
        low, high = linear.value * FROM_ONE_ROW[0], linear.value * FROM_ONE_ROW[1]
    elif (gaps := metric.gaps(*rows)) is not None:
        low, high = gaps_interval(gaps, resampler)
    elif (ratio := metric.ratio(*rows)) is not None:
        low, high = ratio_interval(ratio, resampler)
    elif resampler.is_small or not len(linear.influence):
        half = _spread(resampler.values(metric, *rows), resampler)
        low, high = linear.value - half, linear.value + half
    else:
        half = _student(resampler) * resampler.standard_error(linear.influence)
        low, high = linear.value - half, linear.value + half
    low, high = _widened(linear.value, (low, high), resampler.fold_factor(linear.influence))
    low, high = max(low, metric.lowest), min(high, metric.highest)
    return Score(value=linear.value, low=min(low, linear.value), high=max(high, linear.value), n=len(truth))


def paired_difference(
    metric: Metric[Any], truth: Array, a: Contender, b: Contender, resampler: Resampler
) -> Comparison:
    """How much better `a` is than `b` on the same rows: positive when `a` is better, whichever way the metric points."""
    return compare_pairs(metric, truth, [a, b], [(a.name, b.name)], resampler)[0]


def compare_pairs(
    metric: Metric[Any],
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


def _measure(metric: Metric[Any], truth: Array, contender: Contender, resampler: Resampler) -> _Measured:
    linear = linear_or_plain(metric, truth, contender.predictions, contender.decided)
    resampled = None
    if resampler.is_small or not len(linear.influence):
        resampled = resampler.values(metric, truth, contender.predictions, contender.decided)
    rows = metric.effective_rows(truth, contender.predictions, contender.decided)
    strata = metric.strata(truth, contender.predictions, contender.decided)
    return _Measured(linear=linear, resampled=resampled, rows=rows, strata=strata)


def _difference(
    metric: Metric[Any], names: tuple[str, str], measured: Mapping[str, _Measured], resampler: Resampler
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
        half = _student(resampler) * resampler.standard_error(influence)
    low, high = difference - half, difference + half
    if metric.share and len(influence):
        low, high = _at_least_share(linear, (low, high), _outcomes(linear, a, b, resampler), resampler)
        if a.strata is not None and resampler.units is None:
            variance, degrees = stratified_variance(influence, a.strata)
            half = 0.0 if degrees is None else t_quantile(degrees) * math.sqrt(variance)
            low, high = min(low, difference - half), max(high, difference + half)
    low, high = _widened(difference, (low, high), resampler.fold_factor(influence))
    widest = metric.highest - metric.lowest  # two groups of rows alone would give more than there can be
    low, high = max(low, -widest), min(high, widest)
    verdict: Literal["better", "worse", "tie"] = "better" if low > 0 else "worse" if high < 0 else "tie"
    return Comparison(
        a=names[0], b=names[1], metric=metric.name, difference=difference, low=low, high=high, verdict=verdict
    )


def _widened(value: float, interval: tuple[float, float], factor: float) -> tuple[float, float]:
    """Both ends of the interval, so many times as far from the value."""
    return float(value - factor * (value - interval[0])), float(value + factor * (interval[1] - value))


def _student(resampler: Resampler) -> float:
    """Standard errors that 95 % of the chance of a mean over so many units lies within."""
    units = resampler.num_units
    return t_quantile(units - 1) * math.sqrt(units / (units - 1))


def _spread(resampled: Floats, resampler: Resampler) -> float:
    """Half the width of the interval of resampled differences, by their standard deviation and Student's t.

    BCa lost here: candidates that are equal differ symmetrically, and it called them different in one case of ten on 30
    rows.
    """
    resampled = resampled[np.isfinite(resampled)]
    if len(resampled) == 0:
        return 0.0
    return _student(resampler) * float(resampled.std())


def _outcomes(linear: Linear, a: _Measured, b: _Measured, resampler: Resampler) -> float:
    """How many rows that are independent of each other a difference of shares rests on."""
    rows = float(resampler.n if a.strata is not None and resampler.units is None else min(a.rows, b.rows))
    squares = float(linear.influence @ linear.influence)
    if resampler.units is None or squares == 0:
        return rows
    return rows / max(1.0, (resampler.standard_error(linear.influence) * resampler.n) ** 2 / squares)


def _at_least_share(
    linear: Linear, interval: tuple[float, float], rows: float, resampler: Resampler
) -> tuple[float, float]:
    """Widens the interval of a difference of shares to Agresti and Min's (2005), which adds half a row to each outcome.

    On few rows the resamples vary too little: four rows that `a` has right and `b` wrong differ by 1 in every resample,
    which is no proof.
    """
    units = max(rows, 1.0)
    error = resampler.standard_error(linear.influence)
    added = units + 2
    centre = linear.value * units / added
    # Variance per row with half a row of +1, half a row of -1 and one row of 0 added
    mean_square = ((error**2 * units + linear.value**2) * units + 1) / added
    degrees = min(units, resampler.num_units) - 1
    half = t_quantile(degrees) * math.sqrt(max(mean_square - centre**2, 0.0) / added)
    return min(interval[0], centre - half), max(interval[1], centre + half)
