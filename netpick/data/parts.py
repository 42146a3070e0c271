"""Rows that are parts of long recordings: as a table says (a file, where the part begins and where it ends, a label), or windows of
sounds that have one label each.

In a table, several rows have to name one file: where each file has a row of its own, such columns may as well say where a sound that was cut out
came from. Only the part is read, and parts of one recording are of one place and day, so they stay on one side of the split.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from netpick.data.decoders.base import UnreadableFileError
from netpick.data.decoders.sound_features import WHOLE, read_header
from netpick.errors import DataError, RequestError
from netpick.types import Column, FileColumn, Note, Parts, Source, TableColumn

STARTS = ("start", "begin", "onset", "start time", "begin time", "tmin", "xmin", "from")
ENDS = ("end", "stop", "offset", "end time", "stop time", "tmax", "xmax", "to")
LENGTHS = ("duration", "length", "dur", "delta time")
UNITS = {"s", "sec", "secs", "second", "seconds"}
PARTS_A_FILE = 1.5  # rows, on average
IN_ORDER = 0.95  # of the rows end behind their beginning
RECORDING = "recording"  # the column that keeps parts of one together
FEWEST_RECORDINGS = 3  # one each to learn from, to choose on and to test on


def with_parts(source: Source, said: Sequence[str] = ()) -> Source:
    """The source with its files read part by part, where its rows are parts of recordings. said: columns that the user spoke of."""
    parts = _found(source, said)
    if parts is None:
        return source
    made = read_parts(source, parts)
    column = made.columns[parts.file]
    assert isinstance(column, FileColumn)
    together = _kept_together(made, column)
    lengths = np.array([end - start for start, end in column.spans or () if end < np.inf])
    text = (
        f"Rows are parts of {len(set(column.paths)):,} recordings: columns '{parts.start}' and '{parts.end}' say from which second on and "
        f"{'for how long' if parts.lasts else 'to which'} ({lengths.min():.3g} to {lengths.max():.3g} s, median {np.median(lengths):.3g} s)."
        f"{' Parts of one recording stay on one side of the split.' if together else ''}"
    )
    note = Note(subject="sounds", text=text, override=f"--kind {parts.start}=number")
    return replace(together or made, notes=[*made.notes, note])


def with_windows(source: Source, seconds: int) -> Source:
    """A row a window of so many seconds of each sound, one behind the other; a rest of less than half of one is left out.

    Files that cannot be read have one row, which says so when it is decoded. Raises RequestError for anything but one column of sounds.
    """
    column = next((c for c in source.columns.values() if isinstance(c, FileColumn)), None)
    if column is None or column.kind != "audio" or column.spans is not None or seconds < 1:
        raise RequestError(
            f"--cut {seconds} was to cut sounds into windows of so many seconds, but {source.name} has no whole sounds to cut. Leave the "
            "option out."
        )
    lengths = np.array([_length(os.path.join(column.root, path)) for path in column.paths])
    counts = np.maximum(np.rint(lengths / seconds), 1).astype(np.int64)
    rows = np.repeat(np.arange(len(column)), counts)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    spans = [
        WHOLE if counts[row] == 1 and lengths[row] < seconds else (float(k * seconds), float((k + 1) * seconds))
        for row, k in zip(rows.tolist(), number.tolist(), strict=True)
    ]
    columns = {name: _repeated(one, rows) for name, one in source.columns.items()}
    columns[column.name] = cut = replace(column, paths=[column.paths[row] for row in rows.tolist()], spans=spans)
    names = source.row_names
    made = replace(
        source,
        columns=columns,
        num_rows=len(rows),
        given_split=None if source.given_split is None else source.given_split[rows],
        row_names=None
        if names is None
        else [f"{names[r]} from {k * seconds} s" for r, k in zip(rows.tolist(), number.tolist(), strict=True)],
        strays={},
    )
    text = (
        f"{len(column):,} sounds are {len(rows):,} windows of up to {seconds} s, each an example. A sound that is predicted is answered by its "
        f"beginning, or with --events window by window.{' Windows of one sound stay on one side of the split.' if len(column) >= FEWEST_RECORDINGS else ''}"
    )
    note = Note(subject="sounds", text=text, override="--cut")
    return replace(_kept_together(made, cut) or made, notes=[*made.notes, note])


def _kept_together(source: Source, column: FileColumn) -> Source | None:
    """With a column that names the recording of each part; None where there are too few to split by."""
    names = [path.replace("\\", "/") for path in column.paths]
    if len(set(names)) < FEWEST_RECORDINGS or RECORDING in source.columns:
        return None
    columns = {**source.columns, RECORDING: TableColumn(name=RECORDING, values=pl.Series(RECORDING, names))}
    return replace(source, columns=columns, groups=[*source.groups, RECORDING])


def _length(path: str) -> float:
    try:
        return read_header(path).seconds
    except UnreadableFileError:
        return 0.0


def _repeated(column: Column, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Column:
    if isinstance(column, TableColumn):
        return replace(column, values=column.values.gather(pl.Series(rows)))
    if isinstance(column, FileColumn):
        return replace(column, paths=[column.paths[row] for row in rows.tolist()])
    lengths = None if column.lengths is None else column.lengths[rows]
    return replace(column, values=column.values[rows], lengths=lengths)


def read_parts(source: Source, parts: Parts) -> Source:
    """The source with the parts of its files that its columns say. Files without a beginning or an end are read from theirs.

    Raises DataError where a part ends before it begins.
    """
    column = source.columns.get(parts.file)
    if not isinstance(column, FileColumn) or not {parts.start, parts.end} <= source.columns.keys():
        return source
    start, end = (_seconds(source.columns[name]) for name in (parts.start, parts.end))
    start = np.nan_to_num(start, nan=0.0)
    end = np.where(np.isnan(end), np.inf, start + end if parts.lasts else end)
    wrong = np.flatnonzero((end <= start) | (start < 0))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"Row {row + 1} of {source.name} reads {column.paths[row]} from {start[row]:g} to {end[row]:g} s, but a part has to end "
            f"behind its beginning. Correct the row, or pass --kind {parts.start}=number to read every file from its beginning."
        )
    spans = list(zip(start.tolist(), end.tolist(), strict=True))
    columns: dict[str, Column] = {n: c for n, c in source.columns.items() if n not in (parts.start, parts.end)}
    columns[parts.file] = replace(column, spans=spans)
    return replace(source, columns=columns, parts=parts)


def _found(source: Source, said: Sequence[str]) -> Parts | None:
    files = [column for column in source.columns.values() if isinstance(column, FileColumn)]
    if len(files) != 1 or files[0].kind != "audio" or len(files[0]) < PARTS_A_FILE * len(set(files[0].paths)):
        return None
    numbers = {
        _plain(name): name
        for name, column in source.columns.items()
        if name not in said and isinstance(column, TableColumn) and column.values.dtype.is_numeric()
    }
    start = next((numbers[name] for name in STARTS if name in numbers), None)
    end = next((numbers[name] for name in ENDS if name in numbers), None)
    lasts = end is None
    end = next((numbers[name] for name in LENGTHS if name in numbers), None) if lasts else end
    if start is None or end is None:
        return None
    first, last = _seconds(source.columns[start]), _seconds(source.columns[end])
    in_order = (last > (0 if lasts else first)) & (first >= 0)
    return Parts(file=files[0].name, start=start, end=end, lasts=lasts) if in_order.mean() >= IN_ORDER else None


def _plain(name: str) -> str:
    """Begin Time (s), start_sec: words in lower case, without the unit."""
    words = re.findall(r"[a-z]+", name.lower())
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in UNITS else words)


def _seconds(column: Column) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    assert isinstance(column, TableColumn)
    return np.asarray(column.values.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy(), np.float64)
