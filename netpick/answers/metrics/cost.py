"""What decisions cost on average, where the costs of mistakes were given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netpick.answers.answered import AnsweredClasses
from netpick.answers.metrics.means import RowMean
from netpick.types import Array


class MeanCost(RowMean[AnsweredClasses]):
    """Mean cost of the decided classes. Without costs, as it stands in METRICS, it applies to no rows."""

    name = "cost"
    label = "Mean cost"
    better = "lower"
    reads = AnsweredClasses
    uses_threshold = True
    lowest = 0.0
    definition = (
        "The mean of what decisions cost, by the costs of mistakes that were given; a right decision costs nothing."
    )

    def __init__(self, costs: Sequence[Sequence[float]] | None = None) -> None:
        self.costs = None if costs is None else np.asarray(costs, dtype=np.float64)

    def applies(self, truth: Array, predictions: AnsweredClasses) -> bool:
        return len(truth) > 0 and self.costs is not None

    def per_row(self, truth: Array, predictions: AnsweredClasses, decided: Array | None) -> Array:
        assert decided is not None
        assert self.costs is not None, "a metric of costs needs them"
        return np.asarray(self.costs[truth, decided])

    def if_wrong(self, truth: Array, predictions: AnsweredClasses) -> float:
        """The mean cost of a mistake, each as likely as any other."""
        assert self.costs is not None
        return float(self.costs[~np.eye(len(self.costs), dtype=bool)].mean())
