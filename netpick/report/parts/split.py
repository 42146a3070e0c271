"""How the rows were split, and how often the test rows were opened."""

from __future__ import annotations

from netpick.report.components import Charts, Column, code, section, table
from netpick.report.markup import Html, element
from netpick.report.measures import answer_of
from netpick.types.results import RunResults
from netpick.types.words import grouped, percent


def split_section(results: RunResults, charts: Charts) -> Html:
    """How the rows were divided, and how often the test rows were opened."""
    del charts
    if results.split.folds > 1:
        return _folds_section(results)
    parts = [("train", results.split.train), ("validation", results.split.validation), ("test", results.split.test)]
    total = max(1, sum(len(rows) for _, rows in parts))
    bar = [
        element("span", class_=name, style=f"flex-grow:{len(rows) / total:.4f}") for name, rows in parts if len(rows)
    ]
    uses = {
        "train": "networks and baselines learn from these",
        "validation": "choose the best moment, threshold and candidate",
        "test": "sealed until the end; every score in this report",
    }
    rows = [
        [
            element("span", element("i", class_=f"key {name}"), name),
            grouped(len(part)),
            percent(len(part) / total),
            uses[name],
        ]
        for name, part in parts
    ]
    override, unit = results.split.override, answer_of(results).unit
    opened = {
        0: f"The test {unit}s were never opened.",
        1: f"The test {unit}s were opened once, for all candidates and baselines together.",
    }.get(
        results.test_openings,
        f"The test {unit}s were opened {results.test_openings} times. Each look makes their scores a little less trustworthy.",
    )
    columns = [
        Column(title="Part"),
        Column(title=f"{unit.capitalize()}s", number=True),
        Column(title="Share", number=True),
        Column(title="Use"),
    ]
    return section(
        "split",
        "How it was split",
        element("p", results.split.sentence, " Override with " if override else "", code(override) if override else ""),
        element("div", bar, class_="split", aria_hidden="true"),
        table(f"{unit.capitalize()}s of each part", columns, rows, style="quiet parts"),
        element("p", opened, class_="openings" if results.test_openings <= 1 else "openings warn"),
    )


def _folds_section(results: RunResults) -> Html:
    """Rows that were tested in folds, and those of the model that is handed over, which are the same."""
    split = results.split
    columns = [Column(title="Rows for"), Column(title="Rows", number=True), Column(title="Use")]
    tested = f"each once, in {split.folds} folds; every score in this report"
    rows = [
        ["testing", grouped(len(split.test)), tested],
        ["the model to use", grouped(len(split.train) + len(split.validation)), "it learned from all of these"],
    ]
    return section(
        "split",
        "How it was split",
        element("p", split.sentence, " Override with ", code(split.override or "--folds")),
        table("Rows of each use", columns, rows, style="quiet parts"),
    )
