"""Which form of exponential smoothing fits a series, and with which parameters: a bounded search over all series at once.

Each form (trend absent, damped or plain; season absent, additive or multiplicative) is followed with a few dozen sets of
parameters, then around the best of them, by squared errors one step ahead. The form is chosen by the errors over the whole
horizon from origins in the second half of the steps, with a penalty for each parameter as Akaike's criterion has it; where a
series is too short for that, by the criterion of one step ahead. (By one step alone, the airline passengers lost their trend.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from netpick.models.baselines.smoothing_runs import ADDITIVE, MULTIPLICATIVE, NONE, Runs, aligned, smooth
from netpick.types import Array

TRIED = 40  # sets of parameters a form, then fewer around the best one, several times
NARROWER = ((0.8, 16), (0.4, 16), (0.2, 12))  # how far away, in logits, and how many
STREAM = 7  # of the random numbers that parameters are drawn with
PLAIN = (0.3, 0.0, 0.1, 0.0)  # level alone, where a series is too short to fit
ORIGINS = 8  # in a series, from which forms are compared over the horizon
FEWEST = 10  # steps of a series that is fitted
DAMPED = (0.8, 0.995)


@dataclass(frozen=True, kw_only=True)
class Form:
    """What is smoothed beside the level."""

    trend: str  # "none", "damped", "plain"
    kind: int
    period: int

    @property
    def count(self) -> int:
        """Parameters and first states."""
        trend = {"none": 0, "damped": 3, "plain": 2}[self.trend]
        return 3 + trend + (self.period + 1 if self.kind != NONE else 0)


def forms_of(periods: Sequence[int], *, positive: bool) -> list[Form]:
    """All forms with these periods; multiplicative seasons where all values are above 0."""
    seasons = [(NONE, 1), *product((ADDITIVE, MULTIPLICATIVE) if positive else (ADDITIVE,), periods)]
    return [Form(trend=trend, kind=k, period=p) for k, p in seasons for trend in ("none", "damped", "plain")]


def fit_forms(parts: list[Array], periods: Sequence[int], horizon: int) -> Array:
    """(R, 6) the best form and parameters of each of these series, in the order of smoothing_runs' table."""
    found = np.tile(np.array([*PLAIN, NONE, 1.0]), (len(parts), 1))
    usable = [i for i, part in enumerate(parts) if len(part) >= FEWEST and np.ptp(part) > 0]
    if not usable:
        return found
    scales = np.array([np.std(parts[i]) for i in usable])
    values, lengths = aligned([parts[i] / scale for i, scale in zip(usable, scales, strict=True)])
    positive = np.array([bool(parts[i].min() > 0) for i in usable])
    longest = max(periods, default=1)
    begin = np.minimum(longest, lengths // 3)
    origins = [_origins(int(length), longest, horizon) for length in lengths]
    best = np.full(len(usable), np.inf)
    for form in forms_of(periods, positive=bool(positive.any())):
        fits = lengths >= 3 * form.period + 2
        if form.kind == MULTIPLICATIVE:
            fits &= positive
        chosen = np.flatnonzero(fits)
        if not len(chosen):
            continue
        errors, parameters = _search(form, values[:, chosen], lengths[chosen], begin[chosen])
        table = np.column_stack([parameters, np.tile([form.kind, form.period], (len(chosen), 1))])
        criterion = _criterion(errors, lengths[chosen] - begin[chosen], form.count)
        ahead = _ahead([values[: lengths[i], i] for i in chosen], table, [origins[i] for i in chosen], horizon)
        by_horizon = np.log(np.maximum(ahead, 1e-12)) + 2 * form.count / lengths[chosen]
        criterion = np.where(np.isnan(ahead), criterion, by_horizon)
        better = criterion < best[chosen]
        places = chosen[better]
        best[places] = criterion[better]
        found[np.array(usable)[places]] = table[better]
    return found


def _origins(length: int, period: int, horizon: int) -> Array:
    """Steps in the second half of a series from which a whole horizon is known; none where it is too short."""
    first, last = max(length // 2, 2 * period + 1), length - horizon
    return np.unique(np.linspace(first, last, ORIGINS).astype(int)) if last >= first else np.zeros(0, dtype=int)


def _ahead(parts: list[Array], table: Array, origins: list[Array], horizon: int) -> Array:
    """(R,) mean squared error over the horizon from these origins of each series; NaN where there are none."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    rows = np.concatenate([start + at for start, at in zip(starts, origins, strict=False)]).astype(np.int64)
    found = np.full(len(parts), np.nan)
    if not len(rows):
        return found
    values = np.concatenate(parts)
    drawn = smooth(values[:, None], starts, table[:, None], rows, horizon)[:, :, 0]
    errors = ((drawn - values[rows[:, None] + np.arange(horizon)]) ** 2).mean(axis=1)
    owner = np.repeat(np.arange(len(parts)), [len(at) for at in origins])
    counts = np.bincount(owner, minlength=len(parts))
    np.divide(np.bincount(owner, errors, len(parts)), counts, out=found, where=counts > 0)
    return np.where(np.isinf(found), 1e300, found)


def _criterion(errors: Array, steps: Array, count: int) -> Array:
    """Akaike's criterion, corrected for few steps."""
    spare = np.maximum(steps - count - 1, 0.5)
    return np.asarray(steps * np.log(np.maximum(errors, 1e-12) / steps) + 2 * count + 2 * count * (count + 1) / spare)


def _search(form: Form, values: Array, lengths: Array, begin: Array) -> tuple[Array, Array]:
    """Least squared errors (R,) of this form, and its parameters (R, 4)."""
    generator = np.random.default_rng(STREAM)
    series = values.shape[1]
    centre = np.zeros((series, 4))
    best, kept = np.full(series, np.inf), np.zeros((series, 4))
    for spread, count in ((2.0, TRIED), *NARROWER):
        drawn = generator.normal(size=(count, 1, 4)) * spread
        drawn[0] = 0.0
        logits = centre[None] + drawn  # (count, R, 4)
        parameters = _parameters(form, logits).reshape(-1, 4)
        runs = Runs(
            values=np.tile(values, (1, count)),
            lengths=np.tile(lengths, count),
            parameters=np.column_stack([parameters, np.tile([form.kind, form.period], (len(parameters), 1))]),
            period=form.period,
            kind=form.kind,
        )
        errors = runs.squared_errors(np.tile(begin, count)).reshape(count, series)
        winner = errors.argmin(axis=0)
        least = errors[winner, np.arange(series)]
        better = least < best
        best = np.where(better, least, best)
        kept[better] = parameters.reshape(count, series, 4)[winner, np.arange(series)][better]
        centre[better] = logits[winner, np.arange(series)][better]
    return best, kept


def _parameters(form: Form, logits: Array) -> Array:
    """(..., 4) level, trend, season and damping; the trend and the season move no faster than the level."""
    share = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    level = share[..., 0] * 0.999 + 0.0005
    trend = level * share[..., 1] ** 2 if form.trend != "none" else np.zeros_like(level)
    season = (1 - level) * share[..., 2] ** 2 if form.kind != NONE else np.zeros_like(level)
    low, high = DAMPED
    damping = {"none": np.zeros_like(level), "plain": np.ones_like(level)}.get(
        form.trend, low + (high - low) * share[..., 3]
    )
    return np.stack([level, trend, season, damping], axis=-1)
