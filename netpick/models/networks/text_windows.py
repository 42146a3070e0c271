"""Long texts read in windows of neighbouring tokens, each by the same network, and what is made of all windows of a text.

Attention over hundreds of tokens, and a memory of thousands of steps, cost far more than several short ones. The windows of a
text cover it whole, at even distances: the first begins with it and the last ends with it, so that what stands at either end is
always seen in one piece. How much a window counts is learned, by what it holds and by its place from the start and from the end
(attention after Bahdanau et al. 2015, hierarchical as in Yang et al. 2016). Of a budget too short for all of them, the first and
the last windows are read, where most texts say what they are about (Sun et al. 2019).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from netpick.models.networks.base import Batch, Features, Size, Trunk
from netpick.types import Inputs

LONG = 384  # tokens; longer texts are read in windows
WINDOW = 32  # tokens of each: some sentences. Of 64, what decides is one voice among more
FEW_WINDOWS = (32, 16, 8, 4, 2)  # that are read of a text where the budget is too short for all
PLACES = 8  # windows from the start, and from the end, that have a weight of their own; further ones share one
ENDS = 3.0  # score that one head begins with for the last window, and another for the first
FAST = 10.0  # weights of places are learned so many times as fast as others: there are few, and all else waits for them


class WindowedTexts(Trunk):
    """Texts (B, T) to features (B, D) by a network of windows (n, window). most: windows read of a text; 0: all."""

    def __init__(self, inner: Trunk, longest: int, window: int, most: int) -> None:
        super().__init__()
        self.inner, self.window, self.most = inner, window, most
        self.total = -(-longest // window)
        self.all_alike = (
            False  # in a graph: windows that are not there are computed too, as there are as many for each text
        )
        self.width = inner.width
        self.heads = next(heads for heads in (4, 2, 1) if inner.width % heads == 0)
        self.score = nn.Linear(inner.width, self.heads)
        self.from_start = nn.Parameter(torch.zeros(PLACES, self.heads))
        self.from_end = nn.Parameter(torch.zeros(PLACES, self.heads))
        if (
            self.heads > 2
        ):  # what decides stands at an end more often than elsewhere; the other heads begin with all windows alike
            self.from_end.data[0, 0] = self.from_start.data[0, -1] = ENDS / FAST

    def forward(self, batch: Batch) -> Features:
        tokens, mask = batch["tokens"], batch["tokens.mask"]
        count = self.total if self.all_alike else -(-tokens.shape[1] // self.window)
        if count == 1:
            return Features(self.inner(batch).pooled)
        if self.most:
            count = min(count, self.most)
        there = (mask.sum(dim=1, keepdim=True) + (self.window - 1)) // self.window  # (B, 1) windows of each text
        there = there.clamp(min=1)
        number = self._numbers(there, count)
        read = number < there
        windows, inside = self._windows(tokens, mask, number, there)
        pooled = self._features(windows, inside, read)
        weights = self._weights(pooled, number, there, read)
        by_head = pooled.reshape(pooled.shape[0], count, self.heads, self.width // self.heads)
        return Features((weights.unsqueeze(-1) * by_head).sum(dim=1).flatten(1))

    def _numbers(self, there: Tensor, count: int) -> Tensor:
        """Which windows (B, count) of each text are read, by number: all, or of too many the first and the last ones."""
        slot = torch.arange(count, device=there.device).unsqueeze(0)
        from_the_end = slot + (there - count)
        return torch.where((there > count) & (slot >= count // 2), from_the_end, slot)

    def _windows(self, tokens: Tensor, mask: Tensor, number: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and masks (B, count, window)."""
        length = mask.sum(dim=1, keepdim=True)
        last = (length - self.window).clamp(min=0)
        start = number * last // (there - 1).clamp(min=1)
        places = start.unsqueeze(-1) + torch.arange(self.window, device=tokens.device)
        inside = (places < length.unsqueeze(-1)) & (number < there).unsqueeze(-1)
        places = torch.where(inside, places, 0)
        windows = tokens.gather(1, places.flatten(1)).view(places.shape)
        return windows, inside

    def _features(self, windows: Tensor, inside: Tensor, read: Tensor) -> Tensor:
        """(B, count, D); zeros for windows that are not there, over which no time is spent."""
        flat, valid = windows.flatten(0, 1), inside.flatten(0, 1)
        if self.all_alike or windows.device.type == "meta":
            made: Tensor = self.inner({"tokens": flat, "tokens.mask": valid}).pooled
            return made.reshape(*windows.shape[:2], self.width) * read.unsqueeze(-1)
        kept = read.flatten().nonzero().squeeze(1)
        made = self.inner({"tokens": flat[kept], "tokens.mask": valid[kept]}).pooled
        whole = made.new_zeros((len(flat), made.shape[1])).index_copy(0, kept, made)
        return whole.reshape(*windows.shape[:2], self.width)

    def _weights(self, pooled: Tensor, number: Tensor, there: Tensor, read: Tensor) -> Tensor:
        """(B, count, heads), that sum to 1 over a text's windows."""
        from_start = FAST * self.from_start[number.clamp(0, PLACES - 1)]
        from_end = FAST * self.from_end[(there - 1 - number).clamp(0, PLACES - 1)]
        score: Tensor = self.score(pooled).float() + from_start + from_end
        return score.masked_fill(~read.unsqueeze(-1), -1e9).softmax(dim=1).to(pooled.dtype)


def in_windows(inner: Trunk, inputs: Inputs, settings: Any) -> Trunk:
    """A network for texts, which reads long ones in windows where its settings ask for it."""
    longest = inputs["tokens"].shape[0]
    if not settings.window or settings.window >= longest:
        return inner
    return WindowedTexts(inner, longest, settings.window, settings.windows)


def of_window(inputs: Inputs, settings: Any) -> Inputs:
    """What the network of one window reads."""
    spec = inputs["tokens"]
    if not settings.window or settings.window >= spec.shape[0]:
        return inputs
    return {**inputs, "tokens": replace(spec, shape=(settings.window,))}


def long_texts(inputs: Inputs) -> bool:
    """Whether texts are so long that presets read them in windows."""
    return inputs["tokens"].shape[0] > LONG


def window_sizes(preset: Any, passes: float, inputs: Inputs) -> list[Size]:
    """Sizes that read fewer windows of each text, largest first."""
    total = -(-inputs["tokens"].shape[0] // preset.window) if preset.window else 0
    return [
        Size(
            settings=replace(preset, windows=few),
            passes=passes,
            remark=f"reads {few} of {total:,} windows of a text, half from its start and half from its end",
        )
        for few in FEW_WINDOWS
        if few < total
    ]
