"""What answers in probabilities share: one class of several, and any of several labels."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import polars as pl

from netpick.answers.answered import AnsweredChances
from netpick.answers.base import Answer, TensorSpec
from netpick.answers.metrics.means import Accuracy
from netpick.types.words import percent

C = TypeVar("C", bound=AnsweredChances)


class Chances(Answer[C], ABC, Generic[C]):
    """Probabilities of named outcomes, calibrated on validation rows."""

    fallback = Accuracy.name

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.labels  # type: ignore[no-any-return]

    def calibration_words(self, state: Any) -> str:
        return state.calibration.words if state.calibration else ""


def probability_columns(predictions: AnsweredChances, labels: Sequence[str], prefix: str) -> dict[str, pl.Series]:
    """`probability_LABEL` of every class or label."""
    names = [f"{prefix}probability_{label}" for label in labels]
    return {name: pl.Series(name, predictions.probabilities[:, i]) for i, name in enumerate(names)}


def probabilities_spec(labels: Sequence[str]) -> TensorSpec:
    return TensorSpec(name="probabilities", datatype="FP64", shape=(-1, len(labels)))


def confident(label: str, probability: float) -> str:
    """'cat (93 %)'."""
    return f"{label} ({percent(probability)})"
