"""Near-copies: a row of one side whose nearest row on the other is far nearer than rows usually are.

Alike is not copied: two digits "1" by two hands may correlate at 0.98. What tells a copy is the step between the nearest
row and the next ones: they lie in the crowd, the copy does not. How large a step chance makes depends on how many ways the
rows can differ, their intrinsic dimension D: of points spread evenly, the nearest has a share s or less of the fifth's
distance with a chance of 1 - (1 - s^D)^4. D is taken from the fifth to the ninth neighbours, which copies hardly reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.tasks.near.shrink import Floats
from netpick.types import Array, Rows

PIECE, PARTS = 4_096, 16  # learned rows compared at once, and groups of them of which each gives its nearest
CROWD, NINTH, LAST = 4, 8, 10  # places of the fifth neighbour and the ninth, and behind the tenth
SHARE_OF_CROWD = 0.5  # of the fifth neighbour's distance, for a copy, however many the dimensions
STEP = 0.001  # s^D for a copy; by chance four rows in a thousand step so far (seen: one, photographs none)
TOGETHER = 100  # test rows compared at once


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Test rows that were looked at, and of those that are copies: which, and of which learned rows."""

    looked: int
    test: Rows
    learned: Rows


Compare = Callable[[Rows, Rows], Floats]  # test rows (n,), learned rows (n, k) -> how alike (n, k), 1 for the same


def unit(values: Floats) -> Floats:
    """Rows (n, d) without their mean and of length one, so that products are correlations; rows of one value become 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-4 * np.sqrt(values.shape[1]), centred / np.maximum(length, 1e-12), 0))


def nearest(test: Floats, learned: Floats, most: int = LAST) -> npt.NDArray[np.int64]:
    """(n, most) places of the most alike learned rows, best first, of unit rows; nearly so where there are very many."""
    found: list[Array] = []
    scores: list[Array] = []
    for start in range(0, len(learned), PIECE):
        part = learned[start : start + PIECE]
        similar = test @ part.T
        if len(part) < 2 * PARTS * PARTS:
            places = np.broadcast_to(np.arange(len(part)), similar.shape)
            if similar.shape[1] > 64:
                places = np.argpartition(-similar, 2 * most, axis=1)[:, : 2 * most]
                similar = np.take_along_axis(similar, places, axis=1)
        else:
            size = len(part) // PARTS * PARTS
            grouped = similar[:, :size].reshape(len(test), PARTS, -1)
            inside = grouped.argmax(axis=2)
            places = inside + np.arange(PARTS) * grouped.shape[2]
            if size < len(part):
                places = np.concatenate(
                    [places, np.broadcast_to(np.arange(size, len(part)), (len(test), len(part) - size))], axis=1
                )
            similar = np.take_along_axis(similar, places, axis=1)
        found.append(places + start)
        scores.append(similar)
    every, score = np.concatenate(found, axis=1), np.concatenate(scores, axis=1)
    best = np.argsort(-score, axis=1, kind="stable")[:, :most]
    return np.asarray(np.take_along_axis(every, best, axis=1), np.int64)


def find_copies(test: Rows, learned: Rows, near: npt.NDArray[np.int64], compare: Compare, least_alike: float) -> Copies:
    """Which test rows are copies, given the places (n, k) of their nearest learned rows and an exact comparison."""
    if len(learned) < LAST or not len(test):
        return Copies(looked=len(test), test=test[:0], learned=learned[:0])
    distances, partners = [], []
    for start in range(0, len(test), TOGETHER):
        places = near[start : start + TOGETHER]
        alike = np.clip(compare(test[start : start + TOGETHER], learned[places]), -1, 1)
        itself = learned[places] == test[start : start + TOGETHER, None]
        alike = np.where(_repeated(places) | itself, -1, alike)
        order = np.argsort(-alike, axis=1, kind="stable")
        ordered = np.take_along_axis(alike, order, axis=1)
        # Distances go with the root of what correlation lacks.
        distances.append(np.sqrt(np.maximum(1 - ordered[:, :LAST], 0)))
        partners.append(learned[np.take_along_axis(places, order[:, :1], axis=1)[:, 0]])
    far = np.concatenate(distances)
    share = far[:, 0] / np.maximum(far[:, CROWD], 1e-9)
    near_enough = far[:, 0] <= np.sqrt(1 - least_alike)
    marked = near_enough & (share <= min(SHARE_OF_CROWD, STEP ** (1 / dimension(far)))) & (far[:, CROWD] > 0)
    return Copies(looked=len(test), test=test[marked], learned=np.concatenate(partners)[marked])


def dimension(distances: Array) -> float:
    """The intrinsic dimension of rows (n, 10) of sorted distances, from the fifth to the ninth.

    Raised to D and divided by the ninth's, the fifth's distance is the fifth of eight uniform numbers, whose logarithm is
    -(1/5 + 1/6 + 1/7 + 1/8) on average. The middle row counts: others may lie in heaps, or have many copies.
    """
    known = distances[distances[:, CROWD] > 0]
    if not len(known):
        return 1.0
    seen = float(np.median(np.log(known[:, NINTH] / known[:, CROWD])))
    return max(1.0, sum(1 / i for i in range(CROWD + 1, NINTH + 1)) / max(seen, 1e-3))


def _repeated(places: Array) -> npt.NDArray[np.bool_]:
    """Which places of a row have come before in it."""
    order = np.argsort(places, axis=1, kind="stable")
    ordered = np.take_along_axis(places, order, axis=1)
    again = np.concatenate([np.zeros((len(places), 1), bool), ordered[:, 1:] == ordered[:, :-1]], axis=1)
    out = np.empty_like(again)
    np.put_along_axis(out, order, again, axis=1)
    return out
