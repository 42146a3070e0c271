"""One of two or more classes for a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredClasses, Floats
from netpick.answers.base import PLAIN, Read, TensorSpec, class_names, numbers_of, objects
from netpick.answers.calibration import Calibration, calibrate_classes
from netpick.answers.chances import (
    Chances,
    confident,
    probabilities_spec,
    probability_columns,
)
from netpick.answers.losses import cross_entropy, one_against_rest
from netpick.answers.metrics.classes import BalancedAccuracy
from netpick.answers.metrics.means import Accuracy
from netpick.answers.metrics.ranks import Auc
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

# Of an even share; when the rarest class has less, accuracy flatters whoever always says the common class.
EVEN_BINARY, EVEN_CLASSES = 0.7, 0.3


CELL_TYPES = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean"}  # in JSON schemas


class OneClass(Chances[AnsweredClasses]):
    """Exactly one class a row: probabilities that sum to 1, and a decision by a threshold, by costs, or for the likeliest."""

    name: ClassVar[str] = "class"
    typed = AnsweredClasses
    one_class = True
    noun, plural = "class", "classes"

    def target(self, truth: Array, state: Any) -> Array:
        return truth.astype(np.int64)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {
            "cross_entropy": cross_entropy(recipe, class_weights),
            "binary_cross_entropy": one_against_rest(recipe),
        }

    def labelled(self, truth: Array) -> Array:
        return truth >= 0

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float().softmax(dim=-1)

    def calibration(self, probabilities: Floats, truth: Array) -> Calibration | None:
        return calibrate_classes(probabilities, truth)

    def corrected(self, calibration: Calibration, probabilities: Floats) -> Floats:
        return calibration.of_classes(probabilities)

    def decide(self, predictions: AnsweredClasses, rule: DecisionRule = PLAIN) -> Array:
        """The class (n,) of each row: of two the second from the threshold on (at exactly one half without one it is the
        first), of more the likeliest, or the one of least expected cost where mistakes have costs."""
        probabilities = predictions.probabilities
        if probabilities.shape[1] == 2:
            threshold = rule.threshold if predictions.thresholds is None else predictions.thresholds
            if threshold is not None:
                return (probabilities[:, 1] >= threshold).astype(np.int64)
        if rule.costs is not None:
            return least_cost(probabilities, np.asarray(rule.costs))
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)

    def primary(self, num_outputs: int, balance: float) -> str:
        """Accuracy of even classes; of uneven ones ROC AUC (two classes) or balanced accuracy."""
        if num_outputs == 2:
            return Accuracy.name if 2 * balance >= EVEN_BINARY else Auc.name
        return Accuracy.name if num_outputs * balance >= EVEN_CLASSES else BalancedAccuracy.name

    def columns(
        self, predictions: AnsweredClasses, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """prediction, and probability_LABEL of every class."""
        key = f"{prefix}prediction"
        decided = pl.Series(key, class_names(self.decide(predictions, rule), labels), dtype=pl.String)
        return {key: decided, **probability_columns(predictions, labels, prefix)}

    def as_cells(self, words: pl.Series, state: Any) -> pl.Series:
        return _typed(words, state.cells)

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        """One column, `truth`."""
        return {"truth": pl.Series("truth", class_names(truth, labels), dtype=pl.String)}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read:
        probabilities = numbers_of(table, [f"{candidate}: probability_{label}" for label in labels])
        return Read(
            truth=_class_numbers(table["truth"], labels),
            predictions=AnsweredClasses(probabilities=probabilities),
            decided=_class_numbers(table[f"{candidate}: prediction"], labels),
        )

    def tensors(self, predictions: AnsweredClasses, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {
            "prediction": objects(class_names(self.decide(predictions, rule), labels)),
            "probabilities": predictions.probabilities,
        }

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [TensorSpec(name="prediction", datatype="BYTES", shape=(-1,)), probabilities_spec(labels)]

    def json_rows(
        self, predictions: AnsweredClasses, labels: Sequence[str], rule: DecisionRule, state: Any
    ) -> list[dict[str, Any]]:
        """See Answer; classes are numbers or truth values where the target's cells were."""
        rows = super().json_rows(predictions, labels, rule, state)
        if state.cells == "text":
            return rows
        return [{**row, "prediction": _cell(row["prediction"], state.cells)} for row in rows]

    def json_schema(self, labels: Sequence[str], state: Any) -> dict[str, Any]:
        return {**super().json_schema(labels, state), "prediction": {"type": CELL_TYPES[state.cells]}}

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import ClassNumber

        return ClassNumber(rule, state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            ("answers", f"probabilities as the network states them, float32 (rows, {count})"),
            ("probabilities", f"calibrated probabilities, float64 (rows, {count})"),
            ("prediction", "the number of the class, int64 (rows,)"),
            ("label", "the class in words (rows,)"),
        )

    def purpose(self, count: int) -> str:
        return f"classify into {counted(count, 'class', 'classes')}"

    def words(self, predictions: AnsweredClasses, labels: Sequence[str], rule: DecisionRule) -> str:
        index = int(self.decide(predictions, rule)[0])
        return confident(labels[index], float(predictions.probabilities[0][index]))

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return labels[int(truth)]

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        import torch

        others = torch.cat([outputs[..., :index], outputs[..., index + 1 :]], dim=-1)
        return outputs[..., index] - others.logsumexp(dim=-1)


def least_cost(probabilities: Array, costs: Array) -> Array:
    """The class of least expected cost of every row (n,); of equals the likeliest."""
    expected = probabilities @ costs
    best = expected.min(axis=1, keepdims=True)
    chances = np.where(expected <= best + 1e-12 * np.maximum(1.0, best), probabilities, -1.0)
    return np.asarray(chances.argmax(axis=1), dtype=np.int64)


def _class_numbers(series: pl.Series, labels: Sequence[str]) -> Array:
    """Numbers of classes. Raises ValueError for a class that is not among the labels."""
    codes = series.cast(pl.String).cast(pl.Enum(list(labels)), strict=False).to_physical()
    if codes.null_count():
        raise ValueError("a class without a number")
    return codes.cast(pl.Int64).to_numpy()


ONE_CLASS = OneClass()


def _typed(words: pl.Series, cells: str) -> pl.Series:
    """Names of classes as the cells that the target had, a key of CELL_TYPES."""
    if cells == "integer":
        return words.cast(pl.Int64, strict=False)
    if cells == "number":
        return words.cast(pl.Float64, strict=False)
    if cells == "boolean":
        return words.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    return words


@lru_cache(maxsize=1 << 16)
def _cell(word: str, cells: str) -> Any:
    """One of them; kept, since servers word a row at a time and polars takes as long for one as for a thousand."""
    return _typed(pl.Series([word], dtype=pl.String), cells)[0]
