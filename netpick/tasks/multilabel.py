"""Multi-label classification: any number of labels for a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic.dataclasses import dataclass

from netpick.answers import ANY_LABELS
from netpick.answers.calibration import Calibration
from netpick.columns.kinds.cells import as_text
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.tasks.label_columns import are_marks, says_yes_or_no, set_labels
from netpick.tasks.label_lists import DELIMITERS, LISTED, MAX_LABELS, find_delimiter, split_cells
from netpick.types import STRICT, Array, Field, Rows, TableColumn


@dataclass(config=STRICT, kw_only=True)
class MultilabelState:
    """The labels: one column each, or found in one column of lists with this delimiter (empty for list cells)."""

    labels: tuple[str, ...]
    one_column: bool
    delimiter: str
    empty_is_none: bool = False  # of one column each: whether an empty cell says that the label does not hold
    calibration: Calibration | None = None  # of one candidate's probabilities

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise ValueError("labels that differ from each other, at least two")
        if self.delimiter not in ("", *DELIMITERS):
            raise ValueError(f"a delimiter among {' '.join(DELIMITERS)}")
        if self.calibration is not None and len(self.calibration.curves) != len(self.labels):
            raise ValueError("a curve of calibration for every label")


class Multilabel(Task):
    """Several yes / no targets at once: as columns, or as a column of lists ("sea|beach", an empty cell for none)."""

    name: ClassVar[str] = "multilabel"
    State = MultilabelState
    answer = ANY_LABELS

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        if len(columns) > 1:
            if not all(says_yes_or_no(column) for column in columns):
                return None
            return f"{len(columns)} yes / no columns{', of which empty cells are no' if are_marks(columns) else ''}"
        series = columns[0].values
        if isinstance(series.dtype, pl.List):
            return "a column of lists"
        delimiter = find_delimiter(series) if series.dtype == pl.String else None
        if delimiter is None:
            return None
        labels = {label for cell in _lists(series, delimiter) for label in cell or ()}
        combinations = series.drop_nulls().n_unique()
        how = "written as lists" if delimiter == LISTED else f"divided by '{delimiter}'"
        return f"cells that list labels, {how}: {len(labels)} labels make up {combinations:,} combinations"

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> MultilabelState:
        if len(columns) > 1:
            names = tuple(c.name for c in columns)
            return MultilabelState(labels=names, one_column=False, delimiter="", empty_is_none=are_marks(columns))
        series = columns[0].values
        delimiter = "" if isinstance(series.dtype, pl.List) else (find_delimiter(as_text(series)) or DELIMITERS[0])
        found = sorted({label for cell in _lists(series, delimiter) for label in (cell or ())})
        if not 2 <= len(found) <= MAX_LABELS:
            raise DataError(
                f"Column '{columns[0].name}' lists {len(found)} different labels, but 2 to {MAX_LABELS} are expected. "
                "Choose another column with --target, or pass --task classify."
            )
        return MultilabelState(labels=tuple(found), one_column=True, delimiter=delimiter)

    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        if not state.one_column:
            return set_labels(columns, empty_is_none=state.empty_is_none)
        position = {label: i for i, label in enumerate(state.labels)}
        cells = _lists(columns[0].values, state.delimiter)
        if all(cell is None for cell in cells):  # rows without labels at all
            return np.full((len(cells), len(state.labels)), -1, dtype=np.int8)
        truth = np.zeros((len(cells), len(state.labels)), dtype=np.int8)
        for row, cell in enumerate(cells):
            for label in cell or ():  # an empty cell: none of them
                if label in position:
                    truth[row, position[label]] = 1
        return truth


def _lists(series: pl.Series, delimiter: str) -> list[list[str] | None]:
    if isinstance(series.dtype, pl.List):
        cells = series.cast(pl.List(pl.String), strict=False).to_list()
        return [None if cell is None else [part.strip() for part in cell if part and part.strip()] for cell in cells]
    return split_cells(as_text(series), delimiter)
