"""On which scale each series is: logarithms or not, and a location and a scale each, from the steps that are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netpick.answers.horizon import transformed
from netpick.tasks.forecast.borders import Borders
from netpick.tasks.forecast.seasons import wants_logarithms
from netpick.tasks.forecast.state import ForecastState, naive_period, series_scales
from netpick.tasks.forecast.timeline import Timeline
from netpick.types import Array, Note

SOME_ZEROS = 0.01  # share of the values that are 0, for them to be amounts
LEAST_OF_ALL = 0.05  # of the scale of all series, for one of which few steps are known

Scales = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]


def scaled_by(
    timeline: Timeline, state: ForecastState, values: Array, borders: Borders, notes: list[Note]
) -> ForecastState:
    """The state with logarithms where the data ask for them, and the scales of every series, from the steps that are learned from."""
    early = timeline.positions < borders.validation
    log = tuple(wants_logarithms(timeline, values[:, i], early, state.season) for i in range(len(state.targets)))
    if any(log):
        named = ", ".join(name for name, one in zip(state.targets, log, strict=True) if one)
        notes.append(Note(subject="scale", text=f"logarithms of {named}: it grows, and its swings grow with it"))
    known = values[early] if early.any() else values
    least = np.nanmin(known, axis=0, initial=np.inf, where=~np.isnan(known))
    below = [not one and 0 <= low < np.inf for one, low in zip(log, least.tolist(), strict=True)]
    if any(below):
        named = ", ".join(name for name, one in zip(state.targets, below, strict=True) if one)
        notes.append(Note(subject="scale", text=f"no forecast of {named} lies below 0: the history never does"))
    state = replace(state, log=log, nonnegative=tuple(below))
    state = replace(state, amounts=_are_amounts(state, known))
    of_all = _scales_of(known, state)
    found = []
    for start, end in zip(timeline.starts[:-1], timeline.starts[1:], strict=True):
        learned, seen = early[start:end], early[start:end].copy()
        seen[: state.context] = True  # before the first origin, so that every window of the series has seen them
        found.append(_of_series(values[start:end][learned], values[start:end][seen], of_all, state))
    return _with_scales(state, found)


def _of_series(learned: Array, seen: Array, of_all: Scales, state: ForecastState) -> Scales:
    """Scales of one series: its errors are measured by the steps that are learned from (n, V), its values by those that all its
    windows have seen. One that begins later than it takes the measure of all."""
    _, _, deviation, naive = _scales_of(learned, state) if _known(learned) > 1 else of_all
    if _known(seen) < 2:
        return of_all[0], of_all[1], deviation, naive
    location, scale, _, _ = _scales_of(seen, state)
    if _known(seen) < state.context:  # a few steps that happen to be alike must not blow up those that follow
        scale = tuple(max(own, LEAST_OF_ALL * usual) for own, usual in zip(scale, of_all[1], strict=True))
    return location, scale, deviation, naive


def _are_amounts(state: ForecastState, values: Array) -> bool:
    """Whether the values (n, V) of several series are amounts: none lies below 0, and some are 0.

    A promotion then adds a share of a series' level. In one series its own scale says as much as its level.
    """
    with np.errstate(invalid="ignore"):
        zeros = (values == 0).sum(axis=0) / np.maximum((~np.isnan(values)).sum(axis=0), 1)
    return len(state.ids) > 1 and all(state.nonnegative) and bool((zeros >= SOME_ZEROS).all())


def _known(values: Array) -> int:
    """Steps (n, V) with a value."""
    return int((~np.isnan(values).all(axis=1)).sum())


def _scales_of(values: Array, state: ForecastState) -> Scales:
    """Location, scale, deviation and naive error (V,) of one series."""
    location, scale, _, _ = series_scales(transformed(values, state), state.season)
    location = (0.0,) * len(location) if state.amounts else location
    _, _, deviation, naive = series_scales(values, naive_period(state))
    return location, scale, deviation, naive


def _with_scales(state: ForecastState, more: Sequence[Scales]) -> ForecastState:
    """The state with the scales of further series behind those that it has."""
    return replace(
        state,
        location=(*state.location, *(scales[0] for scales in more)),
        scale=(*state.scale, *(scales[1] for scales in more)),
        deviation=(*state.deviation, *(scales[2] for scales in more)),
        naive=(*state.naive, *(scales[3] for scales in more)),
    )


def new_scales(timeline: Timeline, state: ForecastState, values: Array) -> tuple[ForecastState, Array]:
    """The state for other data of the same kind, and the number of each of their series in it.

    Series that training knew keep their scales; others get those of their own history.
    """
    known = {name: i for i, name in enumerate(state.ids)}
    alone = len(timeline.ids) == 1 and len(state.ids) == 1
    numbers: list[int] = []
    ids, found = list(state.ids), []
    for index, name in enumerate(timeline.ids):
        if name in known or alone:
            numbers.append(known.get(name, 0))
            continue
        found.append(_scales_of(values[timeline.starts[index] : timeline.starts[index + 1]], state))
        numbers.append(len(ids))
        ids.append(name)
    return replace(_with_scales(state, found), ids=tuple(ids)), np.asarray(numbers)
