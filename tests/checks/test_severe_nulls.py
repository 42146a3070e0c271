"""Severe findings and what would be found where nothing is wrong: time, and the draw of a few groups."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from netpick.checks import CHECKS
from netpick.contest.prepare import FitOptions, prepare
from netpick.types import Array

N = 800
DAYS = [date(2018, 1, 1) + timedelta(days=number) for number in range(N)]


def severities(frame: pl.DataFrame, code: str, **options: Any) -> dict[str, str]:
    """By column, what a check says of a frame."""
    findings = prepare(frame, FitOptions(accept=tuple(CHECKS), **options)).findings
    return {",".join(f.columns): f.severity for f in findings if f.code == code}


def growing(seed: int) -> Array:
    return np.asarray(np.cumsum(np.random.default_rng(seed).gamma(3, 2, N)).round(1))


@pytest.mark.parametrize("leak", [False, True])
def test_what_grows_goes_along_with_the_date_and_a_leak_tells_more(leak: bool) -> None:
    energy = growing(1)
    other = energy * 1.8 + np.random.default_rng(2).normal(0, 1e-3, N) if leak else growing(3)
    frame = pl.DataFrame(
        {"day": DAYS, "other": other, "wind": np.random.default_rng(4).gamma(2, 2, N), "energy": energy}
    )
    found = severities(frame, "D002", target=("energy",), task="regress", split="random")
    assert found.get("other") == ("severe" if leak else "warning")


@pytest.mark.parametrize("leak", [False, True])
def test_a_plan_that_grows_as_evenly_is_no_copy(leak: bool) -> None:
    rng = np.random.default_rng(0)
    load = 5.0 * np.arange(N) + rng.normal(0, 2, N)
    plan = 3 * load + 100 if leak else 3.0 * np.arange(N) + rng.normal(0, 2, N)
    frame = pl.DataFrame({"day": DAYS, "load": load, "plan": plan})
    found = severities(frame, "D002", target=("load",), horizon=12, known=("plan",))
    assert found.get("plan") == ("severe" if leak else "warning")


@pytest.mark.parametrize("late", [False, True])
def test_a_sensor_that_came_late_is_not_filled_in_afterwards(late: bool) -> None:
    rng = np.random.default_rng(0)
    output = np.linspace(10, 90, N) + rng.normal(0, 0.2, N)
    output = output if late else rng.permutation(output)
    filled = output > 50
    frame = pl.DataFrame(
        {
            "day": DAYS,
            "sensor": pl.Series(rng.normal(size=N)).set(pl.Series(~filled), None),
            "load": rng.normal(size=N),
            "output": output,
        }
    )
    found = severities(frame, "D013", target=("output",), task="regress", split="random")
    assert found == {"sensor": "warning" if late else "severe"}


def test_dates_with_gaps_of_their_own_are_no_order() -> None:
    rng = np.random.default_rng(0)
    closed = rng.random(N) < 0.4
    frame = pl.DataFrame(
        {
            "closed": [day if known else None for day, known in zip(DAYS, closed, strict=True)],
            "size": rng.normal(size=N),
            "churn": np.where(closed, "yes", "no"),
        }
    )
    assert severities(frame, "D013", target=("churn",), split="random") == {"closed": "severe"}


@pytest.mark.parametrize(("people", "wanted"), [(5, "warning"), (60, "severe")])
def test_the_earliest_of_few_people_may_be_drawn(people: int, wanted: str) -> None:
    """As the split drew them: those who are tested were seen first."""
    who = np.repeat(np.arange(people), 1_200 // people)
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "patient_id": [f"p{k}" for k in who],
            "dose": rng.normal(size=len(who)),
            "outcome": rng.choice(["yes", "no"], len(who)),
        }
    )
    split = prepare(frame, FitOptions(target=("outcome",), accept=tuple(CHECKS))).split
    tested = np.isin(who, who[split.test])
    days = [date(2020 if first else 2021, 1, 1) + timedelta(days=int(k)) for k, first in zip(who, tested, strict=True)]
    found = severities(frame.with_columns(pl.Series("seen", days)), "D022", target=("outcome",))
    assert found == {"seen": wanted}
