"""Recurrent layers. Gates as in Keras: LSTM i, f, c, o, which is torch's order; GRU z, r, h, where torch has r, z, n.

Steps that do not count leave the state as it is. So the steps that count are moved to the front, read in one go, and each step gets the
state behind as many of them as have come until then; that holds for zeros at the front, at the end and between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported.activations import ACTIVATIONS, ActivationName
from netpick.models.imported.base import KerasLayer, Shape, Weight, require_axes
from netpick.models.imported.dense import Count
from netpick.types import STRICT

IH, HH = ("rnn.weight_ih_l0", "rnn.bias_ih_l0"), ("rnn.weight_hh_l0", "rnn.bias_hh_l0")


@dataclass(config=STRICT, kw_only=True)
class Recurrent(KerasLayer):
    """What they share."""

    mask = "own"
    gates: ClassVar[int] = 1
    blocks: ClassVar[tuple[int, ...]] = ()
    units: int = Count
    activation: ActivationName = "tanh"
    use_bias: bool = True
    return_sequences: bool = False
    go_backwards: bool = False
    zero_output_for_mask: bool = False

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        steps, _ = require_axes(shapes, 2, "steps")
        return (steps, self.units) if self.return_sequences else (self.units,)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        wide = self.gates * self.units
        made = [
            Weight(name="kernel", shape=(shapes[0][-1], wide), places=(IH[0],), axes=(1, 0)),
            Weight(name="recurrent_kernel", shape=(self.units, wide), places=(HH[0],), axes=(1, 0)),
            Weight(name="bias", shape=(wide,), places=(IH[1], HH[1])),
        ][: 2 + self.use_bias]
        return [replace(weight, group="cell", blocks=self.blocks) for weight in made]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Read(self, self.cell(shapes[0][-1]))

    def cell(self, inputs: int) -> nn.Module:
        """Reads steps (B, T, C) to the states (B, T, D) behind each."""
        raise NotImplementedError


@dataclass(config=STRICT, kw_only=True)
class SimpleRNN(Recurrent):
    def cell(self, inputs: int) -> nn.Module:
        if self.activation in ("tanh", "relu"):
            return nn.RNN(inputs, self.units, batch_first=True, bias=self.use_bias, nonlinearity=self.activation)
        return _Steps(self, inputs, _simple, self.activation)


@dataclass(config=STRICT, kw_only=True)
class LSTM(Recurrent):
    gates = 4
    recurrent_activation: ActivationName = "sigmoid"

    def cell(self, inputs: int) -> nn.Module:
        if (self.activation, self.recurrent_activation) == ("tanh", "sigmoid"):
            return nn.LSTM(inputs, self.units, batch_first=True, bias=self.use_bias)
        return _Steps(self, inputs, _lstm, self.recurrent_activation)


@dataclass(config=STRICT, kw_only=True)
class GRU(Recurrent):
    gates = 3
    blocks = (1, 0, 2)
    recurrent_activation: ActivationName = "sigmoid"
    reset_after: bool = True

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        made = list(super().weights(shapes))
        if self.use_bias and self.reset_after:
            shape = (2, 3 * self.units)
            made[2] = Weight(
                name="bias", shape=shape, places=(IH[1], HH[1]), group="cell", blocks=self.blocks, two="split"
            )
        return made

    def cell(self, inputs: int) -> nn.Module:
        if self.reset_after and (self.activation, self.recurrent_activation) == ("tanh", "sigmoid"):
            return nn.GRU(inputs, self.units, batch_first=True, bias=self.use_bias)
        return _Steps(self, inputs, _gru_after if self.reset_after else _gru, self.recurrent_activation)


Step = Callable[["_Steps", Tensor, tuple[Tensor, Tensor]], tuple[Tensor, Tensor]]


class _Steps(nn.Module):
    """A cell that torch does not have, step by step, with weights where torch's layers have theirs."""

    def __init__(self, layer: Recurrent, inputs: int, step: Step, gate: ActivationName) -> None:
        super().__init__()
        wide = layer.gates * layer.units
        self.units, self.step = layer.units, step
        self.act, self.gate = ACTIVATIONS[layer.activation], ACTIVATIONS[gate]
        self.weight_ih_l0 = nn.Parameter(torch.empty(wide, inputs).uniform_(-0.1, 0.1))
        self.weight_hh_l0 = nn.Parameter(torch.empty(wide, layer.units).uniform_(-0.1, 0.1))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(wide)) if layer.use_bias else None
        self.bias_hh_l0 = nn.Parameter(torch.zeros(wide)) if layer.use_bias else None

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        read = nn.functional.linear(x, self.weight_ih_l0, self.bias_ih_l0)
        state = (x.new_zeros(x.shape[0], self.units), x.new_zeros(x.shape[0], self.units))
        states = []
        for step in read.unbind(1):
            state = self.step(self, step, state)
            states.append(state[0])
        return torch.stack(states, dim=1), None

    def turned(self, state: Tensor) -> Tensor:
        """The state's part in all gates."""
        return nn.functional.linear(state, self.weight_hh_l0, self.bias_hh_l0)


