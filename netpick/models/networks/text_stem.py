"""What comes first in networks for texts and strings of symbols, a learned vector for each token; and how they are trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netpick.models.networks.base import FEWEST_PASSES, Batch
from netpick.models.networks.blocks import Dropout
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

ENOUGH_STEPS = 1_000  # of training, from which on a network for texts can be judged
MOST_PASSES = 15.0  # that a size may ask for
FEW_SYMBOLS = 400  # tokens; so few are characters, which say little one by one


def reads_characters(inputs: Inputs) -> bool:
    """Whether the tokens are characters rather than words or pieces of words: there are few different ones."""
    return inputs["tokens"].cardinalities[0] <= FEW_SYMBOLS


def text_passes(recipe: Recipe, num_rows: int) -> float:
    """Passes that a size of a network for texts must afford: as many as make ENOUGH_STEPS, within what its recipe takes at most."""
    return max(
        FEWEST_PASSES, min(MOST_PASSES, recipe.epochs or MOST_PASSES, ENOUGH_STEPS * recipe.batch_size / num_rows)
    )


def patch_sizes(patch: int, length: int) -> list[int]:
    """Numbers of neighbouring steps read as one for smaller sizes: twice and four times as many, while eight steps are left."""
    return [patch * factor for factor in (2, 4) if patch * factor * 8 <= length]


class TokenStem(nn.Module):
    """Tokens (B, T) int64 to vectors (B, T, D), zero at padding, and the mask (B, T)."""

    def __init__(self, spec: InputSpec, width: int, *, deviation: float = 0.1, dropout: float = 0.0) -> None:
        super().__init__()
        self.vectors = nn.Embedding(spec.cardinalities[0], width, padding_idx=0)
        # Small, so that words that come once or twice in training say next to nothing of their own.
        nn.init.normal_(self.vectors.weight, std=deviation)
        with torch.no_grad():
            self.vectors.weight[0] = 0.0
        self.dropout = Dropout(dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        mask = batch["tokens.mask"]
        return self.dropout(self.vectors(batch["tokens"].masked_fill(~mask, 0))), mask


def text_recipe(
    inputs: Inputs,
    num_rows: int,
    learning_rate: float,
    *,
    warmup: float = 0.2,
    factor: int = 1,
    epochs: int | None = None,
) -> Recipe:
    """How all networks for texts are trained; `epochs` in place of what `_epochs` says, `factor` times as many
    rows a step."""
    batch_size = factor * _batch_size(inputs, num_rows)
    return Recipe(
        learning_rate=learning_rate,
        weight_decay=0.05,
        schedule="onecycle",
        warmup=warmup,
        batch_size=batch_size,
        epochs=_epochs(inputs, num_rows, batch_size) if epochs is None else epochs,
        label_smoothing=0.05,
        average=0.98,
    )


def _batch_size(inputs: Inputs, num_rows: int) -> int:
    """Rows a step for networks on texts: few as long as rows are few; strings of symbols are short, so more of them."""
    rows = 16 if num_rows < 500 else 32 if num_rows < 5_000 else 64 if num_rows < 50_000 else 128
    return 2 * rows if reads_characters(inputs) else rows


def _epochs(inputs: Inputs, num_rows: int, batch_size: int) -> int:
    """Passes over the texts at most: some 15 of words, since more are learned by heart (sst2: 82 % after 15, 79 % after 100);
    letters take more, and few texts as many as make 1,200 steps.
    """
    few = round(1_200 * batch_size / num_rows)
    return max(40 if reads_characters(inputs) else 15, min(few, 100))
