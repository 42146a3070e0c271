"""Puts given train, validation and test parts under one roof: one Source whose `given_split` says which row is whose."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import overload

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.frames import FRAME
from netpick.data.sources.paths import PART_NAMES
from netpick.errors import DataError
from netpick.types import TRAIN, UNASSIGNED, Array, ArrayColumn, Column, FileColumn, Note, Source, TableColumn
from netpick.types.words import quoted


def join_parts(parts: Mapping[int, Source], *, target: str | None = None) -> Source:
    """One Source from TRAIN / VALIDATION / TEST parts, rows in that order.

    Rows that the first part already assigns (a folder with its own val/) keep their part; its unassigned rows become TRAIN.
    Raises DataError when the columns of the parts differ, naming them.
    """
    sources = list(parts.values())
    first = sources[0]
    for part, other in list(parts.items())[1:]:
        _require_same_columns(first, other, PART_NAMES[part], target)
    columns = {name: _join_columns([source.columns[name] for source in sources], sources) for name in first.columns}
    splits = [_split_of(source, part) for part, source in parts.items()]
    return replace(
        first,
        columns=columns,
        num_rows=sum(source.num_rows for source in sources),
        fingerprint=fingerprint.combined(f"{part}:{source.fingerprint}" for part, source in parts.items()),
        given_split=np.concatenate(splits),
        notes=_merge_notes(parts),
        row_names=_join_names(sources),
        missing_words=_join_missing(sources),
    )


def stack(sources: Sequence[Source]) -> Source:
    """One Source of the pieces of one table, rows in their order. Raises DataError when their columns differ."""
    first = sources[0]
    for other in sources[1:]:
        _require_same_columns(first, other, "further", None)
    columns = {name: _join_columns([source.columns[name] for source in sources], sources) for name in first.columns}
    return replace(
        first,
        columns=columns,
        num_rows=sum(source.num_rows for source in sources),
        fingerprint=fingerprint.combined(source.fingerprint for source in sources),
        row_names=_join_names(sources),
        missing_words=_join_missing(sources),
    )


def columns_differ(first: Source, other: Source) -> bool:
    return set(first.columns) != set(other.columns)


def _split_of(source: Source, part: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    if source.given_split is None or part != TRAIN:
        return np.full(source.num_rows, part, np.int8)
    return np.where(source.given_split == UNASSIGNED, np.int8(TRAIN), source.given_split)


def _require_same_columns(first: Source, other: Source, part: str, target: str | None) -> None:
    lacking = [name for name in first.columns if name not in other.columns]
    extra = [name for name in other.columns if name not in first.columns]
    if not lacking and not extra:
        return
    target = target or first.target
    if target in lacking:
        raise DataError(
            f"The {part} data {other.origin} have no target column {target!r} (columns: {quoted(list(other.columns), 6)}), "
            f"but scores need its labels. Pass --test with labelled rows, or --test none to hold out rows of {first.origin}."
        )
    differences = [f"it lacks {quoted(lacking, 6)}"] if lacking else []
    differences += [f"it has {quoted(extra, 6)} besides"] if extra else []
    raise DataError(
        f"The {part} data {other.origin} do not have the columns of {first.origin}: {' and '.join(differences)}. "
        "Both need the same column names. Rename or remove columns, or pass --test none."
    )


def _join_columns(columns: Sequence[Column], sources: Sequence[Source]) -> Column:
    tables = [column for column in columns if isinstance(column, TableColumn)]
    files = [column for column in columns if isinstance(column, FileColumn)]
    arrays = [column for column in columns if isinstance(column, ArrayColumn)]
    if len(tables) == len(columns):
        return TableColumn(name=tables[0].name, values=_join_cells([column.values for column in tables]))
    if len(files) == len(columns) and len({column.in_zip for column in files}) == 1:
        return _join_files(files, sources)
    if len(arrays) == len(columns) and len({column.kind for column in arrays}) == 1:
        return _join_arrays(arrays, sources)
    kinds = ", ".join(f"{source.origin}: {_describe(column)}" for column, source in zip(columns, sources, strict=True))
    raise DataError(
        f"Column {columns[0].name!r} differs between the parts ({kinds}), but both need the same format. "
        "Convert one of them, or pass --test none."
    )


def _describe(column: Column) -> str:
    if isinstance(column, TableColumn):
        return f"table cells ({column.values.dtype})"
    return (
        ("files in a zip" if column.in_zip else "files") if isinstance(column, FileColumn) else f"{column.kind} arrays"
    )


def _join_cells(parts: Sequence[pl.Series]) -> pl.Series:
    dtypes = {part.dtype for part in parts if part.dtype != pl.Null and part.null_count() < len(part)}
    if len(dtypes) > 1:
        if all(dtype.is_numeric() for dtype in dtypes):
            common: pl.DataType | type[pl.DataType] = pl.Int64 if all(d.is_integer() for d in dtypes) else pl.Float64
        else:  # a stray cell made one part text: the column is text, and its kind decides what that means
            common = pl.String
        parts = [part.cast(common) for part in parts]
    elif dtypes:
        (common,) = dtypes
        parts = [part if part.dtype == common else part.cast(pl.String).cast(common) for part in parts]
    return pl.concat(parts, rechunk=True)


def _join_files(columns: Sequence[FileColumn], sources: Sequence[Source]) -> FileColumn:
    roots = [column.root.absolute() for column in columns]
    if len(set(roots)) == 1:
        return replace(columns[0], paths=list(chain.from_iterable(column.paths for column in columns)))
    if columns[0].in_zip:
        raise DataError(
            f"{sources[0].origin} and {sources[1].origin} are two zip files, but one column of images must lie in one place. "
            "Unpack both, or put train/ and test/ folders into one zip."
        )
    common = Path(os.path.commonpath(roots))
    paths: list[str] = []
    for root, column in zip(roots, columns, strict=True):
        prefix = root.relative_to(common).as_posix()
        paths.extend(column.paths if prefix == "." else [f"{prefix}/{path}" for path in column.paths])
    return replace(columns[0], root=common, paths=paths)


def _join_arrays(columns: Sequence[ArrayColumn], sources: Sequence[Source]) -> ArrayColumn:
    series = columns[0].kind == "series"
    shapes = [column.values.shape[2:] if series else column.values.shape[1:] for column in columns]
    if len(set(shapes)) > 1:
        what = "channels" if series else "channels x height x width"
        told = ", ".join(f"{source.origin}: {_times(shape)}" for source, shape in zip(sources, shapes, strict=True))
        raise DataError(
            f"Column {columns[0].name!r} has different {what} in the parts ({told}), but one network reads both. "
            "Bring them to one shape, or pass --test none."
        )
    if not series:
        return replace(columns[0], values=np.concatenate([column.values for column in columns]))
    steps = max(column.values.shape[1] for column in columns)
    unequal = len({column.values.shape[1] for column in columns}) > 1 or any(c.lengths is not None for c in columns)
    lengths = np.concatenate([_lengths(column) for column in columns]) if unequal else None
    return replace(
        columns[0], values=np.concatenate([_padded(column.values, steps) for column in columns]), lengths=lengths
    )


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _lengths(column: ArrayColumn) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    if column.lengths is not None:
        return column.lengths
    return np.full(len(column), column.values.shape[1], np.int32)


def _padded(values: Array, steps: int) -> Array:
    padding = steps - values.shape[1]
    return np.pad(values, ((0, 0), (0, padding), (0, 0))) if padding else values


def _merge_notes(parts: Mapping[int, Source]) -> list[Note]:
    """The first part's notes, and what the others say differently, with their names in front."""
    first, *others = parts.items()
    notes = list(first[1].notes)
    for part, source in others:
        name = PART_NAMES[part].capitalize()
        notes += [
            replace(note, text=f"{name} part: {note.text}") for note in source.notes if note not in first[1].notes
        ]
    return notes


