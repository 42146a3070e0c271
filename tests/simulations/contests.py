"""Contests between networks whose true differences are known: how often the verdict calls one, or says that networks help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from netpick.answers import PLAIN
from netpick.answers.answered import AnsweredClasses, AnsweredHorizon, AnsweredNumbers
from netpick.answers.compare import Contender, Outcome, Resampler, compare_pairs, paired_difference, verdict
from netpick.answers.evaluate import evaluate
from netpick.answers.metrics import METRICS
from netpick.tasks import TASKS
from netpick.tasks.forecast.windows import time_blocks
from netpick.types import Array
from netpick.types.results import Answered, CandidateResult, Verdict

KEPT = 8  # sets of resamples that contests without groups take turns with
POWER = 0.8
# A difference is found with 80 % power when it is this many half widths of its 95 % interval.
HALF_WIDTHS = (NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(POWER)) / NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Truth of some rows, what each network says about them, and their groups."""

    truth: Array
    answers: Sequence[Answered]
    groups: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A contest: how rows come about, and which metric decides."""

    name: str
    task: str
    primary: str


KINDS = (
    Kind(name="two even classes", task="classify", primary="accuracy"),
    Kind(name="one row in ten is positive", task="classify", primary="auc"),
    Kind(name="numbers", task="regress", primary="r2"),
    Kind(name="numbers, heavy tails", task="regress", primary="r2"),
    Kind(name="groups of ten rows", task="classify", primary="accuracy"),
    Kind(name="overlapping windows", task="forecast", primary="forecast_rmse"),
)


def draw(kind: Kind, n: int, networks: int, generator: np.random.Generator, lead: float = 0.0) -> Part:
    """n rows and networks that are equally good, but for the first, whose signal is `lead` stronger.

    All of them see the same signal, each with noise of its own, as networks that were trained on the same rows do.
    """
    ahead = np.where(np.arange(networks) == 0, 1 + lead, 1.0)
    if kind.task == "classify":
        share = 0.1 if kind.primary == "auc" else 0.5
        groups = np.arange(n) // 10 if kind.name.startswith("groups") else None
        truth = np.asarray(generator.random(n) < share, dtype=np.int64)
        while not 2 <= truth.sum() <= n - 2:
            truth = np.asarray(generator.random(n) < share, dtype=np.int64)
        shared = generator.normal(size=n)
        noises = generator.normal(size=(networks, n))
        if groups is not None:
            noises = 0.7 * noises + 0.7 * generator.normal(size=(networks, groups.max() + 1))[:, groups]
        answers = []
        for noise, factor in zip(noises, ahead, strict=True):
            logit = 2 * (2 * factor * (truth - 0.5) + 0.8 * shared + 0.6 * noise) + math.log(share / (1 - share))
            positive = 1 / (1 + np.exp(-logit))
            answers.append(AnsweredClasses(probabilities=np.column_stack([1 - positive, positive])))
        return Part(truth=truth, answers=answers, groups=groups)
    if kind.task == "regress":
        heavy = kind.name.endswith("tails")
        values = np.exp(0.5 * generator.normal(size=(n, 1))) if heavy else generator.normal(size=(n, 1))
        errors = (
            generator.standard_t(6, size=(1 + networks, n, 1)) if heavy else generator.normal(size=(1 + networks, n, 1))
        )
        said = [
            values + 0.4 * (0.8 * errors[0] + 0.6 * e) / factor for e, factor in zip(errors[1:], ahead, strict=True)
        ]
        return Part(truth=values, answers=[AnsweredNumbers(values=v) for v in said])
    horizon = 6
    shocks = generator.normal(size=(1 + networks, n + horizon))
    windows = np.lib.stride_tricks.sliding_window_view(shocks, horizon, axis=1)[:, :n].cumsum(axis=2)
    said = [(0.8 * windows[0] + 0.6 * own) / factor for own, factor in zip(windows[1:], ahead, strict=True)]
    blocks = time_blocks(np.arange(n), horizon, 1)
    return Part(truth=np.zeros((n, horizon)), answers=[AnsweredHorizon(values=v) for v in said], groups=blocks)


@cache
def _shared(n: int, number: int) -> Resampler:
    return Resampler(n, number)


def _resampler(part: Part, number: int) -> Resampler:
    n = len(part.truth)
    return _shared(n, number % KEPT) if part.groups is None else Resampler(n, number, part.groups)


def judged(
    kind: Kind, parts: tuple[Part, Part], num_baselines: int, number: int, latencies: Sequence[float]
) -> tuple[Verdict, Outcome]:
    """The verdict as evaluate.judge comes to it, with the deciding metric alone; the last entries are baselines."""
    metrics = [METRICS[kind.primary]] + ([METRICS["log_loss"]] if kind.task == "classify" else [])
    resamplers = [_resampler(part, number) for part in parts]
    results: list[CandidateResult] = []
    count = len(parts[0].answers) - num_baselines
    for index, answers in enumerate(zip(parts[0].answers, parts[1].answers, strict=True)):
        scores = [
            evaluate(TASKS[kind.task].answer, part.truth, said, PLAIN, metrics[: 2 - side], resampler)
            for side, (part, said, resampler) in enumerate(zip(parts, answers, resamplers, strict=True))
        ]
        name, family = (f"network {index}", "mlp") if index < count else (f"baseline {index}", "baseline")
        cost = latencies[index]
        results.append(
            CandidateResult(
                name=name, family=family, status="ok", validation=scores[0], test=scores[1],
                latency_ms=cost, bytes=int(1000 * cost), parameters=int(1000 * cost),
            )
        )  # fmt: skip
    names = [result.name for result in results]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    both = []
    for part, resampler in zip(parts, resamplers, strict=True):
        sides = [
            Contender(name=name, predictions=said, decided=TASKS[kind.task].answer.decide(said))
            for name, said in zip(names, part.answers, strict=True)
        ]
        both.append(compare_pairs(METRICS[kind.primary], part.truth, sides, pairs, resampler))
    outcome = Outcome(
        candidates=results[:count],
        baselines=results[count:],
        on_test=both[1],
        on_validation=both[0],
        metric=kind.primary,
    )
    return verdict(outcome), outcome


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something happened in `draws` contests."""

    what: str
    n: int
    networks: int
    share: float
    draws: int
    stated: float = math.nan

    @property
    def error(self) -> float:
        """Monte Carlo standard error."""
        return math.sqrt(max(self.share * (1 - self.share), 0.01) / self.draws)


