"""Demand that is often zero: the chance of any, and its size, smoothed apart (TSB: Teunter, Syntetos & Babai 2011, after Croston)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.forecast_naive import WindowBaseline, WindowState, window_state
from netpick.models.baselines.forecast_recent import choose, chosen_anew, drawn, require_settings
from netpick.models.baselines.forecast_smoothing import learned_steps
from netpick.types import STRICT, Array, Rows

SETTINGS = tuple(product((0.02, 0.05, 0.1, 0.2, 0.4), (0.02, 0.05, 0.1, 0.2, 0.4)))  # of the chance, and of the size
STEPS = 300  # that are looked at
OFTEN = 0.25  # share of zeros in a quarter of the series, from which on demand is intermittent
QUARTER = 0.25


@strict_dataclass(config=STRICT, kw_only=True)
class IntermittentState:
    """What is forecast."""

    window: WindowState

    @property
    def width(self) -> int:
        """Numbers a forecast."""
        return self.window.width


class Intermittent(WindowBaseline):
    """The chance that there is any demand, times its size when there is."""

    name = "intermittent demand"
    definition = (
        "The smoothed chance of any demand times its smoothed size (TSB, after Croston), the same for every step."
    )
    State = IntermittentState

    def applies(self, problem: Problem) -> bool:
        return super().applies(problem) and _is_intermittent(problem)

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        state = IntermittentState(window=window_state(problem))
        chosen = choose(problem, limit, _draws(state), decided)
        return Fitted(baseline=self.name, state=state, arrays={"settings": chosen.settings}, decision=chosen.decision)

    def fit_anew(self, problem: Problem, fitted: Fitted, trains: Sequence[Rows]) -> list[Fitted]:
        return chosen_anew(problem, fitted, trains, _draws(fitted.state))

    def require_arrays(self, fitted: Fitted) -> None:
        require_settings(fitted, len(SETTINGS), len(fitted.state.window.log))

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        made = drawn(fitted, history, fitted.state.window, _draws(fitted.state))
        return made.reshape(len(made), -1)


def _is_intermittent(problem: Problem) -> bool:
    """Whether no value lies below 0 and a quarter of the series are often 0, in the steps that are learned from."""
    windows = problem.windows
    assert windows is not None
    early = learned_steps(problem)
    values, series = windows.values[early], windows.timeline.series[early]
    if not len(values) or any(windows.state.log) or values.min() < 0:
        return False
    zeros = np.bincount(series, (values == 0).mean(axis=1))
    counts = np.bincount(series)
    return bool(np.quantile(zeros[counts > 0] / counts[counts > 0], 1 - QUARTER) >= OFTEN)


def _draws(state: IntermittentState) -> tuple[partial[Array], int, int]:
    return partial(_tsb, horizon=state.window.horizon), len(SETTINGS), STEPS


def _tsb(recent: Array, setting: int, *, horizon: int) -> Array:
    """(n, H) from the newest steps (n, M), NaN before a series began."""
    chance_rate, size_rate = SETTINGS[setting]
    known = ~np.isnan(recent)
    some = known & (recent > 0)
    age = np.arange(recent.shape[1])[::-1]
    weight = np.where(known, (1 - chance_rate) ** age, 0.0)
    chance = (weight * some).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-12)
    later = np.cumsum(some[:, ::-1], axis=1)[:, ::-1]  # demands from here on
    size_weight = np.where(some, (1 - size_rate) ** (later - 1.0), 0.0)
    total = size_weight.sum(axis=1)
    size = np.divide(
        (size_weight * np.nan_to_num(recent)).sum(axis=1), total, out=np.zeros(len(recent)), where=total > 0
    )
    return np.tile((chance * size)[:, None], (1, horizon))
