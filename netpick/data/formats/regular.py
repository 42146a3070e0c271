"""Which of several readings of the same times makes a regular step, or puts the rows in order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netpick.types import Array

DAY = 86_400_000_000
FEWEST, FEWEST_SORTED = 6, 12  # times; fewer may be regular, or in order, by chance
FEWEST_MIXED = 15  # different times that are in no order; fewer may be regular by chance
MULTIPLES = 0.95  # share of the gaps that are whole numbers of steps
REGULAR, CLEARLY = 0.8, 1.5  # share of the steps that have a row, and how many times that of the second reading
SORTED, UNSORTED = 0.99, 0.9  # share of neighbouring rows in order


def likelier_reading(times: Mapping[str, Array]) -> str | None:
    """The reading of times (microseconds, in the order of the file) that the calendar supports; None: none stands out."""
    if any(len(values) < FEWEST for values in times.values()):
        return None
    for measure, least, most in ((_coverage, REGULAR, REGULAR / CLEARLY), (_in_order, SORTED, UNSORTED)):
        measured = sorted(((measure(values), name) for name, values in times.items()), reverse=True)
        if measured[0][0] >= least and measured[1][0] <= most:
            return measured[0][1]
    return None


def _coverage(times: Array) -> float:
    """Share of the steps between the first and the last time that have a row, for the commonest step."""
    every = np.unique(times)
    if len(every) < (FEWEST if _one_way(times) else FEWEST_MIXED):
        return 0.0
    gaps = np.diff(every)
    if gaps.min() >= 28 * DAY:
        months = every.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
        steps = np.diff(months)
        return float(len(steps) * np.median(steps) / max(1, months[-1] - months[0])) if (steps > 0).all() else 0.0
    sizes, counts = np.unique(gaps, return_counts=True)
    step = sizes[counts.argmax()]
    if (gaps % step == 0).mean() < MULTIPLES:
        return 0.0
    return float(len(gaps) * step / (every[-1] - every[0]))


def _one_way(times: Array) -> bool:
    """Whether rows run forwards in time, or backwards, also where each time has several rows."""
    moved = np.diff(times)
    moved = moved[moved != 0]
    return bool(len(moved)) and float(max((moved > 0).mean(), (moved < 0).mean())) >= SORTED


def _in_order(times: Array) -> float:
    gaps = np.diff(times)
    moved = gaps[gaps != 0]
    if len(moved) < FEWEST_SORTED:
        return (SORTED + UNSORTED) / 2
    return float(max((moved > 0).mean(), (moved < 0).mean()))
