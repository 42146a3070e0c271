"""From a table to regular series: which column is the time, which name series, and one row a step for each of them.

Rows out of order are sorted, gaps become steps without a row, and both are said. What cannot be put right without
guessing is refused with the fix: two rows at one time, steps of no regular length, times with and without a zone.
It deliberately computes nothing from the values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from netpick.columns.kinds.calendar import calendar_columns, counts_years
from netpick.columns.kinds.cells import as_numbers, as_text, series_of
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.forecast.clock_changes import skipped_hours, without_second_hours
from netpick.tasks.forecast.demand import sold_alone
from netpick.tasks.forecast.irregular import irregular, quoted, span_words
from netpick.tasks.forecast.times import counted_rows, read_times, unread_part
from netpick.tasks.forecast.timesteps import DAY, MISSING, Counted, Step, infer_step, jittered_step, snapped
from netpick.types import Array, Column, Note, Source, TableColumn

TIME_WORDS = ("date", "time", "timestamp", "datetime", "ds", "day", "month", "week", "period", "year")
COUNT_WORDS = {"t", "time", "step", "index", "no", "nr", "row", "period", "year", "timestep", "time_idx", "tick"}
SERIES_WORDS = {"id", "series", "unique", "item", "store", "sku", "product", "sensor", "station", "region", "city"}
SERIES_WORDS |= {"country", "location", "site", "meter", "name", "symbol", "ticker", "key", "group", "state", "code"}
SEPARATOR = " | "  # of the cells in the name of a series
ALL = "(all)"  # cell of a sum of series in a column that it adds up over
MOST_STEPS = 100_000_000
MOST_GAPS = 0.6  # share of the steps without a row from which on data are called irregular
GAP, ZERO = -1, -2  # steps without a row: nothing is known of them, or the targets are 0
SOLD = 0.1  # share of the steps without a row from which on they are zeros of demand
MOST_ID_COLUMNS = 3
SPARSE, DENSE = 0.5, 0.9  # shares of the steps of a series that have a row
MOST_DISTINCT = 0.8  # share of the rows that columns have to tell apart to be ids where rows come twice


@dataclass(frozen=True, kw_only=True)
class TimelineRequest:
    """What the user said about times and series; empty means: infer it."""

    time: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    step: Step | None = None  # of a model's training: new data have to keep it
    zeros: bool | None = None  # likewise: steps without a row are zeros
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Series on a regular grid, one behind the other: N steps in all, of S series."""

    step: Step
    time_columns: tuple[str, ...]  # empty: the rows are the steps, in the order of the file
    id_columns: tuple[str, ...]
    ids: tuple[str, ...]  # of the S series; ("",) for one without a name
    starts: Array  # (S + 1,) number of the first step of each series, N at the end
    first: Array  # (S,) position of that step on the grid
    rows: Array  # (N,) row of the source at each step, GAP or ZERO without one
    zeros: bool = False  # steps without a row are zeros of the targets
    notes: tuple[Note, ...] = field(default=())

    @property
    def num_steps(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> Array:
        """(S,) steps of each series."""
        return np.asarray(np.diff(self.starts))

    @property
    def series(self) -> Array:
        """(N,) number of the series of each step."""
        return np.repeat(np.arange(len(self.ids)), self.lengths)

    @property
    def positions(self) -> Array:
        """(N,) place of each step on the grid that all series share."""
        within = np.arange(self.num_steps) - np.repeat(self.starts[:-1], self.lengths)
        return np.asarray(np.repeat(self.first, self.lengths) + within)

    def times(self, positions: Array) -> Array:
        """Times of grid positions, int64."""
        return np.asarray(self.step.times(positions))


def find_time(source: Source, *, counts: bool = False) -> tuple[str, ...]:
    """The columns that tell when a row happened; () without any. counts: a column that numbers steps will do too."""
    names = [name for name, column in source.columns.items() if series_of(column) is not None]
    texts = [name for name in names if _reads_as_times(source, name)]
    if texts:
        named = [name for name in texts if set(re.split(r"[^a-z]+", name.lower())) & set(TIME_WORDS)]
        return _with_clock(source, (named or texts)[0])
    parts = calendar_columns(source.columns, names)
    if parts:
        return parts
    years = [name for name in names if counts_years(source.columns[name])]
    if len(years) == 1 and _comes_once(source, years[0]):  # otherwise it is a property: of a car, its year of make
        return (years[0],)
    if not counts:
        return ()
    for name in names:
        series = series_of(source.columns[name])
        if series is not None and name.strip().lower() in COUNT_WORDS and series.dtype.is_integer():
            values = counted_rows(series)
            if values is not None and len(np.unique(values)) > 1:
                return (name,)
    return ()


def _comes_once(source: Source, name: str) -> bool:
    """Whether none of these years comes twice, or none of a name beside it, as of a country."""
    table = table_columns(source.columns)
    beside = [[], *([text] for text, cells in table.items() if cells.dtype == pl.String)]
    keys = (pl.DataFrame([table[n].alias(n) for n in (name, *more)]) for more in beside)
    return len(table[name]) > 1 and any(key.n_unique() == len(key) for key in keys)


def _with_clock(source: Source, date: str) -> tuple[str, ...]:
    """A column of dates, and the column of times of day beside it where dates alone come again."""
    found = read_times(source.columns, (date,))
    if found is None or (found[0] % DAY != 0).any() or len(np.unique(found[0])) == len(found[0]):
        return (date,)
    for name, kept in source.formats.items():
        if kept.way == "duration" and kept.state.get("of_day"):
            return date, name
    for name, column in source.columns.items():
        series = series_of(column)
        words = set(re.split(r"[^a-z]+", name.lower()))
        if series is not None and series.dtype.is_numeric() and words & {"hour", "hr", "time"}:
            whole = as_numbers(series).drop_nulls()
            if len(whole) == len(series) and bool(whole.is_between(0, 24).all()) and whole.n_unique() > 1:
                return date, name
    return (date,)


def _reads_as_times(source: Source, name: str) -> bool:
    series = series_of(source.columns[name])
    assert series is not None
    if series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        return series.null_count() < 0.5 * max(1, len(series))
    if series.dtype != pl.String:
        return False
    head = series.head(50)
    try:
        found = read_times({name: TableColumn(name=name, values=head)}, (name,))
    except DataError:
        return True
    return found is not None and bool((found[0] != MISSING).mean() > 0.5)


def make_timeline(source: Source, request: TimelineRequest) -> Timeline:
    """Puts the rows of a table on a regular grid. Raises RequestError or DataError with the rows and the fix."""
    for name in (*request.time, *request.ids):
        if name not in source.columns or series_of(source.columns[name]) is None:
            raise RequestError(f"There is no column '{name}' in {source.name}.{near_matches(name, source.columns)}")
    notes: list[Note] = []
    time = request.time or find_time(source, counts=True)
    times, numbers = times_of(source, time, notes)
    ids = request.ids or find_ids(source, time, times, request)
    if ids and not request.ids:
        notes.append(Note(subject="series", text=f"told apart by {quoted(ids)}: times come again", override="--id"))
    names, codes = _codes(source, ids)
    order = np.lexsort((times, codes))
    order = _without_copies(source, (names, codes, times), order, notes)
    order = order if numbers else without_second_hours((codes, times), order, notes)
    _refuse_repeated(source, (time, ids), (times, codes), order)
    kept = np.sort(order)
    moved = _out_of_order(times[kept], codes[kept])
    if moved:
        turned = moved == len(kept) - len(names)
        text = "rows stand from the newest to the oldest" if turned else f"{moved:,} rows were out of order in time"
        notes.append(Note(subject="order", text=f"{text} and were sorted"))
    groups = np.split(times[order], np.flatnonzero(np.diff(codes[order])) + 1)
    step = request.step or infer_step(groups, numbers=numbers)
    if step is None and not numbers:
        step = jittered_step(groups)
    if step is None:
        raise irregular(source, time, groups, numbers=bool(numbers))
    times, farthest = snapped(times, step)
    if farthest:
        text = f"times lie up to {span_words(farthest)} off a regular step ({step.words}); each counts for the nearest"
        notes.append(Note(subject="time", text=text))
    zeros = sold_alone(source, request.targets) if request.zeros is None else request.zeros
    timeline = _on_grid(source, (time, ids), step, (names, codes, order, times), zeros=zeros)
    if request.zeros is None and zeros and (timeline.rows == ZERO).mean() < SOLD:  # gaps, as anywhere else
        timeline = _on_grid(source, (time, ids), step, (names, codes, order, times))
    return _noted(timeline, notes)


def times_of(source: Source, time: Sequence[str], notes: list[Note]) -> tuple[Array, Counted]:
    """Times of all rows, and what they count where they are mere numbers."""
    if not time:
        notes.append(
            Note(subject="time", text="no column tells times: the rows are the steps, as they stand", override="--time")
        )
        return np.arange(source.num_rows, dtype=np.int64), "row"
    found = read_times(source.columns, time)
    if found is None:
        series = series_of(source.columns[time[0]])
        numbers = counted_rows(series) if series is not None else None
        if numbers is None:
            example = next(iter(series.drop_nulls().head(1).to_list()), "nothing") if series is not None else "arrays"
            raise DataError(
                f"Column '{time[0]}' holds {example!r}, which is neither a date nor a whole number, but the time column has "
                "to order the rows. Name another with --time COLUMN, or write dates such as 2024-03-31 14:00."
            )
        return numbers, "year" if counts_years(source.columns[time[0]]) else "row"
    times, remark = found
    if remark:
        notes.append(Note(subject="time zone", text=remark))
    unread = np.flatnonzero(times == MISSING)
    if len(unread):
        row = int(unread[0])
        name = unread_part(source.columns, time, row)
        series = series_of(source.columns[name])
        cell = "nothing" if series is None or series[row] is None else repr(series[row])
        more = len(unread) - 1
        others = f" (and {more:,} more {'row has' if more == 1 else 'rows have'} none)" if more else ""
        raise DataError(
            f"Column '{name}' (row {row + 1}) holds {cell} where every step needs a time of the years 1 to 9999{others}. "
            "Fill in the time or remove these rows."
        )
    return times, ""


def find_ids(source: Source, time: Sequence[str], times: Array, request: TimelineRequest) -> tuple[str, ...]:
    """The fewest columns under which no time comes twice; () when none are needed, or none help."""
    if len(np.unique(times)) == len(times):
        return ()
    usable = []
    for name, column in source.columns.items():
        series = series_of(column)
        if series is None or name in time or name in request.targets or series.dtype.is_float():
            continue
        words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
        if series.dtype == pl.String or (words & SERIES_WORDS and not series.dtype.is_nested()):
            distinct = series.n_unique()
            if 1 < distinct <= len(series) / 2:
                usable.append((not words & SERIES_WORDS, -distinct, name))
    chosen: list[str] = []
    codes = np.zeros(len(times), dtype=np.int64)
    for _, _, name in sorted(usable)[:20]:
        series = series_of(source.columns[name])
        assert series is not None
        more = codes * (series.n_unique() + 1) + _dense(series)
        if _distinct(more, times) > _distinct(codes, times):
            chosen, codes = [*chosen, name], more
        if _distinct(codes, times) == len(times) or len(chosen) == MOST_ID_COLUMNS:
            break
    # A series with rows twice must not hide what tells it from the others: it is named then.
    return tuple(chosen) if chosen and _distinct(codes, times) >= MOST_DISTINCT * len(times) else ()


def _distinct(codes: Array, times: Array) -> int:
    return int(pl.DataFrame({"c": codes, "t": times}).n_unique())


def _dense(series: pl.Series) -> Array:
    return as_text(series).rank("dense").fill_null(0).to_numpy().astype(np.int64)


def _codes(source: Source, ids: Sequence[str]) -> tuple[tuple[str, ...], Array]:
    """Names of the series in the order of their codes, and the code of each row."""
    if not ids:
        return ("",), np.zeros(source.num_rows, dtype=np.int64)
    texts = [as_text(s).fill_null("") for name in ids if (s := series_of(source.columns[name])) is not None]
    joined = texts[0]
    for more in texts[1:]:
        joined = joined + SEPARATOR + more
    names, codes = np.unique(joined.to_numpy().astype(str), return_inverse=True)
    return tuple(map(str, names)), codes.astype(np.int64)


class RepeatedRowsError(DataError):
    """Rows of one series have the same time."""

    def __init__(self, message: str, ids: Sequence[str]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


def _without_copies(
    source: Source, keys: tuple[tuple[str, ...], Array, Array], order: Array, notes: list[Note]
) -> Array:
    """The order without rows that repeat another word for word."""
    names, codes, times = keys
    same = np.flatnonzero((np.diff(times[order]) == 0) & (np.diff(codes[order]) == 0))
    if not len(same):
        return order
    table = pl.DataFrame([series.alias(str(i)) for i, series in enumerate(table_columns(source.columns).values())])
    first, second = table[order[same].tolist()], table[order[same + 1].tolist()]
    if not first.equals(second):
        return order
    which = sorted({names[code] for code in codes[order[same]].tolist()} - {""})
    of = f", all of {', '.join(which[:3])}{', ...' if len(which) > 3 else ''}" if which else ""
    rows = "row repeats another" if len(same) == 1 else "rows repeat others"
    notes.append(Note(subject="copies", text=f"{len(same):,} {rows} word for word{of}; each is read once"))
    return np.delete(order, same + 1)


def _refuse_repeated(
    source: Source, columns: tuple[Sequence[str], Sequence[str]], keys: tuple[Array, Array], order: Array
) -> None:
    times, codes = keys[0][order], keys[1][order]
    same = np.flatnonzero((times[1:] == times[:-1]) & (codes[1:] == codes[:-1]))
    if not len(same):
        return
    time, ids = columns
    first, second = int(order[same[0]]), int(order[same[0] + 1])
    cells = " ".join(str(s[first]) for name in time if (s := series_of(source.columns[name])) is not None)
    of = "', '".join(str(s[first]) for name in ids if (s := series_of(source.columns[name])) is not None)
    who = f" of {quoted(ids)} ('{of}')" if ids else ""
    pairs = f", and {len(same) - 1:,} more such rows follow" if len(same) > 1 else ""
    whose = len(np.unique(codes[same]))
    if ids and len(same) > 1:
        pairs += ", all of that series" if whose == 1 else f", in {whose:,} series"
    raise RepeatedRowsError(
        f"Rows {first + 1} and {second + 1} of {source.name} have the same time {cells}{who}{pairs}, but a series has one "
        "row a step. Add up or average such rows (--every STEP does), remove one of them, or name the columns that tell several series "
        "apart with --id COLUMN.",
        ids,
    )


def _out_of_order(times: Array, codes: Array) -> int:
    """Rows that stand behind a later one of their series."""
    frame = pl.DataFrame({"series": codes, "time": times})
    return int(frame.select((pl.col("time").diff().over("series") < 0).sum()).item())


def _on_grid(
    source: Source,
    columns: tuple[Sequence[str], Sequence[str]],
    step: Step,
    keyed: tuple[tuple[str, ...], Array, Array, Array],
    *,
    zeros: bool = False,
) -> Timeline:
    """One row number a step, GAP where there is none; or ZERO, and then to the last step that any series has."""
    names, codes, order, times = keyed
    time, ids = columns
    positions = step.positions(times[order])
    beside = np.flatnonzero(np.isnan(positions))
    if len(beside):
        rows = np.sort(order[beside])
        row = int(rows[0])
        raise DataError(
            f"Row {row + 1} of {source.name} lies at {step.text(times[row : row + 1])[0]}, beside the {step.words} steps of "
            f"the other rows{f', and so do {len(rows) - 1:,} more' if len(rows) > 1 else ''}. A forecast needs steps of one "
            f"length. Move such rows to the nearest step, or have the rows averaged with --every."
        )
    place = positions.astype(np.int64)
    ordered = codes[order]
    bounds = np.searchsorted(ordered, np.arange(len(names) + 1))
    first, last = place[bounds[:-1]], place[bounds[1:] - 1]
    lengths = (last.max() if zeros else last) - first + 1
    total = int(lengths.sum())
    if total > MOST_STEPS or (not zeros and total > 50 and (total - len(order)) > MOST_GAPS * total):
        share = len(order) / total
        raise DataError(
            f"Only {share:.1%} of the {total:,} {step.words} steps between the first and the last time of {source.name} have "
            "a row. A forecast needs steps of one length without large holes. Bring the rows to a longer step with --every, or "
            "keep the part without holes."
        )
    same = np.flatnonzero((np.diff(place) == 0) & (np.diff(ordered) == 0))
    if len(same):
        one, other = int(order[same[0]]) + 1, int(order[same[0] + 1]) + 1
        raise DataError(
            f"Rows {one} and {other} of {source.name} lie in the same step ({step.words}), and {len(same) - 1:,} more pairs do, but a "
            "series has one row a step. Average such rows with --every STEP (STEP:sum adds them up), or remove one of them."
        )
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.full(total, ZERO if zeros else GAP, dtype=np.int64)
    rows[starts[ordered] + place - first[ordered]] = order
    return Timeline(
        step=step,
        time_columns=tuple(time),
        id_columns=tuple(ids),
        ids=names,
        starts=starts,
        first=first,
        rows=rows,
        zeros=zeros,
    )


def _noted(timeline: Timeline, notes: list[Note]) -> Timeline:
    gaps = int((timeline.rows == GAP).sum())
    said = timeline.step.words
    if timeline.time_columns:
        said += f" by {quoted(timeline.time_columns)}"
    if gaps:
        said += f", {gaps:,} gap{'' if gaps == 1 else 's'} filled forward (they count in no score)"
    if gaps and timeline.step.unit == "duration":
        missing = timeline.times(timeline.positions[timeline.rows == GAP])
        notes += skipped_hours(missing, int(np.ptp(timeline.times(timeline.positions[[0, -1]]))))
    if timeline.zeros:
        said += f"; {(timeline.rows >= 0).mean():.0%} of the steps have a row, none holds 0: the others are read as 0"
    notes.insert(0, Note(subject="steps", text=said, override="--time"))
    if sparse := _sparse_series(timeline):
        notes.insert(1, Note(subject="series", text=sparse, override="--id"))
    if len(timeline.ids) > 1:
        lengths = timeline.lengths
        spread = f"{lengths.min():,}" if lengths.min() == lengths.max() else f"{lengths.min():,} to {lengths.max():,}"
        notes.insert(1, Note(subject="series", text=f"{len(timeline.ids):,} of {spread} steps", override="--id"))
    return Timeline(**{**vars(timeline), "notes": tuple(notes)})


def _sparse_series(timeline: Timeline) -> str:
    """Which few series have rows at less than half of their steps, where the others have them at nearly all."""
    if len(timeline.ids) < 3:
        return ""
    filled = np.add.reduceat((timeline.rows >= 0).astype(np.int64), timeline.starts[:-1])
    share = filled / timeline.lengths
    few = np.flatnonzero(share < SPARSE)
    if not len(few) or len(few) > 0.2 * len(share) or float(np.median(share)) < DENSE:
        return ""
    named = ", ".join(
        f"'{timeline.ids[i]}' (rows at {filled[i]:,} of {timeline.lengths[i]:,} steps)" for i in few[:3].tolist()
    )
    return f"written in another step than the others: {named}{', ...' if len(few) > 3 else ''}; its gaps are filled forward"


def table_columns(columns: Mapping[str, Column]) -> dict[str, pl.Series]:
    """The columns of a table by name; arrays and files are left aside."""
    return {name: series for name, column in columns.items() if (series := series_of(column)) is not None}
