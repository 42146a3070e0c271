"""What answers in probabilities share: one class of several, and any of several labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredChances, Floats
from netpick.answers.base import Answer, TensorSpec
from netpick.answers.calibration import Calibration
from netpick.answers.metrics.means import Accuracy
from netpick.types import Array
from netpick.types.words import percent

C = TypeVar("C", bound=AnsweredChances)


class Chances(Answer[C], ABC, Generic[C]):
    """Probabilities of named outcomes, calibrated on validation rows."""

    typed: ClassVar[type[AnsweredChances]]
    fallback = Accuracy.name

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.labels  # type: ignore[no-any-return]

    def decode(self, answers: Array, state: Any) -> C:
        return self.revised(cast(C, self.typed(probabilities=answers.astype(np.float64))), state)

    @abstractmethod
    def calibration(self, probabilities: Floats, truth: Array) -> Calibration | None:
        """What labelled rows say of stated probabilities; None where they stay as they are."""

    @abstractmethod
    def corrected(self, calibration: Calibration, probabilities: Floats) -> Floats:
        """Stated probabilities as calibrated ones."""

    def calibrated(self, predictions: C, truth: Array, state: Any) -> Any:
        rows = self.labelled(truth) & np.isfinite(predictions.probabilities).all(axis=1)
        return replace(state, calibration=self.calibration(predictions.probabilities[rows], truth[rows]))

    def revised(self, predictions: C, state: Any) -> C:
        if state.calibration is None:
            return predictions
        stated = predictions.probabilities
        return replace(predictions, probabilities=self.corrected(state.calibration, stated), uncalibrated=stated)

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
