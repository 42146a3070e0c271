"""What a convolutional network sees, layer by layer: kernels, feature maps, and what is lost on the way to the last map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from netpick.explain.attribute import Batch, passed
from netpick.explain.subject import Subject, Target
from netpick.models.networks.layer_steps import Pool2d
from netpick.report.drawing import map_tile, picture, png, tiles
from netpick.report.markup import Html, element
from netpick.types import Array
from netpick.types.drawings import Figure

MOST_STAGES, MOST_MAPS, MOST_KERNELS = 8, 8, 32
CONVOLUTIONS = (nn.Conv2d,)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A layer that makes maps, and what it made of a row."""

    words: str
    layer: nn.Module
    taken: Array  # (C, H, W) what it was given
    maps: Array  # (D, h, w)
    evidence: Array  # (h, w) gradient times activation, summed over the maps: what each place says for the answer
    parts: Array  # (D,) the same, summed over the places


def stages_of(subject: Subject, batch: Batch, trunk: nn.Module, target: Target) -> list[Stage]:
    """The layers of a trunk that make maps of pictures, in their order; none where there are no convolutions."""
    stages: list[Stage] = []
    for one in passed(subject, batch, layer_chain(trunk), target):
        if one.given.ndim != 4:
            continue
        maps, evidence = one.given[0].numpy(), (one.given * one.gradient)[0].numpy()
        taken = one.taken[0] if one.taken and isinstance(one.taken[0], Tensor) and one.taken[0].ndim == 4 else one.given
        # An activation or a norm behind a layer belongs to it.
        same = bool(stages) and stages[-1].maps.shape == maps.shape and not _has_convolution(one.layer)
        stage = Stage(
            words=stages[-1].words if same else _words(one.layer, maps.shape),
            layer=stages[-1].layer if same else one.layer,
            taken=stages[-1].taken if same else taken.detach()[0].numpy(),
            maps=maps,
            evidence=evidence.sum(axis=0),
            parts=evidence.sum(axis=(1, 2)),
        )
        stages[-1 if same else len(stages) :] = [stage]
    return stages


def layer_chain(trunk: nn.Module) -> list[nn.Module]:
    """The outermost list of layers that holds convolutions over pictures; single ones where a user's module has no list."""
    for module in trunk.modules():
        lists = isinstance(module, nn.Sequential | nn.ModuleList) and len(module) > 1
        if lists and sum(_has_convolution(child) for child in module.children()):
            return list(module.children())
    return [m for m in trunk.modules() if isinstance(m, CONVOLUTIONS)]


def _has_convolution(module: nn.Module) -> bool:
    return any(isinstance(part, CONVOLUTIONS) for part in module.modules())


