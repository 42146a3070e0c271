"""Tables that lie on their side: a series a row, its days or years as columns. They are turned: a row a step.

A table is turned only where the names of its columns are times in equal steps, or days and weeks that are numbered, and
something tells its rows apart; nobody asks for a target of it then.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from netpick.data.formats import Neighbours
from netpick.data.formats.reading import find_alone
from netpick.types import CellFormat, Note, Source, TableColumn

FEWEST = 8  # columns that are steps
MOST_OTHERS = 0.5  # share of the columns that are none
YEAR = re.compile(r"(?:Y|YR|year|FY)?[ _]?((?:1[6-9]|20|21)\d\d)(?: ?\[YR\d{4}\])?", re.IGNORECASE)
NUMBERED = re.compile(r"(d|day|w|wk|week|m|mo|month|q|quarter|h|hour|t|step|period)[ _.-]?(\d+)", re.IGNORECASE)
TARGETS = {"target", "label", "labels", "class", "outcome", "y"}  # a column of such a name makes the others features
VALUE, TIME, STEP = "value", "time", "step"
MOST_CELLS = 500_000_000


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The columns that are steps, what step each of them is, and the columns that tell the series apart."""

    steps: tuple[str, ...]
    times: pl.Series
    ids: tuple[str, ...]
    others: tuple[str, ...]  # left out
    numbered: bool


def turned(source: Source) -> Source:
    """The source with a row a step where its table lies on its side; else the source itself."""
    sides = _sides(source)
    if sides is None:
        return source
    taken = set(sides.ids)
    time = _free(STEP if sides.numbered else TIME, taken)
    value = _free(VALUE, {*taken, time})
    ids = [_values(source, name).alias(name) for name in sides.ids] or [
        pl.Series("series", range(1, source.num_rows + 1)).cast(pl.String)
    ]
    wide = pl.DataFrame(
        [*ids, *(_values(source, name).cast(pl.Float64).alias(f"\0{i}") for i, name in enumerate(sides.steps))]
    )
    long = wide.unpivot(index=[one.name for one in ids], variable_name=time, value_name=value)
    places = long[time].str.slice(1).cast(pl.Int64)
    long = long.with_columns(sides.times.gather(places).alias(time)).drop_nulls(value)
    names = [one.name for one in ids]
    long = long.select(*names, time, value).sort([*names, time])
    texts = f"{sides.steps[0]}, {sides.steps[1]}, ..., {sides.steps[-1]}"
    text = f"The table lies on its side: its columns {texts} are {len(sides.steps):,} steps. It is turned: '{time}' and '{value}', a row a step"
    text += f", {source.num_rows:,} series by '{','.join(names)}'." if source.num_rows > 1 else "."
    if sides.others:
        text += f" Left out: {', '.join(repr(name) for name in sides.others[:4])}{', ...' if len(sides.others) > 4 else ''}."
    kept: dict[str, CellFormat] = {name: way for name, way in source.formats.items() if name in names}
    return replace(
        source,
        columns={one.name: TableColumn(name=one.name, values=one) for one in long.get_columns()},
        num_rows=len(long),
        notes=[*source.notes, Note(subject="turned", text=text, override="--target")],
        formats=kept,
        strays={},
        missing_words={},
        not_read={},
        row_names=None,
    )


def _sides(source: Source) -> Sides | None:
    if source.target is not None or source.given_split is not None:
        return None
    tables = {name: c.values for name, c in source.columns.items() if isinstance(c, TableColumn)}
    if len(tables) < len(source.columns) or len(tables) < FEWEST:
        return None
    steps = _steps(list(tables))
    if steps is None or not all(_may_be_values(tables[name]) for name in steps[0]):
        return None
    names, times, numbered = steps
    rest = [name for name in tables if name not in names and tables[name].null_count() < len(tables[name])]
    if len(rest) > MOST_OTHERS * len(tables) or any(name.strip().lower() in TARGETS for name in rest):
        return None
    if len(names) * source.num_rows > MOST_CELLS or all(tables[name].null_count() == source.num_rows for name in names):
        return None
    ids = _ids(tables, rest, source.num_rows)
    if ids is None or (numbered and not ids):
        return None
    return Sides(
        steps=tuple(names),
        times=times,
        ids=tuple(ids),
        others=tuple(name for name in rest if name not in ids),
        numbered=numbered,
    )


def _may_be_values(series: pl.Series) -> bool:
    return series.dtype.is_numeric() or series.null_count() == len(series)


def _steps(names: Sequence[str]) -> tuple[list[str], pl.Series, bool] | None:
    """The columns whose names are times or numbers in a row, the steps, and whether they are mere numbers."""
    years = [(name, int(match[1])) for name in names if (match := YEAR.fullmatch(name.strip())) is not None]
    if len(years) >= FEWEST and _rise([year for _, year in years]):
        return (
            [n for n, _ in years],
            pl.Series([datetime(year, 1, 1) for _, year in years], dtype=pl.Datetime("us")),
            False,
        )
    numbered = [(name, match) for name in names if (match := NUMBERED.fullmatch(name.strip())) is not None]
    if len(numbered) >= FEWEST and len({match[1].lower() for _, match in numbered}) == 1:
        numbers = [int(match[2]) for _, match in numbered]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return [name for name, _ in numbered], pl.Series(numbers, dtype=pl.Int64), True
    dated = [name for name in names if sum(map(str.isdigit, name)) >= 3]
    if len(dated) < FEWEST:
        return None
    values = _times(pl.Series("names", dated))
    if values is None:
        return None
    read = values.is_not_null()
    times = values.filter(read)
    kept = [name for name, is_time in zip(dated, read.to_list(), strict=True) if is_time]
    return (
        (kept, times, False) if len(kept) >= FEWEST and times.is_sorted() and times.n_unique() == len(times) else None
    )


def _times(names: pl.Series) -> pl.Series | None:
    """Names as times, those of other columns missing."""
    for pattern in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        values = names.str.strip_chars().str.to_datetime(pattern, strict=False, time_unit="us")
        if values.drop_nulls().len() >= FEWEST:
            return values
    months = (names.str.strip_chars() + "-01").str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
    if months.drop_nulls().len() >= FEWEST:
        return months
    dates = find_alone(names, Neighbours())
    return dates.values.cast(pl.Datetime("us")) if dates is not None and dates.values.dtype.is_temporal() else None


def _rise(numbers: Sequence[int]) -> bool:
    return all(one < two for one, two in itertools.pairwise(numbers))


def _ids(tables: dict[str, pl.Series], rest: Sequence[str], rows: int) -> list[str] | None:
    """The fewest columns that are different in every row; [] for a table without any; None where rows cannot be told apart."""
    if not rest:
        return []
    words = [name for name in rest if tables[name].dtype == pl.String or tables[name].dtype.is_integer()]
    for name in words:
        if tables[name].n_unique() == rows and tables[name].dtype == pl.String and tables[name].null_count() == 0:
            return [name]
    chosen: list[str] = []
    for name in words:
        if tables[name].n_unique() == 1:
            continue
        chosen.append(name)
        if pl.DataFrame([tables[one] for one in chosen]).n_unique() == rows:
            return chosen if len(chosen) <= 3 else None
    return [] if rows == 1 else None


def _values(source: Source, name: str) -> pl.Series:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    values = column.values
    assert isinstance(values, pl.Series)
    return values


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else f"{name}_2"
