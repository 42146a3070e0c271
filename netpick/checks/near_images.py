"""D016: pictures and clips that are learned from and tested on in slightly different form."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext, some_of
from netpick.checks.neighbours import TEST_ROWS, copies_finding
from netpick.tasks.near.images import copied_images
from netpick.types import ArrayColumn, Finding, Rows

MOST_BYTES = 200_000_000  # of pixels that are read of the learned rows


class NearCopiesOfImages(Check):
    """Compares test images with learned ones, as they are and mirrored: sizes, encodings, brightness do not matter."""

    code = "D016"
    title = "Nearly the same pictures on both sides of the split"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        columns = [context.source.columns[f.name] for f in context.schema.features]
        media = [c for c in columns if isinstance(c, ArrayColumn) and c.kind in ("image", "clip")]
        if not media or not context.holds_out or not len(context.test):
            return None
        findings = []
        for column in media:
            noun = "clips" if column.kind == "clip" else "images"
            how = "resized, saved anew, mirrored or of other brightness"
            row_bytes = max(1, int(np.prod(column.values.shape[1:])))
            learned = some_of(context.learned, max(1_000, MOST_BYTES // row_bytes))
            copies = copied_images(column, not_identical(context, some_of(context.test, TEST_ROWS)), learned)
            findings += copies_finding(self, context, copies, noun=noun, how=how, column=column.name)
        return findings


def not_identical(context: CheckContext, test: Rows) -> Rows:
    """Exact copies are said by D001."""
    if context.row_groups is None:
        return test
    from netpick.tasks.repeats import among

    groups = context.row_groups
    return np.asarray(test[~among(groups[test], groups[context.learned])])
