"""CHECKS: coded findings about data (D), training (T) and results (R), each explained in docs/checks/CODE.md.

To add one: a file (or a class beside its relatives), a line in CHECKS or RESULT_CHECKS, a page in docs/checks, a sample in
tests/conformance/test_checks.py. Only severe findings stop a run, and nothing here raises or changes data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from netpick.checks.after_the_fact import FilledAfterwards
from netpick.checks.base import Check, CheckContext, FinishedContest, ResultCheck
from netpick.checks.classes import RareClasses, UnevenClasses
from netpick.checks.columns import LeftOutColumns, StrayCells
from netpick.checks.constant import NothingChanges
from netpick.checks.copied_passages import CopiedPassages
from netpick.checks.cut_texts import CutTexts
from netpick.checks.delayed import DelayedTarget
from netpick.checks.drift import Drift
from netpick.checks.duplicates import DuplicateRows
from netpick.checks.entities import SameThingOnBothSides
from netpick.checks.file_formats import FormatTellsClass
from netpick.checks.file_traits import FileTraitTellsClass, kept_files
from netpick.checks.groups import KnownOrNewGroups
from netpick.checks.harder_test import HarderTestPart
from netpick.checks.labels import LabelVariants, variants_finding
from netpick.checks.leakage import LeakingColumn
from netpick.checks.mislabelled import LabelsToLookAt
from netpick.checks.near_images import NearCopiesOfImages
from netpick.checks.near_sounds import NearCopiesOfSounds
from netpick.checks.near_texts import NearCopiesOfTexts
from netpick.checks.outliers import Outliers
from netpick.checks.pairs import NoTranslations
from netpick.checks.remembered import RowsRemembered
from netpick.checks.results import NetworksTie, NoNetworkBeatsBaselines
from netpick.checks.row_order import OrderTellsTarget
from netpick.checks.same_rows import SameRowOtherLabel
from netpick.checks.small_test import FewTestRows
from netpick.checks.texts import EmptyTexts, RepeatedTexts
from netpick.checks.time_order import TimeRunsBackwards
from netpick.checks.training import FailedCandidates, NothingSaid, Overfitting, StillImproving
from netpick.checks.units import MixedUnits
from netpick.checks.unreadable import UnreadableFiles
from netpick.types import CheckOutcome, Finding

__all__ = [
    "CHECKS",
    "RESULT_CHECKS",
    "Check",
    "CheckContext",
    "FinishedContest",
    "ResultCheck",
    "kept_files",
    "outcomes",
    "run_checks",
    "run_result_checks",
    "variants_finding",
]

CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        DuplicateRows(),
        LeakingColumn(),
        RareClasses(),
        LabelVariants(),
        LeftOutColumns(),
        UnreadableFiles(),
        UnevenClasses(),
        FewTestRows(),
        StrayCells(),
        FormatTellsClass(),
        KnownOrNewGroups(),
        DelayedTarget(),
        FilledAfterwards(),
        EmptyTexts(),
        RepeatedTexts(),
        NearCopiesOfImages(),
        NearCopiesOfTexts(),
        NearCopiesOfSounds(),
        OrderTellsTarget(),
        FileTraitTellsClass(),
        SameThingOnBothSides(),
        TimeRunsBackwards(),
        SameRowOtherLabel(),
        LabelsToLookAt(),
        Drift(),
        Outliers(),
        NothingChanges(),
        MixedUnits(),
        CutTexts(),
        CopiedPassages(),
        NoTranslations(),
    )
}

RESULT_CHECKS: dict[str, ResultCheck] = {
    check.code: check
    for check in (
        FailedCandidates(),
        StillImproving(),
        Overfitting(),
        NothingSaid(),
        NoNetworkBeatsBaselines(),
        NetworksTie(),
        HarderTestPart(),
        RowsRemembered(),
    )
}


def run_checks(context: CheckContext) -> tuple[list[Finding], list[str], list[str]]:
    """Findings about the data, then the codes of checks that do not apply, then of those that found nothing."""
    return _in_three((check.code, check.run(context)) for check in CHECKS.values())


def run_result_checks(contest: FinishedContest) -> tuple[list[Finding], list[str], list[str]]:
    """Findings about training and results, then codes as of `run_checks`."""
    return _in_three((check.code, check.run(contest)) for check in RESULT_CHECKS.values())


def outcomes(
    checks: Iterable[Check] | Iterable[ResultCheck], findings: Sequence[Finding], not_applicable: Sequence[str]
) -> tuple[CheckOutcome, ...]:
    """What became of each check, from what running them returned."""
    found = {finding.code for finding in findings}
    made = []
    for check in checks:
        word: Literal["passed", "does not apply"] = "does not apply" if check.code in not_applicable else "passed"
        made.append(CheckOutcome(code=check.code, title=check.title, outcome="found" if check.code in found else word))
    return tuple(made)


def _in_three(results: Iterable[tuple[str, list[Finding] | None]]) -> tuple[list[Finding], list[str], list[str]]:
    findings: list[Finding] = []
    not_applicable: list[str] = []
    passed: list[str] = []
    for code, found in results:
        if found is None:
            not_applicable.append(code)
        elif not found:
            passed.append(code)
        else:
            findings += found
    return findings, not_applicable, passed
