"""Groups are the same however they are found."""

from __future__ import annotations

import numpy as np
import pytest

from netpick.tasks.grouped import grouped


@pytest.mark.parametrize("high", [1, 7, 60, 10**6])
@pytest.mark.parametrize("low", [0, -5])
def test_groups_are_those_that_numpy_finds(low: int, high: int) -> None:
    numbers = np.random.default_rng(high).integers(low, high, 60)
    _, first, unit, sizes = np.unique(numbers, return_index=True, return_inverse=True, return_counts=True)
    found = grouped(numbers)
    assert (found.first == first).all()
    assert (found.unit == unit).all()
    assert (found.sizes == sizes).all()
