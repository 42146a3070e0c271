"""Categories: one of a few values, or one of many ids that come again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import FEWEST_ROWS, Claim, Kind
from netpick.columns.kinds.cells import as_text, counts_of, examples_of, series_of
from netpick.types import STRICT, Array, Column, Form, Note, Rows

FEW_CATEGORIES = 1_000  # each has a code of its own, however rare; of more:
ROWS_A_VALUE = 3  # to learn from, of a value with a code of its own; the others share the code of the unseen
MAX_CATEGORIES = 250_000  # the rarer ones, the same
MAX_DISTINCT_SHARE = 0.5  # above, the column names rows rather than groups of them


@dataclass(config=STRICT, kw_only=True)
class CategoryState:
    """The values seen in training rows, in the order of their codes 1, 2, ...; 0 is missing or never seen."""

    values: tuple[str, ...] = Field(max_length=MAX_CATEGORIES)
    pooled: int = Field(default=0, ge=0)  # rare values of the training rows that share code 0

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values):
            raise ValueError("values that differ from each other")


class Category(Kind):
    """One of some values. Missing, never-seen and rare ones share code 0."""

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
        common = int((counts["count"] >= ROWS_A_VALUE).sum())
        kept = counts.head(min(max(common, FEW_CATEGORIES), MAX_CATEGORIES))
        values = set(kept["text"].to_list())
        in_order = sorted(values)
        if isinstance(series.dtype, pl.Enum):  # in the order that whoever made it meant
            in_order = [one for one in series.dtype.categories.to_list() if one in values]
        return CategoryState(values=tuple(in_order), pooled=len(counts) - len(kept))

    def encode(self, column: Column, state: Any) -> Array:
        series = series_of(column)
        assert series is not None
        if not state.values:
            return np.zeros((len(series), 1), dtype=np.int32)
        codes = as_text(series).cast(pl.Enum(state.values), strict=False).to_physical()
        return (codes.cast(pl.Int32).fill_null(-1).to_numpy() + 1).astype(np.int32).reshape(-1, 1)

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return (name,)

    def cardinalities(self, state: Any) -> tuple[int, ...]:
        return (len(state.values) + 1,)

    def notes(self, name: str, state: Any, *, private: bool = False) -> Sequence[Note]:
        if not state.pooled:
            return ()
        text = (
            f"'{name}' has {len(state.values) + state.pooled:,} different values in training rows; {state.pooled:,} of them are rare "
            "and are treated alike, as values that are new at prediction are"
        )
        return (Note(subject="ids", text=text),)
