"""What a contest gives: scores, candidates, comparisons, the verdict, and all of a run's results as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from netpick.types import (
    Array,
    CellFormat,
    CheckOutcome,
    Cut,
    Finding,
    LearnedRows,
    Note,
    Parts,
    Schema,
    Split,
    UnreadableRow,
)
from netpick.types.drawings import Explained


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric's value on n rows with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class HistoryPoint:
    """One look at the validation rows during training."""

    step: int
    seconds: float
    train_loss: float
    validation_loss: float
    validation_score: float  # of the primary metric
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class HalfTime:
    """What the second half of a candidate's training brought, on the same validation rows.

    At about half of its share a copy of the network is annealed for a few steps and scored, as the candidate itself is at
    the end. An evaluation in the middle of a schedule would say nothing: with a high learning rate every network looks poor.
    """

    step: int  # steps behind the annealed copy, those of its annealing included
    validation_loss: float
    validation_score: float  # of the primary metric
    end_step: int  # the same of the candidate at its end
    end_loss: float
    end_score: float
    loss_error: float  # standard error of validation_loss - end_loss: of the differences row by row


@dataclass(frozen=True, kw_only=True)
class Answered(ABC):
    """What a model says about n rows. Every kind of answer has its own subclass in answered.py.

    All fields are arrays over the rows, or None where there is nothing of the kind.
    """

    averaged: ClassVar[tuple[str, ...]]  # fields that a blend of several models averages
    own: ClassVar[tuple[str, ...]] = ()  # fields that belong to a single model
    folds: npt.NDArray[np.int64] | None = None  # (n,) fold of each row, where each fold has its own model

    @property
    @abstractmethod
    def stated(self) -> npt.NDArray[np.float64]:
        """(n, ...) what every model states, whatever else it says."""

    def __len__(self) -> int:
        return len(self.stated)

    def take(self, rows: slice | Array) -> Self:
        """The same of some of the rows."""
        return replace(self, **{name: part if part is None else part[rows] for name, part in vars(self).items()})

    def finite(self) -> bool:
        """Whether all that is stated are numbers."""
        return bool(np.isfinite(self.stated).all())


@dataclass(frozen=True, kw_only=True)
class ForecastOrigin:
    """One test window as people see it: what went before, and when."""

    place: int  # among the test rows
    series: str  # its name, or ""
    history_times: Sequence[str]
    history: npt.NDArray[np.float64]  # (steps, V)
    times: Sequence[str]  # of the horizon


@dataclass(frozen=True, kw_only=True)
class LevelScore:
    """One level of a hierarchy: scores of all its series together, by metric."""

    level: str
    series: int
    scores: Mapping[str, Score]


@dataclass(frozen=True, kw_only=True)
class ForecastShown:
    """What the report draws of one candidate's forecasts, S windows of H steps and V targets."""

    windows: npt.NDArray[np.float64]  # (S, H, V, 4): point forecast, 10, 50 and 90 %
    error: npt.NDArray[np.float64]  # (H,) RMSE by steps ahead, of several targets in standard deviations
    coverage: npt.NDArray[np.float64]  # (H,) share of the truth inside of the 80 % interval
    by_series: npt.NDArray[np.float64] | None = None  # (S, 3) of each series: test windows, MASE, share inside
    by_level: Sequence[LevelScore] = ()  # where series add up


