"""The Theta method (Assimakopoulos & Nikolopoulos 2000), as simple exponential smoothing with half the slope (Hyndman & Billah 2003).

The season is taken out by classical decomposition of the newest steps, additive or multiplicative; which, and how fast the level
moves, is chosen for each series by its errors over the horizon at origins that were learned from.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.forecast_naive import Extent, WindowBaseline, WindowState, unlogged, window_state
from netpick.models.baselines.forecast_recent import choose, chosen_anew, drawn, periods_of, require_settings
from netpick.models.baselines.smoothing_runs import ADDITIVE, LEAST_FACTOR, MULTIPLICATIVE, NONE
from netpick.types import STRICT, Array, Rows

LEVELS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
SETTINGS = tuple(product(LEVELS, (NONE, ADDITIVE, MULTIPLICATIVE)))
SEASONS, LEAST_STEPS, LONGEST_SEASON = 6, 60, 400


@strict_dataclass(config=STRICT, kw_only=True)
class ThetaState:
    """The steps of a season; 1 is none."""

    window: WindowState
    theta_season: Extent
    periods: tuple[Extent, ...] = ()  # of which each series has one; () for files with one of all

    @property
    def seasons(self) -> tuple[int, ...]:
        """Those that settings choose from."""
        return self.periods or (self.theta_season,)

    @property
    def width(self) -> int:
        """Numbers a forecast."""
        return self.window.width


class Theta(WindowBaseline):
    """Level and half the slope of the newest steps, with the season of the newest seasons."""

    name = "theta"
    definition = "The Theta method: smoothed level, half the slope, and the season of the newest seasons."
    State = ThetaState

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        window = window_state(problem)
        periods = periods_of(problem, LONGEST_SEASON)
        state = ThetaState(window=window, theta_season=periods[0], periods=periods)
        chosen = choose(problem, limit, _draws(state), decided)
        return Fitted(baseline=self.name, state=state, arrays={"settings": chosen.settings}, decision=chosen.decision)

    def fit_anew(self, problem: Problem, fitted: Fitted, trains: Sequence[Rows]) -> list[Fitted]:
        return chosen_anew(problem, fitted, trains, _draws(fitted.state))

    def require_arrays(self, fitted: Fitted) -> None:
        if max(fitted.state.seasons) > LONGEST_SEASON:
            raise ValueError("a season longer than any that is fitted")
        require_settings(fitted, len(SETTINGS) * len(fitted.state.seasons), len(fitted.state.window.log))

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        state = fitted.state
        return unlogged(drawn(fitted, history, state.window, _draws(state)), state.window)


def _draws(state: ThetaState) -> tuple[partial[Array], int, int]:
    steps = max(SEASONS * max(state.seasons), LEAST_STEPS)
    draw = partial(_drawn, seasons=state.seasons, horizon=state.window.horizon)
    return draw, len(SETTINGS) * len(state.seasons), steps


def _drawn(recent: Array, setting: int, *, seasons: tuple[int, ...], horizon: int) -> Array:
    """(n, H) with the season that the setting names, from as many of the newest steps as it takes."""
    place, own = divmod(setting, len(SETTINGS))
    steps = max(SEASONS * seasons[place], LEAST_STEPS)
    return _theta(recent[:, -steps:], own, season=seasons[place], horizon=horizon)


def _theta(recent: Array, setting: int, *, season: int, horizon: int) -> Array:
    """(n, H) from the newest steps (n, M), NaN before a series began."""
    alpha, kind = SETTINGS[setting]
    steps = recent.shape[1]
    factors = _season(
        recent, season, kind
    )  # (n, season), by place from the first step ahead backwards in whole seasons
    place = (np.arange(steps) - steps) % season
    adjusted = recent / factors[:, place] if kind == MULTIPLICATIVE else recent - factors[:, place]
    known = ~np.isnan(adjusted)
    weight = np.where(known, (1 - alpha) ** np.arange(steps)[::-1], 0.0)
    level = np.nansum(weight * adjusted, axis=1) / weight.sum(axis=1)
    count = known.sum(axis=1)
    time = np.where(known, np.arange(steps), 0.0)
    centre = time.sum(axis=1) / count
    apart = np.where(known, np.arange(steps) - centre[:, None], 0.0)
    spread = (apart**2).sum(axis=1)
    slope = np.divide(np.nansum(apart * adjusted, axis=1), spread, out=np.zeros(len(recent)), where=spread > 0)
    ahead = np.arange(horizon)
    made = level[:, None] + slope[:, None] / 2 * (ahead + (1 - (1 - alpha) ** count[:, None]) / alpha)
    phases = factors[:, ahead % season]
    return np.asarray(made * phases if kind == MULTIPLICATIVE else made + phases)


def _season(recent: Array, season: int, kind: int) -> Array:
    """(n, season) what each place of a season adds, or multiplies by; neutral without two whole seasons or where a value is not
    above 0."""
    neutral = np.full((len(recent), season), 1.0 if kind == MULTIPLICATIVE else 0.0)
    if kind == NONE or season == 1:
        return neutral
    steps = recent.shape[1]
    whole = steps // season
    padded = recent[:, steps - whole * season :]
    sums = np.cumsum(np.pad(np.nan_to_num(padded), ((0, 0), (1, 0))), axis=1)
    mean = (sums[:, season:] - sums[:, :-season]) / season
    half = season // 2
    if season % 2 == 0:
        mean = (mean[:, 1:] + mean[:, :-1]) / 2
    level = np.full(padded.shape, np.nan)
    level[:, half : half + mean.shape[1]] = mean
    begun = np.cumsum(~np.isnan(padded), axis=1)
    level = np.where(begun > half, level, np.nan)  # a mean that reaches before the first step is none
    if kind == MULTIPLICATIVE:
        apart = np.where(level > 0, padded / np.where(level > 0, level, 1.0), np.nan)
    else:
        apart = padded - level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a place that no season shows
        places = np.nanmean(apart.reshape(len(recent), whole, season), axis=1)
    if kind == MULTIPLICATIVE:
        places = np.maximum(places / places.mean(axis=1, keepdims=True), LEAST_FACTOR)
    else:
        places = places - places.mean(axis=1, keepdims=True)
    usable = ~np.isnan(places).any(axis=1)
    return np.where(usable[:, None], places, neutral)
