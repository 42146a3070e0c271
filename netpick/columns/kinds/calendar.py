"""Times that are spread over number columns: year, month, day, hour, minute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_numbers, series_of
from netpick.data.formats.calendar_words import MONTHS
from netpick.types import Array, Column

PARTS: tuple[tuple[frozenset[str], int, int], ...] = (  # names, least and most value
    (frozenset({"year", "yr", "yyyy"}), 1000, 2999),
    (frozenset({"month", "mo", "mon", "mnth", "mm"}), 1, 12),
    (frozenset({"day", "dy", "dd", "mday", "dayofmonth", "day_of_month"}), 1, 31),
    (frozenset({"hour", "hr", "hh"}), 0, 24),
    (frozenset({"minute", "min"}), 0, 59),
)


MONTH_NUMBERS = {name: float(number) for number, names in enumerate(MONTHS.values(), 1) for name in names}


def calendar_columns(columns: Mapping[str, Column], candidates: Iterable[str]) -> tuple[str, ...]:
    """The columns that together tell when a row happened, from the year down; empty without at least year and month."""
    found: list[str] = []
    allowed = list(candidates)
    for names, least, most in PARTS:
        fitting = [name for name in allowed if name.strip().lower() in names and _within(columns[name], least, most)]
        if len(fitting) != 1:
            break
        found += fitting
    return tuple(found) if len(found) >= 2 else ()


def counts_years(column: Column) -> bool:
    """Whether a column is called a year, and holds years alone."""
    names, least, most = PARTS[0]
    return column.name.strip().lower() in names and _within(column, least, most)


LIMITS = ((1, 9999), (1, 12), (1, 31), (0, 24), (0, 59))  # of the parts, from the year down


def calendar_parts(columns: Mapping[str, Column], names: Sequence[str]) -> list[Array]:
    """Year, month[, day[, hour[, minute]]] (float64) of each row; NaN where a cell holds no such part."""
    parts = []
    for name, (least, most) in zip(names, LIMITS, strict=False):
        found = part_numbers(columns[name])
        numbers = np.full(len(columns[name]), np.nan) if found is None else found.to_numpy()
        parts.append(np.where((numbers >= least) & (numbers <= most), numbers, np.nan))
    return parts


def calendar_days(columns: Mapping[str, Column], names: Sequence[str]) -> Array:
    """Days since 1970-01-01 (float64) from year, month[, day[, hour[, minute]]]; NaN where a part is missing."""
    parts = calendar_parts(columns, names)
    missing = np.any([np.isnan(part) for part in parts], axis=0)
    year, month, day, hour, minute = (
        np.nan_to_num(parts[i]) if i < len(parts) else np.full(len(missing), default)
        for i, default in enumerate((1970.0, 1.0, 1.0, 0.0, 0.0))
    )
    months = ((year - 1970) * 12 + month - 1).astype(np.int64).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.float64) + day - 1 + hour / 24 + minute / 1440
    return np.where(missing, np.nan, days)


def part_numbers(column: Column) -> pl.Series | None:
    """The numbers of a part of the date: those of a column of numbers, or of months by name."""
    series = series_of(column)
    if series is None:
        return None
    if series.dtype.is_numeric():
        return as_numbers(series)
    if not isinstance(series.dtype, (pl.String, pl.Categorical, pl.Enum)):
        return None
    texts = series.cast(pl.String).str.strip_chars(" .").str.to_lowercase()
    months = texts.replace_strict(MONTH_NUMBERS, default=None, return_dtype=pl.Float64)
    return months if months.null_count() == series.null_count() < len(series) else None


def _within(column: Column, least: int, most: int) -> bool:
    found = part_numbers(column)
    if found is None:
        return False
    numbers = found.drop_nulls()
    return len(numbers) > 0 and bool(((numbers >= least) & (numbers <= most) & (numbers == numbers.round())).all())
