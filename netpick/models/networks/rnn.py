"""The RNN for series and texts, and for images whose rows are read as steps: simple, LSTM and GRU cells, one or both ways.

Simple and GRU cells, and LSTMs with recurrent dropout, are computed as `recurrence` says. An LSTM without it runs in torch's own
kernel, which is the fastest of all in bfloat16: 128 texts of 256 words, both ways, take a third of what they took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import FEWEST_PASSES, Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Dropout, last_valid, linear, masked_max, masked_mean, reverse_valid
from netpick.models.networks.buffers import Memory
from netpick.models.networks.recurrence import CELLS, Asked, Recurrence
from netpick.models.networks.stems import GridStem, SeriesStem, group_mask, group_steps
from netpick.models.networks.text_stem import (
    MOST_PASSES,
    TokenStem,
    patch_sizes,
    reads_characters,
    text_passes,
    text_recipe,
)
from netpick.models.networks.text_windows import WINDOW, in_windows, long_texts, window_sizes
from netpick.types import STRICT, Form, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class RnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    cell: Literal["simple", "lstm", "gru"] = "gru"
    layers: int = Field(default=1, ge=1, le=1000)
    width: int = Field(default=64, ge=1)  # of each direction
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "mean_max", "ends", "attention"] = "mean_max"  # ends: last and mean_max
    patch: int = Field(default=1, ge=1)  # neighbouring steps (or image rows) read as one
    dropout: float = Field(default=0.0, ge=0, lt=1)  # between layers, and of the pooled features
    recurrent_dropout: float = Field(default=0.0, ge=0, lt=1)  # see RecurrentLayer


@dataclass(config=STRICT, kw_only=True)
class TextRnnSettings(RnnSettings):
    """The same, for texts: tokens become learned vectors first."""

    embedding: int = Field(default=64, ge=1)
    embedding_dropout: float = Field(default=0.0, ge=0, lt=1)
    window: int = Field(default=0, ge=0, le=4096)  # tokens that are read at once of a longer text; 0: all of them
    windows: int = Field(default=0, ge=0, le=4096)  # of each text, half from its start and half from its end; 0: all


STEP_NOUNS = {"tokens": "tokens", "grid": "rows of pixels", "series": "steps"}
FEW_STEPS = 500  # of training on series and images, from which on the network can be judged
GATES = {"simple": 1, "gru": 3, "lstm": 4}


class RecurrentLayer(nn.Module):
    """One layer of a recurrent network in one or both directions.

    GRU as in cuDNN (the reset gate applies after the product), LSTM with a forget bias of 1 (Jozefowicz et al. 2015),
    recurrent weights orthogonal (Saxe et al. 2014). Recurrent dropout is variational: one mask per row and direction for
    all steps, on the state that enters the product (Gal & Ghahramani 2016).
    """

    def __init__(self, inputs: int, settings: RnnSettings) -> None:
        super().__init__()
        self.cell, self.hidden = settings.cell, settings.width
        self.directions = 2 if settings.bidirectional else 1
        self.recurrent_dropout = settings.recurrent_dropout
        self.spelled_out = settings.cell != "lstm" or settings.recurrent_dropout > 0
        self.memory = Memory()
        gates, hidden = GATES[settings.cell], settings.width
        if not self.spelled_out:
            self.kernels = nn.ModuleList(_lstm(inputs, hidden) for _ in range(self.directions))
            return
        self.input_weight = nn.Parameter(torch.randn(self.directions, inputs, gates * hidden) / inputs**0.5)
        recurrent = [
            [nn.init.orthogonal_(torch.empty(hidden, hidden)) for _ in range(gates)] for _ in range(self.directions)
        ]
        self.recurrent_weight = nn.Parameter(torch.stack([torch.cat(blocks, dim=1) for blocks in recurrent]))
        self.bias = nn.Parameter(torch.zeros(self.directions, 1, gates * hidden))
        if settings.cell == "lstm":
            self.bias.data[..., hidden : 2 * hidden] = 1.0  # gates in the order input, forget, output, candidate
        if settings.cell == "gru":
            self.candidate_bias = nn.Parameter(torch.zeros(self.directions, 1, hidden))

    def forward(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, C) to (B, T, directions * width); what comes out at invalid steps means nothing."""
        length = steps.shape[1]
        if steps.device.type == "meta":  # shapes alone
            return steps.new_empty((*steps.shape[:2], GATES[self.cell] * self.directions * self.hidden))[
                ..., : self.directions * self.hidden
            ]
        if mask is not None and steps.device.type == "cpu":
            # Valid steps come first, so what lies behind the longest row is no row's.
            longest = max(1, int(mask.any(dim=0).sum()))
            steps, mask = steps[:, :longest], mask[:, :longest]
        if self.spelled_out:
            both = self._run(steps, mask)
        else:
            both = [kernel(_turned(steps, mask, number))[0] for number, kernel in enumerate(self.kernels)]
        # The padding comes last in both directions, so no valid step ever sees it.
        made = both[0] if self.directions == 1 else torch.cat([both[0], _turned(both[1], mask, 1)], dim=-1)
        return functional.pad(made, (0, 0, 0, length - made.shape[1])) if made.shape[1] < length else made

    def _run(self, steps: Tensor, mask: Tensor | None) -> list[Tensor]:
        """States (B, T, width) of each direction, in the order in which it reads."""
        device = steps.device.type
        steps = steps.float() if steps.dtype in (torch.bfloat16, torch.float16) else steps
        precision = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else steps.dtype
        with torch.autocast(device, enabled=False):
            read = torch.stack([_turned(steps, mask, number) for number in range(self.directions)])
            weights, apart = self._weights()
            kept = None
            if self.training and self.recurrent_dropout > 0:
                ones = read.new_ones((self.directions, len(steps), self.hidden))
                kept = functional.dropout(ones, self.recurrent_dropout)
            asked = Asked(cell=CELLS[self.cell], memory=self.memory, precision=precision, keeps=torch.is_grad_enabled())
            made = Recurrence.apply(read, weights, apart, kept, asked)  # type: ignore[no-untyped-call]
        return list(made.unbind(0))

    def _weights(self) -> tuple[Tensor, Tensor | None]:
        """As `Recurrence` reads them: states, inputs and bias one above the other, those of a GRU's inputs apart."""
        hidden = self.hidden
        above = torch.cat([self.input_weight, self.bias], dim=1)
        if self.cell == "gru":
            gates = functional.pad(self.recurrent_weight, (0, 0, 0, 1))[..., : 2 * hidden]
            candidate = torch.cat([self.recurrent_weight[..., 2 * hidden :], self.candidate_bias], dim=1)
            return _scaled(torch.cat([candidate, gates], dim=2), (2, 1, 1)), _scaled(above, (1, 1, 2))
        whole = torch.cat([self.recurrent_weight, above], dim=1)
        if self.cell == "simple":
            return _scaled(whole, (2,)), None
        enter, forget, leave, candidate = whole.chunk(4, dim=2)
        return _scaled(torch.cat([enter, forget, candidate, leave], dim=2), (1, 1, 2, 1)), None


