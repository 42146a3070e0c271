"""Forecasts explained: which steps of the past, and which other columns, a forecast goes by."""

from __future__ import annotations

import numpy as np
import torch

from netpick.explain import attention, gates
from netpick.explain.attribute import Batch, integrated_gradients
from netpick.explain.series import bridge
from netpick.explain.steps import Steps, group_of
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.report.drawing import bars, curves
from netpick.report.markup import element
from netpick.types import Array
from netpick.types.drawings import Bar, Figure, Line
from netpick.types.words import counted, grouped, significant

WINDOWS = 32  # positions of the hidden stretch along the window
MOST_LISTED = 12


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


def columns_figure(subject: Subject, batch: Batch, name: str, target: Target) -> Figure | None:
    """How far the forecast moves, step by step of the horizon on average, when a column is made flat."""
    window = batch[name].float()
    names = list(subject.inputs[name].names)
    variants, shown_names = [], []
    for column, title in enumerate(names):
        changed = window.clone()
        changed[0, :, column] = window[0, :, column].mean()
        variants.append({name: changed})
        shown_names.append(f"{title} (past)")
    future = batch.get(f"{name}.future")
    if future is not None:
        for column, title in enumerate(subject.inputs[f"{name}.future"].names):
            changed = future.float().clone()
            changed[0, :, column] = changed[0, :, column].mean()
            variants.append({f"{name}.future": changed})
            shown_names.append(f"{title} (known ahead)")
    if len(variants) < 2:
        return None
    whole = _forecast(subject, batch)
    moved = [float(np.abs(_forecast(subject, {**batch, **variant}) - whole).mean()) for variant in variants]
    order = np.argsort(-np.asarray(moved), kind="stable")[:MOST_LISTED]
    shown = [Bar(name=shown_names[int(i)], value=moved[int(i)]) for i in order]
    return Figure(
        title="Which columns",
        sentence="How far the forecast moves on average, in its own units, when a column is made flat: its past, or what is known "
        "ahead.",
        caution="where columns say the same, or where a column hardly moves in this window: flat changes nothing then.",
        alt="; ".join(f"{bar.name} {significant(bar.value, 2)}" for bar in shown[:5]),
        drawing=bars("How far the forecast moves when a column is made flat", ("Column", "Moves it by"), shown),
    )


@torch.no_grad()
def _forecast(subject: Subject, batch: Batch) -> Array:
    """(H * V,) mean forecasts in the targets' units."""
    return np.asarray(subject.decoded(subject.answers(batch)).stated[0])
