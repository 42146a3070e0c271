"""Times that are written as whole numbers: Unix seconds, milliseconds, microseconds and nanoseconds, and 20180420.

Seconds are looked for only in columns whose name speaks of time (1,577,836,800 may be an amount as well); digits that are valid dates
in every one of many cells need no name.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, Literal

import numpy as np
import polars as pl
from pydantic.dataclasses import dataclass as state_dataclass

from netpick.data.formats.base import Cells, Found, Neighbours, Way
from netpick.types import STRICT

TIME_WORDS = {
    "time",
    "timestamp",
    "ts",
    "date",
    "datetime",
    "unix",
    "epoch",
    "unixtime",
    "posix",
    "utc",
    "created",
    "updated",
    "ds",
    "dt",
    "when",
}
DAY_WORDS = TIME_WORDS | {"day", "ymd", "month", "yearmonth", "period", "ym"}
FROM, UNTIL = 315_532_800, 4_102_444_800  # seconds from 1980 to 2100
UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
SERIAL: Final = "days"  # since the last day of 1899, as spreadsheets count
SERIAL_WORDS = {"date", "datum", "datetime", "fecha", "data", "dt"}
SERIAL_FROM, SERIAL_UNTIL, SERIAL_EPOCH = 25_569, 73_050, -25_569  # from 1970 to 2099
FEWEST_DATES = 20  # different ones, in a column that is not called after time
WRITTEN = {"yyyymm": "%Y%m%d", "yyyymmdd": "%Y%m%d", "yyyymmddhhmm": "%Y%m%d%H%M", "yyyymmddhhmmss": "%Y%m%d%H%M%S"}
Counted = Literal[
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "days",
    "yyyymm",
    "yyyymmdd",
    "yyyymmddhhmm",
    "yyyymmddhhmmss",
]


@state_dataclass(config=STRICT, kw_only=True)
class EpochFormat:
    """What is counted since 1970, or which digits stand for what."""

    counted: Counted


class Epochs(Way):
    """Times as numbers."""

    name: ClassVar[str] = "epoch"
    State = EpochFormat

    def find(self, cells: Cells, near: Neighbours) -> Found | None:
        return None  # texts of digits became numbers already

    def find_in(self, numbers: pl.Series, *, said: bool = False) -> EpochFormat | None:
        """The format of a column of numbers. said: the user says that it holds times, whatever it is called."""
        words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", numbers.name).lower()))
        values = numbers.drop_nulls() if numbers.null_count() else numbers
        if len(values) == 0:
            return None
        low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
        if low == high or not np.isfinite([low, high]).all():
            return None
        if not said and not words & DAY_WORDS:
            found = _written(values)
            certain = found is not None and found.counted != "yyyymm" and values.n_unique() >= FEWEST_DATES
            return found if certain else None
        if said or words & TIME_WORDS:
            for counted, unit in UNITS.items():
                if FROM * unit <= low and high < UNTIL * unit:
                    return None if counted == "seconds" and _written(values) else EpochFormat(counted=counted)  # type: ignore[arg-type]
        if words & SERIAL_WORDS and low >= SERIAL_FROM and high < SERIAL_UNTIL:
            return EpochFormat(counted=SERIAL)
        return _written(values)

    def read(self, texts: pl.Series, state: Any) -> pl.Series:
        numbers = texts.cast(pl.Float64, strict=False) if texts.dtype == pl.String else texts
        if state.counted in WRITTEN:
            digits = numbers.cast(pl.Int64, strict=False).cast(pl.String)
            if state.counted == "yyyymm":
                digits = digits + "01"
            return digits.str.to_datetime(WRITTEN[state.counted], strict=False, exact=True, time_unit="us")
        if state.counted == SERIAL:
            days = numbers.set(~numbers.is_between(SERIAL_FROM, SERIAL_UNTIL).fill_null(False), None)
            micros = ((days.cast(pl.Float64) + SERIAL_EPOCH) * 86_400).round().cast(pl.Int64, strict=False) * 1_000_000
            return micros.cast(pl.Datetime("us"))
        unit = UNITS[state.counted]
        if numbers.dtype.is_integer():
            whole = numbers.cast(pl.Int64, strict=False)
            micros = whole * (1_000_000 // unit) if unit <= 1_000_000 else whole // 1_000
        else:
            inside = (numbers.abs() < UNTIL * unit).fill_null(False)
            micros = (numbers.set(~inside, None) * (1_000_000 / unit)).round().cast(pl.Int64, strict=False)
        return micros.cast(pl.Datetime("us"))

    def words(self, state: Any) -> str:
        if state.counted == SERIAL:
            return "days since 1899-12-30, as spreadsheets count them"
        return (
            f"times written as {state.counted}"
            if state.counted in WRITTEN
            else f"times in {state.counted} since 1970 (UTC)"
        )

    def given(self, text: str) -> EpochFormat | None:
        named = {
            "unix": "seconds",
            "s": "seconds",
            "ms": "milliseconds",
            "us": "microseconds",
            "ns": "nanoseconds",
            "excel": SERIAL,
        }
        word = named.get(text.strip().lower(), text.strip().lower())
        return EpochFormat(counted=word) if word in (*UNITS, *WRITTEN, SERIAL) else None  # type: ignore[arg-type]


def _written(values: pl.Series) -> EpochFormat | None:
    """Digits that are dates in every cell."""
    length = int(np.floor(np.log10(max(1.0, float(values.max()))))) + 1  # type: ignore[arg-type]
    counted = {6: "yyyymm", 8: "yyyymmdd", 12: "yyyymmddhhmm", 14: "yyyymmddhhmmss"}.get(length)
    if counted is None:
        return None
    scale = 10 ** (length - 4)
    if not (1900 * scale <= float(values.min()) and float(values.max()) < 2101 * scale):  # type: ignore[arg-type]
        return None
    if values.dtype.is_float() and bool((values != values.round()).any()):
        return None
    state = EpochFormat(counted=counted)  # type: ignore[arg-type]
    return None if Epochs().read(values, state).null_count() else state
