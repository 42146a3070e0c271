"""The contract of examples: what is learned from and answered, be it a row of the data, a window of a series, or more to come.

Three parts. `Examples` stands for one way of making them, and is stateless. `Prepared` is what it makes of the data of a
contest: target, split, groups, notes, and what networks and baselines read. `NewExamples` is what it makes of new data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import polars as pl

from netpick.columns.encode import Encoder
from netpick.columns.own_encoding import OwnEncoding
from netpick.columns.store import Allocator, Store
from netpick.errors import RequestError
from netpick.tasks.base import Task
from netpick.tasks.learned import learned_rows
from netpick.tasks.split import SealedRows
from netpick.types import Array, CheckOutcome, Column, Finding, Inputs, LearnedRows, Note, Rows, Schema, Source, Split
from netpick.types.results import DecisionRule, ForecastInfo, TargetInfo

if TYPE_CHECKING:
    from netpick.tasks.forecast.windows import Windows

DEFAULT_BUDGET = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class ExampleRequest:
    """What the user said of target, examples and split; None and () mean: infer it and say so."""

    target: tuple[str, ...] = ()
    task: str | None = None
    drop: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    budget: float | None = None  # seconds
    steps: int | None = None
    split: str | None = None
    folds: int | str | None = (
        None  # in which every row is tested once, or the column that names them; 1: a single test part
    )
    test: object | None = None
    cut: int | None = None  # steps of a table that are one example together; 0: every row is one
    horizon: int | None = None  # steps to forecast
    context: int | None = None  # steps before them that a network sees
    windows: int | None = None  # origins from which forecasts are tested
    every: str | None = None  # step that rows of a forecast are brought to
    point: Literal["mean", "median"] | None = None  # what a point forecast is, and so which errors decide
    quantiles: tuple[float, ...] = ()  # levels of a forecast that tables show and losses count
    known: tuple[str, ...] = ()  # columns that are known for the horizon
    holidays: str | None = None  # country whose holidays are known ahead
    hierarchy: str | None = (
        None  # columns of levels whose sums are forecast, too: "region/shop", perhaps with how: ":wls"
    )
    time: tuple[str, ...] = ()  # columns that tell the time
    ids: tuple[str, ...] = ()  # columns that tell series apart
    level: str | None = None  # what the symbols of a text are: a name in LEVELS (tasks/text/)
    beam: int | None = None  # beginnings of a generated text that are followed at once
    seed: int = 0
    private: bool = False  # no file of the finished run holds anything of single rows

    @property
    def seconds(self) -> float | None:
        """Of the budget; None where --steps says how long is trained."""
        if self.steps is not None:
            return None
        return DEFAULT_BUDGET if self.budget is None else self.budget


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What checks may look at. Media are decoded (ArrayColumn); rows are those that remain after unreadable ones.

    Of a forecast, rows are steps, `target` (N, V) holds the targets' values, and `order` is all that tells what was when.
    """

    source: Source
    schema: Schema
    train: Rows
    validation: Rows
    test: Rows
    target: Array  # encoded: (N,) int64 classes (-1 where missing), (N, L) labels, (N, T) float64 numbers
    labels: tuple[str, ...]  # class names, empty for regression
    row_groups: Array | None = None  # (N,) int64: equal numbers mark identical rows (features only, see row_groups.py)
    order: Rows | None = None  # of a forecast: rows by series, then by time
    series: Array | None = None  # (N,) of a forecast: number of each row's series
    known: tuple[str, ...] = ()  # of a forecast: columns that are known for the horizon
    num_tested: int | None = None  # rows that are tested in all folds, where `test` is that of the first
    variants: Mapping[str, str] = field(default_factory=dict)  # labels that were read as others


