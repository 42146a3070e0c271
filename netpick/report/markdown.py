"""card.md, the card that travels inside the model file: what it is, how good, on what, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence

from netpick.errors import shown
from netpick.report.measures import answer_of
from netpick.report.parts.use import limits, python, shell
from netpick.report.standings import best_baseline, metric_label, named, primary, standings
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import counted, decimals_for, grouped, interval, listed, parameters, signed, size

SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]()#+!|~>"} | {"<": "&lt;", "&": "&amp;", "\n": " ", "\r": " "})


def safe(text: str) -> str:
    """Text from data that must not become Markdown, HTML or a new line."""
    return shown(text).translate(SPECIAL)


def to_markdown(results: RunResults, candidate: str | None = None) -> str:
    """The model card of a candidate or baseline, else of the recommended one. Short: the report has the rest."""
    winner = named(results.entries, candidate or results.verdict.winner)
    lines = [
        f"# {safe(results.title)}",
        "",
        f"**{safe(results.verdict.headline or results.verdict.sentence)}**",
        "",
        *(f"- {safe(line)}" for line in results.verdict.lines),
        *([""] if results.verdict.lines else []),
        "## What it is",
        "",
        *_about(results, winner),
        "",
        "## How good it is",
        "",
        *(_scores(results, winner) if winner else ["No network finished.", ""]),
        "## The contest",
        "",
        *_contest(results),
        "",
        *_ablation(results),
        *_findings(results),
        *(["## Limits", "", *(f"- {safe(text)}" for text in limits(results, winner)), ""] if winner else []),
        *(
            [
                "## How to use it",
                "",
                *_code("sh", shell(results, winner.name)),
                "",
                *_code("python", python(results, winner.name)),
                "",
            ]
            if winner
            else []
        ),
        f"Made by netpick {safe(results.version)} on {safe(results.created)}. Data fingerprint: {safe(results.source.fingerprint)}.",
    ]
    return "\n".join(lines) + "\n"


def _about(results: RunResults, winner: CandidateResult | None) -> list[str]:
    labels = f" ({listed([str(label) for label in results.target.labels], 10)})" if results.target.labels else ""
    kind = {"baseline": "Baseline", "blend": "Average of models"}.get(winner.family if winner else "", "Network")
    counted_parameters = f", {parameters(winner.parameters)} parameters" if winner and winner.parameters else ""
    unit = answer_of(results).unit
    network = f"{winner.name}{counted_parameters}, {size(winner.bytes)}" if winner else "none finished"
    return [
        f"- {kind}: {safe(network)}",
        f"- Task: {results.target.task}, target {safe(listed(list(results.target.names)))}{safe(labels)}",
        f"- Data: {safe(results.source.name)}, {counted(results.source.num_rows, unit)}, read as {safe(results.source.layout)}",
        f"- Split: {safe(results.split.sentence)}",
        f"- Test {unit}s: {grouped(len(results.split.test))}, {_tested(results)}",
    ]


def _tested(results: RunResults) -> str:
    if results.split.folds > 1:
        return f"each tested once, in {results.split.folds} folds, by networks like this one that did not learn from it"
    return f"opened {counted(results.test_openings, 'time')}"


def _scores(results: RunResults, winner: CandidateResult) -> list[str]:
    other = best_baseline(results)
    heads = ["Metric", "Test", "95 % interval", *([safe(other.name)] if other else [])]
    rows = []
    for name, score in winner.test.items():
        decimals = decimals_for([score])
        cells = [safe(metric_label(name)), grouped(score.value, decimals), interval(score, decimals)]
        if other:
            cells.append(grouped(other.test[name].value, decimals) if name in other.test else "–")
        rows.append(cells)
    return [*_table(heads, rows), ""]


def _contest(results: RunResults) -> list[str]:
    scores = [s for e in standings(results) if (s := primary(results, e)) is not None]
    decimals = decimals_for(scores)
    rows = []
    for entry in standings(results):
        score = primary(results, entry)
        shown = f"failed: {safe(entry.reason)}" if entry.status == "failed" else "not trained"
        if score:
            shown = f"{grouped(score.value, decimals)} ({interval(score, decimals)})"
        shown += "" if entry.ranked else ", not enough time to judge"
        shown += f", not recommended: {safe(entry.barred)}" if entry.barred else ""
        rows.append([safe(entry.name), shown, entry.family if entry.family in ("baseline", "blend") else "network"])
    unit = answer_of(results).unit
    return _table(["Candidate", f"{safe(metric_label(results.primary_metric))} on test {unit}s", "Kind"], rows)


def _ablation(results: RunResults) -> list[str]:
    """What each column group adds, where there are several."""
    if not results.ablation:
        return []
    label = safe(metric_label(results.primary_metric))
    decimals = decimals_for([one.score for one in results.ablation])
    rows = [
        [
            safe(one.group),
            grouped(one.score.value, decimals),
            f"{signed(one.difference, decimals)} ({signed(one.low, decimals)} to {signed(one.high, decimals)})",
        ]
        for one in sorted(results.ablation, key=lambda one: -one.difference)
    ]
    head = ["With values of other rows", label, "Loss (95 % interval)"]
    return ["## What each column group adds", "", *_table(head, rows), ""]


def _findings(results: RunResults) -> list[str]:
    shown = [f for f in results.findings if f.severity != "info"]
    if not shown:
        return []
    return ["## Findings", "", *(f"- {f.code} ({f.severity}): {safe(f.title)}. {safe(f.evidence)}" for f in shown), ""]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _code(language: str, text: str) -> list[str]:
    return [f"```{language}", *text.replace("```", "'''").splitlines(), "```"]
