"""Statistical forecasters are fitted anew at origins of the test part, from what is known there, as whoever uses them would do.

A fit takes them some hundredths of a second a series. How often it is made depends on the data and the budget alone, and on no clock, so that a run
that is made again is the same. Networks and trees are fitted once, before the test part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from netpick.models.baselines.answering import problem_answers
from netpick.models.baselines.base import Baseline, Fitted, Problem
from netpick.types import Array, Rows

MOST_ORIGINS = 24  # at which one is fitted
MOST_FITS = 48  # of series and targets, at all origins together; of more series one is fitted once
FITS_A_SECOND = 0.4  # of the budget


def rolling_answers(
    baseline: Baseline, fitted: Fitted, problem: Problem, rows: Rows, state: Any, budget: float | None = None
) -> tuple[Array, int]:
    """Answers for windows of the test part, each by the newest fit before its origin, and how many fits that are. fitted: before the
    first of them; budget: seconds of the whole run, None where steps are fixed."""
    begins = _begins(problem, rows, MOST_FITS if budget is None else min(MOST_FITS, int(FITS_A_SECOND * budget)))
    fits = [fitted, *_fitted_at(baseline, fitted, problem, begins[1:])] if len(begins) > 1 else [fitted]
    if len(fits) < 2:
        return problem_answers(baseline, fitted, problem, rows, state), 1
    assert problem.windows is not None
    block = np.searchsorted(begins, problem.windows.timeline.positions[rows], side="right") - 1
    parts = [problem_answers(baseline, fit, problem, rows[block == i], state) for i, fit in enumerate(fits)]
    answers = np.empty((len(rows), parts[0].shape[1]), dtype=parts[0].dtype)
    for i, part in enumerate(parts):
        answers[block == i] = part
    return answers, len(fits)


def _begins(problem: Problem, rows: Rows, most: int) -> Array:
    """Positions of the origins from which a new fit is used; none where one fit has to do. most: fits of series."""
    windows = problem.windows
    if windows is None:
        return np.zeros(0, dtype=np.int64)
    origins = np.unique(windows.timeline.positions[rows])
    count = min(len(origins), MOST_ORIGINS, most // (len(windows.state.ids) * len(windows.state.targets)))
    return np.asarray(origins[(np.arange(count) * len(origins)) // max(1, count)])


def _fitted_at(baseline: Baseline, fitted: Fitted, problem: Problem, begins: Array) -> list[Fitted]:
    """Fits on all windows whose horizons end before each of these positions."""
    windows = problem.windows
    assert windows is not None
    ends = windows.timeline.positions[windows.rows] + windows.state.horizon
    return baseline.fit_anew(problem, fitted, [windows.rows[ends <= begin] for begin in begins.tolist()])
