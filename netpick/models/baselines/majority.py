"""The answers that look at no feature at all: how often each class occurs, or the mean."""

from __future__ import annotations

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.outputs import TINY
from netpick.types import STRICT, Array, Inputs

ALWAYS = "always"


@strict_dataclass(config=STRICT, kw_only=True)
class ConstantState:
    """Nothing but the array of what is always said."""


class Constant(Baseline):
    """The same answer for every row."""

    State = ConstantState
    costs_time = False

    def answer(self, fitted: Fitted, given: Given) -> Array:
        return np.tile(fitted.arrays[ALWAYS], (len(given), 1))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        always = fitted.arrays[ALWAYS]
        if always.shape != (num_outputs,) or always.dtype != np.float64:
            raise ValueError("the constant answer does not fit the task")

    def _fitted(self, always: Array, rows: int) -> Fitted:
        return Fitted(
            baseline=self.name,
            state=ConstantState(),
            arrays={ALWAYS: np.asarray(always, dtype=np.float64)},
            decision=Decision(rows=rows, iterations=1, full=True),
        )


class Majority(Constant):
    """Every row gets the training frequencies of the classes as its probabilities."""

    name = "majority"
    definition = "Always says the most frequent class, with the training frequencies as probabilities."

    def applies(self, problem: Problem) -> bool:
        return problem.answer.one_class or problem.answer.any_labels

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        target = problem.target[problem.train]
        if problem.answer.one_class:
            counts = np.bincount(target, minlength=problem.num_classes)
            frequencies = np.maximum(counts / max(counts.sum(), 1), TINY)
            frequencies = frequencies / frequencies.sum()
        else:
            frequencies = target.mean(axis=0, dtype=np.float64).clip(TINY, 1 - TINY)
        return self._fitted(frequencies, len(target))


class Mean(Constant):
    """Every row gets the mean of the training targets."""

    name = "mean"
    definition = "Always says the mean of the training rows."

    def applies(self, problem: Problem) -> bool:
        return problem.answer.quantities and problem.windows is None

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        target = problem.target[problem.train]
        return self._fitted(target.mean(axis=0, dtype=np.float64), len(target))
