"""Rows by the number of their group: which comes first, and how many there are of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.types import Array, Rows

COUNTED = 4  # numbers up to so many times the rows are counted, which takes a tenth of the time that sorting them takes


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """The groups (G,) in the order of their numbers."""

    first: Rows  # (G,) place of the first row of each
    unit: Array  # (N,) which of them each row belongs to
    sizes: Array  # (G,) rows of each


def grouped(numbers: Array) -> Grouped:
    """The groups of rows (N,) with equal numbers: what numpy.unique finds."""
    if not len(numbers) or numbers.min() < 0 or numbers.max() >= COUNTED * len(numbers):
        _, first, unit, sizes = np.unique(numbers, return_index=True, return_inverse=True, return_counts=True)
        return Grouped(first=first, unit=unit, sizes=sizes)
    counts = np.bincount(numbers)
    present = np.flatnonzero(counts)
    place = np.zeros(len(counts), np.int64)
    place[present] = np.arange(len(present))
    unit = place[numbers]
    first = np.empty(len(present), np.int64)
    first[unit[::-1]] = np.arange(len(numbers))[::-1]  # of several rows the one that is written last stays: the first
    return Grouped(first=first, unit=unit, sizes=counts[present])
