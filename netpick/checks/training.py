"""T001, T002, T003: how training went."""

from __future__ import annotations

from collections.abc import Sequence

from netpick.checks.base import ResultCheck
from netpick.types import CandidateResult, Comparison, Finding, HistoryPoint

LATE = 0.8  # of the steps; what happens after is "the end"
STILL_FALLING = 0.05  # of the loss
FEWEST_LOOKS = 5
RISEN, GAP = 1.1, 0.5


class FailedCandidates(ResultCheck):
    """Candidates and baselines that broke off."""

    code = "T001"
    title = "A candidate failed"
    gravest = "warning"

    def run(
        self,
        candidates: Sequence[CandidateResult],
        baselines: Sequence[CandidateResult],
        comparisons: Sequence[Comparison],
    ) -> list[Finding] | None:
        return [
            Finding(
                code=self.code,
                severity="warning",
                title=self.title,
                evidence=f"{result.name} failed: {result.reason.rstrip('.')}.",
                advice="It takes no part in the contest. Change its settings or its recipe, or leave it out with --models.",
            )
            for result in (*candidates, *baselines)
            if result.status == "failed"
        ]


class StillImproving(ResultCheck):
    """Candidates whose validation loss fell to the end, and fast."""

    code = "T002"
    title = "Stopped while still improving"
    gravest = "info"

    def run(
        self,
        candidates: Sequence[CandidateResult],
        baselines: Sequence[CandidateResult],
        comparisons: Sequence[Comparison],
    ) -> list[Finding] | None:
        watched = [c for c in candidates if c.status == "ok" and len(c.history) >= FEWEST_LOOKS]
        if not watched:
            return None
        return [
            Finding(
                code=self.code,
                severity="info",
                title=self.title,
                evidence=(
                    f"{c.name}: the loss on the validation rows fell by {_late_fall(c.history):.0%} in the last fifth of "
                    f"its {c.steps:,} steps and was lowest at the end."
                ),
                advice="A larger --budget (or --steps) may help it.",
            )
            for c in watched
            if _late_fall(c.history) >= STILL_FALLING
        ]


def _late_fall(history: Sequence[HistoryPoint]) -> float:
    """How much of the loss went in the last fifth; 0 when the lowest came earlier than the end."""
    late = LATE * history[-1].step
    before = min((p.validation_loss for p in history if p.step <= late), default=0.0)
    last = history[-1].validation_loss
    if before <= 0 or last > min(p.validation_loss for p in history):
        return 0.0
    return (before - last) / before


class Overfitting(ResultCheck):
    """Candidates that learned their training rows by heart."""

    code = "T003"
    title = "Overfitting"
    gravest = "info"

    def run(
        self,
        candidates: Sequence[CandidateResult],
        baselines: Sequence[CandidateResult],
        comparisons: Sequence[Comparison],
    ) -> list[Finding] | None:
        watched = [c for c in candidates if c.status == "ok" and len(c.history) >= FEWEST_LOOKS]
        if not watched:
            return None
        findings = []
        for c in watched:
            last = c.history[-1]
            lowest = min(c.history, key=lambda p: p.validation_loss)
            if last.validation_loss < RISEN * lowest.validation_loss or last.train_loss > GAP * last.validation_loss:
                continue
            findings.append(
                Finding(
                    code=self.code,
                    severity="info",
                    title=self.title,
                    evidence=(
                        f"{c.name}: the loss on the validation rows was lowest at step {lowest.step:,} "
                        f"({lowest.validation_loss:.3g}) and rose to {last.validation_loss:.3g}, while that on the "
                        f"training rows fell to {last.train_loss:.3g}."
                    ),
                    advice="More rows, augmentation, dropout, weight decay or --recipe patience=3 may help.",
                )
            )
        return findings
