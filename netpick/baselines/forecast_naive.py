"""The forecasts that need no learning: the last value, the value of one season ago, and the line from first to last.

What every forecast has to be measured by (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.2). They work
on values filled forward, in the targets' units, or their logarithms where the networks see those.
"""

from __future__ import annotations

import time
from abc import abstractmethod

import numpy as np

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.tasks.forecast import naive_period, with_scales
from netpick.types import Array, Predictions, Rows


class WindowBaseline(Baseline):
    """A baseline that forecasts windows; intervals come from its errors on the validation rows, for all alike."""

    def applies(self, problem: Problem) -> bool:
        return problem.task == "forecast" and problem.windows is not None

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        windows = problem.windows
        assert windows is not None
        values, remark = self.forecast(problem, rows, seconds)
        predictions = with_scales(Predictions(values=values.astype(np.float64)), windows.series[rows], windows.state)
        return FittedBaseline(predictions=predictions, seconds=time.perf_counter() - started, remark=remark)

    @abstractmethod
    def forecast(self, problem: Problem, rows: Rows, seconds: float) -> tuple[Array, str]:
        """Point forecasts (n, H * V) in the targets' units, and a remark where anything was reduced."""


class LastValue(WindowBaseline):
    """Every step ahead is the last value."""

    name = "last value"
    definition = "Repeats the last value that is known."

    def forecast(self, problem: Problem, rows: Rows, seconds: float) -> tuple[Array, str]:
        windows = problem.windows
        assert windows is not None
        return np.tile(windows.values[rows - 1], (1, windows.state.horizon)), ""


class SeasonalNaive(WindowBaseline):
    """Every step ahead is the value of one season before, the last one that is known."""

    name = "seasonal naive"
    definition = "Repeats the last season that is known."

    def applies(self, problem: Problem) -> bool:
        return super().applies(problem) and problem.windows is not None and naive_period(problem.windows.state) > 1

    def forecast(self, problem: Problem, rows: Rows, seconds: float) -> tuple[Array, str]:
        windows = problem.windows
        assert windows is not None
        state = windows.state
        season = naive_period(state)
        steps = rows[:, None] - season + (np.arange(state.horizon) % season)[None, :]  # (n, H)
        first = windows.timeline.starts[windows.timeline.series[rows]]
        # Where the series began later than that, its last value stands in.
        steps = np.where(steps < first[:, None], rows[:, None] - 1, steps)
        return windows.values[steps].reshape(len(rows), -1), ""


class Drift(WindowBaseline):
    """The line through the first and the last value of the series so far, drawn on."""

    name = "drift"
    definition = "Draws the line from the first to the last known value on."

    def forecast(self, problem: Problem, rows: Rows, seconds: float) -> tuple[Array, str]:
        windows = problem.windows
        assert windows is not None
        state = windows.state
        log = np.asarray(state.log)
        values = np.where(log, np.log(np.maximum(windows.values, 1e-300)), windows.values)
        first = windows.timeline.starts[windows.timeline.series[rows]]
        last = rows - 1
        slope = (values[last] - values[first]) / np.maximum(last - first, 1)[:, None]  # (n, V)
        ahead = np.arange(1, state.horizon + 1)
        drawn = values[last][:, None, :] + slope[:, None, :] * ahead[None, :, None]
        return np.where(log, np.exp(np.minimum(drawn, 60.0)), drawn).reshape(len(rows), -1), ""
