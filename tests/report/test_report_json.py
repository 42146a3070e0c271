"""report.json: the golden file, the documentation, strictness."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_samples import SAMPLES, tiny

from netpick.report import to_json
from netpick.report.as_json import strict_json

ROOT = Path(__file__).resolve().parents[2]
MAY_BE_NULL = {
    "series",
    "threshold",
    "candidates[].half_time",
    "blend",
    "blend.result",
    "blend.against",
    "searches[].stated",
    "searches[].corrected",
    "searches[].against",
}  # objects, or null
GOLDEN = ROOT / "tests" / "golden" / "report_v1.json"
BY_METRIC = re.compile(r"\.(test|validation|stated)\.\w+\.(value|low|high|n)$")


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every leaf of a JSON value: data.columns[].name; the plan is one leaf, metrics are stars."""
    if isinstance(value, Mapping) and at != "plan":
        for key, item in value.items():
            yield from paths(item, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, f"{at}[]")
    else:
        at = BY_METRIC.sub(r".\1.*.\2", at).replace("baselines[]", "candidates[]")
        at = at.replace("blend.result.", "candidates[].").replace("blend.against.", "comparisons[].")
        at = at.replace("searches[].against.", "comparisons[].")
        at = re.sub(r"\.settings\..*", ".settings.*", at)
        yield re.sub(r"^blend\.weights\..*", "blend.weights.*", at)


def test_the_contract_is_the_golden_file() -> None:
    assert to_json(tiny()) == json.loads(GOLDEN.read_text("utf-8"))


def test_every_field_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "report.md").read_text("utf-8"), re.MULTILINE))
    assert set(paths(to_json(tiny()))) - MAY_BE_NULL == documented - MAY_BE_NULL


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_strict_json_with_the_same_fields_for_every_task(name: str) -> None:
    report = to_json(SAMPLES[name]())
    again = json.loads(json.dumps(report, allow_nan=False))
    assert again == report
    assert set(report) == set(to_json(tiny()))
    assert set(paths(report)) <= set(paths(to_json(tiny()))) | MAY_BE_NULL


def test_what_is_not_finite_is_null() -> None:
    value = {
        "a": math.nan,
        "b": (math.inf, np.float32(0.5), np.int64(3)),
        4: np.array([1.0, -math.inf]),
        "c": Path("x"),
    }
    assert strict_json(value) == {"a": None, "b": [None, 0.5, 3], "4": [1.0, None], "c": "x"}


def test_booleans_stay_booleans() -> None:
    assert strict_json({"refit": np.bool_(True), "module": False})["refit"] is True


def test_a_failed_candidate_is_there_with_its_reason_and_without_scores() -> None:
    failed = next(c for c in to_json(SAMPLES["images"]())["candidates"] if c["status"] == "failed")
    assert failed["test"] == {}
    assert "NaN at step 41" in failed["reason"]
