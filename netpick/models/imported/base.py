"""The contract of a layer of Keras: its settings under the names that Keras gives them, shapes, weights, and a module that does the same.

Values between layers are as in Keras: channels last, (B, H, W, C) or (B, T, C). A convolution sees them through a view with the channels in
front, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.types import Array

Shape = tuple[int, ...]  # of a row
Padding = Literal["valid", "same", "causal"]
MOST_VALUES = 1 << 24  # of a row between two layers

IGNORED = frozenset(  # settings that change nothing in what a trained layer answers
    [
        "name",
        "trainable",
        "dtype",
        "seed",
        "batch_input_shape",
        "build_config",
        "dynamic",
        "autocast",
        "implementation",
        "unroll",
        "time_major",
        "dropout",
        "recurrent_dropout",
        "activity_regularizer",
        "quantization_config",
        "noise_shape",
        "momentum",
        "synchronized",
        "axes",
        "input_length",
        "input_shape",
        "build_input_shape",
        "lora_rank",
        "lora_alpha",
        "flash_attention",
        "input_dtype",
        "num_devices",
        "batch_size",
        "unit_forget_bias",
        "renorm_momentum",
        "renorm_clipping",
        "fused",
        "virtual_batch_size",
    ]
)
IGNORED_ENDINGS = ("_initializer", "_regularizer", "_constraint")


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One array of a layer: in Keras, and where it is in the module.

    To torch: reshaped to `before`, its axes put in the order `axes`, its blocks of columns (of gates) in the order `blocks`, reshaped to
    `after`. With two `places` it is cut in two along its first axis ("split"), or the first has it and the second nothing ("sum").
    """

    name: str  # in Keras: "kernel"
    shape: Shape
    places: tuple[str, ...]  # names in the module's state
    group: str = ""  # below the layer's own, in a file: "cell"
    before: Shape = ()
    axes: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    after: Shape = ()
    two: Literal["split", "sum"] = "sum"
    whole: bool = False  # counts steps: a whole number that no answer depends on

    def to_torch(self, array: Array) -> dict[str, Array]:
        """The module's arrays from that of Keras."""
        if not self.places:
            return {}
        made = array.reshape(self.before or array.shape)
        made = made.transpose(self.axes) if self.axes else made
        if self.blocks:
            pieces = np.split(made, len(self.blocks), axis=self._gates(made))
            made = np.concatenate([pieces[block] for block in self.blocks], axis=self._gates(made))
        if len(self.places) == 2 and self.two == "split":
            return {place: np.ascontiguousarray(made[number]) for number, place in enumerate(self.places)}
        made = np.ascontiguousarray(made.reshape(self.after or made.shape))
        return {self.places[0]: made, **{place: np.zeros_like(made) for place in self.places[1:]}}

    def to_keras(self, state: dict[str, Array]) -> Array:
        """The array of Keras from the module's."""
        if not self.places:
            return np.ones(self.shape, np.float32)
        parts = [state[place] for place in self.places]
        made = np.stack(parts) if len(parts) == 2 and self.two == "split" else np.sum(parts, axis=0)
        ahead = self._ahead()
        made = made.reshape(ahead)
        if self.blocks:
            pieces = np.split(made, len(self.blocks), axis=self._gates(made))
            made = np.concatenate([pieces[i] for i in np.argsort(self.blocks)], axis=self._gates(made))
        made = made.transpose(np.argsort(self.axes)) if self.axes else made
        return np.ascontiguousarray(made.reshape(self.shape), dtype=np.float32)

    def _gates(self, made: Array) -> int:
        """The axis that gates lie along: the first of a turned matrix, else the last."""
        return 0 if self.axes else made.ndim - 1

    def _ahead(self) -> Shape:
        """The shape before the last step to torch."""
        before = self.before or self.shape
        return tuple(before[axis] for axis in self.axes) if self.axes else before


class KerasLayer:
    """One kind of layer. Subclasses are strict dataclasses whose fields are Keras' settings.

    mask: "pass": the mask of the first input goes on; "drop": it ends here; "own": the module takes and gives one.
    """

    mask: ClassVar[Literal["pass", "drop", "own"]] = "pass"
    inputs: ClassVar[tuple[int, int]] = (1, 1)  # how many, at least and at most

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        """The shape of what it gives for a row. Raises RefusedError where it reads no such rows."""
        return shapes[0]

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        """Its arrays, in the order of Keras."""
        return ()

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        """A module from as many tensors as it has inputs to one; where `mask` is "own", with a mask behind them, to a tensor and a mask."""
        raise NotImplementedError


def require_axes(shapes: Sequence[Shape], axes: int, what: str) -> Shape:
    """The only shape. Raises RefusedError where it has not so many axes."""
    if len(shapes[0]) != axes:
        raise RefusedError(f"reads {what}, but gets rows of shape {shapes[0]}")
    return shapes[0]


def require_moderate(shape: Shape) -> Shape:
    """Raises RefusedError for rows that are empty, or larger than any network makes."""
    if any(extent < 1 for extent in shape) or prod(shape) > MOST_VALUES:
        raise RefusedError(f"makes rows of shape {str(shape)[:100]}")
    return shape


def windows(sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], padding: str) -> Shape:
    """How many places a window has along each axis."""
    if len(kernel) != len(sizes) or len(strides) != len(sizes) or min(*kernel, *strides) < 1:
        raise RefusedError(f"has a window of {tuple(kernel)} in steps of {tuple(strides)} over {tuple(sizes)}")
    if padding == "valid":
        return tuple((size - k) // s + 1 for size, k, s in zip(sizes, kernel, strides, strict=True))
    return tuple(-(-size // s) for size, s in zip(sizes, strides, strict=True))


def rims(sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], padding: str) -> list[tuple[int, int]]:
    """What is added before and behind each axis. "same" adds the odd one behind, and under a stride depends on the size."""
    if padding == "valid":
        return [(0, 0) for _ in sizes]
    if padding == "causal":
        return [(k - 1, 0) for k in kernel]
    added = [max(0, (-(-size // s) - 1) * s + k - size) for size, k, s in zip(sizes, kernel, strides, strict=True)]
    return [(total // 2, total - total // 2) for total in added]


def padded(x: Tensor, around: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """x (B, C, ...) with its rims."""
    if not any(before or behind for before, behind in around):
        return x
    flat = [extent for pair in reversed(around) for extent in pair]
    return torch.nn.functional.pad(x, flat, value=value)


def ahead(x: Tensor) -> Tensor:
    """(B, ..., C) as a view (B, C, ...)."""
    return x.movedim(-1, 1)


def behind(x: Tensor) -> Tensor:
    """(B, C, ...) as a view (B, ..., C)."""
    return x.movedim(1, -1)
