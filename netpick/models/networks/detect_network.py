"""A network of objects: a trunk of a pyramid of maps, and one head for all of them that says at each place what is there and how far its edges are.

Every place answers by itself (FCOS, Tian et al. 2019). Outputs are (B, P, K + 7): logits of K classes, left, top, right, bottom in pixels that were read, and the place's x, y and stride.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Batch, Trunk

HEAD_WIDTH = 64
CONVOLUTIONS = 2  # of each branch
RARE = 0.01  # how likely an object is at a place before anything is learned
USUAL_EDGE = 3.0  # strides from a place to each edge of a box, before anything is learned


class DetectNetwork(nn.Module):
    """Pictures (B, C, H, W) of the input called `name` to outputs (B, P, K + 7)."""

    geometry = "pyramid"

    def __init__(self, trunk: Trunk, name: str, num_outputs: int) -> None:
        super().__init__()
        self.trunk, self.name = trunk, name
        self.strides = trunk.pyramid_strides
        self.classes = _Branch(trunk.pyramid_width, num_outputs, len(self.strides), -math.log(1 / RARE - 1))
        self.edges = _Branch(trunk.pyramid_width, 4, len(self.strides), USUAL_EDGE)

    def forward(self, batch: Batch) -> Tensor:
        features = self.trunk({"objects": batch[self.name]})
        made = []
        for level, (x, stride) in enumerate(zip(features.pyramid, self.strides, strict=True)):
            logits = self.classes(x, level).flatten(2).transpose(1, 2).float()
            edges = functional.softplus(self.edges(x, level).flatten(2).transpose(1, 2).float()) * stride
            places = places_of(x.shape[2], x.shape[3], stride, x.device)
            middle = places[:, :2]
            boxes = torch.cat([middle - edges[..., :2], middle + edges[..., 2:]], dim=2)
            made.append(torch.cat([logits, boxes, places.expand(x.shape[0], -1, -1)], dim=2))
        return torch.cat(made, dim=1)


class _Branch(nn.Module):
    """Convolutions that all maps share; each has norms of its own, since their values differ."""

    def __init__(self, inputs: int, outputs: int, levels: int, bias: float) -> None:
        super().__init__()
        widths = [inputs, *[HEAD_WIDTH] * CONVOLUTIONS]
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in pairwise(widths))
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(HEAD_WIDTH) for _ in range(CONVOLUTIONS)) for _ in range(levels)
        )
        self.last = nn.Conv2d(HEAD_WIDTH, outputs, 3, padding=1)
        for convolution in self.convolutions:
            assert isinstance(convolution, nn.Conv2d)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.normal_(self.last.weight, std=0.01)
        assert self.last.bias is not None
        nn.init.constant_(self.last.bias, bias)

    def forward(self, x: Tensor, level: int) -> Tensor:
        norms = self.norms[level]
        assert isinstance(norms, nn.ModuleList)
        for convolution, norm in zip(self.convolutions, norms, strict=True):
            x = functional.relu(norm(convolution(x)))
        return self.last(x)  # type: ignore[no-any-return]


def places_of(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """(height * width, 3) x and y of the middles of a map's places in pixels, and the stride."""
    down = (torch.arange(height, device=device) + 0.5) * stride
    across = (torch.arange(width, device=device) + 0.5) * stride
    grid = torch.stack([across.expand(height, -1), down[:, None].expand(-1, width)], dim=2).flatten(0, 1)
    return torch.cat([grid, torch.full_like(grid[:, :1], stride)], dim=1)
