"""Tables that are in memory already: polars and pandas frames, pyarrow tables."""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import Any, TypeGuard
from uuid import UUID

import polars as pl
from polars.exceptions import PolarsError

from netpick.data.formats.tidy import AROUND
from netpick.data.sources import fingerprint
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.table import null_missing, table_source, unique_names
from netpick.errors import DataError
from netpick.types import Note, Source

FRAME = "frame"  # as a layout


def is_frame(data: object) -> bool:
    return isinstance(data, pl.DataFrame | pl.LazyFrame) or _is_pandas(data) or _is_arrow(data)


def read_frame(data: object, options: ReadOptions) -> Source:
    """The Source of a frame; a pandas index that carries a name or times becomes a column."""
    frame, origin, notes = to_polars(data)
    frame = null_missing(_trimmed(frame, notes), options.missing)
    return table_source(
        frame,
        origin=origin,
        name="data",
        layout=FRAME,
        fingerprint=fingerprint.of_frame(frame),
        folder=None,
        notes=notes,
    )


def _trimmed(frame: pl.DataFrame, notes: list[Note]) -> pl.DataFrame:
    """Texts without blanks around them, as in files."""
    trimmed: list[pl.Series] = []
    some: dict[str, int] = {}
    for series in frame.get_columns():
        if series.dtype == pl.String:
            text = series.str.strip_chars(AROUND)
            lengths = text.str.len_bytes()
            if changed := int((series.str.len_bytes() != lengths).sum()):
                trimmed.append(text)
                if changed < (lengths > 0).sum():
                    some[series.name] = changed
    if not trimmed:
        return frame
    named = ", ".join(repr(series.name) for series in trimmed[:3]) + (", ..." if len(trimmed) > 3 else "")
    notes.append(Note(subject="blanks", text=f"Blanks around the cells of {named} were removed.", cells=some))
    return frame.with_columns(trimmed)


def to_polars(data: object) -> tuple[pl.DataFrame, str, list[Note]]:
    """The frame as polars has it, what to call it, and what to say about the conversion."""
    if isinstance(data, pl.LazyFrame):
        try:
            return data.collect(), "LazyFrame", []
        except (PolarsError, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise DataError(
                f"The LazyFrame cannot be collected ({reason}), but a table was expected. Call .collect() yourself, and hand over "
                "what it gives."
            ) from None
    if isinstance(data, pl.DataFrame):
        return data, "DataFrame", []
    if _is_arrow(data):
        names, notes = unique_names([str(name) for name in data.column_names])
        return pl.DataFrame(pl.from_arrow(data.rename_columns(names))), "pyarrow Table", notes
    return _from_pandas(data)


def _from_pandas(data: Any) -> tuple[pl.DataFrame, str, list[Note]]:
    notes = []
    # By what it is, not by its class, so that pandas need not be imported here.
    plain_index = type(data.index).__name__ == "RangeIndex" or (data.index.name is None and data.index.nlevels == 1)
    is_time = type(data.index).__name__ in ("DatetimeIndex", "PeriodIndex")
    if is_time or not plain_index:
        data = data.reset_index()
        text = f"The frame's index is read as column {str(data.columns[0])!r}."
        notes.append(Note(subject="index", text=text))
    names, remarks = unique_names(
        [" ".join(map(str, n)).strip() if isinstance(n, tuple) else str(n) for n in data.columns]
    )
    series = [series_of_pandas(data.iloc[:, position], name) for position, name in enumerate(names)]
    return pl.DataFrame(series), "DataFrame", [*notes, *remarks]


def series_of_pandas(cells: Any, name: str) -> pl.Series:
    """A column of pandas as polars has it. Raises DataError for cells of a type that cannot be read."""
    kind = str(cells.dtype)
    if kind == "category" and _are_numbers(cells):
        return _categories(cells, name)
    if kind == "category" and cells.cat.ordered and str(cells.cat.categories.dtype) in ("object", "str", "string"):
        return _categories(cells, name)
    if kind.startswith("complex"):
        values = cells.to_numpy()
        return pl.DataFrame({"real": values.real, "imag": values.imag}).to_struct(name)
    if kind.startswith("period"):
        cells = cells.dt.to_timestamp()
    elif kind.startswith("interval") or str(getattr(cells.dtype, "categories", "")).startswith("Interval"):
        cells = cells.astype(str)
    elif kind.startswith("Sparse"):
        cells = cells.sparse.to_dense()
    elif kind == "object" and _are_odd(cells):
        # Mixed cells become text, so that a stray word among numbers can be named later.
        cells = cells.map(str, na_action="ignore")
    try:
        try:
            series: pl.Series = pl.from_pandas(cells, nan_to_null=True)
        except OverflowError:  # Python's whole numbers have no end
            series = pl.from_pandas(cells.astype("float64"), nan_to_null=True)
    except (TypeError, ValueError, NotImplementedError, OverflowError, PolarsError) as error:
        reason = str(error).partition(" <")[0].splitlines()[0].rstrip(".")
        raise DataError(
            f"Column {name!r} of the DataFrame holds cells of type {kind} that cannot be read ({reason}), but numbers, texts, dates or "
            "booleans were expected. Convert it, or leave it out."
        ) from None
    return series.alias(name)


def _are_odd(cells: Any) -> bool:
    """Objects of several types, or of one that only has its text, such as UUIDs and paths."""
    kinds = {type(cell) for cell in cells.dropna()}
    return len(kinds) > 1 or any(issubclass(kind, (UUID, PurePath)) for kind in kinds)


def _categories(cells: Any, name: str) -> pl.Series:
    """Categories of numbers as the words that they are, and ordered ones in their order."""
    words = (
        [str(int(c)) if float(c).is_integer() else str(c) for c in cells.cat.categories]
        if _are_numbers(cells)
        else [str(category) for category in cells.cat.categories]
    )
    codes = pl.Series(cells.cat.codes.to_numpy()).cast(pl.Int64)
    texts = pl.Series(words, dtype=pl.String).gather(codes.set(codes < 0, None))
    if len(set(words)) < len(words):
        return texts.alias(name)
    return texts.cast(pl.Enum(words) if cells.cat.ordered else pl.Categorical()).alias(name)


def _are_numbers(cells: Any) -> bool:
    dtype = str(cells.cat.categories.dtype).lower()
    return dtype.startswith(("int", "uint", "float")) and not dtype.startswith("interval")


def _is_pandas(data: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _is_arrow(data: object) -> TypeGuard[Any]:
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and isinstance(data, arrow.Table)
