"""Attributions: how much each part of a row speaks for an answer. Gradients by captum, everything else by asking again.

Three methods, each with its own weakness, so that a page can say where they disagree: hiding a part (occlusion), summing
gradients on the way from a blank row (integrated gradients), and gradients times activations of a layer (Grad-CAM).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.errors import RequestError
from netpick.explain.subject import VALUES_AT_ONCE, Subject, Target
from netpick.types import Array

PATH_STEPS, MAP_STEPS = 32, 16  # of integrated gradients, and of integrated Grad-CAM
TOKEN_STEPS = 128  # of integrated gradients from each start: networks that read tokens change their minds in leaps
Batch = Mapping[str, Tensor]


def captum_part(name: str) -> Any:
    """A class of captum.attr, imported when it is first needed: captum brings matplotlib along."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own dependencies, on import
            import captum.attr
    except ImportError:
        raise RequestError(
            "Explanations need the package captum, and it is not installed here. Type: pip install captum"
        ) from None
    return getattr(captum.attr, name)


def integrated_gradients(subject: Subject, batch: Batch, name: str, baseline: Tensor, target: Target) -> Array:
    """Attributions of a float input of one row, as large as the input (Sundararajan et al. 2017)."""
    value = batch[name].float()
    others = {key: part for key, part in batch.items() if key != name}

    def score(changed: Tensor) -> Tensor:
        whole = {key: part.expand(len(changed), *part.shape[1:]) for key, part in others.items()}
        return subject.score({**whole, name: changed}, target)

    method = captum_part("IntegratedGradients")(score)
    gradients = method.attribute(value, baselines=baseline, n_steps=PATH_STEPS, internal_batch_size=PATH_STEPS)
    return np.asarray(gradients[0].detach().numpy())


def token_gradients(
    subject: Subject, batch: Batch, name: str, vectors: nn.Module, target: Target, blanks: Sequence[int]
) -> Array:
    """Integrated gradients of each token's vector, summed over its numbers: (T,).

    The mean over ways that start from texts of one token alone, each of `blanks` (expected gradients, Erion et al. 2021): with
    a single start, such as vectors of zeros, a class that the network takes for granted there owes nothing to any token.
    """
    mask = batch[f"{name}.mask"]
    others = {key: part for key, part in batch.items() if key not in (name, f"{name}.mask")}

    def score(tokens: Tensor) -> Tensor:
        whole = {key: part.expand(len(tokens), *part.shape[1:]) for key, part in others.items()}
        valid = mask.expand(len(tokens), -1)
        return subject.score({**whole, name: tokens, f"{name}.mask": valid}, target)

    method = captum_part("LayerIntegratedGradients")(score, vectors)
    tokens = batch[name].repeat(len(blanks), 1)
    starts = torch.tensor(blanks, dtype=tokens.dtype)[:, None].expand_as(tokens)
    gradients = method.attribute(tokens, baselines=starts, n_steps=TOKEN_STEPS, internal_batch_size=TOKEN_STEPS)
    return np.asarray(gradients.detach().sum(dim=-1).mean(dim=0).numpy())


def window_occlusion(
    subject: Subject, batch: Batch, name: str, blank: Tensor, target: Target, size: tuple[int, int], stride: int
) -> Array:
    """(H, W): how much the score falls when a window over this place is hidden, the mean over all windows that cover it.

    blank: what hides, broadcastable to the input (1, ..., H, W). Zeiler & Fergus (2014).
    """
    value = batch[name]
    height, width = value.shape[-2:]
    whole = float(subject.scores(batch, target)[0])
    windows = [(top, left) for top in _starts(height, size[0], stride) for left in _starts(width, size[1], stride)]
    cover = blank.expand_as(value)[0]
    fallen: list[float] = []
    most = max(8, VALUES_AT_ONCE // value.numel())
    for start in range(0, len(windows), most):
        part = windows[start : start + most]
        variants = value.repeat(len(part), *[1] * (value.ndim - 1))
        for number, (top, left) in enumerate(part):
            window = (..., slice(top, top + size[0]), slice(left, left + size[1]))
            variants[number][window] = cover[window]
        fallen += (whole - subject.changed(batch, {name: variants}, target)).tolist()
    total, times = np.zeros((height, width)), np.zeros((height, width))
    for (top, left), drop in zip(windows, fallen, strict=True):
        total[top : top + size[0], left : left + size[1]] += drop
        times[top : top + size[0], left : left + size[1]] += 1
    return total / np.maximum(times, 1)


def _starts(length: int, size: int, stride: int) -> list[int]:
    """Where windows begin, so that the last one ends with the input."""
    last = max(0, length - size)
    return sorted({*range(0, last, stride), last})


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What a layer took and gave for a batch, and the gradient of the score by what it gave; no gradient where it has none."""

    layer: nn.Module
    taken: tuple[Any, ...]
    given: Tensor  # the first of what it gave, where that is several
    gradient: Tensor


def passed(subject: Subject, batch: Batch, layers: Sequence[nn.Module], target: Target) -> list[Passed]:
    """The layers that ran, in the order of `layers`, with the gradient of each row's score.

    Gradient times activation, summed over channels, is Grad-CAM (Selvaraju et al. 2017) up to a factor where maps are averaged
    before the output; where each place has weights of its own, Grad-CAM's mean gradient would mix places up, and this does
    not (HiResCAM, Draelos & Carin 2020).
    """
    found: dict[int, tuple[tuple[Any, ...], Any]] = {}

    def keep(layer: nn.Module, taken: tuple[Any, ...], given: Any) -> None:
        found[id(layer)] = (taken, given[0] if isinstance(given, tuple) else given)

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        score = subject.score(batch, target).sum()
    finally:
        for hook in hooks:
            hook.remove()
    ran = [(layer, *found[id(layer)]) for layer in layers if id(layer) in found]
    ran = [(layer, taken, given) for layer, taken, given in ran if isinstance(given, Tensor)]
    reached = [given for _, _, given in ran if given.requires_grad]
    gradients = iter(torch.autograd.grad(score, reached, allow_unused=True) if reached else ())
    runs = []
    for layer, taken, given in ran:
        gradient = next(gradients) if given.requires_grad else None
        gradient = torch.zeros_like(given) if gradient is None else gradient
        runs.append(Passed(layer=layer, taken=taken, given=given.detach(), gradient=gradient.detach()))
    return runs


def path_maps(
    subject: Subject, batch: Batch, name: str, blank: Tensor, layers: Sequence[nn.Module], target: Target
) -> list[Array]:
    """(h, w) of each layer that makes maps: the mean gradient on the way from the blank to the row, times how far the
    activations differ between the two, summed over the maps.

    Integrated Grad-CAM (Sattarzadeh et al. 2021), place by place. A gradient at the row alone fades once a network is sure.
    """
    value = batch[name].float()
    share = torch.linspace(0, 1, MAP_STEPS + 1).view(-1, *[1] * (value.ndim - 1))
    whole = {key: part.expand(len(share), *part.shape[1:]) for key, part in batch.items()}
    runs = passed(subject, {**whole, name: blank + share * (value - blank)}, layers, target)
    return [
        np.asarray(((one.given[-1] - one.given[0]) * one.gradient[1:].mean(dim=0)).sum(dim=0).numpy())
        for one in runs
        if one.given.ndim == 4
    ]
