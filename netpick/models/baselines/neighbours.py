"""Nearest neighbours for images and series: what plain similarity achieves without learning anything."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.columns.forms import FORMS
from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.features import FeatureState, fit_features, make_features, require_features
from netpick.models.baselines.fitting import describe, quietly_on_one_thread, sample_rows
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.outputs import Outputs, outputs_of, spread
from netpick.types import STRICT, Array, Inputs

NEIGHBOURS = 3  # of 1, 3 and 5 the best compromise on series with few training rows (docs/lab.md)
SPARE = 5  # more are looked at exactly: distances by matrix product are off by a rounding
TRIED = 200  # rows that are answered to see how long it takes
AT_ONCE = 1 << 24  # distances in memory
STRETCH = 64  # of them, looked at together
SIZES = Sizes(start=1_000)
ROWS, TARGETS = "rows", "targets"


@strict_dataclass(config=STRICT, kw_only=True)
class NeighboursState:
    """How many rows vote, by which features."""

    features: FeatureState
    outputs: Outputs
    neighbours: int = Field(ge=1, le=NEIGHBOURS)


class _Work(Work):
    def __init__(self, problem: Problem, count: int) -> None:
        used = sample_rows(problem, count)
        self.problem, self.used = problem, used
        self.made, self.learned, self.rows = fit_features(problem, used, "distance")
        self.outputs = outputs_of(problem, used)
        target = problem.target[used]
        if problem.answer.one_class:
            target = np.eye(problem.num_classes)[target][:, np.asarray(self.outputs.classes)]
        self.targets = np.asarray(target, dtype=np.float64)

    def run(self, stop: Stop) -> None:
        """Nothing is left to do."""
        self.iterations, self.finished = 1, True

    def answer_seconds(self, clock: Callable[[], float]) -> float:
        tried = self.used[:TRIED]
        started = clock()
        features = make_features(self.made, self.learned, self.problem.given(tried))
        votes(features, self.rows, self.targets, NEIGHBOURS)
        return (clock() - started) * self.problem.asked / len(tried)


class NearestNeighbours(Baseline):
    """The three most similar training rows vote, nearer ones with more weight."""

    name = "nearest neighbours"
    definition = "The three most similar training rows by simple features vote."
    State = NeighboursState
    holds_rows = True

    def applies(self, problem: Problem) -> bool:
        return any(FORMS[spec.form].summarised for spec in problem.inputs.values())

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(total, SIZES, limit, lambda count: _Work(problem, count), decided)
        return Fitted(
            baseline=self.name,
            state=NeighboursState(features=work.made, outputs=work.outputs, neighbours=min(NEIGHBOURS, len(work.rows))),
            arrays={**work.learned, ROWS: work.rows, TARGETS: work.targets},
            decision=decision,
            remark=describe(decision, total, work.finished, features=work.made),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """One voter with the training frequencies is added: three voters never know that a class is impossible."""
        state: NeighboursState = fitted.state
        features = make_features(state.features, fitted.arrays, given)
        targets = fitted.arrays[TARGETS]
        voted = votes(features, fitted.arrays[ROWS], targets, state.neighbours)
        if state.outputs.quantities:
            return voted
        voted = (state.neighbours * voted + targets.mean(axis=0)) / (state.neighbours + 1)
        return spread(voted, state.outputs) if state.outputs.one_class else voted

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: NeighboursState = fitted.state
        rows, targets = fitted.arrays[ROWS], fitted.arrays[TARGETS]
        columns = len(state.outputs.classes) or num_outputs
        if state.features.purpose != "distance" or state.outputs.num != num_outputs:
            raise ValueError("the state is not that of neighbours of this task")
        if (
            rows.ndim != 2
            or rows.shape[1] != state.features.width
            or rows.dtype != np.float32
            or len(rows) < state.neighbours
        ):
            raise ValueError("the stored rows do not fit their features")
        if targets.shape != (len(rows), columns) or targets.dtype != np.float64:
            raise ValueError("the stored targets do not fit their rows")
        require_features(state.features, fitted.arrays, inputs)


def votes(features: Array, rows: Array, targets: Array, neighbours: int) -> Array:
    """(n, K) means of the targets of the nearest rows, weighted by 1 / distance; rows at no distance decide alone."""
    norms, turned = np.square(rows).sum(axis=1), -2 * rows.T
    looked_at = min(len(rows), neighbours + SPARE)
    neighbours = min(neighbours, len(rows))
    at_once = max(1, AT_ONCE // len(rows))
    answers = np.empty((len(features), targets.shape[1]))
    room = np.empty((min(at_once, len(features)), len(rows)), dtype=np.result_type(features, rows))
    for start in range(0, len(features), at_once):
        part = features[start : start + at_once]
        rough = np.matmul(part, turned, out=room[: len(part)])
        rough += norms
        near = smallest(rough, looked_at)
        near.sort(axis=1)
        gaps = part[:, None, :].astype(np.float64) - rows[near]
        distances = np.sqrt(np.square(gaps).sum(axis=2))
        order = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
        nearest = np.take_along_axis(distances, order, axis=1)
        with np.errstate(divide="ignore"):
            weights = 1 / nearest
        same = np.isinf(weights)
        weights = np.where(same.any(axis=1, keepdims=True), same, weights)
        voters = targets[np.take_along_axis(near, order, axis=1)]  # (b, neighbours, K)
        answers[start : start + at_once] = np.einsum("bn,bnk->bk", weights, voters) / weights.sum(axis=1, keepdims=True)
    return answers


def smallest(values: Array, count: int) -> Array:
    """(n, count) places of each row's smallest values, in any order.

    They lie in the `count` stretches of a row whose least value is smallest, which are found much faster than they themselves.
    """
    total = values.shape[1]
    whole = total - total % STRETCH
    if whole < 4 * count * STRETCH:
        return np.argpartition(values, count - 1, axis=1)[:, :count]
    least = values[:, :whole].reshape(len(values), -1, STRETCH).min(axis=2)
    stretches = np.argpartition(least, count - 1, axis=1)[:, :count]
    inside = (stretches[:, :, None] * STRETCH + np.arange(STRETCH)).reshape(len(values), -1)
    behind = np.broadcast_to(np.arange(whole, total), (len(values), total - whole))
    places = np.concatenate([inside, behind], axis=1)
    nearest = np.argpartition(np.take_along_axis(values, places, axis=1), count - 1, axis=1)[:, :count]
    return np.take_along_axis(places, nearest, axis=1)