@dataclass(frozen=True, kw_only=True)
class ForecastInfo:
    """What the report says about a forecast beyond its scores."""

    horizon: int
    context: int
    season: int
    step: str  # "hourly"
    shown: Sequence[ForecastOrigin]
    known: Sequence[str] = ()  # columns that have to be known for the horizon
    ahead: Sequence[str] = ()  # the first times behind the data
    ids: Sequence[str] = ()  # of the series, where there are several
    known_steps: npt.NDArray[np.int64] | None = None  # (S,) from the first to the last known step of each
    series: npt.NDArray[np.int64] | None = None  # (n,) number of each test row's series
    levels: Sequence[str] = ()  # of each series, where series add up
    blocks: npt.NDArray[np.int64] | None = None  # (n,) of the test rows: rows of a block depend on each other
    truth: npt.NDArray[np.float64] | None = None  # (S, H, V) of the windows that are shown
    first: npt.NDArray[np.float64] | None = None  # (n, V) the first targets one step ahead, of all test rows
    by_candidate: Mapping[str, ForecastShown] = field(default_factory=dict)  # of those that are drawn


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of a network."""

    name: str
    kind: str  # its class: Conv2d, Linear, ...
    shape: str  # of what it gives, N for the rows: "(N, 32, 26, 26)"; empty where that is no tensor
    weights: int  # that it holds itself


@dataclass(frozen=True, kw_only=True)
class CandidateResult:
    """A network's or a baseline's outcome; one that failed, or that was not tried, has a reason and no scores."""

    name: str  # "cnn", "rnn[cell=gru]", "boosted trees"
    family: str  # "mlp", "cnn", "rnn", "transformer", "layers", "module", "baseline"
    status: Literal["ok", "failed", "untried"]  # untried: the time was too short for it
    reason: str = ""  # why it failed, or remarks such as "trained on 20,000 sampled rows"
    reduced: bool = False  # a baseline that had time for a part of the rows or iterations of a full fit only
    validation: Mapping[str, Score] = field(default_factory=dict)
    test: Mapping[str, Score] = field(default_factory=dict)
    seconds: float = 0.0  # training time
    steps: int = 0
    parameters: int = 0
    bytes: int = 0  # size of the weights
    latency_ms: float = 0.0  # one row, this machine
    history: Sequence[HistoryPoint] = ()
    half_time: HalfTime | None = None  # where it was measured
    ranked: bool = True  # False: it had not enough time to be judged, and takes no part in the contest
    barred: str = ""  # why it may not be recommended, however good its scores are
    test_predictions: Answered | None = None
    validation_predictions: Answered | None = None
    calibration: str = ""  # what validation rows changed in its probabilities, or how wide its intervals are, in words
    stated: Mapping[str, Score] = field(default_factory=dict)  # test scores of its probabilities before calibration
    layers: Sequence[Layer] = ()  # of a network, in the order in which rows go through them


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A paired difference a - b in the primary metric on the same test rows; positive when `a` is better."""

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    verdict: Literal["better", "worse", "tie"]  # of a against b


