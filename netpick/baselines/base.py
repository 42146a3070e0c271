"""The contract of a baseline: a plain yardstick, fitted by scikit-learn within a time limit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from netpick.types import Array, Inputs, Predictions, Rows


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Encoded rows to learn from: `arrays` by input name over all N rows ("vector", "codes", "series",
    "series.lengths", "grid"), as the networks get them, and the target of the task."""

    task: str  # classify | multilabel | regress
    inputs: Inputs
    arrays: Mapping[str, Array]
    target: Array  # classify (N,) int64; multilabel (N, L) float32; regress (N, T) float64 in its own units
    num_classes: int  # K, L or T
    train: Rows
    seed: int


@dataclass(frozen=True, kw_only=True)
class FittedBaseline:
    """Predictions for the rows that were asked for, the cost, and a remark where rows or features were reduced."""

    predictions: Predictions
    seconds: float
    remark: str = ""
    bytes: int = 0


class Baseline(ABC):
    """One yardstick. `applies` says for which problems."""

    name: ClassVar[str]  # "boosted trees"
    definition: ClassVar[str]  # one plain sentence

    @abstractmethod
    def applies(self, problem: Problem) -> bool: ...

    @abstractmethod
    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        """Fits on problem.train (sampled to end within `seconds`, said in the remark) and predicts `rows`."""
