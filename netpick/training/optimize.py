"""Learning rates over the course of a training, and a moving average of the weights."""

from __future__ import annotations

import math

import torch
from torch import nn

from netpick.types.recipe import Recipe


def rate_multiplier(recipe: Recipe, progress: float) -> float:
    """What the learning rate is multiplied with when `progress` (0 to 1) of the course is made (plateau: apart from its own cuts).

    onecycle: Smith 2018; cosine: Loshchilov & Hutter 2017; step: a tenth after 60 % and after 85 % of the course.
    """
    if recipe.warmup > 0 and progress < recipe.warmup:
        share = progress / recipe.warmup
        if recipe.schedule == "onecycle":
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * share))
        return share
    after = (progress - recipe.warmup) / max(1 - recipe.warmup, 1e-9)
    if recipe.schedule in ("onecycle", "cosine"):
        floor = 1e-4 if recipe.schedule == "onecycle" else 0.0
        return max(floor, 0.5 * (1 + math.cos(math.pi * after)))
    if recipe.schedule == "step":
        return 1.0 if progress <= 0.6 else 0.1 if progress <= 0.85 else 0.01
    return 1.0


class Average:
    """A moving average of weights and buffers (Polyak & Juditsky 1992), warmed up so that early steps do not linger."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.count = 0
        self.live = [t for t in network.state_dict(keep_vars=True).values() if t.dtype.is_floating_point]
        self.mean = [t.detach().clone() for t in self.live]

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights after a step."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        torch._foreach_lerp_(self.mean, [t.detach() for t in self.live], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the live weights with the average; calling it again exchanges them back."""
        for live, mean in zip(self.live, self.mean, strict=True):
            held = live.detach().clone()
            live.detach().copy_(mean)
            mean.copy_(held)
