"""Exponential smoothing: level, damped trend and season, as statsmodels fits them (Holt-Winters, ETS of Hyndman et al.).

The parameters are fitted once for each series and target, on its newest training steps. The recursion then runs over all
steps with these parameters, so that every window gets the forecast of the state at its origin at no further cost.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Decision, Fitted, Given, History, Limit, Problem
from netpick.models.baselines.forecast_naive import WindowBaseline, WindowState, logged, unlogged, window_state
from netpick.types import STRICT, Array, Rows

MOST_STEPS = 1_000  # that a series is fitted on
MOST_FITS = 200  # series and targets; the others take the parameters of the one before
LONGEST_SEASON = 50  # a longer one has too many states to fit; the trend alone is then smoothed
RUN_UP = 3_000  # steps before the first window from which the states are followed
PARAMETERS = "parameters"  # (S, V, 4): level, trend, season, damping of each series and target


@strict_dataclass(config=STRICT, kw_only=True)
class SmoothingState:
    """What is smoothed; a season of 1 is none."""

    window: WindowState
    smoothed_season: int = Field(ge=1, le=LONGEST_SEASON)

    @property
    def width(self) -> int:
        """Numbers a forecast."""
        return self.window.width


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
    State = SmoothingState

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        windows, state = problem.windows, window_state(problem)
        assert windows is not None
        season = windows.state.season if windows.state.season <= LONGEST_SEASON else 1
        values, starts = logged(windows.values, state), windows.timeline.starts
        early, width = learned_steps(problem), values.shape[1]
        numbers = windows.series[starts[:-1]]  # of the timeline's series in the task's state
        table = np.tile(_row(PLAIN), (len(windows.state.location), width, 1))
        wanted = min(MOST_FITS, len(numbers) * width) if decided is None else decided.iterations
        began, fits, found = limit.clock(), 0, PLAIN
        for index, number in enumerate(numbers.tolist()):
            for target in range(width):
                if fits < wanted and (decided is not None or _fits(limit, began, fits, wanted)):
                    part = values[starts[index] : starts[index + 1], target][early[starts[index] : starts[index + 1]]]
                    found = fit_smoothing(part[-MOST_STEPS:], season)
                    fits += 1
                table[number, target] = _row(found)
        if decided is None:
            decided = Decision(rows=fits, iterations=fits, full=fits >= wanted)
        total = len(numbers) * width
        return Fitted(
            baseline=self.name,
            state=SmoothingState(window=state, smoothed_season=season),
            arrays={PARAMETERS: table},
            decision=decided,
            remark=f"parameters fitted on {fits} of {total} series" if fits < total else "",
        )

    def require_arrays(self, fitted: Fitted) -> None:
        table = fitted.arrays[PARAMETERS]
        if set(fitted.arrays) != {PARAMETERS} or table.ndim != 3 or len(table) < 1 or table.dtype != np.float64:
            raise ValueError("the parameters of smoothing do not fit")
        if table.shape[1:] != (len(fitted.state.window.log), 4):
            raise ValueError("the parameters of smoothing do not fit the targets")

    def forecast(self, fitted: Fitted, given: Given, history: History) -> Array:
        state, table = fitted.state, fitted.arrays[PARAMETERS]
        values = logged(history.values, state.window)
        plain = np.median(table, axis=0)  # for series that training did not have
        numbers = np.full(len(history.starts) - 1, -1)
        numbers[np.searchsorted(history.starts, history.rows - 1, side="right") - 1] = history.series
        found = {
            (index, target): Smoothing(**dict(zip(FIELDS, row.tolist(), strict=True)))
            for index, number in enumerate(numbers.tolist())
            for target, row in enumerate(table[number] if 0 <= number < len(table) else plain)
        }
        asked = (history.rows, state.window.horizon, state.smoothed_season)
        return unlogged(smooth(values, history.starts, found, asked), state.window)


FIELDS = ("level", "trend", "season", "damping")


def _row(smoothing: Smoothing) -> Array:
    return np.array([getattr(smoothing, name) for name in FIELDS])


def _fits(limit: Limit, began: float, fits: int, wanted: int) -> bool:
    """Whether one more fit is likely to be over in time."""
    if limit.seconds is None or fits == 0:
        return True
    spent = limit.clock() - began
    pace = spent / fits
    return spent + pace <= (limit.most if pace * wanted <= limit.most else limit.seconds)


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
        damping = np.array([p.damping for p in chosen])
        sums = np.cumsum(damping[None, :] ** np.arange(1, horizon + 1)[:, None], axis=0)  # (H, V)
        of_series = values[starts[index] : starts[index + 1]]
        blocks = (rows[places] - starts[index]) // RUN_UP  # so that a row's states do not depend on the other rows
        for block in np.unique(blocks):
            of_block = places[blocks == block]
            at = rows[of_block] - starts[index]
            wanted, slot = np.unique(at, return_inverse=True)
            begin = max(0, int(block) - 1) * RUN_UP
            level, trend, seasonal = _states(of_series, chosen, season, wanted, begin - begin % season)
            drawn = level[slot][:, None, :] + sums[None] * trend[slot][:, None, :]
            if season > 1:  # of each phase the newest state before the origin
                phase = (at[:, None] + np.arange(horizon)[None, :]) % season
                drawn = drawn + seasonal[slot[:, None], phase]
            out[of_block] = drawn
    return out


def _states(
    values: Array, parameters: list[Smoothing], season: int, wanted: Rows, begin: int
) -> tuple[Array, Array, Array]:
    """Level and trend (w, V) before each wanted step, and the season's phases (w, season, V), followed from step `begin`."""
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
