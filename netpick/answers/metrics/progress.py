"""Whether a candidate was still getting better when its time was over, and whom it could have passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netpick.answers.metrics.base import Metric
from netpick.types.results import CandidateResult

SURE = 1.96  # standard errors; one candidate of forty that gains nothing is said to gain
LEAST_FALL = 0.01  # of the loss; of very many rows, noise is less than anybody minds


def still_improves(candidate: CandidateResult) -> bool:
    """Whether the second half of its training lowered the loss by more than noise, and by enough to matter."""
    half = candidate.half_time
    if half is None:
        return False
    fall = half.validation_loss - half.end_loss
    return fall > SURE * half.loss_error and fall > LEAST_FALL * abs(half.validation_loss)


def second_half_gain(candidate: CandidateResult, metric: Metric[Any]) -> float:
    """What the second half of its training brought in this metric, positive when it got better; 0 where not measured."""
    half = candidate.half_time
    gain = half.end_score - half.validation_score if half else 0.0
    return gain if metric.better == "higher" else -gain


def within_reach(candidate: CandidateResult, others: Sequence[CandidateResult], metric: Metric[Any]) -> list[str]:
    """Who leads a candidate that still improves on the validation rows by no more than its second half brought it."""
    own = candidate.validation.get(metric.name)
    if own is None or not still_improves(candidate):
        return []
    gain, sign = second_half_gain(candidate, metric), 1.0 if metric.better == "higher" else -1.0
    leads = {
        other.name: sign * (other.validation[metric.name].value - own.value)
        for other in others
        if other.status == "ok" and other.ranked and metric.name in other.validation
    }
    return [name for name, lead in leads.items() if 0 < lead <= gain]
