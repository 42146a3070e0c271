"""Exponential smoothing with the form chosen for each series: level, trend (absent, damped, plain) and season (absent, additive,
multiplicative), the state space models of Hyndman et al. with additive errors.

Form and parameters are fitted once for each series and target, on its newest training steps. The recursion then runs over all
steps with them, so that every window gets the forecast of the state at its origin at no further cost.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.forecast_naive import WindowBaseline, WindowState, logged, unlogged, window_state
from netpick.models.baselines.smoothing_fits import FEWEST, PLAIN, fit_forms
from netpick.models.baselines.smoothing_runs import ADDITIVE, KIND, MULTIPLICATIVE, NONE, PERIOD, smooth
from netpick.tasks.forecast.timesteps import seasons_of
from netpick.types import STRICT, Array

MOST_STEPS = 500  # that a series is fitted on
LONGEST_SEASON = 100  # a longer one has too many states to fit; the trend alone is then smoothed
SEASONS_TRIED = 2  # periods
CHUNK = 60  # series and targets that are fitted at once
FIRST_CHUNK = 6  # of them at first, then some more: what these take tells what the next would
GROWTH = 3  # of a chunk over the one before, which takes about twice as long
PARAMETERS = (
    "parameters"  # (S, V, 6): level, trend, season, damping, kind of season and period of each series and target
)
OLD_WIDTH = 4  # of files before forms were chosen: the season is additive, and of one period for all


@strict_dataclass(config=STRICT, kw_only=True)
class SmoothingState:
    """What is smoothed; a season of 1 is none."""

    window: WindowState
    smoothed_season: int = Field(ge=1, le=LONGEST_SEASON)

    @property
    def width(self) -> int:
        """Numbers a forecast."""
        return self.window.width


class ExponentialSmoothing(WindowBaseline):
    """The best form of exponential smoothing for each series, on the values or on their logarithms."""

    name = "exponential smoothing"
    definition = "Level, trend and season by exponential smoothing (ETS); the form and its parameters are chosen for each series."
    State = SmoothingState

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        windows, state = problem.windows, window_state(problem)
        assert windows is not None
        season = windows.state.season if windows.state.season <= LONGEST_SEASON else 1
        usual = [period for period in seasons_of(windows.state.step) if period <= LONGEST_SEASON]
        periods = [p for p in dict.fromkeys([season, *usual]) if p > 1][:SEASONS_TRIED]
        values, starts = logged(windows.values, state), windows.timeline.starts
        early, width = learned_steps(problem) & windows.begun, values.shape[1]
        known = np.add.reduceat(early.astype(np.int64), starts[:-1])
        numbers = windows.series[starts[:-1]]  # of the timeline's series in the task's state
        every = [(index, target) for index in range(len(numbers)) for target in range(width)]
        pairs = [pair for pair in every if known[pair[0]] >= FEWEST]
        wanted = len(pairs) if decided is None else min(decided.iterations, len(pairs))
        table = np.tile(np.array([*PLAIN, NONE, 1.0]), (len(windows.state.location), width, 1))
        began, fits, size, last = limit.clock(), 0, FIRST_CHUNK, 0.0
        while fits < wanted and (decided is not None or _fits(limit, limit.clock() - began, last, (fits, wanted))):
            started = limit.clock()
            chunk = pairs[fits : min(fits + size, wanted)]
            parts = [
                values[starts[i] : starts[i + 1], target][early[starts[i] : starts[i + 1]]][-MOST_STEPS:]
                for i, target in chunk
            ]
            for (index, target), row in zip(chunk, fit_forms(parts, periods, state.horizon), strict=True):
                table[numbers[index], target] = row
            fits, size, last = fits + len(chunk), min(CHUNK, GROWTH * size), limit.clock() - started
        if 0 < fits < len(every):  # what most series have
            fitted = set(pairs[:fits])
            usual_row = _usual(np.stack([table[numbers[index], target] for index, target in pairs[:fits]]))
            for index, target in [pair for pair in every if pair not in fitted]:
                table[numbers[index], target] = usual_row
        if decided is None:
            decided = Decision(rows=fits, iterations=fits, full=fits >= len(pairs))
        return Fitted(
            baseline=self.name,
            state=SmoothingState(window=state, smoothed_season=season),
            arrays={PARAMETERS: table},
            decision=decided,
            remark=f"parameters fitted on {fits} of {len(pairs)} series" if fits < len(pairs) else "",
        )

    def require_arrays(self, fitted: Fitted) -> None:
        table = fitted.arrays[PARAMETERS]
        if set(fitted.arrays) != {PARAMETERS} or table.ndim != 3 or len(table) < 1 or table.dtype != np.float64:
            raise ValueError("the parameters of smoothing do not fit")
        if table.shape[1] != len(fitted.state.window.log) or table.shape[2] not in (OLD_WIDTH, PERIOD + 1):
            raise ValueError("the parameters of smoothing do not fit the targets")
        if table.shape[2] > PERIOD and not (
            np.isin(table[..., KIND], (NONE, ADDITIVE, MULTIPLICATIVE)).all()
            and np.isin(table[..., PERIOD], np.arange(1, LONGEST_SEASON + 1)).all()
        ):
            raise ValueError("the parameters of smoothing name impossible seasons")

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        state, table = fitted.state, _with_forms(fitted)
        values = logged(history.values, state.window)
        numbers = np.full(len(history.starts) - 1, -1)
        numbers[np.searchsorted(history.starts, history.rows - 1, side="right") - 1] = history.series
        known = (numbers >= 0) & (numbers < len(table))
        usual = _usual(table.reshape(-1, table.shape[2]))  # for series that training did not have
        tables = np.where(known[:, None, None], table[np.where(known, numbers, 0)], usual)
        return unlogged(smooth(values, history.starts, tables, history.rows, state.window.horizon), state.window)


def _with_forms(fitted: Fitted) -> Array:
    """(S, V, 6), also of files that have no forms."""
    table = fitted.arrays[PARAMETERS]
    if table.shape[2] != OLD_WIDTH:
        return table
    season = fitted.state.smoothed_season
    forms = np.tile([float(ADDITIVE if season > 1 else NONE), float(season)], (*table.shape[:2], 1))
    return np.concatenate([table, forms], axis=2)


def _usual(rows: Array) -> Array:
    """The form that most series have, with the middle of its parameters."""
    forms, counts = np.unique(rows[:, KIND : PERIOD + 1], axis=0, return_counts=True)
    form = forms[counts.argmax()]
    alike = rows[(rows[:, KIND : PERIOD + 1] == form).all(axis=1)]
    return np.asarray(np.median(alike, axis=0))


def _fits(limit: Limit, spent: float, last: float, counts: tuple[int, int]) -> bool:
    """Whether one more chunk, which takes up to twice as long as the last one, is likely to be over in time."""
    fits, wanted = counts
    if limit.seconds is None or fits == 0:
        return True
    whole = spent + (wanted - fits) / CHUNK * 2 * last
    return spent + 2 * last <= (limit.most if whole <= limit.most else limit.seconds)


def learned_steps(problem: Problem) -> Array:
    """Steps (N,) bool that lie in the window or horizon of a training row, or before these."""
    windows = problem.windows
    assert windows is not None
    positions = windows.timeline.positions
    return np.asarray(positions < positions[problem.train].max() + windows.state.horizon)
