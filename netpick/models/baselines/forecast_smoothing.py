"""Exponential smoothing with the form chosen for each series: level, trend (absent, damped, plain) and season (absent, additive,
multiplicative), the state space models of Hyndman et al. with additive errors.

Form and parameters are fitted for each series and target on its newest training steps, and anew at origins of the test part where
that costs little. The recursion then runs over all steps with them, so that every window gets the forecast of the state at its
origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.forecast_naive import WindowBaseline, WindowState, logged, unlogged, window_state
from netpick.models.baselines.smoothing_fits import FEWEST, PLAIN, fit_forms
from netpick.models.baselines.smoothing_runs import ADDITIVE, KIND, MULTIPLICATIVE, NONE, PERIOD, smooth
from netpick.tasks.forecast.timesteps import seasons_of
from netpick.types import STRICT, Array, Rows

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
        assert problem.windows is not None
        season = problem.windows.state.season
        state = SmoothingState(window=window_state(problem), smoothed_season=season if season <= LONGEST_SEASON else 1)
        learned = _Learned(problem, state)
        pairs = learned.pairs
        wanted = len(pairs) if decided is None else min(decided.iterations, len(pairs))
        rows: list[Array] = []
        began, size, last = limit.clock(), FIRST_CHUNK, 0.0
        while len(rows) < wanted and (
            decided is not None or _fits(limit, limit.clock() - began, last, (len(rows), wanted))
        ):
            started = limit.clock()
            chunk = learned.parts[len(rows) : min(len(rows) + size, wanted)]
            rows += [*fit_forms(chunk, learned.periods, state.window.horizon)]
            size, last = min(CHUNK, GROWTH * size), limit.clock() - started
        fits = len(rows)
        if decided is None:
            decided = Decision(rows=fits, iterations=fits, full=fits >= len(pairs))
        return Fitted(
            baseline=self.name,
            state=state,
            arrays={PARAMETERS: learned.table(rows)},
            decision=decided,
            remark=f"parameters fitted on {fits} of {len(pairs)} series" if fits < len(pairs) else "",
        )

    def fit_anew(self, problem: Problem, fitted: Fitted, trains: Sequence[Rows]) -> list[Fitted]:
        if not fitted.decision.full:
            return []
        each = [_Learned(replace(problem, train=train), fitted.state) for train in trains]
        parts = [part for learned in each for part in learned.parts]
        horizon = fitted.state.window.horizon
        chunks = [parts[start : start + CHUNK] for start in range(0, len(parts), CHUNK)]
        rows = [row for chunk in chunks for row in fit_forms(chunk, each[0].periods, horizon)]
        ends = np.cumsum([len(learned.parts) for learned in each])
        return [
            replace(fitted, arrays={PARAMETERS: learned.table(rows[end - len(learned.parts) : end])}, cache={})
            for learned, end in zip(each, ends.tolist(), strict=True)
        ]

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


class _Learned:
    """What a fit learns from: of every series and target long enough, its newest steps that are learned from."""

    def __init__(self, problem: Problem, state: SmoothingState) -> None:
        windows = problem.windows
        assert windows is not None
        season = state.smoothed_season
        usual = [period for period in seasons_of(windows.state.step) if period <= LONGEST_SEASON]
        self.periods = [p for p in dict.fromkeys([season, *usual]) if p > 1][:SEASONS_TRIED]
        values, starts = logged(windows.values, state.window), windows.timeline.starts
        early, self.width = learned_steps(problem) & windows.begun, values.shape[1]
        known = np.add.reduceat(early.astype(np.int64), starts[:-1])
        self.numbers = windows.series[starts[:-1]]  # of the timeline's series in the task's state
        self.series = len(windows.state.location)
        self.every = [(index, target) for index in range(len(self.numbers)) for target in range(self.width)]
        self.pairs = [pair for pair in self.every if known[pair[0]] >= FEWEST]
        self.parts = [
            values[starts[i] : starts[i + 1], target][early[starts[i] : starts[i + 1]]][-MOST_STEPS:]
            for i, target in self.pairs
        ]

    def table(self, rows: Sequence[Array]) -> Array:
        """(S, V, 6) of what was fitted for the first pairs; all others have what most series have."""
        table = np.tile(np.array([*PLAIN, NONE, 1.0]), (self.series, self.width, 1))
        if not len(rows):
            return table
        fitted = dict(zip(self.pairs, rows, strict=False))
        usual = _usual(np.stack(list(rows)))
        for index, target in self.every:
            table[self.numbers[index], target] = fitted.get((index, target), usual)
        return table


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
