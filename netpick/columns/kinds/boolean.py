"""Yes or no: two values, however they are written."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Kind
from netpick.columns.kinds.cells import as_text, examples_of, series_of
from netpick.types import STRICT, Array, Column, Form, Rows

PAIRS = (("false", "true"), ("no", "yes"), ("0", "1"), ("n", "y"), ("f", "t"), ("off", "on"))
FIRST, MOST_SPELLINGS = 1_000, 7
SIGNS = ("-1", "1")  # in attribute lists; beside 0 and 1, -1 may mean that nothing is known


@dataclass(config=STRICT, kw_only=True)
class BooleanState:
    """The texts, in lower case, that mean no and yes."""

    no: str
    yes: str

    def __post_init__(self) -> None:
        if self.no == self.yes:
            raise ValueError("two texts that differ")


class Boolean(Kind):
    """Yes or no. Codes: 0 missing or anything else, 1 no, 2 yes."""

    name: ClassVar[str] = "boolean"
    form: ClassVar[Form] = "codes"
    State = BooleanState

    def claim(self, column: Column) -> Claim | None:
        series = series_of(column)
        if series is None or series.dtype.is_temporal() or series.dtype.is_nested():
            return None
        if series.dtype.is_numeric() and not _within_one(series):  # cheap: no need to make text of numbers
            return None
        if (
            series.head(FIRST).n_unique() > MOST_SPELLINGS or series.n_unique() > MOST_SPELLINGS
        ):  # three spellings of each, and missing
            return None
        pair = _pair_of(series)
        if pair is None:
            return None
        return Claim(
            strength=0.95,
            reason=f"two values, {pair[0]} and {pair[1]}",
            num_missing=series.null_count(),
            num_distinct=2,
            examples=examples_of(series),
        )

    def fit(self, column: Column, rows: Rows) -> BooleanState:
        series = series_of(column)
        assert series is not None
        pair = _pair_of(series.gather(pl.Series(rows))) or _pair_of(series) or PAIRS[0]
        return BooleanState(no=pair[0], yes=pair[1])

    def encode(self, column: Column, state: Any) -> Array:
        series = series_of(column)
        assert series is not None
        text = as_text(series).str.strip_chars().str.to_lowercase()
        codes = text.replace_strict({state.no: 1, state.yes: 2}, default=0, return_dtype=pl.Int32)
        return codes.fill_null(0).to_numpy().astype(np.int32).reshape(-1, 1)

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return (name,)

    def cardinalities(self, state: Any) -> tuple[int, ...]:
        return (3,)


def _within_one(numbers: pl.Series) -> bool:
    low, high = numbers.min(), numbers.max()
    return low is None or high is None or bool(low >= -1 and high <= 1)  # type: ignore[operator]


def _pair_of(series: pl.Series) -> tuple[str, str] | None:
    """The pair of texts that all cells come from; a column with only one of the two is no boolean."""
    spellings = set(as_text(series.unique()).drop_nulls().str.strip_chars().str.to_lowercase().to_list())
    return next((pair for pair in (*PAIRS, SIGNS) if spellings == set(pair)), None)
