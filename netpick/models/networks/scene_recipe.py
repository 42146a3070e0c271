"""How networks of masks are trained: a few squares at a time, with a one-cycle rate and averaged weights."""

from __future__ import annotations

from netpick.types import Inputs
from netpick.types.recipe import Recipe

PIXELS = 4 * 256 * 256  # that are learned from in a step


def scene_recipe(inputs: Inputs, rate: float) -> Recipe:
    """Adam with a one-cycle rate (Smith & Topin 2019); so many squares a step that a step is of PIXELS pixels."""
    side = inputs["scene"].ahead[1]
    return Recipe(
        learning_rate=rate,
        weight_decay=0.01,
        schedule="onecycle",
        warmup=0.1,
        batch_size=max(2, min(32, round(PIXELS / side**2))),
        clip=5.0,
        average=0.98,
    )