def _words(layer: nn.Module, shape: tuple[int, ...]) -> str:
    if isinstance(layer, Pool2d):
        return f"{'largest' if layer.largest else 'mean'} of each {layer.window.size} × {layer.window.size}"
    first = next((part for part in layer.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None:
        return type(layer).__name__
    count = sum(isinstance(part, CONVOLUTIONS) for part in layer.modules())
    size = f"{first.kernel_size[0]} × {first.kernel_size[1]}"
    stride = f", every {_ordinal(first.stride[0])} place" if first.stride[0] > 1 else ""
    kind = "residual block" if "Block" in type(layer).__name__ or "Residual" in type(layer).__name__ else "convolution"
    several = f", {count} convolutions" if count > 1 else ""
    return f"{kind}, {shape[0]} filters of {size}{stride}{several}"


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")


# --- figures ---------------------------------------------------------------------------------------------------------


def walk_figure(image: Array, stages: Sequence[Stage], ending: Html) -> Figure:
    """The same picture walking through the network, from pixels to the answer."""
    shown = list(stages)
    if len(shown) > MOST_STAGES:
        shown = [stages[i] for i in np.unique(np.linspace(0, len(stages) - 1, MOST_STAGES).round().astype(int))]
    rows = [
        _walk_row("the picture", f"{image.shape[-1]} × {image.shape[-2]} pixels", tiles([(picture(image, 96), "")]))
    ]
    for stage in shown:
        order = np.argsort(-stage.parts, kind="stable")[:MOST_MAPS]
        row = tiles([(map_tile(stage.maps[int(i)], 64), f"filter {int(i) + 1}") for i in order], size="small")
        rows.append(_walk_row(stage.words, f"{stage.maps.shape[0]} maps of {_size(stage.maps)}", row))
    rows.append(_walk_row("the answer", "", ending))
    sizes = " → ".join([f"{image.shape[-1]} × {image.shape[-2]}", *(_size(s.maps) for s in shown)])
    return Figure(
        title="From pixels to the answer",
        sentence=f"The same picture behind each layer: of every layer the {MOST_MAPS} maps that spoke most for the answer, "
        "white where a filter found what it looks for.",
        caution="as a story: later maps mix many filters, brightness is stretched map by map, and a filter seldom stands for "
        "one thing that has a name.",
        alt=f"Feature maps of {len(shown)} layers, which shrink from {sizes}.",
        drawing=element("div", rows, class_="walk"),
    )


def _walk_row(title: str, note: str, shown: Html) -> Html:
    return element("div", element("p", element("b", title), element("small", note)), shown, class_="stage")


def _size(maps: Array) -> str:
    return f"{maps.shape[-1]} × {maps.shape[-2]}"


def kernels_figure(trunk: nn.Module) -> Figure | None:
    """The first convolution's kernels as small pictures."""
    first = next((part for part in trunk.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None or first.kernel_size[0] < 3:
        return None
    weights = first.weight.detach().numpy()  # (D, C, k, k)
    strength = np.abs(weights).mean(axis=(1, 2, 3))
    order = np.argsort(-strength, kind="stable")[:MOST_KERNELS]
    kernels = [(png(_kernel(weights[i]), crisp=True), f"{int(i) + 1}") for i in order]
    coloured = weights.shape[1] == 3
    return Figure(
        title="The first layer's kernels",
        sentence=f"What each of the {len(weights)} filters of the first layer looks for in a patch of "
        f"{first.kernel_size[1]} × {first.kernel_size[0]} pixels: {'its own colours' if coloured else 'light where it wants light, dark where it wants dark'}.",
        caution="where kernels look like noise: the network was trained too briefly, or the patch is too small to show a shape.",
        alt=f"{len(order)} kernels of {first.kernel_size[1]} by {first.kernel_size[0]} pixels, the strongest first.",
        drawing=tiles(kernels, size="small"),
    )


def _kernel(weight: Array) -> Array:
    """(C, k, k) as grey or colour, 0 in the middle."""
    top = float(np.abs(weight).max()) or 1.0
    scaled = np.round(127.5 + 127.5 * weight / top).astype(np.uint8)
    return scaled.transpose(1, 2, 0) if len(weight) == 3 else np.round(scaled.mean(axis=0)).astype(np.uint8)


def pooling_figure(image: Array, stages: Sequence[Stage], last: str) -> Figure | None:
    """Where the resolution goes: what a layer was given and what was left, drawn at one size."""
    steps = [s for s in stages if s.maps.shape[1:] != s.taken.shape[1:]]
    if not steps:
        return None
    shown: list[tuple[Html, str]] = [(map_tile(_energy(image.astype(np.float32))), _size(image))]
    pairs = []
    for stage in steps:
        shown.append((map_tile(_energy(stage.maps)), _size(stage.maps)))
        if isinstance(stage.layer, Pool2d) and stage.layer.largest:
            best = int(np.argmax(stage.parts))
            pairs.append(
                (_winners(stage.taken[best], stage.layer), f"filter {best + 1} before: the kept places ringed")
            )
            pairs.append((map_tile(stage.maps[best]), f"after, {_size(stage.maps)}"))
    drawn = element("div", tiles(shown, size="large"), tiles(pairs, size="large") if pairs else None)
    return Figure(
        title="What pooling keeps",
        sentence="How much happens at each place (all maps of a layer together), whenever a layer throws places away: "
        f"from {_size(image)} down to {_size(steps[-1].maps)}; {last}.",
        caution="as a measure of what is lost: what leaves the map may live on in the number of maps, which grows as it shrinks.",
        alt=f"Activity maps at sizes {', '.join(label for _, label in shown)}.",
        drawing=drawn,
    )


def _energy(maps: Array) -> Array:
    return np.asarray(np.abs(maps).mean(axis=0))


def _winners(before: Array, pool: Pool2d) -> Html:
    """A map with the places that maximum pooling keeps in colour."""
    low, high = float(before.min()), float(before.max())
    grey = np.round(200 * (before - low) / ((high - low) or 1)).astype(np.uint8)
    pixels = np.repeat(grey[..., None], 3, axis=2)
    size, stride = pool.window.size, pool.window.stride
    for top in range(0, before.shape[0] - size + 1, stride):
        for left in range(0, before.shape[1] - size + 1, stride):
            part = before[top : top + size, left : left + size]
            if part.max() > low:
                down, across = divmod(int(part.argmax()), size)
                pixels[top + down, left + across] = (240, 140, 50)
    return png(pixels, crisp=True)
