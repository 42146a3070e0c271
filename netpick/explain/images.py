"""Pictures explained: which places matter, what the network sees, what would have to change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.answers.answered import AnsweredChances
from netpick.explain import attention, gates
from netpick.explain.attribute import Batch, path_maps, window_occlusion
from netpick.explain.steps import Steps
from netpick.explain.subject import Subject, Target, rank_correlation
from netpick.explain.walk import Stage, kernels_figure, pooling_figure, stages_of, walk_figure
from netpick.models.infer import per_channel
from netpick.models.networks.grid_cnn import GridCnnTrunk
from netpick.models.networks.rnn import RnnTrunk
from netpick.report.drawing import bars, overlaid, overlay, picture, pictured, stretched, tiles
from netpick.report.markup import Html, element
from netpick.types import Array
from netpick.types.drawings import Bar, Figure, Tile, Tiles
from netpick.types.words import grouped, percent

WINDOWS = 14  # positions of the occluding window along a side
WINDOW_SHARE, BLUR_SHARE = 4, 7  # a window is a fourth of a side, the blur's deviation a seventh
COARSE = 7  # places a side of the smallest change that turns the answer: finer ones are noise that no eye sees
CHANGE_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class Regions:
    """Two answers to where in the picture the evidence lies, (H, W) each; positive speaks for the answer."""

    occlusion: Array
    cam: Array | None  # None where no layer makes maps
    agreement: float


def network_figures(subject: Subject, name: str) -> tuple[Figure, ...]:
    """What can be seen without any row."""
    kernels = kernels_figure(subject.trunk(name))
    return () if kernels is None else (kernels,)


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One picture: where it looked, how it got there, and what would turn the answer."""
    batch = float_images(subject.batch([row]), name)
    image = batch[name][0].numpy()
    trunk = subject.trunk(name)
    stages = stages_of(subject, batch, trunk, target)
    figures = [regions_figure(subject, batch, name, target, stages)]
    if stages:
        figures.append(walk_figure(image, stages, chances(subject, batch)))
        pooled = pooling_figure(image, stages, _last_pooling(trunk, stages))
        figures += [] if pooled is None else [pooled]
    if target.against is not None:
        figures.append(change_figure(subject, batch, name, target))
    figures += attention.picture_figures(subject, batch, trunk, target, image)
    reader = next((part for part in trunk.modules() if isinstance(part, RnnTrunk)), None)
    steps = Steps(noun="row of the picture, from the top", group=1 if reader is None else reader.patch, item="row")
    figures += gates.gate_figures(subject, batch, trunk, target, steps)
    return tuple(figures)


def float_images(batch: Batch, name: str) -> dict[str, Tensor]:
    """The batch with its pictures as floats in 0..1, which may be changed and differentiated."""
    value = batch[name]
    return {**batch, name: value if value.is_floating_point() else value.float() / 255}


