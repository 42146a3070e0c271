"""Schemathesis over the documented interface, briefly; `make api-fuzz` does it at length."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from served_models import start

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


@pytest.mark.slow
def test_schemathesis_finds_no_server_error_and_no_undocumented_answer(served_folder: Path) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from fuzz_api import fuzz

    served = start([served_folder / "table"])
    code, cases, report = fuzz(served, 1)
    assert served.stop() == 0
    assert code == 0, report
    assert cases > 100
    assert [line for line in served.log if '"level": "error"' in line] == []
