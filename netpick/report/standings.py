"""Who stands where: the candidates and baselines of a run in the order of their primary test score."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netpick.answers.metrics import METRICS
from netpick.types.results import CandidateResult, RunResults, Score


def metric_label(name: str) -> str:
    """The name of a metric for people: 'ROC AUC'."""
    return METRICS[name].label if name in METRICS else name.replace("_", " ")


def metric_word(name: str) -> str:
    """The same within a sentence: 'accuracy', but still 'ROC AUC' and 'F1'."""
    label = metric_label(name)
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def higher_is_better(name: str) -> bool:
    """Whether more of a metric is better."""
    return METRICS[name].better == "higher" if name in METRICS else True


def definition(name: str) -> str:
    """One plain sentence on a metric, or nothing."""
    return METRICS[name].definition if name in METRICS else ""


def primary(results: RunResults, entry: CandidateResult) -> Score | None:
    """The primary test score of a candidate or baseline; None when it failed or has none that is finite."""
    score = entry.test.get(results.primary_metric)
    return score if entry.status == "ok" and score is not None and math.isfinite(score.value) else None


def standings(results: RunResults) -> list[CandidateResult]:
    """Candidates, baselines and the blend, best first; those that had too little time, then those without a score last."""
    sign = -1.0 if higher_is_better(results.primary_metric) else 1.0

    def place(entry: CandidateResult) -> tuple[bool, bool, float]:
        score = primary(results, entry)
        return (score is None, not entry.ranked, sign * score.value if score else 0.0)

    return sorted(results.entries, key=place)


def named(entries: Sequence[CandidateResult], name: str | None) -> CandidateResult | None:
    """The entry of that name."""
    return next((entry for entry in entries if entry.name == name), None)


def shown_in_detail(results: RunResults) -> CandidateResult | None:
    """Whom the page shows in detail: the winner; where no network trained, the best baseline with a score."""
    winner = named(results.entries, results.verdict.winner)
    if winner is not None and winner.test_predictions is not None:
        return winner
    with_rows = [e for e in standings(results) if primary(results, e) is not None and e.test_predictions is not None]
    return with_rows[0] if with_rows else None


def best_network(results: RunResults) -> CandidateResult | None:
    """The network to use where a network is wanted: the winner, if that is one."""
    recommended = named(results.candidates, results.verdict.best_network)
    return recommended if recommended is not None else named(results.candidates, results.verdict.winner)


def best_baseline(results: RunResults) -> CandidateResult | None:
    """The verdict's best baseline, else the first baseline in the standings."""
    recommended = named(results.baselines, results.verdict.best_baseline)
    if recommended is not None:
        return recommended
    return next((e for e in standings(results) if e.family == "baseline" and primary(results, e) is not None), None)


def clamped(metric: str, scale: tuple[float, float]) -> tuple[float, float]:
    """A scale that promises no accuracy above 1."""
    if metric not in METRICS:
        return scale
    return max(scale[0], METRICS[metric].lowest), min(scale[1], METRICS[metric].highest)


def visible_range(results: RunResults) -> tuple[float, float]:
    """The range of scores worth drawing: whiskers of all who come near the best; far ones are left out of scale.

    A majority baseline at 0.11 beside networks at 0.98 and 0.99 would make all networks look alike, so who is more than
    four times as far from the best as the median, and farther than the best baseline, is said in words instead.
    """
    order = [e for e in standings(results) if e.ranked] or standings(results)
    scores = [s for e in order if (s := primary(results, e)) is not None]
    if not scores:
        return 0.0, 1.0
    best = scores[0].value
    gaps = sorted(abs(s.value - best) for s in scores)
    baseline = best_baseline(results)
    beside = primary(results, baseline) if baseline else None
    reach = max(4 * gaps[len(gaps) // 2], scores[0].high - scores[0].low, abs(beside.value - best) if beside else 0.0)
    near = [s for s in scores if abs(s.value - best) <= reach]
    low = min(s.low if math.isfinite(s.low) else s.value for s in near)
    high = max(s.high if math.isfinite(s.high) else s.value for s in near)
    margin = (high - low) * 0.06 or abs(best) * 0.01 or 0.01
    return low - margin, high + margin
