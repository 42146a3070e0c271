"""Contests of known truth: what a recommendation loses against the true best, and whether its chances and its score hold.

The rule of before is kept here to be compared with: the best network on the validation rows, and of those that tie with it on
the test rows and whose validation score lies in its interval, the one with the fewest parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from netpick.answers.answered import AnsweredClasses, AnsweredNumbers
from netpick.answers.compare import Outcome
from netpick.answers.compare.evidence import evidence
from netpick.answers.metrics import METRICS, best_on_validation, strongest_on_test
from netpick.tasks import TASKS
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult
from tests.simulations.contests import Kind, Part, judged

CLASSES = Kind(name="two even classes", task="classify", primary="accuracy")
NUMBERS = Kind(name="numbers", task="regress", primary="r2")
NETWORKS, BASELINES = 4, 3
MOMENTS = 4  # of which a network keeps the best on the validation rows, which makes its validation score too high


def _equal(generator: np.random.Generator) -> Array:
    """Everyone is as good as everyone."""
    return np.zeros(NETWORKS + BASELINES)


def _near(generator: np.random.Generator) -> Array:
    """Differences that hardly matter."""
    return 0.02 * generator.normal(size=NETWORKS + BASELINES)


def _spread(generator: np.random.Generator) -> Array:
    """Differences that matter, in any order."""
    return 0.1 * generator.normal(size=NETWORKS + BASELINES)


def _baseline_leads(generator: np.random.Generator) -> Array:
    """A baseline is best by far."""
    return np.concatenate([np.full(NETWORKS, -0.15), [0.1], np.full(BASELINES - 1, -0.3)])


def _network_leads(generator: np.random.Generator) -> Array:
    """A network is best by far, the others are mediocre, the baselines behind."""
    return np.concatenate([[0.15], np.full(NETWORKS - 1, -0.05), np.full(BASELINES, -0.15)])


TRUTHS: dict[str, Callable[[np.random.Generator], Array]] = {
    "all equal": _equal,
    "small differences": _near,
    "differences that matter": _spread,
    "a baseline leads": _baseline_leads,
    "a network leads": _network_leads,
}


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Of contests of one sort on n test rows, all means."""

    truth: str
    kind: str
    n: int
    before: float  # true score lost against the best, by the rule of before
    now: float
    before_networks: float  # against the best network, where a network is asked for
    now_networks: float
    latency_before: float  # geometric means, ms
    latency_now: float
    stated: float  # chance that another one is better by more than the margin
    happened: float
    held: float  # share of the recommended candidate's intervals that hold its true score
    helps_falsely: float  # "deep learning helps" though a baseline is as good; NaN where none is
    draws: int


def recommended(kind: Kind, truth: str, n: int, draws: int) -> Loss:
    """Many contests of networks and baselines with latencies; networks choose their moment on the validation rows."""
    sums: dict[str, list[float]] = {name: [] for name in Loss.__dataclass_fields__}
    for number in range(draws):
        generator = np.random.default_rng([n, number, len(truth)])
        order = generator.permutation(NETWORKS)
        skill = TRUTHS[truth](generator)
        skill[:NETWORKS] = skill[:NETWORKS][order]
        scores = _true_scores(kind, skill)
        parts = _with_moments(kind, skill, n, generator)
        costs = np.exp(generator.uniform(math.log(0.3), math.log(10), size=len(skill)))
        said, outcome = judged(kind, parts, BASELINES, number, costs.tolist())
        place = {e.name: i for i, e in enumerate([*outcome.candidates, *outcome.baselines])}
        old, new = place[_rule_of_before(outcome).name], place[said.winner or ""]
        network = place[said.best_network or ""]
        margin = said.margin or 0.0
        sums["before"].append(scores.max() - scores[old])
        sums["now"].append(scores.max() - scores[new])
        sums["before_networks"].append(scores[:NETWORKS].max() - scores[old])
        sums["now_networks"].append(scores[:NETWORKS].max() - scores[network])
        sums["latency_before"].append(math.log(costs[old]))
        sums["latency_now"].append(math.log(costs[new]))
        sums["stated"].append(said.chance or 0.0)
        sums["happened"].append(scores.max() - scores[new] > margin)
        entry = [*outcome.candidates, *outcome.baselines][new].test[kind.primary]
        sums["held"].append(entry.low <= scores[new] <= entry.high)
        if scores[NETWORKS:].max() >= scores[:NETWORKS].max() - 1e-4:
            sums["helps_falsely"].append(said.deep_learning_helps == "yes")
    means = {name: float(np.mean(values)) if values else math.nan for name, values in sums.items()}
    latencies = {name: math.exp(means[name]) for name in ("latency_before", "latency_now")}
    return Loss(**{**means, **latencies, "truth": truth, "kind": kind.name, "n": n, "draws": draws})  # type: ignore[arg-type]


