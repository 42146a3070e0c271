"""Cells of a table as text or numbers: the little that several kinds share."""

from __future__ import annotations

import numpy as np
import polars as pl

from netpick.types import Column, TableColumn

LARGEST = 1e100
LEAST_OF_EACH = 1_000  # characters of a text that are kept where others are many


def series_of(column: Column) -> pl.Series | None:
    """The polars series behind a table column; None for files and arrays."""
    return column.values if isinstance(column, TableColumn) else None


def as_text(series: pl.Series) -> pl.Series:
    """Cells as text, missing ones null; numbers that are whole are written without a fraction ("3", not "3.0")."""
    if series.dtype == pl.String:
        return series
    if series.dtype.is_float():
        # By numpy, here and below: an expression of polars costs more than a short column.
        whole = series.to_numpy().astype(np.float64, copy=False)
        whole = whole[~np.isnan(whole)]
        if len(whole) and (whole == whole.round()).all() and np.abs(whole).max() < 2**53:
            return series.fill_nan(None).cast(pl.Int64).cast(pl.String)
        return series.fill_nan(None).cast(pl.String)
    if series.dtype == pl.Boolean:
        return series.replace_strict({True: "true", False: "false"}, return_dtype=pl.String, default=None)
    if series.dtype.is_nested():
        return pl.Series(
            series.name, [None if cell is None else str(cell) for cell in series.to_list()], dtype=pl.String
        )
    return series.cast(pl.String, strict=False)


def as_numbers(series: pl.Series) -> pl.Series:
    """Cells as Float64, with missing cells, text that is no number, NaN and infinities as null."""
    if series.dtype == pl.String:
        numbers = series.str.strip_chars()
        numbers = numbers.cast(pl.Float64, strict=False)
    elif series.dtype == pl.Null:
        numbers = series.cast(pl.Float64)
    else:
        numbers = series.cast(pl.Float64, strict=False)
    if numbers.null_count() == 0 and np.isfinite(numbers.to_numpy()).all():
        return numbers
    return numbers.set(~numbers.is_finite().fill_null(True), None)


def as_moderate_numbers(series: pl.Series) -> pl.Series:
    """as_numbers, those beyond 1e100 brought to it: sums, squares and differences of them stay finite."""
    numbers = as_numbers(series)
    if numbers.null_count() == 0 and np.abs(numbers.to_numpy()).max(initial=0.0) <= LARGEST:
        return numbers
    return numbers.clip(-LARGEST, LARGEST)


def ends_of(texts: pl.Series, most: int) -> pl.Series:
    """Texts whose characters together are at most about `most`: of longer ones the two ends, where there are more."""
    each = max(LEAST_OF_EACH, most // max(1, len(texts)))
    long = texts.str.len_chars() > each
    if not long.any():
        return texts
    cut = texts.filter(long)
    return texts.scatter(long.arg_true(), cut.str.head(each // 2) + " " + cut.str.tail(each // 2))


def counts_of(series: pl.Series) -> pl.DataFrame:
    """Columns `value` and `count`, the commonest first and ties by value; without the cells that are missing."""
    named = series.drop_nulls().alias("value")  # a column may be called "count" itself
    return named.value_counts().sort(["count", "value"], descending=[True, False])


def examples_of(series: pl.Series, count: int = 4) -> tuple[str, ...]:
    """A few different cells as text, for people."""
    filled = (series.drop_nulls() if series.null_count() else series).head(1000)
    first = filled.head(count)
    plain = len(first) == min(count, len(filled)) == first.n_unique()  # the usual case, without an expression of polars
    texts = as_text(first if plain else filled.unique(maintain_order=True).head(count))
    if isinstance(series.dtype, pl.Datetime):
        texts = texts.str.replace(r"\.0+(\D*)$", "$1").str.replace(r" 00:00:00$", "")
    return tuple(str(cell)[:40] for cell in texts.to_list() if cell is not None)
