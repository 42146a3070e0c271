"""Networks that write down what is said: what all families share in front of their trunks, and the symbols behind them.

Frames of 10 ms become fewer steps through two convolutions, a family's trunk reads these, and a linear layer says of each step how likely
every symbol is (Hannun et al. 2014). Norms are over all valid steps of a batch: with norms over a row three of four networks never
found the words of a few recordings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.answers.transcripts import BLANK
from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Dropout, linear
from netpick.models.networks.sound_stem import FORM, SpectrogramStem
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

KERNEL = 5  # steps of a convolution
MOMENTUM = 0.2  # of the norms' running means
FEW, SEVERAL = 500, 10_000  # recordings to learn from
BLANK_SHARE = 0.85  # how likely the blank is in a new network


def speech_spec(inputs: Inputs) -> InputSpec:
    """The recording among the inputs."""
    return inputs[FORM]


def strides_of(inputs: Inputs) -> tuple[int, int]:
    """Of the two convolutions in front: together the frames that a network reads as one."""
    stride = speech_spec(inputs).ahead[1]
    return (2, stride // 2) if stride > 1 else (1, 1)


def most_steps(inputs: Inputs) -> int:
    """Steps of the longest recording behind the front."""
    return -(-speech_spec(inputs).shape[0] // speech_spec(inputs).ahead[1])


class StepNorm(nn.BatchNorm1d):
    """Batch norm of (B, C, T) over the valid steps (B, T) of all rows; what lies behind a row's end has no part in it."""

    def __init__(self, width: int) -> None:
        super().__init__(width, momentum=MOMENTUM)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if not self.training or mask is None:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        x, valid = x.float(), mask.unsqueeze(1).float()  # (B, 1, T)
        count = valid.sum().clamp(min=1)
        mean = (x * valid).sum(dim=(0, 2)) / count
        centred = (x - mean.view(1, -1, 1)) * valid
        variance = (centred * centred).sum(dim=(0, 2)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean.float(), MOMENTUM)
            self.running_var.lerp_(variance.float() * count / (count - 1).clamp(min=1), MOMENTUM)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale.view(1, -1, 1) + self.bias.view(1, -1, 1)


class StepConvolution(nn.Module):
    """A convolution over steps (B, C, T), its norm and activation; added to what came in where that has the same shape.

    Its output is zero behind a row's end, so nothing depends on how far a batch is padded.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(
            inputs, outputs, KERNEL, stride, padding=dilation * (KERNEL // 2), dilation=dilation, bias=False
        )
        nn.init.normal_(self.convolution.weight, std=(2 / (KERNEL * inputs)) ** 0.5)
        self.norm = StepNorm(outputs)
        self.dropout = Dropout(dropout)
        self.stride, self.adds = stride, inputs == outputs and stride == 1

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        mask = mask[:, :: self.stride]
        made = self.dropout(functional.relu(self.norm(self.convolution(x), mask)))
        made = x + made if self.adds else made
        return made * mask.unsqueeze(1), mask


class SpeechFront(nn.Module):
    """Frames (B, T, F) to steps (B, C, T') and their mask (B, T')."""

    def __init__(self, inputs: Inputs, width: int, dropout: float) -> None:
        super().__init__()
        spec, (first, second) = speech_spec(inputs), strides_of(inputs)
        self.stem = SpectrogramStem(spec)
        self.first = StepConvolution(spec.shape[1], width, stride=first)
        self.second = StepConvolution(width, width, stride=second, dropout=dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        frames, mask = self.stem(batch)
        valid = mask.unsqueeze(2).to(frames.dtype)
        # Without its own mean of each band a recording says less of voice and microphone (Furui 1981).
        mean = frames.sum(dim=1, keepdim=True) / valid.sum(dim=1, keepdim=True).clamp(min=1)
        own = (frames - mean) * valid
        return self.second(*self.first(own.transpose(1, 2), mask))  # type: ignore[no-any-return]


class SpeechTrunk(Trunk):
    """What a family makes of steps; features are those of steps alone."""

    def __init__(self, inputs: Inputs, width: int, dropout: float) -> None:
        super().__init__()
        self.front = SpeechFront(inputs, width, dropout)
        self.width = self.step_width = width
        self.group = speech_spec(inputs).ahead[1]

    def read(self, steps: Tensor, mask: Tensor) -> Tensor:
        """(B, C, T) of the front and the mask (B, T) to features (B, T, D)."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> Features:
        steps, mask = self.front(batch)
        features = self.read(steps, mask)
        return Features(features[:, 0], steps=features, mask=mask)


class SpeechNetwork(nn.Module):
    """Batches of recordings to log-probabilities (B, T', V) of symbols, 0 throughout behind a row's end.

    A new network says the blank nearly everywhere: the bias starts at its share (Lin et al. 2017 do the same for the background of
    images). Where all symbols are equally likely at first, CTC may take one symbol for the whole of the speech and guess all others
    in the silence before and behind it, which some trainings left late or never.
    """

    def __init__(self, trunk: Trunk, num_symbols: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.symbols = linear(trunk.step_width, num_symbols)
        with torch.no_grad():
            self.symbols.bias[BLANK] = math.log(BLANK_SHARE / (1 - BLANK_SHARE) * max(1, num_symbols - 1))

    def forward(self, batch: Batch) -> Tensor:
        features: Features = self.trunk(batch)
        assert features.steps is not None
        assert features.mask is not None
        logs: Tensor = self.symbols(features.steps).float().log_softmax(dim=2)
        return logs * features.mask.unsqueeze(2)


class SpeechArchitecture(Architecture):
    """An architecture of what is said: sized by how many recordings there are, and smaller where the time is short."""

    rate: ClassVar[float]  # learning rate of few recordings

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        made = [Size(settings=self.presets(inputs, num_rows, num_outputs), passes=2 * self.fewest_passes)]
        for rows in (SEVERAL - 1, FEW - 1):
            settings = self.presets(inputs, min(rows, num_rows), num_outputs)
            if settings != made[-1].settings:
                made.append(
                    Size(settings=settings, passes=2 * self.fewest_passes, remark="smaller than usual, for the budget")
                )
        return [*made[:-1], replace(made[-1], passes=self.fewest_passes)]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """Small batches for few recordings: a step is cheap, and it takes some hundred of them until words are found."""
        few, several = num_rows < FEW, num_rows < SEVERAL
        return Recipe(
            learning_rate=self.rate * (1.0 if few else 0.6 if several else 0.3),
            weight_decay=0.01,
            schedule="onecycle",
            warmup=0.15,
            batch_size=8 if num_rows < 100 else 16 if few else 32,
            average=0.9,
        )


def sized(num_rows: int, sizes: tuple[int, int, int]) -> int:
    """That of few recordings, of several, or of many."""
    return sizes[0] if num_rows < FEW else sizes[1] if num_rows < SEVERAL else sizes[2]


__all__ = [
    "SpeechArchitecture",
    "SpeechNetwork",
    "SpeechTrunk",
    "StepConvolution",
    "most_steps",
    "sized",
    "speech_spec",
]
