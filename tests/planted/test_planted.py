"""A short run of `make planted`: one planted fault for every check, found with its code, without the real data."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpick.checks import CHECKS
from netpick.contest.prepare import FitOptions, prepare
from planted.case import Case, Place
from planted.generated import ONE_EACH as CLEAN_SETS
from planted.generated import Clean
from planted.media import CASES as MEDIA
from planted.sequences import CASES as SEQUENCES
from planted.tables import CASES as TABLES

EVERY = (*TABLES, *MEDIA, *SEQUENCES)
ONE_EACH = {case.code: case for case in EVERY if not case.shared and not case.unseen}
ELSEWHERE = {
    "D008",
    "D030",
    "D031",
}  # too few test rows: nothing to plant; running texts and pairs: see tests/conformance


def look_for(case: Case, place: Place) -> list[str]:
    planted = case.make(place)
    return [f.code for f in prepare(planted.data, FitOptions(accept=tuple(CHECKS), **planted.options)).findings]


@pytest.mark.parametrize("code", sorted(ONE_EACH))
def test_what_was_planted_is_found(code: str, tmp_path: Path) -> None:
    assert code in look_for(ONE_EACH[code], Place(folder=tmp_path / "data", shared=None, seed=7))


@pytest.mark.parametrize("clean", CLEAN_SETS, ids=lambda one: one.name)
def test_no_clean_set_is_stopped(clean: Clean, tmp_path: Path) -> None:
    """One set of every kind; `make planted` looks at two hundred."""
    made = clean.data(tmp_path / "data")
    findings = prepare(made.data, FitOptions(accept=tuple(CHECKS), **made.options)).findings
    assert [f.evidence for f in findings if f.severity == "severe"] == []


def test_something_is_planted_for_every_check_and_every_kind() -> None:
    assert {case.code for case in EVERY} == set(CHECKS) - ELSEWHERE
    assert set(ONE_EACH) == set(CHECKS) - ELSEWHERE
    kinds = {case.kind for case in EVERY}
    assert kinds == {"number", "category", "datetime", "text", "image", "audio", "series", "clip", "forecast"}
    assert len(EVERY) >= 200
    assert len({(case.code, case.kind, case.name) for case in EVERY}) == len(EVERY)
