"""Modules that say the same in operators that ONNX has, put in the place of those that a graph cannot hold.

A recurrence that is spelled out step by step would fix the number of steps; ONNX has RNN, GRU and LSTM, which read valid
steps in both directions at once. Attention over rows without a valid step, and means of hashed vectors, are written so that
they come out as torch's kernels have them. Twins of recurrences run only inside an exported graph.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from netpick.models.networks.blocks import SelfAttention, last_valid
from netpick.models.networks.layer_steps import Recurrent, image_rows
from netpick.models.networks.pair_rnn import PairRnnTrunk
from netpick.models.networks.rnn import RecurrentLayer
from netpick.models.networks.series_cnn import InceptionLayer
from netpick.models.networks.text_mlp import TextMlpTrunk, hashed_runs
from netpick.models.networks.text_network import TextNetwork
from netpick.models.networks.text_rnn import RecurrentTextTrunk
from netpick.models.networks.text_windows import WindowedTexts

OPERATORS = {"simple": "RNN", "gru": "GRU", "lstm": "LSTM"}
TORCH_GATES = {"simple": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}  # nn.GRU and nn.LSTM: the place of ONNX's gates
OWN_GATES = {
    "simple": (0,),
    "gru": (1, 0, 2),
    "lstm": (0, 2, 1, 3),
}  # of RecurrentLayer: input, forget, output, candidate
NOT_A_SCORE = -1e30  # of a padded step; minus infinity would make rows without a valid step NaN


class Recurrence(nn.Module):
    """A recurrent layer of one or two directions as ONNX's own operator: (B, T, C) to (B, T, directions * width).

    weights: for each direction those of the inputs (gates * H, C), of the state (gates * H, H), and both biases (gates * H),
    with the gates in ONNX's order. At invalid steps zeros come out; a row without a valid step reads one.
    """

    inputs: Tensor
    states: Tensor
    biases: Tensor

    def __init__(self, cell: str, weights: Sequence[tuple[Tensor, Tensor, Tensor, Tensor]]) -> None:
        super().__init__()
        self.operator, self.directions, self.width = OPERATORS[cell], len(weights), weights[0][1].shape[1]
        self.register_buffer("inputs", torch.stack([one[0] for one in weights]))
        self.register_buffer("states", torch.stack([one[1] for one in weights]))
        self.register_buffer("biases", torch.stack([torch.cat([one[2], one[3]]) for one in weights]))

    def forward(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        """mask: (B, T), True at valid steps, which come first."""
        batch, length, _ = steps.shape
        lengths = None if mask is None else mask.sum(dim=1).clamp(min=1).to(torch.int32)
        attributes: dict[str, Any] = {
            "hidden_size": self.width,
            "direction": "bidirectional" if self.directions == 2 else "forward",
        }
        if self.operator == "GRU":
            attributes["linear_before_reset"] = 1  # the reset gate applies after the product, as in cuDNN
        made: Tensor = torch.onnx.ops.symbolic(
            f"::{self.operator}",
            (steps.transpose(0, 1), self.inputs, self.states, self.biases, lengths),
            attributes,
            dtype=torch.float32,
            shape=(length, self.directions, batch, self.width),
        )
        return made.permute(2, 0, 1, 3).flatten(2)


class CarriedRecurrence(nn.Module):
    """Recurrent layers of torch, one above the other, that start from a state and give the one behind them: see nn.LSTM and its kin."""

    def __init__(self, cells: nn.RNNBase) -> None:
        super().__init__()
        self.cell = {nn.RNN: "simple", nn.GRU: "gru", nn.LSTM: "lstm"}[type(cells)]
        self.width, self.count = cells.hidden_size, cells.num_layers
        for layer in range(self.count):
            inputs, states, *biases = _of_torch(self.cell, cells, layer)
            self.register_buffer(f"inputs{layer}", inputs[None])
            self.register_buffer(f"states{layer}", states[None])
            self.register_buffer(f"biases{layer}", torch.cat(biases)[None])

    def forward(self, steps: Tensor, given: Any = None) -> tuple[Tensor, Any]:
        """steps: (B, S, C); given: (layers, B, H) of the states, for an LSTM a pair of them."""
        states = () if given is None else given if isinstance(given, tuple) else (given,)
        read, ended = steps.transpose(0, 1), []
        for layer in range(self.count):
            read, *after = self._layer(layer, read, [part[layer : layer + 1] for part in states])
            ended.append(after)
        last = tuple(torch.cat(parts) for parts in zip(*ended, strict=True))
        return read.transpose(0, 1), last if self.cell == "lstm" else last[0]

    def _layer(self, layer: int, steps: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        """(S, B, C) to (S, B, H), and the states (1, B, H) behind the last step."""
        length, batch, _ = steps.shape
        attributes: dict[str, Any] = {"hidden_size": self.width, "direction": "forward"}
        if self.cell == "gru":
            attributes["linear_before_reset"] = 1
        weights = [getattr(self, f"{name}{layer}") for name in ("inputs", "states", "biases")]
        number = 2 if self.cell == "lstm" else 1
        made = torch.onnx.ops.symbolic_multi_out(
            f"::{OPERATORS[self.cell]}",
            (steps, *weights, None, *states),
            attributes,
            dtypes=(torch.float32,) * (1 + number),
            shapes=((length, 1, batch, self.width), *((1, batch, self.width),) * number),
        )
        return made[0].squeeze(1), *made[1:]


class RecurrentTwin(nn.Module):
    """Of a layer of the spelled-out RNN."""

    def __init__(self, layer: RecurrentLayer) -> None:
        super().__init__()
        if layer.spelled_out:
            places = OWN_GATES[layer.cell]
            weights = []
            for direction in range(layer.directions):
                bias = layer.bias[direction, 0]
                of_state = torch.zeros_like(bias)
                if layer.cell == "gru":
                    of_state[2 * layer.hidden :] = layer.candidate_bias[direction, 0]
                parts = (layer.input_weight[direction].T, layer.recurrent_weight[direction].T, bias, of_state)
                weights.append(_in_order(parts, places, layer.hidden))
        else:
            weights = [_of_torch("lstm", kernel) for kernel in layer.kernels if isinstance(kernel, nn.LSTM)]
        self.recurrence = Recurrence(layer.cell, weights)

    def forward(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        return self.recurrence(steps, mask)  # type: ignore[no-any-return]


class StepTwin(nn.Module):
    """Of a recurrent layer of a network that the user spelled out."""

    def __init__(self, step: Recurrent) -> None:
        super().__init__()
        cell = {nn.RNN: "simple", nn.GRU: "gru", nn.LSTM: "lstm"}[type(step.ahead)]
        both: list[Any] = [step.ahead] if step.back is None else [step.ahead, step.back]
        self.mode = step.mode
        self.recurrence = Recurrence(cell, [_of_torch(cell, one) for one in both])

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        x = image_rows(x) if self.mode.image_rows else x
        steps = self.recurrence(x, mask)
        if self.mode.all_steps:
            return steps, mask
        width = self.recurrence.width
        ahead = last_valid(steps[..., :width], mask)
        # The backward direction ends at the first step.
        return (torch.cat([ahead, steps[:, 0, width:]], dim=-1) if self.mode.both else ahead), None


class AttentionTwin(nn.Module):
    """Of self-attention: torch's kernel gives zeros to rows without a valid step, plain softmax gives NaN."""

    def __init__(self, attention: SelfAttention) -> None:
        super().__init__()
        self.heads = attention.heads
        self.queries_keys_values, self.out = attention.queries_keys_values, attention.out

    def forward(self, steps: Tensor, mask: Tensor | None = None) -> Tensor:
        batch, length, width = steps.shape
        size = width // self.heads
        projected = self.queries_keys_values(steps).view(batch, length, 3, self.heads, size)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, T, D / heads) each
        scores = (queries * size**-0.5) @ keys.transpose(2, 3)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], NOT_A_SCORE)
        attended = scores.softmax(dim=-1) @ values
        if mask is not None:
            attended = attended * mask.any(dim=1)[:, None, None, None]
        return self.out(attended.transpose(1, 2).reshape(batch, length, width))  # type: ignore[no-any-return]


