"""The worst mistakes as pictures, curves or key cells, the surest first: where looking pays most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from netpick.report.components import Column, table
from netpick.report.markup import Child, Html, element
from netpick.report.measures import (
    Whole,
    answer_of,
    decided,
    probabilities_of,
    values_of,
    worst_classified,
    worst_labels,
    worst_tagged,
    worst_values,
)
from netpick.report.parts.boxer import shown_pictures
from netpick.report.parts.masker import shown_places
from netpick.report.parts.texts import text_rows
from netpick.report.pictures import picture, pictures_of
from netpick.report.standings import shown_in_detail
from netpick.types import Column as ColumnOfData
from netpick.types import TableColumn
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import percent, row_name, significant

MOST = 12
MOST_CELLS = 5  # key columns of a table


def class_mistakes(results: RunResults, entry: CandidateResult) -> Html | None:
    """Rows whose class was wrong, the most confident first."""
    probabilities, choice, labels = probabilities_of(entry), decided(results, entry), results.target.labels
    at = _misclassified(results, entry)
    told: list[list[Child]] = [
        [labels[int(results.test_truth[i])], labels[int(choice[i])], percent(float(probabilities[i, choice[i]]))]
        for i in at
    ]
    return _gallery(results, at, ("Truth", "Said", "Confidence"), told, "The surest mistakes")


def label_mistakes(results: RunResults, entry: CandidateResult) -> Html | None:
    """Rows with a label that was wrongly given or withheld, the most confident first."""
    probabilities = probabilities_of(entry)
    choice = decided(results, entry)
    mistakes = _mislabelled(results, entry)
    rows: list[list[Child]] = []
    for i, label in mistakes:
        name = results.target.labels[label]
        holds = bool(choice[i, label])
        rows.append(
            [
                f"{'not ' if holds else ''}{name}",
                f"{'' if holds else 'not '}{name}",
                percent(float(probabilities[i, label])),
            ]
        )
    return _gallery(results, mistakes[:, 0], ("Truth", "Said", "Probability"), rows, "The surest mistakes")


def value_mistakes(results: RunResults, entry: CandidateResult, index: int) -> Html | None:
    """Rows with the largest errors of one target."""
    truth = results.test_truth.reshape(len(results.test_truth), -1)[:, index]
    values = values_of(entry)[:, index]
    at = _furthest_off(results, entry, index)
    told: list[list[Child]] = [
        [significant(float(truth[i])), significant(float(values[i])), significant(float(values[i] - truth[i]))]
        for i in at
    ]
    name = results.target.names[index]
    return _gallery(results, at, ("Truth", "Predicted", "Error"), told, f"The largest errors of {name}")


def _misclassified(results: RunResults, entry: CandidateResult) -> Whole:
    return worst_classified(results.test_truth, decided(results, entry), probabilities_of(entry), MOST)


def _mislabelled(results: RunResults, entry: CandidateResult) -> Whole:
    """(m, 2): place of the row, label."""
    return worst_labels(results.test_truth, decided(results, entry), probabilities_of(entry), MOST)


def _furthest_off(results: RunResults, entry: CandidateResult, index: int) -> Whole:
    truth = results.test_truth.reshape(len(results.test_truth), -1)[:, index]
    return worst_values(truth, values_of(entry)[:, index], MOST)


def mistake_rows(results: RunResults) -> Whole:
    """The rows whose mistakes are shown."""
    entry, answer = shown_in_detail(results), answer_of(results)
    if entry is None or results.forecast is not None or answer.sequences or answer.made_up:
        return np.empty(0, dtype=np.int64)
    if answer.texts:
        places = text_rows(results, entry)
    elif answer.each_pixel:
        places = shown_places(results, entry)
    elif answer.each_object:
        places = shown_pictures(results, entry)
    elif answer.each_token:
        places = worst_tagged(results, entry, MOST)
    elif answer.quantities:
        places = _furthest_off(results, entry, 0)
    else:
        places = _misclassified(results, entry) if answer.one_class else _mislabelled(results, entry)[:, 0]
    return np.asarray(results.split.test[places], dtype=np.int64)


def _gallery(
    results: RunResults, at: Whole, heads: tuple[str, str, str], told: Sequence[Sequence[Child]], title: str
) -> Html | None:
    """Tiles where rows have pictures, else a table with the cells of a few columns."""
    if results.private:
        return None
    if not len(at):
        return element("div", element("h3", title), element("p", "There are none on the test rows."))
    rows = results.split.test[at]
    arrays = list(pictures_of(results, rows))
    note = f"Test rows. The first are those of which it was most certain; {_cause(bool(arrays))}"
    words = element("p", note) if "surest" in title else None
    if not arrays:
        return element("div", element("h3", title), words, _table(results, rows, heads, told, title))
    tiles = []
    for array, row, line in zip(arrays, rows, told, strict=True):
        truth, said, sure = line
        name = row_name(results, int(row))
        described = f"{name}: truth {truth}, {heads[1].lower()} {said}, {heads[2].lower()} {sure}"
        tiles.append(
            element(
                "figure",
                picture(array, described),
                element(
                    "figcaption",
                    element("span", f"{heads[1].lower()} ", element("b", said), f" {sure}", class_="said"),
                    element("span", "truth ", element("b", truth), class_="truth"),
                    element("small", name, title=name),
                ),
            )
        )
    return element("div", element("h3", title), words, element("div", tiles, class_="mistakes"))


def _cause(pictured: bool) -> str:
    return "some may be mislabelled." if pictured else "look whether their labels are right."


def _table(
    results: RunResults, rows: Whole, heads: tuple[str, str, str], told: Sequence[Sequence[Child]], title: str
) -> Html:
    names = telling_columns(results)
    head = [Column(title="Row"), *(Column(title=t, number=t not in ("Truth", "Said")) for t in heads)]
    if answer_of(results).quantities:
        head[1] = Column(title=heads[0], number=True)
    head += [Column(title=name, kind="cell") for name in names]
    cells = [
        [row_name(results, row), *line, *(results.source.rows[row].cells[name] for name in names)]
        for row, line in zip(rows.tolist(), told, strict=True)
    ]
    return table(title, head, cells, style="quiet")


def telling_columns(results: RunResults) -> list[str]:
    """The feature columns that differ most from row to row without being names: a rough guess at what to look at."""
    kept = []
    for field in results.schema.features:
        if field.name in results.source.tables:
            known = 1 - field.num_missing / max(1, results.source.num_rows)
            kept.append((known * math.log1p(min(field.num_distinct, 1000)), field.name))
    most = sorted(kept, key=lambda pair: -pair[0])[:MOST_CELLS]
    return [name for pair in kept if pair in most for name in pair[1:]]


def cell_text(column: ColumnOfData, row: int) -> str:
    """A cell of a table as the report writes it."""
    assert isinstance(column, TableColumn)
    value = column.values[row]
    if value is None:
        return "–"
    if isinstance(value, float):
        return significant(value)
    return str(value)[:40]
