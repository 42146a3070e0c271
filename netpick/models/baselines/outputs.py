"""From scores to answers: probabilities of classes or labels, none of them zero, or numbers in the target's units."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.answers import Answer
from netpick.models.baselines.base import Problem
from netpick.types import STRICT, Array, Rows

TINY = 1e-6  # the probability of a class that was never seen; zero would make one surprise infinitely bad
MOST_OUTPUTS = 1_000_000

Of = Literal[
    "classify", "multilabel", "regress"
]  # what outputs are of, as model files have said since the first version
ONE_CLASS: Of = "classify"
LABELS: Of = "multilabel"
NUMBERS: Of = "regress"


@strict_dataclass(config=STRICT, kw_only=True)
class Outputs:
    """K outputs. `classes` are those of a classification that training rows have: scores are of these only."""

    task: Of
    num: int = Field(ge=1, le=MOST_OUTPUTS)
    classes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        fitting = list(self.classes) == sorted(set(self.classes)) and all(0 <= c < self.num for c in self.classes)
        if not fitting or bool(self.classes) != self.one_class:
            raise ValueError("the classes of a classification, in order")

    @property
    def one_class(self) -> bool:
        return self.task == ONE_CLASS

    @property
    def any_labels(self) -> bool:
        return self.task == LABELS

    @property
    def quantities(self) -> bool:
        return self.task == NUMBERS

    @property
    def num_scores(self) -> int:
        """Scores a row: one of two classes is enough."""
        seen = len(self.classes)
        return self.num if not seen else 1 if seen <= 2 else seen


def outputs_of(problem: Problem, used: Rows) -> Outputs:
    """The outputs of a problem, for a model that learns from these rows."""
    answer = problem.answer
    classes = tuple(np.unique(problem.target[used]).tolist()) if answer.one_class else ()
    return Outputs(task=task_of(answer), num=problem.num_classes, classes=classes)


def task_of(answer: Answer[Any]) -> Of:
    """What model files call such outputs."""
    return ONE_CLASS if answer.one_class else LABELS if answer.any_labels else NUMBERS


def targets_of(problem: Problem, used: Rows, outputs: Outputs) -> Array:
    """What scores are fitted to: (n, K) of 0 and 1, one column for two classes, or numbers."""
    target = problem.target[used]
    if not outputs.one_class:
        return np.asarray(target, dtype=np.float64)
    place = np.searchsorted(np.asarray(outputs.classes), target)
    if outputs.num_scores == 1:
        return place[:, None].astype(np.float64)
    return np.asarray(np.eye(len(outputs.classes))[place])


def from_scores(scores: Array, outputs: Outputs) -> Array:
    """Scores (n, num_scores), of classes and labels as logarithms of odds, to (n, K) answers."""
    if outputs.quantities:
        return np.asarray(scores, dtype=np.float64)
    if outputs.any_labels:
        return np.asarray(sigmoid(scores).clip(TINY, 1 - TINY))
    if len(outputs.classes) == 1:
        return spread(np.ones((len(scores), 1)), outputs)
    if outputs.num_scores == 1:
        second = sigmoid(scores)
        return spread(np.concatenate([1 - second, second], axis=1), outputs)
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return spread(shifted / shifted.sum(axis=1, keepdims=True), outputs)


def sigmoid(scores: Array) -> Array:
    """1 / (1 + exp(-scores)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * scores)))


def spread(probabilities: Array, outputs: Outputs) -> Array:
    """Probabilities (n, classes seen) -> (n, K), none of them zero."""
    positive = np.full((len(probabilities), outputs.num), TINY)
    positive[:, np.asarray(outputs.classes)] = np.maximum(probabilities, TINY)
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))


def logit(share: Array) -> Array:
    """Logarithms of odds of shares, kept from being infinite."""
    kept = np.asarray(share, dtype=np.float64).clip(TINY, 1 - TINY)
    return np.asarray(np.log(kept / (1 - kept)))
