"""How a network is trained: one value with every knob, each default written once.

Architectures propose a recipe (models/*.py, `recipe`); people override single knobs with `--recipe "optimizer=sgd"` or in
brackets behind one candidate, `cnn[optimizer=muon]`. Whoever names an optimizer alone gets what suits it for the knobs that
depend on it: the rate, the decay and the momentum of a preset mean something else for another optimizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT

OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop", "muon"]
ScheduleName = Literal["constant", "onecycle", "cosine", "step", "plateau"]
LossName = Literal["auto", "cross_entropy", "binary_cross_entropy", "mse", "mae", "huber"]
AugmentName = Literal[
    "flip",
    "shift",
    "rotate",
    "crop",
    "cutout",
    "colour",
    "mixup",
    "jitter",
    "scale",
    "time_shift",
    "token_dropout",
    "noise",
    "spec_augment",
]


@dataclass(config=STRICT, kw_only=True)
class Recipe:
    """Optimizer, schedule, loss and regularisation of one candidate."""

    optimizer: OptimizerName = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # sgd, rmsprop, muon
    weight_decay: float = Field(default=0.0, ge=0)  # decoupled, whatever the optimizer (Loshchilov & Hutter 2019)
    schedule: ScheduleName = "cosine"
    warmup: float = Field(default=0.1, ge=0, lt=1)  # share of the steps
    batch_size: int = Field(default=128, ge=1)
    clip: float = Field(default=1.0, ge=0)  # norm of the gradient; 0 turns it off
    loss: LossName = "auto"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"
    average: float = Field(default=0.0, ge=0, lt=1)  # decay of the moving average of the weights; 0 turns it off
    epochs: int = Field(default=0, ge=0)  # passes over the training rows at most; 0: as many as repay themselves
    patience: int = Field(default=0, ge=0)  # evaluations without progress before stopping; 0: never
    augment: tuple[AugmentName, ...] = ()
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


class OptimizerHabits(NamedTuple):
    """What a recipe takes from its optimizer."""

    rate_factor: float  # times the rate of AdamW
    momentum: float = 0.9
    decays: bool = False  # a preset's decay is kept; False: none, as the textbook has it


HABITS: dict[OptimizerName, OptimizerHabits] = {
    "adamw": OptimizerHabits(1.0, decays=True),
    "adam": OptimizerHabits(1.0),
    "rmsprop": OptimizerHabits(
        1.0, momentum=0.0
    ),  # with momentum, a rate would move weights ten times as far as Adam's
    "sgd": OptimizerHabits(50.0),
    "muon": OptimizerHabits(5.0, decays=True),
}


def following_optimizer(recipe: Recipe, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that follow from the optimizer that was asked for, where they were not asked for themselves."""
    optimizer = asked.get("optimizer", recipe.optimizer)
    if optimizer == recipe.optimizer or optimizer not in HABITS:
        return {}
    habits = HABITS[optimizer]
    factor = habits.rate_factor / HABITS[recipe.optimizer].rate_factor
    following = {
        "learning_rate": recipe.learning_rate * factor,
        "momentum": habits.momentum,
        "weight_decay": recipe.weight_decay / factor if habits.decays else 0.0,  # a step decays by rate times decay
    }
    return {name: value for name, value in following.items() if name not in asked}
