"""The contract of a check: looks at data or results and returns findings; never raises, never changes anything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netpick.tasks import TASKS
from netpick.tasks.examples import Evidence
from netpick.tasks.repeats import Mask, among, repeats_by_chance
from netpick.types import Array, FileColumn, Finding, Rows, Severity, Split
from netpick.types.results import CandidateResult, Comparison

if TYPE_CHECKING:
    from netpick.checks.features import Sample

FEW = 10  # examples that a finding names
NAMED = 3  # rows that its evidence names
LISTED = 20  # rows that it lists


@dataclass(frozen=True, kw_only=True)
class CheckContext(Evidence):
    """What a check may look at, and what is worked out of it once for all of them."""

    files: Mapping[str, FileColumn] = field(default_factory=dict)  # what columns of media were decoded from

    @classmethod
    def of(cls, evidence: Evidence, files: Mapping[str, FileColumn]) -> CheckContext:
        """The evidence, and the files behind it."""
        return cls(files=files, **{f.name: getattr(evidence, f.name) for f in fields(evidence)})

    @property
    def learned(self) -> Rows:
        """Training and validation rows."""
        return np.concatenate([self.train, self.validation])

    @property
    def holds_out(self) -> bool:
        """Whether test rows are other rows than training rows (very small data are not split)."""
        return not np.array_equal(self.train, self.test)

    @property
    def windowed(self) -> bool:
        """Whether the rows are steps of series that are forecast."""
        return self.series is not None

    @property
    def one_class(self) -> bool:
        """Whether a row's target is one of several classes."""
        return TASKS[self.schema.task].answer.one_class

    @property
    def any_labels(self) -> bool:
        """Whether a row's target are labels that hold or not."""
        return TASKS[self.schema.task].answer.any_labels

    @property
    def each_token(self) -> bool:
        """Whether each token of a row has a tag of its own."""
        return TASKS[self.schema.task].answer.each_token

    @property
    def of_numbers(self) -> bool:
        """Whether rows have numbers as their target."""
        return TASKS[self.schema.task].answer.quantities and not self.windowed

    @property
    def of_text(self) -> bool:
        """Whether rows are blocks of a text that goes on."""
        return TASKS[self.schema.task].answer.sequences

    @property
    def of_pairs(self) -> bool:
        """Whether rows are pairs of texts."""
        return TASKS[self.schema.task].answer.stepwise

    @cached_property
    def by_chance(self) -> Mask:
        """Rows (N,) that are identical to others by chance."""
        if self.row_groups is None:
            return np.zeros(self.source.num_rows, dtype=bool)
        return repeats_by_chance(self.source, self.schema, self.row_groups)

    @cached_property
    def copied(self) -> Rows:
        """Test rows that are copies of rows to learn from, and not alike by chance."""
        if self.row_groups is None:
            return self.test[:0]
        alike = self.test[among(self.row_groups[self.test], self.row_groups[self.learned])]
        return np.asarray(alike[~self.by_chance[alike]])

    @cached_property
    def sample(self) -> Sample:
        """Some rows of each side as plain numbers; made once for all checks that look at rows as a whole."""
        from netpick.checks.features import make_sample

        return make_sample(self)


class Coded(ABC):
    """A question with a code, and what its answers have in common."""

    code: ClassVar[
        str
    ]  # "D001" is about data, "T001" about training, "R001" about results: docs/checks/D001.md explains it
    title: ClassVar[str]
    most_severe: ClassVar[Severity]  # of its findings; only severe ones stop a run

    def finding(
        self,
        *,
        severity: Severity,
        evidence: str,
        advice: str,
        clause: str = "",
        columns: Sequence[str] = (),
        rows: Sequence[int] = (),
    ) -> Finding:
        """See Finding."""
        return Finding(
            code=self.code,
            severity=severity,
            title=self.title,
            evidence=evidence,
            advice=advice,
            clause=clause,
            columns=columns,
            rows=rows,
        )


class Check(Coded):
    """One coded question about data. `run` returns None when it does not apply, [] when all is well."""

    @abstractmethod
    def run(self, context: CheckContext) -> list[Finding] | None: ...


@dataclass(frozen=True, kw_only=True)
class FinishedContest:
    """What the checks of training and results see."""

    candidates: Sequence[CandidateResult]
    baselines: Sequence[CandidateResult] = ()
    comparisons: Sequence[Comparison] = ()
    split: Split | None = None


class ResultCheck(Coded):
    """One coded question about a finished contest, in the same manner."""

    @abstractmethod
    def run(self, contest: FinishedContest) -> list[Finding] | None: ...


def row_name(context: CheckContext, row: int) -> str:
    """How a person would name a row: its file, else its number."""
    names = context.source.row_names
    return str(names[row]) if names is not None else f"row {row + 1}"


def rows_named(context: CheckContext, rows: Array, most: int = NAMED) -> str:
    """The first rows by name: "row 3, row 9, …"."""
    shown = ", ".join(row_name(context, row) for row in np.asarray(rows)[:most].tolist())
    return shown + (", …" if len(rows) > most else "")


def some_of(rows: Rows, most: int) -> Rows:
    """At most so many of the rows, drawn the same way each time, sorted."""
    if len(rows) <= most:
        return np.sort(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def looked_at(sampled: int, all_rows: int, noun: str = "rows") -> str:
    """ "1,000 of 10,000 test rows, drawn at random", or nothing when it was all of them."""
    return f" (a sample: {sampled:,} of {all_rows:,} {noun}, drawn at random)" if sampled < all_rows else ""