class TextMlpTwin(nn.Module):
    """Of the MLP for texts: the mean of vectors, which torch takes in one kernel, as a sum over those that stand there."""

    def __init__(self, trunk: TextMlpTrunk) -> None:
        super().__init__()
        self.known, self.grams, self.buckets = trunk.known, trunk.grams, trunk.buckets
        self.vectors, self.layers, self.width, self.members = trunk.vectors, trunk.layers, trunk.width, trunk.members

    def forward(self, batch: dict[str, Tensor]) -> object:
        from netpick.models.networks.base import Features

        # Padded by as many tokens as the longest run has, so that there is a first run of every size.
        mask = nn.functional.pad(batch["tokens.mask"], (0, self.grams - 1))
        tokens = nn.functional.pad(batch["tokens"], (0, self.grams - 1)).masked_fill(~mask, 0)
        total = self.vectors[tokens].sum(dim=1)
        count = (tokens > 0).sum(dim=1)
        for size in range(2, self.grams + 1):
            runs = hashed_runs(tokens, mask, size, self.buckets)
            there = runs > 0
            vectors = self.vectors[torch.where(there, runs + (self.known - 1), 0)]
            total = total + (vectors * there.unsqueeze(-1)).sum(dim=1)
            count = count + there.sum(dim=1)
        mean = total / count.clamp(min=1).unsqueeze(1)
        return Features(self.layers(nn.functional.layer_norm(mean, (mean.shape[1],))))


