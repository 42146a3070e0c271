"""Layers of several inputs, and masks that a graph computes by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Literal

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported.base import KerasLayer, Shape
from netpick.types import STRICT

MOST_INPUTS = 1_000


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    if len({len(shape) for shape in shapes}) != 1:
        raise RefusedError(f"adds up rows of shapes {', '.join(map(str, shapes))[:200]}")
    sizes = tuple(max(extents) for extents in zip(*shapes, strict=True))
    if any(extent not in (1, size) for shape in shapes for extent, size in zip(shape, sizes, strict=True)):
        raise RefusedError(f"puts together rows of shapes {', '.join(map(str, shapes))[:200]}")
    return sizes


class Merging(KerasLayer):
    """Value by value. Steps that count in any of the inputs count."""

    mask = "own"
    inputs = (2, MOST_INPUTS)
    way = "add"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _broadcast(shapes)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Merged(self.way)


WAYS: Mapping[str, Callable[[Sequence[Tensor]], Tensor]] = {
    "add": lambda parts: reduce(torch.add, parts),
    "subtract": lambda parts: parts[0] - parts[1],
    "multiply": lambda parts: reduce(torch.mul, parts),
    "average": lambda parts: reduce(torch.add, parts) / len(parts),
    "maximum": lambda parts: reduce(torch.maximum, parts),
    "minimum": lambda parts: reduce(torch.minimum, parts),
}


class _Merged(nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = WAYS[way]

    def forward(self, *given: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Inputs, then the mask of each."""
        half = len(given) // 2
        parts = [part for part in given[:half] if part is not None]
        return self.way(parts), _any(given[half:])


def _any(masks: Sequence[Tensor | None]) -> Tensor | None:
    there = [mask for mask in masks if mask is not None]
    return reduce(torch.logical_or, there) if len(there) == len(masks) else None


@dataclass(config=STRICT, kw_only=True)
class Add(Merging):
    way = "add"


@dataclass(config=STRICT, kw_only=True)
class Subtract(Merging):
    inputs = (2, 2)
    way = "subtract"


@dataclass(config=STRICT, kw_only=True)
class Multiply(Merging):
    way = "multiply"


@dataclass(config=STRICT, kw_only=True)
class Average(Merging):
    way = "average"


@dataclass(config=STRICT, kw_only=True)
class Maximum(Merging):
    way = "maximum"


@dataclass(config=STRICT, kw_only=True)
class Minimum(Merging):
    way = "minimum"


@dataclass(config=STRICT, kw_only=True)
class Concatenate(KerasLayer):
    mask = "own"
    inputs = (1, MOST_INPUTS)
    axis: int = -1

    def _axis(self, shapes: Sequence[Shape]) -> int:
        """Of a row."""
        axis = self.axis - 1 if self.axis > 0 else len(shapes[0]) + self.axis
        if self.axis == 0 or not 0 <= axis < len(shapes[0]):
            raise RefusedError(f"puts rows of shape {shapes[0]} together along axis {self.axis}")
        return axis

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        axis = self._axis(shapes)
        if len({(*shape[:axis], *shape[axis + 1 :], len(shape)) for shape in shapes}) != 1:
            raise RefusedError(f"puts together rows of shapes {', '.join(map(str, shapes))[:200]}")
        return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        axis = self._axis(shapes)
        return _Joined(axis + 1, along_steps=axis == 0 and len(shapes[0]) > 1)


class _Joined(nn.Module):
    def __init__(self, axis: int, *, along_steps: bool) -> None:
        super().__init__()
        self.axis, self.along_steps = axis, along_steps

    def forward(self, *given: Tensor | None) -> tuple[Tensor, Tensor | None]:
        half = len(given) // 2
        parts = [part for part in given[:half] if part is not None]
        masks = [mask for mask in given[half:] if mask is not None]
        joined = torch.cat(parts, dim=self.axis)
        if not masks:
            return joined, None
        every = [
            part.new_ones(part.shape[:2], dtype=torch.bool) if mask is None else mask
            for part, mask in zip(parts, given[half:], strict=True)
        ]
        return joined, torch.cat(every, dim=1) if self.along_steps else reduce(torch.logical_or, every)


@dataclass(config=STRICT, kw_only=True)
class NotEqual(KerasLayer):
    """A mask that the graph computes: which numbers are not this one."""

    mask = "drop"
    other: float = 0

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _NotEqual(self.other)


class _NotEqual(nn.Module):
    def __init__(self, other: float) -> None:
        super().__init__()
        self.other = other

    def forward(self, x: Tensor) -> Tensor:
        return torch.ne(x, self.other)


@dataclass(config=STRICT, kw_only=True)
class LogicalOr(KerasLayer):
    """Two masks as one."""

    mask = "drop"
    inputs = (2, 2)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Logical("or")


@dataclass(config=STRICT, kw_only=True)
class LogicalAnd(KerasLayer):
    mask = "drop"
    inputs = (2, 2)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Logical("and")


class _Logical(nn.Module):
    def __init__(self, way: Literal["or", "and"]) -> None:
        super().__init__()
        self.way = torch.logical_or if way == "or" else torch.logical_and

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return self.way(one, other)


@dataclass(config=STRICT, kw_only=True)
class Masking(KerasLayer):
    """Steps whose values are all this one count as nothing."""

    mask = "own"
    mask_value: float = 0.0

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Masking(self.mask_value)


class _Masking(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        counted = torch.ne(x, self.value).any(dim=-1)
        return x * counted.unsqueeze(-1), counted
