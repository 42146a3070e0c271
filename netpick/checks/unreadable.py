"""D006: files that could not be read."""

from __future__ import annotations

from netpick.checks.base import FEW, Check, CheckContext
from netpick.types import ArrayColumn, FileColumn, Finding

STOP_SHARE = 0.01  # from which on training does not go on without them


class UnreadableFiles(Check):
    """Images that are truncated, empty or of no known format."""

    code = "D006"
    title = "Unreadable files"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        source = context.source
        bad = source.unreadable
        if not bad:
            media = any(isinstance(column, (ArrayColumn, FileColumn)) for column in source.columns.values())
            return [] if media else None
        # Whether num_rows still counts the unreadable rows depends on when they were left out.
        total = max(source.num_rows, len(context.train) + len(context.validation) + len(context.test) + len(bad))
        share = len(bad) / total
        named = "; ".join(f"{row.path} ({row.reason})" for row in bad[:FEW])
        more = f"; and {len(bad) - FEW:,} more" if len(bad) > FEW else ""
        return [
            self.finding(
                severity="severe" if share >= STOP_SHARE else "warning",
                evidence=f"{len(bad):,} of {total:,} files ({share:.2%}) cannot be read: {named}{more}.",
                advice="Repair or remove them." if share >= STOP_SHARE else "Training went on without them.",
                clause=f"{share:.0%} of the files cannot be read",
                rows=tuple(row.row for row in bad[:20]),
            )
        ]