class InceptionTwin(nn.Module):
    """Of a layer of the CNN for series: the zeros around a series as values of their own. onnxruntime takes a Pad in front
    of a MaxPool into it, where the padding is minus infinity."""

    def __init__(self, layer: InceptionLayer) -> None:
        super().__init__()
        self.narrow, self.branches, self.peaks, self.norm = layer.narrow, layer.branches, layer.peaks, layer.norm

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        narrow = self.narrow(x)
        nothing = x.new_zeros((x.shape[0], x.shape[1], 1))
        peaks = self.peaks(nn.functional.max_pool1d(torch.cat([nothing, x, nothing], dim=2), 3, stride=1))
        return self.norm(torch.cat([*(branch(narrow) for branch in self.branches), peaks], dim=1), mask)  # type: ignore[no-any-return]


def text_twin(network: TextNetwork) -> nn.Module:
    """Of a network of texts that go on."""
    network.in_parts = False
    network.trunk = _replaced(network.trunk)  # type: ignore[assignment]
    return network


def reading_twin(trunk: RecurrentTextTrunk) -> nn.Module:
    """Of a recurrent trunk that reads on."""
    trunk.cells = CarriedRecurrence(trunk.cells)  # type: ignore[assignment]
    return trunk


def pair_twin(trunk: PairRnnTrunk) -> nn.Module:
    """Of the recurrent trunk of pairs, whose layers are torch's."""
    for name, child in trunk.named_children():
        if isinstance(child, nn.LSTM):
            setattr(trunk, name, CarriedRecurrence(child))
    return trunk


def windows_twin(trunk: WindowedTexts) -> nn.Module:
    """Of a network that reads long texts in windows: as many windows of every text, however short."""
    trunk.all_alike = True
    trunk.inner = _replaced(trunk.inner)  # type: ignore[assignment]
    return trunk


TWINS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    RecurrentLayer: RecurrentTwin,
    Recurrent: StepTwin,
    SelfAttention: AttentionTwin,
    InceptionLayer: InceptionTwin,
    TextMlpTrunk: TextMlpTwin,
    WindowedTexts: windows_twin,
    TextNetwork: text_twin,
    RecurrentTextTrunk: reading_twin,
    PairRnnTrunk: pair_twin,
}


def exportable(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode, with twins in the place of what a graph cannot hold."""
    with torch.no_grad():
        return _replaced(copy.deepcopy(network).eval())


def _replaced(module: nn.Module) -> nn.Module:
    if type(module) in TWINS:
        return TWINS[type(module)](module)
    for name, child in module.named_children():
        setattr(module, name, _replaced(child))
    return module


def _of_torch(cell: str, cells: nn.RNNBase, layer: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    weights = dict(cells.named_parameters())
    parts = tuple(weights[f"{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return _in_order(parts, TORCH_GATES[cell], cells.hidden_size)


def _in_order(parts: Sequence[Tensor], places: Sequence[int], width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gates' blocks of rows of each tensor in the order of ONNX."""
    ordered = [torch.cat([torch.split(part.detach(), width)[place] for place in places]).contiguous() for part in parts]
    return ordered[0], ordered[1], ordered[2], ordered[3]
