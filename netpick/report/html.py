"""report.html: one file with everything in it, which asks the network for nothing and runs no script but its own."""

from __future__ import annotations

from collections.abc import Callable

from netpick.report.components import Charts
from netpick.report.explained import styles
from netpick.report.markup import Html, element
from netpick.report.page import chart_blocks, chart_scripts, page_head
from netpick.report.parts.ablation import ablation_section
from netpick.report.parts.contest import contest_section
from netpick.report.parts.continued import continued_section
from netpick.report.parts.data import data_section
from netpick.report.parts.explain import explain_section
from netpick.report.parts.findings import findings_section
from netpick.report.parts.headline import headline
from netpick.report.parts.learning import learning_section
from netpick.report.parts.plan import plan_section
from netpick.report.parts.split import split_section
from netpick.report.parts.tuning import tuning_section
from netpick.report.parts.use import use_section
from netpick.report.parts.winner import winner_section
from netpick.types.results import RunResults

Section = Callable[[RunResults, Charts], Html | None]

SECTIONS: dict[str, tuple[str, Section]] = {
    "data": ("Data", data_section),
    "split": ("Split", split_section),
    "contest": ("Contest", contest_section),
    "learning": ("Learning", learning_section),
    "tuning": ("Tuning", tuning_section),
    "winner": ("Winner", winner_section),
    "continued": ("Text", continued_section),
    "columns": ("Columns", ablation_section),
    "explain": ("Explained", explain_section),
    "findings": ("Findings", findings_section),
    "plan": ("Plan", plan_section),
    "use": ("Use", use_section),
}


def to_html(results: RunResults) -> str:
    """The report page as text. Raises RequestError when plotly's script is not where its package puts it."""
    charts = Charts()
    top = headline(results)
    written = {key: (label, build(results, charts)) for key, (label, build) in SECTIONS.items()}
    shown = {key: (label, body) for key, (label, body) in written.items() if body is not None}
    links = [element("a", label, href=f"#{key}") for key, (label, _) in shown.items()]
    toggle = element("button", "Dark", type="button", id="theme", aria_pressed="false", hidden=True)
    body = element(
        "body",
        element("a", "Skip to the answer", href="#answer", class_="skip"),
        element(
            "header",
            element("div", element("a", "netpick", href="#answer", class_="brand"), _nav(links), toggle, class_="top"),
        ),
        element("main", top, [section for _, section in shown.values()], id="answer"),
        _footer(results),
        chart_blocks(charts.views),
    )
    looks = styles() if results.explained else ""
    head = page_head(f"{results.title}: netpick report", looks, chart_scripts(), results.version)
    page = element("html", head, body, lang="en")
    return f"<!doctype html>\n{page}\n"


def page_bytes(results: RunResults) -> bytes:
    """report.html; names of files need not be UTF-8."""
    return to_html(results).encode("utf-8", "replace")


def _nav(links: list[Html]) -> Html:
    return element("nav", links, aria_label="Sections")


def _footer(results: RunResults) -> Html:
    pairs = [
        ("netpick", results.version),
        ("Created", results.created.replace("T", " ")),
        ("Data fingerprint", results.source.fingerprint),
        ("Command", results.command),
    ]
    items = [element("div", element("dt", key), element("dd", value)) for key, value in pairs]
    return element("footer", element("dl", items))
