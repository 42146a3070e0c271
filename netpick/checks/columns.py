"""D005 and D009: columns that were left out, and cells that do not fit their column."""

from __future__ import annotations

from netpick.checks.base import Check, CheckContext
from netpick.types import Finding
from netpick.types.words import quoted

SHOWN = 5


class LeftOutColumns(Check):
    """Constants, identifiers and other columns that teach nothing."""

    code = "D005"
    title = "Columns were left out"
    most_severe = "info"

    def run(self, context: CheckContext) -> list[Finding] | None:
        out = [f for f in context.schema.fields if f.role == "left_out"]
        if not out:
            return []
        reasons = "; ".join(f"'{f.name}': {f.reason}" for f in out[:SHOWN])
        more = f"; {quoted([f.name for f in out[SHOWN:]])}" if len(out) > SHOWN else ""
        return [
            self.finding(
                severity="info",
                evidence=f"Not learned from: {reasons}{more}.",
                advice="To use one all the same, say what it means: --kind COLUMN=category, or COLUMN=text to read it by its letters.",
                columns=tuple(f.name for f in out),
            )
        ]


class StrayCells(Check):
    """Numbers stored as text, with cells among them that are no numbers."""

    code = "D009"
    title = "Cells that do not fit their column"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        findings = []
        for field in context.schema.fields:
            if not field.stray or field.role == "left_out":
                continue
            shown = ", ".join(f"{text!r} in row {row + 1}" for row, text in field.stray[:SHOWN])
            more = f" and {len(field.stray) - SHOWN:,} more" if len(field.stray) > SHOWN else ""
            findings.append(
                self.finding(
                    severity="warning",
                    evidence=f"Column '{field.name}' is of kind {field.kind}, but holds {shown}{more}; read as missing.",
                    advice="Correct these cells, or name the text that means missing: --missing TEXT.",
                    columns=(field.name,),
                    rows=tuple(row for row, _ in field.stray[:20]),
                )
            )
        return findings