@dataclass(frozen=True, kw_only=True)
class Blend:
    """The weighted average of some candidates and baselines: one more row of the contest, and never a network."""

    result: CandidateResult  # family "blend"; its latency and size are those of all members together
    weights: Mapping[str, float]  # by member, which sum to 1
    against: Comparison | None  # the blend against the best single candidate or baseline on validation rows
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """What a group of columns adds to the recommended network, in the primary metric.

    `score` is that of test rows which have this group's values from other test rows; `difference` is how much better the
    rows' own values are, positive when the group helps, whichever way the metric points.
    """

    group: str
    columns: Sequence[str]
    score: Score
    difference: float
    low: float
    high: float
    verdict: Literal["helps", "harms", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One setting that a search tried."""

    number: int  # 0: the default
    settings: Mapping[str, Any]  # those that were searched: numbers and words
    score: float | None  # of the primary metric on validation rows, where it ended; None: it failed
    rung: int  # how often it went on
    steps: int
    seconds: float
    failed: str = ""  # why


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search of a candidate's settings tried, and whether that was worth it."""

    candidate: str  # the default
    tuned: str  # the candidate that came out; "": no other settings were better
    metric: str
    method: str  # "tpe", "random" or "grid"
    steps: int  # of a trial that went all the way
    trials: Sequence[Trial]
    chosen: int | None  # number of a trial; None: all failed
    stated: Score | None  # of the chosen trial on the validation rows
    corrected: Score | None  # without what choosing the best of many adds; None where it was not computed
    against: Comparison | None  # the tuned candidate against the default, on the test rows
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer. `sentence` is all of it in words, `headline` its first sentence: no caveat stands behind that."""

    winner: str | None  # the recommended candidate, a network or a baseline
    best_baseline: str | None
    sentence: str
    deep_learning_helps: Literal["yes", "no", "unclear"]
    best_network: str | None = None  # the one to use where a network is wanted; the winner, if that is one
    headline: str = ""
    lines: Sequence[str] = ()  # what the sentence says after the headline, a thought each
    equals: Sequence[str] = ()  # not likely to be worse than any other by more than the margin, the winner aside
    margin: float | None = None  # differences in the primary metric up to this do not matter in use
    chance: float | None = None  # that another is better than the winner by more than the margin


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The decision threshold of a binary task, chosen on validation rows."""

    value: float
    cost_fp: float
    cost_fn: float
    positive: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """How probabilities become decisions: from a threshold on, by least expected cost, or the likeliest."""

    threshold: float | None = None  # of the second of two classes, or of every label
    costs: Sequence[Sequence[float]] | None = None  # (K, K) of rows of the first class that are called the second


@dataclass(frozen=True, kw_only=True)
class TargetInfo:
    """What the report needs to know about the target."""

    names: Sequence[str]  # target columns
    task: str  # "classify", "multilabel", "regress", "forecast"
    labels: Sequence[str] = ()  # class names in the order of the probabilities
    unit_note: str = ""


@dataclass(frozen=True, kw_only=True)
class ShownRow:
    """A row that the report shows."""

    name: str  # as a person would name it
    cells: Mapping[str, str] = field(default_factory=dict)  # of the columns that tell most, where rows have no pictures
    text: str = ""  # its beginning
    picture: Array | None = None  # uint8 (H, W) or (H, W, 3), or a series (T, C) of floats


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """How a text goes on by one candidate, made up; or how it really does."""

    candidate: str
    prompt: str
    text: str
    copied: str  # the longest passage of it that stands in the text that was learned from


@dataclass(frozen=True, kw_only=True)
class DataInfo:
    """What a report and a model file say of the data, and the few rows that a report shows."""

    name: str
    origin: str
    layout: str
    fingerprint: str
    num_rows: int
    num_columns: int
    notes: Sequence[Note] = ()
    unreadable: Sequence[UnreadableRow] = ()
    formats: Mapping[str, CellFormat] = field(default_factory=dict)
    tables: Sequence[str] = ()  # features whose cells are those of a table
    channels: int = 1  # of a series
    cut: Cut | None = None  # of a table of steps whose rows are windows
    parts: Parts | None = None  # of a table whose rows are parts of recordings
    label_counts: Sequence[int] | None = None  # rows of each class, where the target's cells are the labels
    pictured: bool = False  # rows have pictures or curves
    rows: Mapping[int, ShownRow] = field(default_factory=dict)  # by row number


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """All that the report shows, as data. Reports are pure functions of this value, and RUN/results.zip holds it."""

    version: str  # of netpick
    title: str
    created: str  # ISO time
    command: str
    source: DataInfo
    schema: Schema
    target: TargetInfo
    split: Split
    plan: Mapping[str, Any]  # plan.json as data
    primary_metric: str
    candidates: Sequence[CandidateResult]
    baselines: Sequence[CandidateResult]
    comparisons: Sequence[Comparison]
    verdict: Verdict
    threshold: Threshold | None
    findings: Sequence[Finding]
    test_openings: int
    seconds: float
    test_truth: (
        Array  # (n,) int64 for classify, (n, L) for multilabel, (n, T) float64 for regress, (n, H * V) for forecast
    )
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)  # by candidate; binary tasks only
    blend: Blend | None = None
    searches: Sequence[Search] = ()  # of settings, where that was asked for
    costs: Sequence[Sequence[float]] | None = None  # (K, K) of mistakes between classes, where they were given
    decision: str = ""  # how costs decide, in words, where there are more than two classes
    forecast: ForecastInfo | None = None
    ablation: Sequence[Ablation] = ()  # empty where the rows have a single group of columns
    explained: Explained | None = None  # a validation row
    continuations: Sequence[Continuation] = ()  # of the same beginning, where the next symbol of a text is asked
    learned: LearnedRows | None = None  # what a model file keeps of the rows that were learned from
    kept: Sequence[str] = ()  # candidates and baselines whose models lie in the run folder
    checks: Sequence[CheckOutcome] = ()  # every check that was run, in the order of their codes
    spent: str = ""  # of the budget, where it was passed or not used: known once the report is written
    private: bool = False  # reports show nothing of single rows

    @property
    def entries(self) -> Sequence[CandidateResult]:
        """Everyone in the contest: candidates, baselines, and the blend where there is one."""
        blend = () if self.blend is None else (self.blend.result,)
        return (*self.candidates, *self.baselines, *blend)

    def rule(self, candidate: str) -> DecisionRule:
        """How this candidate's probabilities become decisions."""
        threshold = self.thresholds.get(candidate, self.threshold)
        return DecisionRule(threshold=None if threshold is None else threshold.value, costs=self.costs)
