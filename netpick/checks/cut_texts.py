"""D029: texts of which not all is read."""

from __future__ import annotations

from netpick.checks.base import LISTED, Check, CheckContext, rows_named
from netpick.columns.kinds.cells import as_text
from netpick.columns.kinds.text import LONGEST
from netpick.columns.kinds.token_readers import WORD_OR_LETTER
from netpick.types import Array, Finding, TableColumn

MANY = 0.05  # of the texts, from which on it is more than a remark


class CutTexts(Check):
    """Counts the words of every text that has enough characters for too many."""

    code = "D029"
    title = "Texts are cut"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        fields = [f for f in context.schema.features if f.kind == "text"]
        columns = [c for f in fields if isinstance(c := context.source.columns[f.name], TableColumn)]
        if not columns or context.of_pairs:  # of pairs a note says it, in their own symbols
            return None
        return [finding for column in columns if (finding := self._of_column(context, column)) is not None]

    def _of_column(self, context: CheckContext, column: TableColumn) -> Finding | None:
        texts = as_text(column.values).fill_null("")
        long = (texts.str.len_chars() > LONGEST).arg_true()
        words = texts.gather(long).str.count_matches(WORD_OR_LETTER)
        rows: Array = long.filter(words > LONGEST).to_numpy()
        if not len(rows):
            return None
        share = len(rows) / len(texts)
        return self.finding(
            severity="warning" if share >= MANY else "info",
            evidence=(
                f"{len(rows):,} of {len(texts):,} texts in '{column.name}' ({share:.1%}) have more than {LONGEST:,} words (at most "
                f"{int(words.max() or 0):,}): {rows_named(context, rows)}. Networks read the first and the last "  # type: ignore[arg-type]
                f"{LONGEST // 2:,} of them, and not what is between."
            ),
            advice="If it is the middle that tells, divide such texts into rows of their own, one a chapter or page.",
            columns=(column.name,),
            rows=tuple(rows[:LISTED].tolist()),
        )
