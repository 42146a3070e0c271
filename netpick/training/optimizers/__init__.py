"""The table of optimizers: the name that a recipe has for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from netpick.models.networks.base import trained_parts
from netpick.training.optimizers.adam import ADAM, ADAMW
from netpick.training.optimizers.base import Method, Optimizer
from netpick.training.optimizers.muon import MUON
from netpick.training.optimizers.rmsprop import RMSPROP
from netpick.training.optimizers.sgd import SGD
from netpick.types.recipe import Recipe

OPTIMIZERS: Mapping[str, Method] = {"sgd": SGD, "adam": ADAM, "adamw": ADAMW, "rmsprop": RMSPROP, "muon": MUON}


def make_optimizers(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    """Optimizers over all trainable weights, as the recipe names them; what others have trained moves at `body_rate`."""
    optimizers = OPTIMIZERS[recipe.optimizer].make(network, recipe)
    for part in trained_parts(network):
        for depth, weights in enumerate(part.layers()):
            for optimizer in optimizers:
                optimizer.slow_down(weights, recipe.body_rate * recipe.layer_rate**depth)
    return optimizers


def following_optimizer(recipe: Recipe, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that follow from the optimizer that was asked for, where they were not asked for themselves."""
    name = asked.get("optimizer", recipe.optimizer)
    if name == recipe.optimizer:
        return {}
    method = OPTIMIZERS[name]
    factor = method.rate_factor / OPTIMIZERS[recipe.optimizer].rate_factor
    following = {
        "learning_rate": recipe.learning_rate * factor,
        "momentum": method.momentum,
        "weight_decay": recipe.weight_decay / factor if method.decays else 0.0,  # a step decays by rate times decay
    }
    return {key: value for key, value in following.items() if key not in asked}
