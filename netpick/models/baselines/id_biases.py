"""User and item biases: what each value of a column of ids or categories adds to the mean, shrunken where it is rare.

The baseline predictors of Koren (2008), "Factorization meets the neighborhood": without them no model of ratings should be
believed. The penalty is chosen among a few on held-out training rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.fitting import describe, quietly_on_one_thread, sample_rows
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.outputs import Outputs, from_scores, logit, outputs_of, sigmoid, targets_of
from netpick.models.ids import has_ids
from netpick.types import STRICT, Array, Inputs

PENALTIES = (1.0, 3.0, 10.0, 30.0)  # rows of which each value's bias is shrunken as if so many more said the mean
TRIED = 6  # rounds with each penalty
HELD_OUT = 10  # every so many rows
CLOSE = 1e-4  # of the deviation of the targets: biases that move less have arrived
MOST_OUTPUTS = 50
MEAN, BIASES = "mean", "biases."
SIZES = Sizes(start=5_000, measured=2, enough=10, most=100)


@strict_dataclass(config=STRICT, kw_only=True)
class IdBiasesState:
    """What the biases are for, and how they were shrunken."""

    outputs: Outputs
    penalty: float = Field(gt=0)


class _Biases:
    """The mean (S,), and a table of biases (values, S) for each column of codes, fitted round by round."""

    def __init__(self, codes: Array, targets: Array, sizes: Sequence[int], outputs: Outputs, penalty: float) -> None:
        self.codes, self.targets, self.outputs = codes, targets, outputs
        mean = targets.mean(axis=0)
        self.mean = mean if outputs.quantities else logit(mean)
        self.tables = [np.zeros((size, targets.shape[1])) for size in sizes]
        # Beside counts of rows; of classes, whose rows tell p (1 - p) at most, in that unit.
        self.penalty = penalty if outputs.quantities else penalty / 4
        self.scores = np.tile(self.mean, (len(codes), 1))

    def round(self) -> float:
        """One Newton step for each column in turn; returns the largest change."""
        largest = 0.0
        for column, table in enumerate(self.tables):
            own = self.codes[:, column]
            errors, weights = self._errors()
            for s in range(table.shape[1]):
                slope = np.bincount(own, errors[:, s], len(table)) - self.penalty * table[:, s]
                bend = np.bincount(own, None if weights is None else weights[:, s], len(table)) + self.penalty
                change = slope / bend
                table[:, s] += change
                self.scores[:, s] += change[own]
                largest = max(largest, float(np.abs(change).max()))
        return largest

    def _errors(self) -> tuple[Array, Array | None]:
        """What the scores miss (n, S), and how much a row tells; None: one."""
        if self.outputs.quantities:
            return self.targets - self.scores, None
        if self.outputs.num_scores == 1 or self.outputs.any_labels:
            shares = sigmoid(self.scores)
        else:
            shares = np.exp(self.scores - self.scores.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
        return self.targets - shares, shares * (1 - shares)


def _scores(mean: Array, tables: Sequence[Array], codes: Array) -> Array:
    """(n, S) of codes (n, K)."""
    scores = np.tile(mean, (len(codes), 1))
    for column, table in enumerate(tables):
        scores += table[codes[:, column]]
    return scores


class _Work(Work):
    def __init__(self, problem: Problem, count: int) -> None:
        used = sample_rows(problem, count)
        self.outputs = outputs_of(problem, used)
        codes, targets = problem.arrays["codes"][used], targets_of(problem, used, self.outputs)
        sizes = problem.inputs["codes"].cardinalities
        self.penalty = self._best_penalty(
            codes, targets, sizes, np.random.default_rng(problem.seed).permutation(len(used))
        )
        self.biases = _Biases(codes, targets, sizes, self.outputs, self.penalty)
        self.close = CLOSE * float(targets.std(axis=0).max())

    def _best_penalty(self, codes: Array, targets: Array, sizes: Sequence[int], order: Array) -> float:
        held, rest = order[::HELD_OUT], np.delete(order, np.s_[::HELD_OUT])
        if not len(rest):
            return PENALTIES[-1]
        missed = []
        for penalty in PENALTIES:
            tried = _Biases(codes[rest], targets[rest], sizes, self.outputs, penalty)
            for _ in range(TRIED):
                tried.round()
            scores = _scores(tried.mean, tried.tables, codes[held])
            answers = scores if self.outputs.quantities else sigmoid(scores)
            missed.append(float(np.square(answers - targets[held]).mean()))
        return PENALTIES[int(np.argmin(missed))]

    def run(self, stop: Stop) -> None:
        """See Work. A stretch is one round over all columns."""
        while not self.finished and not stop(self.iterations, 1):
            self.finished = self.biases.round() <= self.close
            self.iterations += 1


class IdBiases(Baseline):
    """The mean and a bias of each id."""

    name = "id biases"
    definition = "The mean and a regularised bias of each value of the columns of ids and categories (Koren 2008)."
    State = IdBiasesState

    def applies(self, problem: Problem) -> bool:
        return problem.windows is None and has_ids(problem.inputs) and problem.num_classes <= MOST_OUTPUTS

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(total, SIZES, limit, lambda count: _Work(problem, count), decided)
        tables = {f"{BIASES}{column}": table for column, table in enumerate(work.biases.tables)}
        return Fitted(
            baseline=self.name,
            state=IdBiasesState(outputs=work.outputs, penalty=work.penalty),
            arrays={MEAN: work.biases.mean, **tables},
            decision=decision,
            remark=describe(decision, total, work.finished, SIZES.enough),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        state: IdBiasesState = fitted.state
        codes = given.arrays["codes"]
        tables = [fitted.arrays[f"{BIASES}{column}"] for column in range(codes.shape[1])]
        return from_scores(_scores(fitted.arrays[MEAN], tables, codes), state.outputs)

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: IdBiasesState = fitted.state
        if state.outputs.num != num_outputs or "codes" not in inputs:
            raise ValueError("the state is not that of biases of this task")
        shapes: dict[str, tuple[int, ...]] = {MEAN: (state.outputs.num_scores,)}
        for column, values in enumerate(inputs["codes"].cardinalities):
            shapes[f"{BIASES}{column}"] = (values, state.outputs.num_scores)
        for name, shape in shapes.items():
            array = fitted.arrays[name]
            if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
                raise ValueError("biases do not fit the columns of ids")
