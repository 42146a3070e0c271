"""R001 and R002: what the contest says about the networks."""

from __future__ import annotations

from netpick.answers.metrics import METRICS, best_on_validation, strongest_on_test
from netpick.checks.base import FinishedContest, ResultCheck
from netpick.types import Finding
from netpick.types.words import quoted


class NoNetworkBeatsBaselines(ResultCheck):
    """A plain baseline is as good."""

    code = "R001"
    title = "No network beats the best baseline"
    most_severe = "warning"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        baseline = strongest_on_test(contest.baselines, contest.comparisons[0].metric) if contest.comparisons else None
        if baseline is None:
            return None
        networks = {c.name for c in contest.candidates if c.ranked and c.family != "blend"}
        against = [c for c in contest.comparisons if c.b == baseline.name and c.a in networks]
        if not against:
            return None
        if any(c.verdict == "better" for c in against):
            return []
        nearest = max(against, key=lambda c: c.difference)
        return [
            self.finding(
                severity="warning",
                evidence=(
                    f"The nearest, {nearest.a}, differs from {baseline.name} by {nearest.difference:+.3g} in "
                    f"{METRICS[nearest.metric].label} ({nearest.low:.3g} to {nearest.high:.3g})."
                ),
                advice=f"{baseline.name} is simpler, and the test rows cannot tell that it is worse. More rows may change that.",
            )
        ]


class NetworksTie(ResultCheck):
    """The test rows cannot tell the leading networks apart."""

    code = "R002"
    title = "Networks tie"
    most_severe = "info"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        if not contest.comparisons or sum(c.status == "ok" and c.ranked for c in contest.candidates) < 2:
            return None
        metric = contest.comparisons[0].metric
        best = best_on_validation(contest.candidates, metric)
        if best is None:
            return None
        names = {c.name for c in contest.candidates if c.status == "ok" and c.ranked} - {best.name}
        pairs = [
            c for c in contest.comparisons if {c.a, c.b} & {best.name} and {c.a, c.b} & names and c.verdict == "tie"
        ]
        tied = [c.b if c.a == best.name else c.a for c in pairs]
        if not tied:
            return []
        return [
            self.finding(
                severity="info",
                evidence=(
                    f"On the test rows {best.name} cannot be told from {quoted(tied)} in {METRICS[metric].label}: "
                    "the intervals of their differences hold zero."
                ),
                advice="Choose by cost: size, speed, ease. More test rows would tell finer differences apart.",
            )
        ]
