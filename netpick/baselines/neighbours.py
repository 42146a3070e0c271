"""Nearest neighbours for images and series: what plain similarity achieves without learning anything."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.baselines.features import FeatureMaker, cost_of_features
from netpick.baselines.fitting import (
    as_predictions,
    describe_reductions,
    fit_each,
    predict_in_chunks,
    quietly_on_one_thread,
    sample_rows,
)
from netpick.types import Array, Rows

NEIGHBOURS = 3  # of 1, 3 and 5 the best compromise on series with few training rows (docs/lab.md)
FEWEST_ROWS = 500
SECONDS_PER_PAIR = 6e-9  # one distance of 40 to 100 numbers, measured on one core


class NearestNeighbours(Baseline):
    """The three most similar training rows vote, nearer ones with more weight."""

    name = "nearest neighbours"
    definition = "The three most similar training rows by simple features vote."

    def applies(self, problem: Problem) -> bool:
        return any(spec.form in ("grid", "series", "spectrogram", "clip") for spec in problem.inputs.values())

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        with quietly_on_one_thread():
            feature_cost = cost_of_features(problem)
            remaining = max(seconds - len(rows) * feature_cost, 0.3 * seconds)
            limit = int(remaining / (feature_cost + SECONDS_PER_PAIR * len(rows)))
            used = sample_rows(problem, max(limit, FEWEST_ROWS))
            make_features = FeatureMaker(problem, used, "distance")
            neighbours = min(NEIGHBOURS, len(used))
            model = fit_each(problem, used, make_features.train_features, lambda: _new_model(problem.task, neighbours))
            outputs = predict_in_chunks(model, make_features, rows)
        return FittedBaseline(
            predictions=as_predictions(problem, _soften(problem, used, outputs, neighbours)),
            seconds=time.perf_counter() - started,
            remark=describe_reductions(make_features, used, len(problem.train)),
            bytes=make_features.train_features.nbytes,
        )


def _new_model(task: str, neighbours: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    constructor = KNeighborsRegressor if task == "regress" else KNeighborsClassifier
    return constructor(neighbours, weights="distance", algorithm="brute")


def _soften(problem: Problem, used: Rows, outputs: Array, neighbours: int) -> Array:
    """Adds one voter with the training frequencies: three voters never know that a class is impossible."""
    if problem.task == "regress":
        return outputs
    target = problem.target[used]
    if problem.task == "classify":
        target = np.eye(problem.num_classes)[target]
    return np.asarray((neighbours * outputs + target.mean(axis=0)) / (neighbours + 1))
