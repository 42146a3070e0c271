"""R004: networks that make up rows and give back rows that they learned from."""

from __future__ import annotations

from netpick.checks.base import FinishedContest, ResultCheck
from netpick.types import Finding
from netpick.types.words import quoted

NEARER = "nearer"  # share of made-up rows that lie nearer to a row that was learned from than to a held-out one
CHANCE, FAR = 0.5, 0.03  # of it; and how far above its interval lies where rows were remembered in part


class RowsRemembered(ResultCheck):
    """Copies, or rows nearer to those that were learned from than to others."""

    code = "R004"
    title = "Rows that were learned from come back"
    most_severe = "severe"

    def run(self, contest: FinishedContest) -> list[Finding] | None:
        judged = [c for c in contest.candidates if c.status == "ok" and NEARER in c.test]
        if not judged:
            return None
        barred = [c for c in judged if c.barred]
        findings = []
        if barred:
            findings.append(
                self.finding(
                    severity="severe",
                    evidence="; ".join(f"{c.name}: {c.barred}" for c in barred) + ".",
                    advice="Do not hand its rows on. Train for a shorter time, with a smaller network, or on more rows.",
                    clause=f"{quoted([c.name for c in barred])} gave back rows that it learned from",
                )
            )
        near = [c for c in judged if not c.barred and c.test[NEARER].low > CHANCE + FAR]
        if near:
            shares = ", ".join(f"{c.name} {c.test[NEARER].value:.1%}" for c in near)
            findings.append(
                self.finding(
                    severity="warning",
                    evidence=f"Made-up rows lie nearer to a row that was learned from than to a held-out one in more than half of the cases: {shares}.",
                    advice="Rows were remembered in part. Train for a shorter time, with a smaller network, or on more rows.",
                )
            )
        return findings
