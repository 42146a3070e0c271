"""The verdict: which network to use, whether the difference is real, and whether deep learning is needed at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Literal

from netpick.metrics import METRICS, best_on_validation, strongest_on_test
from netpick.types import CandidateResult, Comparison, Score, Verdict

Helps = Literal["yes", "no", "unclear"]

NORMAL = NormalDist()

FEW_STEPS, FEW_PASSES = 100, 3  # a network that had less of both has hardly begun to learn
NOT_NEEDED = ": you do not need deep learning here"
WIDE_SHARE = 0.05  # a tie whose interval reaches further than this to either side decides nothing
WIDE_LOSS = 0.1  # the same for losses, as a share of the baseline's loss


def verdict(
    candidates: Sequence[CandidateResult],
    baselines: Sequence[CandidateResult],
    comparisons: Sequence[Comparison],
    metric: str,
    passes: Mapping[str, float] | None = None,
) -> Verdict:
    """The answer, in words with numbers and intervals.

    passes: by name, how often the training rows were gone through. Networks that had hardly begun to learn are named, and
    cannot tell that deep learning does not help.

    The best network is the one with the best validation score; the best baseline the one with the best test score, so that
    the yardstick flatters no network. Networks that the best one does not
    beat on the test rows tie with it, if their validation score lies inside its interval and they stand to the baseline as
    it does; of these the one with the fewest parameters is recommended. (Latency would say more about cost, but it
    is measured, and a recommendation must not change from one run to the next.)

    Deep learning helps: "yes" when the recommended network beats the best baseline by more than noise and no baseline does
    better on the validation rows, "no" when it does not beat it, "unclear" when the rows are too few to tell or there is no
    baseline.
    """
    pairs = {(c.a, c.b): c for c in comparisons} | {(c.b, c.a): _turned(c) for c in comparisons}
    best = best_on_validation(candidates, metric)
    baseline = strongest_on_test(baselines, metric)
    failed = _failed(candidates)
    if best is None:
        score = f" The best baseline, {baseline.name}, has {_scored(baseline, metric)}." if baseline else ""
        sentence = f"No network could be trained{failed}.{score}"
        return Verdict(
            winner=None,
            best_baseline=baseline.name if baseline else None,
            sentence=sentence,
            deep_learning_helps="unclear",
        )
    tied = _tied(best, candidates, baseline, pairs, metric)
    winner = min(tied, key=lambda c: c.parameters)
    helps, against_baseline = _against_baseline(winner, baseline, pairs, metric)
    doubt = best_on_validation(baselines, metric)
    if helps == "yes" and doubt is not None and _is_better(doubt, winner, metric):
        # Noise that beats a baseline on few test rows seldom does so on the validation rows too.
        helps = "unclear"
        against_baseline += (
            f" But {doubt.name} does better on the validation rows, {score_text(doubt.validation[metric])} against "
            f"{score_text(winner.validation[metric])}: until there are more rows, the baseline is the safer choice."
        )
    sentence = f"{_among_networks(winner, tied, candidates, pairs, metric)}{against_baseline}"
    hurried = _hurried(candidates, passes or {})
    if hurried:
        helps = "unclear" if helps == "no" else helps
        sentence = sentence.replace(NOT_NEEDED, "") + _too_little_time(hurried, passes or {})
    if failed:
        sentence += f" Not in the contest{failed}."
    return Verdict(
        winner=winner.name,
        best_baseline=baseline.name if baseline else None,
        sentence=sentence,
        deep_learning_helps=helps,
    )


Pairs = dict[tuple[str, str], Comparison]


def _turned(c: Comparison) -> Comparison:
    opposite: dict[str, Literal["better", "worse", "tie"]] = {"better": "worse", "worse": "better", "tie": "tie"}
    return Comparison(
        a=c.b, b=c.a, metric=c.metric, difference=-c.difference, low=-c.high, high=-c.low, verdict=opposite[c.verdict]
    )


def _tied(
    best: CandidateResult,
    candidates: Sequence[CandidateResult],
    baseline: CandidateResult | None,
    pairs: Pairs,
    metric: str,
) -> list[CandidateResult]:
    """The best network and those as good, best first."""
    standing = _standing(best, baseline, pairs)
    interval = best.validation[metric]
    tied = [best]
    for other in candidates:
        against = pairs.get((best.name, other.name))
        if other.status != "ok" or against is None or against.verdict != "tie" or metric not in other.validation:
            continue
        validation = other.validation[metric].value
        near = validation >= interval.low if METRICS[metric].better == "higher" else validation <= interval.high
        if near and _standing(other, baseline, pairs) == standing:
            tied.append(other)
    return tied


def _standing(network: CandidateResult, baseline: CandidateResult | None, pairs: Pairs) -> str:
    pair = pairs.get((network.name, baseline.name)) if baseline else None
    return pair.verdict if pair else ""


def _among_networks(
    winner: CandidateResult,
    tied: Sequence[CandidateResult],
    candidates: Sequence[CandidateResult],
    pairs: Pairs,
    metric: str,
) -> str:
    """'cnn is the best network: accuracy 0.992 (...), better than mlp by 0.008 (...).'"""
    score = _scored(winner, metric)
    others = [c for c in candidates if c.status == "ok" and c.name != winner.name]
    equals = [c.name for c in tied if c.name != winner.name]
    if not others:
        return f"{winner.name} is the only network that was trained: {score}."
    if equals:
        fewest = (
            "the fewest parameters" if winner.parameters < min(c.parameters for c in tied if c is not winner) else ""
        )
        why = f", and has {fewest}" if fewest else ""
        sentence = f"{winner.name} is the network to use: {score}. It ties with {_listed(equals)}{why}."
    else:
        sentence = f"{winner.name} is the best network: {score}"
        runner_up = best_on_validation(others, metric)
        pair = pairs.get((winner.name, runner_up.name)) if runner_up else None
        if pair and runner_up and pair.verdict == "better":
            sentence += f", better than {runner_up.name} by {difference_text(pair)}"
        elif pair and runner_up:
            sentence += f", chosen before {runner_up.name} on the validation rows"
            sentence += ", though the test rows do not tell them apart" if pair.verdict == "tie" else ""
        sentence += "."
    better = [c.name for c in others if (p := pairs.get((winner.name, c.name))) and _surely_worse(p, len(others))]
    if better:
        verb = "do" if len(better) > 1 else "does"
        sentence += f" On the test rows {_listed(better)} {verb} better, but networks are chosen on validation rows."
    return sentence


def _hurried(candidates: Sequence[CandidateResult], passes: Mapping[str, float]) -> list[CandidateResult]:
    """Networks that had neither many steps nor saw the rows often."""
    trained = [c for c in candidates if c.status == "ok" and c.name in passes]
    return [c for c in trained if c.steps < FEW_STEPS and passes[c.name] < FEW_PASSES]


def _too_little_time(hurried: Sequence[CandidateResult], passes: Mapping[str, float]) -> str:
    told = [
        f"{c.name} had {c.steps:,} step{'s' * (c.steps != 1)} ({passes[c.name]:.1f} passes over the rows)"
        for c in hurried
    ]
    return f" That is too little training to judge by: {_listed(told)}. Pass a larger --budget, or more --steps."


def _is_better(a: CandidateResult, b: CandidateResult, metric: str) -> bool:
    """Whether a does better than b on the validation rows."""
    values = a.validation[metric].value, b.validation[metric].value
    return values[0] > values[1] if METRICS[metric].better == "higher" else values[0] < values[1]


def _surely_worse(pair: Comparison, looks: int) -> bool:
    """Whether b beats a even as the best of so many looks (Bonferroni): among four equal networks, one of the three that
    were not chosen has an interval of its own above zero in one contest of twelve."""
    half = pair.difference - pair.low  # of a 95 % interval
    wanted = NORMAL.inv_cdf(1 - 0.025 / max(1, looks)) / NORMAL.inv_cdf(0.975)
    return pair.verdict == "worse" and -pair.difference > half * wanted


def _against_baseline(
    winner: CandidateResult, baseline: CandidateResult | None, pairs: Pairs, metric: str
) -> tuple[Helps, str]:
    """Whether deep learning helps, and the sentence that says so."""
    if baseline is None:
        return "unclear", " No baseline came through to compare it with."
    pair = pairs.get((winner.name, baseline.name))
    if pair is None:
        return "unclear", f" It could not be compared with the best baseline, {baseline.name}."
    if pair.verdict == "better":
        return "yes", f" It beats the best baseline, {baseline.name}, by {difference_text(pair)}."
    if pair.verdict == "worse":
        lead = f" The best baseline, {baseline.name}, is better by {difference_text(_turned(pair))}"
        return "no", f"{lead}{NOT_NEEDED}."
    said = f"(difference {difference_text(pair, sign=True)})"
    if _is_wide(pair, baseline, metric):
        n = winner.test[metric].n if metric in winner.test else 0
        return "unclear", (
            f" {'One test row' if n == 1 else f'The {n:,} test rows'} cannot tell it from the best baseline, {baseline.name} {said}: "
            "until there are more, the baseline is the safer choice."
        )
    return "no", f" It does not beat the best baseline, {baseline.name} {said}{NOT_NEEDED}."


def _is_wide(pair: Comparison, baseline: CandidateResult, metric: str) -> bool:
    half = (pair.high - pair.low) / 2
    if METRICS[metric].share or METRICS[metric].highest == 1.0:
        return half > WIDE_SHARE
    score = baseline.test.get(metric)
    return score is not None and half > WIDE_LOSS * abs(score.value)


def _failed(candidates: Sequence[CandidateResult]) -> str:
    failed = [f"{c.name} ({c.reason.rstrip('.')})" if c.reason else c.name for c in candidates if c.status == "failed"]
    return f": {'; '.join(failed)}" if failed else ""


def _scored(result: CandidateResult, metric: str) -> str:
    score = result.test.get(metric)
    label = METRICS[metric].label
    label = label if label[:2].isupper() or label == "R²" else label[0].lower() + label[1:]
    return f"{label} {score_text(score)}" if score else f"no {label}, which is not defined on these test rows"


def score_text(score: Score) -> str:
    """'0.992 (0.990 to 0.994, n = 10,000)'."""
    value, interval = score_words(score)
    return f"{value} ({interval}, n = {score.n:,})"


def score_words(score: Score) -> tuple[str, str]:
    """'0.992' and '0.990 to 0.994'."""
    digits = _decimals(score.high - score.low, score.value)
    return f"{score.value:,.{digits}f}", f"{score.low:,.{digits}f} to {score.high:,.{digits}f}"


def difference_text(pair: Comparison, *, sign: bool = False) -> str:
    """'0.008 (0.006 to 0.010)'."""
    digits = _decimals(pair.high - pair.low, pair.difference)
    plus = "+" if sign else ""
    return f"{pair.difference:{plus},.{digits}f} ({pair.low:,.{digits}f} to {pair.high:,.{digits}f})"


def _decimals(width: float, value: float) -> int:
    """As many as the interval's half width deserves: 0.992 +- 0.002, 0.9444 +- 0.0004, 48,213 +- 800."""
    half = width / 2 * (1 + 1e-6)  # 0.002 may arrive as 0.0019999999
    if not (math.isfinite(half) and half > 0):
        return 3 if abs(value) < 100 else 0
    return max(0, -math.floor(math.log10(half)) + (half >= 0.01))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
