"""Boosted trees on lags: one model for all steps ahead, which knows the last values, the last seasons and the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.answers.horizon import unscaled
from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.boosted_trees import tree_of
from netpick.models.baselines.fitting import quietly_on_one_thread
from netpick.models.baselines.forecast_naive import Extent, WindowBaseline, WindowState, window_state
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.trees import joined, require_trees, scores_of
from netpick.tasks.forecast.state import ForecastState
from netpick.types import STRICT, Array, Rows

LAGS = 6  # newest values
MOST_PAIRS = 60_000  # of window and step that are learned from
ITERATIONS = 150
CHUNK = 200_000  # pairs whose features are in memory
TRIED = 2_000  # pairs that are answered to see how long it takes
SIZES = Sizes(start=4_000)
LEAST_SWING, OLD_LEAST_SWING = 0.1, 0.01  # a sensor that is stuck says little about how far values will move


@strict_dataclass(config=STRICT, kw_only=True)
class LagsState:
    """What is looked at: seasons, and the newest `context` steps."""

    window: WindowState
    lag_season: Extent
    context: Extent
    least_swing: float = Field(default=OLD_LEAST_SWING, gt=0, le=1)  # of a window, in the units of its series' scale

    @property
    def width(self) -> int:
        """Numbers a forecast."""
        return self.window.width


class _Work(Work):
    """One model of scikit-learn on some pairs of window and step."""

    def __init__(self, problem: Problem, state: LagsState, count: int) -> None:
        windows = problem.windows
        assert windows is not None
        self.problem, self.state = problem, state
        width, targets = state.width, len(state.window.log)
        generator = np.random.default_rng(problem.seed)
        picked = generator.choice(len(problem.train) * width, count, replace=False)
        asked, step = problem.train[picked // width], picked % width
        features, level, swing = window_features(problem.arrays, state, asked, step)
        truth = (windows.target[asked, step].astype(np.float64) - level) / swing
        known = ~np.isnan(truth)
        newest = min(LAGS, state.context) - 1  # the column of the last value
        # Errors count in the units of the series: a window that hardly swings must not outweigh the others.
        self.weight = (swing**2)[known]
        ahead = step[known] // targets
        self.pull = _pull(features[known, newest], truth[known], self.weight, (ahead, state.window.horizon))
        self.truth = (truth - self.pull[step // targets] * features[:, newest])[known]
        self.features = features[known]

    def run(self, stop: Stop) -> None:
        """See Work."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        self.model = HistGradientBoostingRegressor(
            max_iter=ITERATIONS,
            learning_rate=0.06,
            max_leaf_nodes=16,
            min_samples_leaf=min(20, max(1, len(self.truth) // 50)),
            early_stopping=False,
            random_state=self.problem.seed,
        ).fit(self.features, self.truth, sample_weight=self.weight / self.weight.mean())
        self.iterations, self.finished = 1, True

    @property
    def arrays(self) -> dict[str, Array]:
        """The trees, and how the last value pulls."""
        order = np.arange(self.features.shape[1])
        trees = [tree_of(found[0], 0, order, {}) for found in self.model._predictors]
        start = np.asarray(self.model._baseline_prediction, dtype=np.float64).ravel()
        return {**joined(trees, start, 1), "pull": self.pull}

    def answer_seconds(self, clock: Any) -> float:
        started = clock()
        scores_of(self.arrays, self.features[:TRIED])
        tried = min(TRIED, len(self.features))
        return float((clock() - started) * self.problem.asked * self.state.width / tried)


class TreesOnLags(WindowBaseline):
    """Histogram boosting of what a step adds to its window's level."""

    name = "boosted trees on lags"
    definition = "Gradient-boosted trees on the newest values, the same steps of the last seasons, and the calendar."
    State = LagsState

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        windows = problem.windows
        assert windows is not None
        given: ForecastState = windows.state
        season = given.season if given.season <= given.context else 1
        state = LagsState(
            window=window_state(problem), lag_season=season, context=given.context, least_swing=LEAST_SWING
        )
        whole = len(problem.train) * state.width
        total = min(whole, MOST_PAIRS)
        with quietly_on_one_thread():
            work, decision = grow(total, SIZES, limit, lambda count: _Work(problem, state, count), decided)
        remark = f"on {decision.rows:,} of {whole:,} pairs of window and step" if decision.rows < whole else ""
        return Fitted(baseline=self.name, state=state, arrays=work.arrays, decision=decision, remark=remark)

    def require_arrays(self, fitted: Fitted) -> None:
        pull = fitted.arrays["pull"]
        if pull.shape != (fitted.state.window.horizon,) or pull.dtype != np.float64:
            raise ValueError("the pull of the last value does not fit the horizon")
        require_trees(fitted.arrays, int(fitted.arrays["trees.feature"].max(initial=0)) + 1, 1)

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        state: LagsState = fitted.state
        width, targets = state.width, len(state.window.log)
        rows = len(history.rows)
        out = np.empty((rows, width))
        size = max(1, CHUNK // width)
        pull = np.repeat(fitted.arrays["pull"], targets)
        for start in range(0, rows, size):
            part = np.arange(start, min(start + size, rows))
            steps = np.tile(np.arange(width), len(part))
            made, level, swing = window_features(given.arrays, state, np.repeat(part, width), steps)
            base = np.tile(pull, len(part)) * made[:, min(LAGS, state.context) - 1]
            if int(fitted.arrays["trees.feature"].max(initial=0)) >= made.shape[1]:
                raise ValueError("the trees look at a feature that is not there")
            found = scores_of(fitted.arrays, made)[:, 0]
            out[part] = ((found + base) * swing + level).reshape(len(part), width)
        return unscaled(out, history.series, history.state)


def _pull(last: Array, truth: Array, weight: Array, steps: tuple[Array, int]) -> Array:
    """(H,) how much of the last value's distance from the level is left so many steps ahead, by least squares.

    Trees learn steps slowly: left to them, the first hours of a forecast were twice as wrong.
    """
    ahead, horizon = steps
    above = np.bincount(ahead, weight * last * truth, horizon)
    below = np.bincount(ahead, weight * last * last, horizon)
    return np.divide(above, below, out=np.zeros(horizon), where=below > 0)


def window_features(
    arrays: Mapping[str, Array], lags: LagsState, rows: Rows, steps: Array
) -> tuple[Array, Array, Array]:
    """Features (n, F) of these pairs of row and output (step ahead * V + target), and their window's level and swing."""
    targets = len(lags.window.log)
    ahead, target = np.divmod(steps, targets)
    past = arrays["window"]
    context, season = lags.context, lags.lag_season
    span = min(context, max(2 * season, LAGS + 2, 24))
    newest = past[rows[:, None], np.arange(context - span, context)[None, :], target[:, None]].astype(np.float64)
    level, swing = newest.mean(axis=1), newest.std(axis=1) + lags.least_swing
    scaled = (newest - level[:, None]) / swing[:, None]
    parts = [scaled[:, -min(LAGS, span) :], level[:, None], swing[:, None], ahead[:, None], target[:, None]]
    for back in (1, 2):
        place = span - back * season + ahead % season
        parts.append(np.take_along_axis(scaled, np.maximum(place, 0)[:, None], axis=1))
    parts.append(scaled[:, -season:].mean(axis=1, keepdims=True))
    if "window.future" in arrays:
        parts.append(arrays["window.future"][rows, ahead])
    covariates = past.shape[2] - targets
    if covariates:
        parts.append(past[rows, context - 1, targets:])
    return np.concatenate(parts, axis=1).astype(np.float32), level, swing
