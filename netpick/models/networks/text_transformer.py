"""The transformer for texts: an encoder over tokens and their places (Vaswani et al. 2017), norms in front.

Small, since it starts from nothing: without pretraining, what it can learn from some thousand texts is little. A convolution in
front tells it which tokens stand side by side, which places alone teach it slowly. `patch` neighbouring tokens can be read as one
step, their mean behind that convolution (as between layers in Dai et al. 2020): of long texts that is a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Activation, Dropout, EncoderLayer, check_heads, masked_max, masked_mean
from netpick.models.networks.patch_transformer import sincos
from netpick.models.networks.stems import group_mask, group_steps
from netpick.models.networks.text_stem import TokenStem, patch_sizes, reads_characters, text_passes, text_recipe
from netpick.models.networks.text_windows import WINDOW, in_windows, long_texts, of_window, window_sizes
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class TextTransformerSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=64, ge=4, multiple_of=4)
    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    expansion: int = Field(default=2, ge=1)  # width of the feed-forward part, in widths
    context: int = Field(default=1, ge=1, le=15)  # neighbouring tokens that a convolution in front looks at; 1: none
    patch: int = Field(default=1, ge=1)  # neighbouring tokens read as one step, their mean
    activation: Activation = "gelu"
    embedding_dropout: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    window: int = Field(default=0, ge=0, le=4096)  # tokens that are read at once of a longer text; 0: all of them
    windows: int = Field(default=0, ge=0, le=4096)  # of each text, half from its start and half from its end; 0: all


class TextTransformerTrunk(Trunk):
    """Texts (B, T) to steps (B, T, D), their mean and their largest values (B, 2 D)."""

    places: Tensor

    def __init__(self, inputs: Inputs, settings: TextTransformerSettings) -> None:
        super().__init__()
        check_heads(settings.width, settings.heads)
        spec = inputs["tokens"]
        self.stem = TokenStem(spec, settings.width, deviation=0.5)
        places = sincos(torch.arange(spec.shape[0]), settings.width)
        self.register_buffer("places", 0.5 * places, persistent=False)
        self.context, self.patch = settings.context, settings.patch
        self.first: nn.Module | None = None
        if settings.context > 1:
            self.first = nn.Conv1d(settings.width, settings.width, settings.context)
        self.embedding_dropout = Dropout(settings.embedding_dropout)
        hidden = settings.expansion * settings.width
        self.layers = nn.ModuleList(
            EncoderLayer(settings.width, settings.heads, hidden, settings.dropout, settings.activation)
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.width)
        self.dropout = Dropout(settings.dropout)
        self.step_width, self.width, self.group = settings.width, 2 * settings.width, settings.patch

    def forward(self, batch: Batch) -> Features:
        vectors, mask = self.stem(batch)
        if self.first is not None:
            around = functional.pad(vectors.transpose(1, 2), ((self.context - 1) // 2, self.context // 2))
            vectors = (vectors + functional.gelu(self.first(around).transpose(1, 2))).masked_fill(
                ~mask.unsqueeze(-1), 0.0
            )
        if self.patch > 1:
            inside = group_mask(mask, self.patch)
            counts = inside.sum(dim=2, keepdim=True).clamp(min=1)
            vectors, mask = group_steps(vectors, self.patch).sum(dim=2) / counts, inside.any(dim=2)
        steps = self.embedding_dropout(vectors + self.places[: vectors.shape[1]])
        for layer in self.layers:
            steps = layer(steps, mask)
        steps = self.norm(steps)
        pooled = torch.cat([masked_mean(steps, mask), masked_max(steps, mask)], dim=1)
        return Features(self.dropout(pooled), steps=steps, mask=mask)


class TextTransformer(Architecture):
    """Transformer encoder over texts."""

    Settings = TextTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextTransformerSettings:
        window = WINDOW if long_texts(inputs) else 0
        if reads_characters(inputs):
            return TextTransformerSettings(width=64, layers=2, context=4, dropout=0.1, window=window)
        layers = 1 if num_rows < 20_000 else 2
        return TextTransformerSettings(
            width=64, layers=layers, context=3, embedding_dropout=0.2, dropout=0.2, window=window
        )

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Neighbouring tokens as one step: attention over a quarter of the steps costs a sixteenth."""
        passes = text_passes(self.recipe(inputs, num_rows, num_outputs), num_rows)
        preset = self.presets(inputs, num_rows, num_outputs)
        made = [Size(settings=preset, passes=passes), *window_sizes(preset, passes, inputs)]
        preset, said = made[-1].settings, f"{made[-1].remark}, and " if made[-1].remark else ""
        for patch in patch_sizes(preset.patch, preset.window or inputs["tokens"].shape[0]):
            remark = f"{said}reads {patch} tokens as one step"
            made.append(Size(settings=replace(preset, patch=patch), passes=passes, remark=remark))
        return made

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        rate = 3e-3 if reads_characters(inputs) else 1e-3
        return text_recipe(inputs, num_rows, rate)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return in_windows(TextTransformerTrunk(of_window(inputs, settings), settings), inputs, settings)
