"""Categories: text or codes that take few values."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.kinds.base import FEWEST_ROWS, Claim, Kind
from netpick.kinds.cells import as_text, counts_of, examples_of, series_of
from netpick.types import STRICT, Array, Column, Form, Rows

MAX_CATEGORIES = 1_000  # rarer ones share the code of the unseen
MAX_DISTINCT_SHARE = 0.5  # above, the column names rows rather than groups of them


@dataclass(config=STRICT, kw_only=True)
class CategoryState:
    """The values seen in training rows, in the order of their codes 1, 2, ...; 0 is missing or never seen."""

    values: tuple[str, ...] = Field(max_length=MAX_CATEGORIES)

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values):
            raise ValueError("values that differ from each other")


class Category(Kind):
    """One of a few values. Missing and never-seen values share code 0."""

    name: ClassVar[str] = "category"
    form: ClassVar[Form] = "codes"
    State = CategoryState

    def claim(self, column: Column) -> Claim | None:
        series = series_of(column)
        if series is None or not (series.dtype in (pl.String, pl.Categorical) or isinstance(series.dtype, pl.Enum)):
            return None
        filled = series.drop_nulls()
        distinct = filled.n_unique()
        if len(filled) == 0 or (distinct > 20 and distinct > MAX_DISTINCT_SHARE * len(filled)):
            return None
        return Claim(
            strength=0.5,
            reason=f"text with {distinct} different values",
            num_missing=series.null_count(),
            num_distinct=distinct,
            examples=examples_of(series),
        )

    def fit(self, column: Column, rows: Rows) -> CategoryState:
        return self._fitted(column, rows, 1)

    def fit_private(self, column: Column, rows: Rows) -> CategoryState:
        return self._fitted(column, rows, FEWEST_ROWS)

    def _fitted(self, column: Column, rows: Rows, fewest: int) -> CategoryState:
        """The values that at least so many rows have."""
        series = series_of(column)
        assert series is not None
        seen = series.gather(pl.Series(rows)) if len(rows) < len(series) else series
        counts = counts_of(seen).filter(pl.col("count") >= fewest)
        counts = counts.with_columns(as_text(counts["value"]).alias("text")).sort(
            ["count", "text"], descending=[True, False]
        )
        values = counts["text"].head(MAX_CATEGORIES).to_list()
        if isinstance(series.dtype, pl.Enum):  # in the order that whoever made it meant
            return CategoryState(values=tuple(one for one in series.dtype.categories.to_list() if one in set(values)))
        return CategoryState(values=tuple(sorted(values)))

    def encode(self, column: Column, state: Any) -> Array:
        series = series_of(column)
        assert series is not None
        if not state.values:
            return np.zeros((len(series), 1), dtype=np.int32)
        codes = as_text(series).cast(pl.Enum(state.values), strict=False).to_physical()
        return (codes.cast(pl.Int32).fill_null(-1).to_numpy() + 1).astype(np.int32).reshape(-1, 1)

    def outputs(self, name: str, state: Any) -> tuple[str, ...]:
        return (name,)

    def cardinalities(self, state: Any) -> tuple[int, ...]:
        return (len(state.values) + 1,)
