"""D023: rows that are identical in every feature and have different labels."""

from __future__ import annotations

import numpy as np
import polars as pl

from netpick.checks.base import LISTED, Check, CheckContext, rows_named
from netpick.types import Finding, Severity

MANY = 0.01  # of the rows with a label


class SameRowOtherLabel(Check):
    """Looks for groups of identical rows that do not agree."""

    code = "D023"
    title = "The same row with different labels"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if context.row_groups is None or not (context.one_class or context.any_labels or context.each_token):
            return None
        target = context.target if context.target.ndim == 2 else context.target[:, None]
        rows = context.learned
        known = target[rows] >= 0
        rows = rows[known.any(axis=1) if context.each_token else known.all(axis=1)]
        if not len(rows):
            return None
        asked = len(rows)
        rows = rows[pl.Series(context.row_groups[rows]).is_duplicated().to_numpy()]
        groups, place = np.unique(context.row_groups[rows], return_inverse=True)
        # A group agrees when its largest and its smallest label are the same.
        lowest = np.full((len(groups), target.shape[1]), np.inf)
        highest = np.full((len(groups), target.shape[1]), -np.inf)
        np.minimum.at(lowest, place, target[rows])
        np.maximum.at(highest, place, target[rows])
        torn = (lowest != highest).any(axis=1)
        if not torn.any():
            return []
        contradicting = rows[torn[place]]
        contradicting = contradicting[np.argsort(place[torn[place]], kind="stable")]
        share = len(contradicting) / asked
        by_chance = bool(context.by_chance[contradicting].all())
        severity: Severity = "warning" if share >= MANY and not by_chance else "info"
        return [
            self.finding(
                severity=severity,
                evidence=(
                    f"{len(contradicting):,} of {asked:,} rows to learn from ({share:.2%}) have the same features as a row with "
                    f"another label, in {int(torn.sum()):,} groups: {rows_named(context, contradicting)}."
                ),
                advice=(
                    "The features take so few values that such rows are expected; no model can get all of them right."
                    if by_chance
                    else "No model can get all of them right. Look which label is true, or which column is missing that tells "
                    "these rows apart."
                ),
                rows=tuple(contradicting[:LISTED].tolist()),
            )
        ]
