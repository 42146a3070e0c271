"""Exponential smoothing: level, damped trend and season, as statsmodels fits them (Holt-Winters, ETS of Hyndman et al.).

The parameters are fitted once for each series and target, on its newest training steps. The recursion then runs over all
steps with these parameters, so that every window gets the forecast of the state at its origin at no further cost.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from netpick.baselines.base import Problem
from netpick.baselines.forecast_naive import WindowBaseline
from netpick.types import Array, Rows

MOST_STEPS = 1_000  # that a series is fitted on
MOST_FITS = 200  # series and targets; the others take the parameters of the one before
LONGEST_SEASON = 50  # a longer one has too many states to fit; the trend alone is then smoothed
SECONDS_A_FIT = 2.5e-4  # per step, measured on one core
RUN_UP = 3_000  # steps before the first window from which the states are followed


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """Parameters of one series; the season is additive, of the values or of their logarithms."""

    level: float
    trend: float
    season: float
    damping: float


PLAIN = Smoothing(level=0.3, trend=0.02, season=0.1, damping=0.95)


class ExponentialSmoothing(WindowBaseline):
    """Holt-Winters with a damped trend, additive, on the values or on their logarithms."""

    name = "exponential smoothing"
    definition = (
        "Level, damped trend and season by exponential smoothing (Holt-Winters; parameters fitted by statsmodels)."
    )

    def forecast(self, problem: Problem, rows: Rows, seconds: float) -> tuple[Array, str]:
        windows = problem.windows
        assert windows is not None
        state = windows.state
        log = np.asarray(state.log)
        values = np.where(log, np.log(np.maximum(windows.values, 1e-300)), windows.values)
        season = state.season if state.season <= LONGEST_SEASON else 1
        found: dict[tuple[int, int], Smoothing] = {}
        parameters = PLAIN
        most = max(1, min(MOST_FITS, int(seconds / (SECONDS_A_FIT * MOST_STEPS))))
        starts = windows.timeline.starts
        early = learned_steps(problem)
        for index in range(len(windows.timeline.ids)):
            for target in range(values.shape[1]):
                if len(found) < most:
                    part = values[starts[index] : starts[index + 1], target][early[starts[index] : starts[index + 1]]]
                    parameters = fit_smoothing(part[-MOST_STEPS:], season)
                found[index, target] = parameters
        out = smooth(values, starts, found, (rows, state.horizon, season))
        fitted = min(most, len(found))
        remark = f"parameters fitted on {fitted} of {len(found)} series" if fitted < len(found) else ""
        drawn = np.where(log, np.exp(np.minimum(out, 60.0)), out)
        return drawn.reshape(len(rows), -1), remark


def learned_steps(problem: Problem) -> Array:
    """Steps (N,) bool that lie in the window or horizon of a training row, or before these."""
    windows = problem.windows
    assert windows is not None
    positions = windows.timeline.positions
    return np.asarray(positions < positions[problem.train].max() + windows.state.horizon)


def fit_smoothing(values: Array, season: int) -> Smoothing:
    """Parameters of least squared error one step ahead; plain ones where the series is too short or will not be fitted."""
    if len(values) < max(10, 3 * season) or np.ptp(values) == 0:
        return PLAIN
    from statsmodels.tsa.holtwinters import ExponentialSmoothing as HoltWinters

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = HoltWinters(
                (values - values.mean()) / values.std(),
                trend="add",
                damped_trend=True,
                seasonal="add" if season > 1 else None,
                seasonal_periods=season if season > 1 else None,
                initialization_method="heuristic" if len(values) >= 10 + 2 * (season // 2) else "legacy-heuristic",
            )
            fitted = model.fit(use_brute=False, minimize_kwargs={"options": {"maxiter": 50}})
        except (ValueError, np.linalg.LinAlgError, FloatingPointError):
            return PLAIN
    given = fitted.params
    parts = [float(np.nan_to_num(given.get(name, 0.0) or 0.0)) for name in _NAMES]
    return Smoothing(level=parts[0], trend=parts[1], season=parts[2], damping=parts[3] or 0.95)


_NAMES = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")


def smooth(
    values: Array, starts: Array, parameters: dict[tuple[int, int], Smoothing], asked: tuple[Rows, int, int]
) -> Array:
    """(n, H, V) forecasts from the state before each row; values (N, V), additive."""
    rows, horizon, season = asked
    out = np.zeros((len(rows), horizon, values.shape[1]))
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    width = values.shape[1]
    for index in range(len(starts) - 1):
        low, high = np.searchsorted(sorted_rows, [starts[index], starts[index + 1] + 1])
        places = order[low:high]
        if not len(places):
            continue
        chosen = [parameters[index, target] for target in range(width)]
        at = rows[places] - starts[index]
        wanted, slot = np.unique(at, return_inverse=True)
        level, trend, seasonal = _states(values[starts[index] : starts[index + 1]], chosen, season, wanted)
        damping = np.array([p.damping for p in chosen])
        steps = np.arange(1, horizon + 1)
        sums = np.cumsum(damping[None, :] ** steps[:, None], axis=0)  # (H, V)
        drawn = level[slot][:, None, :] + sums[None] * trend[slot][:, None, :]
        if season > 1:  # of each phase the newest state before the origin
            phase = (at[:, None] + np.arange(horizon)[None, :]) % season
            drawn = drawn + seasonal[slot[:, None], phase]
        out[places] = drawn
    return out


def _states(values: Array, parameters: list[Smoothing], season: int, wanted: Rows) -> tuple[Array, Array, Array]:
    """Level and trend (w, V) before each wanted step, and the season's phases (w, season, V)."""
    begin = max(0, int(wanted[0]) - RUN_UP)
    begin -= begin % season
    values = values[begin:]
    steps, width = values.shape
    alpha, beta, gamma, damping = (
        np.array([getattr(p, name) for p in parameters]) for name in ("level", "trend", "season", "damping")
    )
    level, trend = values[: max(season, 2)].mean(axis=0), np.zeros(width)
    seasonal = np.zeros((season, width))
    if season > 1 and steps >= 2 * season:
        usable = values[: min(steps // season, 3) * season].reshape(-1, season, width)
        seasonal = (usable - usable.mean(axis=1, keepdims=True)).mean(axis=0)
        trend = (usable[1].mean(axis=0) - usable[0].mean(axis=0)) / season
        level = level - trend * season / 2
    levels, trends = np.empty((len(wanted), width)), np.empty((len(wanted), width))
    phases = np.empty((len(wanted), season, width))
    slot = 0
    for step in range(int(wanted[-1]) - begin + 1):
        if step + begin == wanted[slot]:
            levels[slot], trends[slot], phases[slot] = level, trend, seasonal
            slot += 1
            if slot == len(wanted):
                break
        phase = step % season
        expected = level + damping * trend
        part = seasonal[phase].copy()
        moved = alpha * (values[step] - part) + (1 - alpha) * expected
        trend = beta * (moved - level) + (1 - beta) * damping * trend
        if season > 1:
            seasonal[phase] = gamma * (values[step] - expected) + (1 - gamma) * part
        level = moved
    return levels, trends, phases
