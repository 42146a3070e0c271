"""What baselines share that look at the newest steps before each window alone: the steps, and origins to choose settings by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netpick.models.baselines.base import Decision, Fitted, History, Limit, Problem
from netpick.models.baselines.forecast_naive import WindowState, first_steps, logged, window_state
from netpick.models.baselines.forecast_smoothing import learned_steps
from netpick.tasks.forecast.state import naive_period
from netpick.tasks.forecast.timesteps import seasons_of
from netpick.types import Array, Rows

PERIODS_TRIED = 2  # seasons that each series may have
ORIGINS = 12  # in the learned steps of each series, by which its settings are chosen
CHUNK = 4_000_000  # steps that are gathered at once

Draw = Callable[
    [Array, int], Array
]  # newest steps (n, M) with NaN before a series began, number of a setting -> (n, H)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The best of some settings for each series and target."""

    settings: Array  # (S, V) int
    decision: Decision


def periods_of(problem: Problem, longest: int) -> tuple[int, ...]:
    """Seasons that a series may have: the one that shows in all of them together, and the usual ones of such steps. Where there is
    one series alone, its own."""
    assert problem.windows is not None
    state = problem.windows.state
    first = naive_period(state)
    if len(state.ids) == 1:
        return (first if first <= longest else 1,)
    lasting = [p for p in seasons_of(state.step) if 3 * p <= int(problem.windows.timeline.lengths.max())]
    found = [p for p in dict.fromkeys([first, *lasting]) if 1 < p <= longest][:PERIODS_TRIED]
    return tuple(found) or (1,)


def newest(values: Array, first: Array, rows: Rows, steps: int) -> Array:
    """(n, steps) of one target before each row, NaN where its series had not begun."""
    places = rows[:, None] - steps + np.arange(steps)[None, :]
    return np.where(places >= first[:, None], values[np.maximum(places, 0)], np.nan)


def choose(problem: Problem, limit: Limit, draws: tuple[Draw, int, int], decided: Decision | None) -> Chosen:
    """The setting of least squared error over the horizon. draws: how forecasts are made, settings, and steps they look at."""
    settings = _settings(problem, [problem.train], draws)[0]
    return Chosen(settings=settings, decision=Decision(rows=len(settings), iterations=1, full=True))


def chosen_anew(problem: Problem, fitted: Fitted, trains: Sequence[Rows], draws: tuple[Draw, int, int]) -> list[Fitted]:
    """The same baseline with its settings chosen on each of these training rows."""
    tables = _settings(problem, trains, draws)
    return [replace(fitted, arrays={"settings": table}, cache={}) for table in tables]


def _settings(problem: Problem, trains: Sequence[Rows], draws: tuple[Draw, int, int]) -> list[Array]:
    """(S, V) the best setting of each series and target, on each of these training rows; all forecasts with a setting are made at
    once."""
    draw, count, steps = draws
    windows, state = problem.windows, window_state(problem)
    assert windows is not None
    values, starts = logged(windows.values, state), windows.timeline.starts
    series = len(starts) - 1
    rows, owner = [], []
    for number, train in enumerate(trains):
        learned = learned_steps(replace(problem, train=train))
        for index in range(series):
            length = int(learned[starts[index] : starts[index + 1]].sum())
            last = length - state.horizon
            if last >= max(3, length // 3):
                at = np.unique(np.linspace(max(3, length // 3), last, ORIGINS).astype(int))
                rows.append(starts[index] + at)
                owner.append(np.full(len(at), number * series + index))
    tables = [np.full((len(windows.state.location), len(state.log)), 0) for _ in trains]
    if not rows:
        return tables
    asked, of = np.concatenate(rows), np.concatenate(owner)
    first, numbers = starts[of % series], windows.series[starts[:-1]]
    for target in range(len(state.log)):
        recent = newest(values[:, target], first, asked, steps)
        truth = values[asked[:, None] + np.arange(state.horizon), target]
        errors = np.stack([((draw(recent, setting) - truth) ** 2).mean(axis=1) for setting in range(count)])
        sums = np.stack([np.bincount(of, np.nan_to_num(e, nan=1e300), len(trains) * series) for e in errors])
        for number, table in enumerate(tables):
            own = sums[:, number * series : (number + 1) * series]
            table[:, target] = own.sum(axis=1).argmin()  # of series that are too short
            known = np.unique(of[of // series == number] % series)
            table[numbers[known], target] = own[:, known].argmin(axis=0)
    return tables


def drawn(fitted: Fitted, history: History, state: WindowState, draws: tuple[Draw, int, int]) -> Array:
    """(n, H, V) forecasts with each series' setting; series that training did not know take the most usual one."""
    draw, count, steps = draws
    table = fitted.arrays["settings"]
    values, first = logged(history.values, state), first_steps(history)
    out = np.empty((len(history.rows), state.horizon, len(state.log)))
    size = max(1, CHUNK // steps)
    for target in range(len(state.log)):
        usual = int(np.bincount(table[:, target], minlength=count).argmax())
        known = (history.series >= 0) & (history.series < len(table))
        settings = np.where(known, table[np.where(known, history.series, 0), target], usual)
        for setting in np.unique(settings):
            of = np.flatnonzero(settings == setting)
            for begin in range(0, len(of), size):
                part = of[begin : begin + size]
                recent = newest(values[:, target], first[part], history.rows[part], steps)
                out[part, :, target] = draw(recent, int(setting))
    return out


def require_settings(fitted: Fitted, count: int, targets: int) -> None:
    """Raises ValueError where the table of settings does not fit."""
    table = fitted.arrays["settings"]
    if set(fitted.arrays) != {"settings"} or table.ndim != 2 or len(table) < 1 or table.dtype != np.int64:
        raise ValueError("the settings do not fit")
    if table.shape[1] != targets or table.min() < 0 or table.max() >= count:
        raise ValueError("the settings do not fit the targets")
