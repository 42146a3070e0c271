"""The symbols of a text, one after another: how likely each was made before it came, and how many were held likelier.

Nothing is kept of the thousands of probabilities that a step has but these two numbers: of a block of T symbols a model answers
2 T, the logarithms of the probabilities of what came, then their ranks, 1 for the likeliest; both are 0 where there is no
symbol. So two models are averaged as they should be: the probability of what came is the average of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredSymbols
from netpick.answers.base import Answer, Read, TensorSpec
from netpick.answers.metrics.symbols import BitsPerCharacter, Perplexity
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

FEW_SYMBOLS = 2_100  # different ones; so few are characters, and texts of characters are compared by their bits
LEAST_CHANCE = 1e-300
FEWEST_STRETCHES, MOST_STRETCHES = 20, 40  # of a part, for intervals


class Symbols(Answer[AnsweredSymbols]):
    """What comes next, symbol by symbol."""

    name: ClassVar[str] = "symbols"
    typed = AnsweredSymbols
    sequences = True
    unit, noun, plural = "block", "text", "texts"
    fallback = Perplexity.name
    whole_tables = False  # they hold the bits of a block, and not those of its symbols

    def num_outputs(self, state: Any) -> int:
        return 2 * state.block  # type: ignore[no-any-return]

    def labels(self, state: Any) -> tuple[str, ...]:
        return (state.column,)

    def target(self, truth: Array, state: Any) -> Array:
        """The numbers of the symbols; networks read them among their inputs."""
        return np.ascontiguousarray(truth[:, 0], dtype=np.int32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {"cross_entropy": _surprise}

    def labelled(self, truth: Array) -> Array:
        return np.asarray((truth[:, 0] > 0).any(axis=1))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float()

    def decode(self, answers: Array, state: Any) -> AnsweredSymbols:
        logs, ranks = np.split(np.asarray(answers, dtype=np.float64), 2, axis=1)
        chances = np.exp(np.minimum(logs, 0.0))
        return AnsweredSymbols(chances=chances, ranks=ranks if ranks.any() else None)

    def restated(self, predictions: AnsweredSymbols, like: Array, state: Any) -> Array:
        """Ranks of an average are nobody's: they stay out."""
        logs = np.log(np.maximum(predictions.chances, LEAST_CHANCE))
        ranks = np.zeros_like(logs) if predictions.ranks is None else predictions.ranks
        return np.concatenate([logs, ranks], axis=1)

    def primary(self, num_outputs: int, balance: float) -> str:
        return BitsPerCharacter.name if num_outputs <= FEW_SYMBOLS else Perplexity.name

    def columns(
        self, predictions: AnsweredSymbols, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """`bits` of each block, all its symbols together, as float32."""
        return {f"{prefix}bits": pl.Series(f"{prefix}bits", bits(predictions).astype(np.float32))}

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        """How many symbols a block has, and characters; none where the text hides words."""
        characters = truth[:, 1].sum(axis=1, dtype=np.int64)
        spelled = pl.Series("truth_characters", characters).set(pl.Series((truth[:, 1] < 0).any(axis=1)), None)
        return {
            "truth_symbols": pl.Series("truth_symbols", (truth[:, 0] > 0).sum(axis=1)),
            "truth_characters": spelled,
        }

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        """Blocks whose symbols cost the same each: what they cost together is known, and all that perplexities need."""
        counts = table["truth_symbols"].to_numpy()
        costs = table[f"{candidate}: bits"].cast(pl.Float64).to_numpy() * math.log(2) / np.maximum(counts, 1)
        known = np.arange(max(1, int(counts.max(initial=1)))) < counts[:, None]
        truth = np.zeros((len(table), 2, known.shape[1]), dtype=np.int64)
        truth[:, 0] = known
        truth[:, 1, 0] = table["truth_characters"].fill_null(-1).to_numpy()
        chances = np.where(known, np.exp(-costs)[:, None], 1.0)
        predictions = AnsweredSymbols(chances=chances)
        return Read(truth=truth, predictions=predictions, decided=None, groups=stretches(len(table)))

    def tensors(self, predictions: AnsweredSymbols, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {"bits": bits(predictions)}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [TensorSpec(name="bits", datatype="FP64", shape=(-1,))]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import BlockBits

        return BlockBits(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            ("answers", "of each symbol of the block its log-probability, then of each its rank, float32"),
            ("bits", "of the block, all its symbols together (rows)"),
        )

    def purpose(self, count: int) -> str:
        return f"say the next symbol of {'a text' if count == 1 else counted(count, 'text')}"

    def words(self, predictions: AnsweredSymbols, labels: Sequence[str], rule: DecisionRule) -> str:
        return f"{bits(predictions)[0]:.1f} bits"

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return counted(int((truth[0] > 0).sum()), "symbol")

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The mean log-probability of the symbols that came."""
        return outputs[..., : outputs.shape[-1] // 2].mean(dim=-1)


SYMBOLS = Symbols()


def bits(predictions: AnsweredSymbols) -> Array:
    """(n,) of each block: what its symbols cost together."""
    logs = np.log(np.maximum(predictions.chances, LEAST_CHANCE))
    return np.asarray(-logs.sum(axis=1) / math.log(2))


def stretches(rows: int) -> Array:
    """(n,) stretch of each of so many blocks that follow each other: neighbours are hard together, and drawn together."""
    count = min(rows, MOST_STRETCHES if rows >= 4 * MOST_STRETCHES else FEWEST_STRETCHES)
    return np.arange(rows) * count // max(1, rows)


def _surprise(outputs: Tensor, target: Tensor) -> Tensor:
    """The mean of -log p over the symbols of a row: where there is one, its second number is above 0."""
    logs, found = outputs.float().chunk(2, dim=1)
    return -logs.sum(dim=1) / (found > 0).sum(dim=1).clamp(min=1)
