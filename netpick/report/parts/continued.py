"""How a text or a piece goes on by every candidate from the same beginning: made up, marked as such, with the longest passage that is copied."""

from __future__ import annotations

from netpick.report.components import Charts, Column, section, table
from netpick.report.markup import Child, Html, element
from netpick.report.measures import answer_of
from netpick.report.piano_roll import piano_roll, whole_chords
from netpick.types.results import Continuation, RunResults


def continued_section(results: RunResults, charts: Charts) -> Html | None:
    """A row a candidate; nothing where no texts are continued."""
    del charts
    if not results.continuations:
        return None
    answer = answer_of(results)
    lead = element(
        "p",
        "From the same beginning, with the same seed. All but the first are made up by the models and say nothing about the world. Copied is the "
        f"longest passage that stands in what was learned from; what the real {answer.noun} shares with it is what is usual.",
    )
    heard = "Time goes right, pitch up; each voice has a colour. What is shaded was given." if answer.heard else None
    columns = [
        Column(title="By"),
        Column(title="How it goes on", kind="wide"),
        Column(title="Copied", number=True),
        *([] if answer.heard else [Column(title="The longest copied passage", kind="wide")]),
    ]
    rows = [_row(one, heard=answer.heard) for one in results.continuations]
    title = f"How the {answer.noun} goes on"
    return section(
        "continued",
        title,
        lead,
        element("p", heard) if heard else None,
        table("Continuations", columns, rows, style="quiet"),
    )


def _row(one: Continuation, *, heard: bool) -> list[Child]:
    if not heard:
        text = element("span", element("strong", one.prompt), one.text, style="white-space:pre-wrap")
        return [one.candidate, text, f"{len(one.copied):,} characters", one.copied]
    picture = piano_roll(one.prompt + one.text, len(whole_chords(one.prompt)), f"By {one.candidate}")
    return [one.candidate, picture or "silence", f"{len(one.copied.split(chr(10))):,} chords"]
