"""The notes of chords, one voice after another: how likely each was before it came, and what would have been guessed.

Of a block of T chords of V voices a model answers 3 T V numbers: the logarithms of the probabilities of what came, then their ranks, 1 for the
likeliest, both told the voices before, and then the notes that it guesses when it is told none of the chord, each voice behind its own guesses.
All are 0 where there is no note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredNotes
from netpick.answers.base import Answer, Read, TensorSpec
from netpick.answers.metrics.notes import NatsPerNote
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

LEAST_CHANCE = 1e-300


class Notes(Answer[AnsweredNotes]):
    """What comes next in a piece, note by note."""

    name: ClassVar[str] = "notes"
    typed = AnsweredNotes
    sequences = heard = True
    unit, noun, plural = "block", "piece", "pieces"
    fallback = NatsPerNote.name
    whole_tables = False  # they hold what a block costs and how much of it is right, not its single notes

    def num_outputs(self, state: Any) -> int:
        return 3 * state.block * state.voices  # type: ignore[no-any-return]

    def labels(self, state: Any) -> tuple[str, ...]:
        return (state.column,)

    def target(self, truth: Array, state: Any) -> Array:
        """The numbers of the notes (n, T, V); networks read them among their inputs."""
        return np.ascontiguousarray(truth[:, 0], dtype=np.int32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {"cross_entropy": _surprise}

    def labelled(self, truth: Array) -> Array:
        return np.asarray((truth[:, 0] > 0).any(axis=(1, 2)))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float()

    def decode(self, answers: Array, state: Any) -> AnsweredNotes:
        parts = np.asarray(answers, dtype=np.float64).reshape(len(answers), 3, state.block, state.voices)
        logs, ranks, guesses = parts[:, 0], parts[:, 1], parts[:, 2]
        known = bool(ranks.any())
        return AnsweredNotes(
            chances=np.exp(np.minimum(logs, 0.0)), ranks=ranks if known else None, guesses=guesses if known else None
        )

    def restated(self, predictions: AnsweredNotes, like: Array, state: Any) -> Array:
        """Ranks and guesses of an average are nobody's: they stay out."""
        logs = np.log(np.maximum(predictions.chances, LEAST_CHANCE))
        others = [predictions.ranks, predictions.guesses]
        parts = [logs, *(np.zeros_like(logs) if part is None else part for part in others)]
        return np.stack(parts, axis=1).reshape(len(logs), -1)

    def primary(self, num_outputs: int, balance: float) -> str:
        return NatsPerNote.name

    def columns(
        self, predictions: AnsweredNotes, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """`nats` of each block, all its notes together, as float32."""
        return {f"{prefix}nats": pl.Series(f"{prefix}nats", nats(predictions).astype(np.float32))}

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        """How many notes a block has."""
        return {"truth_notes": pl.Series("truth_notes", (truth[:, 1] > 0).sum(axis=(1, 2)))}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        """Blocks whose notes cost the same each: what they cost together is known."""
        counts = table["truth_notes"].to_numpy()
        costs = table[f"{candidate}: nats"].cast(pl.Float64).to_numpy() / np.maximum(counts, 1)
        known = (np.arange(max(1, int(counts.max(initial=1)))) < counts[:, None])[:, :, None]
        truth = np.repeat(known[:, None], 2, axis=1).astype(np.int64)
        chances = np.where(known, np.exp(-costs)[:, None, None], 1.0)
        return Read(truth=truth, predictions=AnsweredNotes(chances=chances), decided=None)

    def tensors(self, predictions: AnsweredNotes, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {"nats": nats(predictions)}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [TensorSpec(name="nats", datatype="FP64", shape=(-1,))]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import BlockNats

        return BlockNats(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            (
                "answers",
                "of each note of the block its log-probability, then of each its rank, then the notes that are guessed, float32",
            ),
            ("nats", "of the block, all its notes together (rows)"),
        )

    def purpose(self, count: int) -> str:
        return f"say the next chord of {'a piece of music' if count == 1 else counted(count, 'piece') + ' of music'}"

    def words(self, predictions: AnsweredNotes, labels: Sequence[str], rule: DecisionRule) -> str:
        return f"{nats(predictions)[0]:.1f} nats"

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return counted(int((truth[1] > 0).sum()), "note")

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The mean log-probability of the notes that came."""
        return outputs[..., : outputs.shape[-1] // 3].mean(dim=-1)


NOTES = Notes()


def nats(predictions: AnsweredNotes) -> Array:
    """(n,) of each block: what its notes cost together."""
    return np.asarray(-np.log(np.maximum(predictions.chances, LEAST_CHANCE)).sum(axis=(1, 2)))


def _surprise(outputs: Tensor, target: Tensor) -> Tensor:
    """The mean of -log p over the notes of a row: where there is one, its second number is above 0."""
    logs, found, _ = outputs.float().chunk(3, dim=1)
    return -logs.sum(dim=1) / (found > 0).sum(dim=1).clamp(min=1)
