"""y of (X, y): arrays, lists, series and frames; its own names are kept where it has some, and never clash with those of X."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

import polars as pl

from netpick.data.sources.array_columns import label_column
from netpick.data.sources.as_array import as_array
from netpick.data.sources.frames import is_frame, series_of_pandas, to_polars
from netpick.data.sources.nested import plain_columns
from netpick.types import Note, TableColumn


def labels_of(targets: object, taken: Collection[str], where: str) -> tuple[dict[str, TableColumn], str, list[Note]]:
    """The columns of y, the target's name (several are divided by commas), and notes. taken: the names of X's columns."""
    notes: list[Note] = []
    named = _named(targets)
    if named is None:
        columns, _, notes = label_column(as_array(targets, "y"), where)
        named = [column.values for column in columns.values() if isinstance(column, TableColumn)]
    plain = [one for series in named for one in plain_columns(series, notes) or [series]]
    found: dict[str, TableColumn] = {}
    for series in plain:
        name = _free(series.name or _usual_name(series), {*taken, *found}, notes)
        values = series.fill_nan(None) if series.dtype.is_float() else series
        found[name] = TableColumn(name=name, values=values.alias(name))
    return found, ",".join(found), notes


def _named(targets: object) -> list[pl.Series] | None:
    """The series of a frame, or the one series that y is; None for arrays and lists."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(targets, pandas.Series):
        cells: Any = targets
        name = "" if cells.name is None else str(cells.name)
        return [series_of_pandas(cells.reset_index(drop=True), name)]
    if pandas is not None and isinstance(targets, pandas.DataFrame):
        return to_polars(targets.reset_index(drop=True))[0].get_columns()
    if isinstance(targets, pl.Series):
        return [targets]
    return to_polars(targets)[0].get_columns() if is_frame(targets) else None


def _usual_name(series: pl.Series) -> str:
    return "target" if series.dtype.is_float() else "label"


def _free(name: str, taken: Collection[str], notes: list[Note]) -> str:
    """The name, or the next that no column of X has."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    text = f"X has a column {name!r} as well; the target is called '{name}_{number}'."
    notes.append(Note(subject="columns", text=text))
    return f"{name}_{number}"
