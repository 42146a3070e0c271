"""T001 to T004: how training went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netpick.answers.answered import AnsweredTexts
from netpick.answers.metrics import METRICS, Metric
from netpick.answers.metrics.progress import still_improves, within_reach
from netpick.checks.base import FinishedContest, ResultCheck
from netpick.types import Finding
from netpick.types.results import CandidateResult, HalfTime

FEWEST_EVALUATIONS = 5
RISEN, GAP = 1.1, 0.5
SILENT = 0.9  # of the texts are empty


class FailedCandidates(ResultCheck):
    """Candidates and baselines that broke off."""

    code = "T001"
    title = "A candidate failed"
    most_severe = "warning"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        return [
            self.finding(
                severity="warning",
                evidence=f"{result.name} failed: {result.reason.rstrip('.')}.",
                advice="It takes no part in the contest. Change its settings or its recipe, or leave it out with --models.",
            )
            for result in (*contest.candidates, *contest.baselines)
            if result.status == "failed"
        ]


class StillImproving(ResultCheck):
    """Candidates that the second half of their training made better by more than noise."""

    code = "T002"
    title = "More time would help"
    most_severe = "warning"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        measured = [c for c in contest.candidates if c.status == "ok" and c.half_time is not None]
        if not measured:
            return None
        metric = METRICS[contest.comparisons[0].metric] if contest.comparisons else None
        others = [*contest.candidates, *contest.baselines]
        return [self._finding(c, c.half_time, metric, others) for c in measured if c.half_time and still_improves(c)]

    def _finding(
        self, candidate: CandidateResult, half: HalfTime, metric: Metric[Any] | None, others: Sequence[CandidateResult]
    ) -> Finding:
        fall = (half.validation_loss - half.end_loss) / half.validation_loss
        label = metric.label if metric else "the score"
        evidence = (
            f"{candidate.name}: going on from {half.step:,} to {half.end_step:,} steps lowered the loss on the validation rows "
            f"by {fall:.0%} ({half.validation_loss:.3g} to {half.end_loss:.3g}), which is more than noise; {label} went from "
            f"{half.validation_score:.4g} to {half.end_score:.4g}."
        )
        ahead = within_reach(candidate, others, metric) if metric else []
        if ahead:
            evidence += f" As much again would bring it past {', '.join(ahead)}."
        return self.finding(
            severity="warning" if ahead else "info",
            evidence=evidence,
            advice="Pass a larger --budget (or --steps). Without it, the candidate is judged before it has learned what it can.",
        )


class Overfitting(ResultCheck):
    """Candidates that learned their training rows by heart."""

    code = "T003"
    title = "Overfitting"
    most_severe = "info"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        watched = [c for c in contest.candidates if c.status == "ok" and len(c.history) >= FEWEST_EVALUATIONS]
        if not watched:
            return None
        findings = []
        for c in watched:
            last = c.history[-1]
            lowest = min(c.history, key=lambda p: p.validation_loss)
            if last.validation_loss < RISEN * lowest.validation_loss or last.train_loss > GAP * last.validation_loss:
                continue
            findings.append(
                self.finding(
                    severity="info",
                    evidence=(
                        f"{c.name}: the loss on the validation rows was lowest at step {lowest.step:,} "
                        f"({lowest.validation_loss:.3g}) and rose to {last.validation_loss:.3g}, while that on the "
                        f"training rows fell to {last.train_loss:.3g}."
                    ),
                    advice="More rows, augmentation, dropout, weight decay or --recipe patience=3 may help.",
                )
            )
        return findings


class NothingSaid(ResultCheck):
    """Networks that have not found the words yet: before they do, all that they say is nothing."""

    code = "T004"
    title = "It has not found the words yet"
    most_severe = "warning"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        said = {c.name: c.test_predictions for c in contest.candidates if c.status == "ok"}
        if not said or any(p is not None and not isinstance(p, AnsweredTexts) for p in said.values()):
            return None
        texts = {name: p.codes for name, p in said.items() if isinstance(p, AnsweredTexts) and len(p)}
        empty = {name: float((codes[:, 0] == 0).mean()) for name, codes in texts.items()}
        return [
            self.finding(
                severity="warning",
                evidence=(
                    f"{name} says nothing at all for {share:.0%} of the test rows. A network that learns where words stand begins with saying nothing "
                    "anywhere, and its error rate is no verdict on it."
                ),
                advice="Pass a larger --budget; with few recordings, --level words has fewer symbols to find than characters.",
            )
            for name, share in empty.items()
            if share >= SILENT
        ]
