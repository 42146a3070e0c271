"""The verdict: whom to use, how sure that is, and whether deep learning is needed at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from netpick.answers.compare.deep_learning import Helps, Rivals, helps
from netpick.answers.compare.evidence import Evidence, evidence
from netpick.answers.compare.recommend import Recommendation, recommend
from netpick.answers.compare.sentences import (
    among_all,
    barred_ones,
    failures,
    headline_of,
    more_time,
    nobody_judged,
    risk,
    too_little_time,
)
from netpick.answers.metrics import METRICS, strongest_on_test
from netpick.types import Finding
from netpick.types.results import CandidateResult, Comparison, Verdict

FEW_STEPS, FEW_PASSES = 100, 3  # a network that had less of both has hardly begun to learn

MOST_CLAUSES = 2  # severe findings that a headline names

Prefer = Literal["any", "network"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A contest once everyone is scored and compared with everyone."""

    candidates: Sequence[CandidateResult]
    baselines: Sequence[CandidateResult]
    on_test: Sequence[Comparison]
    on_validation: Sequence[Comparison] = ()
    metric: str
    margin: float | None = None  # None: the metric's own
    prefer: Prefer = "any"

    @property
    def untimely(self) -> list[CandidateResult]:
        """Networks that had not enough time to be judged."""
        return [c for c in self.candidates if c.status != "failed" and not c.ranked and not c.barred]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Who was judged, what is known of their differences, and whom to use of all and of the networks."""

    ranked: Sequence[CandidateResult]
    known: Evidence
    margin: float
    of_all: Recommendation
    of_networks: Recommendation | None
    chosen: Recommendation

    @property
    def networks(self) -> list[CandidateResult]:
        return [r for r in self.ranked if r.family not in ("baseline", "blend")]

    @property
    def baselines(self) -> list[CandidateResult]:
        return [r for r in self.ranked if r.family == "baseline"]


def has_had_time(result: CandidateResult, passes: float | None, fewest: float = FEW_PASSES) -> bool:
    """Whether a network was trained enough to be judged: it made many steps, or saw the rows often.

    passes: how often it went through the training rows; None where that is not known. fewest: passes that its family needs.
    """
    few_steps = FEW_STEPS * fewest / FEW_PASSES
    return result.status == "failed" or passes is None or result.steps >= few_steps or passes >= fewest


def verdict(outcome: Outcome) -> Verdict:
    """The answer, in words with numbers and intervals."""
    standing = _standing(outcome)
    if standing is None:
        return _nobody(outcome)
    metric, winner = outcome.metric, standing.chosen.winner
    network = standing.of_networks.winner if standing.of_networks else None
    best_baseline = strongest_on_test(standing.baselines, metric)
    headline = headline_of(standing.chosen, standing.of_all, network, standing.baselines, metric)
    later = more_time(outcome.candidates, winner, metric)
    answer, on_networks = _deep_learning(outcome, standing, undecided=bool(later or outcome.untimely))
    told = [e.name for e in (network, standing.of_all.winner, best_baseline) if e is not None]
    lines = [
        among_all(standing.chosen, standing.known, [r.name for r in standing.ranked if r.family != "blend"], told),
        on_networks,
        barred_ones(winner, (*outcome.candidates, *outcome.baselines), metric),
        risk(standing.chosen, standing.margin) if len(standing.ranked) > 1 else "",
        later,
        too_little_time(outcome.untimely, others=network is not None),
        failures(outcome.candidates),
    ]
    fallback = _furthest(outcome)
    return Verdict(
        winner=winner.name,
        best_baseline=best_baseline.name if best_baseline else None,
        sentence=" ".join(filter(None, [headline, *lines])),
        lines=[line for line in lines if line],
        deep_learning_helps=answer,
        best_network=network.name if network else fallback.name if fallback else None,
        headline=headline,
        equals=[e.name for e in standing.chosen.equals],
        margin=standing.margin,
        chance=standing.chosen.chance,
    )


def qualified(given: Verdict, findings: Sequence[Finding]) -> Verdict:
    """The verdict with the severe findings that a headline must not leave out, in its first sentence."""
    clauses = list(dict.fromkeys(f.clause for f in findings if f.severity == "severe" and f.clause))
    if not clauses or not given.headline:
        return given
    more = len(clauses) - MOST_CLAUSES
    shown = clauses[:MOST_CLAUSES] + (
        [f"there {'are' if more > 1 else 'is'} {more} more severe finding{'s' * (more > 1)}"] if more > 0 else []
    )
    joint = ", and " if ", but " in given.headline else ", but "
    headline = f"{given.headline.removesuffix('.')}{joint}{', and '.join(shown)}."
    return replace(given, headline=headline, sentence=headline + given.sentence.removeprefix(given.headline))


def _standing(outcome: Outcome) -> Standing | None:
    """None where nobody can be judged, or no network where one was asked for."""
    metric = outcome.metric
    ranked = [
        r
        for r in (*outcome.candidates, *outcome.baselines)
        if r.status == "ok" and r.ranked and not r.barred and metric in r.test
    ]
    leader = strongest_on_test(ranked, metric)
    if leader is None:
        return None
    blends = [r.name for r in ranked if r.family == "blend"]
    known = evidence(outcome.on_test, outcome.on_validation, blends)
    margin = METRICS[metric].margin(leader.test[metric].value) if outcome.margin is None else outcome.margin
    of_all = recommend(ranked, known, margin)
    of_networks = recommend([r for r in ranked if r.family not in ("baseline", "blend")], known, margin)
    chosen = of_networks if outcome.prefer == "network" else of_all
    if of_all is None or chosen is None:
        return None
    return Standing(
        ranked=ranked, known=known, margin=margin, of_all=of_all, of_networks=of_networks, chosen=chosen
    )  # fmt: skip


def _deep_learning(outcome: Outcome, standing: Standing, *, undecided: bool) -> tuple[Helps, str]:
    if standing.of_networks is None:
        return "unclear", ""
    free = standing.of_all.winner
    return helps(
        Rivals(
            spoken_of=None if standing.chosen.equals else standing.chosen.winner,
            network=standing.of_networks.winner,
            as_good=free if free.family == "baseline" else None,
            networks=standing.networks,
            baselines=standing.baselines,
            evidence=standing.known,
            metric=outcome.metric,
            margin=standing.margin,
            undecided=undecided,
        )
    )


def _nobody(outcome: Outcome) -> Verdict:
    """No network can be judged, and no baseline stands in; a network that had too little time is handed over all the same."""
    best = _furthest(outcome)
    headline = nobody_judged(best, outcome.metric)
    lines = [too_little_time(outcome.untimely, others=False), failures(outcome.candidates)]
    best_baseline = strongest_on_test(outcome.baselines, outcome.metric)
    return Verdict(
        winner=best.name if best else None,
        best_baseline=best_baseline.name if best_baseline else None,
        sentence=" ".join(filter(None, [headline, *lines])),
        lines=[line for line in lines if line],
        deep_learning_helps="unclear",
        best_network=best.name if best else None,
        headline=headline,
    )


def _furthest(outcome: Outcome) -> CandidateResult | None:
    """The best of the networks that had too little time."""
    untimely = [c for c in outcome.untimely if c.status == "ok"]
    best = strongest_on_test([replace(c, ranked=True) for c in untimely], outcome.metric)
    return next((c for c in untimely if best is None or c.name == best.name), None)
