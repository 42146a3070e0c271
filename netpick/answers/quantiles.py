"""Quantiles of a forecast: the three that every model states, those that the user asked for, and how wide each has to be.

Networks learn the quantiles 10, 50 and 90 %, and baselines state a width. Any other quantile lies on the same side of the median,
as many times as far away as validation windows ask for. So every model of a run has the quantiles that were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from netpick.types import Array

QUANTILES = (0.1, 0.5, 0.9)
QUANTILE_NAMES = ("low", "median", "high")
ANSWERS = 1 + len(QUANTILES)  # numbers a step and target: the mean, then the quantiles
INTERVAL = QUANTILES[-1] - QUANTILES[0]
LEAST_HALF = 1e-6  # of an interval, in the units of a series' scale
FEWEST_SCORES = 100  # values that an empirical quantile of the errors is taken from, where there are so many


def quantile_names(asked: Sequence[float]) -> tuple[str, ...]:
    """Columns of a table: low, median and high, or those that were asked for, such as q0.05."""
    return tuple(f"q{level:g}" for level in asked) if len(asked) else QUANTILE_NAMES


def band(asked: Sequence[float]) -> tuple[str, str, float]:
    """The columns of the lowest and the highest quantile, and the share that they hold between them."""
    names, levels = quantile_names(asked), asked or QUANTILES
    return names[0], names[-1], levels[-1] - levels[0]


def around_median(asked: Sequence[float]) -> tuple[float, ...]:
    """The levels that were asked for where they lie on both sides of the median, else (): those of 10, 50 and 90 %."""
    return tuple(asked) if len(asked) and asked[0] < 0.5 < asked[-1] else ()


def asked_quantiles(steps: Array, state: Any) -> Array:
    """(n, H, V, K) from what a model states (n, H, V, 4 or more), in the units of the series' scales.

    A blend states them itself, behind the four numbers.
    """
    if steps.shape[-1] > ANSWERS:
        return steps[..., ANSWERS:]
    low, middle, high = (steps[..., i] for i in (1, 2, 3))
    below, above = np.maximum(middle - low, 0.0), np.maximum(high - middle, 0.0)
    factors = quantile_factors(state)
    parts = [
        middle + factor * (above if level > 0.5 else below)
        for level, factor in zip(state.quantiles, factors, strict=True)
    ]
    return np.stack(parts, axis=-1)


def quantile_factors(state: Any) -> Array:
    """(K, 1 or H, 1 or V) how far each quantile lies from the median, in widths of its side as the model states them; below 0 on
    the lower side. Before calibration, as far as those of a normal distribution."""
    signs = np.sign(np.asarray(state.quantiles) - 0.5)[:, None, None]
    if state.reach:
        return np.asarray(signs * np.asarray(state.reach))
    normal = NormalDist()
    widths = [normal.inv_cdf(level) / normal.inv_cdf(QUANTILES[-1]) for level in state.quantiles]
    return np.asarray(widths)[:, None, None]


def conformal_stretch(answers: Array, target: Array, state: Any) -> tuple[tuple[float, ...], ...]:
    """How much wider the intervals have to be (H, V) to hold 80 % of the validation rows.

    Conformalised quantile regression (Romano et al. 2019), a step and target at a time, with a factor instead of a summand:
    the network knows which windows swing more, and seasons in which all of them do may fill the validation part. Both ends
    move alike, since which side was missed on a short validation part is as much its own history as the network's fault.
    answers: of the network (n, outputs); target (n, H * V) in the same units.
    """
    return _as_tuples(held(_misses(answers, target, state), INTERVAL))


def conformal_reach(answers: Array, target: Array, state: Any) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """(K, H, V) how far from the median each quantile that was asked for lies, by the same rule: the one of 95 % ends the
    interval that holds 90 % of the validation rows."""
    misses = _misses(answers, target, state) if state.quantiles else np.zeros(0)
    return tuple(
        _as_tuples(held(misses, abs(2 * level - 1)) if level != 0.5 else np.zeros(misses.shape[1:]))
        for level in state.quantiles
    )


def _misses(answers: Array, target: Array, state: Any) -> Array:
    """(n, H, V) how many widths of its side the truth lies from the median."""
    shape = (len(answers), state.horizon, len(state.targets))
    steps = answers[:, :-1].reshape(*shape, ANSWERS).astype(np.float64)
    truth, middle = target.reshape(shape), steps[..., 2]
    below = (middle - truth) / np.maximum(middle - steps[..., 1], LEAST_HALF)
    above = (truth - middle) / np.maximum(steps[..., 3] - middle, LEAST_HALF)
    return np.maximum(below, above)


def independent(rows: int, horizon: int) -> float:
    """How many independent errors so many validation windows are worth for one step: they overlap, and neighbouring steps are
    taken together where they are few."""
    reach = reach_of(rows, horizon)
    return float(rows) if rows >= FEWEST_SCORES else rows / horizon + 2 * reach + 1


def reach_of(rows: int, horizon: int) -> int:
    """Neighbouring steps on each side that are taken together."""
    return min(horizon, -(-FEWEST_SCORES // max(1, rows)) // 2)


def held(misses: Array, share: float = INTERVAL) -> Array:
    """(H, V): the value that holds this share of the misses (n, H, V); on few rows neighbouring steps are taken together."""
    rows, horizon, width = misses.shape
    reach = reach_of(rows, horizon)
    # Of few windows, which overlap, hardly more than those that follow each other count for the correction for few values.
    level = min(1.0, share * (1 + 1 / independent(rows, horizon)))
    errors = np.zeros((horizon, width))
    for step in range(horizon):
        near = misses[:, max(0, step - reach) : step + reach + 1].reshape(-1, width)
        for target in range(width):
            known = near[:, target]
            known = known[~np.isnan(known)]
            if len(known):
                errors[step, target] = np.quantile(known, level)
    return errors


def _as_tuples(values: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, step)) for step in values)
