"""How a network is trained: one value with every knob, each default written once.

Architectures propose a recipe (models/*.py, `recipe`); people override single knobs with `--recipe "optimizer=sgd"` or in
brackets behind one candidate, `cnn[optimizer=muon]`. Whoever names an optimizer alone gets what suits it for the knobs that
depend on it (training/optimizers/): the rate, the decay and the momentum of a preset mean something else for another optimizer.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT

ScheduleName = Literal["constant", "onecycle", "cosine", "step", "plateau"]


@dataclass(config=STRICT, kw_only=True)
class Recipe:
    """Optimizer, schedule, loss and regularisation of one candidate."""

    optimizer: str = "adamw"  # a name in OPTIMIZERS (training/optimizers/)
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # sgd, rmsprop, muon
    weight_decay: float = Field(default=0.0, ge=0)  # decoupled, whatever the optimizer (Loshchilov & Hutter 2019)
    schedule: ScheduleName = "cosine"
    warmup: float = Field(default=0.1, ge=0, lt=1)  # share of the steps
    batch_size: int = Field(default=128, ge=1)
    clip: float = Field(default=1.0, ge=0)  # norm of the gradient; 0 turns it off
    loss: str = "auto"  # or one that the answer names (`losses`)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"
    average: float = Field(default=0.0, ge=0, lt=1)  # decay of the moving average of the weights; 0 turns it off
    epochs: int = Field(default=0, ge=0)  # passes over the training rows at most; 0: as many as repay themselves
    patience: int = Field(default=0, ge=0)  # evaluations without progress before stopping; 0: never
    held: float = Field(default=0.0, ge=0, le=1)  # share of the steps in which what others have trained stays as it is
    body_rate: float = Field(default=1.0, ge=0)  # times the learning rate, of what others have trained
    layer_rate: float = Field(
        default=1.0, gt=0, le=1
    )  # times that, from a layer of what others have trained to the one before it (ULMFiT, Howard & Ruder 2018)
    augment: tuple[str, ...] = ()  # names in STREAMS (training/augment/)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


# Of networks that begin with what others have trained: the rate of their new output layer; the rest learns at a share of it (`body_rate`).
FINE_TUNED = Recipe(learning_rate=2e-3, weight_decay=0.01, warmup=0.05, batch_size=32)
