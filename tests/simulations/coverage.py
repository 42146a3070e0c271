"""How often the 95 % interval of a metric holds the value that very many rows have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from netpick.answers.compare import Resampler, score
from netpick.answers.metrics import metrics_for
from netpick.tasks import TASKS
from netpick.types import Array
from tests.simulations.situations import LEVELS, SITUATIONS, Rows, Situation

MANY = 200_000  # rows that tell the true value
DRAWS = {50: 1800, 100: 1350, 200: 1350, 300: 1350, 1000: 900}  # data sets, whole multiples of the levels
KEPT = 6  # sets of resamples that data sets without groups take turns with


@dataclass(frozen=True, kw_only=True)
class Held:
    """Of `draws` intervals, a share held the true value; `above` of them lay above it and `below` below it."""

    situation: str
    metric: str
    n: int
    share: float
    above: float
    below: float
    width: float  # median of the interval's width, as a share of the true value
    draws: int

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the share."""
        return math.sqrt(max(self.share * (1 - self.share), 0.01) / self.draws)

    def keeps(self, situation: Situation) -> bool:
        """Whether the share is between 93 and 97 %, three Monte Carlo errors aside, or within what is said of the metric."""
        low, high = situation.limits.get(self.metric, {}).get(self.n, (0.93, 0.97))
        return low - 3 * self.error <= self.share <= high + 3 * self.error


def true_values(situation: Situation) -> list[dict[str, float]]:
    """By level: every metric on very many rows."""
    values = []
    for index in range(LEVELS):
        rows = situation.draw(np.random.default_rng([99, index]), MANY, index / (LEVELS - 1))
        ones = np.ones((1, MANY))
        values.append(
            {
                metric.name: float(metric.values(rows.truth, rows.predictions, ones, rows.decided)[0])
                for metric in metrics_for(TASKS[situation.task].answer.typed)
                if metric.applies(rows.truth, rows.predictions)
            }
        )
    return values


@cache
def _shared(n: int, number: int) -> Resampler:
    return Resampler(n, number)


def resampler_of(rows: Rows, number: int) -> Resampler:
    """The product's resampler of these rows; draws without groups share a few, which saves most of the time."""
    n = len(rows.truth)
    if rows.groups is None:
        return _shared(n, number % KEPT)
    return Resampler(n, number, rows.groups)


def measure(situation: Situation, n: int, draws: int, only: Sequence[str] = ()) -> Iterator[Held]:
    """Coverage of every metric of the situation's task at n rows."""
    truths = _true_values(situation.name)
    metrics = [
        m
        for m in metrics_for(TASKS[situation.task].answer.typed)
        if m.name in truths[0] and (not only or m.name in only)
    ]
    ends: dict[str, list[Array]] = {metric.name: [] for metric in metrics}
    for number in range(draws):
        level = number % LEVELS
        generator = np.random.default_rng([n, number])
        rows = situation.draw(generator, n, level / (LEVELS - 1))
        resampler = resampler_of(rows, number)
        for metric in metrics:
            if metric.applies(rows.truth, rows.predictions):
                found = score(metric, rows.truth, rows.predictions, rows.decided, resampler)
                ends[metric.name].append(np.array([found.low, found.high, truths[level][metric.name]]))
    for metric in metrics:
        low, high, true = np.array(ends[metric.name]).T
        yield Held(
            situation=situation.name,
            metric=metric.name,
            n=n,
            share=float(((low <= true) & (true <= high)).mean()),
            above=float((low > true).mean()),
            below=float((high < true).mean()),
            width=float(np.median((high - low) / np.maximum(np.abs(true), 1e-9))),
            draws=len(low),
        )


@cache
def _true_values(name: str) -> list[dict[str, float]]:
    return true_values(next(s for s in SITUATIONS if s.name == name))
