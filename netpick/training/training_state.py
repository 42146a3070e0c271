"""All that changes while a network trains, as tensors and JSON, and back: the next step depends on nothing else.

The order of rows and augmentation are pure functions of (seed, epoch, row), so neither is here; dropout draws from torch's
generator, which is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass
from torch import Tensor, nn

from netpick.disk.strict.tensors import TensorSpec, specs_of
from netpick.models.networks.base import Carrying
from netpick.training.checkpoint import Checkpoint, Expected
from netpick.training.optimize import Average
from netpick.training.optimizers.base import Optimizer
from netpick.types import STRICT
from netpick.types.results import HistoryPoint

SCALARS = ("step", "loss_count", "rate_scale", "best_step", "waited", "stop", "branched", "half_step")
SCORES = ("top_score", "best_score", "best_loss", "half_score")  # infinite until the first evaluation


Number = float | Literal["inf", "-inf", "nan"]  # JSON knows no infinities: they become words


@strict_dataclass(config=STRICT, kw_only=True)
class KeptPoint:
    """A HistoryPoint in JSON."""

    step: int = Field(ge=0)
    seconds: Number
    train_loss: Number
    validation_loss: Number
    validation_score: Number
    learning_rate: Number


@strict_dataclass(config=STRICT, kw_only=True)
class Counts:
    """state.json of a training that is under way."""

    step: int = Field(ge=0)
    loss_count: int = Field(ge=0)
    rate_scale: float = Field(ge=0)
    best_step: int = Field(ge=0)
    waited: int = Field(ge=0)
    stop: str
    branched: bool
    half_step: int = Field(ge=0)
    half_score: Number
    top_score: Number
    best_score: Number
    best_loss: Number
    history: tuple[KeptPoint, ...]
    averaged: int = Field(ge=0)
    seconds: float = Field(ge=0)
    used: float = Field(ge=0)  # seconds of the training's share


@dataclass
class Progress:
    """What the loop keeps count of."""

    step: int = 0
    loss_sum: Tensor | None = None
    loss_count: int = 0
    rate_scale: float = 1.0  # plateau cuts it
    top_score: float = -np.inf
    best_score: float = -np.inf  # of the weights that are kept
    best_loss: float = np.inf
    best_step: int = 0
    best_weights: dict[str, Tensor] | None = None
    waited: int = 0
    history: list[HistoryPoint] = field(default_factory=list)
    stop: str = ""
    branched: bool = False  # the branch at half time was had, or given up
    half_step: int = 0  # steps behind the annealed copy, its score, and its losses row by row
    half_score: float = -np.inf
    half_losses: Tensor | None = None
    last_losses: Tensor | None = None  # of the newest evaluation


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """The parts of a training that move."""

    network: nn.Module
    optimizers: Sequence[Optimizer]
    average: Average | None
    progress: Progress
    scored_rows: int = 0  # of the validation part
    rows: int = 0  # of a batch

    def save(self, seconds: float, used: float = 0.0) -> Checkpoint:
        """Everything between two steps, to be written before the next one; `seconds` were spent so far, `used` of the share."""
        progress = self.progress
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in (progress.best_weights or {}).items()}
        tensors |= dict(self._optimizer_tensors())
        if self.average is not None:
            tensors |= {f"average.{i}": tensor for i, tensor in enumerate(self.average.mean)}
        if progress.loss_sum is not None:
            tensors["loss_sum"] = progress.loss_sum
        if progress.half_losses is not None:
            tensors["half_losses"] = progress.half_losses
        tensors |= {f"carried.{name}": tensor for name, tensor in self._carried.items()}
        tensors["generator"] = torch.get_rng_state()
        if next(self.network.parameters()).is_cuda:
            tensors["generator.cuda"] = torch.cuda.get_rng_state()
        state = {name: getattr(progress, name) for name in SCALARS}
        state |= {name: _finite(getattr(progress, name)) for name in SCORES}
        history = history_to_json(progress.history)
        averaged = 0 if self.average is None else self.average.count
        rest = {"averaged": averaged, "seconds": seconds, "used": used}
        return Checkpoint(
            tensors={name: tensor.detach() for name, tensor in tensors.items()},
            state={**state, "history": history, **rest},
        )

    def load(self, checkpoint: Checkpoint) -> float:
        """Puts everything back as it was; returns the seconds that were spent. The checkpoint is one that was `expected`."""
        tensors, state, progress = checkpoint.tensors, checkpoint.state, self.progress
        for name in (*SCALARS, *SCORES):
            setattr(progress, name, _number(name, state[name]))
        progress.best_weights = _below(tensors, "best.") or None
        progress.loss_sum = tensors.get("loss_sum")
        progress.history = list(history_from_json(state["history"]))
        progress.half_losses = tensors.get("half_losses")
        if self.average is not None:
            self.average.count = int(state["averaged"])
        self.put_back(tensors)
        return float(state["seconds"])

    def put_back(self, tensors: Mapping[str, Tensor]) -> None:
        """Weights, optimizers, the average and torch's generator, as `save` named them."""
        self.network.load_state_dict(_below(tensors, "network."))
        for optimizer in self.optimizers:
            for group in optimizer.groups:
                group.state.clear()
        for number, optimizer in enumerate(self.optimizers):
            for place, group in enumerate(optimizer.groups):
                for index, weight in enumerate(group.params):
                    saved = _below(tensors, f"optimizer.{number}.{place}.{index}.")
                    if saved:
                        fresh = optimizer.new_state(weight)
                        for which, tensor in enumerate(fresh):
                            tensor.copy_(saved[str(which)])
                        group.state[weight] = fresh
        if self.average is not None:
            for i, mean in enumerate(self.average.mean):
                mean.copy_(tensors[f"average.{i}"])
        if isinstance(self.network, Carrying):
            device = next(self.network.parameters()).device
            self.network.carried = {name: t.to(device) for name, t in _below(tensors, "carried.").items()}
        torch.set_rng_state(tensors["generator"].cpu())
        if "generator.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["generator.cuda"].cpu())

    def expected(self) -> Expected:
        """What a checkpoint of this training holds: weights and averages always, the rest once there is any."""
        weights = self.network.state_dict()
        always = {f"network.{name}": tensor for name, tensor in weights.items()}
        if self.average is not None:
            always |= {f"average.{i}": tensor for i, tensor in enumerate(self.average.mean)}
        sometimes = specs_of({f"best.{name}": tensor for name, tensor in weights.items()})
        for number, optimizer in enumerate(self.optimizers):
            for place, group in enumerate(optimizer.groups):
                for index, weight in enumerate(group.params):
                    fresh = dict(enumerate(optimizer.new_state(weight)))
                    sometimes |= specs_of({f"optimizer.{number}.{place}.{index}.{i}": t for i, t in fresh.items()})
        if isinstance(self.network, Carrying):
            sometimes |= {f"carried.{n}": spec for n, spec in self.network.carried_specs(self.rows).items()}
        generators = {"generator": torch.get_rng_state()}
        if next(self.network.parameters()).is_cuda:
            generators["generator.cuda"] = torch.cuda.get_rng_state()
        losses = {
            "loss_sum": TensorSpec(dtype="float32", shape=()),
            "half_losses": TensorSpec(dtype="float32", shape=(self.scored_rows,)),
        }
        return Expected(tensors=specs_of(always | generators), optional=sometimes | losses, state=Counts)

    @property
    def _carried(self) -> Mapping[str, Tensor]:
        """What the network carries from the last batch to the next."""
        return self.network.carried if isinstance(self.network, Carrying) else {}

    def _optimizer_tensors(self) -> list[tuple[str, Tensor]]:
        return [
            (f"optimizer.{number}.{place}.{index}.{which}", tensor)
            for number, optimizer in enumerate(self.optimizers)
            for place, group in enumerate(optimizer.groups)
            for index, weight in enumerate(group.params)
            for which, tensor in enumerate(group.state.get(weight, ()))
        ]


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def history_to_json(history: Sequence[HistoryPoint]) -> list[dict[str, Any]]:
    """Plain data, infinities as words."""
    return [{name: _finite(value) for name, value in asdict(point).items()} for point in history]


def history_from_json(points: Sequence[Mapping[str, Any]]) -> tuple[HistoryPoint, ...]:
    """The inverse of `history_to_json`."""
    return tuple(HistoryPoint(**{name: _number(name, value) for name, value in point.items()}) for point in points)


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(name: str, value: Any) -> Any:
    return value if name == "stop" or not isinstance(value, str) else float(value)
