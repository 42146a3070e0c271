"""A baseline's answers as a task decodes them: what a network would have said, so that all that follows is the same for both."""

from __future__ import annotations

from typing import Any

import numpy as np

from netpick.answers import Answer
from netpick.answers.horizon import scaled
from netpick.columns.batches import joined
from netpick.models.baselines.base import Baseline, Fitted, Given, History, Problem
from netpick.types import Array, Rows

CHUNK_ROWS = 4_096  # that are answered at a time
LEAST_SWING = 1e-2  # of a series' scale


def task_answers(baseline: Baseline, fitted: Fitted, given: Given, answer: Answer[Any], state: Any) -> Array:
    """(n, O) float64: probabilities, standardised values, or of a forecast means and quantiles in the units of its series.

    The quantiles of a forecast lie one swing of its window below and above it; the task's state says how many of them hold
    what validation rows missed by.
    """
    answers = baseline.answer(fitted, given)
    if given.history is not None:
        return _forecast_answers(answers, given, given.history)
    return answer.standardised(answers, state)


def problem_answers(baseline: Baseline, fitted: Fitted, problem: Problem, rows: Rows, state: Any) -> Array:
    """The same for rows of the problem, a chunk at a time."""
    chunks = [rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS)]
    answers = (
        task_answers(baseline, fitted, baseline.given(problem, chunk), problem.answer, state) for chunk in chunks
    )
    return joined(list(answers))


def _forecast_answers(values: Array, given: Given, history: History) -> Array:
    """(n, H * V * 4 + 1): mean, low, median and high of each step and target, and the number of the series."""
    width = len(history.state.targets)
    middle = np.nan_to_num(scaled(values, history.series, history.state))
    swing = given.arrays["window"][..., :width].std(axis=1, dtype=np.float32).astype(np.float64)
    around = np.tile(np.maximum(swing, LEAST_SWING), (1, history.state.horizon))
    steps = np.stack([middle, middle - around, middle, middle + around], axis=-1)
    return np.concatenate([steps.reshape(len(values), -1), history.series[:, None]], axis=1)
