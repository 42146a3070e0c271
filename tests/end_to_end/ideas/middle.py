"""The middle of the training targets."""

from __future__ import annotations

import numpy as np

from netpick.models.baselines.base import Decision, Fitted, Limit, Problem
from netpick.models.baselines.majority import Mean


class Middle(Mean):
    """Every row gets the median."""

    name = "middle"
    definition = "Always says the median of the training rows."

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        target = problem.target[problem.train]
        return self._fitted(np.median(target, axis=0), len(target))
