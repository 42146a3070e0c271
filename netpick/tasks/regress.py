"""Regression: one or several quantities for a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from netpick.answers import NUMBERS
from netpick.answers.conformal import Interval
from netpick.columns.kinds.base import Scale
from netpick.columns.kinds.cells import as_numbers
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.types import STRICT, Array, Field, Rows, TableColumn


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
    answer = NUMBERS

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
