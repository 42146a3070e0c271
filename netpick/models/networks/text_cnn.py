"""The CNN for texts: convolutions of several widths side by side, each filter's strongest and mean answer kept.

After Kim (2014). `dilated` layers in front see further than a few words, each twice as far as the one before (Yu & Koltun
2016, Kalchbrenner et al. 2017). Padded places are zero before every convolution and never among the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.errors import RequestError
from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer, masked_max, masked_mean
from netpick.models.networks.text_stem import TokenStem, reads_characters, text_passes, text_recipe
from netpick.models.networks.text_windows import WINDOW, in_windows, long_texts, window_sizes
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class TextCnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    embedding: int = Field(default=64, ge=1)
    width: int = Field(default=64, ge=1)  # filters of each convolution
    shortest: int = Field(default=2, ge=1, le=64)  # tokens that the narrowest convolution sees
    longest: int = Field(default=5, ge=1, le=64)  # the widest; there is one for every width between
    dilated: int = Field(default=0, ge=0, le=10)  # residual layers in front, of width 3, each twice as far apart
    activation: Activation = "relu"
    embedding_dropout: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the pooled features
    pooling: Literal["max", "max+mean"] = "max"  # what is kept of a filter's answers
    window: int = Field(default=0, ge=0, le=4096)  # tokens that are read at once of a longer text; 0: all of them
    windows: int = Field(default=0, ge=0, le=4096)  # of each text, half from its start and half from its end; 0: all


class DilatedLayer(nn.Module):
    """A convolution over (B, D, T) whose three places lie `reach` apart, added to its input."""

    def __init__(self, width: int, reach: int, activation: str) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, 3, padding=reach, dilation=reach)
        self.norm = nn.LayerNorm(width)
        self.activation = activation_layer(activation, dim=1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        normed = self.norm(x.transpose(1, 2)).transpose(1, 2).masked_fill(~mask.unsqueeze(1), 0.0)
        seen: Tensor = self.activation(self.convolution(normed))
        return (x + seen).masked_fill(~mask.unsqueeze(1), 0.0)


class TextCnnTrunk(Trunk):
    """Texts (B, T) to features (B, filters)."""

    def __init__(self, inputs: Inputs, settings: TextCnnSettings) -> None:
        super().__init__()
        if settings.longest < settings.shortest:
            raise RequestError(
                f"The widest convolution sees {settings.longest} tokens, the narrowest {settings.shortest}, but the widest "
                f"must see at least as many. Write for example cnn[shortest=2,longest={max(settings.shortest, 5)}]."
            )
        self.stem = TokenStem(inputs["tokens"], settings.embedding, dropout=settings.embedding_dropout)
        self.dilated = nn.ModuleList(
            DilatedLayer(settings.embedding, 1 << layer, settings.activation) for layer in range(settings.dilated)
        )
        self.widths = list(range(settings.shortest, settings.longest + 1))
        self.convolutions = nn.ModuleList(nn.Conv1d(settings.embedding, settings.width, width) for width in self.widths)
        self.activation = activation_layer(settings.activation, dim=1)
        self.dropout = Dropout(settings.dropout)
        self.with_mean = settings.pooling == "max+mean"
        self.step_width = settings.embedding
        self.width = (2 if self.with_mean else 1) * settings.width * len(self.widths)

    def forward(self, batch: Batch) -> Features:
        vectors, mask = self.stem(batch)
        x = vectors.masked_fill(~mask.unsqueeze(-1), 0.0).transpose(1, 2)  # (B, D, T)
        for layer in self.dilated:
            x = layer(x, mask)
        strongest, usual = [], []
        for width, convolution in zip(self.widths, self.convolutions, strict=True):
            # Zeros on both sides, so that every token stands once at every place of the filter's middle.
            seen = convolution(functional.pad(x, ((width - 1) // 2, width // 2)))
            answers = self.activation(seen).transpose(1, 2)
            strongest.append(masked_max(answers, mask))
            if self.with_mean:
                usual.append(masked_mean(answers, mask))
        pooled = torch.cat(strongest, dim=1)
        if usual:
            # A mean over a long text is small and hardly differs from text to text; one of unit size is learned from at once.
            means = torch.cat(usual, dim=1)
            pooled = torch.cat([pooled, functional.layer_norm(means, means.shape[1:])], dim=1)
        return Features(self.dropout(pooled), steps=x.transpose(1, 2), mask=mask)


class TextCnn(Architecture):
    """Parallel convolutions over texts."""

    Settings = TextCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextCnnSettings:
        window = WINDOW if long_texts(inputs) else 0
        if reads_characters(inputs):
            return TextCnnSettings(
                embedding=32, width=96, shortest=2, longest=5, dropout=0.3, pooling="max+mean", window=window
            )
        return TextCnnSettings(
            embedding=64,
            width=64,
            shortest=1,
            longest=4,
            embedding_dropout=0.3,
            dropout=0.5,
            pooling="max+mean",
            window=window,
        )

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Fewer filters, and no wide ones: an eighth of the operations of the preset for words."""
        passes = text_passes(self.recipe(inputs, num_rows, num_outputs), num_rows)
        preset = self.presets(inputs, num_rows, num_outputs)
        fewer = window_sizes(preset, passes, inputs)
        preset = preset if not fewer else fewer[-1].settings
        said = f"{fewer[-1].remark}, and " if fewer else ""
        half = replace(preset, width=preset.width // 2)
        least = replace(half, longest=preset.longest - 1, embedding=preset.embedding // 2)
        return [
            Size(settings=self.presets(inputs, num_rows, num_outputs), passes=passes),
            *fewer,
            Size(
                settings=half, passes=passes, remark=f"{said}has {half.width} filters of each width, not {preset.width}"
            ),
            Size(
                settings=least,
                passes=passes,
                remark=f"{said}has {least.width} filters of each width up to {least.longest}, and vectors of {least.embedding}",
            ),
        ]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        rate = 5e-3 if reads_characters(inputs) else 1e-3
        return text_recipe(inputs, num_rows, rate, warmup=0.1)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return in_windows(TextCnnTrunk(inputs, settings), inputs, settings)
