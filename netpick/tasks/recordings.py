"""Which tables are recordings of sensors, a step a row: their rows are cut into windows (data/steps.py) that are classified.

Steps of one run are alike, so rows drawn at random would be tested on their own neighbours; and one step says little of what
somebody is doing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_numbers
from netpick.errors import RequestError
from netpick.types import Array, Cut, Field, Schema, Source, TableColumn

FEWEST_ROWS = 1_000
LONG_RUN = 30  # rows of one label and person, on average
RUNS_A_CLASS = 2  # a table that is merely sorted by class has one
SMOOTH = 0.5  # correlation of a channel's neighbouring steps within a run, in half of the channels
STEPS, FEWEST_STEPS, WINDOWS_A_RUN = 128, 8, 4  # of a window, at most and at least; whole windows in the middle run
MOST_LOOKED_AT = 200_000


def recording(source: Source, schema: Schema, asked: int | None) -> Cut | None:
    """How a table of steps is cut; None where its rows are examples. asked: steps of a window, 0 for none.

    Raises RequestError where windows were asked for and the table has no numbers in its rows or no label of its own.
    """
    if asked == 0:
        return None
    targets = [f for f in schema.targets if isinstance(source.columns[f.name], TableColumn)]
    channels = [f for f in schema.features if f.kind == "number" and isinstance(source.columns[f.name], TableColumn)]
    tables_alone = all(isinstance(column, TableColumn) for column in source.columns.values())
    if asked is not None and (not tables_alone or len(targets) != 1 or not channels):
        raise RequestError(
            f"--cut {asked} cuts the steps of a table into windows, but {source.name} is not a table with columns of numbers and one "
            "label a row. Leave the option out."
        )
    if not tables_alone or len(targets) != 1 or not channels:
        return None
    others = any(f.kind not in ("datetime", "number") for f in schema.features)
    if asked is None and (others or source.num_rows < FEWEST_ROWS or schema.task != "classify"):
        return None
    channels = [f for f in channels if not _counts_on(source, f)]
    groups = [f for f in schema.fields if f.role == "group"]
    apart = [*groups, *targets]
    runs = _runs(source, apart)
    if asked is None and not _is_recording(source, schema, channels, runs):
        return None
    middle = float(np.median(np.bincount(runs)))
    steps = asked or int(np.clip(middle // WINDOWS_A_RUN, FEWEST_STEPS, STEPS))
    return Cut(channels=tuple(f.name for f in channels), steps=steps, apart=tuple(f.name for f in apart))


def _is_recording(source: Source, schema: Schema, channels: Sequence[Field], runs: Array) -> bool:
    if not channels:
        return False
    count = int(runs[-1]) + 1
    classes = schema.targets[0].num_distinct
    if count < RUNS_A_CLASS * classes or source.num_rows < LONG_RUN * count:
        return False
    smooth = [_smoothness(source, f, runs) >= SMOOTH for f in channels]
    return sum(smooth) * 2 >= len(smooth)


def _counts_on(source: Source, field: Field) -> bool:
    """Whether a column of numbers only rises: a time, or a number of rows."""
    values = _values(source, field.name)
    values = values[~np.isnan(values)]
    return bool(len(values) > 1 and (values[1:] > values[:-1]).mean() > 0.99)


def _smoothness(source: Source, field: Field, runs: Array) -> float:
    """The correlation of neighbouring steps within runs, around each run's own middle."""
    values, runs = _values(source, field.name)[:MOST_LOOKED_AT], runs[:MOST_LOOKED_AT]
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    total = np.bincount(runs, filled) / np.maximum(np.bincount(runs, known), 1)
    around = np.where(known, filled - total[runs], 0.0)
    spread = float(np.square(around).mean())
    together = float((around[1:] * around[:-1])[runs[1:] == runs[:-1]].mean())
    return together / spread if spread > 0 else 0.0


def _values(source: Source, name: str) -> Array:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return as_numbers(column.values).to_numpy()


def _runs(source: Source, apart: Sequence[Field]) -> Array:
    change = pl.Series([False]).new_from_index(0, source.num_rows).to_numpy().copy()
    for field in apart:
        column = source.columns[field.name]
        assert isinstance(column, TableColumn)
        change[1:] |= column.values.ne_missing(column.values.shift(1)).to_numpy()[1:]
    return np.cumsum(change)
