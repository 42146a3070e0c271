"""The page that shows several runs side by side. One file, with the report's looks and script; it asks the network for nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files

from netpick import __version__
from netpick.report.components import Charts, Column, facts, fold, pill, section, table
from netpick.report.figures import COLOURS
from netpick.report.markup import Child, Html, element
from netpick.report.page import chart_blocks, chart_scripts, page_head
from netpick.report.standings import metric_label, metric_word
from netpick.serve.board.curves import learning_section
from netpick.serve.board.pairing import Apart, SameRows, by_test_rows, winners_in_pairs
from netpick.serve.board.plans import plans_section
from netpick.serve.board.runs import FinishedRun
from netpick.serve.board.scores import contest_section, score_in
from netpick.types.results import Comparison
from netpick.types.words import counted, decimals_for, duration, grouped, interval, listed

HELPS = {"yes": ("better than the best baseline", "good"), "no": ("baselines do as well", "warn")}


def comparison_page(runs: Sequence[FinishedRun]) -> str:
    """The page as text. Raises RequestError when plotly's script is not where its package puts it."""
    charts = Charts()
    groups, apart = by_test_rows(runs)
    paired = [(group, winners_in_pairs(group)) for group in groups]
    colours = {run.label: COLOURS[place % len(COLOURS)] for place, run in enumerate(runs)}
    sections: dict[str, tuple[str, Html | None]] = {"runs": ("Runs", _runs(runs, colours))}
    for place, (group, pairs) in enumerate(paired):
        if len(group.runs) > 1:
            key = "contest" if place == 0 else f"contest-{place}"
            sections[key] = ("Contest", contest_section(key, group, pairs, colours, charts))
    sections["apart"] = ("Not comparable", _apart(apart))
    sections["learning"] = ("Learning", learning_section(runs, colours, charts))
    sections["plans"] = ("Plans", plans_section(runs))
    shown = {key: (label, body) for key, (label, body) in sections.items() if body is not None}
    title = f"{counted(len(runs), 'run')} side by side: {listed([run.label for run in runs], 4)}"
    return _page(title, _headline(runs, paired, apart), shown, charts)


def _page(title: str, top: Html, shown: dict[str, tuple[str, Html]], charts: Charts) -> str:
    links = [element("a", label, href=f"#{key}") for key, (label, _) in shown.items()]
    head = page_head(f"{title}: netpick", own("board.css"), chart_scripts(), __version__)
    toggle = element("button", "Dark", type="button", id="theme", aria_pressed="false", hidden=True)
    bar = [
        element("a", "netpick", href="#answer", class_="brand"),
        element("nav", links, aria_label="Sections"),
        toggle,
    ]
    body = element(
        "body",
        element("a", "Skip to the answer", href="#answer", class_="skip"),
        element("header", element("div", bar, class_="top")),
        element("main", top, [part for _, part in shown.values()], id="answer"),
        element("footer", element("dl", element("div", element("dt", "netpick"), element("dd", __version__)))),
        chart_blocks(charts.views),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def own(name: str, package: str = "netpick.serve.board") -> str:
    """One of the package's own style sheets or scripts."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


# --- the answer ------------------------------------------------------------------------------------------------------


def _headline(
    runs: Sequence[FinishedRun], paired: Sequence[tuple[SameRows, list[Comparison]]], apart: Sequence[Apart]
) -> Html:
    shared = [(group, pairs) for group, pairs in paired if len(group.runs) > 1]
    if not shared:
        sentence = "No two of these runs were tested on the same rows, so their scores cannot be compared row by row."
    else:
        sentence = " ".join(_verdict(group, pairs) for group, pairs in shared)
    words = "Each run's own report says more; here stands what they have in common, and what differs."
    pairs: list[tuple[Child, Child]] = [
        ("Runs", grouped(len(runs))),
        ("Compared row by row", grouped(sum(len(group.runs) for group, _ in shared)) if shared else "none"),
    ]
    if apart:
        pairs.append(("Standing apart", grouped(len(apart))))
    return element(
        "div",
        element("h1", f"{counted(len(runs), 'run')} side by side"),
        element("p", sentence, class_="verdict"),
        element("p", words),
        facts(pairs),
        class_="headline",
    )


def _verdict(group: SameRows, pairs: Sequence[Comparison]) -> str:
    """Which run's recommended candidate is ahead on the shared rows."""
    what = f"{metric_word(group.metric)} on the same {grouped(group.n)} test rows"
    winners = {run.label: run.report.verdict.winner for run in group.runs}
    if not pairs:
        return f"{listed(list(winners))} were tested on the same rows, but their recommended candidates could not be compared."
    beaten = {c.b if c.verdict == "better" else c.a for c in pairs if c.verdict != "tie"}
    best = [label for label in winners if label not in beaten]
    if not beaten:
        return f"In {what}, the recommended candidates of {listed(list(winners))} tie."
    if len(best) == 1:
        return f"In {what}, {winners[best[0]]} of {best[0]} is better than the recommended candidates of {listed(sorted(beaten))}."
    ahead = listed([f"{winners[label]} of {label}" for label in best])
    return f"In {what}, {ahead} tie, and are ahead of {listed(sorted(beaten))}."


def _runs(runs: Sequence[FinishedRun], colours: dict[str, str]) -> Html:
    head = [Column(title="Run", kind="who"), Column(title="Data"), Column(title="Task"), Column(title="Recommended")]
    head += [Column(title="Its test score"), Column(title="Time", number=True), Column(title="Made")]
    rows: list[list[Child]] = []
    for run in runs:
        report = run.report
        winner = next((e for e in report.entries if e.name == report.verdict.winner), None)
        score = score_in(winner, report.task.primary_metric) if winner else None
        score_text = "–"
        if score:
            places = decimals_for([score])
            score_text = (
                f"{metric_label(report.task.primary_metric)} {grouped(score.value, places)} ({interval(score, places)})"
            )
        helps = HELPS.get(report.verdict.deep_learning_helps, ("unclear", "quiet"))
        rows.append(
            [
                [
                    element("span", class_=f"mark {colours[run.label].strip('-')}"),
                    element("span", run.label, class_="name"),
                ],
                f"{report.data.name} ({grouped(report.data.rows)} rows)",
                report.task.name,
                [element("span", winner.name if winner else "none", class_="name"), pill(*helps)],
                score_text,
                duration(report.seconds or math.nan),
                report.created.replace("T", " ")[:16],
            ]
        )
    sentences = [element("p", element("strong", run.label), ": ", run.report.verdict.sentence) for run in runs]
    return section(
        "runs",
        "Runs",
        table("The runs on this page", head, rows, style="contest cards quiet runs"),
        fold("Their verdicts", sentences),
    )


def _apart(apart: Sequence[Apart]) -> Html | None:
    if not apart:
        return None
    items = [
        element(
            "li", element("strong", one.run.label), " against ", element("strong", one.other.label), f": {one.why}."
        )
        for one in apart
    ]
    words = "A score says something about another score only on the same rows. These stand apart, and no difference is drawn between them:"
    return section("apart", "Not comparable", element("p", words), element("ul", items, class_="notes"))
