"""What the rows say about true differences: of the test rows and the validation rows together, as chances."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from netpick.types.results import Comparison

NORMAL = NormalDist()
Z = NORMAL.inv_cdf(0.975)
VALIDATION_WEIGHT = 0.5  # of a validation row, beside a test row's: moments and thresholds were chosen on those rows
DRAWS = 4000
SMALLEST = 1e-12  # standard error of two that always say the same

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Advantage:
    """How much better one is than another, and the standard error of that."""

    difference: float
    error: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Paired differences of everyone with everyone, both ways round; positive where the first is better."""

    on_test: Mapping[Pair, Comparison]
    combined: Mapping[Pair, Advantage]

    def worse(self, a: str, b: str, margin: float) -> float:
        """The chance that `a` is worse than `b` by more than the margin; 0 where they could not be compared."""
        pair = self.combined.get((a, b))
        return 0.0 if pair is None else NORMAL.cdf((-margin - pair.difference) / pair.error)

    def beaten(self, a: str, others: Sequence[str], margin: float) -> float:
        """The chance that any of the others is better than `a` by more than the margin.

        Differences that share `a` vary together: of three of them, the pair (b, c) tells the covariance of the other two.
        """
        known = [b for b in others if (a, b) in self.combined]
        if not known:
            return 0.0
        centre = np.array([self.combined[b, a].difference for b in known])
        error = np.array([self.combined[b, a].error for b in known])
        between = np.array([[self._error(b, c) for c in known] for b in known])
        covariance = (error[:, None] ** 2 + error[None, :] ** 2 - between**2) / 2
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(
            np.maximum(values, 0.0)
        )  # pairs are rounded up one by one, so that a value may be negative
        draws = np.random.default_rng(0).standard_normal((DRAWS, len(known))) @ root.T
        return float((centre + draws > margin).any(axis=1).mean())

    def _error(self, a: str, b: str) -> float:
        if a == b:
            return 0.0
        pair = self.combined.get((a, b))
        return pair.error if pair else 0.0


def evidence(
    on_test: Iterable[Comparison], on_validation: Iterable[Comparison], tuned: Collection[str] = ()
) -> Evidence:
    """Both sets of rows together, each pair weighted by how exactly it is known.

    tuned: names that were fitted to the validation rows, of which those say nothing.
    """
    test = _both_ways(on_test)
    validation = _both_ways(c for c in on_validation if c.a not in tuned and c.b not in tuned)
    return Evidence(on_test=test, combined={pair: _combined(test[pair], validation.get(pair)) for pair in test})


def _combined(test: Comparison, validation: Comparison | None) -> Advantage:
    error = max(_error(test), SMALLEST)
    if validation is None:
        return Advantage(difference=test.difference, error=error)
    weights = 1 / error**2, VALIDATION_WEIGHT / max(_error(validation), SMALLEST) ** 2
    difference = (weights[0] * test.difference + weights[1] * validation.difference) / sum(weights)
    return Advantage(difference=difference, error=math.sqrt(1 / sum(weights)))


def _error(pair: Comparison) -> float:
    return (pair.high - pair.low) / 2 / Z


def _both_ways(comparisons: Iterable[Comparison]) -> dict[Pair, Comparison]:
    pairs: dict[Pair, Comparison] = {}
    for one in comparisons:
        pairs[one.a, one.b], pairs[one.b, one.a] = one, turned(one)
    return pairs


def turned(pair: Comparison) -> Comparison:
    """The same comparison, of b with a."""
    opposite: dict[str, Literal["better", "worse", "tie"]] = {"better": "worse", "worse": "better", "tie": "tie"}
    return Comparison(
        a=pair.b,
        b=pair.a,
        metric=pair.metric,
        difference=-pair.difference,
        low=-pair.high,
        high=-pair.low,
        verdict=opposite[pair.verdict],
    )
