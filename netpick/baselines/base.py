"""The contract of a baseline: a plain yardstick, fitted by scikit-learn within a time limit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from netpick.types import Array, Column, Inputs, Predictions, Rows

if TYPE_CHECKING:
    from netpick.windows import Windows


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Encoded rows to learn from: `arrays` by input name over all N rows ("vector", "codes", "series", "series.lengths",
    "grid", ...), as the networks get them, the raw columns of the features, and the target of the task."""

    task: str  # classify | multilabel | regress | forecast
    inputs: Inputs
    arrays: Mapping[str, Array]
    target: Array  # classify (N,) int64; multilabel (N, L) float32; regress (N, T) float64 in its own units
    num_classes: int  # K, L or T
    train: Rows
    seed: int
    columns: Mapping[str, Column] = field(
        default_factory=dict
    )  # raw, by name, for yardsticks that read texts as they are
    windows: Windows | None = None  # of a forecast


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
