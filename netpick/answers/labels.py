"""Any number of labels for a row, each of which holds or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredLabels, Floats
from netpick.answers.base import PLAIN, Read, TensorSpec, numbers_of
from netpick.answers.calibration import Calibration, calibrate_labels
from netpick.answers.chances import (
    Chances,
    confident,
    probabilities_spec,
    probability_columns,
)
from netpick.answers.losses import each_label
from netpick.answers.metrics.ranks import Auc
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction


class AnyLabels(Chances[AnsweredLabels]):
    """Each label by itself: a probability, and yes from one half (or the rule's threshold) on."""

    name: ClassVar[str] = "labels"
    typed = AnsweredLabels
    any_labels = True
    noun, plural = "label", "labels"

    def target(self, truth: Array, state: Any) -> Array:
        return np.maximum(truth, 0).astype(np.float32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {"binary_cross_entropy": each_label(recipe, class_weights)}

    def labelled(self, truth: Array) -> Array:
        return np.asarray((truth >= 0).all(axis=1))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float().sigmoid()

    def calibration(self, probabilities: Floats, truth: Array) -> Calibration | None:
        return calibrate_labels(probabilities, truth)

    def corrected(self, calibration: Calibration, probabilities: Floats) -> Floats:
        return calibration.of_labels(probabilities)

    def decide(self, predictions: AnsweredLabels, rule: DecisionRule = PLAIN) -> Array:
        """Labels (n, L) of 0/1."""
        return (predictions.probabilities >= (0.5 if rule.threshold is None else rule.threshold)).astype(np.int64)

    def primary(self, num_outputs: int, balance: float) -> str:
        return Auc.name

    def columns(
        self, predictions: AnsweredLabels, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """LABEL (true / false) and probability_LABEL of every label."""
        decided = self.decide(predictions, rule).astype(bool)
        names = [f"{prefix}{label}" for label in labels]
        flags = {name: pl.Series(name, decided[:, i]) for i, name in enumerate(names)}
        return {**flags, **probability_columns(predictions, labels, prefix)}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read:
        probabilities = numbers_of(table, [f"{candidate}: probability_{label}" for label in labels])
        return Read(
            truth=numbers_of(table, [f"truth_{label}" for label in labels]).astype(np.int8),
            predictions=AnsweredLabels(probabilities=probabilities),
            decided=numbers_of(table, [f"{candidate}: {label}" for label in labels]).astype(np.int64),
        )

    def tensors(self, predictions: AnsweredLabels, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {
            "prediction": self.decide(predictions, rule).astype(np.bool_),
            "probabilities": predictions.probabilities,
        }

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        return [TensorSpec(name="prediction", datatype="BOOL", shape=(-1, len(labels))), probabilities_spec(labels)]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import LabelFlags

        return LabelFlags(rule, state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            ("answers", f"probabilities as the network states them, float32 (rows, {count})"),
            ("probabilities", f"calibrated probabilities, float64 (rows, {count})"),
            ("prediction", f"1 where a label holds, int64 (rows, {count})"),
        )

    def purpose(self, count: int) -> str:
        return f"any of {counted(count, 'label')} per row"

    def words(self, predictions: AnsweredLabels, labels: Sequence[str], rule: DecisionRule) -> str:
        """The likeliest label."""
        index = int(np.argsort(-predictions.probabilities[0], kind="stable")[0])
        return confident(labels[index], float(predictions.probabilities[0][index]))

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return ", ".join(label for label, there in zip(labels, truth, strict=True) if there > 0) or "none"

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        return outputs[..., index]


ANY_LABELS = AnyLabels()