def _turned(steps: Tensor, mask: Tensor | None, direction: int) -> Tensor:
    return reverse_valid(steps, mask) if direction == 1 else steps


def _scaled(weights: Tensor, factors: tuple[int, ...]) -> Tensor:
    """Columns of a tanh are doubled: a sigmoid stands for it."""
    width = weights.shape[-1] // len(factors)
    return weights * weights.new_tensor(factors).repeat_interleave(width)


def _lstm(inputs: int, hidden: int) -> nn.LSTM:
    """One direction of torch's LSTM, initialised as the spelled-out one is; its gates are input, forget, cell, output."""
    layer = nn.LSTM(inputs, hidden, batch_first=True)
    weights = dict(layer.named_parameters())
    nn.init.normal_(weights["weight_ih_l0"], std=inputs**-0.5)
    for block in weights["weight_hh_l0"].data.chunk(4):
        nn.init.orthogonal_(block)
    for name in ("bias_ih_l0", "bias_hh_l0"):
        nn.init.zeros_(weights[name])
    weights["bias_ih_l0"].data[hidden : 2 * hidden] = 1.0
    return layer


class AttentionPooling(nn.Module):
    """A learned weighted mean over the valid steps (Bahdanau et al. 2015, with a single learned query)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = linear(width, width, "tanh")
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        scores = self.score(self.hidden(steps).tanh()).squeeze(-1).float()  # (B, T)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        return torch.einsum("bt,btd->bd", scores.softmax(dim=1).to(steps.dtype), steps)


class RnnTrunk(Trunk):
    """Series (B, T, C), texts (B, T), or images whose rows are steps, to steps (B, T', D) and their pooled features."""

    def __init__(self, inputs: Inputs, settings: RnnSettings) -> None:
        super().__init__()
        self.read, values = _opening(inputs, settings)
        self.patch, self.pooling, self.hidden = settings.patch, settings.pooling, settings.width
        self.bidirectional = settings.bidirectional
        width = settings.width * (2 if settings.bidirectional else 1)
        layer_inputs = [values * settings.patch] + [width] * (settings.layers - 1)
        self.layers = nn.ModuleList(RecurrentLayer(layer, settings) for layer in layer_inputs)
        self.dropout = Dropout(settings.dropout)
        self.attention = AttentionPooling(width) if settings.pooling == "attention" else None
        self.group, self.step_width = settings.patch, 0 if isinstance(self.read, GridStem) else width
        self.width = width * {"mean_max": 2, "ends": 3}.get(settings.pooling, 1)

    def forward(self, batch: Batch) -> Features:
        steps, mask = self._steps(batch)
        for index, layer in enumerate(self.layers):
            steps = layer(steps if index == 0 else self.dropout(steps), mask)
        return Features(self.dropout(self._pool(steps, mask)), steps=steps, mask=mask)

    def _steps(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """(B, T', patch * C) and the mask."""
        mask: Tensor | None = None
        if isinstance(self.read, GridStem):
            steps = self.read(batch).transpose(1, 2).flatten(2)  # (B, H, C * W)
        else:
            steps, mask = self.read(batch)
        if self.patch > 1:
            steps = group_steps(steps, self.patch).flatten(2)
            mask = None if mask is None else group_mask(mask, self.patch).any(dim=2)
        return steps, mask

    def _pool(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        if self.attention is not None:
            return self.attention(steps, mask)  # type: ignore[no-any-return]
        if self.pooling == "mean":
            return masked_mean(steps, mask)
        if self.pooling == "max":
            return masked_max(steps, mask)
        if self.pooling == "mean_max":
            return torch.cat([masked_mean(steps, mask), masked_max(steps, mask)], dim=1)
        forward = last_valid(steps[..., : self.hidden], mask)
        # The backward direction ends at the first step.
        ends = torch.cat([forward, steps[:, 0, self.hidden :]], dim=1) if self.bidirectional else forward
        return (
            ends if self.pooling == "last" else torch.cat([ends, masked_mean(steps, mask), masked_max(steps, mask)], 1)
        )


def _opening(inputs: Inputs, settings: RnnSettings) -> tuple[GridStem | SeriesStem | TokenStem, int]:
    """What makes steps of the input, and how many numbers a step holds."""
    if "grid" in inputs:
        channels, _, width = inputs["grid"].shape
        return GridStem(inputs["grid"]), channels * width
    if "tokens" in inputs:
        assert isinstance(settings, TextRnnSettings)
        stem = TokenStem(inputs["tokens"], settings.embedding, dropout=settings.embedding_dropout)
        return stem, settings.embedding
    return SeriesStem(inputs["series"]), inputs["series"].shape[1]


class Rnn(Architecture):
    """Recurrent network of images, series or texts; one class for each form, at the end."""

    Settings: ClassVar[type[RnnSettings]] = RnnSettings
    form: ClassVar[Form]

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> RnnSettings:
        """At most 16 steps of an image, some 50 of a series; MNIST on 2 cores: 98.9 % in 11 s, 98.6 % row by row."""
        if "tokens" in inputs:
            plain = TextRnnSettings(cell="lstm", width=64, embedding=32, embedding_dropout=0.5, dropout=0.5)
            if reads_characters(inputs):
                plain = TextRnnSettings(width=128, embedding=32, embedding_dropout=0.1, dropout=0.2)
            return replace(plain, window=WINDOW, pooling="ends") if long_texts(inputs) else plain
        if "grid" in inputs:
            patch = -(-inputs["grid"].shape[1] // 16)
            return RnnSettings(width=128, patch=patch, dropout=0.1)
        patch = max(1, inputs["series"].shape[0] // 50)
        return RnnSettings(width=64, layers=1, patch=patch, dropout=0.2)

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Neighbouring steps as one: a recurrence costs as much as it has steps."""
        recipe = self.recipe(inputs, num_rows, num_outputs)
        length, noun = inputs[self.form].shape[1 if self.form == "grid" else 0], STEP_NOUNS[self.form]
        passes = text_passes(recipe, num_rows)
        if self.form != "tokens":
            passes = max(FEWEST_PASSES, min(MOST_PASSES, FEW_STEPS * recipe.batch_size / num_rows))
        preset = self.presets(inputs, num_rows, num_outputs)
        made = [Size(settings=preset, passes=passes)]
        if isinstance(preset, TextRnnSettings) and preset.window:
            made += window_sizes(preset, passes, inputs)
            preset, length = made[-1].settings, preset.window
        said = f"{made[-1].remark}, and " if made[-1].remark else ""
        for patch in patch_sizes(preset.patch, length):
            remark = f"{said}reads {patch} {noun} as one step"
            made.append(Size(settings=replace(preset, patch=patch), passes=passes, remark=remark))
        return made

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        if "tokens" in inputs:
            return _text_recipe(inputs, num_rows)
        grid = "grid" in inputs
        return Recipe(
            learning_rate=4e-3,
            weight_decay=0.02,
            schedule="onecycle",
            warmup=0.2,
            batch_size=(128 if num_rows >= 20_000 else 64) if grid else (16 if num_rows < 200 else 32),
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        trunk = RnnTrunk(inputs, settings)
        return in_windows(trunk, inputs, settings) if isinstance(settings, TextRnnSettings) else trunk


class SeriesRnn(Rnn):
    """Recurrent network of series."""

    form = "series"


class GridRnn(Rnn):
    """Recurrent network of images, row by row."""

    form = "grid"


class TokensRnn(Rnn):
    """Recurrent network of texts."""

    Settings = TextRnnSettings
    form = "tokens"


def _text_recipe(inputs: Inputs, num_rows: int) -> Recipe:
    """Steps cost nearly the same for twice the rows, so there are twice as many as for other networks on words."""
    if reads_characters(inputs):
        return text_recipe(inputs, num_rows, 1e-2)
    return text_recipe(inputs, num_rows, 1.5e-3, factor=2)
