"""From a polars frame to a Source: unique names, no NaN, no nested cells, columns of paths of media files recognised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from netpick.errors import DataError
from netpick.sources.paths import MEDIA_NOUNS, MEDIA_SUFFIXES
from netpick.types import Column, FileColumn, Media, Note, Source, TableColumn

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "-")
LOOKED_AT = 200  # cells looked at to tell whether a column holds paths of media files


def table_source(
    frame: pl.DataFrame,
    *,
    origin: str,
    name: str,
    layout: str,
    fingerprint: str,
    folder: Path | None,
    notes: Sequence[Note],
) -> Source:
    """The Source of a table. `folder` is where its paths of media files start (None: there are none to look for)."""
    if frame.height == 0:
        raise DataError(
            f"{origin} has {len(frame.columns)} column{'s' if frame.width != 1 else ''} but no rows, and rows were expected. "
            "Check how it was written."
        )
    remarks = list(notes)
    columns: dict[str, Column] = {}
    for series in frame.get_columns():
        if _is_nested(series.dtype):
            text = f"Column {series.name!r} holds {series.dtype} cells, which no kind reads; it is left out."
            remarks.append(Note(subject="columns", text=text))
            continue
        files = _as_media_paths(series, folder, remarks) if folder is not None and series.dtype == pl.String else None
        columns[series.name] = files or TableColumn(name=series.name, values=_nan_to_null(series))
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
    )


def unique_names(names: Sequence[str]) -> tuple[list[str], list[Note]]:
    """Names as they are, empty ones called column_3, repeated ones price, price_2, with a note about the latter."""
    unique: list[str] = []
    taken = set(names)
    repeated: dict[str, str] = {}
    for position, name in enumerate(names, start=1):
        candidate = name or f"column_{position}"
        if candidate in unique:
            number = next(n for n in range(2, len(names) + 2) if f"{name}_{n}" not in taken)
            repeated[f"{name}_{number}"] = name
            candidate = f"{name}_{number}"
        taken.add(candidate)
        unique.append(candidate)
    if not repeated:
        return unique, []
    told = ", ".join(f"{new!r} (a second {old!r})" for new, old in repeated.items())
    return unique, [Note(subject="columns", text=f"Repeated column names were numbered: {told}.")]


def null_missing(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Cells whose text is one of the user's own missing tokens become null; other cells stay as they were given."""
    if not missing:
        return frame
    return frame.with_columns(
        pl.when(pl.col(name).cast(pl.String).is_in(list(missing))).then(None).otherwise(pl.col(name)).alias(name)
        for name, dtype in frame.schema.items()
        if not _is_nested(dtype)
    )


def _is_nested(dtype: pl.DataType) -> bool:
    return dtype.is_nested() or dtype in (pl.Binary, pl.Object)


def _nan_to_null(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Null:
        return series.cast(pl.String)
    return series.fill_nan(None) if series.dtype.is_float() and series.is_nan().any() else series


def _as_media_paths(series: pl.Series, folder: Path, notes: list[Note]) -> FileColumn | None:
    """The column as one of files, when nine of ten cells end like images, sounds or clips and some of them exist."""
    cells = series.drop_nulls()
    sample = cells.gather_every(max(1, len(cells) // LOOKED_AT)).to_list()
    for kind, suffixes in MEDIA_SUFFIXES.items():
        named = [cell for cell in sample if cell.lower().endswith(suffixes)]
        if named and len(named) >= 0.9 * len(sample):
            return _media_paths(series, folder, notes, named, kind)
    return None


def _media_paths(
    series: pl.Series, folder: Path, notes: list[Note], named: list[str], kind: Media
) -> FileColumn | None:
    noun = MEDIA_NOUNS[kind]
    found = sum((folder / cell).is_file() for cell in named)
    if found == 0:
        text = (
            f"Column {series.name!r} names {noun.removesuffix('s')} files such as {named[0]!r}, but none of them is in {folder}; "
            "it is read as text."
        )
        notes.append(Note(subject=noun, text=text))
        return None
    if found < len(named):
        text = (
            f"Column {series.name!r} names {noun}; of {len(named):,} looked up, {len(named) - found:,} are not there."
        )
    else:
        text = f"Column {series.name!r} names {noun}, found relative to {folder}."
    notes.append(Note(subject=noun, text=text))
    return FileColumn(name=series.name, root=folder, paths=series.fill_null("").to_list(), kind=kind)
