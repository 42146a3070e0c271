"""The transformer for clips: every frame is cut into patches; attention over time and over the frame by turns.

The divided attention of TimeSformer (Bertasius et al. 2021), which ViViT (Arnab et al. 2021) calls factorised
self-attention: a token attends to the same place in all frames, then to all places of its frame. Over T * S tokens at once
attention would cost (T * S)^2, and on small clips it learns no better from as many steps.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Activation, Dropout, SelfAttention, activation_layer, check_heads, linear
from netpick.models.networks.clip_frames import frame_inputs, frames_of
from netpick.models.networks.patch_transformer import GridPatches, PatchTransformerSettings, sincos
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class ClipTransformerSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=64, ge=4, multiple_of=4)
    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    expansion: int = Field(default=2, ge=1)  # width of the feed-forward part, in widths
    patch: int = Field(default=8, ge=1)  # pixels a side from one token to the next
    tubelet: int = Field(
        default=1, ge=1, le=1000
    )  # frames that are cut together: a token then sees how its place changes
    stem: Literal["linear", "conv"] = "linear"
    activation: Activation = "gelu"
    dropout: float = Field(default=0.0, ge=0, lt=1)


class DividedLayer(nn.Module):
    """Attention over time, attention over the frame, a feed-forward part; the norms in front, each added to its input."""

    def __init__(self, settings: ClipTransformerSettings) -> None:
        super().__init__()
        width, hidden = settings.width, settings.expansion * settings.width
        self.time_norm, self.space_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.time = SelfAttention(width, settings.heads, settings.dropout)
        self.space = SelfAttention(width, settings.heads, settings.dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            linear(width, hidden, settings.activation),
            activation_layer(settings.activation),
            Dropout(settings.dropout),
            linear(hidden, width),
        )
        self.dropout = Dropout(settings.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, S, D) to the same."""
        clips, length, places, width = tokens.shape
        over_time = self.time_norm(tokens).transpose(1, 2).reshape(clips * places, length, width)
        over_time = self.time(over_time).view(clips, places, length, width).transpose(1, 2)
        tokens = tokens + self.dropout(over_time)
        over_space = self.space(self.space_norm(tokens).view(clips * length, places, width))
        tokens = tokens + self.dropout(over_space).view(clips, length, places, width)
        return tokens + self.dropout(self.feed_forward(tokens))  # type: ignore[no-any-return]


class ClipTransformerTrunk(Trunk):
    """Clips (B, T, C, H, W) to steps (B, T', D), the mean of each moment's tokens, and their mean."""

    places: Tensor
    moments: Tensor

    def __init__(self, inputs: Inputs, settings: ClipTransformerSettings) -> None:
        super().__init__()
        check_heads(settings.width, settings.heads)
        self.tubelet = self.group = settings.tubelet
        self.width = self.step_width = settings.width
        self.length = -(-inputs["clip"].shape[0] // settings.tubelet)
        patches = PatchTransformerSettings(width=settings.width, patch=settings.patch, stem=settings.stem)
        self.patches = GridPatches(frame_inputs(inputs, settings.tubelet), patches)
        self.register_buffer("places", self.patches.positions(settings.width), persistent=False)  # (S, D)
        moments = sincos(torch.arange(self.length), settings.width).unsqueeze(1)
        self.register_buffer("moments", moments, persistent=False)  # (T, 1, D)
        self.dropout = Dropout(settings.dropout)
        self.layers = nn.ModuleList(DividedLayer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, batch: Batch) -> Features:
        tokens, _ = self.patches(frames_of(batch, self.tubelet))  # (B * T, S, D)
        tokens = tokens.unflatten(0, (-1, self.length))
        tokens = self.dropout(tokens + (self.places + self.moments))  # (B, T, S, D)
        for layer in self.layers:
            tokens = layer(tokens)
        steps = self.norm(tokens).mean(dim=2)  # (B, T, D)
        return Features(steps.mean(dim=1), steps=steps)


class ClipTransformer(Architecture):
    """Transformer over the patches of all frames."""

    Settings = ClipTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ClipTransformerSettings:
        """At most 36 tokens of two frames together, which halves the tokens and shows them motion (ViViT's tubelets)."""
        side = max(inputs["clip"].shape[2:])
        patch = 2 if side < 16 else 1 << ((side - 1) // 6).bit_length()
        return ClipTransformerSettings(width=64, layers=2, patch=patch, tubelet=2, stem="conv")

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return Recipe(
            learning_rate=2e-3,
            weight_decay=0.05,
            schedule="onecycle",
            warmup=0.2,
            batch_size=64 if num_rows >= 10_000 else 32,
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ClipTransformerTrunk(inputs, settings)
