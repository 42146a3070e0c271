"""Rows of several inputs, and clips: how much each input, and each moment of a clip, has to say."""

from __future__ import annotations

import numpy as np

from netpick.explain.attribute import Batch, window_occlusion
from netpick.explain.images import blank_of
from netpick.explain.subject import Subject, Target
from netpick.explain.tables import background_of, places, row_shares
from netpick.report.drawing import overlaid
from netpick.types import Array
from netpick.types.drawings import Bar, Bars, Figure, Tile, Tiles
from netpick.types.words import percent, significant

MOST_FRAMES = 8


def inputs_figure(subject: Subject, row: int, target: Target) -> Figure | None:
    """Of a row of several columns, what each of them adds; None where there is a single one, or no other row to compare with."""
    if len(subject.encoders) < 2 or subject.count < 10 or len(subject.inputs) < 2:
        return None
    background, whence = background_of(subject, row)
    shares = row_shares(subject, row, target, background)
    kinds = {place.column: place.kind for place in places(subject.encoders)}
    order = np.argsort(-np.abs(shares.values), kind="stable")
    shown = [
        Bar(name=f"{shares.columns[int(i)]} ({kinds[shares.columns[int(i)]]})", value=float(shares.values[i]))
        for i in order
    ]
    return Figure(
        title="What each column adds",
        sentence=f"From {significant(shares.base, 3)}, what the network says on average, to {significant(shares.score, 3)} for this row: "
        f"how much each column moves {target.words} (Shapley values).",
        caution="where columns depend on each other: they are replaced one by one by those of other rows, and some of these rows "
        f"cannot exist. Compared with {whence}.",
        alt="; ".join(f"{bar.name} {significant(bar.value, 2)}" for bar in shown[:5]),
        drawing=Bars(caption="What each column adds", heads=("Column", "Adds"), shown=shown),
    )


def clip_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """A clip: which frames and which places in them the answer hangs on."""
    batch = subject.batch([row])
    clip = batch[name].float() / 255
    batch = {**batch, name: clip}
    over_time = frame_occlusion(subject, batch, name, target)
    height, width = clip.shape[-2:]
    size, stride = (max(2, height // 5), max(2, width // 5)), max(1, min(height, width) // 10)
    where = window_occlusion(subject, batch, name, blank_of(subject, name), target, size, stride)
    chosen = np.unique(np.linspace(0, clip.shape[1] - 1, min(MOST_FRAMES, clip.shape[1])).round().astype(int))
    shown = [Tile(pixels=overlaid(clip[0, int(i)].numpy(), where), label=f"frame {int(i) + 1}") for i in chosen]
    strip = [Bar(name=f"frame {i + 1}", value=float(v)) for i, v in enumerate(over_time)]
    best = int(over_time.argmax()) + 1
    return (
        Figure(
            title="Where in the frames",
            sentence=f"Which places move {target.words} when they are hidden in all frames at once: orange speaks for it, blue "
            "against it.",
            caution="for what moves: a place hidden in all frames hides the way, not only the thing.",
            alt=f"{percent(float((where > 0.5 * where.max()).mean()))} of the frame holds most of the evidence.",
            drawing=Tiles(shown=shown),
        ),
        Figure(
            title="Which frames",
            sentence=f"How much {target.words} falls when a frame is replaced by the one before it.",
            caution="where neighbouring frames are alike: replacing one of them then changes nothing.",
            alt=f"Frame {best} matters most.",
            drawing=Bars(caption="Loss when a frame is replaced", heads=("Frame", "Adds"), shown=strip),
        ),
    )


def frame_occlusion(subject: Subject, batch: Batch, name: str, target: Target) -> Array:
    """(T,): how much the score falls when a frame of (1, T, C, H, W) is replaced by the one before it (the first: by the second)."""
    clip = batch[name]
    length = clip.shape[1]
    variants = clip.repeat(length, 1, 1, 1, 1)
    for frame in range(length):
        variants[frame, frame] = clip[0, frame - 1 if frame else min(1, length - 1)]
    whole = float(subject.scores(batch, target)[0])
    return np.asarray(whole - subject.changed(batch, {name: variants}, target))
