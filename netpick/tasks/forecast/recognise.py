"""Whether a table asks for a forecast: times in even steps, and a column of numbers that is named, or stands out.

Where the times are there but no forecast can be made of them, what stands in the way is kept, so that it can be told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from netpick.columns.kinds import KINDS
from netpick.columns.kinds.cells import as_numbers
from netpick.errors import DataError, RequestError
from netpick.tasks.forecast.timeline import (
    RepeatedRowsError,
    Timeline,
    TimelineRequest,
    find_time,
    make_timeline,
    table_columns,
)
from netpick.tasks.likely_targets import FEW
from netpick.types import Source, TableColumn

FEWEST_STEPS = 10  # of the longest series
CLASS_NAMES = ("label", "labels", "class", "outcome")  # of columns that are predicted row by row
SERIES_TARGETS = ("y", "target", "value", "sales", "demand", "quantity", "qty", "units", "orders", "consumption")


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Whether a forecast is meant, and why; or why none can be made of a table that has times."""

    is_forecast: bool = False
    reason: str = ""
    obstacle: str = ""


def recognise(source: Source, target: Sequence[str] = (), drop: Sequence[str] = ()) -> Recognised:
    """What the table says. target: columns that the user named; () where there are none."""
    if source.target is not None or source.given_split is not None or source.num_rows < FEWEST_STEPS:
        return Recognised()
    kept = {name: column for name, column in source.columns.items() if name not in drop}
    table = table_columns(kept)
    left = replace(source, columns=kept)
    time = find_time(left)
    if len(table) != len(kept) or not time:
        return Recognised()
    if any(name not in table or name in time or not _is_quantity(table[name]) for name in target):
        return Recognised()
    by = f"by '{','.join(time)}'"
    try:
        timeline = make_timeline(left, TimelineRequest(time=time, targets=tuple(target)))
    except (DataError, RequestError) as error:
        rest = [name for name in table if name not in time]
        names_series = isinstance(error, RepeatedRowsError) and set(_texts(table, rest)) <= set(error.ids)
        if isinstance(error, RepeatedRowsError) and any(name.strip().lower() in CLASS_NAMES for name in error.ids):
            return Recognised()  # classes come again at a time, as series do not
        return Recognised(obstacle=str(error) if target or names_series or not _texts(table, rest) else "")
    if timeline.lengths.max() < FEWEST_STEPS:
        return Recognised()
    if target:
        return Recognised(
            is_forecast=True, reason=f"the rows are {timeline.step.words} {by}; regress predicts row by row"
        )
    rest = [name for name in table if name not in time and name not in timeline.id_columns]
    numbers = [name for name in rest if _reads_as_number(table[name])]
    static = static_columns(left, timeline)
    named = series_target([name for name in numbers if name not in static])
    if any(name.strip().lower() in CLASS_NAMES for name in rest) or not set(numbers) - set(static):
        return Recognised()
    if set(rest) - set(numbers) - set(static) and not named:
        return Recognised()
    reason = f"'{named}' {by}" if named and len(rest) > 1 else "nothing but times and numbers"
    return Recognised(is_forecast=True, reason=reason)


def series_target(numbers: Sequence[str]) -> str | None:
    """The one column of numbers whose name says that it is what is forecast; None where none or several do."""
    found = [name for name in numbers if SERIES_TARGETS_WORDS & set(_words(name))]
    exact = [name for name in found if name.strip().lower() in SERIES_TARGETS]
    chosen = exact or found
    return chosen[0] if len(chosen) == 1 else None


def static_columns(source: Source, timeline: Timeline) -> tuple[str, ...]:
    """Columns that hold one value in each of several series."""
    if len(timeline.ids) < 2:
        return ()
    present = timeline.rows >= 0
    rows, series = timeline.rows[present], timeline.series[present]
    found = []
    for name, cells in table_columns(source.columns).items():
        if name in timeline.time_columns or name in timeline.id_columns:
            continue
        frame = pl.DataFrame({"series": series, "cell": cells.gather(pl.Series(rows))}).drop_nulls("cell")
        if len(frame) and frame.group_by("series").agg(pl.col("cell").n_unique())["cell"].max() == 1:
            found.append(name)
    return tuple(found)


def known_ahead(source: Source, timeline: Timeline, targets: Sequence[str]) -> tuple[str, ...]:
    """Columns that are filled in all rows behind the last known target of their series, where there are such rows."""
    table = table_columns(source.columns)
    present = timeline.rows >= 0
    rows, series, positions = timeline.rows[present], timeline.series[present], timeline.positions[present]
    some = np.zeros(source.num_rows, dtype=bool)
    for name in targets:
        some |= as_numbers(table[name]).is_not_null().to_numpy()
    last = np.full(len(timeline.ids), -1, dtype=np.int64)
    np.maximum.at(last, series[some[rows]], positions[some[rows]])
    behind = rows[(positions > last[series]) & (last[series] >= 0)]
    if not len(behind):
        return ()
    taken = {*targets, *timeline.time_columns, *timeline.id_columns}
    static = static_columns(source, timeline)
    chosen = pl.Series(behind)
    return tuple(
        name for name, cells in table.items() if name not in (*taken, *static) and not cells.gather(chosen).null_count()
    )


SERIES_TARGETS_WORDS = set(SERIES_TARGETS)


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _texts(table: dict[str, pl.Series], names: Sequence[str]) -> list[str]:
    return [name for name in names if not _reads_as_number(table[name])]


def _reads_as_number(series: pl.Series) -> bool:
    return KINDS["number"].claim(TableColumn(name=series.name, values=series)) is not None


def _is_quantity(series: pl.Series) -> bool:
    """Whether a column is read as numbers, and not as classes: two values, or a few whole ones without a name that tells more."""
    column = TableColumn(name=series.name, values=series)
    claims = {name: KINDS[name].claim(column) for name in ("number", "category", "boolean")}
    made = {name: claim.strength for name, claim in claims.items() if claim is not None}
    if not made or max(made, key=lambda name: made[name]) != "number":
        return False
    whole = series.dtype.is_integer() and series.n_unique() <= FEW
    return not whole or bool(SERIES_TARGETS_WORDS & set(_words(series.name)))
