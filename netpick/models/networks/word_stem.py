"""What comes first in networks of words with a tag each: facts about a word and its letters as one vector; and how they are trained.

Each fact has vectors of its own, which are added up; letters are read by a convolution whose strongest answers count (Ma & Hovy 2016,
with ends and shapes as in Collobert et al. 2011). In training words are hidden, rare ones more often than others (Kiperwasser & Goldberg 2016), so that
the network learns to go by the rest: most words of new sentences that matter are new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Dropout, linear, masked_mean
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

UNKNOWN, FIRST = 1, 2
LOWER = 1  # which fact is the word in lower case
WHOLE = 2  # facts that are the word itself: as it is written, and in lower case
LETTER, REACH = 16, 3  # width of a letter's vector, and letters that a filter sees
SMALL = 1_000  # sentences


@dataclass(config=STRICT, kw_only=True)
class WordSettings:
    """What all networks of words with tags have in common."""

    embedding: int = Field(default=64, ge=1)
    letters: int = Field(default=32, ge=0)  # filters over the letters of a word; 0: letters are not read
    hidden_words: float = Field(
        default=0.0, ge=0, le=100
    )  # a: a word that comes c times is hidden a / (a + c) of them in training
    embedding_dropout: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class WordStem(nn.Module):
    """Words (B, T, K + L) to vectors (B, T, D), zero at padding, and the mask (B, T)."""

    def __init__(self, inputs: Inputs, settings: WordSettings) -> None:
        super().__init__()
        spec = inputs["words"]
        self.facts, self.hidden = spec.ahead[1], settings.hidden_words
        sizes, width = spec.cardinalities, settings.embedding
        self.words = max(1, sizes[LOWER] - FIRST)
        self.vectors = nn.ModuleList(_vectors(size, width, self.facts**-0.5) for size in sizes[: self.facts])
        self.letters: nn.Module | None = None
        if settings.letters and len(sizes) > self.facts:
            self.letters = _vectors(sizes[-1], LETTER, 1.0)
            self.filters = nn.Conv1d(LETTER, settings.letters, REACH, padding=REACH // 2)
            self.mixed = linear(settings.letters, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(settings.embedding_dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        words, mask = batch["words"], batch["words.mask"]
        words = words * mask.unsqueeze(2)
        facts = words[..., : self.facts]
        if self.training and self.hidden:
            hidden = torch.rand(mask.shape, device=mask.device) < self._hidden(facts[..., LOWER])
            whole = torch.arange(self.facts, device=mask.device) < WHOLE
            facts = torch.where(hidden.unsqueeze(2) & whole & (facts > 0), UNKNOWN, facts)
        made = torch.zeros((), device=words.device)
        for place, table in enumerate(self.vectors):
            made = made + table(facts[..., place])
        if self.letters is not None:
            made = made + self._letters(words[..., self.facts :])
        made = self.dropout(self.norm(made))
        return made * mask.unsqueeze(2), mask

    def _hidden(self, numbers: Tensor) -> Tensor:
        """How often words are hidden: numbers go by frequency, so that of V words the r-th comes some V / r times (Zipf)."""
        rank = (numbers - FIRST + 1).clamp(min=0) * self.hidden
        return rank / (rank + self.words)

    def _letters(self, letters: Tensor) -> Tensor:
        assert self.letters is not None
        flat = letters.flatten(0, 1)
        seen = self.filters(self.letters(flat).transpose(1, 2))
        seen = seen.masked_fill((flat == 0).unsqueeze(1), -1e4).amax(dim=2).clamp(min=-1.0)
        return self.mixed(seen.tanh()).view(*letters.shape[:2], -1)  # type: ignore[no-any-return]


def _vectors(size: int, width: int, deviation: float) -> nn.Embedding:
    table = nn.Embedding(size, width, padding_idx=0)
    nn.init.normal_(table.weight, std=deviation)
    with torch.no_grad():
        table.weight[0] = 0.0
    return table


class WordTrunk(Trunk):
    """Words to a step each (B, T, D), and their mean."""

    def __init__(self, inputs: Inputs, settings: Any, width: int) -> None:
        super().__init__()
        self.stem = WordStem(inputs, settings)
        self.drop = Dropout(settings.dropout)
        self.width = self.step_width = width

    def read(self, words: Tensor, mask: Tensor) -> Tensor:
        """Vectors of words to steps."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> Features:
        words, mask = self.stem(batch)
        steps = self.drop(self.read(words, mask)) * mask.unsqueeze(2)
        return Features(masked_mean(steps, mask), steps=steps, mask=mask)


class WordArchitecture(Architecture):
    """An architecture of words with a tag each."""

    rate: ClassVar[float]

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """That of the data, and a smaller one where the time does not afford some passes of it."""
        preset = self.presets(inputs, num_rows, num_outputs)
        half = replace(preset, embedding=preset.embedding // 2, letters=preset.letters // 2)
        remark = f"vectors of {half.embedding} for words, and {half.letters} filters over letters"
        return [Size(settings=preset, passes=5.0), Size(settings=half, passes=self.fewest_passes, remark=remark)]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        batch_size = 8 if num_rows < SMALL else 16 if num_rows < 2 * SMALL else 32 if num_rows < 20 * SMALL else 64
        return Recipe(
            learning_rate=self.rate,
            weight_decay=0.05,
            schedule="onecycle",
            warmup=0.1,
            batch_size=batch_size,
            epochs=40 if num_rows < 5 * SMALL else 20,
            average=0.98,
        )
