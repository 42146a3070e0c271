"""The modules of a spelled-out network: each takes (x, mask) and returns both.

x is a row (B, D), steps (B, T, C) or a map (B, C, H, W); mask (B, T) is True at valid steps, None where all are. Padded
steps are 0 behind every layer that looks at neighbours, so that neither their values nor their number matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.blocks import (
    GAINS,
    SelfAttention,
    activation_layer,
    last_valid,
    linear,
    masked_max,
    masked_mean,
    reverse_valid,
)

Masked = tuple[Tensor, Tensor | None]


class Window(NamedTuple):
    """A sliding window: its size, its stride, and whether the borders are filled up with zeros."""

    size: int
    stride: int
    same: bool

    @property
    def before(self) -> int:
        return (self.size - 1) // 2 if self.same else 0

    @property
    def after(self) -> int:
        return self.size - 1 - self.before if self.same else 0


def silence(x: Tensor, mask: Tensor | None) -> Tensor:
    """Padded steps set to 0."""
    return x if mask is None else x.masked_fill(~mask.unsqueeze(-1), 0.0)


def slide_mask(mask: Tensor | None, window: Window) -> Tensor | None:
    """Which windows are valid: those whose centre is (same), or all of whose steps are; the first one always is."""
    if mask is None:
        return None
    if window.same:
        return mask[:, :: window.stride]
    whole = mask[:, window.size - 1 :: window.stride]
    return torch.cat([torch.ones_like(whole[:, :1]), whole[:, 1:]], dim=1)


class Plain(nn.Module):
    """A module that treats every number alike."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        return self.module(x), mask


