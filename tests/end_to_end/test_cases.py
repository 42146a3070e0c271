"""Inputs as people really have them, read as a person would read them; see tools/cases.py."""

from __future__ import annotations

import pytest

from tools.cases import CASES, READINGS, Reading, judge

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent")


@pytest.mark.parametrize("reading", READINGS, ids=[reading.name for reading in READINGS])
def test_a_case_is_read_as_a_person_reads_it(reading: Reading) -> None:
    verdict, why = judge(reading)
    if reading.open and verdict != "OK":
        pytest.xfail(reading.open)
    assert verdict == "OK", why
