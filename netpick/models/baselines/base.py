"""The contract of a baseline: fitted within a limit of time, kept as data, and a pure function from that data and rows to
answers, which the contest and a loaded model file both call."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.answers import Answer
from netpick.columns.forms import FORMS
from netpick.types import STRICT, Array, Column, Inputs, Rows, TableColumn

if TYPE_CHECKING:
    from netpick.tasks.forecast.state import ForecastState
    from netpick.tasks.forecast.windows import Windows

MOST_CHARACTERS = 20_000  # of a text


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Encoded rows to learn from: `arrays` by input name over all N rows ("vector", "codes", "series", "series.lengths",
    "grid", ...), as the networks get them, the raw columns of the features, and the target of the task."""

    answer: Answer[Any]  # what is answered
    inputs: Inputs
    arrays: Mapping[str, Array]
    target: Array  # (N,) int64 classes; (N, L) float32 labels; (N, T) float64 numbers in their own units, or int64 tags
    num_classes: int  # K, L or T
    train: Rows
    seed: int
    columns: Mapping[str, Column] = field(default_factory=dict)  # raw, by name, for baselines that read texts
    windows: Windows | None = None  # of a forecast
    numbers: Callable[[Rows], Mapping[str, Array]] | None = None  # raw, of columns of numbers, NaN where missing
    asked: int = 0  # rows that will be answered, which takes its time too
    fewest: int = 1  # rows that a term of texts must come in; more than one: nothing of single rows may be kept

    @property
    def private(self) -> bool:
        """Whether no model may hold anything of single rows."""
        return self.fewest > 1

    @property
    def is_known(self) -> bool:
        """Whether its answer is of a kind that baselines were made for: classes, labels, numbers, symbols, texts, tags, pixels,
        objects or made-up rows."""
        answer = self.answer
        return (
            answer.one_class
            or answer.any_labels
            or answer.quantities
            or answer.sequences
            or answer.texts
            or answer.each_token
            or answer.each_pixel
            or answer.each_object
            or answer.made_up
        )

    def given(self, rows: Rows, *, texts: bool = False, numbers: bool = False) -> Given:
        """These rows, as a baseline answers them; with their raw texts and numbers, or without."""
        columns = text_columns(self.inputs, self.columns) if texts else {}
        history = None
        if self.windows is not None:
            windows = self.windows
            history = history_of(windows, rows)
        arrays = {name: np.asarray(array[rows]) for name, array in self.arrays.items()}
        of_rows = {name: cells(column, rows) for name, column in columns.items()}
        raw = self.numbers(rows) if numbers and self.numbers is not None else {}
        return Given(inputs=self.inputs, arrays=arrays, texts=of_rows, numbers=raw, history=history)


@dataclass(frozen=True, kw_only=True)
class History:
    """All steps of the series that are forecast: what n windows begin behind."""

    values: Array  # (N, V) filled forward, in the targets' units
    starts: Array  # (S + 1,) first step of each series, and the end
    rows: Rows  # (n,) steps at which horizons begin
    series: Array  # (n,) number of each row's series in the task's state
    state: ForecastState  # of the task


@dataclass(frozen=True, kw_only=True)
class Given:
    """n rows to answer: encoded `arrays` by input name, raw `texts` and `numbers` by column, and of a forecast the history."""

    inputs: Inputs
    arrays: Mapping[str, Array]
    texts: Mapping[str, Array] = field(default_factory=dict)  # (n,) of str
    numbers: Mapping[str, Array] = field(default_factory=dict)  # (n,) float64, NaN where missing
    history: History | None = None

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Seconds for one baseline. `most` where more than `seconds` makes a full fit of a reduced one; None: always full."""

    seconds: float | None = None
    most: float = 0.0
    clock: Callable[[], float] = time.perf_counter


@strict_dataclass(config=STRICT, kw_only=True)
class Decision:
    """What a clock decided of a fit: with it, the same fit is made again."""

    rows: int = Field(ge=0)  # (or series, or pairs of window and step) that were learned from
    iterations: int = Field(ge=0)
    full: bool  # as much as without a limit, or as makes no difference


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted baseline, as data: `state` is a strict dataclass of JSON values, `arrays` are numbers."""

    baseline: str
    state: Any
    arrays: Mapping[str, Array]
    decision: Decision
    remark: str = ""  # what was reduced
    cache: dict[str, Any] = field(
        default_factory=dict, compare=False, repr=False
    )  # what answers look up again and again

    @property
    def num_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


class Baseline(ABC):
    """One baseline. `applies` says for which problems."""

    name: ClassVar[str]  # "boosted trees"
    definition: ClassVar[str]  # one plain sentence
    State: ClassVar[type]  # strict and frozen
    costs_time: ClassVar[bool] = True  # in fitting, so that it needs a share of the seconds
    reads_texts: ClassVar[bool] = False  # as they are, and not what the networks' tokenizer made of them
    reads_numbers: ClassVar[bool] = False  # beside the networks' inputs, in which they follow a normal distribution
    texts: ClassVar[bool] = False  # it answers texts, as code points (n, L)
    holds_rows: ClassVar[bool] = False  # its arrays are training rows, or values of single ones

    @abstractmethod
    def applies(self, problem: Problem) -> bool: ...

    @abstractmethod
    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        """Fits on problem.train: in full, or as far as the limit allows, or exactly as was decided before."""

    def fit_anew(self, problem: Problem, fitted: Fitted, trains: Sequence[Rows]) -> list[Fitted]:
        """The same fit on each of these training rows, where that costs little: of statistical forecasters, at origins of the test
        part. [] where it does not."""
        return []

    def given(self, problem: Problem, rows: Rows) -> Given:
        """Rows of the problem, with all that this baseline reads."""
        return problem.given(rows, texts=self.reads_texts, numbers=self.reads_numbers)

    def numbers(self, fitted: Fitted) -> tuple[str, ...]:
        """Columns whose raw numbers a fitted baseline reads."""
        return ()

    @abstractmethod
    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, K) float64: probabilities, or numbers in the target's units; of tags (n, T, K). Depends on nothing else."""

    def following(self, fitted: Fitted, symbols: Array) -> Array:
        """Probabilities (n, V) of what comes behind rows (n, S) of symbols; of those of texts alone."""
        raise NotImplementedError(f"{self.name} continues no text")

    @abstractmethod
    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        """Raises ValueError where the arrays do not fit the state or the inputs: they may come from a forged file."""


def history_of(windows: Windows, rows: Rows) -> History:
    """What these windows begin behind."""
    return History(
        values=windows.values,
        starts=windows.timeline.starts,
        rows=rows,
        series=windows.series[rows],
        state=windows.state,
    )


def text_names(inputs: Inputs) -> list[str]:
    """The columns of texts among the inputs, in their order."""
    return [name for spec in inputs.values() if FORMS[spec.form].texts for name in spec.names]


def text_columns(inputs: Inputs, columns: Mapping[str, Column]) -> dict[str, TableColumn]:
    """The raw columns of texts among the inputs, in their order."""
    return {name: column for name in text_names(inputs) if isinstance(column := columns.get(name), TableColumn)}


def cells(column: TableColumn, rows: Rows | None = None) -> Array:
    """Texts (n,) of these rows; missing ones are empty, long ones cut."""
    values = column.values if rows is None else column.values.gather(pl.Series(rows))
    texts = values.cast(pl.String).fill_null("").str.head(MOST_CHARACTERS)
    texts_of_rows = np.empty(len(texts), dtype=object)
    texts_of_rows[:] = texts.to_list()
    return texts_of_rows
