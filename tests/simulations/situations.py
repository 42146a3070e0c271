"""Situations that test rows come from, each with a difficulty that differs from draw to draw.

A draw is a truth, what a network says about it, and the groups that rows belong to. The same draw of very many rows tells
the value that an interval of few rows is to hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from netpick.answers.answered import AnsweredClasses, AnsweredHorizon, AnsweredLabels, AnsweredNumbers
from netpick.tasks.forecast.windows import time_blocks
from netpick.types import Array
from netpick.types.results import Answered

LEVELS = 9  # difficulties; a single one would let a share of few rows hop over its own steps
HORIZON = 6


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows and what one network says about them."""

    truth: Array
    predictions: Answered
    decided: Array | None = None
    groups: Array | None = None


Draw = Callable[[np.random.Generator, int, float], Rows]  # rows, and a difficulty in 0..1 (1 is easiest)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Where rows come from. `limits`: by metric and size, the coverage where it is known not to be 93 to 97 %."""

    name: str
    task: str
    draw: Draw
    sizes: tuple[int, ...] = (50, 200, 1000)
    limits: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)


def _between(low: float, high: float, level: float) -> float:
    return low + (high - low) * level


def _softmax(logits: Array) -> Array:
    raw = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def _answers(truth: Array, positive: Array) -> Rows:
    probabilities = np.column_stack([1 - positive, positive])
    return Rows(
        truth=truth, predictions=AnsweredClasses(probabilities=probabilities), decided=probabilities.argmax(axis=1)
    )


def _positive(truth: Array, score: Array, strength: float, share: float, sureness: float) -> Array:
    """Probability of class 1 from scores that are normal with unit deviation in both classes, `sureness` times too sure."""
    logit = strength * score - strength**2 / 2 + math.log(share / (1 - share))
    return np.asarray(1 / (1 + np.exp(-sureness * logit)))


def two_classes(share: float, weakest: float, strongest: float, sureness: float = 1.3) -> Draw:
    """Classes whose scores lie `strength` deviations apart; every draw has two rows of each class, as the split sees to."""

    def draw(generator: np.random.Generator, n: int, level: float) -> Rows:
        strength = _between(weakest, strongest, level)
        truth = (generator.random(n) < share).astype(np.int64)
        while not 2 <= truth.sum() <= n - 2:
            truth = (generator.random(n) < share).astype(np.int64)
        score = strength * truth + generator.normal(size=n)
        return _answers(truth, _positive(truth, score, strength, share, sureness))

    return draw


def five_classes(generator: np.random.Generator, n: int, level: float) -> Rows:
    shares = np.array([0.35, 0.25, 0.2, 0.12, 0.08])
    truth = generator.choice(5, size=n, p=shares)
    strength = _between(1.0, 3.0, level)
    logits = strength * (strength * np.eye(5)[truth] + generator.normal(size=(n, 5))) + np.log(shares)
    probabilities = _softmax(1.2 * logits)
    return Rows(
        truth=truth, predictions=AnsweredClasses(probabilities=probabilities), decided=probabilities.argmax(axis=1)
    )


def four_labels(generator: np.random.Generator, n: int, level: float) -> Rows:
    shares = np.array([0.5, 0.4, 0.3, 0.2])
    shared = generator.normal(size=(n, 1))  # labels come together
    latent = 0.6 * shared + 0.8 * generator.normal(size=(n, 4))
    truth = (latent > [NormalDist().inv_cdf(1 - share) for share in shares]).astype(np.int64)
    strength = _between(1.0, 2.5, level)
    score = strength * truth + generator.normal(size=(n, 4))
    positive = np.stack([_positive(truth[:, k], score[:, k], strength, shares[k], 1.2) for k in range(4)], axis=1)
    return Rows(
        truth=truth, predictions=AnsweredLabels(probabilities=positive), decided=(positive >= 0.5).astype(np.int64)
    )


