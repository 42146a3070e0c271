"""Series explained: which stretches of the curve the answer hangs on, which channels, and what is inside the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from netpick.explain import attention, fired, gates
from netpick.explain.attribute import Batch, integrated_gradients
from netpick.explain.steps import Steps, group_of
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.types import Array, ArrayColumn
from netpick.types.drawings import Bar, Bars, Curves, Figure, Line, Panel, Stack
from netpick.types.words import grouped, significant

WINDOWS = 25  # positions of the hidden stretch along the series
MOST_CHANNELS = 4  # that are drawn
MOST_LISTED = 12


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What each step says for the answer, (T,): by hiding stretches, and by integrated gradients."""

    hidden: Array
    gradients: Array | None

    @property
    def agreement(self) -> float:
        return float("nan") if self.gradients is None else rank_correlation(self.hidden, self.gradients)


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One series: its curve by what matters, its channels, then what is inside the network."""
    batch = subject.batch([row])
    trunk = subject.trunk(name)
    values, noun = curve_of(subject, row, name)
    steps = Steps(noun=noun, group=group_of(trunk))
    figures = [curve_figure(subject, batch, name, target, values)]
    if values.shape[1] > 1:
        figures.append(channels_figure(subject, batch, name, target))
    figures += windows_figures(subject, batch, trunk, target, values)
    figures += gates.gate_figures(subject, batch, trunk, target, steps)
    figures += attention.sequence_figures(subject, batch, trunk, target, steps)
    return tuple(figures)


def curve_of(subject: Subject, row: int, name: str) -> tuple[Array, str]:
    """The series (T, C) in its own units as far as the network reads it, and what its steps are called."""
    column = next(
        (
            c
            for c in subject.columns.values()
            if isinstance(c, ArrayColumn) and c.kind == "series" and _reads(name, c.name)
        ),
        None,
    )
    length = valid_steps(subject, row, name)
    values = subject.arrays[name][row] if column is None else np.asarray(column.values[int(subject.rows[row])])
    return np.asarray(values[:length], dtype=np.float64), "step"


def _reads(name: str, column: str) -> bool:
    return ":" not in name or name.partition(":")[2] == column


def valid_steps(subject: Subject, row: int, name: str) -> int:
    lengths = subject.arrays.get(f"{name}.lengths")
    return subject.inputs[name].shape[0] if lengths is None else max(1, int(lengths[row]))


# --- over time -------------------------------------------------------------------------------------------------------


def hidden_stretches(subject: Subject, batch: Batch, name: str, target: Target, length: int) -> Array:
    """(T,): how much the score falls when a stretch around a step becomes the straight line between its ends.

    A flat patch at the mean would put two jumps there, which networks that look for edges answer to.
    """
    value = batch[name].float()
    size = max(1, round(length / WINDOWS))
    starts = list(range(0, max(1, length - size + 1), max(1, size // 2)))
    if starts[-1] != max(0, length - size):
        starts.append(max(0, length - size))
    variants = value.repeat(len(starts), 1, 1)
    for number, start in enumerate(starts):
        variants[number, start : start + size] = bridge(value[0], start, min(length, start + size), length)
    whole = float(subject.scores({**batch, name: value}, target)[0])
    fallen = whole - subject.changed(batch, {name: variants}, target)
    total, times = np.zeros(length), np.zeros(length)
    for start, drop in zip(starts, fallen, strict=True):
        total[start : start + size] += drop
        times[start : start + size] += 1
    return total / np.maximum(times, 1)


def bridge(series: Tensor, start: int, end: int, length: int) -> Tensor:
    """The straight line over the steps start..end of (T, C) between their neighbours; 0, the mean, where there is neither."""
    before = series[start - 1] if start > 0 else None
    after = series[end] if end < length else None
    if before is None and after is None:
        return torch.zeros(end - start, series.shape[1])
    left = after if before is None else before
    right = before if after is None else after
    assert left is not None
    assert right is not None
    share = (torch.arange(1, end - start + 1) / (end - start + 1)).unsqueeze(1)
    return left + share * (right - left)


def moments(
    subject: Subject, batch: Batch, name: str, target: Target, length: int, *, gradients: bool = True
) -> Moments:
    hidden = hidden_stretches(subject, batch, name, target, length)
    if not gradients:
        return Moments(hidden=hidden, gradients=None)
    value = batch[name].float()
    attributions = integrated_gradients(subject, batch, name, torch.zeros_like(value), target)
    return Moments(hidden=hidden, gradients=attributions[:length].sum(axis=1))


def curve_figure(
    subject: Subject, batch: Batch, name: str, target: Target, values: Array, *, gradients: bool = True
) -> Figure:
    """The curve on grounds of what its stretches say. gradients: whether a second method says where to doubt it."""
    evidence = moments(subject, batch, name, target, len(values), gradients=gradients)
    x = np.arange(1, len(values) + 1, dtype=np.float64)
    count = min(MOST_CHANNELS, values.shape[1])
    lines = [Line(x=x, y=values[:, c], kind=f"k{c}" if count > 1 else "ink") for c in range(count)]
    grounds = [("Hidden stretch by stretch", evidence.hidden)]
    doubt = "for stretches that only count together."
    if evidence.gradients is not None:
        grounds.append(("Integrated gradients", evidence.gradients))
        doubt = f"where the two methods disagree; here their rank correlation is {grouped(evidence.agreement, 2)}."
    shown = [
        Panel(title=title, shown=Curves(lines=lines, axes=("step", "value"), under=under)) for title, under in grounds
    ]
    strongest = int(evidence.hidden.argmax()) + 1
    more = values.shape[1] - count
    return Figure(
        title="Where on the curve",
        sentence=f"Which stretches move {target.words}: on orange ground they speak for it, on blue against it."
        + (f" {more} more channels are not drawn." if more > 0 else ""),
        caution=f"{doubt} A hidden stretch becomes a straight line, which may itself be unlike any real series.",
        alt=f"Around step {strongest} the curve speaks most for {target.name}.",
        drawing=Stack(parts=shown, style="panels"),
    )


def channels_figure(subject: Subject, batch: Batch, name: str, target: Target) -> Figure:
    """How much the score falls when a whole channel is set to its mean."""
    value = batch[name].float()
    count = value.shape[2]
    variants = value.repeat(count, 1, 1)
    for channel in range(count):
        variants[channel, :, channel] = 0.0
    whole = float(subject.scores({**batch, name: value}, target)[0])
    fallen = whole - subject.changed(batch, {name: variants}, target)
    names = subject.inputs[name].names
    order = np.argsort(-np.abs(fallen), kind="stable")[:MOST_LISTED]
    shown = [
        Bar(name=names[int(c)] if int(c) < len(names) else f"channel {int(c) + 1}", value=float(fallen[c]))
        for c in order
    ]
    return Figure(
        title="Which channels",
        sentence=f"How much {target.words} falls when a whole channel is set to its mean.",
        caution="where channels say the same: one of them alone then seems to add nothing.",
        alt="; ".join(f"{bar.name} {significant(bar.value, 2)}" for bar in shown[:5]),
        drawing=Bars(caption="Loss when a channel is hidden", heads=("Channel", "Adds"), shown=shown),
    )


def windows_figures(
    subject: Subject, batch: Batch, trunk: nn.Module, target: Target, values: Array
) -> tuple[Figure, ...]:
    """The stretches that the strongest filters of the first convolutions answered to."""
    firings = fired.firings(subject, batch, trunk, target)[:4]
    if not firings:
        return ()
    x = np.arange(1, len(values) + 1, dtype=np.float64)
    shown = []
    for firing in firings:
        marks = np.zeros(len(values))
        marks[max(0, firing.start) : max(1, firing.end)] = firing.part
        lines = [Line(x=x, y=values[:, 0].astype(np.float64), kind="ink")]
        drawing = Curves(lines=lines, axes=("step", "value"), under=marks)
        shown.append(Panel(title=f"filter {firing.filter}", shown=drawing))
    return (
        Figure(
            title="Windows that fired",
            sentence="Where four of the strongest filters of the first convolutions found what they look for: orange where that "
            f"speaks for {target.name}, blue where against it.",
            caution="as the whole story: dozens of filters fire, many of them at several places, and later layers combine them.",
            alt="; ".join(f"filter {f.filter} at steps {max(1, f.start + 1)} to {f.end}" for f in firings),
            drawing=Stack(parts=shown, style="panels"),
        ),
    )
