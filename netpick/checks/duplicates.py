"""D001: rows or images that are learned from and tested on alike."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import FEW, Check, CheckContext
from netpick.tasks.repeats import among
from netpick.tasks.row_groups import hash_arrays
from netpick.types import Array, ArrayColumn, Finding, Severity

FEW_COPIES, SEVERE_MEDIA, SEVERE_TABLE = 0.01, 0.2, 0.5  # shares of the test rows


class DuplicateRows(Check):
    """Test rows that are also among the rows to learn from."""

    code = "D001"
    title = "Identical rows on both sides of the split"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if context.windowed:
            from netpick.checks.stretches import repeated_stretches

            return repeated_stretches(context, self.code, self.title)
        if context.row_groups is None or not context.holds_out or not len(context.test):
            return None
        groups = context.row_groups
        alike = context.test[among(groups[context.test], groups[context.learned])]
        if not len(alike):
            return self._media_alone(context)
        copies = context.copied
        if not len(copies):
            return [self._alike_by_chance(context, alike)]
        share = len(copies) / len(context.test)
        media = any(isinstance(context.source.columns[f.name], ArrayColumn) for f in context.schema.features)
        severity: Severity = "warning"
        if share < FEW_COPIES:
            severity = "info"
        elif share >= (SEVERE_MEDIA if media else SEVERE_TABLE):
            severity = "severe"
        thing = "images or series" if media else "rows"
        evidence = (
            f"{len(copies):,} of {len(context.test):,} test {thing} ({share:.1%}) are also among those to learn from"
            f"{_names(context, copies)}."
        )
        if len(alike) > len(copies):
            evidence += f" {len(alike) - len(copies):,} more are identical by chance, as their values are common."
        if share < FEW_COPIES:
            advice = "Too few to change a score; pass --split random to keep identical rows on one side."
        else:
            advice = (
                "Scores may flatter: remove the copies, or pass --split random, which keeps identical rows on one side."
            )
        return [
            self.finding(
                severity=severity,
                evidence=evidence,
                advice=advice,
                clause=f"{share:.0%} of the test {thing} are also among those that were learned from",
                rows=copies[:20].tolist(),
            )
        ]

    def _alike_by_chance(self, context: CheckContext, alike: Array) -> Finding:
        return self.finding(
            severity="info",
            evidence=(
                f"{len(alike):,} of {len(context.test):,} test rows ({len(alike) / len(context.test):.1%}) are also among those to "
                f"learn from{_names(context, alike)}."
            ),
            advice=(
                "The features take so few values that rows repeat. If new rows will repeat them as often, the score holds for "
                "them; if not, it is better than theirs will be: then remove the repeated rows."
            ),
            rows=alike[:20].tolist(),
        )

    def _media_alone(self, context: CheckContext) -> list[Finding]:
        """The same picture, sound or series in rows that differ in other columns."""
        fields = context.schema.features
        columns = [context.source.columns[f.name] for f in fields]
        media = [column for column in columns if isinstance(column, ArrayColumn)]
        if len(fields) < 2:
            return []
        for column in media:
            hashes = hash_arrays(column).view(np.int64)
            copies = context.test[among(hashes[context.test], hashes[context.learned])]
            share = len(copies) / len(context.test)
            if share < FEW_COPIES:
                continue
            return [
                self.finding(
                    severity="warning",
                    evidence=(
                        f"{len(copies):,} of {len(context.test):,} test rows ({share:.1%}) have the same '{column.name}' as a row "
                        f"that is learned from, with other columns that differ{_names(context, copies)}."
                    ),
                    advice="If such rows show one thing, keep them on one side: --split group:COLUMN, by what names it.",
                    columns=(column.name,),
                    rows=copies[:20].tolist(),
                )
            ]
        return []


def _names(context: CheckContext, rows: Array) -> str:
    names = context.source.row_names
    shown = [str(names[row]) if names is not None else f"row {row + 1}" for row in rows[: min(3, FEW)]]
    return f": {', '.join(shown)}{', …' if len(rows) > len(shown) else ''}"
