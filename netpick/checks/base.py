"""The contract of a check: looks at data or results and returns findings; never raises, never changes anything."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netpick.types import Array, CandidateResult, Comparison, Finding, Rows, Schema, Source

FEW = 10  # examples that a finding names


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """What a check may look at. Media are decoded (ArrayColumn); rows are those that remain after unreadable ones."""

    source: Source
    schema: Schema
    train: Rows
    validation: Rows
    test: Rows
    target: Array  # encoded: classify (N,) int64 (-1 where missing), multilabel (N, L), regress (N, T) float64
    labels: tuple[str, ...]  # class names, empty for regression
    row_groups: Array | None = None  # (N,) int64: equal numbers mark identical rows (features only, see duplicates)

    @property
    def learned(self) -> Rows:
        """Training and validation rows."""
        return np.concatenate([self.train, self.validation])

    @property
    def holds_out(self) -> bool:
        """Whether test rows are other rows than training rows (very small data are not split)."""
        return not np.array_equal(self.train, self.test)


class Check(ABC):
    """One coded question about data. `run` returns None when it does not apply, [] when all is well."""

    code: ClassVar[str]  # "D001": the page docs/checks/D001.md explains it
    title: ClassVar[str]

    @abstractmethod
    def run(self, context: CheckContext) -> list[Finding] | None: ...


class ResultCheck(ABC):
    """One coded question about a finished contest, in the same manner."""

    code: ClassVar[str]  # "T001": about training, "R001": about results
    title: ClassVar[str]

    @abstractmethod
    def run(
        self,
        candidates: Sequence[CandidateResult],
        baselines: Sequence[CandidateResult],
        comparisons: Sequence[Comparison],
    ) -> list[Finding] | None: ...


def listed(names: Sequence[str], most: int = FEW) -> str:
    """The first names in quotes: "'a', 'b' and 3 more"."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
