"""D011: whether the score is for persons and things that were learned from, or for new ones."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext
from netpick.columns.kinds.cells import as_text
from netpick.types import Field, Finding, TableColumn

FEW_SHARED = 0.05  # of the test rows
FEW_GROUPS = 10  # to test on; below, who they happen to be counts for more than how many rows there are


class KnownOrNewGroups(Check):
    """Looks up the test rows' speakers, patients ... among those that are learned from."""

    code = "D011"
    title = "Whom the score is for"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        fields = [f for f in context.schema.fields if f.role == "group"]
        fields = [f for f in fields if isinstance(context.source.columns[f.name], TableColumn)]
        if not fields or context.windowed or not context.holds_out or not len(context.test):
            return None
        return [self._of_field(context, field) for field in fields]

    def _of_field(self, context: CheckContext, field: Field) -> Finding:
        column = context.source.columns[field.name]
        assert isinstance(column, TableColumn)
        codes = as_text(column.values).fill_null("").rank("dense").to_numpy()
        learned = np.unique(codes[context.learned])
        tested = np.unique(codes[context.test])
        known = np.isin(codes[context.test], learned)
        share = float(known.mean())
        if not known.any():
            return self._new(context, field, len(tested), len(learned))
        return self.finding(
            severity="warning" if share >= FEW_SHARED else "info",
            evidence=(
                f"{int(known.sum()):,} of {len(known):,} test rows ({share:.0%}) share their '{field.name}' with rows to learn "
                f"from ({int(np.isin(tested, learned).sum()):,} of {len(tested):,} tested on): the score is for a {field.name} that "
                "is known already, and flatters for a new one."
            ),
            advice=f"To see the score for new ones, pass --split group:{field.name}.",
            columns=(field.name,),
        )

    def _new(self, context: CheckContext, field: Field, tested: int, learned: int) -> Finding:
        few = " With so few, it depends on who they happen to be; other seeds test on others."
        return self.finding(
            severity="info",
            evidence=(
                f"No '{field.name}' is both learned from ({learned:,}) and tested on ({tested:,}): the score is for a "
                f"{field.name} never met before.{few if tested < FEW_GROUPS else ''}"
            ),
            advice=(
                f"With --split random the same would be on both sides; that score comes out higher, and holds for a known "
                f"{field.name} only."
            ),
            columns=(field.name,),
        )
