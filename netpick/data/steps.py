"""Tables of steps, one a row, as sensors write them: cut into windows of equal length, each a series with the label of its steps.

A window never crosses from one label, person or file to another: it ends where any of them changes. What is left behind the last
whole window of such a run is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from netpick.errors import DataError, near_matches
from netpick.types import Array, ArrayColumn, Column, Cut, Note, Source, TableColumn

COLUMN = "series"
RUN = "run"


def cut_steps(source: Source, cut: Cut, groups: Sequence[str] = ()) -> Source:
    """A row a window: its series, and what the columns `apart` that are there say of it. Raises DataError where none is whole.

    groups: columns of those that name who wears the sensor; where there are none, the windows of a run are kept together.
    """
    missing = next((name for name in cut.channels if name not in source.columns), None)
    if missing is not None:
        raise DataError(
            f"{source.name} has no column '{missing}', but its steps are read from {', '.join(cut.channels)}."
            f"{near_matches(missing, source.columns)} Add the column, or name it as in training."
        )
    apart = [name for name in cut.apart if name in source.columns]
    run = _runs(source, apart)
    starts = _starts(run, cut.steps)
    if not len(starts):
        longest = int(np.bincount(run).max()) if len(run) else 0
        raise DataError(
            f"{source.name} has no {cut.steps:,} steps of one {' and '.join(apart) or 'series'} in a row, but a window takes as many; the "
            f"longest run has {longest:,}. Pass fewer with --cut, or longer recordings."
        )
    rows = starts[:, None] + np.arange(cut.steps)
    channels = [_numbers(source.columns[name])[rows] for name in cut.channels]
    columns: dict[str, Column] = {
        COLUMN: ArrayColumn(name=COLUMN, values=np.stack(channels, axis=2).astype(np.float32), kind="series")
    }
    for name in apart:
        column = source.columns[name]
        assert isinstance(column, TableColumn)
        columns[name] = TableColumn(name=name, values=column.values.gather(pl.Series(starts)))
    runs = {} if groups else {RUN: TableColumn(name=RUN, values=pl.Series(RUN, run[starts]))}
    left = source.num_rows - len(starts) * cut.steps
    text = (
        f"{source.num_rows:,} steps are {len(starts):,} windows of {cut.steps:,}, in {len(np.unique(run)):,} runs of one "
        f"{' and '.join(apart) or 'recording'}; {left:,} steps behind the last whole window of a run are left out."
    )
    given = None if source.given_split is None else source.given_split[starts]
    return replace(
        source,
        columns={**columns, **runs},
        groups=tuple(groups) or (RUN,),
        num_rows=len(starts),
        given_split=given,
        notes=[*source.notes, Note(subject="windows", text=text, override="--cut")],
        row_names=[f"rows {start + 1:,} to {start + cut.steps:,}" for start in starts.tolist()],
        formats={name: kept for name, kept in source.formats.items() if name in columns},
        strays={},
        cut=cut,
    )


def _runs(source: Source, apart: Sequence[str]) -> Array:
    """The number (N,) of the run that each row is in."""
    change = np.zeros(source.num_rows, dtype=bool)
    for name in apart:
        column = source.columns[name]
        assert isinstance(column, TableColumn)
        values = column.values.rank("dense").fill_null(0).to_numpy()
        change[1:] |= values[1:] != values[:-1]
    if source.given_split is not None:
        change[1:] |= source.given_split[1:] != source.given_split[:-1]
    return np.cumsum(change)


def _starts(run: Array, steps: int) -> Array:
    """Where the whole windows of all runs begin."""
    first = np.flatnonzero(np.diff(run, prepend=-1))
    lengths = np.diff(first, append=len(run))
    parts = [start + steps * np.arange(length // steps) for start, length in zip(first, lengths, strict=True)]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)


def _numbers(column: Column) -> Array:
    assert isinstance(column, TableColumn)
    return np.asarray(column.values.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy())
