"""Rows that are written on days with sales alone: where that is so, a step without a row is a zero, and no gap."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netpick.columns.kinds.cells import as_numbers, series_of
from netpick.types import Source

DEMAND = {"sales", "sold", "demand", "quantity", "qty", "units", "orders", "count", "transactions", "tickets", "visits"}


def sold_alone(source: Source, targets: Sequence[str]) -> bool:
    """Whether what is forecast counts demand by its name, in whole numbers of which none is 0.

    targets: as the user named them; () where there are none, and one column of that kind is meant.
    """
    found = [name for name in targets or source.columns if DEMAND & set(re.split(r"[^a-z]+", name.lower()))]
    if len(found) != 1 or (targets and len(targets) > 1):
        return False
    series = series_of(source.columns[found[0]])
    if series is None or not series.dtype.is_numeric():
        return False
    numbers = as_numbers(series).drop_nulls()
    return bool(len(numbers) and numbers.min() >= 1 and (numbers == numbers.round()).all())  # type: ignore[operator]