def _join_missing(sources: Sequence[Source]) -> dict[str, dict[str, int]]:
    joined: dict[str, dict[str, int]] = {}
    for source in sources:
        for name, words in source.missing_words.items():
            counts = joined.setdefault(name, {})
            for word, count in words.items():
                counts[word] = counts.get(word, 0) + count
    return joined


class PartRows(Sequence[str]):
    """Names of joined rows such as 'x_test.csv: row 12', made when asked for: a table may have millions."""

    def __init__(self, prefixes: Sequence[str], counts: Sequence[int]) -> None:
        self._prefixes = prefixes
        self._ends = np.cumsum(counts).tolist()

    def __len__(self) -> int:
        return int(self._ends[-1])

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[index] for index in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        part = bisect_right(self._ends, row)
        start = self._ends[part - 1] if part else 0
        return f"{self._prefixes[part]}: row {row - start + 1}"


def _join_names(sources: Sequence[Source]) -> Sequence[str] | None:
    """Rows of several tables are named by file and row; rows with names of their own keep them."""
    if all(source.row_names is not None for source in sources):
        names = [name for source in sources for name in source.row_names or ()]
        if len(set(names)) == len(names):
            return names
        return [f"{Path(source.origin).name}/{name}" for source in sources for name in source.row_names or ()]
    if any(source.layout in ("arrays", FRAME) for source in sources):
        return None
    return PartRows([Path(source.origin).name for source in sources], [source.num_rows for source in sources])
