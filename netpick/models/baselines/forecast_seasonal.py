"""The seasonal naive forecast as a baseline; of several series, each repeats the season by which it missed least."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.forecast_naive import Extent, Unlearned, WindowState, first_steps, unlogged, window_state
from netpick.models.baselines.forecast_recent import choose, chosen_anew, drawn, periods_of, require_settings
from netpick.tasks.forecast.repeated import last_season
from netpick.tasks.forecast.state import naive_period
from netpick.types import STRICT, Array, Rows

LONGEST_SEASON = 400  # steps of a season that series choose


@strict_dataclass(config=STRICT, kw_only=True)
class SeasonalState(WindowState):
    """What is repeated: the season of all series, or the one of its own that each chose."""

    periods: tuple[Extent, ...] = ()


class SeasonalNaive(Unlearned):
    """Every step ahead is the value of one season before, the last one that is known."""

    name = "seasonal naive"
    definition = "Repeats the last season that is known; of several series each its own: a day or a week, for example."
    State = SeasonalState

    def applies(self, problem: Problem) -> bool:
        return super().applies(problem) and problem.windows is not None and naive_period(problem.windows.state) > 1

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        plain, window = super().fit(problem, limit, decided), window_state(problem)
        periods = periods_of(problem, LONGEST_SEASON) if window.season <= LONGEST_SEASON else ()
        state = SeasonalState(
            horizon=window.horizon,
            log=window.log,
            season=window.season,
            periods=periods if len(periods) > 1 else (),
        )
        if not state.periods:
            return Fitted(baseline=self.name, state=state, arrays={}, decision=plain.decision)
        chosen = choose(problem, limit, _draws(state), decided)
        return Fitted(baseline=self.name, state=state, arrays={"settings": chosen.settings}, decision=plain.decision)

    def fit_anew(self, problem: Problem, fitted: Fitted, trains: Sequence[Rows]) -> list[Fitted]:
        return chosen_anew(problem, fitted, trains, _draws(fitted.state)) if fitted.state.periods else []

    def require_arrays(self, fitted: Fitted) -> None:
        if not fitted.state.periods:
            super().require_arrays(fitted)
            return
        if max(fitted.state.periods) > LONGEST_SEASON:
            raise ValueError("a season longer than any that is chosen")
        require_settings(fitted, len(fitted.state.periods), len(fitted.state.log))

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        state: SeasonalState = fitted.state
        if not state.periods:
            return last_season(history.values, first_steps(history), history.rows, state.season, state.horizon)
        return unlogged(drawn(fitted, history, state, _draws(state)), state)


def _draws(state: SeasonalState) -> tuple[partial[Array], int, int]:
    return partial(_repeated, periods=state.periods, horizon=state.horizon), len(state.periods), max(state.periods)


def _repeated(recent: Array, setting: int, *, periods: tuple[int, ...], horizon: int) -> Array:
    """(n, H) from the newest steps (n, M), NaN before a series began, where its last value stands in."""
    period = periods[setting]
    made = recent[:, recent.shape[1] - period + np.arange(horizon) % period]
    return np.where(np.isnan(made), recent[:, -1:], made)
