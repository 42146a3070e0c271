"""Which candidate to use: not likely to be worse than any other by an amount that matters, then the cheapest to run.

docs/decisions/0028-recommendation.md says why; docs/statistics.md, what it loses against the true best in simulations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netpick.answers.compare.evidence import Evidence
from netpick.types.results import CandidateResult

LIKELY = 0.5  # a chance; what is likelier than not
SAME_LATENCY = 2.0  # times as long; from one run to the next the same network's latency varies nearly as much
LEAST_LATENCY = 0.2  # milliseconds; what is below is the cost of the call


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """Whom to use, whom of the others one could use as well, and how sure that is."""

    winner: CandidateResult
    equals: Sequence[CandidateResult]
    chance: float  # that another one is better by more than the margin


def recommend(entries: Sequence[CandidateResult], evidence: Evidence, margin: float) -> Recommendation | None:
    """The recommended one of these entries, all of which have scores; None where there is none.

    A blend counts only where it is better than the best of the others by more than noise. A baseline that was fitted in
    full goes before networks that are as good: it needs no training to be watched.
    """
    single = [e for e in entries if e.family != "blend"]
    leader = max(single, key=lambda e: -_worst(e, single, evidence, margin), default=None)
    if leader is None:
        return None
    blends = [e for e in entries if e.family == "blend" and _surely_better(e, leader, evidence)]
    allowed = [*single, *blends]
    risks = {e.name: _worst(e, allowed, evidence, margin) for e in allowed}
    least = min(risks.values())
    good = [e for e in allowed if risks[e.name] < LIKELY or risks[e.name] == least]
    winner = cheapest([e for e in good if e.family == "baseline" and not e.reduced] or good)
    others = [e.name for e in allowed if e is not winner]
    return Recommendation(
        winner=winner,
        equals=[e for e in good if e is not winner],
        chance=evidence.beaten(winner.name, others, margin),
    )


def cheapest(entries: Sequence[CandidateResult]) -> CandidateResult:
    """The fastest; of those that no measurement tells from it, the smallest."""
    fastest = min(latency(e) for e in entries)
    return min((e for e in entries if latency(e) <= SAME_LATENCY * fastest), key=lambda e: (e.bytes, e.parameters))


def latency(entry: CandidateResult) -> float:
    """Milliseconds for a row, as far as they can be told apart; one that was not measured takes none."""
    return max(entry.latency_ms, LEAST_LATENCY)


def _worst(entry: CandidateResult, others: Sequence[CandidateResult], evidence: Evidence, margin: float) -> float:
    """The largest chance that it is worse than one of the others by more than the margin."""
    return max((evidence.worse(entry.name, o.name, margin) for o in others if o is not entry), default=0.0)


def _surely_better(entry: CandidateResult, other: CandidateResult, evidence: Evidence) -> bool:
    pair = evidence.on_test.get((entry.name, other.name))
    return pair is not None and pair.verdict == "better"
