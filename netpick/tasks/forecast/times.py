"""Times read from columns, whatever they are written like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from netpick.columns.kinds.calendar import calendar_days, calendar_parts
from netpick.columns.kinds.cells import as_numbers, series_of
from netpick.columns.kinds.datetime import format_of
from netpick.data.sources.table import FIRST_DAY, LAST_DAY
from netpick.errors import DataError
from netpick.tasks.forecast.timesteps import DAY, MINUTE, MISSING, SECOND
from netpick.types import Array, Column

MOST_COUNTED = 2.0**53
ZONE = r" ?([+-]\d\d:?\d\d|Z)$"
DATES = re.compile(r"^\d{4}-\d{2}(-\d{2}([ T]\d{2}(:\d{2}(:\d{2})?)?)?)?$")


def read_times(columns: Mapping[str, Column], names: Sequence[str]) -> tuple[Array, str] | None:
    """Times (N,) of one column, or of several such as year, month, day; and a remark about zones, or "".

    MISSING stands where a cell holds no time of the years 1 to 9999; None when the columns hold no times at all. Raises
    DataError for cells with and without a zone in one column.
    """
    if len(names) == 2 and (dated := _read_column(columns[names[0]])) is not None:
        dated = _with_clock(dated, columns[names[1]])
    elif len(names) > 1:
        days = calendar_days(columns, names)
        micros = np.round(np.nan_to_num(days) * 1440).astype(np.int64) * MINUTE
        dated = np.where(np.isnan(days), MISSING, micros), ""
    else:
        dated = _read_column(columns[names[0]])
    if dated is None:
        return None
    times, remark = dated
    return np.where((times >= FIRST_DAY * DAY) & (times < (LAST_DAY + 1) * DAY), times, MISSING), remark


def unread_part(columns: Mapping[str, Column], names: Sequence[str], row: int) -> str:
    """Which of the columns holds no time, or no part of one, in this row."""
    if len(names) < 2:
        return names[0]
    if (dated := _read_column(columns[names[0]])) is not None:
        return names[0] if dated[0][row] == MISSING else names[1]
    parts = calendar_parts(columns, names)
    return next((name for name, part in zip(names, parts, strict=False) if np.isnan(part[row])), names[0])


def _with_clock(dated: tuple[Array, str], clock: Column) -> tuple[Array, str] | None:
    """Dates and the hours of the day that another column tells."""
    series = series_of(clock)
    if series is None or not series.dtype.is_numeric():
        return None
    hours = as_numbers(series).to_numpy()
    known = (dated[0] != MISSING) & (hours >= 0) & (hours <= 24)
    micros = np.round(np.nan_to_num(hours) * 3_600).astype(np.int64) * SECOND
    return np.where(known, dated[0] + micros, MISSING), dated[1]


def _read_column(column: Column) -> tuple[Array, str] | None:
    series = series_of(column)
    if series is None:
        return None
    if series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        zone = series.dtype.time_zone if isinstance(series.dtype, pl.Datetime) else None
        remark = f"times of zone {zone} are read as UTC" if zone not in (None, "UTC") else ""
        return _micros(series.dt.convert_time_zone("UTC") if zone else series), remark
    if series.dtype == pl.String:
        return _read_text(series.str.strip_chars())
    return None


def _read_text(series: pl.Series) -> tuple[Array, str] | None:
    filled = series.drop_nulls().head(200)
    if len(filled) == 0:
        return None
    if filled.str.contains(r"^\d{4}[-/.]\d{1,2}$").all():
        return _micros((series.str.replace_all("[/.]", "-") + "-01").str.to_datetime("%Y-%m-%d", strict=False)), ""
    if filled.str.contains(r"^\d{4}[- ]?[Qq][1-4]$").all():
        year = series.str.slice(0, 4).cast(pl.Int32, strict=False)
        month = series.str.slice(-1).cast(pl.Int32, strict=False) * 3 - 2
        return _micros(pl.select(pl.datetime(year, month, 1)).to_series()), ""
    if filled.str.contains(r"\d:\d\d(:\d\d(\.\d+)?)? ?([+-]\d\d:?\d\d|Z)$").any():
        return _read_zoned(series)
    text_format = format_of(series)
    if text_format is None:
        return None
    return _micros(series.str.to_datetime(text_format, strict=False)), ""


def _read_zoned(series: pl.Series) -> tuple[Array, str] | None:
    """Times with offsets such as +02:00, as UTC."""
    zoned = series.str.contains(ZONE)
    bare = series.is_not_null() & ~zoned.fill_null(False)
    if bare.any():
        row = int(bare.arg_max() or 0)
        raise DataError(
            f"Column '{series.name}' (row {row + 1}) holds {series[row]!r} without a time zone, but other rows such as "
            f"{series.filter(zoned)[0]!r} have one, and they cannot be put in one order. Write all times with their zone, or "
            "all without."
        )
    offsets = series.str.extract(ZONE, 1).str.replace("Z", "+00:00").str.replace(":", "")
    local = series.str.replace(ZONE, "").str.replace("T", " ")
    text_format = format_of(local)
    if text_format is None:
        return None
    sign = pl.Series([1 if text.startswith("+") else -1 for text in offsets.fill_null("+0000")])
    hours, minutes = (offsets.str.slice(start, 2).cast(pl.Int64, strict=False) for start in (1, 3))
    shift = (sign * (hours * 60 + minutes)).fill_null(0).to_numpy() * MINUTE
    times = _micros(local.str.to_datetime(text_format, strict=False))
    times = np.where(times == MISSING, MISSING, times - shift)
    kinds = offsets.drop_nulls().unique().sort().to_list()
    zone = kinds[0] if len(kinds) == 1 else f"{len(kinds)} offsets ({', '.join(kinds[:4])})"
    return times, "" if kinds in (["+0000"],) else f"times with zone {zone} are read as UTC"


def _micros(series: pl.Series) -> Array:
    return series.cast(pl.Datetime("us")).to_physical().cast(pl.Int64).fill_null(MISSING).to_numpy()


def counted_rows(series: pl.Series) -> Array | None:
    """A column of whole numbers as positions; None when it holds anything else."""
    numbers = as_numbers(series)
    if numbers.null_count() or not len(numbers) or not bool((numbers == numbers.round()).all()):
        return None
    if not bool((numbers.abs() < MOST_COUNTED).all()):
        return None
    return numbers.cast(pl.Int64).to_numpy()


def read_date(text: str) -> int | None:
    """Microseconds of '2017-06', '2017-06-26' or '2017-06-26 14:00'; None when it is no such date."""
    text = text.strip()
    if not DATES.match(text):
        return None
    try:
        return int(np.datetime64(text.replace(" ", "T"), "us").astype(np.int64))
    except ValueError:
        return None
