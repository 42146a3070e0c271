"""The contract of an architecture: forms in, pooled features out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from netpick.columns.own_encoding import OwnEncoding
from netpick.disk.strict.tensors import TensorSpec
from netpick.types import Inputs
from netpick.types.recipe import Recipe

Batch = Mapping[str, Tensor]
"""A batch by input name: "vector" (B, F) float, "codes" (B, K) int64, "series" (B, T, C) float with "series.mask" (B, T)
bool when the spec says padded, "grid" (B, C, H, W) uint8, or float in 0..1 after augmentation."""


class Features(NamedTuple):
    """What a trunk emits. `pooled` is (B, D), or (B, M, D) for a network of M members that train side by side."""

    pooled: Tensor
    steps: Tensor | None = None  # (B, T, D)
    mask: Tensor | None = None  # (B, T)
    map: Tensor | None = None  # (B, D, h, w)
    pyramid: tuple[Tensor, ...] = ()  # (B, D, h, w) of several strides, the finest first


class Trunk(nn.Module):
    """A network without its head: what it emits, and how wide that is. A width of 0: it emits no such features."""

    width: int  # of its pooled features
    step_width: int = 0  # of its steps, where these follow those of the row
    map_width: int = 0
    pyramid_width: int = 0
    pyramid_strides: tuple[int, ...] = ()  # of its maps, the finest first
    members: int = 1  # of its pooled features; 1: they have no dimension for it
    group: int = 1  # neighbouring steps of a row that are one step of the network

    def forward(self, batch: Batch) -> Features:
        raise NotImplementedError


class Carrying(nn.Module):
    """A network that may carry a state from one batch of training to the next, where rows go on where those before them end."""

    carries: bool = False  # whether it does
    carried: dict[str, Tensor]  # by name, behind the last batch; empty before the first

    def carried_specs(self, rows: int) -> Mapping[str, TensorSpec]:
        """What `carried` holds in training on so many rows at a time."""
        return {}


class Trained(nn.Module):
    """A part of a network that others have trained. While it is `held` it answers as it is, and learns nothing.

    Its norms always go by the statistics that they were trained with: those of a few small batches are worse.
    """

    held = False

    def hold(self, held: bool) -> None:
        """Holds it, or lets it learn."""
        if held != self.held:
            self.held = held
            self.requires_grad_(not held)

    def layers(self) -> list[list[nn.Parameter]]:
        """Its weights, from what is next to the output to what is next to the input; the further, the slower they learn."""
        return [list(self.parameters())]

    def train(self, mode: bool = True) -> Trained:
        """Stays in evaluation mode."""
        super().train(False)
        return self


def trained_parts(network: nn.Module) -> list[Trained]:
    """What of a network others have trained."""
    return [module for module in network.modules() if isinstance(module, Trained)]


FEWEST_PASSES = 3.0  # over the training rows, below which a network can hardly be judged


@dataclass(frozen=True, kw_only=True)
class Size:
    """One size of a family for some data and a budget."""

    settings: Any
    passes: float = FEWEST_PASSES  # over the training rows that must be affordable, or a smaller size is taken
    remark: str = ""  # what was scaled down for the budget, for example "reads the first 128 of 512 tokens"


class Architecture(ABC):
    """One way to read a form. Instances are stateless entries of MODELS, under a name and the form that they read."""

    Settings: ClassVar[type[Any]]  # a strict frozen pydantic dataclass with every default written once

    fewest_passes: ClassVar[float] = FEWEST_PASSES  # over the training rows, below which such a network is not judged

    @abstractmethod
    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Any:
        """Settings sized to the data: the opinions live here, the neutral defaults in Settings."""

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Sizes for a share of `seconds`, largest first: the first whose passes turn out to be affordable is trained, the
        last one in any case. Steps are timed, so a size far out of reach should be left out."""
        return [Size(settings=self.presets(inputs, num_rows, num_outputs), passes=self.fewest_passes)]

    @abstractmethod
    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """How to train it: optimizer, learning rate, batch size, regularisation."""

    @abstractmethod
    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        """The trunk, initialised from torch's current generator (the caller seeds it)."""

    def encoding(self, settings: Mapping[str, Any], weights: Path | None) -> OwnEncoding | None:
        """How it reads the rows, where that is not as all others do. settings: those that were asked for; weights: the user's own file.

        Raises RequestError where this machine does not have what it takes.
        """
        return None

    def origin(self, settings: Any) -> str:
        """Where the weights that training starts from come from, and their licence; "": they are drawn."""
        return ""

    def begin(self, trunk: nn.Module, settings: Any, weights: Path | None) -> None:  # noqa: B027
        """Puts those weights in; weights: the user's own file of them. Not called for a network from a file."""
