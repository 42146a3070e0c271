"""Numbers written in base 16: #0a3."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from netpick.columns.kinds.base import Claim
from netpick.columns.kinds.cells import series_of
from netpick.columns.kinds.number import Number
from netpick.types import Column, Rows, TableColumn


def in_tens(column: Column) -> Column:
    series = series_of(column)
    assert series is not None
    digits = series.cast(pl.String).str.extract("^#([0-9a-f]{1,12})$")
    return TableColumn(name=column.name, values=digits.str.to_integer(base=16, strict=False).cast(pl.Float64))


class Hex(Number):
    """A quantity."""

    name: ClassVar[str] = "hex"

    def claim(self, column: Column) -> Claim | None:
        series = series_of(column)
        if series is None or series.dtype != pl.String:
            return None
        numbers = in_tens(column).values
        if numbers.null_count() > series.null_count() or numbers.null_count() == len(numbers):
            return None
        return Claim(strength=0.99, reason="numbers in base 16", num_missing=numbers.null_count())

    def fit(self, column: Column, rows: Rows) -> Any:
        return super().fit(in_tens(column), rows)

    def fit_private(self, column: Column, rows: Rows) -> Any:
        return super().fit_private(in_tens(column), rows)

    def encode(self, column: Column, state: Any) -> Any:
        return super().encode(in_tens(column), state)
