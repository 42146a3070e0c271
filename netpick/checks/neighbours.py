"""What is said about near copies of rows that are learned from among the test rows (found by tasks/near/)."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext, looked_at, rows_named
from netpick.tasks.near.compare import Copies
from netpick.types import Finding, Severity

TEST_ROWS = 700  # looked at; one copy in a hundred rows is then met seven times
BY_CHANCE = 0.005  # of the rows looked at may do so
FEWEST = 3  # copies beyond that, that a finding is made of
WARN, STOP = 0.01, 0.2  # shares of the test rows
FEWEST_STOP = 20  # copies; what looks like five copies does not stop a run


def copies_finding(
    check: Check, context: CheckContext, copies: Copies, *, noun: str, how: str, column: str
) -> list[Finding]:
    """What is said about the copies of one column."""
    if len(copies.test) < FEWEST + BY_CHANCE * copies.looked:
        return []
    share = len(copies.test) / copies.looked
    severity: Severity = (
        "severe" if share >= STOP and len(copies.test) >= FEWEST_STOP else "warning" if share >= WARN else "info"
    )
    pairs = zip(copies.test[:3].tolist(), copies.learned[:3].tolist(), strict=True)
    shown = "; ".join(
        f"{rows_named(context, np.array([a]))} and {rows_named(context, np.array([b]))}" for a, b in pairs
    )
    sampled = looked_at(copies.looked, len(context.test), f"test {noun}")
    return [
        check.finding(
            severity=severity,
            evidence=(
                f"{len(copies.test):,} of {copies.looked:,} test {noun} ({share:.1%}) are nearly the same as one that is "
                f"learned from, {how}: {shown}{'; …' if len(copies.test) > 3 else ''}{sampled}."
            ),
            advice=(
                "Scores flatter: a network need only remember. Put copies and originals on one side: --split near-copies finds them "
                "among all rows, --split group:COLUMN goes by a column that names what they are copies of."
            ),
            clause=f"{share:.0%} of the test {noun} are near copies of training {noun}",
            columns=(column,),
            rows=tuple(copies.test[:20].tolist()),
        )
    ]
