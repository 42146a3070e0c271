"""What comes first in networks for texts and strings of symbols: a learned vector for each token."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netpick.models.base import Batch
from netpick.models.blocks import Dropout
from netpick.types import Inputs, InputSpec

FEW_SYMBOLS = 400  # tokens; so few are characters, which say little one by one


def reads_characters(inputs: Inputs) -> bool:
    """Whether the tokens are characters rather than words or pieces of words: there are few different ones."""
    return inputs["tokens"].cardinalities[0] <= FEW_SYMBOLS


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
