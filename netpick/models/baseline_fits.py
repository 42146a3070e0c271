"""The baselines of a run: fitted one after another, each within its share of the seconds, with what the clock decided kept.

A tenth of the budget is theirs. Up to a third is, where that makes a full fit of a reduced one; budgets of a few seconds
stay at a tenth, which is all that networks can spare. A run that is resumed or replayed makes the same fits again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.disk.files import append_lines
from netpick.disk.strict import RefusedError, read_as, read_file
from netpick.errors import RequestError
from netpick.models.baselines import BASELINES, Baseline, Decision, Fitted, Limit, Problem
from netpick.types import STRICT, Event, OnEvent

BASELINE_SHARE = 0.1  # of the budget
LARGEST_SHARE = 1 / 3  # of the budget
SHORT_BUDGET = 10.0  # seconds, whose tenth is never exceeded
DECISIONS = "baselines.jsonl"
MOST_BYTES = 1 << 20
TRIES = 7  # of answering one row


@strict_dataclass(config=STRICT, kw_only=True)
class Decided:
    """A line of baselines.jsonl."""

    baseline: str
    decision: Decision
    sum: str = ""  # of the line without it

    def summed(self) -> Decided:
        """With the sum that belongs to it."""
        plain = TypeAdapter(Decided).dump_json(replace(self, sum=""))
        return replace(self, sum=hashlib.sha256(plain).hexdigest()[:16])


@dataclass(frozen=True, kw_only=True)
class BaselineFit:
    """A baseline, what was learned, and the seconds that it took."""

    baseline: Baseline
    fitted: Fitted
    seconds: float


def fit_baselines(
    problem: Problem,
    budget: float | None,
    decided: Mapping[str, Decision],
    on_event: OnEvent,
    clock: Callable[[], float] = time.perf_counter,
) -> list[BaselineFit]:
    """All baselines that apply; in full without a budget, exactly as was decided where it was."""
    allowed = [baseline for baseline in BASELINES.values() if not (problem.private and baseline.holds_rows)]
    fitting = [baseline for baseline in allowed if baseline.texts == problem.answer.texts]
    applying = [baseline for baseline in fitting if problem.is_known and baseline.applies(problem)]
    waiting = sum(baseline.costs_time for baseline in applying)
    usual = BASELINE_SHARE * (budget or 0.0)
    spare = (LARGEST_SHARE - BASELINE_SHARE) * max(0.0, (budget or 0.0) - SHORT_BUDGET)
    fits = []
    for baseline in applying:
        on_event(Event(stage="baselines", text=f"baseline: {baseline.name}", data={"candidate": baseline.name}))
        share = usual / max(1, waiting)
        limit = Limit(seconds=None if budget is None else share, most=share + spare, clock=clock)
        started = clock()
        fitted = baseline.fit(problem, limit, decided.get(baseline.name))
        seconds = clock() - started
        if baseline.costs_time:
            waiting -= 1
            usual = max(0.0, usual - min(seconds, share))
            spare = max(0.0, spare - max(0.0, seconds - share))
        fits.append(BaselineFit(baseline=baseline, fitted=fitted, seconds=seconds))
    return fits


def fitted_again(problem: Problem, fits: Sequence[BaselineFit]) -> list[BaselineFit]:
    """The same fits on other training rows: in full, or as they were decided where that was less."""
    return [
        replace(f, fitted=f.baseline.fit(problem, Limit(), None if f.fitted.decision.full else f.fitted.decision))
        for f in fits
    ]


def latency_ms(fit: BaselineFit, problem: Problem, row: int) -> float:
    """Milliseconds that answering one row takes, the median of some tries."""
    example = fit.baseline.given(problem, np.array([row]))
    seconds = []
    for _ in range(TRIES):
        started = time.perf_counter()
        fit.baseline.answer(fit.fitted, example)
        seconds.append(time.perf_counter() - started)
    return 1000 * float(np.median(seconds))


def keep_decisions(folder: Path, key: str, fits: list[BaselineFit]) -> None:
    """Writes what was decided, a line each, unless it is there already. key: of the round, before the baselines' names."""
    known = read_decisions(folder)
    new = [
        Decided(baseline=key + fit.baseline.name, decision=fit.fitted.decision)
        for fit in fits
        if key + fit.baseline.name not in known
    ]
    append_lines(folder / DECISIONS, [TypeAdapter(Decided).dump_json(line.summed()).decode() + "\n" for line in new])


def read_decisions(folder: Path) -> dict[str, Decision]:
    """What an earlier start decided, by round and baseline; empty when it did not come so far. Raises RequestError when it is
    damaged."""
    path = folder / DECISIONS
    if not path.is_file():
        return {}
    try:
        lines = bytes(read_file(path, MOST_BYTES)).splitlines()
        read = [read_as(Decided, line, MOST_BYTES) for line in lines if line.strip()]
        if any(line != line.summed() for line in read):
            raise RefusedError("a line is not as it was written")
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read ({error}). Start the run anew with `netpick fit`.") from None
    return {line.baseline: line.decision for line in read}
