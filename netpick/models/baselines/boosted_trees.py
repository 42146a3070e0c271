"""Gradient-boosted trees on histograms: the baseline that most tables have to be measured by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.features import FeatureState, fit_features, has_features, make_features, require_features
from netpick.models.baselines.fitting import describe, quietly_on_one_thread, sample_rows
from netpick.models.baselines.growing import Sizes, Stop, Work, grow
from netpick.models.baselines.outputs import Outputs, from_scores, logit, outputs_of
from netpick.models.baselines.trees import SET_BYTES, Tree, joined, require_trees, scores_of
from netpick.types import STRICT, Array, Inputs

LEAVES = 31
EARLY_STOPPING_ROWS = 10_000  # as scikit-learn has it: with fewer, every row is learned from
UNWATCHED = 100  # iterations without early stopping; more would overfit
SIZES = Sizes(start=1_000, measured=10, enough=100, most=320)


@strict_dataclass(config=STRICT, kw_only=True)
class TreesState:
    """What the trees look at, and what their sums are of."""

    features: FeatureState
    outputs: Outputs


class BoostingWork(Work):
    """Histogram boosting, one model for each number or label, in stretches of 10, 20, 40, ... iterations."""

    def __init__(self, problem: Problem, count: int) -> None:
        used = sample_rows(problem, count)
        self.made, self.learned, self.features = fit_features(problem, used, "trees")
        self.outputs = outputs_of(problem, used)
        target = problem.target[used]
        self.targets = [target] if target.ndim == 1 else list(target.T)
        self.watched = len(used) >= EARLY_STOPPING_ROWS
        if problem.answer.one_class:  # rows held out are stratified, which needs a few of each class
            counts = np.bincount(target)
            self.watched = self.watched and counts[counts > 0].min() >= 2
        new_model = _model_factory(problem, self.made.categorical, len(used), self.watched)
        self.models = [new_model() if len(np.unique(target)) > 1 else None for target in self.targets]
        self.finished = all(model is None for model in self.models)

    def run(self, stop: Stop) -> None:
        """See Work."""
        most = SIZES.most if self.watched else UNWATCHED
        while not self.finished:
            target = min(most, 2 * self.iterations or SIZES.measured)
            if stop(self.iterations, target - self.iterations):
                return
            for model, truth in zip(self.models, self.targets, strict=True):
                self._advance(model, truth, target)
            self.iterations = target
            ended = [model is None or model.n_iter_ < target for model in self.models]
            self.finished = target >= most or all(ended)

    def _advance(self, model: Any, truth: Array, target: int) -> None:
        if model is None or (self.iterations and model.n_iter_ < self.iterations):
            return  # it stopped early
        model.set_params(max_iter=target)
        model.fit(self.features, truth)

    @property
    def arrays(self) -> dict[str, Array]:
        """The trees."""
        trees: list[Tree] = []
        start = np.zeros(self.outputs.num_scores)
        for number, (model, truth) in enumerate(zip(self.models, self.targets, strict=True)):
            if model is None:
                constant = float(truth.mean())
                if not self.outputs.one_class:
                    start[number] = constant if self.outputs.quantities else float(logit(np.asarray(constant)))
                continue
            baseline = np.asarray(model._baseline_prediction, dtype=np.float64).ravel()
            start[number : number + len(baseline)] = baseline
            order, codes = _columns(model, self.made.categorical)
            for iteration in model._predictors:
                trees += [tree_of(predictor, number + score, order, codes) for score, predictor in enumerate(iteration)]
        return joined(trees, start, 1)


class BoostedTrees(Baseline):
    """Histogram boosting with categories as categories, and early stopping on a tenth of the rows."""

    name = "boosted trees"
    definition = "Gradient-boosted decision trees (histogram boosting of scikit-learn)."
    State = TreesState

    def applies(self, problem: Problem) -> bool:
        return problem.windows is None and has_features(problem.inputs)

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        total = len(problem.train)
        with quietly_on_one_thread():
            work, decision = grow(total, SIZES, limit, lambda count: BoostingWork(problem, count), decided)
        return Fitted(
            baseline=self.name,
            state=TreesState(features=work.made, outputs=work.outputs),
            arrays={**work.learned, **work.arrays},
            decision=decision,
            remark=describe(decision, total, work.finished, SIZES.enough, work.made),
        )

    def answer(self, fitted: Fitted, given: Given) -> Array:
        state: TreesState = fitted.state
        features = make_features(state.features, fitted.arrays, given)
        return from_scores(scores_of(fitted.arrays, features), state.outputs)

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state: TreesState = fitted.state
        if state.features.purpose != "trees" or state.outputs.num != num_outputs:
            raise ValueError("the state is not that of boosted trees of this task")
        require_features(state.features, fitted.arrays, inputs)
        require_trees(fitted.arrays, state.features.width, state.outputs.num_scores)


def _model_factory(problem: Problem, categorical: Array, rows: int, watched: bool) -> Callable[[], Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    constructor = HistGradientBoostingRegressor if problem.answer.quantities else HistGradientBoostingClassifier
    return lambda: constructor(
        max_iter=SIZES.measured,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=min(max(rows // 10, 1), 20),
        categorical_features=categorical if categorical.any() else None,
        early_stopping=watched,
        n_iter_no_change=15,
        random_state=problem.seed,
        warm_start=True,
    )


def _columns(model: Any, categorical: Array) -> tuple[Array, dict[int, Array]]:
    """Which of our columns each of scikit-learn's is, and what its category numbers are in ours: it puts categorical columns
    first and numbers their categories anew."""
    if not categorical.any():
        return np.arange(len(categorical)), {}
    order = np.concatenate([np.flatnonzero(categorical), np.flatnonzero(~categorical)])
    encoder = model._preprocessor.named_transformers_["encoder"]
    return order, dict(enumerate(np.asarray(found).astype(np.int64) for found in encoder.categories_))


def tree_of(predictor: Any, output: int, order: Array, codes: dict[int, Array]) -> Tree:
    """One of scikit-learn's trees. Its features hold no missing values; categories that it never saw go where it sends these."""
    nodes = predictor.nodes
    own = np.arange(len(nodes))
    leaf = nodes["is_leaf"].astype(bool)
    categorical = nodes["is_categorical"].astype(bool) & ~leaf
    categories = np.full(len(nodes), -1)
    categories[categorical] = np.arange(categorical.sum())
    sets = np.zeros((int(categorical.sum()), SET_BYTES), dtype=np.uint8)
    for number, node in enumerate(nodes[categorical]):
        known = codes[int(node["feature_idx"])]
        place = np.arange(len(known))
        words = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
        left = np.full(8 * SET_BYTES, bool(node["missing_go_to_left"]))
        left[known] = (words[place >> 5] >> (place & 31).astype(np.uint32)) & 1 == 1
        sets[number] = np.packbits(left, bitorder="little")
    return Tree(
        feature=np.where(leaf, 0, order[np.where(leaf, 0, nodes["feature_idx"])]),
        threshold=np.where(leaf | categorical, 0.0, nodes["num_threshold"]),
        left=np.where(leaf, own, nodes["left"]),
        right=np.where(leaf, own, nodes["right"]),
        categories=categories,
        sets=sets,
        value=nodes["value"][:, None],
        output=output,
    )