def _groups(generator: np.random.Generator, n: int) -> Array:
    """Groups of 5 to 15 rows; 50 rows are ten smaller ones."""
    smallest, largest = (3, 7) if n <= 50 else (5, 15)
    sizes = generator.integers(smallest, largest + 1, size=n // smallest + 1)
    return np.repeat(np.arange(len(sizes)), sizes)[:n]


def grouped_classes(generator: np.random.Generator, n: int, level: float) -> Rows:
    groups = _groups(generator, n)
    hard = generator.normal(size=groups.max() + 1)[groups]  # some groups are read better than others
    strength = _between(1.0, 2.5, level)
    truth = (generator.random(n) < 0.5).astype(np.int64)
    score = strength * truth + 0.8 * generator.normal(size=n) + 0.6 * hard * np.where(truth == 1, 1, -1)
    rows = _answers(truth, _positive(truth, score, strength, 0.5, 1.0))
    return Rows(truth=truth, predictions=rows.predictions, decided=rows.decided, groups=groups)


def _numbers(truth: Array, errors: Array, groups: Array | None = None) -> Rows:
    truth = truth.reshape(len(truth), -1)
    return Rows(truth=truth, predictions=AnsweredNumbers(values=truth + errors.reshape(truth.shape)), groups=groups)


def normal_errors(generator: np.random.Generator, n: int, level: float) -> Rows:
    return _numbers(generator.normal(size=n), _between(1.0, 0.1, level) * generator.normal(size=n))


def heavy_tails(generator: np.random.Generator, n: int, level: float) -> Rows:
    """Prices: a skewed target, and errors of Student's t with six degrees of freedom."""
    truth = np.exp(0.5 * generator.normal(size=n))
    return _numbers(truth, _between(0.6, 0.1, level) * generator.standard_t(6, size=n))


def growing_errors(generator: np.random.Generator, n: int, level: float) -> Rows:
    """Errors in proportion to a skewed target."""
    truth = np.exp(0.5 * generator.normal(size=n))
    return _numbers(truth, _between(0.5, 0.1, level) * truth * generator.normal(size=n))


def two_targets(generator: np.random.Generator, n: int, level: float) -> Rows:
    truth = generator.normal(size=(n, 2)) * [1.0, 3.0]
    return _numbers(truth, _between(0.8, 0.2, level) * (generator.normal(size=(n, 2)) + generator.normal(size=(n, 1))))


def grouped_numbers(generator: np.random.Generator, n: int, level: float) -> Rows:
    groups = _groups(generator, n)
    of_group = generator.normal(size=groups.max() + 1)[groups]
    errors = _between(0.8, 0.2, level) * (0.6 * of_group + 0.8 * generator.normal(size=n))
    return _numbers(generator.normal(size=n) + 0.5 * generator.normal(size=groups.max() + 1)[groups], errors, groups)


def windows(horizon: int, degrees: float | None = None) -> Draw:
    """Every step of one series begins a window; errors of `horizon` steps are sums of the same shocks, so windows overlap."""

    def draw(generator: np.random.Generator, n: int, level: float) -> Rows:
        size = n + horizon
        shocks = generator.normal(size=size) if degrees is None else generator.standard_t(degrees, size=size)
        shocks = shocks * _between(2.0, 0.5, level)
        share = 0.8
        errors = np.zeros((n, horizon))
        for step in range(horizon):
            before = share * errors[:, step - 1] if step else 0.0
            errors[:, step] = before + shocks[step : step + n]
        level_of = np.convolve(generator.normal(size=size + 20), 0.7 ** np.arange(21), "valid")[:size]
        values = 20 + 3 * level_of
        truth = np.stack([values[step : step + n] for step in range(horizon)], axis=1)
        spread = 1.28 * 1.2 * np.sqrt(np.cumsum(share ** (2 * np.arange(horizon))))
        said = truth + errors
        quantiles = np.stack([said - spread, said, said + spread], axis=-1)
        scales = {"naive": np.full((n, 1), 2.5), "deviation": np.full((n, 1), 6.0)}
        return Rows(
            truth=truth,
            predictions=AnsweredHorizon(values=said, quantiles=quantiles, **scales),
            groups=time_blocks(np.arange(n), horizon, 1),
        )

    return draw


SITUATIONS = (
    Situation(name="two even classes", task="classify", draw=two_classes(0.5, 0.5, 2.5)),
    Situation(
        name="one row in ten is positive",
        task="classify",
        draw=two_classes(0.1, 1.0, 3.0),
        limits={"calibration_error": {50: (0.93, 0.99)}},
    ),
    Situation(
        name="nearly perfect",
        task="classify",
        draw=two_classes(0.5, 3.6, 5.6, 1.0),
        limits={
            "calibration_error": {50: (0.93, 1.0)},  # there is next to none, so only one side can miss it
            # Few mistakes are seen or none, and what is not seen is assumed: too wide rather than too narrow.
            **dict.fromkeys(
                ("auc", "average_precision", "log_loss", "brier"), dict.fromkeys((50, 200, 1000), (0.93, 0.98))
            ),
        },
    ),
    Situation(name="five uneven classes", task="classify", draw=five_classes),
    Situation(
        name="groups of rows",
        task="classify",
        draw=grouped_classes,
        limits={"calibration_error": {1000: (0.93, 1.0)}},  # as above
    ),
    Situation(name="four labels", task="multilabel", draw=four_labels),
    Situation(name="normal errors", task="regress", draw=normal_errors),
    Situation(name="heavy tails", task="regress", draw=heavy_tails),
    Situation(name="errors that grow", task="regress", draw=growing_errors),
    Situation(name="two targets", task="regress", draw=two_targets),
    Situation(name="groups of numbers", task="regress", draw=grouped_numbers),
    Situation(name="overlapping windows", task="forecast", draw=windows(HORIZON), sizes=(100, 300, 1000)),
    Situation(name="overlapping windows, heavy tails", task="forecast", draw=windows(HORIZON, 6.0), sizes=(300, 1000)),
)
