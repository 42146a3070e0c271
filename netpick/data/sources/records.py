"""Tables that are no frames: lists of records, columns by name, structured arrays, one row of pandas."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from netpick.data.sources.array_columns import cells_of
from netpick.data.sources.as_array import as_array
from netpick.errors import RequestError
from netpick.types import Array


def as_frame(data: object) -> pl.DataFrame | None:
    """The frame that it means; None for what is no table of these kinds. Raises RequestError for columns that do not fit."""
    if isinstance(data, Mapping):
        return _of_columns({str(name): values for name, values in data.items()})
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        names = list(dict.fromkeys(str(name) for row in data for name in row))
        return pl.DataFrame([_series(name, [row.get(name) for row in data]) for name in names])
    if isinstance(data, np.ndarray) and data.dtype.names is not None and data.ndim == 1:
        return pl.DataFrame([_of_array(name, data[name]) for name in data.dtype.names])
    row = _row_of_pandas(data)
    return None if row is None else pl.DataFrame([_series(name, [cell]) for name, cell in row.items()])


def one_column(data: object) -> object:
    """A series of pandas or polars as a frame, so that its name is kept; anything else as it is."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.Series):
        return data.to_frame(name=str(data.name) if data.name is not None else "x1")
    if isinstance(data, pl.Series):
        return data.alias(data.name or "x1").to_frame()
    return data


def _row_of_pandas(data: object) -> dict[str, Any] | None:
    """A row of a frame, which is a series whose index names the columns."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.Series) or not all(isinstance(n, str) for n in data.index):
        return None
    return {name: None if _is_missing(cell) else cell for name, cell in data.items()}


def _is_missing(cell: Any) -> bool:
    """Whether it is none of the values that equal themselves: NaN, NaT, NA."""
    try:
        return not bool(cell == cell)
    except (TypeError, ValueError):  # NA knows no truth, and arrays know several
        return not isinstance(cell, np.ndarray)


def _of_columns(columns: Mapping[str, Any]) -> pl.DataFrame:
    series: list[pl.Series] = []
    for name, values in columns.items():
        if isinstance(values, pl.Series):
            series.append(values.alias(name))
        elif isinstance(values, list | tuple):
            series.append(_series(name, list(values)))
        else:
            series.append(_of_array(name, as_array(values, f"column {name!r}")))
    lengths = {one.name: len(one) for one in series}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r} {length:,}" for name, length in list(lengths.items())[:6])
        raise RequestError(
            f"The columns have different lengths ({shown}), but one cell a row was expected. Correct them."
        )
    return pl.DataFrame(series)


def _of_array(name: str, values: Array) -> pl.Series:
    if values.ndim > 1:
        return pl.Series(name, values.reshape(len(values), -1).tolist())
    return cells_of(values, name, "the table")


def _series(name: str, cells: Sequence[Any]) -> pl.Series:
    """Cells of one type as they are; of several, as text."""
    cells = [None if _is_missing(cell) else cell for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    try:
        if len(kinds) <= 1 or kinds <= {int, float}:
            return pl.Series(name, [float(c) if kinds == {int, float} and c is not None else c for c in cells])
        if any(issubclass(kind, np.generic) for kind in kinds) or not kinds & {list, dict}:
            return cells_of(np.array(cells, dtype=object), name, "the table")
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
    except (PolarsError, TypeError, OverflowError, ValueError) as error:
        raise RequestError(
            f"Column {name!r} holds cells that cannot be read ({error}), but numbers, texts, dates or booleans were expected. Convert it."
        ) from None
