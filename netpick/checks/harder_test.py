"""R003: a given test part, or a later period, that is much harder than the rows that candidates were chosen on."""

from __future__ import annotations

import math
from typing import Any

from netpick.answers.metrics import METRICS, Metric, best_on_validation
from netpick.answers.metrics.intervals import Z
from netpick.checks.base import FinishedContest, ResultCheck
from netpick.types import Finding
from netpick.types.results import CandidateResult, Score
from netpick.types.words import quoted

PARTS = ("given", "time")  # rules by which test rows may be of another kind; drawn ones differ by chance alone
FEWEST = 100  # rows of each part, below which intervals say too little
FAR = 3.0  # standard errors of the difference: choosing on the validation rows alone makes up to half a one
HARDER = 1.2  # times as far from a perfect score: less is no reason to expect other scores


class HarderTestPart(ResultCheck):
    """The best network and half of all others score clearly worse on the test rows than on the validation rows."""

    code = "R003"
    title = "The test rows are harder than the rows that were chosen on"
    most_severe = "warning"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        split = contest.split
        if split is None or split.method not in PARTS or not contest.comparisons:
            return None
        metric = METRICS[contest.comparisons[0].metric]
        best = best_on_validation(contest.candidates, metric.name)
        if best is None or metric.name not in best.test:
            return None
        before, after = best.validation[metric.name], best.test[metric.name]
        if min(before.n, after.n) < FEWEST:
            return None
        everyone = [r for r in (*contest.candidates, *contest.baselines) if _is_scored(r, metric)]
        worse = [r for r in everyone if _is_harder(r.validation[metric.name], r.test[metric.name], metric)]
        if best not in worse or 2 * len(worse) < len(everyone):
            return []
        others = [r.name for r in worse if r is not best]
        also = f" So do {quoted(others)}, {len(worse)} of {len(everyone)} in all." if others else ""
        given = (
            "The test part was given with the data."
            if split.method == "given"
            else "The test rows are the latest ones."
        )
        return [
            self.finding(
                severity="warning",
                evidence=f"{best.name}: {metric.label} {_said(before)} on the validation rows, {_said(after)} on the test rows.{also} {given}",
                advice=(
                    "Expect the test score of rows like the test rows, not the validation score. Either the test rows come from another "
                    "source, other people or another time (D025 compares them), or validation rows resemble rows that were learned from, "
                    "such as pictures of the same person. Choose on rows like the test rows: a validation part of their kind, or --split "
                    "group:COLUMN where rows belong together."
                ),
            )
        ]


def _is_scored(result: CandidateResult, metric: Metric[Any]) -> bool:
    return result.status == "ok" and result.ranked and metric.name in result.validation and metric.name in result.test


def _is_harder(before: Score, after: Score, metric: Metric[Any]) -> bool:
    """Whether the second score is worse by more than chance, and by an amount that matters."""
    higher = metric.better == "higher"
    gap = before.value - after.value if higher else after.value - before.value
    ends = (
        (before.value - before.low, after.high - after.value)
        if higher
        else (before.high - before.value, after.value - after.low)
    )
    error = math.hypot(*ends) / Z  # by the ends that face each other: of shares near 1 they are far apart
    missing = (metric.highest - before.value, metric.highest - after.value) if higher else (before.value, after.value)
    matters = missing[1] > HARDER * missing[0] if math.isfinite(missing[1]) else True
    return gap > max(FAR * error, metric.margin(before.value)) and matters


def _said(score: Score) -> str:
    return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g}, n = {score.n:,})"
