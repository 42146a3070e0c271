"""report.html: one file with everything in it, which asks the network for nothing and runs no script but its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from netpick.errors import RequestError
from netpick.report.components import Charts
from netpick.report.explained import styles
from netpick.report.markup import Html, element, json_block
from netpick.report.page import page_head
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
from netpick.report.parts.use import use_section
from netpick.report.parts.winner import winner_section
from netpick.types.results import RunResults

Section = Callable[[RunResults, Charts], Html | None]

SECTIONS: dict[str, tuple[str, Section]] = {
    "data": ("Data", data_section),
    "split": ("Split", split_section),
    "contest": ("Contest", contest_section),
    "learning": ("Learning", learning_section),
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
    scripts = [plotly_script(), _own("page.js")]
    body = element(
        "body",
        element("a", "Skip to the answer", href="#answer", class_="skip"),
        element(
            "header",
            element("div", element("a", "netpick", href="#answer", class_="brand"), _nav(links), toggle, class_="top"),
        ),
        element("main", top, [section for _, section in shown.values()], id="answer"),
        _footer(results),
        json_block(charts.views, "charts"),
        [element("script", Html(script)) for script in scripts],
    )
    looks = styles() if results.explained else ""
    head = page_head(f"{results.title}: netpick report", looks, scripts, results.version)
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


def _own(name: str) -> str:
    return files("netpick.report").joinpath(name).read_text(encoding="utf-8")


def plotly_script() -> str:
    """plotly's own bundle, fit to stand inside a page. It is found, not imported: importing plotly costs half a second."""
    plotly = importlib.util.find_spec("plotly")
    path = Path(plotly.origin).parent / "package_data" / "plotly.min.js" if plotly and plotly.origin else None
    if path is None or not path.is_file():
        raise RequestError(
            "The report page needs plotly's script, plotly/package_data/plotly.min.js, and it is not installed. "
            "Type: pip install plotly"
        )
    # A page's text has no carriage returns once parsed, so the hash would not fit one that has.
    return path.read_text(encoding="utf-8").replace("\r\n", "\n").replace("</script", "<\\/script")
