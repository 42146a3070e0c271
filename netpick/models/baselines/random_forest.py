"""A random forest for few rows, where boosting has too little to go by (Breiman 2001; Grinsztajn et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.boosted_trees import TreesState
from netpick.models.baselines.features import fit_features, has_features, make_features, require_features
from netpick.models.baselines.fitting import describe, quietly_on_one_thread
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.outputs import TINY, Outputs, spread, task_of
from netpick.models.baselines.trees import SET_BYTES, Tree, joined, require_trees, scores_of
from netpick.types import Array, Inputs, Rows

MOST_ROWS = 2_000  # where there are more, boosting is the better of the two
SIZES = Sizes(start=MOST_ROWS, measured=25, enough=50, most=200)  # trees


class ForestWork(Work):
    """Trees on bootstrap samples, some at a time."""

    def __init__(self, problem: Problem, used: Rows) -> None:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        self.made, self.learned, self.features = fit_features(problem, used, "linear")
        self.num, self.answer = problem.num_classes, problem.answer
        target = problem.target[used]
        self.targets = np.asarray(target if not problem.answer.any_labels else target.astype(np.int64))
        self.centre, self.unit = np.zeros(1), np.ones(1)
        if problem.answer.quantities:
            # Trees of several targets split by the sum of their variances: each counts the same.
            self.centre, deviation = target.mean(axis=0), target.std(axis=0)
            self.unit = np.where(deviation > 0, deviation, 1.0)
            self.targets = (target - self.centre) / self.unit
            forest: Any = RandomForestRegressor()
        else:
            forest = RandomForestClassifier()
        self.model = forest.set_params(random_state=problem.seed, warm_start=True, n_jobs=1)

    def run(self, stop: Stop) -> None:
        """See Work."""
        while not self.finished:
            target = min(SIZES.most, self.iterations + SIZES.measured)
            if stop(self.iterations, target - self.iterations):
                return
            self.model.set_params(n_estimators=target)
            targets = self.targets[:, 0] if self.targets.ndim == 2 and self.targets.shape[1] == 1 else self.targets
            self.model.fit(self.features, targets)
            self.iterations = target
            self.finished = target >= SIZES.most

    @property
    def outputs(self) -> Outputs:
        """Of classes the shares of all that were seen, also of two."""
        classes = tuple(np.unique(self.targets).tolist()) if self.answer.one_class else ()
        return Outputs(task=task_of(self.answer), num=self.num, classes=classes)

    @property
    def arrays(self) -> dict[str, Array]:
        """The trees; their values are divided by their number, so that sums are means."""
        trees = []
        for estimator in self.model.estimators_:
            tree = estimator.tree_
            leaf = tree.children_left < 0
            own = np.arange(tree.node_count)
            trees.append(
                Tree(
                    feature=np.where(leaf, 0, tree.feature),
                    threshold=np.where(leaf, 0.0, tree.threshold),
                    left=np.where(leaf, own, tree.children_left),
                    right=np.where(leaf, own, tree.children_right),
                    categories=np.full(tree.node_count, -1),
                    sets=np.zeros((0, SET_BYTES), dtype=np.uint8),
                    value=self._values(tree.value) / len(self.model.estimators_),
                )
            )
        width = trees[0].value.shape[1]
        return joined(trees, np.zeros(width), width)

    def _values(self, value: Array) -> Array:
        """(m, outputs) from scikit-learn's (m, outputs, classes)."""
        if self.answer.quantities:
            return np.asarray(value[:, :, 0] * self.unit + self.centre)
        if self.answer.one_class:
            shares = value[:, 0]
            return np.asarray(shares / shares.sum(axis=1, keepdims=True))
        classes = self.model.classes_ if self.targets.shape[1] > 1 else [self.model.classes_]
        seen = [np.asarray(found).tolist() for found in classes]
        columns = [
            value[:, label, found.index(1)] / value[:, label].sum(axis=1) if 1 in found else np.zeros(len(value))
            for label, found in enumerate(seen)
        ]
        return np.stack(columns, axis=1)


class RandomForest(Baseline):
    """Two hundred trees on bootstrap samples, and the mean of what they say."""

    name = "random forest"
    definition = "The mean of 200 decision trees, each grown on other rows and columns; for data of few rows."
    State = TreesState
    holds_rows = True  # a leaf may be a single row, and its value that row's target

    def applies(self, problem: Problem) -> bool:
        return problem.windows is None and len(problem.train) <= MOST_ROWS and has_features(problem.inputs)

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        used = np.sort(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(len(used), SIZES, limit, lambda count: ForestWork(problem, used), decided)
        return Fitted(
            baseline=self.name,
            state=TreesState(features=work.made, outputs=work.outputs),
            arrays={**work.learned, **work.arrays},
            decision=decision,
            remark=describe(decision, len(used), work.finished, SIZES.enough, work.made),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        state: TreesState = fitted.state
        means = scores_of(fitted.arrays, make_features(state.features, fitted.arrays, given))
        if state.outputs.one_class:
            return spread(means, state.outputs)
        return means if state.outputs.quantities else np.asarray(means.clip(TINY, 1 - TINY))

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: TreesState = fitted.state
        if state.features.purpose != "linear" or state.outputs.num != num_outputs:
            raise ValueError("the state is not that of a forest of this task")
        require_features(state.features, fitted.arrays, inputs)
        require_trees(fitted.arrays, state.features.width, len(state.outputs.classes) or num_outputs)
