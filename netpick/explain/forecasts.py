"""Forecasts explained: which steps of the past, and which other columns, a forecast goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from netpick.explain import attention, gates
from netpick.explain.attribute import Batch, integrated_gradients
from netpick.explain.series import bridge
from netpick.explain.steps import Steps, group_of
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.models.networks import main_input
from netpick.report.drawing import bars, curves
from netpick.report.markup import element
from netpick.tasks.forecast.windows import BEGUN, CALENDAR, channels_of
from netpick.types import Array
from netpick.types.drawings import Bar, Figure, Line
from netpick.types.words import counted, grouped, significant

WINDOWS = 32  # positions of the hidden stretch along the window
MOST_LISTED = 12
MOST_SERIES = 256  # that are looked at together


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """The forecast from the end of one series."""
    batch = subject.batch([row])
    trunk = subject.trunk(name)
    steps = Steps(noun="steps of the past, the last one right before the forecast", group=group_of(trunk))
    figures = [window_figure(subject, batch, name, target), columns_figure(subject, batch, name, target)]
    figures += gates.gate_figures(subject, batch, trunk, target, steps)
    figures += attention.sequence_figures(subject, batch, trunk, target, steps)
    return tuple(figure for figure in figures if figure is not None)


def lag_weights(subject: Subject, batch: Batch, name: str, target: Target) -> tuple[Array, Array]:
    """(T,) each: how much the mean forecast moves when a stretch of the target's past becomes a straight line, and integrated
    gradients of the target's past from a flat window at its mean."""
    window = batch[name].float()
    length, place = window.shape[1], target.index
    size = max(1, round(length / WINDOWS))
    starts = sorted({*range(0, max(1, length - size + 1), max(1, size // 2)), max(0, length - size)})
    variants = window.repeat(len(starts), 1, 1)
    own = window[0, :, place : place + 1]
    for number, start in enumerate(starts):
        end = min(length, start + size)
        variants[number, start:end, place] = bridge(own, start, end, length)[:, 0]
    whole = float(subject.scores({**batch, name: window}, target)[0])
    moved = whole - subject.changed(batch, {name: variants}, target)
    total, times = np.zeros(length), np.zeros(length)
    for start, drop in zip(starts, moved, strict=True):
        total[start : start + size] += drop
        times[start : start + size] += 1
    flat = window.clone()
    flat[:, :, place] = own.mean()
    gradients = integrated_gradients(subject, {**batch, name: window}, name, flat, target)
    return total / np.maximum(times, 1), gradients[:, place]


def window_figure(subject: Subject, batch: Batch, name: str, target: Target) -> Figure:
    hidden, gradients = lag_weights(subject, batch, name, target)
    length = len(hidden)
    x = np.arange(-length, 0, dtype=np.float64)
    past = batch[name][0, :, target.index].numpy().astype(np.float64)
    line = [Line(x=x, y=past, kind="ink")]
    axes = ("steps before the forecast", f"{target.name} (scaled)")
    shown = [
        element("div", element("p", element("b", "Straightened stretch by stretch")), curves(line, axes, under=hidden)),
        element("div", element("p", element("b", "Integrated gradients")), curves(line, axes, under=gradients)),
    ]
    strongest = length - int(np.abs(hidden).argmax())
    agreement = rank_correlation(np.abs(hidden), np.abs(gradients))
    season = subject.state.season
    of_season = f" A season of {season:,} steps shows in the data." if season > 1 else ""
    return Figure(
        title="Which of the past",
        sentence=f"Which stretches of the past move the mean forecast of {target.name}: orange raises it, blue lowers it.{of_season}",
        caution=f"where the two methods disagree; here the rank correlation of their sizes is {grouped(agreement, 2)}. Neighbouring "
        "steps say nearly the same, so the network can take either.",
        alt=f"Strongest {counted(strongest, 'step')} before the forecast.",
        drawing=element("div", shown, class_="panels"),
    )


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a forecast looks at, and where that stands: channels of the window, and of what is known ahead."""

    title: str
    past: Sequence[int] = ()
    ahead: Sequence[int] = ()


def parts_of(subject: Subject, name: str) -> list[Part]:
    """The past of each target and of each other column, what of these is known ahead, and the calendar."""
    state = subject.state
    parts = [Part(title=f"{target} (its own past)", past=[i]) for i, target in enumerate(state.targets)]
    behind, ahead = channels_of(state, subject.encoders)
    shift = len(state.targets) + len(behind)  # the channel of the window that is the first of those known ahead
    places: dict[str, list[int]] = {}
    for place, (column, _) in enumerate((*behind, *ahead), start=len(state.targets)):
        places.setdefault(column, []).append(place)
    for column, channels in places.items():
        known = [channel - shift for channel in channels if channel >= shift]
        if column in (BEGUN, CALENDAR):
            parts.append(Part(title=column, past=channels, ahead=known))
            continue
        parts.append(Part(title=f"{column} (past)", past=channels))
        if column in state.known:
            parts.append(Part(title=f"{column} (known ahead)", ahead=known))
    return parts


def without(batch: Batch, name: str, part: Part) -> Batch:
    """The batch with a part as it is on average in the window of each row, step by step: it then tells nothing of any step."""
    window = batch[name].float()
    mean = window.mean(dim=1, keepdim=True)
    changed = {**batch, name: window.clone()}
    for channel in part.past:
        changed[name][:, :, channel] = mean[:, :, channel]
    if part.ahead:
        future = batch[f"{name}.future"].float().clone()
        shift = window.shape[2] - future.shape[2]
        for channel in part.ahead:
            future[:, :, channel] = mean[:, :, shift + channel]
        changed[f"{name}.future"] = future
    return changed


def columns_figure(subject: Subject, batch: Batch, name: str, target: Target) -> Figure | None:
    """How far the forecast moves, step by step of the horizon on average, when a column tells nothing."""
    parts = parts_of(subject, name)
    if len(parts) < 2:
        return None
    whole = _forecast(subject, batch)
    moved = [float(np.abs(_forecast(subject, without(batch, name, part)) - whole).mean()) for part in parts]
    return _moved_figure(
        "Which columns",
        "How far the forecast moves on average, in its own units, when a column is as it is on average in this window: its past, or "
        "what is known of it ahead.",
        parts,
        moved,
    )


def data_figures(subject: Subject) -> tuple[Figure, ...]:
    """The same over several series, in standard deviations of each."""
    name = main_input(subject.inputs)
    parts, rows = parts_of(subject, name), np.arange(min(subject.count, MOST_SERIES))
    if len(parts) < 2 or len(rows) < 2:
        return ()
    batch = subject.batch(rows)
    deviation = np.asarray(subject.state.deviation)[subject.arrays[f"{name}.series"][rows, 0]]  # (n, V)
    whole = _forecast(subject, batch)
    steps = whole.shape[1] // deviation.shape[1]
    moved = [
        float((np.abs(_forecast(subject, without(batch, name, part)) - whole) / np.tile(deviation, (1, steps))).mean())
        for part in parts
    ]
    of = f"the first {len(rows):,} of {subject.count:,}" if subject.count > len(rows) else f"{len(rows):,}"
    figure = _moved_figure(
        "Which columns, over all series",
        f"How far the forecasts of {of} series move on average, in standard deviations of each series, when a column is as it is "
        "on average in the window: its past, or what is known of it ahead.",
        parts,
        moved,
    )
    return (figure,)


def _moved_figure(title: str, sentence: str, parts: Sequence[Part], moved: Sequence[float]) -> Figure:
    order = np.argsort(-np.asarray(moved), kind="stable")[:MOST_LISTED]
    shown = [Bar(name=parts[int(i)].title, value=moved[int(i)]) for i in order]
    return Figure(
        title=title,
        sentence=sentence,
        caution="where columns say the same, since the forecast can take either; and where a column hardly moves in the window, since "
        "its average then says as much.",
        alt="; ".join(f"{bar.name} {significant(bar.value, 2)}" for bar in shown[:5]),
        drawing=bars(title, ("Column", "Moves it by"), shown),
    )


@torch.no_grad()
def _forecast(subject: Subject, batch: Batch) -> Array:
    """(n, H * V) point forecasts in the targets' units."""
    return np.asarray(subject.decoded(subject.answers(batch)).stated)
