"""All that changes while a network trains, as tensors and JSON, and back: the next step depends on nothing else.

The order of rows and augmentation are pure functions of (seed, epoch, row), so neither is here; dropout draws from torch's
generator, which is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netpick.checkpoint import Checkpoint
from netpick.optimize import Average, Optimizer
from netpick.types import HistoryPoint

SCALARS = ("step", "loss_count", "rate_scale", "best_step", "waited", "stop")
SCORES = ("top_score", "best_score", "best_loss")  # infinite until the first look


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


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """The parts of a training that move."""

    network: nn.Module
    optimizers: Sequence[Optimizer]
    average: Average | None
    progress: Progress

    def save(self, seconds: float) -> Checkpoint:
        """Everything between two steps; `seconds` were spent so far."""
        progress = self.progress
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in (progress.best_weights or {}).items()}
        tensors |= dict(self._optimizer_tensors())
        if self.average is not None:
            tensors |= {f"average.{i}": tensor for i, tensor in enumerate(self.average.mean)}
        if progress.loss_sum is not None:
            tensors["loss_sum"] = progress.loss_sum
        tensors["generator"] = torch.get_rng_state()
        if next(self.network.parameters()).is_cuda:
            tensors["generator.cuda"] = torch.cuda.get_rng_state()
        state = {name: getattr(progress, name) for name in SCALARS}
        state |= {name: _finite(getattr(progress, name)) for name in SCORES}
        history = [{name: _finite(value) for name, value in asdict(point).items()} for point in progress.history]
        averaged = 0 if self.average is None else self.average.count
        return Checkpoint(
            tensors={name: tensor.detach().clone() for name, tensor in tensors.items()},
            state={**state, "history": history, "averaged": averaged, "seconds": seconds},
        )

    def load(self, checkpoint: Checkpoint) -> float:
        """Puts everything back as it was; returns the seconds that were spent. Raises KeyError, RuntimeError or ValueError
        when it is of another network."""
        tensors, state, progress = checkpoint.tensors, checkpoint.state, self.progress
        self.network.load_state_dict(_below(tensors, "network."))
        for name in (*SCALARS, *SCORES):
            setattr(progress, name, _number(name, state[name]))
        progress.best_weights = _below(tensors, "best.") or None
        progress.loss_sum = tensors.get("loss_sum")
        progress.history = [HistoryPoint(**{k: _number(k, v) for k, v in point.items()}) for point in state["history"]]
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
            self.average.count = int(state["averaged"])
            for i, mean in enumerate(self.average.mean):
                mean.copy_(tensors[f"average.{i}"])
        torch.set_rng_state(tensors["generator"].cpu())
        if "generator.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["generator.cuda"].cpu())
        return float(state["seconds"])

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


def _finite(value: Any) -> Any:
    """JSON knows no infinities: they become words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(name: str, value: Any) -> Any:
    return value if name == "stop" or not isinstance(value, str) else float(value)
