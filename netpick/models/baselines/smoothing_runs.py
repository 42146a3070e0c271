"""Recursions of exponential smoothing over many series at once: one numpy step a time step, a column a run.

A run is one series with one set of parameters. Its form is additive in its errors; the trend may be absent (damping 0), damped
or plain (1), the season absent, additive or multiplicative (Hyndman et al. 2008, Forecasting with Exponential Smoothing).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netpick.types import Array, Rows

NONE, ADDITIVE, MULTIPLICATIVE = 0, 1, 2  # seasons
LEVEL, TREND, SEASON, DAMPING, KIND, PERIOD = range(6)  # columns of a table of parameters
LEAST_FACTOR = 1e-3  # of a multiplicative season, so that nothing is divided by zero
RUN_UP = 3_000  # steps before the first window from which the states are followed


@dataclass(frozen=True, kw_only=True)
class Runs:
    """R runs over T steps, all with one period and one kind of season."""

    values: Array  # (T, R), each from its first step on, the rest is not looked at
    lengths: Array  # (R,) steps of each
    parameters: Array  # (R, 6)
    period: int
    kind: int

    def states(self) -> Iterator[tuple[Array, Array, Array]]:
        """Level (R,), trend (R,) and the season's phases (period, R) before each step; they are changed in place afterwards."""
        level, trend, seasonal = self._first()
        alpha, beta, gamma, damping = self.parameters[:, :4].T
        for step in range(len(self.values) + 1):
            yield level, trend, seasonal
            if step == len(self.values):
                return
            value, phase = self.values[step], step % self.period
            expected = level + damping * trend
            part = seasonal[phase].copy()
            if self.kind == MULTIPLICATIVE:
                adjusted = value / np.maximum(part, LEAST_FACTOR)
                seen = value / np.where(np.abs(expected) > LEAST_FACTOR, expected, np.inf)
            else:
                adjusted, seen = value - part, value - expected
            moved = alpha * adjusted + (1 - alpha) * expected
            trend = beta * (moved - level) + (1 - beta) * damping * trend
            if self.kind != NONE:
                seasonal[phase] = gamma * seen + (1 - gamma) * part
            level = moved

    def squared_errors(self, begin: Array) -> Array:
        """(R,) sum of the squared errors one step ahead from step `begin` (R,) on."""
        total = np.zeros(len(self.lengths))
        for step, (level, trend, seasonal) in enumerate(self.states()):
            if step == len(self.values):
                break
            made = level + self.parameters[:, DAMPING] * trend
            phase = seasonal[step % self.period]
            made = made * phase if self.kind == MULTIPLICATIVE else made + phase
            counted = (step >= begin) & (step < self.lengths)
            total += np.where(counted, (self.values[step] - made) ** 2, 0.0)
        return np.where(np.isfinite(total), total, np.inf)

    def _first(self) -> tuple[Array, Array, Array]:
        """States before the first step: means of the first seasons, and how they differ."""
        period, runs = self.period, len(self.lengths)
        level = self.values[: max(period, 2)].mean(axis=0)
        trend = np.zeros(runs)
        neutral = 1.0 if self.kind == MULTIPLICATIVE else 0.0
        seasonal = np.full((period, runs), neutral)
        if period == 1:
            return level, trend, seasonal
        for seasons in (2, 3):
            chosen = np.flatnonzero(np.minimum(self.lengths // period, 3) == seasons)
            if not len(chosen) or self.kind == NONE:
                continue
            usable = self.values[: seasons * period, chosen].reshape(seasons, period, -1)
            means = usable.mean(axis=1, keepdims=True)
            if self.kind == MULTIPLICATIVE:
                seasonal[:, chosen] = (usable / np.where(means > 0, means, np.inf)).mean(axis=0)
            else:
                seasonal[:, chosen] = (usable - means).mean(axis=0)
            trend[chosen] = (means[1, 0] - means[0, 0]) / period
            level[chosen] = level[chosen] - trend[chosen] * period / 2
        return level, trend, seasonal


def aligned(parts: list[Array]) -> tuple[Array, Array]:
    """(T, R) of columns of different lengths, each from its first step on and its last value repeated; and the lengths."""
    lengths = np.array([len(part) for part in parts])
    longest = int(lengths.max(initial=1))
    table = np.stack([np.pad(part, (0, longest - len(part)), mode="edge") for part in parts], axis=1)
    return table, lengths


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Windows of one series that begin within one block of it, so that a row's states do not depend on the other rows."""

    values: Array  # (n, V) from the step from which states are followed
    parameters: Array  # (V, 6)
    windows: Rows  # numbers of the windows
    at: Rows  # their steps in `values`


def smooth(values: Array, starts: Array, tables: Array, rows: Rows, horizon: int) -> Array:
    """(n, H, V) forecasts from the states before each row. values (N, V); tables (S, V, 6), of the series between `starts`."""
    width = values.shape[1]
    out = np.zeros((len(rows), horizon, width))
    for target in range(width):
        places = _places(values[:, target], starts, tables[:, target], rows)
        forms = {(int(p.parameters[PERIOD]), int(p.parameters[KIND])) for p in places}
        for period, kind in sorted(forms):
            chosen = [p for p in places if (int(p.parameters[PERIOD]), int(p.parameters[KIND])) == (period, kind)]
            _draw(out[:, :, target], chosen, period, kind)
    return out


def _places(values: Array, starts: Array, tables: Array, rows: Rows) -> list[_Place]:
    order = np.argsort(rows, kind="stable")
    bounds = np.searchsorted(rows[order], starts, side="left")
    bounds[1:] = np.searchsorted(rows[order], starts[1:], side="right")
    found = []
    for index in range(len(starts) - 1):
        windows = order[bounds[index] : bounds[index + 1]]
        windows = windows[rows[windows] > starts[index]]
        steps = rows[windows] - starts[index]
        period = int(tables[index, PERIOD])
        for block in np.unique(steps // RUN_UP):
            inside = steps // RUN_UP == block
            begin = max(0, int(block) - 1) * RUN_UP
            begin -= begin % period
            found.append(
                _Place(
                    values=values[starts[index] + begin : starts[index + 1]],
                    parameters=tables[index],
                    windows=windows[inside],
                    at=steps[inside] - begin,
                )
            )
    return found


def _draw(out: Array, places: list[_Place], period: int, kind: int) -> None:
    """Fills in the forecasts (n, H) of these places."""
    horizon = out.shape[1]
    last = max(
        3 * period, *(int(place.at.max()) for place in places)
    )  # the first three seasons are what states begin with
    table, _ = aligned([place.values[:last] for place in places])
    parameters = np.stack([place.parameters for place in places])
    lengths = np.array([len(place.values) for place in places])
    runs = Runs(values=table, lengths=lengths, parameters=parameters, period=period, kind=kind)
    sums = np.cumsum(parameters[:, DAMPING, None] ** np.arange(1, horizon + 1), axis=1)  # (R, H)
    at = np.concatenate([place.at for place in places])
    run = np.concatenate([np.full(len(place.at), number) for number, place in enumerate(places)])
    window = np.concatenate([place.windows for place in places])
    order = np.argsort(at, kind="stable")
    at, run, window = at[order], run[order], window[order]
    bounds = np.searchsorted(at, np.arange(len(runs.values) + 2))
    for step, (level, trend, seasonal) in enumerate(runs.states()):
        here = slice(bounds[step], bounds[step + 1])
        of = run[here]
        if not len(of):
            continue
        drawn = level[of, None] + sums[of] * trend[of, None]
        if kind != NONE:
            phases = seasonal[(step + np.arange(horizon)) % period][:, of].T  # (n, H)
            drawn = drawn * phases if kind == MULTIPLICATIVE else drawn + phases
        out[window[here]] = drawn
