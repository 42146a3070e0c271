"""The verdict's sentences, one function each; an empty text where there is nothing to say."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from netpick.answers.compare.deep_learning import starved
from netpick.answers.compare.evidence import Evidence, turned
from netpick.answers.compare.recommend import SAME_LATENCY, Recommendation, latency
from netpick.answers.compare.words import chance_text, difference_text, latency_text, margin_text, scored
from netpick.answers.metrics import METRICS
from netpick.answers.metrics.progress import second_half_gain, within_reach
from netpick.types.results import CandidateResult
from netpick.types.words import listed

MOST_NAMES = 3  # of those that are as good, which a headline names


def headline_of(
    chosen: Recommendation,
    free: Recommendation,
    network: CandidateResult | None,
    baselines: Sequence[CandidateResult],
    metric: str,
) -> str:
    """'Use cnn: accuracy 0.992 (0.990 to 0.994, n = 10,000), tied with mlp; nearest neighbours does as well.'

    free: who would be chosen were no network asked for. network: the best of the networks that were judged, if any.
    """
    winner = chosen.winner
    kind = " (a baseline)" if winner.family == "baseline" else ""
    lead = f"Use {winner.name}{kind}: {scored(winner, metric)}{_tied(chosen, free)}"
    if winner.reduced:
        return f"{lead}, but it had time for a part of its fit only."
    hungry = [] if winner.family == "baseline" else starved(network, baselines, metric)
    if hungry:
        return f"{lead}, but {_plural('the baseline', hungry)} {listed(hungry, len(hungry))} had time for a part of the fit only."
    return f"{lead}."


def _tied(chosen: Recommendation, free: Recommendation) -> str:
    """', tied with mlp and rnn; nearest neighbours does as well': the winner's own kind first; empty where nobody is as good."""
    of_kind = chosen.winner.family == "baseline"
    same = [e.name for e in chosen.equals if (e.family == "baseline") == of_kind]
    other = [e.name for e in chosen.equals if (e.family == "baseline") != of_kind]
    tied = f", tied with {listed(same, MOST_NAMES)}" if same else ""
    if free.winner is not chosen.winner and free.winner.family == "baseline":  # a network was asked for
        as_good = any(e is chosen.winner for e in free.equals)
        return f"{tied}; {free.winner.name} {'does as well' if as_good else 'is better'}"
    return f"{tied}; {listed(other, MOST_NAMES)} {'do' if len(other) > 1 else 'does'} as well" if other else tied


def nobody_judged(furthest: CandidateResult | None, metric: str) -> str:
    """The first sentence where no network can be judged."""
    if furthest is None:
        return "No network could be trained."
    return f"No network had enough time to be judged. {furthest.name} came furthest: {scored(furthest, metric)}."


def among_all(chosen: Recommendation, known: Evidence, single: Collection[str], told: Collection[str]) -> str:
    """Why this one of those that are as good; else by how much it is better than the next.

    single: everyone but blends. told: whom another sentence compares it with.
    """
    winner, equals = chosen.winner, chosen.equals
    if equals:
        return _reason(winner, equals)
    rivals = {b: pair for (a, b), pair in known.on_test.items() if a == winner.name and b in single}
    if not rivals:
        return ""  # another sentence says that there is no baseline
    name = min(rivals, key=lambda other: rivals[other].difference)
    pair = rivals[name]
    if name in told:
        return ""
    if pair.verdict == "better":
        return f"It is better than the next best, {name}, by {difference_text(pair)}."
    if pair.verdict == "worse":
        return f"{name} is better on the test rows by {difference_text(turned(pair))}, but not on the validation rows."
    return f"The next best is {name} (difference {difference_text(pair, sign=True)})."


def _reason(winner: CandidateResult, equals: Sequence[CandidateResult]) -> str:
    """Why the winner and none of its equals: what it costs, in the order in which that was asked."""
    if winner.family == "baseline":  # a network that is as good is the matter of another sentence
        equals = [e for e in equals if e.family == "baseline" and not e.reduced]
    if not equals or not winner.latency_ms:
        return ""
    slower = min(latency(e) for e in equals)
    if slower > SAME_LATENCY * latency(winner):
        return f"It is the fastest of them ({latency_text(winner.latency_ms)} a row; the next {latency_text(slower)})."
    if winner.bytes and winner.bytes < min(e.bytes for e in equals):
        return "It is the smallest of them."
    return f"It is among the fastest of them ({latency_text(winner.latency_ms)} a row)."


def risk(chosen: Recommendation, margin: float) -> str:
    """How likely another one is better after all."""
    return f"The chance that another one is better by more than the margin of {margin_text(margin)} is {chance_text(chosen.chance)}."


def more_time(candidates: Sequence[CandidateResult], winner: CandidateResult, metric: str) -> str:
    """Networks that more time might bring past the winner."""
    rule = METRICS[metric]
    near = [
        c for c in candidates if c.status == "ok" and c.ranked and c is not winner and within_reach(c, [winner], rule)
    ]
    gains = [
        f"{c.name} gained {margin_text(second_half_gain(c, rule))} in the second half of its training" for c in near
    ]
    return f"More time may change this: {listed(gains, len(gains))}." if gains else ""


def too_little_time(untimely: Sequence[CandidateResult], *, others: bool) -> str:
    """Networks that could not be judged; others: whether some could."""
    if not untimely:
        return ""
    names = [
        f"{c.name} ({c.steps:,} step{'s' * (c.steps != 1)})" if c.status == "ok" else f"{c.name} (not trained)"
        for c in untimely
    ]
    named = listed(names, len(names))
    who = "Not enough time to judge" if others else "Not enough time to judge any network:"
    return f"{who} {named}; pass a larger --budget, or more --steps."


def barred_ones(winner: CandidateResult, entries: Sequence[CandidateResult], metric: str) -> str:
    """Who scores better than the winner and may not be recommended, with the reason."""
    sign = 1.0 if METRICS[metric].better == "higher" else -1.0
    better = [
        e
        for e in entries
        if e.barred and metric in e.test and sign * (e.test[metric].value - winner.test[metric].value) > 0
    ]
    return " ".join(
        f"Not recommended, though better by this score: {e.name} ({scored(e, metric)}), since {e.barred}."
        for e in better
    )


def failures(candidates: Sequence[CandidateResult]) -> str:
    """Candidates that broke off, with their reasons."""
    failed = [f"{c.name} ({c.reason.rstrip('.')})" if c.reason else c.name for c in candidates if c.status == "failed"]
    if not failed:
        return ""
    return f"{'No network could be trained' if len(failed) == len(candidates) else 'Not in the contest'}: {'; '.join(failed)}."


def _plural(word: str, names: Sequence[str]) -> str:
    return f"{word}s" if len(names) > 1 else word
