"""Stretches of time: windows that lie in one of them depend on each other."""

from __future__ import annotations

import numpy as np

from netpick.types import Array

FEWEST_BLOCKS = 6  # of test windows, for a block to be longer than a horizon
MOST_BLOCKS = 12  # longer blocks depend less on their neighbours; Student's t makes up for how few they are


def time_blocks(positions: Array, horizon: int, season: int) -> Array:
    """Stretches of time (n,) that windows beginning at these positions (n,) are in, none shorter than the horizon.

    Windows that overlap share their errors, and so do the last of one stretch and the first of the next: the longer the
    stretches the better, as long as some are left.
    """
    span = int(np.ptp(positions)) + 1
    block = max(2 * horizon, season, -(-span // MOST_BLOCKS))
    block = max(horizon, min(block, -(-span // FEWEST_BLOCKS)))
    return np.asarray((positions - positions.min()) // block, dtype=np.int64)
