"""The seasonal naive forecast: the values of one season ago. A baseline, and the yardstick of scale-free scores."""

from __future__ import annotations

import numpy as np

from netpick.types import Array, Rows


def last_season(values: Array, first: Array, rows: Rows, season: int, horizon: int) -> Array:
    """(n, H * V) from the steps before each row. values (N, V), filled forward; first (n,) step of each row's series."""
    steps = rows[:, None] - season + (np.arange(horizon) % season)[None, :]  # (n, H)
    # Where the series began later than that, its last value stands in.
    steps = np.where(steps < first[:, None], rows[:, None] - 1, steps)
    return np.asarray(values[steps].reshape(len(rows), -1))
