"""What differs in the plans of several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netpick.report.components import Column, section, table
from netpick.report.markup import Html, element
from netpick.serve.board.runs import OPTION, FinishedRun

NOT_KEPT = "not kept"


def plans_section(runs: Sequence[FinishedRun]) -> Html:
    head = [Column(title="What was decided")] + [Column(title=run.label) for run in runs]
    rows = [[key, *values] for key, values in differing(runs)]
    if not rows:
        return section(
            "plans", "Plans", element("p", "Everything that was decided before training is the same in all of them.")
        )
    words = "Only what differs; everything else that was asked for or planned is the same. Where steps differ alone, the clock made them differ."
    return section(
        "plans",
        "What differs in the plans",
        element("p", words),
        table("Differing settings", head, rows, style="metrics settings"),
    )


def differing(runs: Sequence[FinishedRun]) -> list[tuple[str, list[str]]]:
    """The settings that are not the same in all runs; a candidate that only some have takes one line."""
    settings = [run.settings for run in runs]
    present = {
        name: [any(key.startswith(f"{name}: ") for key in one) for one in settings] for name in _candidates(runs)
    }
    rows = [
        (f"candidate {name}", ["in the contest" if there else "–" for there in those])
        for name, those in present.items()
        if not all(those)
    ]
    for key in dict.fromkeys(key for one in settings for key in one):
        name = key.rpartition(": ")[0]
        if name in present and not all(present[name]):
            continue
        values = [_value(one, key) for one in settings]
        if len({value for value in values if value != NOT_KEPT}) > 1:
            rows.append((key, values))
    return rows


def _value(settings: Mapping[str, str], key: str) -> str:
    unknown = key.startswith(OPTION) and not any(known.startswith(OPTION) for known in settings)
    return NOT_KEPT if unknown else settings.get(key, "–")


def _candidates(runs: Sequence[FinishedRun]) -> list[str]:
    return list(
        dict.fromkeys(
            key.rpartition(": ")[0]
            for run in runs
            for key in run.settings
            if ": " in key and not key.startswith(OPTION)
        )
    )
