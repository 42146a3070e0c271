"""Sums of series beside the series themselves: of all, of each region, of each shop of a region, as --hierarchy names the levels.

A sum is a series like any other: what it adds up is its target, other numbers are averaged. Its cells in the columns that it adds
up over are ALL. A step at which a member has no value has no sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_numbers, as_text
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.examples.base import ExampleRequest
from netpick.tasks.forecast.roles import roles_of
from netpick.tasks.forecast.state import Hierarchy, Reconcile
from netpick.tasks.forecast.timeline import ALL, SEPARATOR, TimelineRequest, make_timeline, table_columns, times_of
from netpick.types import Array, Note, Source, TableColumn
from netpick.types.words import counted, listed

TIME, COUNT = "(time)", "(count)"  # columns while sums are made
METHODS = get_args(Reconcile)
MOST_CELLS = 8_000_000  # of sums and single series
WORDS = {
    "mint": "weighed by the covariance of the validation errors (MinT)",
    "wls": "weighed by the variances of the validation errors (WLS)",
    "bottom-up": "sums are those of the single forecasts (bottom-up)",
    "top-down": "the total is divided by the shares of the single forecasts (top-down)",
}


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Which series adds up which: numbers of sums (A,) and of single series (B,), and whether it is a member (A, B)."""

    sums: Array
    singles: Array
    members: Array


def with_sums(source: Source, request: ExampleRequest) -> tuple[Source, ExampleRequest, Hierarchy | None]:
    """The table with rows of sums behind its own, the request for it, and the rule. Raises RequestError or DataError."""
    if request.hierarchy is None:
        return source, request, None
    paths, method = _asked(request.hierarchy, source)
    timeline = make_timeline(source, TimelineRequest(time=request.time, ids=request.ids, targets=request.target))
    if not timeline.id_columns:
        raise RequestError(
            f"--hierarchy {request.hierarchy} was passed, but {source.name} holds one series. Name the columns that tell its series apart: --id."
        )
    if not timeline.time_columns:
        raise RequestError(
            f"--hierarchy {request.hierarchy} needs a column of times, by which rows are added up: --time COLUMN."
        )
    roles = roles_of(source, timeline, request)
    ids = tuple(dict.fromkeys((*(name for path in paths for name in path), *timeline.id_columns)))
    _refuse_changing(source, timeline.id_columns, [name for name in ids if name not in timeline.id_columns])
    numbers = [name for name, kind in roles.kinds.items() if kind == "number" and name not in (*roles.targets, *ids)]
    rule = Hierarchy(
        paths=paths,
        time=timeline.time_columns,
        ids=ids,
        targets=roles.targets,
        averaged=tuple(numbers),
        method=method,
        zeros=timeline.zeros,
    )
    made = with_sums_again(source, rule)
    single = len(timeline.ids)
    names = [SEPARATOR.join(cells) for cells in made_levels(rule)]
    text = f"sums of {counted(single, 'series', 'series')} by {listed(names, 6)}; forecasts are made to add up: {WORDS[rule.method]}"
    note = Note(subject="hierarchy", text=text, override="--hierarchy")
    asked = replace(request, time=timeline.time_columns, ids=ids, target=roles.targets)
    return replace(made, notes=(*made.notes, note)), asked, rule


def made_levels(rule: Hierarchy) -> list[tuple[str, ...]]:
    """The columns of each level that is added up, from the total down."""
    prefixes = [path[:depth] for path in rule.paths for depth in range(len(path) + 1)]
    levels = [level for level in dict.fromkeys(prefixes) if len(level) < len(rule.ids)]
    return [level or ("total",) for level in sorted(levels, key=len)]


def with_sums_again(source: Source, rule: Hierarchy) -> Source:
    """The table with the sums of this rule: new rows are added up as those of training were. Raises DataError."""
    table = table_columns(source.columns)
    for name in (*rule.time, *rule.ids, *rule.targets):
        if name not in table:
            raise DataError(
                f"{source.name} has no column '{name}', but the model adds up by it. Pass a table like that of training."
            )
    times, _ = times_of(source, rule.time, [])
    frame = pl.DataFrame([series.alias(name) for name, series in table.items()]).with_columns(
        *(as_text(table[name]).alias(name) for name in rule.ids),
        *(_plain(table[name]).alias(name) for name in rule.targets),
        *(as_numbers(table[name]).cast(pl.Float64).alias(name) for name in rule.averaged if name in table),
    )
    single = ~pl.any_horizontal(pl.col(name) == ALL for name in rule.ids).fill_null(False)
    frame = frame.with_columns(pl.Series(TIME, times)).filter(single)
    if not len(frame):
        raise DataError(
            f"{source.name} holds sums ({ALL}) alone, but they are made of single series. Pass the rows of these."
        )
    parts = [frame, *(_added_up(frame, rule, () if level == ("total",) else level) for level in made_levels(rule))]
    whole = pl.concat(parts, how="vertical").drop(TIME)
    columns = {name: TableColumn(name=name, values=whole[name]) for name in whole.columns}
    return replace(source, columns=columns, num_rows=len(whole), row_names=None, strays={}, unreadable=())


def levels_of(ids: Sequence[str], rule: Hierarchy) -> list[str]:
    """The level of each series, as people would call it: total, the columns that a sum is of, or single series."""
    levels = []
    for name in ids:
        cells = name.split(SEPARATOR)
        kept = [column for column, cell in zip(rule.ids, cells, strict=False) if cell != ALL]
        levels.append("single series" if len(kept) == len(rule.ids) else SEPARATOR.join(kept) or "total")
    return levels


