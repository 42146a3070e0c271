"""D008: too few test rows for a firm verdict."""

from __future__ import annotations

from netpick.answers.metrics.intervals import wilson
from netpick.checks.base import Check, CheckContext
from netpick.types import Finding

ENOUGH_CLASSES, ENOUGH_NUMBERS = 140, 100  # from where on the interval around 90 % is narrower than 10 points


class FewTestRows(Check):
    """Says how far off a score on so few rows may be."""

    code = "D008"
    title = "Too few test rows for a firm verdict"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if context.windowed or context.of_text:
            return None  # its test rows depend on each other; intervals are made from blocks of them
        n = context.num_tested or len(context.test)
        regress = context.of_numbers
        if not context.holds_out:
            evidence = f"All {n:,} rows are learned from and tested on; the scores say nothing about new rows."
        elif n >= (ENOUGH_NUMBERS if regress else ENOUGH_CLASSES):
            return []
        elif regress:
            evidence = f"With {n:,} test rows, errors of the same network may come out a third higher or lower."
        else:
            low, high = wilson(round(0.9 * n) / n, n) if n else (0.0, 1.0)
            evidence = f"With {n:,} test rows, a score of 90 % may stand for anything from {low:.0%} to {high:.0%}."
        return [
            self.finding(
                severity="warning",
                evidence=evidence,
                advice="Look at the intervals, not at the scores alone; add rows, or name test data with --test.",
            )
        ]
