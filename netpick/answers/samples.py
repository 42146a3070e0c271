"""Rows that are made up: what a test row says of the rows that a generator made.

A generator answers no question about a row. It is scored through the rows that it makes: boosted trees are fitted to them, and asked about real
test rows; other trees try to tell both apart; distances tell how much of the real rows the made ones cover. Each of these is a number a test row,
so that scores have intervals, and two generators are compared in pairs (see models/likeness.py, which computes them).

While a network learns it answers one number a row: its loss, which only its own validation rows are compared by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import FACTS, AnsweredSamples
from netpick.answers.base import Answer, Read, TensorSpec
from netpick.answers.metrics.samples import UsefulAuc, UsefulR2
from netpick.errors import RequestError
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

MORE_COPIES = 1e-3  # share of the made rows that may be copies beyond those among held-out rows
SURELY = 2.0  # standard errors


class Samples(Answer[AnsweredSamples]):
    """Rows like those that were learned from."""

    name: ClassVar[str] = "samples"
    typed = AnsweredSamples
    made_up = True
    shown_beside = (
        "told_apart",
        "alike_columns",
        "alike_pairs",
        "covered",
        "density",
        "copies",
        "held_out_copies",
        "near_copies",
        "held_out_near_copies",
        "nearer",
    )
    noun, plural = "made-up row", "made-up rows"
    fallback = "alike_columns"
    whole_tables = False

    def num_outputs(self, state: Any) -> int:
        return 1  # a network's loss

    def shape(self, state: Any) -> tuple[int, ...]:
        """Of what held-out rows say: answers about the target, then the facts."""
        return (int(state.num_useful) + len(FACTS),)

    def labels(self, state: Any) -> tuple[str, ...]:
        return (state.target,)

    def target(self, truth: Array, state: Any) -> Array:
        """Nothing: a row is its own target."""
        return np.zeros(len(truth), dtype=np.float32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {"own": _own}

    def labelled(self, truth: Array) -> Array:
        return ~np.isnan(truth[:, 0])

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float()

    def decode(self, answers: Array, state: Any) -> AnsweredSamples:
        """(n, 1) losses, or (n, K + facts) of what was judged."""
        answers = np.asarray(answers, dtype=np.float64)
        if answers.shape[1] <= len(FACTS):
            return AnsweredSamples(losses=answers[:, 0])
        useful = answers.shape[1] - len(FACTS)
        return AnsweredSamples(useful=answers[:, :useful], facts=answers[:, useful:])

    def primary(self, num_outputs: int, balance: float) -> str:
        return UsefulAuc.name if num_outputs > 1 else UsefulR2.name

    def barred(self, predictions: AnsweredSamples) -> str:
        """Rows that are copies of rows that were learned from, more of them than there are among rows that were not."""
        facts = predictions.facts
        if facts is None or len(facts) == 0:
            return ""
        for kind, words in (("copied", "exact copies"), ("near_copied", "near copies")):
            copied, held = facts[:, FACTS.index(kind)], facts[:, FACTS.index(f"held_{kind}")]
            more = float(copied.mean() - held.mean())
            error = float(np.sqrt((copied.var() + held.var()) / len(facts)))
            if more > MORE_COPIES and more > SURELY * error:
                return f"{copied.mean():.1%} of its rows are {words} of rows that it learned from (of held-out rows {held.mean():.1%} are)"
        return ""

    def columns(
        self, predictions: AnsweredSamples, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        if predictions.facts is None or predictions.useful is None:
            losses = predictions.losses if predictions.losses is not None else np.zeros(0)
            return {f"{prefix}loss": pl.Series(f"{prefix}loss", losses)}
        parts = {f"useful_{k}": predictions.useful[:, k] for k in range(predictions.useful.shape[1])}
        parts |= {name: predictions.facts[:, k] for k, name in enumerate(FACTS)}
        return {f"{prefix}{name}": pl.Series(f"{prefix}{name}", values) for name, values in parts.items()}

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        return {f"truth_{labels[0]}": pl.Series(f"truth_{labels[0]}", truth[:, 0])}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        return None

    def tensors(self, predictions: AnsweredSamples, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {"loss": np.asarray(predictions.stated, dtype=np.float64).reshape(len(predictions), -1)[:, 0]}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [TensorSpec(name="loss", datatype="FP64", shape=(-1,))]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        raise RequestError(
            "A generator cannot be exported yet: it draws its rows value by value, which no single graph does. Use `netpick generate`."
        )

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (("answers", "the loss of each row, float32 (rows, 1)"),)

    def purpose(self, count: int) -> str:
        return f"make up rows like those that were learned from{'' if count == 1 else f', of {count} tables'}"

    def words(self, predictions: AnsweredSamples, labels: Sequence[str], rule: DecisionRule) -> str:
        return f"made up, and judged by {labels[0]}"

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return f"{labels[0]} {truth[0]:g}"

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        return outputs[..., 0]


SAMPLES = Samples()


def _own(outputs: Tensor, target: Tensor) -> Tensor:
    """(B,): the network says its loss itself."""
    return outputs[:, 0]
