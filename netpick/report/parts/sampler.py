"""Made-up rows in detail: what the held-out rows say of everyone's, likeness beside copies, with what chance alone gives."""

from __future__ import annotations

from netpick.report.components import Charts, Column, table
from netpick.report.markup import Child, Html, element
from netpick.report.standings import definition, metric_label, standings
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import decimals_for, grouped, interval

LIKENESS = ("useful_auc", "useful_r2", "told_apart", "alike_columns", "alike_pairs", "covered", "density")
MEMORY = ("copies", "held_out_copies", "near_copies", "held_out_near_copies", "nearer", "rare", "held_out_rare")


def samples_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """Two tables of all that made rows up, the real rows among them."""
    del charts
    everyone = [one for one in standings(results) if one.test]
    if not everyone:
        return None
    floor = (
        "Real rows are rows that were learned from, drawn again: what made-up rows can hardly surpass. Told apart and density are best where "
        "those of real rows are."
    )
    private = (
        "This is no promise of anonymity. Copies are of whole rows; as many as among held-out rows are chance. Rows that lie nearer to rows that "
        "were learned from than to held-out ones in more than half of the cases were remembered in part."
    )
    barred = [element("li", f"{one.name}: {one.barred}") for one in everyone if one.barred]
    return element(
        "div",
        element("h3", "How alike the rows are"),
        element("p", floor),
        _table(everyone, LIKENESS, "Likeness to real rows"),
        element("h3", "What was remembered"),
        element("p", private),
        _table(everyone, MEMORY, "Copies and near copies"),
        element("p", "Not recommended, however good their scores are:") if barred else None,
        element("ul", barred) if barred else None,
    )


def _table(everyone: list[CandidateResult], names: tuple[str, ...], caption: str) -> Html:
    shown = [name for name in names if any(name in one.test for one in everyone)]
    head = [Column(title="By"), *(Column(title=metric_label(name), number=True) for name in shown)]
    rows = [[one.name, *(_cell(one, name) for name in shown)] for one in everyone]
    return element(
        "div",
        table(caption, head, rows),
        element("ul", [element("li", element("strong", metric_label(n)), ": ", definition(n)) for n in shown]),
    )


def _cell(one: CandidateResult, name: str) -> Child:
    score = one.test.get(name)
    if score is None:
        return "–"
    decimals = decimals_for([score])
    return element(
        "span",
        element("strong", grouped(score.value, decimals)),
        element("br"),
        element("small", interval(score, decimals)),
    )
