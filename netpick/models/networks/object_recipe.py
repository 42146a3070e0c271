"""How networks of objects are trained: whole pictures, a few at a time, with averaged weights."""

from __future__ import annotations

from netpick.types.recipe import Recipe


def object_recipe(rate: float) -> Recipe:
    """AdamW with a cosine, a strong decay, and an average of the weights, as small detectors are (RTMDet, Lyu et al. 2022)."""
    return Recipe(
        learning_rate=rate, weight_decay=0.03, schedule="cosine", warmup=0.06, batch_size=8, clip=5.0, average=0.995
    )
