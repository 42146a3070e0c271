"""Sounds explained: when and at which pitch the evidence lies, drawn over the spectrogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netpick.explain import attention, gates
from netpick.explain.attribute import Batch, integrated_gradients
from netpick.explain.images import blank_of, chances, float_images, regions
from netpick.explain.steps import Steps, group_of
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.explain.walk import Stage, stages_of, walk_figure
from netpick.report.drawing import overlaid, pictured
from netpick.types import Array
from netpick.types.drawings import Curves, Figure, Line, Stack, Tile, Tiles
from netpick.types.words import grouped


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One sound: its spectrogram by what matters, then what is inside the network."""
    batch = float_images(subject.batch([row]), name)
    trunk = subject.trunk(name)
    stages = stages_of(subject, batch, trunk, target)
    seconds = frame_seconds(subject, name)
    figures = [spectrogram_figure(subject, batch, name, target, stages)]
    if stages:
        turned = [_upright_stage(stage) for stage in stages]
        figures.append(walk_figure(upright(batch[name][0].numpy())[None], turned, chances(subject, batch)))
    steps = Steps(noun="time", group=group_of(trunk), seconds=seconds, item="frame")
    figures += gates.gate_figures(subject, batch, trunk, target, steps)
    figures += attention.sequence_figures(subject, batch, trunk, target, steps)
    return tuple(figures)


def upright(frames: Array) -> Array:
    """Frames (T, F), of values or of attributions, as a picture: time to the right, low tones below."""
    return np.ascontiguousarray(frames[:, ::-1].T)


def _upright_stage(stage: Stage) -> Stage:
    taken, maps = (values[:, :, ::-1].transpose(0, 2, 1) for values in (stage.taken, stage.maps))
    return replace(stage, taken=taken, maps=maps, evidence=upright(stage.evidence))


def frame_seconds(subject: Subject, name: str) -> float:
    """Of one frame to the next; 0 where the model was not made from files."""
    for encoder in subject.encoders:
        if encoder.kind == "audio" and name in ("spectrogram", f"spectrogram:{encoder.column}"):
            settings = encoder.state.decoding
            return (
                float(settings["hop"]) / float(settings["sample_rate"])
                if {"hop", "sample_rate"} <= set(settings)
                else 0.0
            )
    return 0.0


def spectrogram_figure(
    subject: Subject,
    batch: Batch,
    name: str,
    target: Target,
    stages: list[Stage],
    *,
    gradients: bool = True,
) -> Figure:
    """The spectrogram, and over it what hiding patches and a second method say; gradients: whether there may be one by captum."""
    seconds = frame_seconds(subject, name)
    frames = batch[name][0].numpy()
    evidence = regions(subject, batch, name, target, stages)
    image = upright(frames)[None]
    shown = [
        Tile(pixels=pictured(image, 480), label="the sound: time to the right, low tones below"),
        Tile(pixels=overlaid(image, upright(evidence.occlusion), 480), label="hidden patch by patch"),
    ]
    second, called = evidence.cam, "Grad-CAM of all layers"
    if second is None and gradients:
        second = integrated_gradients(subject, batch, name, blank_of(subject, name), target)
        called = "integrated gradients"
    doubt = "for parts that only count together."
    if second is not None:
        shown.append(Tile(pixels=overlaid(image, upright(second), 480), label=called))
        agreement = grouped(rank_correlation(evidence.occlusion, second), 2)
        doubt = f"where the methods disagree; here the rank correlation of hiding and {called} is {agreement}."
    over_time = evidence.occlusion.sum(axis=1)
    step = seconds or 1.0
    x = np.arange(len(over_time), dtype=np.float64) * step
    loud = frames.mean(axis=1).astype(np.float64)
    axis = "seconds" if seconds else "frame"
    loudness = Curves(lines=[Line(x=x, y=loud, kind="ink")], axes=(axis, "mean loudness"), under=over_time)
    when = f"{x[int(over_time.argmax())]:.2f} s" if seconds else f"frame {int(over_time.argmax()) + 1}"
    return Figure(
        title="When, and at which pitch",
        sentence=f"Which parts of the sound move {target.words}: orange speaks for it, blue against it; below, the same summed over "
        "all pitches.",
        caution=f"{doubt} A hidden patch is blurred, so how loud it is on the whole stays.",
        alt=f"The evidence for {target.name} is strongest at {when}.",
        drawing=Stack(parts=[Tiles(shown=shown, size="wide"), loudness]),
    )