def _draw(kind: Kind, skill: Array, n: int, generator: np.random.Generator) -> tuple[Array, list[Array]]:
    """Truth and everyone's raw answers: a signal that all share, noise that all share, and noise of one's own."""
    shared, own = generator.normal(size=n), generator.normal(size=(len(skill), n))
    if kind.task == "regress":
        truth = generator.normal(size=(n, 1))
        return truth, [
            truth[:, 0] + 0.6 * (1 - s) * (0.85 * shared + 0.53 * o) for s, o in zip(skill, own, strict=True)
        ]
    truth = generator.integers(0, 2, n)
    return truth, [2.2 * (1 + s) * (truth - 0.5) + 0.85 * shared + 0.53 * o for s, o in zip(skill, own, strict=True)]


def _as_predictions(kind: Kind, raw: Array) -> Answered:
    if kind.task == "regress":
        return AnsweredNumbers(values=raw[:, None])
    positive = 1 / (1 + np.exp(-2 * raw))
    return AnsweredClasses(probabilities=np.column_stack([1 - positive, positive]))


def _with_moments(kind: Kind, skill: Array, n: int, generator: np.random.Generator) -> tuple[Part, Part]:
    """Validation and test rows. A network is one of several nearly equal ones, the best of them on the validation rows."""
    made = [_draw(kind, skill, n, generator) for _ in range(2)]
    answers: tuple[list[Answered], list[Answered]] = ([], [])
    for index in range(len(skill)):
        moments = []
        for _ in range(MOMENTS if index < NETWORKS else 1):
            raws = [raw[index] + 0.15 * generator.normal(size=n) for _, raw in made]
            moments.append([_as_predictions(kind, raw) for raw in raws])
        kept = max(moments, key=lambda pair: _value(kind, made[0][0], pair[0]))
        for side in (0, 1):
            answers[side].append(kept[side])
    return Part(truth=made[0][0], answers=answers[0]), Part(truth=made[1][0], answers=answers[1])


def _value(kind: Kind, truth: Array, said: Answered) -> float:
    decided = TASKS[kind.task].answer.decide(said)
    return float(METRICS[kind.primary].values(truth, said, np.ones((1, len(truth))), decided)[0])


def _true_scores(kind: Kind, skill: Array) -> Array:
    """Exact: a normal margin's chance to be on the right side, or one minus the variance of the error."""
    spread = math.sqrt(0.85**2 + 0.53**2 + 0.15**2)
    if kind.task == "regress":
        return np.array([1 - (0.6 * (1 - s)) ** 2 * (0.85**2 + 0.53**2) - 0.15**2 for s in skill])
    return np.array([0.5 * (1 + math.erf(1.1 * (1 + s) / spread / math.sqrt(2))) for s in skill])


def _rule_of_before(outcome: Outcome) -> CandidateResult:
    """Whom the rule of before recommended."""
    metric = outcome.metric
    best, baseline = best_on_validation(outcome.candidates, metric), strongest_on_test(outcome.baselines, metric)
    assert best is not None
    assert baseline is not None
    pairs = evidence(outcome.on_test, []).on_test
    interval, standing = best.validation[metric], pairs[best.name, baseline.name].verdict
    tied = [
        other
        for other in outcome.candidates
        if other is best
        or (
            pairs[best.name, other.name].verdict == "tie"
            and other.validation[metric].value >= interval.low
            and pairs[other.name, baseline.name].verdict == standing
        )
    ]
    return min(tied, key=lambda c: c.parameters)
