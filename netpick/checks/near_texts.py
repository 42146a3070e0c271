"""D017: texts that are learned from and tested on with few changes: case, punctuation, some words."""

from __future__ import annotations

from netpick.checks.base import Check, CheckContext, some_of
from netpick.checks.near_images import not_identical
from netpick.checks.neighbours import TEST_ROWS, copies_finding
from netpick.tasks.near.texts import copied_texts
from netpick.types import Finding, TableColumn

LEARNED_ROWS = 20_000


class NearCopiesOfTexts(Check):
    """Compares words and pairs of words, the rarer the weightier."""

    code = "D017"
    title = "Nearly the same texts on both sides of the split"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        fields = [f for f in context.schema.features if f.kind == "text"]
        columns = [c for f in fields if isinstance(c := context.source.columns[f.name], TableColumn)]
        if not columns or not context.holds_out or not len(context.test):
            return None
        learned = some_of(context.learned, LEARNED_ROWS)
        test = not_identical(context, some_of(context.test, TEST_ROWS))
        findings: list[Finding] = []
        for column in columns:
            copies = copied_texts(column.values, test, learned)
            findings += copies_finding(
                self,
                context,
                copies,
                noun="texts",
                how="but for case, punctuation or a few words",
                column=column.name,
            )
        return findings
