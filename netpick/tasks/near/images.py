"""Pictures and clips that are near copies of others: resized, saved anew, mirrored, brightened."""

from __future__ import annotations

import numpy as np

from netpick.tasks.near.compare import Copies, find_copies, nearest, unit
from netpick.tasks.near.shrink import Floats, clip_frames, pooled_images
from netpick.types import Array, ArrayColumn, Rows

HASH_SIDE, FINE_SIDE = 8, 32  # fields a side that candidates are found by, and that they are compared by
LEAST_ALIKE = 0.95  # correlation of a copy: resized by a third, saved anew, mirrored or brightened, all kept 0.97


def copied_images(column: ArrayColumn, test: Rows, learned: Rows) -> Copies:
    """Which pictures or clips are near copies of learned ones (of others than themselves); all rows sorted."""
    if not len(test) or not len(learned):
        return Copies(looked=len(test), test=test[:0], learned=test[:0])
    rough = _rough(column, learned)
    plain, mirrored = _rough(column, test), _rough(column, test, mirrored=True)
    near = np.concatenate([nearest(plain, rough), nearest(mirrored, rough)], axis=1)

    def compare(rows: Rows, others: Array) -> Floats:
        """The better of both ways round; the crowd is as near as it can get, too."""
        ways = [unit(_fine(column, rows, mirrored=way)) for way in (False, True)]
        flat = unit(_fine(column, np.unique(others)))
        at = np.searchsorted(np.unique(others), others)
        return np.asarray(np.maximum(*[np.einsum("nd,nkd->nk", way, flat[at]) for way in ways]), np.float32)

    return find_copies(test, learned, near, compare, LEAST_ALIKE)


def _rough(column: ArrayColumn, rows: Rows, *, mirrored: bool = False) -> Floats:
    if column.kind == "clip":
        frames = clip_frames(column, rows)
        return unit((frames[..., ::-1] if mirrored else frames).reshape(len(rows), -1))
    small = pooled_images(column.values, rows, HASH_SIDE, grey=True)
    return unit((small[..., ::-1] if mirrored else small).reshape(len(rows), -1))


def _fine(column: ArrayColumn, rows: Rows, *, mirrored: bool = False) -> Floats:
    if column.kind == "clip":
        at = np.linspace(0, column.values.shape[1] - 1, 4).round().astype(int)
        parts = [pooled_images(column.values[:, step], rows, FINE_SIDE // 2, grey=True) for step in at.tolist()]
        small = np.concatenate(parts, axis=1)
    else:
        small = pooled_images(column.values, rows, FINE_SIDE, grey=True)
    return (small[..., ::-1] if mirrored else small).reshape(len(rows), -1)
