"""Findings about the data and the results, the most_severe first."""

from __future__ import annotations

from netpick.report.components import Charts, Column, fold, pill, section, table
from netpick.report.markup import Html, element
from netpick.types import CheckOutcome, Finding
from netpick.types.results import RunResults
from netpick.types.words import counted, listed, row_name

SEVERITIES = {"severe": ("bad", "Severe"), "warning": ("warn", "Warnings"), "info": ("quiet", "Remarks")}
OUTCOMES = {
    "found": ("found something", "warn"),
    "passed": ("passed", "good"),
    "does not apply": ("do not apply", "quiet"),
}


def findings_section(results: RunResults, charts: Charts) -> Html:
    """What was noticed, why it matters, what to do."""
    del charts
    if not results.findings:
        return section("findings", "Findings", element("p", "The checks found nothing to report."), _outcomes(results))
    groups = []
    for severity, (kind, title) in SEVERITIES.items():
        findings = [one for one in results.findings if one.severity == severity]
        if findings:
            items = [_finding(results, one, kind) for one in findings]
            groups.append(element("div", element("h3", f"{title} ({len(findings)})"), items, class_="findings"))
    return section("findings", "Findings", groups, _outcomes(results))


def _outcomes(results: RunResults) -> Html | None:
    """Every check with what became of it; a run that kept no outcomes has none to show."""
    if not results.checks:
        return None
    counts = {word: sum(check.outcome == word for check in results.checks) for word in OUTCOMES}
    words = [several for several, _ in OUTCOMES.values()]
    if counts["does not apply"] == 1:
        words[-1] = "does not apply"
    outcomes = ", ".join(f"{count} {word}" for count, word in zip(counts.values(), words, strict=True))
    columns = [Column(title="Check"), Column(title="Asks about"), Column(title="Outcome")]
    whole = table(
        "Every check. One that does not apply has not passed: these data are not what it asks about.",
        columns,
        [[check.code, check.title, _outcome(check)] for check in results.checks],
    )
    return fold(f"All {len(results.checks)} checks: {outcomes}", whole)


def _outcome(check: CheckOutcome) -> Html:
    return pill(check.outcome, OUTCOMES[check.outcome][1])


def _finding(results: RunResults, finding: Finding, kind: str) -> Html:
    where = []
    if finding.columns:
        names = ", ".join(finding.columns[:8]) + (" …" if len(finding.columns) > 8 else "")
        where.append(f"{'Column' if len(finding.columns) == 1 else 'Columns'} {names}")
    if finding.rows:
        rows = [row_name(results, row) for row in finding.rows]
        where.append(listed(rows, 6))
    return element(
        "article",
        element("h4", pill(finding.code, kind), element("span", finding.title)),
        element("p", finding.evidence),
        element("p", element("strong", "What to do: "), finding.advice) if finding.advice else None,
        element("p", ". ".join(where), class_="where") if where else None,
        aria_label=f"{finding.severity}: {finding.title}",
        class_=f"finding {kind}",
    )


def summary(results: RunResults) -> str:
    """1 severe finding, 2 warnings."""
    counts = {s: sum(f.severity == s for f in results.findings) for s in SEVERITIES}
    words = {"severe": ("severe finding", ""), "warning": ("warning", ""), "info": ("remark", "")}
    return listed([counted(n, words[s][0]) for s, n in counts.items() if n])
