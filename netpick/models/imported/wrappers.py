"""Layers around a layer: in both directions, or for each step by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported.base import KerasLayer, Shape, Weight
from netpick.models.imported.dense import Dense
from netpick.models.imported.recurrent import GRU, LSTM, Recurrent, SimpleRNN
from netpick.types import STRICT


@dataclass(config=STRICT, kw_only=True)
class Inner:
    """The layer that is wrapped; only one of them has settings."""

    lstm: LSTM | None = None
    gru: GRU | None = None
    rnn: SimpleRNN | None = None
    dense: Dense | None = None

    @property
    def layer(self) -> KerasLayer:
        there = [layer for layer in (self.lstm, self.gru, self.rnn, self.dense) if layer is not None]
        if len(there) != 1:
            raise RefusedError("wraps no layer, or several")
        return there[0]


INNER: Mapping[str, tuple[str, type[Any]]] = {
    "LSTM": ("lstm", LSTM),
    "GRU": ("gru", GRU),
    "SimpleRNN": ("rnn", SimpleRNN),
    "Dense": ("dense", Dense),
}


@dataclass(config=STRICT, kw_only=True)
class Bidirectional(KerasLayer):
    """The same layer over the steps in their order and in the other, each with weights of its own."""

    mask = "own"
    layer: Inner
    merge_mode: Literal["concat", "sum", "mul", "ave"] = "concat"

    def _both(self) -> tuple[Recurrent, Recurrent]:
        one = self.layer.layer
        if not isinstance(one, Recurrent):
            raise RefusedError(f"reads a {type(one).__name__} in both directions")
        one = replace(one, go_backwards=False, zero_output_for_mask=one.return_sequences)
        return one, replace(one, go_backwards=True)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        one = self._both()[0].shape(shapes)
        return (*one[:-1], 2 * one[-1]) if self.merge_mode == "concat" else one

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        return [
            replace(
                weight, group=f"{way}_layer/{weight.group}", places=tuple(f"{way}_.{place}" for place in weight.places)
            )
            for way, layer in zip(("forward", "backward"), self._both(), strict=True)
            for weight in layer.weights(shapes)
        ]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        ahead, back = self._both()
        return _Both({"forward": ahead.module(shapes), "backward": back.module(shapes)}, self.merge_mode)


class _Both(nn.Module):
    def __init__(self, ways: Mapping[str, nn.Module], merge: str) -> None:
        super().__init__()
        for name, module in ways.items():
            self.add_module(f"{name}_", module)
        self.merge = merge

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        one, read = self.get_submodule("forward_")(x, mask)
        other, _ = self.get_submodule("backward_")(x, mask)
        other = other.flip(1) if other.ndim == 3 else other
        if self.merge == "concat":
            return torch.cat([one, other], dim=-1), read
        if self.merge == "mul":
            return one * other, read
        return (one + other) / (2 if self.merge == "ave" else 1), read


@dataclass(config=STRICT, kw_only=True)
class TimeDistributed(KerasLayer):
    """A dense layer for each step, which a dense layer is anyway."""

    layer: Inner = Field()

    def _dense(self) -> KerasLayer:
        if not isinstance(self.layer.layer, Dense):
            raise RefusedError(f"applies a {type(self.layer.layer).__name__} to each step, and only Dense is read so")
        return self.layer.layer

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return self._dense().shape(shapes)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        return [replace(weight, group="layer") for weight in self._dense().weights(shapes)]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return self._dense().module(shapes)
