"""The forecasts that need no learning: the last value, the value of one season ago, and the line from first to last.

What every forecast has to be measured by (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2). They work
on values filled forward, in the targets' units, or their logarithms where the networks see those.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, History, Limit, Problem
from netpick.tasks.forecast.state import ForecastState, naive_period
from netpick.types import STRICT, Array, Inputs

Extent = Annotated[int, Field(ge=1, le=1 << 24)]  # steps
LARGEST_EXPONENT = 60.0  # of a forecast of logarithms


@strict_dataclass(config=STRICT, kw_only=True)
class WindowState:
    """V targets, H steps ahead, and the steps of a season."""

    horizon: Extent
    log: tuple[bool, ...]  # of each target: its logarithm is continued
    season: Extent

    @property
    def width(self) -> int:
        """Numbers a forecast."""
        return self.horizon * len(self.log)


class WindowBaseline(Baseline):
    """A baseline that forecasts windows; intervals come from its errors on the validation rows, for all alike."""

    State: ClassVar[type] = WindowState

    def applies(self, problem: Problem) -> bool:
        return problem.windows is not None

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        """num_outputs: H * V."""
        state: WindowState = fitted.state
        if state.width != num_outputs:
            raise ValueError("the state is not that of forecasts of this length")
        self.require_arrays(fitted)

    def require_arrays(self, fitted: Fitted) -> None:
        """Raises ValueError where the arrays do not fit the state."""
        if set(fitted.arrays):
            raise ValueError("arrays that this baseline does not have")

    def answer(self, fitted: Fitted, given: Given) -> Array:
        assert given.history is not None
        return self.forecast(fitted, given, given.history)

    @abstractmethod
    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        """Point forecasts (n, H * V) in the targets' units."""


class Unlearned(WindowBaseline):
    """A forecast that continues the history by rule."""

    costs_time = False

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        return Fitted(
            baseline=self.name,
            state=window_state(problem),
            arrays={},
            decision=Decision(rows=len(problem.train), iterations=1, full=True),
        )


class LastValue(Unlearned):
    """Every step ahead is the last value."""

    name = "last value"
    definition = "Repeats the last value that is known."

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        return np.tile(history.values[history.rows - 1], (1, fitted.state.horizon))


class Drift(Unlearned):
    """The line through the first and the last value of the series so far, drawn on."""

    name = "drift"
    definition = "Draws the line from the first to the last known value on."

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        values = logged(history.values, fitted.state)
        first, last = first_steps(history), history.rows - 1
        slope = (values[last] - values[first]) / np.maximum(last - first, 1)[:, None]  # (n, V)
        ahead = np.arange(1, fitted.state.horizon + 1)
        return unlogged(values[last][:, None, :] + slope[:, None, :] * ahead[None, :, None], fitted.state)


def window_state(problem: Problem) -> WindowState:
    """What every baseline of a forecast knows of it."""
    assert problem.windows is not None
    state: ForecastState = problem.windows.state
    return WindowState(horizon=state.horizon, log=state.log, season=naive_period(state))


def first_steps(history: History) -> Array:
    """(n,) first step of each row's series."""
    return np.asarray(history.starts[np.searchsorted(history.starts, history.rows - 1, side="right") - 1])


def logged(values: Array, state: WindowState) -> Array:
    """(..., V) values, as logarithms where the networks see those."""
    log = np.asarray(state.log)
    return np.where(log, np.log(np.maximum(values, 1e-300)), values) if log.any() else values


def unlogged(drawn: Array, state: WindowState) -> Array:
    """(n, H, V) forecasts as (n, H * V), in the targets' units."""
    log = np.asarray(state.log)
    forecasts = np.where(log, np.exp(np.minimum(drawn, LARGEST_EXPONENT)), drawn) if log.any() else drawn
    return forecasts.reshape(len(drawn), -1)