@dataclass(frozen=True, kw_only=True)
class Prepared(ABC):
    """Data that were read, understood, checked and split; nothing is fitted before it is asked for."""

    source: Source
    schema: Schema
    task: Task
    state: Any  # the task's
    truth: Array
    split: Split
    sealed: SealedRows
    evidence: Evidence
    findings: tuple[Finding, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    folds: tuple[Split, ...] = ()  # what the contest is judged by, where all rows are tested
    copied: Rows = field(
        default_factory=lambda: np.zeros(0, dtype=np.int64)
    )  # test rows that are copies of learned ones
    private: bool = False  # encoders learn nothing of single rows
    rows: int | None = None  # that were drawn of all; None where all were read

    groups_columns: ClassVar[bool] = True  # whether one can ask what each group of columns adds
    explained: ClassVar[bool] = True  # whether the report explains one of them

    # --- what is learned ---

    @property
    def target(self) -> TargetInfo:
        return TargetInfo(
            names=tuple(f.name for f in self.schema.targets),
            task=self.task.name,
            labels=self.task.answer.labels(self.state),
        )

    @property
    @abstractmethod
    def learned_target(self) -> Array:
        """What networks learn."""

    @abstractmethod
    def state_of(self, rows: Rows) -> Any:
        """The task's state as these rows have it."""

    @property
    @abstractmethod
    def num_scores(self) -> int:
        """Classes, labels or values that the primary metric is about."""

    def primary(self, balance: float) -> str:
        """The metric that decides. balance: share of the rows that are in the rarest class."""
        return self.task.answer.primary(self.num_scores, balance)

    @property
    @abstractmethod
    def scored_numbers(self) -> int:
        """Numbers a row that scoring reads, which is what its time grows with."""

    # --- what is read ---

    @property
    @abstractmethod
    def encoders(self) -> tuple[Encoder, ...]:
        """Of the columns, fitted on training rows."""

    @property
    @abstractmethod
    def inputs(self) -> Inputs:
        """What networks read."""

    @property
    def notes(self) -> list[Note]:
        """What the kinds learned of their columns."""
        return []

    @abstractmethod
    def store(self, allocator: Allocator) -> Store:
        """All examples, encoded once."""

    def read_by(self, encoding: OwnEncoding) -> Prepared:
        """The same examples as an architecture with an encoding of its own reads them."""
        raise RequestError(
            f"A {self.task.name} was asked for, but {encoding.name} reads whole rows only. Choose another network with --models."
        )

    def store_beside(self, before: Prepared, store: Store, allocator: Allocator, name: str) -> Store:
        """All examples as they are read now; what is read as `before` is shared with its store. name: of the encoding."""
        return self.store(allocator)

    @property
    def columns(self) -> Mapping[str, Column]:
        """Raw columns, for baselines that read texts as they are."""
        return {f.name: self.source.columns[f.name] for f in self.schema.features}

    @abstractmethod
    def numbers(self, rows: Rows) -> Mapping[str, Array]:
        """Raw columns of numbers of these rows, NaN where missing, for baselines."""

    @property
    def history(self) -> Windows | None:
        """For the baselines of forecasts."""
        return None

    def rival(self, rows: Rows) -> Array | None:
        """What needs no learning says of these rows, for metrics that compare with it."""
        return None

    # --- who learns from what ---

    @property
    def known_rows(self) -> Rows:
        return np.concatenate([self.split.train, self.split.validation])

    @property
    @abstractmethod
    def trained_twice(self) -> bool:
        """Whether validation rows may be learned from in the end."""

    @property
    @abstractmethod
    def learnable(self) -> Rows:
        """What the second training learns from."""

    @property
    def newest(self) -> Rows | None:
        """All that the recommended one learns from in the end, test rows too, where the newest examples are worth most; else None."""
        return None

    @abstractmethod
    def test_groups(self, rows: Rows) -> Array | None:
        """Which of these rows depend on each other: equal numbers; None where none do."""

    @abstractmethod
    def calibrated(self, answered: Array) -> Any:
        """The task's state for one network or baseline, given its answers for the validation rows: its probabilities and
        intervals are made to hold there."""

    def decoded(self, answers: Array, rows: Rows, state: Any) -> Any:
        """Typed predictions from answers for these rows, by the calibrated state of who gave them."""
        return self.task.answer.decode(answers, state)

    @property
    def blends(self) -> bool:
        """Whether the average of several answers is an answer like them."""
        return True

    # --- what is kept and shown ---

    def learned(self, store: Store) -> LearnedRows | None:
        """What the model file keeps of the rows that were learned from and chosen on; None where rows of the same data can be cut
        otherwise."""
        split = self.split
        seen = np.concatenate([split.train, split.validation, self.copied])
        return learned_rows(store.arrays, split.train, split.validation, np.setdiff1d(split.test, seen))

    def info(self, rows: Rows) -> ForecastInfo | None:
        """What the report shows of a forecast."""
        return None


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Examples of new data as a network reads them."""

    arrays: Mapping[str, Array]  # by store name
    rows: Rows  # of the arrays that are the examples
    state: Any  # the task's, for these data
    history: Windows | None = None  # what the arrays are views of, where they are


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Examples whose truth is known."""

    encoded: Encoded
    truth: Array  # (n, ...) of `encoded.rows`
    groups: Array | None = None  # (n,) equal for those that depend on each other
    rival: Array | None = None  # what needs no learning says of them, for metrics that compare with it


@dataclass(frozen=True, kw_only=True)
class Observed(ABC):
    """Examples whose truth was observed since, to be laid beside what was said of them."""

    encoded: Encoded

    @abstractmethod
    def table(self, predictions: Any) -> pl.DataFrame:
        """What was observed beside what was said."""

    @abstractmethod
    def sentence(self, table: pl.DataFrame) -> str:
        """What the table shows, with what chance alone would."""


@dataclass(frozen=True, kw_only=True)
class NewExamples(ABC):
    """The examples that one source holds for a model. Nothing is read of it before it is asked for."""

    task: Task
    state: Any
    encoders: tuple[Encoder, ...]
    targets: tuple[str, ...]
    source: Source

    noun: ClassVar[str] = "row"

    @abstractmethod
    def encoded(self, allocator: Allocator) -> Encoded:
        """Those that are answered. Raises DataError when columns are missing or there is no example."""

    @abstractmethod
    def labelled(self, allocator: Allocator) -> Labelled:
        """Those that can be scored. Raises DataError where no truth is known."""

    def decoded(self, answers: Array, encoded: Encoded) -> Any:
        """Typed predictions from answers for encoded examples."""
        return self.task.answer.decode(answers, encoded.state)

    def observed(self) -> Observed | None:
        """What became known after it could have been forecast; None where nothing is forecast. Raises DataError."""
        return None

    @abstractmethod
    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        """Answers, in the order of the examples, in the words and units of the target."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str] | None:
        """Of the examples, where they have any."""

    @abstractmethod
    def truth(self) -> Array | None:
        """(n, ...) of the examples that are answered, or None where the data hold none."""


class Examples(ABC):
    """One way of making examples. Instances are stateless."""

    name: ClassVar[str]  # Task.examples
    New: ClassVar[type[NewExamples]]
    can_be_drawn: ClassVar[bool] = True  # whether some rows, drawn at random, are examples as all of them are
    every_word: ClassVar[bool] = (
        False  # whether sounds are decoded for what is said in them: whole, a frame every 10 ms
    )

    @abstractmethod
    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        """The source as these examples need it, where they are meant; None where others are.

        asked: whether the task that was asked for has these examples. Raises RequestError where options contradict each other.
        """

    @abstractmethod
    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        """Target, examples and split of a source, unchecked. Raises DataError or RequestError with the fix."""

    @abstractmethod
    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        """What networks read of an example. Raises ValueError where the state does not say it."""

    def loose(self, data: object, state: Any, encoding: str | None) -> Source | None:
        """New data that are no table and no layout of files, such as a plain text; None for any others. Raises DataError."""
        return None

    def arranged(self, source: Source) -> Source:
        """New data with rows and columns as the examples need them."""
        return source
