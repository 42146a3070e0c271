"""The task of making up rows, and what it learned of a table: how the cells of each column become codes, and which column is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.samples import SAMPLES
from netpick.columns.discrete import DiscreteState, encode_discrete, fit_discrete, numbers_of_codes
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.types import STRICT, Array, Field, Inputs, InputSpec, Rows, TableColumn

MOST_COLUMNS = 500


@dataclass(config=STRICT, kw_only=True)
class GenerateState:
    """The columns of a made-up row, in their order; the one that made-up rows are useful for stands last."""

    columns: tuple[DiscreteState, ...] = PydanticField(min_length=1, max_length=MOST_COLUMNS)
    classes: bool  # whether the target is one of some classes, else a number

    def __post_init__(self) -> None:
        names = [column.column for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("columns that differ from each other")
        if any(column.cardinality < 2 for column in self.columns):
            raise ValueError("columns of at least one value")
        if not self.classes and self.columns[-1].values:
            raise ValueError("a target of numbers")

    @property
    def target(self) -> str:
        return self.columns[-1].column

    @property
    def num_useful(self) -> int:
        """Numbers that trees answer about the target: probabilities of its classes, or one value."""
        return max(2, self.columns[-1].cardinality - 1) if self.classes else 1


class Generate(Task):
    """Rows like those of a table."""

    name: ClassVar[str] = "generate"
    State = GenerateState
    answer = SAMPLES
    examples = "samples"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # nothing in a table asks for more of it: see examples.py

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> GenerateState:
        """Of these columns alone, the last of them the target."""
        states = [fit_discrete(column.values.alias(column.name), _kind(column.values), rows) for column in columns]
        for column, state in zip(columns, states, strict=True):
            if state is None:
                raise DataError(
                    f"Column '{column.name}' holds cells that rows cannot be made up of, but numbers, dates or categories were expected. Leave it "
                    f"out with --drop {column.name}."
                )
        known = tuple(state for state in states if state is not None)
        return GenerateState(columns=known, classes=bool(known[-1].values))

    def encode(self, columns: Sequence[TableColumn], state: GenerateState) -> Array:
        """(N, 1 + 2 K) float64: the class or the number of the target (NaN where missing), then the codes of all columns, then their places."""
        by_name = {column.name: column.values for column in columns}
        both = [encode_discrete(by_name[one.column], one) for one in state.columns]
        codes = np.stack([code for code, _ in both], axis=1)
        places = np.stack([place for _, place in both], axis=1)
        return np.concatenate([asked_about(codes, places, state)[:, None], codes, places], axis=1)


GENERATE = Generate()


def asked_about(codes: Array, places: Array, state: GenerateState) -> Array:
    """(n,) the class number or the value of the target of rows (n, K); NaN where it is missing."""
    code = codes[:, -1]
    if state.classes:
        return np.where(code > 0, code - 1.0, np.nan)
    return numbers_of_codes(code, places[:, -1], state.columns[-1])


def parts_of(truth: Array) -> tuple[Array, Array]:
    """Codes (n, K) int32 and places (n, K) of what `encode` made."""
    width = (truth.shape[1] - 1) // 2
    return truth[:, 1 : 1 + width].astype(np.int32), truth[:, 1 + width :]


def record_inputs(state: GenerateState) -> Inputs:
    """What networks read of a row."""
    spec = InputSpec(
        form="record",
        shape=(len(state.columns),),
        cardinalities=tuple(column.cardinality for column in state.columns),
        names=tuple(column.column for column in state.columns),
        ahead=tuple(column.ordered + 2 * column.missing for column in state.columns),
    )
    return {"record": spec}


def _kind(series: pl.Series) -> str:
    if series.dtype.is_numeric():
        return "number"
    return "datetime" if series.dtype in (pl.Date, pl.Datetime) else "category"


def features_of(codes: Array, places: Array, state: GenerateState) -> tuple[Array, Array]:
    """(n, K) numbers as trees read them, and which columns (K,) are categories; NaN where a cell is missing."""
    columns = [numbers_of_codes(codes[:, k], places[:, k], one) for k, one in enumerate(state.columns)]
    return np.stack(columns, axis=1), np.array([bool(one.values) and not one.ordered for one in state.columns])


def known_names(state: Any) -> tuple[str, ...]:
    """The columns of a made-up row."""
    return tuple(column.column for column in state.columns)
