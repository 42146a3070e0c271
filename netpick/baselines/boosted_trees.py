"""Gradient-boosted trees on histograms: the yardstick that most tables have to be measured by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.baselines.features import FeatureMaker, cost_of_features, count_features
from netpick.baselines.fitting import (
    as_predictions,
    describe_reductions,
    fit_each,
    predict_in_chunks,
    quietly_on_one_thread,
    sample_rows,
)
from netpick.types import Array, Rows

LEAVES = 31
FEW_LEAVES = 8  # where there is time for few trees only
ITERATIONS = 50  # rows are left out until so many fit
MOST_ITERATIONS = 300
ITERATIONS_UNWATCHED = 100  # without early stopping, more would overfit
FEWEST_ROWS = 2_000
EARLY_STOPPING_ROWS = 1_000  # with fewer, the rows held out would say little


@dataclass(frozen=True, kw_only=True)
class Size:
    """What fits into the time: training rows, boosting iterations, leaves of each tree."""

    rows: int
    iterations: int
    leaves: int


class BoostedTrees(Baseline):
    """Histogram boosting with categories as categories, and early stopping on a tenth of the rows."""

    name = "boosted trees"
    definition = "Gradient-boosted decision trees (histogram boosting of scikit-learn)."

    def applies(self, problem: Problem) -> bool:
        return problem.task != "forecast"

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        with quietly_on_one_thread():
            size = _choose_size(problem, len(rows), seconds)
            used = sample_rows(problem, size.rows)
            make_features = FeatureMaker(problem, used, "trees")
            new_model = _model_factory(problem, used, make_features.categorical, size)
            model = fit_each(problem, used, make_features.train_features, new_model)
            outputs = predict_in_chunks(model, make_features, rows)
        return FittedBaseline(
            predictions=as_predictions(problem, outputs),
            seconds=time.perf_counter() - started,
            remark=describe_reductions(make_features, used, len(problem.train)),
        )


def _choose_size(problem: Problem, num_predicted: int, seconds: float) -> Size:
    """All rows and up to 300 iterations where they fit; else fewer rows, then fewer iterations, then smaller trees."""
    width = count_features(problem, "trees")
    seconds = max(seconds - num_predicted * cost_of_features(problem), 0.3 * seconds)
    trees = _trees_per_iteration(problem)
    rows = len(problem.train)

    def cost(leaves: int, rows: int) -> float:  # seconds per iteration, measured on one core
        growing = 5e-4 + 1e-4 * width * leaves / LEAVES + 1.9e-8 * rows * width
        return trees * (growing + 6e-8 * num_predicted)

    fixed = trees * (5e-4 + 1e-4 * width + 6e-8 * num_predicted)
    affordable = int((seconds / ITERATIONS - fixed) / (trees * 1.9e-8 * width))
    rows = min(rows, max(affordable, FEWEST_ROWS))
    iterations = int(seconds / cost(LEAVES, rows))
    if iterations >= 20:
        return Size(rows=rows, iterations=min(iterations, MOST_ITERATIONS), leaves=LEAVES)
    return Size(rows=rows, iterations=max(int(seconds / cost(FEW_LEAVES, rows)), 3), leaves=FEW_LEAVES)


def _trees_per_iteration(problem: Problem) -> int:
    return 1 if problem.task == "classify" and problem.num_classes == 2 else problem.num_classes


def _model_factory(problem: Problem, used: Rows, categorical: Array, size: Size) -> Callable[[], Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    stop_early = len(used) >= EARLY_STOPPING_ROWS
    if problem.task == "classify":  # rows held out are stratified, which needs a few of each class
        counts = np.bincount(problem.target[used])
        stop_early = stop_early and counts[counts > 0].min() >= 2
    iterations = size.iterations if stop_early else min(size.iterations, ITERATIONS_UNWATCHED)
    constructor = HistGradientBoostingRegressor if problem.task == "regress" else HistGradientBoostingClassifier
    return lambda: constructor(
        max_iter=iterations,
        learning_rate=min(max(10 / iterations, 0.1), 0.5),
        max_leaf_nodes=size.leaves,
        min_samples_leaf=min(max(len(used) // 10, 1), 20),
        categorical_features=categorical if categorical.any() else None,
        early_stopping=stop_early,
        n_iter_no_change=15,
        random_state=problem.seed,
    )