def equal_networks(kind: Kind, n: int, networks: int, draws: int) -> tuple[Rate, Rate, Rate]:
    """How often a winner is called among equals, how often another network is said to be better, and how often networks
    are said to help over a baseline that is as good."""
    winners = others = helped = 0
    for number in range(draws):
        generator = np.random.default_rng([n, networks, number])
        costs = generator.uniform(0.3, 10, size=networks + 1)
        parts = (draw(kind, max(50, n // 2), networks + 1, generator), draw(kind, n, networks + 1, generator))
        said, _ = judged(kind, parts, 1, number, costs.tolist())
        winners += "It is better than the next best" in said.sentence
        others += " is better on the test rows by " in said.sentence
        helped += said.deep_learning_helps == "yes"
    counts = ((winners, "a winner is called"), (others, "another is said to be better"), (helped, "networks help"))
    return tuple(  # type: ignore[return-value]
        Rate(what=f"{kind.name}, {kind.primary}: {what}", n=n, networks=networks, share=count / draws, draws=draws)
        for count, what in counts
    )


def accuracies(
    n: int, difference: float, differing: float, generator: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Truth and two networks' answers that differ in a share of the rows, where the first is right oftener."""
    share_a, share_b = (differing + difference) / 2, (differing - difference) / 2
    kinds = generator.choice(4, size=n, p=[share_a, share_b, 0.85 * (1 - differing), 0.15 * (1 - differing)])
    right_a, right_b = (kinds == 0) | (kinds == 2), (kinds == 1) | (kinds == 2)
    truth = generator.integers(0, 2, n)
    return truth, np.where(right_a, truth, 1 - truth), np.where(right_b, truth, 1 - truth)


def visible_difference(n: int, differing: float) -> float:
    """The difference of two accuracies that is found with 80 % power on n rows, of which a share differs."""
    wanted = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(POWER)
    # n = wanted^2 (differing - difference^2) / difference^2
    return math.sqrt(wanted**2 * differing / (n + wanted**2))


def power_of_accuracy(n: int, differing: float, draws: int) -> Rate:
    """How often the stated difference of two accuracies is found."""
    difference = visible_difference(n, differing)
    found = 0
    metric = METRICS["accuracy"]
    resamplers = [Resampler(n, number) for number in range(KEPT if n <= 2000 else 1)]
    for number in range(draws):
        truth, a, b = accuracies(n, difference, differing, np.random.default_rng([n, number, 5]))
        sides = [Contender(name=k, predictions=_sure(p), decided=p) for k, p in (("a", a), ("b", b))]
        found += paired_difference(metric, truth, *sides, resamplers[number % len(resamplers)]).verdict == "better"
    return Rate(
        what=f"accuracies that differ by {difference:.4f}, on {differing:.0%} of the rows",
        n=n, networks=2, share=found / draws, draws=draws, stated=POWER,
    )  # fmt: skip


def _sure(classes: Array) -> Answered:
    return AnsweredClasses(probabilities=np.eye(2)[classes])


def power_of(kind: Kind, n: int, draws: int) -> Rate:
    """How often a difference is found that is 1.43 times the half width of its interval.

    The lead that makes it so is looked for on many rows; the difference's standard error falls with the root of the rows.
    """
    many = 200_000
    low, high = 0.0, 1.0
    for _ in range(12):
        lead = (low + high) / 2
        part = draw(kind, many, 2, np.random.default_rng([many, 7]), lead)
        sides = [
            Contender(name=name, predictions=p, decided=TASKS[kind.task].answer.decide(p))
            for name, p in zip("ab", part.answers, strict=True)
        ]
        metric = METRICS[kind.primary]
        linears = [metric.linear(part.truth, s.predictions, s.decided) for s in sides]
        assert linears[0] is not None
        assert linears[1] is not None
        difference = abs(linears[0].value - linears[1].value)
        groups = np.arange(many) // 60 if kind.task == "forecast" else part.groups
        error = Resampler(many, 0, groups).standard_error(linears[0].influence - linears[1].influence)
        if difference > HALF_WIDTHS * NormalDist().inv_cdf(0.975) * error * math.sqrt(many / n):
            high = lead
        else:
            low = lead
    found = 0
    for number in range(draws):
        part = draw(kind, n, 2, np.random.default_rng([n, number, 9]), lead)
        sides = [
            Contender(name=name, predictions=p, decided=TASKS[kind.task].answer.decide(p))
            for name, p in zip("ab", part.answers, strict=True)
        ]
        pair = paired_difference(METRICS[kind.primary], part.truth, *sides, _resampler(part, number))
        found += pair.verdict == "better"
    return Rate(
        what=f"{kind.name}: {kind.primary} differs by {difference:.3f}",
        n=n, networks=2, share=found / draws, draws=draws, stated=POWER,
    )  # fmt: skip
