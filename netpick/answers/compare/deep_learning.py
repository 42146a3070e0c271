"""Whether deep learning helps: the network to use against the strongest baseline, said so that noise never helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from netpick.answers.compare.evidence import Evidence, turned
from netpick.answers.compare.words import difference_text, margin_text, score_text
from netpick.answers.metrics import METRICS, best_on_validation, strongest_on_test
from netpick.types.results import CandidateResult, Comparison
from netpick.types.words import listed

Helps = Literal["yes", "no", "unclear"]

NOT_NEEDED = "You do not need deep learning here"
WIDE_SHARE = 0.05  # a tie whose interval reaches further than this to either side decides nothing
WIDE_LOSS = 0.1  # the same for losses, as a share of the baseline's loss
STARVED = 1 / 3  # of its error is what a reduced baseline might make in full: nine times the rows, errors as their root


@dataclass(frozen=True, kw_only=True)
class Rivals:
    """Who is weighed against whom: the network to use, all networks and baselines that were judged, and what is known."""

    spoken_of: CandidateResult | None  # whom the sentence before was about
    network: CandidateResult
    as_good: CandidateResult | None  # the baseline that is recommended, or would be were no network asked for
    networks: Sequence[CandidateResult]
    baselines: Sequence[CandidateResult]
    evidence: Evidence
    metric: str
    margin: float
    undecided: bool = False  # networks that had too little time might yet be better

    def called(self, entry: CandidateResult) -> str:
        """'it' for the one that the sentence before was about."""
        return "it" if entry is self.spoken_of else entry.name


def starved(network: CandidateResult | None, baselines: Sequence[CandidateResult], metric: str) -> list[str]:
    """Baselines that had too little time, and that might be as good as the network had they had enough."""
    return [b.name for b in baselines if b.reduced and (network is None or _could_reach(b, network, metric))]


def _could_reach(baseline: CandidateResult, network: CandidateResult, metric: str) -> bool:
    own, other = baseline.test.get(metric), network.test.get(metric)
    if own is None or other is None:
        return True
    if METRICS[metric].better == "higher":
        highest = METRICS[metric].highest
        return highest - STARVED * (highest - own.value) >= other.low
    return STARVED * own.value <= other.high


def helps(rivals: Rivals) -> tuple[Helps, str]:
    """Whether deep learning helps, and the sentence that says so.

    "yes" asks three things: that both the network to use and the one that is best on the validation rows, which was fixed
    before the test rows were opened, beat the strongest baseline by more than noise; that no baseline does better than it on
    the validation rows; and that no baseline was starved.
    """
    network, metric = rivals.network, rivals.metric
    if rivals.as_good is not None:
        return _not_needed(rivals, rivals.as_good)
    baseline = strongest_on_test(rivals.baselines, metric)
    if baseline is None:
        return "unclear", "No baseline finished to compare it with."
    pair = rivals.evidence.on_test.get((network.name, baseline.name))
    if pair is None:
        return "unclear", f"It could not be compared with the best baseline, {baseline.name}."
    it = rivals.called(network)
    if pair.verdict != "better":
        return "unclear", (
            f"Whether {it} beats the best baseline, {baseline.name}, {_rows(network, metric)} cannot tell (difference "
            f"{difference_text(pair, sign=True)})."
        )
    beats = f"{'It' if it == 'it' else it} beats the best baseline, {baseline.name}, by {difference_text(pair)}"
    doubt = _doubt(rivals, baseline)
    return ("unclear", f"{beats}, but {doubt}.") if doubt else ("yes", f"{beats}.")


def _doubt(rivals: Rivals, baseline: CandidateResult) -> str:
    """What speaks against a network that beats the strongest baseline on the test rows; empty where nothing does."""
    network, metric = rivals.network, rivals.metric
    if hungry := starved(network, rivals.baselines, metric):
        verb = "were" if len(hungry) > 1 else "was"
        return f"{listed(hungry, len(hungry))} {verb} not fitted in full: whether deep learning helps stays open"
    # Noise that beats a baseline on few test rows seldom does so on the validation rows too.
    other = best_on_validation(rivals.baselines, metric)
    if other is not None and metric in network.validation and _is_better(other, network, metric):
        return (
            f"{other.name} does better on the validation rows, {score_text(other.validation[metric])} against "
            f"{score_text(network.validation[metric])}: until there are more rows, the baseline is the safer choice"
        )
    chosen = best_on_validation(rivals.networks, metric)
    pair = rivals.evidence.on_test.get((chosen.name, baseline.name)) if chosen else None
    if chosen is not None and chosen is not network and (pair is None or pair.verdict != "better"):
        return f"{chosen.name}, the best network on the validation rows, does not: it may be chance"
    return ""


def _not_needed(rivals: Rivals, baseline: CandidateResult) -> tuple[Helps, str]:
    """A baseline is as good as any network, within the margin. The network that it is compared with is the best one on the
    validation rows: the one to use among equals may be a smaller one, which nobody would call the best."""
    network = rivals.network
    if rivals.spoken_of is not network:
        network = best_on_validation(rivals.networks, rivals.metric) or network
    pair = rivals.evidence.on_test.get((network.name, baseline.name))
    if pair is None:
        return "unclear", f"{baseline.name} could not be compared with the best network, {network.name}."
    it, other = rivals.called(network), rivals.called(baseline)
    leader = strongest_on_test(rivals.networks, rivals.metric)
    where = "" if leader is None or leader is network else " on the validation rows"  # the test rows prefer another one
    best = it if it == "it" else f"the best network{where}, {it},"
    if pair.verdict == "tie" and _is_wide(pair, baseline, rivals.metric):
        rows = _rows(network, rivals.metric)
        return "unclear", (
            f"{rows[0].upper()}{rows[1:]} cannot tell {best} from {other} (difference {difference_text(pair, sign=True)}): "
            "until there are more, the baseline is the safer choice."
        )
    outcome = f"does not beat {other} (difference {difference_text(pair, sign=True)})"
    if pair.verdict == "worse":
        outcome = f"is worse than {other} by {difference_text(turned(pair))}"
    elif pair.verdict == "better":
        less = f"which is less than the {margin_text(rivals.margin)} that would matter"
        outcome = f"is better than {other} by {difference_text(pair)}, {less}"
    if rivals.undecided:
        return "unclear", f"{best[0].upper()}{best[1:]} {outcome}."
    return "no", f"{NOT_NEEDED}: {best} {outcome}."


def _rows(network: CandidateResult, metric: str) -> str:
    n = network.test[metric].n
    return "one test row" if n == 1 else f"the {n:,} test rows"


def _is_better(a: CandidateResult, b: CandidateResult, metric: str) -> bool:
    """Whether a does better than b on the validation rows."""
    values = a.validation[metric].value, b.validation[metric].value
    return values[0] > values[1] if METRICS[metric].better == "higher" else values[0] < values[1]


def _is_wide(pair: Comparison, baseline: CandidateResult, metric: str) -> bool:
    half = (pair.high - pair.low) / 2
    if METRICS[metric].share or METRICS[metric].highest == 1.0:
        return half > WIDE_SHARE
    score = baseline.test.get(metric)
    return score is not None and half > WIDE_LOSS * abs(score.value)
