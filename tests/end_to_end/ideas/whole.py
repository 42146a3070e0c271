"""D090: columns of whole numbers."""

from __future__ import annotations

from netpick.checks.base import Check, CheckContext
from netpick.types import Finding, TableColumn


class WholeNumbers(Check):
    """Numbers without any fraction may stand for categories."""

    code = "D090"
    title = "Whole numbers"
    most_severe = "info"

    def run(self, context: CheckContext) -> list[Finding] | None:
        numbers = [f.name for f in context.schema.fields if f.kind == "number" and f.role == "feature"]
        if not numbers:
            return None
        columns = {name: context.source.columns[name] for name in numbers}
        whole = [n for n, c in columns.items() if isinstance(c, TableColumn) and (c.values.cast(float) % 1 == 0).all()]
        if not whole:
            return []
        return [
            self.finding(
                severity="info",
                evidence=f"Whole numbers: {', '.join(whole)}.",
                advice="Say what they mean: --kind COLUMN=category.",
                columns=tuple(whole),
            )
        ]