class ActivationStep(nn.Module):
    """An activation alone."""

    def __init__(self, name: str, is_map: bool) -> None:
        super().__init__()
        self.activation = activation_layer(name, 1 if is_map else -1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        return self.activation(x), mask


class Dense(nn.Module):
    """A linear layer and its activation, on a row or on each step."""

    def __init__(self, inputs: int, units: int, activation: str) -> None:
        super().__init__()
        self.linear = linear(inputs, units, activation)
        self.activation = activation_layer(activation)

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        return self.activation(self.linear(x)), mask


class Conv2d(nn.Module):
    """A convolution over maps."""

    def __init__(self, inputs: int, window: Window, channels: int, activation: str) -> None:
        super().__init__()
        self.window = window
        self.conv = nn.Conv2d(inputs, channels, window.size, window.stride)
        _initialise(self.conv, inputs * window.size**2, activation)
        self.activation = activation_layer(activation, 1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        before, after = self.window.before, self.window.after
        x = functional.pad(x, (before, after, before, after)) if before + after else x
        return self.activation(self.conv(x)), mask


class Conv1d(nn.Module):
    """A convolution over steps."""

    def __init__(self, inputs: int, window: Window, channels: int, activation: str) -> None:
        super().__init__()
        self.window = window
        self.conv = nn.Conv1d(inputs, channels, window.size, window.stride)
        _initialise(self.conv, inputs * window.size, activation)
        self.activation = activation_layer(activation)

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        padded = functional.pad(silence(x, mask).transpose(1, 2), (self.window.before, self.window.after))
        mask = slide_mask(mask, self.window)
        return silence(self.activation(self.conv(padded).transpose(1, 2)), mask), mask


class Pool2d(nn.Module):
    """Largest or mean value of windows of a map."""

    def __init__(self, window: Window, largest: bool) -> None:
        super().__init__()
        self.window, self.largest = window, largest

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        before, after = self.window.before, self.window.after
        if before + after:
            x = functional.pad(x, (before, after, before, after), value=float("-inf") if self.largest else 0.0)
        pool = functional.max_pool2d if self.largest else functional.avg_pool2d
        return pool(x, self.window.size, self.window.stride), mask


class Pool1d(nn.Module):
    """Largest or mean value of windows of steps."""

    def __init__(self, window: Window, largest: bool) -> None:
        super().__init__()
        self.window, self.largest = window, largest

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        filler = float("-inf") if self.largest else 0.0
        if mask is not None:
            x = x.masked_fill(~mask.unsqueeze(-1), filler)
        x = functional.pad(x.transpose(1, 2), (self.window.before, self.window.after), value=filler)
        pool = functional.max_pool1d if self.largest else functional.avg_pool1d
        pooled: Tensor = pool(x, self.window.size, self.window.stride).transpose(1, 2)
        mask = slide_mask(mask, self.window)
        return silence(pooled, mask), mask


class GlobalPool(nn.Module):
    """Mean or largest value of each channel over a whole map, or over the valid steps."""

    def __init__(self, largest: bool) -> None:
        super().__init__()
        self.largest = largest

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        if x.ndim == 4:
            return x.amax(dim=(2, 3)) if self.largest else x.mean(dim=(2, 3)), None
        return masked_max(x, mask) if self.largest else masked_mean(x, mask), None


class BatchNorm(nn.Module):
    """Batch norm over channels; for steps the statistics are of all steps, padding included at 0."""

    def __init__(self, features: int, is_map: bool) -> None:
        super().__init__()
        self.norm: nn.Module = nn.BatchNorm2d(features) if is_map else nn.BatchNorm1d(features)

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        if x.ndim != 3:
            return self.norm(x), mask
        return silence(self.norm(silence(x, mask).transpose(1, 2)).transpose(1, 2), mask), mask


class LayerNorm(nn.Module):
    """Layer norm over the features of a row, a step, or each place of a map."""

    def __init__(self, features: int, is_map: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.is_map = is_map

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        if self.is_map:
            return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), mask
        return self.norm(x), mask


class Flatten(nn.Module):
    """Everything in one row; padded steps count as 0, and shorter batches are filled up to `length` steps."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        if x.ndim == 3:
            x = functional.pad(silence(x, mask), (0, 0, 0, self.length - x.shape[1]))
        return x.flatten(1), None


class RecurrentMode(NamedTuple):
    """Both directions or one; all steps or the last valid one; whether it reads an image row by row."""

    both: bool
    all_steps: bool
    image_rows: bool


class Recurrent(nn.Module):
    """A simple, LSTM or GRU layer. Backwards it reads each row's valid steps in reverse, as packed sequences would be."""

    def __init__(self, cell: str, inputs: int, units: int, mode: RecurrentMode) -> None:
        super().__init__()
        self.mode = mode
        cells: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
        self.ahead: nn.Module = cells[cell](inputs, units, batch_first=True)
        self.back: nn.Module | None = cells[cell](inputs, units, batch_first=True) if mode.both else None

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        x = image_rows(x) if self.mode.image_rows else x
        ahead, _ = self.ahead(x)
        if self.back is None:
            return (ahead, mask) if self.mode.all_steps else (last_valid(ahead, mask), None)
        back, _ = self.back(reverse_valid(x, mask))
        if self.mode.all_steps:
            return torch.cat([ahead, reverse_valid(back, mask)], dim=-1), mask
        return torch.cat([last_valid(ahead, mask), last_valid(back, mask)], dim=-1), None


class Attention(nn.Module):
    """Self-attention over the valid steps; images are read row by row."""

    def __init__(self, width: int, heads: int, rows: bool) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.rows = rows

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        return self.attention(image_rows(x) if self.rows else x, mask), mask


class Residual(nn.Module):
    """Layers whose result is added to their input, which is brought to the same number of features where it differs."""

    def __init__(self, inner: nn.ModuleList, inputs: int, outputs: int, is_map: bool, activation: str) -> None:
        super().__init__()
        self.inner = inner
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = (
                nn.Conv2d(inputs, outputs, 1, bias=False) if is_map else nn.Linear(inputs, outputs, bias=False)
            )
        self.activation = activation_layer(activation, 1 if is_map else -1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Masked:
        out, out_mask = x, mask
        for step in self.inner:
            out, out_mask = step(out, out_mask)
        return self.activation(out + self.shortcut(x)), out_mask


def image_rows(x: Tensor) -> Tensor:
    """A map (B, C, H, W) as H steps of C * W numbers."""
    return x.permute(0, 2, 1, 3).flatten(2)


def _initialise(conv: nn.Conv1d | nn.Conv2d, fan_in: int, activation: str) -> None:
    nn.init.normal_(conv.weight, std=GAINS[activation] / fan_in**0.5)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
