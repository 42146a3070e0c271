"""Boosted trees on lags: one model for all steps ahead, which knows the last values, the last seasons and the calendar."""

from __future__ import annotations

import numpy as np

from netpick.baselines.base import Problem
from netpick.baselines.fitting import quietly_on_one_thread
from netpick.baselines.forecast_naive import WindowBaseline
from netpick.tasks.forecast import unscaled
from netpick.types import Array, Rows

LAGS = 6  # newest values
ROWS_A_SECOND = 12_000  # pairs of window and step that are learned from
FEWEST_ROWS, MOST_ROWS = 2_000, 60_000
MOST_ITERATIONS, FEWEST_ITERATIONS = 150, 20
SECONDS_A_PREDICTION = 1.5e-8  # per row and iteration, measured on one core
CHUNK = 200_000  # rows of features in memory


class TreesOnLags(WindowBaseline):
    """Histogram boosting of what a step adds to its window's level."""

    name = "boosted trees on lags"
    definition = "Gradient-boosted trees on the newest values, the same steps of the last seasons, and the calendar."

    def forecast(self, problem: Problem, rows: Rows, seconds: float) -> tuple[Array, str]:
        from sklearn.ensemble import HistGradientBoostingRegressor

        windows = problem.windows
        assert windows is not None
        state = windows.state
        width = state.horizon * len(state.targets)
        generator = np.random.default_rng(problem.seed)
        most = int(np.clip(seconds * ROWS_A_SECOND, FEWEST_ROWS, MOST_ROWS))
        count = min(most, len(problem.train) * width)
        picked = generator.choice(len(problem.train) * width, count, replace=False)
        asked, step = problem.train[picked // width], picked % width
        features, level, swing = window_features(problem, asked, step)
        truth = (windows.target[asked, step].astype(np.float64) - level) / swing
        known = ~np.isnan(truth)
        newest = min(LAGS, state.context) - 1  # the column of the last value
        pull = _pull(features[known, newest], truth[known], step[known] // len(state.targets), state.horizon)
        truth = truth - pull[step // len(state.targets)] * features[:, newest]
        spare = 0.5 * seconds / (SECONDS_A_PREDICTION * max(1, len(rows) * width))
        iterations = int(np.clip(spare, FEWEST_ITERATIONS, MOST_ITERATIONS))
        with quietly_on_one_thread():
            model = HistGradientBoostingRegressor(
                max_iter=iterations,
                learning_rate=min(0.3, max(0.06, 6 / iterations)),
                max_leaf_nodes=16,
                min_samples_leaf=min(20, max(1, count // 50)),
                early_stopping=False,
                random_state=problem.seed,
            ).fit(features[known], truth[known])
            out = np.empty((len(rows), width))
            size = max(1, CHUNK // width)
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                made, level, swing = window_features(
                    problem, np.repeat(part, width), np.tile(np.arange(width), len(part))
                )
                base = np.tile(np.repeat(pull, len(state.targets)), len(part)) * made[:, newest]
                out[start : start + size] = ((model.predict(made) + base) * swing + level).reshape(len(part), width)
        remark = f"on {count:,} of {len(problem.train) * width:,} pairs of window and step"
        return unscaled(out, windows.series[rows], state), remark if count < len(problem.train) * width else ""


def _pull(last: Array, truth: Array, ahead: Array, horizon: int) -> Array:
    """(H,) how much of the last value's distance from the level is left so many steps ahead, by least squares.

    Trees learn steps slowly: left to them, the first hours of a forecast were twice as wrong.
    """
    above = np.bincount(ahead, last * truth, horizon)
    below = np.bincount(ahead, last * last, horizon)
    return np.divide(above, below, out=np.zeros(horizon), where=below > 0)


def window_features(problem: Problem, rows: Rows, steps: Array) -> tuple[Array, Array, Array]:
    """Features (n, F) of these pairs of row and output (step ahead * V + target), and their window's level and swing."""
    windows = problem.windows
    assert windows is not None
    state, arrays = windows.state, windows.store.arrays
    ahead, target = np.divmod(steps, len(state.targets))
    past = arrays["window"]
    context = state.context
    season = state.season if state.season <= context else 1
    span = min(context, max(2 * season, LAGS + 2, 24))
    newest = past[rows[:, None], np.arange(context - span, context)[None, :], target[:, None]].astype(np.float64)
    level, swing = newest.mean(axis=1), newest.std(axis=1) + 1e-2
    scaled = (newest - level[:, None]) / swing[:, None]
    parts = [scaled[:, -min(LAGS, span) :], level[:, None], swing[:, None], ahead[:, None], target[:, None]]
    for back in (1, 2):
        place = span - back * season + ahead % season
        parts.append(np.take_along_axis(scaled, np.maximum(place, 0)[:, None], axis=1))
    parts.append(scaled[:, -season:].mean(axis=1, keepdims=True))
    if "window.future" in arrays:
        parts.append(arrays["window.future"][rows, ahead])
    covariates = past.shape[2] - len(state.targets)
    if covariates:
        parts.append(past[rows, context - 1, len(state.targets) :])
    return np.concatenate(parts, axis=1).astype(np.float32), level, swing
