"""D016: pictures and clips that are learned from and tested on in slightly different form."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext, some_of
from netpick.checks.features import clip_frames, pooled_images
from netpick.checks.neighbours import (
    TEST_ROWS,
    Copies,
    Floats,
    copies_finding,
    find_copies,
    nearest,
    unit,
)
from netpick.types import Array, ArrayColumn, Finding, Rows

MOST_BYTES = 200_000_000  # of pixels that are read of the learned rows
HASH_SIDE, FINE_SIDE = 8, 32  # fields a side that candidates are found by, and that they are compared by


LEAST_ALIKE = 0.95  # correlation of a copy: resized by a third, saved anew, mirrored or brightened, all kept 0.97


class NearCopiesOfImages(Check):
    """Compares test images with learned ones, as they are and mirrored: sizes, encodings, brightness do not matter."""

    code = "D016"
    title = "Nearly the same pictures on both sides of the split"
    gravest = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        columns = [context.source.columns[f.name] for f in context.schema.features]
        media = [c for c in columns if isinstance(c, ArrayColumn) and c.kind in ("image", "clip")]
        if not media or not context.holds_out or not len(context.test):
            return None
        findings = []
        for column in media:
            noun = "clips" if column.kind == "clip" else "images"
            how = "resized, saved anew, mirrored or of other brightness"
            copies = _copies(context, column)
            findings += copies_finding(
                context, copies, code=self.code, title=self.title, noun=noun, how=how, column=column.name
            )
        return findings


def _copies(context: CheckContext, column: ArrayColumn) -> Copies:
    row_bytes = max(1, int(np.prod(column.values.shape[1:])))
    learned = some_of(context.learned, max(1_000, MOST_BYTES // row_bytes))
    test = not_identical(context, some_of(context.test, TEST_ROWS))
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


def not_identical(context: CheckContext, test: Rows) -> Rows:
    """Exact copies are said by D001."""
    if context.row_groups is None:
        return test
    from netpick.tasks.repeats import among

    groups = context.row_groups
    return np.asarray(test[~among(groups[test], groups[context.learned])])


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
