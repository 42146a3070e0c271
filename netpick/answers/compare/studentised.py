"""Intervals of errors and losses: a studentised bootstrap on the scale of logarithms, where their skew is least."""

from __future__ import annotations

import math

import numpy as np

from netpick.answers.compare.resample import Floats, Resampler
from netpick.answers.metrics.base import Gaps, Ratio
from netpick.answers.metrics.intervals import Z, t_quantile

LEAST = 0.017  # for 2.5 %: the largest losses of all are not among few rows
WILDEST = 3.0  # times Student's quantile: of few units, a resample or two hardly vary at all
LEAST_EXPONENT = -400  # of two, of the largest sum
NORMAL_DRAWS = 600
SURPRISE = 0.02  # of each side; what is seen is not quite in proportion to what is true


def ratio_interval(ratio: Ratio, resampler: Resampler) -> tuple[float, float]:
    """The 95 % interval of a mean of ratios of sums.

    Each resample is measured in its own standard error (Efron 1981; Hall 1988): of skewed losses, a sample that by chance
    lacks the large ones has a small mean and a small variance, which other bootstraps take at its word. Where a mistake has
    a known price, the upper end is at least that of the rows and one mistake more.
    """
    above, below = resampler.sums(ratio.above), resampler.sums(ratio.below)
    low, high = _ends(ratio, above, below, resampler.unit_weights)
    if ratio.unseen is not None:
        above, below = np.append(above, [[ratio.unseen]], axis=0), np.append(below, [[1.0]], axis=0)
        (value,), (error,) = _logarithms(ratio, above, below, np.ones((1, len(above))))
        high = max(high, math.exp(value) * (1 + t_quantile(len(above) - 1) * error))
    return (1 - high, 1 - low) if ratio.reflected else (low, high)


def _ends(ratio: Ratio, above: Floats, below: Floats, weights: Floats | None) -> tuple[float, float]:
    """The ends of the interval of the mean of ratios; above, below: (units, T)."""
    up, down = _exponent(above), _exponent(below)
    if up or down:
        ends = _ends(ratio, np.ldexp(above, -up), np.ldexp(below, -down), weights)
        with np.errstate(over="ignore"):
            low, high = np.nan_to_num(np.ldexp(ends, (up - down) // 2 if ratio.root else up - down)).tolist()
        return low, high
    units = len(above)
    (value,), (error,) = _logarithms(ratio, above, below, np.ones((1, units)))
    if not math.isfinite(value):  # nothing was missed
        return 0.0, 0.0
    student = t_quantile(units - 1)
    low, high = -student, student
    if weights is not None:
        values, errors = _logarithms(ratio, above, below, weights)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            # The upper end is not on the scale of logarithms: where few rows hold most of a loss it would be anywhere.
            falls, rises = (1 - np.exp(value - values)) / errors, (values - value) / errors
        wider = math.sqrt(student / Z)  # resamples of few units know of half of what Student's t corrects
        low, high = _quantile(falls, LEAST) * wider, _quantile(rises, 0.975) * wider
        low, high = max(-WILDEST * student, min(low, 0.0)), min(WILDEST * student, max(high, 0.0))
        return math.exp(value - high * error), math.exp(value) * (1 - low * error)
    return math.exp(value - high * error), math.exp(value - low * error)


def _exponent(sums: Floats) -> int:
    """An even power of two that brings the largest sum near one, where its square would be nothing in double precision; else 0."""
    exponent = math.frexp(float(sums.max(initial=0.0)))[1] & ~1
    return exponent if exponent < LEAST_EXPONENT else 0


def _quantile(values: Floats, share: float) -> float:
    values = values[np.isfinite(values)]
    return float(np.quantile(values, share)) if len(values) else 0.0


def _logarithms(ratio: Ratio, above: Floats, below: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The logarithm of the metric under each weighting (R, units) and its standard error, both (R,).

    above, below: (units, T). Not finite where a resample has nothing above or below.
    """
    if above.shape[1] == 1:
        return _of_one_target(ratio, above[:, 0], below[:, 0], weights)
    upper, lower = weights @ above, weights @ below  # (R, T)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratios = np.where(lower > 0, upper / lower, 0.0)
        values = np.sqrt(ratios) if ratio.root else ratios
        shares = values / values.sum(axis=1, keepdims=True) * (0.5 if ratio.root else 1.0)
        # A unit moves the logarithm by its share of what is above less its share of what is below.
        rise = np.where(upper > 0, shares / upper, 0.0)
        fall = np.where(lower > 0, shares / lower, 0.0)
        squares = np.square(rise @ above.T - fall @ below.T)
        errors = np.sqrt(np.einsum("ru,ru->r", weights, squares))
        return np.log(values.mean(axis=1)), errors


def _of_one_target(ratio: Ratio, above: Floats, below: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The same with sums of squares alone, which is several times as fast."""
    columns = np.stack([above, below, above**2, above * below, below**2], axis=1)
    upper, lower, squares, products, others = (weights @ columns).T
    power = 0.5 if ratio.root else 1.0
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        values = power * np.log(upper / lower)
        variances = squares / upper**2 - 2 * products / (upper * lower) + others / lower**2
        return values, power * np.sqrt(np.maximum(variances, 0.0))


def gaps_interval(gaps: Gaps, resampler: Resampler) -> tuple[float, float]:
    """The 95 % interval of a sum of absolute gaps, which noise alone makes greater than zero.

    True gaps are taken to be those seen, shrunk or grown by one factor; the interval holds the factors under which the sum
    that was seen is no surprise. Ten thousand perfectly calibrated rows of 15 bins show a sum of 0.02.
    """
    means = gaps.by_row.mean(axis=0)
    seen = float(np.abs(means).sum())
    rows = resampler.n
    deviation = np.sqrt(gaps.variance / rows * _design_effect(gaps, resampler))
    noise = np.random.default_rng(resampler.seed).standard_normal((NORMAL_DRAWS, len(means))) * deviation
    if seen == 0:
        return 0.0, float(np.quantile(np.abs(noise).sum(axis=1), 0.95))
    factors = np.concatenate([np.linspace(0.0, 2.0, 51), np.linspace(2.2, 6.0, 20)])
    upto, least = np.empty(len(factors)), np.empty(len(factors))
    for i, factor in enumerate(factors):
        sums = np.abs(factor * means + noise).sum(axis=1)
        upto[i], least[i] = (sums <= seen).mean(), (sums >= seen).mean()
    possible = factors[(upto > SURPRISE) & (least > SURPRISE)]
    if not len(possible):  # less was seen than noise alone makes
        return 0.0, seen
    return seen * float(possible.min()), seen * float(possible.max())


def _design_effect(gaps: Gaps, resampler: Resampler) -> float:
    """How much more the sum of all gaps varies because rows of a group are alike; 1 without groups."""
    if resampler.units is None or resampler.num_units < 2:
        return 1.0
    total = gaps.by_row.sum(axis=1)
    total = total - total.mean()
    alone = float(total @ total)
    together = float(np.square(resampler.sums(total)).sum()) * resampler.num_units / (resampler.num_units - 1)
    return max(1.0, together / alone) if alone > 0 else 1.0