def _simple(cell: _Steps, read: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return cell.act(read + cell.turned(state[0])), state[1]


def _lstm(cell: _Steps, read: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    enter, forget, new, out = (read + cell.turned(state[0])).chunk(4, dim=1)
    kept = cell.gate(forget) * state[1] + cell.gate(enter) * cell.act(new)
    return cell.gate(out) * cell.act(kept), kept


def _gru_after(cell: _Steps, read: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """In the order of torch: r, z, n."""
    (reset_read, keep_read, new_read), before = read.chunk(3, dim=1), cell.turned(state[0]).chunk(3, dim=1)
    reset, keep = cell.gate(reset_read + before[0]), cell.gate(keep_read + before[1])
    return keep * state[0] + (1 - keep) * cell.act(new_read + reset * before[2]), state[1]


def _gru(cell: _Steps, read: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The state is reset before it is turned (Cho et al. 2014, as first published)."""
    reset_read, keep_read, new_read = read.chunk(3, dim=1)
    before = cell.turned(state[0]).chunk(3, dim=1)
    reset, keep = cell.gate(reset_read + before[0]), cell.gate(keep_read + before[1])
    turned = cell.turned(reset * state[0]).chunk(3, dim=1)[2]
    return keep * state[0] + (1 - keep) * cell.act(new_read + turned), state[1]


class _Read(nn.Module):
    """A cell over the steps that count, in one direction."""

    def __init__(self, layer: Recurrent, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn
        self.sequences, self.backwards, self.zero = (
            layer.return_sequences,
            layer.go_backwards,
            layer.zero_output_for_mask,
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self.backwards:
            x = x.flip(1)
            mask = None if mask is None else mask.flip(1)
        if mask is None:
            states, _ = self.rnn(x)
            return (states, None) if self.sequences else (states[:, -1], None)
        come = mask.long().cumsum(1)  # steps that count until each
        places = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
        behind = torch.where(mask, come - 1, x.shape[1])  # those that do not count go behind the last, and are cut off
        order = places.new_zeros(x.shape[0], x.shape[1] + 1).scatter(1, behind, places)[:, :-1]
        states, _ = self.rnn(x.gather(1, order.unsqueeze(-1).expand(-1, -1, x.shape[-1])))
        states = nn.functional.pad(states, (0, 0, 1, 0))  # in front: the state before the first step
        if not self.sequences:
            return states.gather(1, come[:, -1:, None].expand(-1, 1, states.shape[-1]))[:, 0], None
        read = states.gather(1, come.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
        return read * mask.unsqueeze(-1) if self.zero else read, mask.flip(1) if self.backwards else mask


def require_recurrent(layer: KerasLayer) -> Recurrent:
    """Raises RefusedError for any other."""
    if not isinstance(layer, Recurrent):
        raise RefusedError(f"reads in both directions with a {type(layer).__name__}")
    return layer
