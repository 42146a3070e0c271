"""Classification: one of two or more classes for a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic.dataclasses import dataclass

from netpick.answers import ONE_CLASS
from netpick.answers.calibration import Calibration
from netpick.columns.kinds.cells import as_numbers, as_text, counts_of
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.types import STRICT, Array, Field, Rows, TableColumn

MAX_CLASSES = 1_000


@dataclass(config=STRICT, kw_only=True)
class ClassifyState:
    """The classes in the order of the outputs: by number when all are numbers, by text otherwise."""

    labels: tuple[str, ...]
    variants: dict[str, str]  # spellings that mean one of the labels ("<=50K." -> "<=50K")
    calibration: Calibration | None = None  # of one candidate's probabilities
    cells: Literal["text", "integer", "number", "boolean"] = "text"  # what the classes were as cells of the target

    def __post_init__(self) -> None:
        if not 2 <= len(self.labels) <= MAX_CLASSES or len(set(self.labels)) != len(self.labels):
            raise ValueError("classes that differ from each other, at least two")
        curves = 0 if self.calibration is None else len(self.calibration.curves)
        if curves and (curves != 1 or len(self.labels) != 2):
            raise ValueError("a curve of calibration for two classes")


CLASS_NAMES = ("label", "labels", "class", "classes", "category")  # whole numbers in such columns are classes
FEWEST_ROWS_A_CLASS = 3  # on average


class Classify(Task):
    """Binary and multi-class classification."""

    name: ClassVar[str] = "classify"
    State = ClassifyState
    answer = ONE_CLASS

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        if len(columns) != 1:
            return None
        field = fields[0]
        if field.kind in ("category", "boolean"):
            return f"{field.num_distinct} classes"
        whole = field.kind == "number" and _whole(columns[0].values)
        rows = (
            len(columns[0]) / FEWEST_ROWS_A_CLASS
            if field.name.strip().lower() in CLASS_NAMES
            else 0.1 * len(columns[0])
        )
        if whole and field.num_distinct <= 20 and field.num_distinct <= max(2, rows):
            return f"{field.num_distinct} different whole numbers, read as classes"
        return None

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> ClassifyState:
        name = columns[0].name
        counts = counts_of(as_text(columns[0].values))
        labels = counts["value"].to_list()
        if len(labels) < 2:
            only = f"only {labels[0]!r}" if labels else "no value at all"
            raise DataError(
                f"Column '{name}' holds {only}, but a classification needs at least two classes. "
                "Choose another column with --target, or add rows of another class."
            )
        if len(labels) > MAX_CLASSES:
            raise DataError(
                f"Column '{name}' holds {len(labels):,} different values, but at most {MAX_CLASSES:,} classes can be "
                "told apart. Choose another column with --target, or pass --task regress if it is a quantity."
            )
        single = counts.filter(pl.col("count") == 1)
        if len(single):
            label = single["value"].sort()[0]
            more = f" (and {len(single) - 1} other classes)" if len(single) > 1 else ""
            raise DataError(
                f"Class '{label}' of column '{name}' has one row{more}, but a class needs at least two: one to learn "
                "from and one to test on. Add rows of it, merge it with another class, or remove it."
            )
        dtype = columns[0].values.dtype
        if isinstance(dtype, pl.Enum):  # ordered by whoever made it
            labels = [label for label in dtype.categories.to_list() if label in set(labels)]
        else:
            labels = sort_labels(labels)
        return ClassifyState(labels=tuple(labels), variants={}, cells=_cells_of(dtype))

    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        text = as_text(columns[0].values)
        if state.variants:
            text = text.replace(state.variants)
        codes = text.cast(pl.Enum(state.labels), strict=False).to_physical().cast(pl.Int64)
        return codes.fill_null(-1).to_numpy()


def _cells_of(dtype: pl.DataType) -> Literal["text", "integer", "number", "boolean"]:
    if dtype.is_integer():
        return "integer"
    if dtype == pl.Boolean:
        return "boolean"
    return "number" if dtype.is_float() else "text"


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Class names in one order for the whole product: by value when all are plain numbers, else by text, in which numbers
    count as such (normal_2 before normal_10)."""
    try:
        numbers = {label: float(label) for label in labels}
    except ValueError:
        return sorted(labels, key=lambda label: (_natural(label), label))
    # "0010" and "10" are different names; the text settles what the value leaves open.
    return sorted(labels, key=lambda label: (numbers[label], label))


def _natural(label: str) -> list[tuple[str, int]]:
    """Runs of letters, each with the number behind it."""
    runs = re.findall(r"([^0-9]*)([0-9]{0,18})", label)
    return [(letters, int(digits or -1)) for letters, digits in runs]


def _whole(series: pl.Series) -> bool:
    if series.dtype.is_integer():
        return True
    numbers = as_numbers(series).drop_nulls()
    return bool((numbers == numbers.round()).all())
