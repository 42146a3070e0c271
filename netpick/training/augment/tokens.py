"""Texts: token_dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from netpick.training.augment.base import AugmentChoice, FormAugmenter
from netpick.types import Form, InputSpec

DROPPED = 0.1  # of the tokens
UNKNOWN = 1
FEW_SYMBOLS = 400  # different tokens; with so few, each of a name's letters matters


class TokenAugmenter(FormAugmenter):
    """Tokens of which some become unknown, so that no single word decides (Iyyer et al. 2015); padding stays padding."""

    form: ClassVar[Form] = "tokens"
    known: ClassVar[tuple[str, ...]] = ("token_dropout",)
    mixes: ClassVar[bool] = False

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        if "token_dropout" not in self.names:
            return values
        dropped = self._uniforms("token_dropout", rows, values.shape[1], epoch) < DROPPED
        return values.masked_fill(dropped & (values > 0), UNKNOWN)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        if spec.cardinalities[0] <= FEW_SYMBOLS:
            return AugmentChoice((), "strings of symbols are read as they are")
        return AugmentChoice(("token_dropout",), "texts: a tenth of the words is hidden, others each time")
