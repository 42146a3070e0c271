"""Series in a table: a row a series, its values in numbered columns, as the archives of UCR and UEA write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.paths import short_name
from netpick.types import ArrayColumn, Note, Source, TableColumn

FEWEST = 8  # steps
NUMBERED = re.compile(r"(?i)(?:att|t|v|val|x)[_ ]?(\d+)")


def is_numbered(names: Sequence[str], frame: pl.DataFrame) -> bool:
    """Whether columns are the steps of one series: att0, att1, att2, ..., all numbers."""
    matches = [NUMBERED.fullmatch(name) for name in names]
    if len(names) < FEWEST or None in matches:
        return False
    numbers = [int(match[1]) for match in matches if match is not None]
    in_a_row = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return in_a_row and all(frame[name].dtype.is_numeric() for name in names)


def series_source(frame: pl.DataFrame, path: Path, *, layout: str, notes: Sequence[Note]) -> Source:
    """The Source of rows that are series of one channel; the last column of the frame is the class. Behind the last value
    of a row there is nothing: a series that ends earlier is shorter."""
    *steps, label = frame.get_columns()
    values = np.stack([column.cast(pl.Float32).fill_null(float("nan")).to_numpy() for column in steps], axis=1)
    filled = ~np.isnan(values)
    lengths = np.where(filled.any(axis=1), values.shape[1] - filled[:, ::-1].argmax(axis=1), 1).astype(np.int32)
    equal = bool((lengths == values.shape[1]).all())
    behind = np.arange(values.shape[1])[None, :] >= lengths[:, None]
    values[behind] = 0.0
    reach = f"{values.shape[1]}" if equal else f"{lengths.min()} to {lengths.max()}"
    text = f"Each of {len(frame):,} rows is a series of {reach} steps; '{label.name}' is its class."
    return Source(
        name=short_name(path),
        origin=str(path),
        layout=layout,
        columns={
            "series": ArrayColumn(
                name="series", values=values[:, :, None], kind="series", lengths=None if equal else lengths
            ),
            label.name: TableColumn(name=label.name, values=label),
        },
        num_rows=len(frame),
        fingerprint=fingerprint.of_file(path),
        target=label.name,
        notes=[*notes, Note(subject="series", text=text)],
    )
