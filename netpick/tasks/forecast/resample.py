"""Rows at any times brought to one row a step: means or sums of the targets, means of other numbers, the last of all else.

Asked for with --every, never done by itself: what is read is then no longer what was measured. A model file holds the rule, so
that new rows are brought to the same steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_numbers, series_of
from netpick.errors import DataError, RequestError
from netpick.tasks.examples.base import ExampleRequest
from netpick.tasks.forecast.state import Resampling
from netpick.tasks.forecast.timeline import TimelineRequest, find_ids, find_time, table_columns, times_of
from netpick.tasks.forecast.timesteps import DAY, HOUR, MINUTE, SECOND
from netpick.types import Array, Note, Source, TableColumn
from netpick.types.words import counted, listed

SPAN = re.compile(r"^([1-9]\d{0,2}) ?(s|sec|m|min|h|hours?|d|days?|w|weeks?|mo|months?|q|y)$")
UNITS = {"sec": "s", "min": "m", "hour": "h", "day": "d", "week": "w", "month": "mo"}
USUAL = {f"{n}{unit}": n * size for unit, size, counts in (
    ("s", SECOND, (1, 5, 10, 15, 30)), ("m", MINUTE, (1, 5, 10, 15, 30)), ("h", HOUR, (1, 2, 3, 6, 12)), ("d", DAY, (1,)), ("w", 7 * DAY, (1,)),
) for n in counts}  # fmt: skip
UNUSUAL = 0.1  # share of the steps that begin later, or end earlier, than a first or last step may
FILLED = 0.9  # of the steps that have to have a row, for the shortest usual step to be taken
EXAMPLES = "--every 15min, 1h, 1d, 1w or 1mo; with :sum they are added up (1d:sum); --every auto finds a step"


def resampled(source: Source, request: ExampleRequest) -> tuple[Source, ExampleRequest, Resampling | None]:
    """The table with a row a step, as --every asks for, with a note that says so, the request for it, and the rule. Raises
    RequestError or DataError."""
    if request.every is None:
        return source, request, None
    every, how = _asked(request.every)
    time = request.time or find_time(source)
    if not time:
        raise RequestError(
            f"--every {request.every} was passed, but {source.name} has no column of times. Name it with --time COLUMN."
        )
    notes: list[Note] = []
    times, numbers = times_of(source, time, notes)
    if numbers:
        raise RequestError(
            f"--every {request.every} was passed, but column '{time[0]}' counts steps and tells no times. Leave --every out."
        )
    ids = request.ids or find_ids(source, time, times, TimelineRequest(targets=request.target))
    every = every or _usual(times, _codes(source, ids))
    table = {name: series for name, series in table_columns(source.columns).items() if name not in (*time, *ids)}
    numeric = [name for name, series in table.items() if series.dtype.is_numeric() or name in request.target]
    summed = tuple(name for name in numeric if how == "sum" and name in (request.target or numeric))
    rule = Resampling(
        every=every, time=time, ids=ids, summed=summed, averaged=tuple(n for n in numeric if n not in summed)
    )
    made = _with_steps(source, rule, times, request.target or tuple(numeric))
    told = replace(made, notes=(*source.notes, *notes, _note(source, made, rule)))
    return told, replace(request, time=time[:1], ids=ids), rule


def resampled_again(source: Source, rule: Resampling, targets: Sequence[str]) -> Source:
    """New rows brought to the steps of training. Raises DataError."""
    for name in (*rule.time, *rule.ids, *targets):
        if name not in table_columns(source.columns):
            raise DataError(
                f"{source.name} has no column '{name}', but the model reads it. Pass a table like that of training."
            )
    times, _ = times_of(source, rule.time, [])
    return _with_steps(source, rule, times, targets)


def _asked(text: str) -> tuple[str, Literal["mean", "sum"]]:
    """The span, "" for one that is to be found, and how rows are taken together."""
    span, _, how = text.strip().lower().partition(":")
    match = SPAN.match(span)
    if (match is None and span != "auto") or how not in ("", "mean", "sum"):
        raise RequestError(f"--every {text} cannot be read. Pass {EXAMPLES}. (Steps of training are --steps.)")
    unit = "" if match is None else match[2].removesuffix("s") if len(match[2]) > 1 else match[2]
    return "" if match is None else f"{match[1]}{UNITS.get(unit, unit)}", "sum" if how == "sum" else "mean"


def _codes(source: Source, ids: Sequence[str]) -> Array:
    keys = [as_key.cast(pl.String) for name in ids if (as_key := series_of(source.columns[name])) is not None]
    if not keys:
        return np.zeros(source.num_rows, dtype=np.int64)
    return pl.DataFrame(keys).with_row_index("row").select(pl.struct(pl.exclude("row")).rank("dense"))[:, 0].to_numpy()


def _usual(times: Array, codes: Array) -> str:
    """The shortest usual step at which nearly all steps have a row."""
    for every, size in USUAL.items():
        places = np.unique(np.stack([codes, (times + 3 * DAY) // size]), axis=1)  # weeks begin on Mondays
        _, first = np.unique(places[0], return_index=True)
        last = np.append(first[1:], places.shape[1]) - 1
        if places.shape[1] >= FILLED * float((places[1, last] - places[1, first] + 1).sum()):
            return every
    raise DataError("No usual step has rows at nearly all of its places. Pass a longer one: --every 1mo, for example.")


def _with_steps(source: Source, rule: Resampling, times: Array, targets: Sequence[str]) -> Source:
    """A row a series and step, in the order of series and times."""
    frame = pl.DataFrame(
        [series.alias(name) for name, series in table_columns(source.columns).items() if name not in rule.time]
    )
    present = [name for name in (*rule.summed, *rule.averaged) if name in frame.columns]
    frame = frame.with_columns(as_numbers(frame[name]).alias(name) for name in present)
    key = rule.time[0]
    frame = frame.with_columns(pl.Series(key, times).cast(pl.Datetime("us")).alias(key)).sort(key, maintain_order=True)
    frame = _without_begun(frame, rule, [name for name in targets if name in rule.summed and name in frame.columns])
    kept = [name for name in frame.columns if name not in (key, *rule.ids)]
    steps = frame.group_by([*rule.ids, pl.col(key).dt.truncate(rule.every)], maintain_order=True).agg(
        _together(name, rule) for name in kept
    )
    steps = steps.sort([*rule.ids, key], maintain_order=True)
    columns = {name: TableColumn(name=name, values=steps[name]) for name in steps.columns}
    order = [name for name in source.columns if name in columns]
    return replace(
        source,
        columns={name: columns[name] for name in order},
        num_rows=len(steps),
        row_names=None,
        strays={},
        unreadable=(),
    )


def _together(name: str, rule: Resampling) -> pl.Expr:
    column = pl.col(name)
    if name in rule.summed:
        return (
            pl.when(column.count() > 0).then(column.sum()).alias(name)
        )  # a step of nothing but missing cells is missing
    return column.mean() if name in rule.averaged else column.drop_nulls().last()


def _without_begun(frame: pl.DataFrame, rule: Resampling, summed: Sequence[str]) -> pl.DataFrame:
    """Without the known rows of a first step that began late, or of a last one that ends early: the sum of half a week would look
    like a bad week. What is late and early, the steps between them show. Rows of the future, whose targets are empty, stay: what
    is known ahead stands in them."""
    if not summed:
        return frame
    key, of = rule.time[0], [pl.lit(0), *map(pl.col, rule.ids)]
    step = pl.col(key).dt.truncate(rule.every)
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in summed)
    rows = frame.with_columns(__known=known, __step=step, __offset=(pl.col(key) - step).cast(pl.Int64))
    at = pl.when("__known").then("__step")
    first, last = pl.col("__step") == at.min().over(of), pl.col("__step") == at.max().over(of)
    offset = pl.when("__known").then("__offset")
    rows = rows.with_columns(
        __begins=offset.min().over([*of, "__step"]), __ends=offset.max().over([*of, "__step"]), __inner=~(first | last)
    )
    late = pl.when("__inner").then("__begins").quantile(1 - UNUSUAL).over(of)
    early = pl.when("__inner").then("__ends").quantile(UNUSUAL).over(of)
    begun = (first & (pl.col("__begins") > late)) | (last & (pl.col("__ends") < early))
    return rows.filter(~(pl.col("__known") & begun.fill_null(False))).select(frame.columns)


def _note(source: Source, made: Source, rule: Resampling) -> Note:
    ways = [
        f"{word} of {listed(list(names), 4)}"
        for word, names in (("sums", rule.summed), ("means", rule.averaged))
        if names
    ]
    text = f"{source.num_rows:,} rows brought to {counted(made.num_rows, 'step')} of {rule.every}: {', '.join(ways)}; of other columns the last cell"
    if rule.summed:
        text += "; a first or last step that is not whole is left out"
    return Note(subject="every", text=text, override="--every")
