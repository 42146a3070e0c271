"""ARFF whose rows hold a table each, as the UEA archive writes series of several channels: a line a channel, a column a step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.paths import short_name
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, Note, Source, TableColumn

RELATIONAL = re.compile(r"(?i)\s*@attribute\s+\S+\s+relational\s*")
LABEL = re.compile(r"(?i)\s*@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+\{(.*)\}\s*")
ROW = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\")\s*,\s*(.*?)\s*")
MOST_HEADER = 100_000  # lines


def is_relational(lines: Sequence[str]) -> bool:
    """Whether an attribute of the header is a table in each cell, and the class stands behind its end."""
    for line in lines[:MOST_HEADER]:
        if line.lower().lstrip().startswith("@data"):
            return False
        if RELATIONAL.fullmatch(line):
            return any(other.lower().lstrip().startswith("@end") for other in lines[:MOST_HEADER])
    return False


def read_relational(lines: Sequence[str], path: Path) -> Source:
    """The series and their classes. Raises DataError with the line that does not fit."""
    lowered = [line.lower().lstrip() for line in lines[:MOST_HEADER]]
    end = next(number for number, line in enumerate(lowered) if line.startswith("@end"))
    data = next((number for number, line in enumerate(lowered) if line.startswith("@data")), None)
    label = next((match for line in lines[end:data] if (match := LABEL.fullmatch(line))), None)
    if data is None or label is None:
        lacking = "@data line" if data is None else "class behind the @end of its series"
        raise DataError(f"{path} has no {lacking}, but it was expected. Check that the file is whole.")
    tables, labels = [], []
    for number, line in enumerate(lines[data + 1 :], start=data + 2):
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        match = ROW.fullmatch(line)
        if match is None:
            raise DataError(
                f"{path}, line {number}: found {line.strip()[:40]!r}, but a quoted series and its class were expected. Correct the line."
            )
        tables.append(_table(match[1] or match[2] or "", path, number))
        labels.append(match[3].strip("'\""))
    if not tables:
        raise DataError(f"{path} has no rows behind @data, and rows were expected. Check that the file is whole.")
    values, lengths = _stacked(tables, path)
    name = label[1].strip("'\"")
    return Source(
        name=short_name(path),
        origin=str(path),
        layout="arff",
        columns={
            "series": ArrayColumn(name="series", values=values, kind="series", lengths=lengths),
            name: TableColumn(name=name, values=pl.Series(name, labels, dtype=pl.String)),
        },
        num_rows=len(tables),
        fingerprint=fingerprint.of_file(path),
        target=name,
        notes=[
            Note(subject="series", text=f"Each row is a series of {values.shape[2]} channels; '{name}' is its class.")
        ],
    )


def _table(text: str, path: Path, line: int) -> Array:
    """(channels, steps) of one cell."""
    rows = [part for part in text.replace("\\n", "\n").split("\n") if part.strip()]
    try:
        parts = [
            np.array([np.nan if cell.strip() in ("?", "NaN", "") else float(cell) for cell in row.split(",")])
            for row in rows
        ]
    except ValueError as error:
        raise DataError(
            f"{path}, line {line}: {error}, but numbers divided by commas were expected. Correct the line."
        ) from None
    if not parts or len({len(part) for part in parts}) > 1:
        raise DataError(
            f"{path}, line {line}: its channels are of different lengths, but equal ones were expected. Correct the line."
        )
    return np.stack(parts)


def _stacked(tables: Sequence[Array], path: Path) -> tuple[Array, Array | None]:
    channels = {len(table) for table in tables}
    if len(channels) > 1:
        raise DataError(
            f"{path} has series of {min(channels)} to {max(channels)} channels, but all must have as many. Correct the rows."
        )
    # Behind the last value of all channels there is nothing: shorter series are filled with '?'.
    ends = [int(np.flatnonzero(~np.isnan(table).all(axis=0))[-1:].sum()) + 1 for table in tables]
    longest = max(ends)
    values = np.zeros((len(tables), longest, channels.pop()), np.float32)
    for row, (table, end) in enumerate(zip(tables, ends, strict=True)):
        values[row, :end] = table[:, :end].T
    lengths = np.array(ends, np.int32)
    return values, None if (lengths == longest).all() else lengths
