"""D004: labels that differ only by a stray character, as '<=50K' and '<=50K.' do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from netpick.checks.base import FEW, Check, CheckContext
from netpick.columns.kinds.cells import as_text, counts_of
from netpick.data.formats.spelling import MOST_VALUES, alike
from netpick.types import Finding, TableColumn


def variants_finding(name: str, variants: Mapping[str, str], labels: Iterable[str]) -> Finding:
    """The finding that says which labels of column `name` were read as others, and in how many rows."""
    counts = Counter(labels)
    readings = [f"'{label}' as '{meant}' ({counts[label]:,} rows)" for label, meant in list(variants.items())[:FEW]]
    more = f" and {len(variants) - FEW:,} more" if len(variants) > FEW else ""
    return Finding(
        code=LabelVariants.code,
        severity="warning",
        title=LabelVariants.title,
        evidence=f"In column '{name}' the test rows spell labels in another way; read {', '.join(readings)}{more}.",
        advice="Nothing is needed if these are the same classes; if not, rename them in the data.",
        columns=(name,),
    )


class LabelVariants(Check):
    """Labels that look alike and still count as different classes."""

    code = "D004"
    title = "Labels that differ only by a stray character"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        fields = [f for f in context.schema.fields if f.role in ("feature", "target") and f.kind == "category"]
        if not context.one_class:
            fields = [f for f in fields if f.role == "feature"]
        targets = [f for f in context.schema.targets if context.one_class and f not in fields]
        columns = [(f, context.source.columns[f.name]) for f in [*targets, *fields]]
        tables = [(f, column.values) for f, column in columns if isinstance(column, TableColumn)]
        if not tables:
            return None
        findings = [self._of(f.name, values, is_target=f.role == "target") for f, values in tables]
        blanks = {name: count for note in context.source.notes for name, count in note.cells.items()}
        findings += [
            self._without_blanks(f.name, blanks[f.name], values)
            for f, values in tables
            if f.role == "target" and f.name in blanks
        ]
        return [finding for finding in findings if finding is not None]

    def _without_blanks(self, name: str, count: int, values: pl.Series) -> Finding:
        filled = len(values) - values.null_count()
        return self.finding(
            severity="info",
            evidence=(
                f"Blanks around {count:,} of {filled:,} labels in column '{name}' were removed: labels that differed by blanks "
                "alone are one class."
            ),
            advice="Nothing is needed, unless these were different classes; then give them different names in the data.",
            columns=(name,),
        )

    def _of(self, name: str, values: pl.Series, *, is_target: bool) -> Finding | None:
        cells = counts_of(as_text(values))
        counts = dict(zip(cells[:, 0].to_list(), cells[:, 1].to_list(), strict=True))
        groups = alike(counts) if is_target or len(counts) <= MOST_VALUES else []
        if not groups:
            return None
        groups_shown = "; ".join(" and ".join(_counted(sorted(labels), counts)) for labels in groups[:FEW])
        return self.finding(
            severity="warning",
            evidence=f"Column '{name}' holds {groups_shown}: they count as different {'classes' if is_target else 'values'}.",
            advice=f"If they mean the same, pass --merge {name}, or give them one spelling in the data.",
            columns=(name,),
        )


def _counted(labels: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    return [f"'{label}' ({counts[label]:,} rows)" for label in labels]
