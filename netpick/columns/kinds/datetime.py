"""Dates and times, as how long ago, and where in the year, the week and the day."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Kind, Scale
from netpick.columns.kinds.cells import examples_of, series_of
from netpick.types import STRICT, Array, Column, Form, Rows, TableColumn

FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d.%m.%Y %H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
)
PLAIN = {  # formats that Python reads as polars does, where cells are written exactly so
    "%Y-%m-%d": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "%Y-%m-%d %H:%M": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d", re.ASCII),
    "%Y-%m-%d %H:%M:%S": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII),
    "%Y-%m-%dT%H:%M:%S": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII),
}
FARTHEST = 4e6  # days from 1970: past the year 9999
CYCLES = (("year", 365.2425), ("week", 7.0), ("day", 1.0))  # period in days


@dataclass(config=STRICT, kw_only=True)
class DatetimeState:
    """The text format (empty for real dates), the training range in days, and which cycles vary."""

    format: str
    mean: float
    std: Scale
    cycles: tuple[str, ...]
    flag_missing: bool

    def __post_init__(self) -> None:
        if not abs(self.mean) <= FARTHEST:
            raise ValueError("a mean within the calendar")
        if self.format not in ("", *FORMATS):
            raise ValueError(f"a date format among {', '.join(FORMATS)}")
        if len(set(self.cycles)) != len(self.cycles) or not set(self.cycles) <= {name for name, _ in CYCLES}:
            raise ValueError("cycles that are known, each once")


class Datetime(Kind):
    """A point in time."""

    name: ClassVar[str] = "datetime"
    form: ClassVar[Form] = "vector"
    State = DatetimeState

    def claim(self, column: Column) -> Claim | None:
        series = series_of(column)
        if series is None:
            return None
        text_format = ""
        if series.dtype in (pl.Date, pl.Datetime):
            reason, filled = "dates", series.drop_nulls()
        elif series.dtype == pl.String and (text_format := format_of(series) or ""):
            reason, filled = f"text that reads as dates like {text_format}", series.drop_nulls()
        else:
            return None
        if _is_far(series, text_format):
            return None
        return Claim(
            strength=0.97,
            reason=reason,
            num_missing=series.null_count(),
            num_distinct=filled.n_unique(),
            examples=examples_of(series),
        )

    def fit(self, column: Column, rows: Rows) -> DatetimeState:
        series = series_of(column)
        assert series is not None
        text_format = (format_of(series) or "") if series.dtype == pl.String else ""
        days = to_days(series.gather(pl.Series(rows)), text_format)
        present = days[~np.isnan(days)]
        if len(present) == 0:
            return DatetimeState(format=text_format, mean=0.0, std=1.0, cycles=(), flag_missing=True)
        span = float(np.ptp(present))
        varied = {
            "year": span > 60,
            "week": len(np.unique(np.floor(present) % 7)) > 1,
            "day": len(np.unique(np.round(present % 1.0, 4))) > 1,
        }
        return DatetimeState(
            format=text_format,
            mean=float(present.mean()),
            std=float(present.std()) or 1.0,
            cycles=tuple(name for name, _ in CYCLES if varied[name]),
            flag_missing=len(present) < len(days),
        )

    def encode(self, column: Column, state: Any) -> Array:
        series = series_of(column)
        assert series is not None
        days = to_days(series, state.format)
        missing = np.isnan(days)
        days = np.where(missing, state.mean, days)
        parts = [np.clip((days - state.mean) / state.std, -5, 5)]
        for name, period in CYCLES:
            if name in state.cycles:
                angle = days * (2 * np.pi / period)
                parts += [np.sin(angle), np.cos(angle)]
        encoded = np.stack(parts, axis=1)
        encoded[missing] = 0.0
        if state.flag_missing:
            encoded = np.concatenate([encoded, missing[:, None]], axis=1)
        return encoded.astype(np.float32)

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        moments = pl.Series(name, [None, datetime(2020, 1, 2, 3, 4, 5)], dtype=pl.Datetime("us"))
        return TableColumn(name=name, values=moments.dt.to_string(state.format) if state.format else moments)

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        cyclic = [f"{name} {wave} of {cycle}" for cycle in state.cycles for wave in ("sine", "cosine")]
        return (name, *cyclic, *((f"{name} is missing",) if state.flag_missing else ()))


def _is_far(series: pl.Series, text_format: str) -> bool:
    """Whether the middle of the dates lies behind the calendar's end: in the year 100,000."""
    days = to_days(series, text_format)
    days = days[~np.isnan(days)]
    return bool(len(days)) and abs(float(np.median(days))) > FARTHEST


def format_of(series: pl.Series) -> str | None:
    """The date format in which at least 95 % of a text column's cells read; None when there is none."""
    filled = series.drop_nulls()
    head = filled.head(50)
    if len(head) == 0 or head.str.contains(r"\d[-/.:]\w").sum() < 0.95 * len(head):
        return None
    for text_format in FORMATS:
        if head.str.to_datetime(text_format, strict=False).null_count() > 0.05 * len(head):
            continue
        if filled.str.to_datetime(text_format, strict=False).null_count() <= 0.05 * len(filled):
            return text_format
    return None


def plain_moment(cell: str, text_format: str) -> datetime | None:
    """What `to_days` reads from a cell that is written exactly in a plain format; None for any other.

    A call of polars takes as long as a hundred of these, and servers read a row at a time.
    """
    pattern = PLAIN.get(text_format)
    if pattern is None or pattern.fullmatch(cell) is None:
        return None
    try:
        return datetime.fromisoformat(cell)
    except ValueError:  # the 31st of April
        return None


def to_days(series: pl.Series, text_format: str) -> Array:
    """Days since 1970-01-01 (float64), NaN where missing or unreadable."""
    if series.dtype == pl.String and text_format:
        series = series.str.to_datetime(text_format, strict=False)
    elif series.dtype not in (pl.Date, pl.Datetime):
        series = pl.Series(series.name, [None] * len(series), dtype=pl.Datetime)
    moments = series.to_numpy().astype("datetime64[us]")  # numpy's: a call of polars costs more than a row takes
    days = moments.view(np.int64) / 86_400e6
    days[np.isnat(moments)] = np.nan
    return days
