"""D014 and D015: texts that are empty, and texts that come more than once."""

from __future__ import annotations

import numpy as np
import polars as pl

from netpick.checks.base import Check, CheckContext
from netpick.types import Array, Finding, Severity, TableColumn

SHOWN = 3
MANY_EMPTY = 0.5  # of the texts


def _texts(context: CheckContext) -> dict[str, pl.Series]:
    """Columns of texts among the features, by name."""
    columns = {f.name: context.source.columns[f.name] for f in context.schema.features if f.kind == "text"}
    return {name: c.values.cast(pl.String, strict=False) for name, c in columns.items() if isinstance(c, TableColumn)}


class EmptyTexts(Check):
    """Texts without a single sign; all of them look alike to any network."""

    code = "D014"
    title = "Empty texts"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        texts = _texts(context)
        if not texts or context.of_pairs:  # pairs with an empty side are left out, which a note says
            return None
        findings = []
        for name, cells in texts.items():
            rows = (cells.fill_null("").str.strip_chars() == "").arg_true().to_numpy()
            if not len(rows):
                continue
            share = len(rows) / len(cells)
            severity: Severity = (
                "warning" if share >= MANY_EMPTY or len(texts) == len(context.schema.features) else "info"
            )
            findings.append(
                self.finding(
                    severity=severity,
                    evidence=f"{len(rows):,} of {len(cells):,} texts in '{name}' ({share:.2%}) are empty: {_named(context, rows)}.",
                    advice="They are learned from and answered like one unknown word. Fill them in, or remove these rows.",
                    columns=(name,),
                    rows=tuple(rows[:20].tolist()),
                )
            )
        return findings


class RepeatedTexts(Check):
    """Rows whose texts are the same, case and blanks aside, and on which side of the split they are."""

    code = "D015"
    title = "Texts come more than once"
    most_severe = "info"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not _texts(context) or context.row_groups is None:
            return None
        groups, target = context.row_groups, context.target
        _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
        copies = np.flatnonzero(first[inverse] != np.arange(len(groups)))
        if not len(copies):
            return []
        learned = set(groups[context.learned].tolist())
        crossing = bool(learned & set(groups[context.test].tolist())) if context.holds_out else False
        evidence = (
            f"{len(copies):,} of {len(groups):,} rows repeat the text of an earlier one, case and blanks aside: "
            f"{_named(context, copies)}."
        )
        if target.ndim == 1 and target.dtype.kind in "iu":
            differing = int((target[copies] != target[first[inverse[copies]]]).sum())
            evidence += f" {differing:,} of them have another class than that one." if differing else ""
        where = (
            "Some copies are on both sides of the split, see D001."
            if crossing
            else "All copies are on one side of the split."
        )
        return [
            self.finding(
                severity="info",
                evidence=evidence,
                advice=f"{where} Remove them if they are mistakes of collecting.",
                rows=tuple(copies[:20].tolist()),
            )
        ]


def _named(context: CheckContext, rows: Array) -> str:
    names = context.source.row_names
    shown = ", ".join(str(names[row]) if names is not None else f"row {row + 1}" for row in rows[:SHOWN].tolist())
    return shown + (", …" if len(rows) > SHOWN else "")