def structure_of(ids: Sequence[str], count: int) -> Structure:
    """From the names of series, whose cells in `count` columns stand side by side. Raises DataError."""
    cells = [name.split(SEPARATOR) for name in ids]
    odd = next((name for name, parts in zip(ids, cells, strict=True) if len(parts) != count), None)
    if odd is not None:
        raise DataError(
            f"Series '{odd}' has '{SEPARATOR.strip()}' in its name, by which levels are parted. Write the name without it."
        )
    table = np.array(cells, dtype=object).reshape(len(ids), count)
    free = table == ALL
    sums, singles = np.flatnonzero(free.any(axis=1)), np.flatnonzero(~free.any(axis=1))
    if len(sums) * len(singles) > MOST_CELLS:
        raise DataError(
            f"{len(sums):,} sums of {len(singles):,} series are more than are made to add up. Pass fewer levels with --hierarchy."
        )
    alike = [((table[singles] == table[i]) | free[i]).all(axis=1) for i in sums.tolist()]
    members = np.array(alike, dtype=bool).reshape(len(sums), len(singles))
    return Structure(sums=sums, singles=singles, members=members)


def _asked(text: str, source: Source) -> tuple[tuple[tuple[str, ...], ...], Reconcile]:
    """Columns of the levels, and how forecasts are made to add up."""
    levels, _, how = text.rpartition(":")
    method = next((method for method in METHODS if how.strip() == method), None)
    paths = tuple(tuple(name.strip() for name in path.split("/")) for path in (levels if method else text).split(","))
    for name in (name for path in paths for name in path):
        if name not in source.columns:
            raise RequestError(
                f"--hierarchy {text} names a column '{name}', which {source.name} does not have.{near_matches(name, source.columns)} "
                "Name levels from the largest to the smallest: region/shop, or region/shop,category for two ways of adding up; "
                f"behind them, perhaps, how forecasts are made to add up: {', '.join(f':{method}' for method in METHODS)}."
            )
    return paths, method or "mint"


def _refuse_changing(source: Source, ids: Sequence[str], levels: Sequence[str]) -> None:
    """A series belongs to one region."""
    table = table_columns(source.columns)
    for name in levels:
        counts = pl.DataFrame([table[n].alias(n) for n in (*ids, name)]).group_by(ids).agg(pl.col(name).n_unique())
        changing = counts.filter(pl.col(name) > 1).sort(ids)
        if len(changing):
            who = SEPARATOR.join(str(cell) for cell in changing.select(ids).row(0))
            raise DataError(
                f"Column '{name}' changes within series '{who}', but a level of --hierarchy has one value a series. Name another column, or "
                f"tell series apart by it too: --id {','.join((*ids, name))}."
            )


def _plain(series: pl.Series) -> pl.Series:
    return series.cast(pl.Int64) if series.dtype.is_integer() else as_numbers(series).cast(pl.Float64)


def _added_up(frame: pl.DataFrame, rule: Hierarchy, level: Sequence[str]) -> pl.DataFrame:
    """A row a time and group of this level, with the columns of the table in their order."""
    rest = [name for name in frame.columns if name not in (TIME, *rule.time, *rule.ids)]
    sums = frame.group_by([TIME, *level], maintain_order=True).agg(
        *(pl.col(name).first() for name in rule.time),
        *(_together(frame, name, rule) for name in rest),
        pl.len().alias(COUNT),
    )
    if not rule.zeros:
        whole = pl.Series(_members_at(frame, sums, rule, level)) == sums[COUNT]
        sums = sums.with_columns(pl.when(whole).then(pl.col(name)).alias(name) for name in rule.targets)
    sums = sums.with_columns(pl.lit(ALL).alias(name) for name in rule.ids if name not in level)
    return sums.select(pl.col(name).cast(frame.schema[name]) for name in frame.columns)


def _members_at(frame: pl.DataFrame, sums: pl.DataFrame, rule: Hierarchy, level: Sequence[str]) -> Array:
    """(n,) how many series each sum has at its step: those that have begun and not ended."""
    spans = frame.group_by(rule.ids, maintain_order=True).agg(
        pl.col(TIME).min().alias("first"), pl.col(TIME).max().alias("last")
    )
    keys = [pl.lit(0).alias("group"), *map(pl.col, level)]
    found = np.zeros(len(sums), dtype=np.int64)
    of_group = dict(iter(spans.group_by(keys)))
    for key, part in sums.with_row_index("place").group_by(keys):
        members, at = of_group[key], part[TIME].to_numpy()
        begun = np.searchsorted(np.sort(members["first"].to_numpy()), at, side="right")
        found[part["place"].to_numpy()] = begun - np.searchsorted(np.sort(members["last"].to_numpy()), at, side="left")
    return found


def _together(frame: pl.DataFrame, name: str, rule: Hierarchy) -> pl.Expr:
    column, kind = pl.col(name), frame.schema[name]
    if name in rule.targets:
        return pl.when(column.null_count() == 0).then(column.sum()).alias(name)
    if kind.is_numeric() or kind == pl.Boolean:
        mean = column.cast(pl.Float64).mean()
        if kind == pl.Boolean:
            return (mean >= 0.5).alias(name)
        return (mean.round() if kind.is_integer() else mean).alias(name)
    same = column.drop_nulls().n_unique() == 1
    other = pl.lit(ALL) if kind == pl.String else pl.lit(None, dtype=kind)
    return pl.when(same).then(column.drop_nulls().first()).otherwise(other).alias(name)
