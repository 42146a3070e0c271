"""A text for a text: a translation, a date in another spelling, a word spelt right.

Of a target that is known a network says what its symbols cost (what is trained); what it answers are the symbols of a text that it
generates from the source alone (what is scored).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netpick.answers.answered import AnsweredTranslations, codes_of, texts_of
from netpick.answers.metrics.texts import ExactMatch
from netpick.answers.metrics.translation import Bleu
from netpick.answers.texts import Texts
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

SUMS = 3  # numbers of an output that go before the symbols: see models/networks/pair_network.py


class Translations(Texts):
    """Outputs (B, 3 + L): -log p of the known target, the same were all symbols equally likely, their number; then the generated symbols."""

    name: ClassVar[str] = "translation"
    typed = AnsweredTranslations
    stepwise = True
    fallback = ExactMatch.name

    def num_outputs(self, state: Any) -> int:
        return SUMS

    def target(self, truth: Array, state: Any) -> Array:
        """Nothing: networks read the target among their inputs, symbol by symbol."""
        return np.zeros(len(truth), dtype=np.int32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        smoothing = recipe.label_smoothing

        def cross_entropy(outputs: Tensor, target: Tensor) -> Tensor:
            costs, even, counts = outputs[:, :SUMS].float().unbind(dim=1)
            return ((1 - smoothing) * costs + smoothing * even) / counts.clamp(min=1.0)

        return {"cross_entropy": cross_entropy}

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs[:, SUMS:].float()

    def decode(self, answers: Array, state: Any) -> AnsweredTranslations:
        rows = np.asarray(answers).astype(np.int64).tolist()
        return AnsweredTranslations(codes=codes_of([state.spelled(row) for row in rows]))

    def standardised(self, answers: Array, state: Any) -> Array:
        """Texts as code points (n, L) in the symbols that a network would have generated."""
        rows = [state.numbers_of(text) for text in texts_of(answers)]
        symbols = np.zeros((len(rows), max([1, *map(len, rows)])))
        for row, numbers in zip(symbols, rows, strict=True):
            row[: len(numbers)] = numbers
        return symbols

    def primary(self, num_outputs: int, balance: float) -> str:
        return Bleu.name

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        raise NotImplementedError("asked for by whoever did not ask whether it is stepwise")

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (("memory.0, memory.1, ...", "what is kept of the sources: see below"),)

    def purpose(self, count: int) -> str:
        return "generate a text from a text" if count == 1 else f"generate {count:,} texts from a text"


TRANSLATIONS = Translations()
