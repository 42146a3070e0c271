"""From a polars frame to a Source: unique names, no NaN, no nested cells, columns of paths of media files recognised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from netpick.data.sources.media_bytes import media_in_cells
from netpick.data.sources.media_names import folders_around, media_columns
from netpick.data.sources.nested import plain_columns
from netpick.data.sources.token_lists import as_texts
from netpick.errors import DataError
from netpick.types import Column, Note, Source, TableColumn

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # of the years 1 to 9999, counted from 1970-01-01
MOST_COLUMNS = 50_000
MOST_TOLD = 8  # repeated names that a note lists


def table_source(
    frame: pl.DataFrame,
    *,
    origin: str,
    name: str,
    layout: str,
    fingerprint: str,
    folder: Path | None,
    notes: Sequence[Note],
    words: Sequence[str] = (),
) -> Source:
    """The Source of a table. `folder` is where its paths of media files start (None: there are none to look for), but for
    columns of `words`.
    """
    if frame.height == 0:
        raise DataError(
            f"{origin} has {len(frame.columns)} column{'s' if frame.width != 1 else ''} but no rows, and rows were expected. "
            "Check how it was written."
        )
    if frame.width > MOST_COLUMNS:
        raise DataError(
            f"{origin} has {frame.width:,} columns, and at most {MOST_COLUMNS:,} are read. Keep the columns that matter, or write "
            "rows as columns if it lies on its side."
        )
    remarks = list(notes)
    lists = as_texts(frame, remarks)
    frame = lists.frame
    places = folders_around(folder) if folder is not None else []
    columns: dict[str, Column] = {}
    not_read: dict[str, str] = {}
    files = media_in_cells(frame, remarks)
    columns |= files
    plain = _plain_columns(frame.drop(list(files)), remarks)
    media = media_columns([one for one in plain if one.name not in words], places, remarks)
    for series in plain:
        if _is_nested(series.dtype):
            text = f"Column {series.name!r} holds {series.dtype} cells, which no kind reads; it is left out."
            remarks.append(Note(subject="columns", text=text))
            not_read[series.name] = f"{series.dtype} cells"
            continue
        columns[series.name] = media.get(series.name) or TableColumn(
            name=series.name, values=_readable(_nan_to_null(series), remarks)
        )
    if not columns:
        raise DataError(
            f"{origin} has no column of plain cells, but at least one was expected. Flatten its nested columns."
        )
    return Source(
        name=name,
        origin=origin,
        layout=layout,
        columns=columns,
        num_rows=frame.height,
        fingerprint=fingerprint,
        notes=remarks,
        not_read=not_read,
        tokens=lists.tokens,
        target=lists.target,
    )


def _plain_columns(frame: pl.DataFrame, notes: list[Note]) -> list[pl.Series]:
    """The columns, those of objects, lists and bytes as plain ones where that is possible."""
    if not any(_is_nested(dtype) for dtype in frame.dtypes):
        return frame.get_columns()
    columns = [one for series in frame.get_columns() for one in plain_columns(series, notes) or [series]]
    names, repeated = unique_names([series.name for series in columns])
    notes.extend(repeated)
    return [series.alias(name) for series, name in zip(columns, names, strict=True)]


def unique_names(names: Sequence[str]) -> tuple[list[str], list[Note]]:
    """Names as they are, empty ones called column_3, repeated ones price, price_2, with a note about the latter."""
    unique: dict[str, None] = {}
    taken = set(names)
    repeated: dict[str, str] = {}
    last: dict[str, int] = {}  # number given to a name
    for position, name in enumerate(names, start=1):
        candidate = name or f"column_{position}"
        if candidate in unique:
            name = candidate
            number = last.get(name, 1) + 1
            while f"{name}_{number}" in taken:
                number += 1
            last[name] = number
            candidate = f"{name}_{number}"
            repeated[candidate] = name
        taken.add(candidate)
        unique[candidate] = None
    if not repeated:
        return [*unique], []
    shown = [f"{new!r} (a second {old!r})" for new, old in repeated.items()]
    listed_names = ", ".join(shown[:MOST_TOLD]) + (
        f" and {len(shown) - MOST_TOLD:,} more" if len(shown) > MOST_TOLD else ""
    )
    return [*unique], [Note(subject="columns", text=f"Repeated column names were numbered: {listed_names}.")]


def null_missing(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Cells whose text is one of the user's own missing tokens become null; other cells stay as they were given."""
    if not missing:
        return frame
    return frame.with_columns(  # by column, since polars reads names such as "*" as patterns
        series.set(series.cast(pl.String).is_in(list(missing)), None)
        for series in frame.get_columns()
        if not _is_nested(series.dtype)
    )


def _is_nested(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or dtype in (pl.Binary, pl.Object)


def _nan_to_null(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Null:
        return series.cast(pl.String)
    return series.fill_nan(None) if series.dtype.is_float() and series.is_nan().any() else series


def _readable(series: pl.Series, notes: list[Note]) -> pl.Series:
    """Durations as seconds, times of day as hours, and dates outside of the years 1 to 9999, which Python has no words for,
    as missing."""
    if isinstance(series.dtype, pl.Duration):
        notes.append(Note(subject="durations", text=f"Column {series.name!r} holds durations, read as seconds."))
        return series.to_physical() / {"ms": 1e3, "us": 1e6, "ns": 1e9}[series.dtype.time_unit]
    if series.dtype == pl.Time:
        notes.append(Note(subject="times of day", text=f"Column {series.name!r} holds times of day, read as hours."))
        return series.to_physical() / 3.6e12
    if series.dtype != pl.Date and not isinstance(series.dtype, pl.Datetime):
        return series
    days = series.to_physical() // {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}.get(
        getattr(series.dtype, "time_unit", ""), 1
    )
    outside = ~days.is_between(FIRST_DAY, LAST_DAY).fill_null(True)
    if not outside.any():
        return series
    text = f"Column {series.name!r}: {int(outside.sum()):,} dates outside of the years 1 to 9999 are read as missing."
    notes.append(Note(subject="dates", text=text))
    return series.set(outside, None)
