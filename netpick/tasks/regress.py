"""Regression: one or several quantities for a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from netpick.errors import DataError
from netpick.kinds.base import Scale
from netpick.kinds.cells import as_numbers
from netpick.recipe import Recipe
from netpick.tasks.base import Task, error_function
from netpick.tasks.conformal import COVERAGE, Interval, interval_of
from netpick.types import STRICT, Array, Field, Predictions, Rows, TableColumn

if TYPE_CHECKING:
    from torch import Tensor

    from netpick.tasks.base import LossFunction


@dataclass(config=STRICT, kw_only=True)
class RegressState:
    """Mean and deviation of each target over the training rows: networks learn standardised values."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    intervals: tuple[Interval, ...] = ()  # of one candidate, one a target; none where too few rows say how wide

    def __post_init__(self) -> None:
        if not self.names or not len(self.names) == len(self.mean) == len(self.std):
            raise ValueError("a mean and a deviation of every target")
        if self.intervals and len(self.intervals) != len(self.names):
            raise ValueError("an interval of every target")


class Regress(Task):
    """Regression of one and of several targets."""

    name: ClassVar[str] = "regress"
    State = RegressState

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        if any(field.kind != "number" for field in fields):
            return None
        return "a number" if len(columns) == 1 else f"{len(columns)} numbers"

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> RegressState:
        truth = self._numbers(columns)[rows]
        for i, column in enumerate(columns):
            known = truth[:, i][~np.isnan(truth[:, i])]
            if len(np.unique(known[:10_000])) < 2 and len(np.unique(known)) < 2:
                raise DataError(
                    f"Column '{column.name}' holds a single value, but a regression needs values that differ. "
                    "Choose another column with --target."
                )
        mean, std = np.nanmean(truth, axis=0), np.nanstd(truth, axis=0)
        return RegressState(
            names=tuple(column.name for column in columns),
            mean=tuple(map(float, mean)),
            std=tuple(float(s) if s > 0 else 1.0 for s in std),
        )

    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        return self._numbers(columns)

    def _numbers(self, columns: Sequence[TableColumn]) -> Array:
        parts = []
        for column in columns:
            numbers = as_numbers(column.values)
            if column.values.null_count() < numbers.null_count() and numbers.null_count() == len(numbers):
                cell = column.values.drop_nulls()[0]
                row = int(column.values.is_not_null().arg_max() or 0)
                raise DataError(
                    f"Column '{column.name}' (row {row + 1}) holds {cell!r}, but regression needs numbers. "
                    "Pass --task classify, or choose another --target."
                )
            parts.append(numbers.fill_null(float("nan")).to_numpy())
        return np.stack(parts, axis=1)

    def num_outputs(self, state: Any) -> int:
        return len(state.names)

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.names  # type: ignore[no-any-return]

    def network_target(self, truth: Array, state: Any) -> Array:
        scaled = (truth - np.asarray(state.mean)) / np.asarray(state.std)
        return np.asarray(np.nan_to_num(scaled), dtype=np.float32)

    def loss(self, recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
        function = error_function(recipe, "a regression is trained with mse, mae or huber")

        def loss(outputs: Tensor, target: Tensor) -> Tensor:
            return function(outputs.float(), target, reduction="none").mean(dim=-1)

        return loss

    def answer(self, outputs: Tensor) -> Tensor:
        values = outputs.float()
        return values.mean(dim=1) if values.ndim == 3 else values

    def decode(self, answers: Array, state: Any) -> Predictions:
        values = answers.astype(np.float64) * np.asarray(state.std) + np.asarray(state.mean)
        return self.revised(Predictions(values=values), state)

    def calibrated(self, predictions: Predictions, truth: Array, state: Any) -> RegressState:
        assert predictions.values is not None
        made = [interval_of(predictions.values[:, i], truth[:, i]) for i in range(truth.shape[1])]
        known = tuple(interval for interval in made if interval is not None)
        return replace(state, intervals=known if len(known) == len(made) else ())  # type: ignore[no-any-return]

    def revised(self, predictions: Predictions, state: Any) -> Predictions:
        values = predictions.values
        if not state.intervals or values is None:
            return predictions
        half = np.stack([interval.around(values[:, i]) for i, interval in enumerate(state.intervals)], axis=1)
        return replace(predictions, low=values - half, high=values + half)

    def calibration_words(self, state: Any) -> str:
        described = [
            f"{name}: {interval.words}" if len(state.names) > 1 else interval.words
            for name, interval in zip(state.names, state.intervals, strict=False)
        ]
        return f"{COVERAGE:.0%} interval, {'; '.join(described)}" if described else ""

    def labelled(self, truth: Array) -> Array:
        return np.asarray(~np.isnan(truth).any(axis=1))
