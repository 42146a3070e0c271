"""Pictures that follow each other: slices of a stack, frames of a film. Neighbours are alike, so parts are stretches of them.

They are told by numbers in their names, and by a look: neighbours are more alike than others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from netpick.tasks.split import TEST_SHARE, TOO_FEW, VALIDATION_SHARE, part_size
from netpick.types import TEST, TRAIN, VALIDATION, Array, ArrayColumn

SIDE = 24  # pixels of a side of what is compared
MOST = 400  # pictures that are looked at
CLEARLY = 3.0  # standard errors by which neighbours are more alike
LEAST = 0.08  # of correlation, by which they are


def numbers_of(names: Sequence[str]) -> list[int] | None:
    """The last number in each name, where nothing else differs; None where something does, or numbers come twice."""
    stems = [name.rpartition(".")[0] or name for name in names]
    found = [re.fullmatch(r"(.*?)(\d+)(\D*)", stem) for stem in stems]
    if not all(found):
        return None
    rests = {(match[1], match[3]) for match in found if match}
    numbers = [int(match[2]) for match in found if match]
    if len(rests) != 1 or len(set(numbers)) != len(numbers):
        return None
    return numbers


def follow_each_other(column: ArrayColumn, names: Sequence[str] | None) -> Array | None:
    """The rows (N,) in their order, where names are numbers and neighbours are alike; else None."""
    numbers = None if names is None else numbers_of(names)
    if numbers is None or len(numbers) < TOO_FEW:
        return None
    order = np.argsort(numbers)
    looked = order[:MOST]
    small = np.stack([_small(column, row) for row in looked.tolist()])
    alike = (small * small[np.roll(np.arange(len(small)), -1)]).mean(axis=1)[:-1]
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, len(small), (2, 4 * len(small)))
    far = np.abs(first - second) > max(2, len(small) // 10)
    others = (small[first[far]] * small[second[far]]).mean(axis=1)
    if not len(others):
        return None
    difference = float(alike.mean() - others.mean())
    error = float(np.sqrt(alike.var() / len(alike) + others.var() / max(1, len(small))))
    return order if difference > max(LEAST, CLEARLY * error) else None


def stretches(order: Array) -> Array:
    """(N,) parts: the last of the rows in this order are tested, those before them are chosen on."""
    num_test = part_size(len(order), TEST_SHARE, len(order))
    num_validation = part_size(len(order) - num_test, VALIDATION_SHARE, len(order))
    parts = np.full(len(order), TRAIN, np.int8)
    parts[order[len(order) - num_test - num_validation :]] = VALIDATION
    parts[order[len(order) - num_test :]] = TEST
    return parts


def _small(column: ArrayColumn, row: int) -> Array:
    """A picture of SIDE x SIDE means, with mean 0 and deviation 1."""
    height, width = column.values.shape[2:] if column.sizes is None else column.sizes[row].tolist()
    pixels = column.values[row, :, :height, :width].mean(axis=0)
    down, across = (np.linspace(0, side, SIDE + 1).astype(int)[:-1] for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(pixels, down, axis=0), across, axis=1)
    sums = sums / np.outer(np.diff([*down, height]), np.diff([*across, width])).clip(1)
    return np.asarray((sums - sums.mean()) / max(1e-6, float(sums.std())))
