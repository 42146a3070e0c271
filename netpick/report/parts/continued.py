"""How a text goes on by every candidate from the same beginning: made up, marked as such, with the longest passage that is copied."""

from __future__ import annotations

from netpick.report.components import Charts, Column, section, table
from netpick.report.markup import Html, element
from netpick.types.results import Continuation, RunResults


def continued_section(results: RunResults, charts: Charts) -> Html | None:
    """A row a candidate; nothing where no texts are continued."""
    del charts
    if not results.continuations:
        return None
    lead = element(
        "p",
        "From the same beginning, with the same seed. All but the first are made up by the models and say nothing about the world. Copied is the "
        "longest passage that stands in the text that was learned from; what the real text shares with it is what is usual.",
    )
    columns = [
        Column(title="By"),
        Column(title="How it goes on", kind="wide"),
        Column(title="Copied", number=True),
        Column(title="The longest copied passage", kind="wide"),
    ]
    rows = [[one.candidate, _text(one), f"{len(one.copied):,} characters", one.copied] for one in results.continuations]
    return section("continued", "How the text goes on", lead, table("Continuations", columns, rows, style="quiet"))


def _text(one: Continuation) -> Html:
    return element("span", element("strong", one.prompt), one.text, style="white-space:pre-wrap")
