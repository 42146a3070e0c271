"""Output layers, one a geometry of features: outputs for a whole row, for each of its steps, or for each of its places."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.infer import Members, Outputs
from netpick.models.networks.base import Features, Trunk


class Head(nn.Module):
    """A linear map of features of one geometry. `row`: the main input as the trunk read it, (B, ...).

    The weights start small, so that the first answers are close to even: the first steps learn the bias, not undo noise.
    """

    geometry: ClassVar[str]  # of the features that it reads, and of its outputs
    noun: ClassVar[str]  # what there is an output for

    def __init__(self, width: int, num_outputs: int, *, members: int = 1, group: int = 1) -> None:
        """members: of features (B, M, D), each with weights of its own; group: steps of a row that are one step of the
        features."""
        super().__init__()
        self.members, self.group = members, group
        shape = (width, num_outputs) if members == 1 else (members, width, num_outputs)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros((*shape[:-2], num_outputs)))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)

    @staticmethod
    @abstractmethod
    def width(trunk: Trunk) -> int:
        """D of the features that it reads of such a trunk; 0 where the trunk emits none."""

    @abstractmethod
    def forward(self, features: Features, row: Tensor) -> Outputs:
        """The outputs of these features."""


class PooledHead(Head):
    """(B, D) to outputs (B, O); (B, M, D) to those of M members."""

    geometry, noun = "pooled", "row"

    @staticmethod
    def width(trunk: Trunk) -> int:
        return trunk.width

    def forward(self, features: Features, row: Tensor) -> Outputs:
        pooled = features.pooled
        if self.members == 1:
            return pooled @ self.weight + self.bias
        return Members(torch.einsum("bmd,mdo->bmo", pooled, self.weight) + self.bias)


class StepsHead(Head):
    """(B, T', D) to outputs (B, T, O), one a step of the row; those of steps that are read as one are the same.

    Outputs of padded steps mean nothing: the row's mask says which they are.
    """

    geometry, noun = "steps", "step"

    @staticmethod
    def width(trunk: Trunk) -> int:
        return trunk.step_width

    def forward(self, features: Features, row: Tensor) -> Outputs:
        assert features.steps is not None
        outputs = features.steps @ self.weight + self.bias
        if self.group == 1:
            return outputs
        place = torch.arange(row.shape[1], device=outputs.device) // self.group
        return outputs.index_select(1, place.clamp(max=outputs.shape[1] - 1))


class MapHead(Head):
    """(B, D, h, w) to outputs (B, O, H, W), one a place of the row; between those of a coarser map lie straight lines."""

    geometry, noun = "map", "place"

    @staticmethod
    def width(trunk: Trunk) -> int:
        return trunk.map_width

    def forward(self, features: Features, row: Tensor) -> Outputs:
        assert features.map is not None
        outputs = torch.einsum("bdhw,do->bohw", features.map, self.weight) + self.bias[:, None, None]
        if outputs.shape[2:] == row.shape[-2:]:
            return outputs
        return functional.interpolate(outputs, row.shape[-2:], mode="bilinear", align_corners=False)


HEADS: Mapping[str, type[Head]] = {head.geometry: head for head in (PooledHead, StepsHead, MapHead)}
