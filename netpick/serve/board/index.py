"""The board's own page: the runs in progress with their curves, and a table of all runs to open or compare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from netpick import __version__
from netpick.report.components import Column, pill, table
from netpick.report.markup import Child, Html, element
from netpick.report.standings import metric_label
from netpick.serve.board.watching import RunSeen
from netpick.types.results import Score
from netpick.types.words import counted, decimals_for, duration, grouped, interval

STATES = {
    "running": ("in progress", "warn"),
    "finished": ("finished", "good"),
    "failed": ("failed", "bad"),
    "interrupted": ("interrupted", "quiet"),
}


def board_page(folder: Path, runs: Sequence[RunSeen]) -> str:
    """The page as text; its script asks for what is new."""
    shown = folder.name or str(folder)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{shown}: netpick board"),
        element("link", rel="icon", href="data:,"),
        element("link", rel="stylesheet", href="/board.css"),
        element("script", src="/board.js", defer=True),
    )
    bar = [
        element("a", "netpick", href="/", class_="brand"),
        element("nav", element("a", "Runs", href="#runs"), aria_label="Sections"),
        element("button", "Dark", type="button", id="theme", aria_pressed="false", hidden=True),
    ]
    body = element(
        "body",
        element("a", "Skip to the runs", href="#main", class_="skip"),
        element("header", element("div", bar, class_="top")),
        element(
            "main",
            element("h1", f"Runs in {shown}"),
            element("div", id="live", aria_live="off"),
            element("p", class_="status", id="status", role="status"),
            _runs(runs),
            id="main",
        ),
        element("footer", element("dl", element("div", element("dt", "netpick"), element("dd", __version__)))),
        class_="board",
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _runs(runs: Sequence[RunSeen]) -> Html:
    if not runs:
        words = "There is no run here yet. Start one, and it appears by itself: "
        return element(
            "section", element("p", words, element("code", "netpick fit DATA")), id="runs", aria_label="Runs"
        )
    head = [Column(title="Run"), Column(title="Compare"), Column(title="State"), Column(title="Recommended")]
    head += [Column(title="Its test score"), Column(title="Time", number=True), Column(title="Changed")]
    rows = [_row(run) for run in runs]
    form = element(
        "form",
        table(counted(len(runs), "run"), head, rows, style="runs cards"),
        element("button", "Compare the chosen runs", type="submit"),
        action="/compare",
        method="get",
    )
    return element("section", element("h2", "All runs"), form, id="runs", aria_label="All runs")


def _row(run: RunSeen) -> list[Child]:
    address = f"/runs/{quote(run.name, safe='')}"
    changed = datetime.fromtimestamp(run.changed, UTC).isoformat(" ", "minutes").removesuffix("+00:00") + " UTC"
    if run.finished is None:
        return [element("span", run.name, class_="name"), "–", pill(*STATES[run.state]), "–", "–", "–", changed]
    report = run.finished.report
    winner = next((e for e in report.entries if e.name == report.verdict.winner), None)
    stated = winner.test.get(report.task.primary_metric) if winner else None
    score = "–"
    if stated is not None and stated.value is not None and stated.low is not None and stated.high is not None:
        value = Score(value=stated.value, low=stated.low, high=stated.high, n=stated.n)
        places = decimals_for([value])
        score = f"{metric_label(report.task.primary_metric)} {grouped(value.value, places)} ({interval(value, places)})"
    chosen = element("input", type="checkbox", name="run", value=run.name, aria_label=f"Compare {run.name}")
    return [
        element("a", run.name, href=f"{address}/report.html", class_="name"),
        element("label", chosen),
        pill(*STATES[run.state]),
        report.verdict.winner or "none",
        score,
        duration(report.seconds or float("nan")),
        changed,
    ]


def style() -> str:
    """The report's looks and the board's own."""
    report = files("netpick.report").joinpath("page.css").read_text(encoding="utf-8")
    return report + files("netpick.serve.board").joinpath("board.css").read_text(encoding="utf-8")


def script() -> str:
    return files("netpick.serve.board").joinpath("board.js").read_text(encoding="utf-8")
