"""The answers that look at no feature at all: how often each class occurs, or the mean."""

from __future__ import annotations

import time

import numpy as np

from netpick.baselines.base import Baseline, FittedBaseline, Problem
from netpick.baselines.fitting import TINY, as_predictions, spread_probabilities
from netpick.types import Rows


class Majority(Baseline):
    """Every row gets the training frequencies of the classes as its probabilities."""

    name = "majority"
    definition = "Always says the most frequent class, with the training frequencies as probabilities."

    def applies(self, problem: Problem) -> bool:
        return problem.task in ("classify", "multilabel")

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        target = problem.target[problem.train]
        if problem.task == "classify":
            counts = np.bincount(target, minlength=problem.num_classes)
            frequencies = spread_probabilities(
                (counts / max(counts.sum(), 1))[None], np.arange(problem.num_classes), problem.num_classes
            )[0]
        else:
            frequencies = target.mean(axis=0, dtype=np.float64).clip(TINY, 1 - TINY)
        predictions = as_predictions(problem, np.tile(frequencies, (len(rows), 1)))
        return FittedBaseline(predictions=predictions, seconds=time.perf_counter() - started, bytes=frequencies.nbytes)


class Mean(Baseline):
    """Every row gets the mean of the training targets."""

    name = "mean"
    definition = "Always says the mean of the training rows."

    def applies(self, problem: Problem) -> bool:
        return problem.task == "regress"

    def predict(self, problem: Problem, rows: Rows, seconds: float) -> FittedBaseline:
        started = time.perf_counter()
        mean = problem.target[problem.train].mean(axis=0, dtype=np.float64)
        predictions = as_predictions(problem, np.tile(mean, (len(rows), 1)))
        return FittedBaseline(predictions=predictions, seconds=time.perf_counter() - started, bytes=mean.nbytes)
