"""D018: sounds and series that are learned from and tested on in slightly different form."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext, some_of
from netpick.checks.near_images import not_identical
from netpick.checks.neighbours import TEST_ROWS, copies_finding
from netpick.tasks.near.sounds import copied_sounds
from netpick.types import ArrayColumn, Finding

MOST_VALUES = 200_000_000  # of the learned rows that are read


class NearCopiesOfSounds(Check):
    """Compares sounds by how their bands swing, which gain, shift and encoding change little; series step by step."""

    code = "D018"
    title = "Nearly the same sounds or series on both sides of the split"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        columns = [context.source.columns[f.name] for f in context.schema.features]
        media = [c for c in columns if isinstance(c, ArrayColumn) and c.kind in ("audio", "series")]
        if not media or not context.holds_out or not len(context.test):
            return None
        findings = []
        for column in media:
            sound = column.kind == "audio"
            row_values = max(1, int(np.prod(column.values.shape[1:])))
            learned = some_of(context.learned, max(1_000, min(20_000, MOST_VALUES // row_values)))
            test = not_identical(context, some_of(context.test, TEST_ROWS))
            findings += copies_finding(
                self,
                context,
                copied_sounds(column, test, learned),
                noun="sounds" if sound else "series",
                how="louder, shifted or saved anew" if sound else "scaled or with a little noise",
                column=column.name,
            )
        return findings