def regions(subject: Subject, batch: Batch, name: str, target: Target, stages: list[Stage]) -> Regions:
    """Occlusion and Grad-CAM over one picture or spectrogram (1, ..., H, W), and their rank correlation over all its places."""
    value = batch[name]
    height, width = value.shape[-2:]
    size = (max(2, height // WINDOW_SHARE), max(2, width // WINDOW_SHARE))
    stride = max(1, min(height, width) // WINDOWS)
    blank = blurred(value)
    hidden = window_occlusion(subject, batch, name, blank, target, size, stride)
    cam = fused(path_maps(subject, batch, name, blank, [stage.layer for stage in stages], target), (height, width))
    return Regions(occlusion=hidden, cam=cam, agreement=float("nan") if cam is None else rank_correlation(hidden, cam))


def blurred(images: Tensor) -> Tensor:
    """Pictures or spectrograms (1, ..., H, W) without their details, which is what hides a piece (Fong & Vedaldi 2017).

    A flat patch would bring edges along that networks answer to: of MNIST's black ground it hides nothing, and still moves the
    score. Rank correlation with Grad-CAM, MNIST CNN of 1,000 steps, 100 digits: 0.72 with blurred pieces, 0.50 with flat ones.
    """
    shape = images.shape
    maps = images.reshape(-1, 1, *shape[-2:])
    for axis, length in enumerate(shape[-2:]):
        reach = max(1, min(length - 1, round(length / BLUR_SHARE * 2)))
        places = torch.arange(-reach, reach + 1, dtype=torch.float32)
        weights = torch.exp(-0.5 * (places * BLUR_SHARE / length) ** 2)
        weights = (weights / weights.sum()).view(1, 1, *((-1, 1) if axis == 0 else (1, -1)))
        padding = (0, 0, reach, reach) if axis == 0 else (reach, reach, 0, 0)
        maps = functional.conv2d(functional.pad(maps, padding, mode="replicate"), weights)
    return maps.reshape(shape)


def fused(maps: list[Array], size: tuple[int, int]) -> Array | None:
    """(H, W) Grad-CAM of all layers, each with the same weight (as LayerCAM fuses them, Jiang et al. 2021).

    One layer alone is a compromise: early ones are fine but read edges, the last one knows the class but has few places.
    """
    kept = [one for one in maps if one.any() and min(one.shape) > 1]
    if not kept:
        return None
    return np.asarray(sum(stretched(one / np.abs(one).max(), size) for one in kept) / len(kept))


def blank_of(subject: Subject, name: str) -> Tensor:
    """What stands for "nothing there": the training mean of each channel, or of each band of a sound, beside a batch."""
    spec = subject.inputs[name]
    return per_channel(spec.mean, spec, 0.5)


def regions_figure(subject: Subject, batch: Batch, name: str, target: Target, stages: list[Stage]) -> Figure:
    evidence = regions(subject, batch, name, target, stages)
    image = batch[name][0].numpy()
    shown = [
        Tile(pixels=pictured(image), label="the picture"),
        Tile(pixels=overlaid(image, evidence.occlusion), label="hidden piece by piece"),
    ]
    methods = "its answer suffers when a piece is hidden"
    doubt = "for parts that only count together: one piece hidden at a time shows nothing of those."
    if evidence.cam is not None:
        shown.append(Tile(pixels=overlaid(image, evidence.cam), label="Grad-CAM of all layers"))
        methods += ", and where the maps of its layers speak for it (Grad-CAM)"
        doubt = (
            f"where the two disagree; here their rank correlation is {grouped(evidence.agreement, 2)} "
            f"({_agreement(evidence.agreement)}). A hidden piece is blurred, so what its mean brightness says stays."
        )
    return Figure(
        title="Where it looked",
        sentence=f"Where the network finds its evidence for {target.name}: orange speaks for it, blue against it; {methods}.",
        caution=doubt,
        alt=f"{_where(evidence.occlusion)} matters most for {target.name}.",
        drawing=Tiles(shown=shown, size="large"),
    )


def _agreement(value: float) -> str:
    if not np.isfinite(value):
        return "one of them is flat"
    return "they agree" if value >= 0.5 else "they agree in part" if value >= 0.25 else "they do not agree"


def _where(values: Array) -> str:
    """The place of the strongest evidence in words."""
    down, across = np.unravel_index(int(values.argmax()), values.shape)
    rows = ("the top", "the middle", "the bottom")[min(2, 3 * int(down) // values.shape[0])]
    columns = ("left", "centre", "right")[min(2, 3 * int(across) // values.shape[1])]
    return f"{rows}, {columns}".capitalize()


def chances(subject: Subject, batch: Batch, most: int = 5) -> Html:
    """The likeliest classes with their probabilities, or the predicted numbers."""
    decoded = subject.decoded(subject.answers(batch))
    if not isinstance(decoded, AnsweredChances):
        shown = [Bar(name=n, value=float(v)) for n, v in zip(subject.labels, decoded.stated[0], strict=True)]
        return bars("Predicted values", ("Target", "Value"), shown)
    order = np.argsort(-decoded.probabilities[0], kind="stable")[:most]
    return bars(
        "The likeliest answers",
        ("Answer", "Probability"),
        [
            Bar(name=subject.labels[int(i)], value=float(p := decoded.probabilities[0][i]), text=percent(float(p)))
            for i in order
        ],
    )


def _last_pooling(trunk: nn.Module, stages: list[Stage]) -> str:
    pooling = trunk.pooling if isinstance(trunk, GridCnnTrunk) else ""
    return {
        "flatten": "each place of the last map then has weights of its own",
        "mean": "of the last maps only the mean over all places is left",
        "max": "of each last map only its largest value is left",
        "mean_max": "of each last map only its mean and its largest value are left",
    }.get(pooling, f"the last maps hold {stages[-1].maps.shape[1] * stages[-1].maps.shape[2]} places")


# --- what would have to change ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Turned:
    """A picture changed until the runner-up wins: `change` (C, H, W), and the probabilities of both classes behind it."""

    change: Array
    changed: Array
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def turned(self) -> bool:
        return self.after[1] > self.after[0]


def smallest_change(subject: Subject, batch: Batch, name: str, target: Target) -> Turned:
    """A small, coarse change of brightness that makes the runner-up overtake the answer, by gradient descent.

    After Wachter et al. (2018). The change is drawn on a grid of COARSE places a side, and it costs its own size; per-pixel
    changes would be adversarial noise (Szegedy et al. 2014), which says nothing that an eye can follow.
    """
    assert target.against is not None
    other = Target(index=target.against, name="", words="")
    value = batch[name]
    grid = torch.zeros(1, value.shape[1], COARSE, COARSE, requires_grad=True)
    optimizer = torch.optim.Adam([grid], lr=0.06)
    best = value
    for _ in range(CHANGE_STEPS):
        change = functional.interpolate(grid, size=value.shape[-2:], mode="bilinear", align_corners=False)
        changed = (value + change).clamp(0, 1)
        whole = {**batch, name: changed}
        gap = subject.score(whole, other) - subject.score(whole, target)
        if float(gap.detach()) > 0.2:
            best = changed.detach()
            break
        best = changed.detach()
        loss = functional.softplus(0.4 - gap).sum() + 2.0 * grid.abs().mean()
        (grid.grad,) = torch.autograd.grad(loss, grid)
        optimizer.step()
    both = [target.index, target.against]
    before, after = subject.answers(batch)[0][both], subject.answers({**batch, name: best})[0][both]
    return Turned(
        change=(best - value)[0].numpy(),
        changed=best[0].numpy(),
        before=(float(before[0]), float(before[1])),
        after=(float(after[0]), float(after[1])),
    )


def change_figure(subject: Subject, batch: Batch, name: str, target: Target) -> Figure:
    assert target.against is not None
    smallest = smallest_change(subject, batch, name, target)
    other = subject.labels[target.against]
    image = batch[name][0].numpy()
    moved = smallest.change.mean(axis=0)
    shown = [
        (picture(image), f"{target.name} {percent(smallest.before[0])}, {other} {percent(smallest.before[1])}"),
        (overlay(image * 0 + 0.5, moved), "brighter (orange), darker (blue)"),
        (
            picture(smallest.changed),
            f"{target.name} {percent(smallest.after[0])}, {other} {percent(smallest.after[1])}",
        ),
    ]
    result = "does" if smallest.turned else "does not, even after this change,"
    size = float(np.abs(moved).max())
    return Figure(
        title=f"What would make it {other}?",
        sentence=f"A small, coarse change of brightness that pulls the answer from {target.name} towards {other}, the "
        f"runner-up; the answer {result} turn. The largest change is {percent(size)} of the whole range.",
        caution="as the only way: many other changes would turn it too, and the changed picture need not look like a real "
        f"{other}.",
        alt=f"Before: {target.name} {percent(smallest.before[0])}. After: {other} {percent(smallest.after[1])}.",
        drawing=element("div", tiles(shown, size="large")),
    )
