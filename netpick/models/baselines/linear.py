"""Logistic regression for classes and labels, ridge regression for numbers, to convergence."""

from __future__ import annotations

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.features import FeatureState, fit_features, has_features, make_features, require_features
from netpick.models.baselines.fitting import describe, quietly_on_one_thread, sample_rows
from netpick.models.baselines.growing import Sizes, grow
from netpick.models.baselines.linear_model import LinearWork, linear_answer, require_linear
from netpick.models.baselines.outputs import Outputs, outputs_of, targets_of
from netpick.types import STRICT, Array, Inputs

PENALTY = 1.0  # 1 / C of LogisticRegression, alpha of Ridge: scikit-learn's defaults
SIZES = Sizes(start=1_000, measured=10, enough=100, most=1_000)


@strict_dataclass(config=STRICT, kw_only=True)
class LinearState:
    """What the weights are of and for."""

    features: FeatureState
    outputs: Outputs


class _Work(LinearWork):
    def __init__(self, problem: Problem, count: int) -> None:
        used = sample_rows(problem, count)
        self.made, self.learned, features = fit_features(problem, used, "linear", with_numbers=True)
        outputs = outputs_of(problem, used)
        super().__init__(features, targets_of(problem, used, outputs), outputs, PENALTY)


class Linear(Baseline):
    """A weighted sum of the standardised features, one per class, label or target."""

    name = "linear"
    definition = "Logistic regression (ridge regression for numbers) on standardised simple features."
    State = LinearState
    reads_numbers = True

    def applies(self, problem: Problem) -> bool:
        return problem.windows is None and has_features(problem.inputs)

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(total, SIZES, limit, lambda count: _Work(problem, count), decided)
        return Fitted(
            baseline=self.name,
            state=LinearState(features=work.made, outputs=work.outputs),
            arrays={**work.learned, **work.arrays},
            decision=decision,
            remark=describe(decision, total, work.finished, SIZES.enough, work.made),
        )

    def numbers(self, fitted: Fitted) -> tuple[str, ...]:
        state: LinearState = fitted.state
        return state.features.numbers

    def answer(self, fitted: Fitted, given: Given) -> Array:
        state: LinearState = fitted.state
        features = make_features(state.features, fitted.arrays, given)
        return linear_answer(fitted.arrays, state.outputs, features.astype(np.float64))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: LinearState = fitted.state
        if state.features.purpose != "linear" or state.outputs.num != num_outputs:
            raise ValueError("the state is not that of a linear model of this task")
        require_features(state.features, fitted.arrays, inputs)
        require_linear(fitted.arrays, state.outputs, state.features.width)
