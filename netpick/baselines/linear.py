"""Logistic regression for classes and labels, ridge regression for numbers."""

from __future__ import annotations

import time
from typing import Any

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
from netpick.types import Rows

ITERATIONS = 60  # L-BFGS on standardised columns is close enough by then
FEWEST_ITERATIONS = 20
MOST_ITERATIONS = 300
FEWEST_ROWS = 500


class Linear(Baseline):
    """A weighted sum of the standardised features, one per class, label or target."""

    name = "linear"
    definition = "Logistic regression (ridge regression for numbers) on standardised simple features."

    def applies(self, problem: Problem) -> bool:
        return problem.task != "forecast"

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        with quietly_on_one_thread():
            width = count_features(problem, "linear")
            row_cost = _cost_of_row(problem, width)
            used = sample_rows(problem, max(FEWEST_ROWS, int(seconds / row_cost)))
            iterations = int(ITERATIONS * seconds / (row_cost * len(used)))
            iterations = min(max(iterations, FEWEST_ITERATIONS), MOST_ITERATIONS)
            make_features = FeatureMaker(problem, used, "linear")
            model = fit_each(problem, used, make_features.train_features, lambda: _new_model(problem.task, iterations))
            outputs = predict_in_chunks(model, make_features, rows)
        return FittedBaseline(
            predictions=as_predictions(problem, outputs),
            seconds=time.perf_counter() - started,
            remark=describe_reductions(make_features, used, len(problem.train)),
            bytes=8 * (width + 1) * problem.num_classes,
        )


def _new_model(task: str, iterations: int) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge() if task == "regress" else LogisticRegression(max_iter=iterations)


def _cost_of_row(problem: Problem, width: int) -> float:
    """Seconds of fitting per training row, measured on one core; features included."""
    if problem.task == "regress":
        return (width * width * 0.2 + width * 20) * 1e-9
    columns = 1 if problem.task == "classify" and problem.num_classes == 2 else problem.num_classes
    per_iteration = (width * (1.0 + 0.4 * columns) + 50 * columns) * 1e-9
    return ITERATIONS * per_iteration + cost_of_features(problem)
