"""The target: how often each class occurs, how numbers are spread, and what a few rows of each class look like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netpick.report.components import Chart, Charts, Column, fold, share_bar, table
from netpick.report.detail_figures import histogram, histogram_bins
from netpick.report.markup import Child, Html, element, join
from netpick.report.measures import answer_of
from netpick.report.pictures import curves, image, is_image, pictures_of, value_range
from netpick.types import Rows
from netpick.types.results import RunResults
from netpick.types.words import grouped, listed, percent, significant

MOST_CLASSES = 30
PICTURED_CLASSES = 12
TEXTS_EACH, MOST_LETTERS = 3, 200


def class_counts(results: RunResults) -> Html | None:
    labels = results.target.labels
    if not labels or answer_of(results).each_pixel or answer_of(results).each_object:
        return None
    counts = results.source.label_counts
    whole = None if counts is None else np.asarray(counts, dtype=np.int64)
    test = _test_counts(results)
    base = whole if whole is not None else test
    total = len(results.test_truth) if whole is None else results.source.num_rows
    order = np.argsort(-base, kind="stable") if len(labels) > MOST_CLASSES else np.arange(len(labels))
    answer = answer_of(results)
    noun, plural = answer.noun.capitalize(), answer.plural.capitalize()
    head = [Column(title=noun), Column(title="Rows" if whole is not None else "Test rows", number=True)]
    head += [Column(title="in test", number=True)] if whole is not None else []
    head += [Column(title="Share", number=True), Column(title="", kind="bar")]
    rows: list[list[Child]] = []
    for k in order:
        cells: list[Child] = [labels[k], grouped(int(base[k]))]
        cells += [grouped(int(test[k]))] if whole is not None else []
        cells += [percent(base[k] / max(1, total), 1), share_bar(base[k] / max(1, base.max()))]
        rows.append(cells)
    caption = f"{plural} and how often they occur"
    first = table(caption, head, rows[:MOST_CLASSES], style="bars quiet")
    rest = fold(f"{len(rows) - MOST_CLASSES} rarer ones", table("Rarer ones", head, rows[MOST_CLASSES:], style="bars"))
    return element("div", element("h3", plural), first, rest if len(rows) > MOST_CLASSES else None)


def _test_counts(results: RunResults) -> npt.NDArray[np.int64]:
    truth, number = results.test_truth, len(results.target.labels)
    if answer_of(results).any_labels:
        return np.asarray(truth.sum(axis=0), dtype=np.int64)
    return np.bincount(truth.astype(np.int64), minlength=number)[:number]


def target_charts(results: RunResults, charts: Charts) -> Html:
    whole = results.test_truth if results.forecast is None else results.forecast.first
    assert whole is not None
    truth = whole.reshape(len(whole), -1).astype(np.float64)
    views, tables = [], []
    for index, name in enumerate(results.target.names[:6]):
        views.append(histogram(truth[:, index], name, "--bar"))
        edges, count = histogram_bins(truth[:, index], 12)
        cells = [
            [f"{significant(low)} to {significant(high)}", grouped(n)]
            for low, high, n in zip(edges[:-1], edges[1:], count, strict=True)
        ]
        tables.append(table(name, [Column(title="Range"), Column(title="Rows", number=True)], cells))
    chart = Chart(
        key="target",
        title="The target",
        note="How its values are spread over the test rows. The outermost bars hold the tails.",
        alternative=f"Histogram of {listed(list(results.target.names))} on the test rows.",
        views=views,
        table=join(tables),
        height=220,
    )
    return charts.place(chart)


# --- pictures --------------------------------------------------------------------------------------------------------


def samples(results: RunResults) -> Html | None:
    """A few rows of each class as pictures; they are test rows, because only their classes are known here."""
    if not answer_of(results).one_class or results.private:
        return None
    if not results.source.pictured:
        return _texts(results)
    labels, groups = results.target.labels, example_rows(results)
    arrays = list(
        pictures_of(results, np.concatenate([rows for _, rows in groups]) if groups else np.empty(0, np.int64))
    )
    if not arrays:
        return None
    taken = [[arrays.pop(0) for _ in rows] for _, rows in groups]
    extent = None if is_image(taken[0][0]) else value_range([one for some in taken for one in some])
    figures = []
    for (label, _), some in zip(groups, taken, strict=True):
        words = f"{len(some)} example{'s' * (len(some) > 1)} of {label}"
        drawn = (
            element("div", [image(one, f"example of {label}") for one in some], class_="tiles")
            if extent is None
            else curves(some, words, extent)
        )
        figures.append(element("figure", element("figcaption", label), drawn))
    more = f" of {min(len(labels), len(groups))} of the {len(labels)} classes" if len(groups) < len(labels) else ""
    note = f"Test rows{more}, not picked by hand."
    if extent is not None:
        note += f" Values run from {significant(extent[0], 3)} to {significant(extent[1], 3)} in every frame."
        note += _channels(taken[0][0].shape[1])
    kind = "images" if extent is None else "series"
    return element(
        "div", element("h3", "Examples"), element("p", note), element("div", figures, class_=f"samples {kind}")
    )


def example_rows(results: RunResults) -> list[tuple[str, Rows]]:
    """The classes that are shown by examples, each with a few test rows."""
    labels = results.target.labels
    if not answer_of(results).one_class:
        return []
    if not results.source.pictured:
        shown = labels[: 3 * PICTURED_CLASSES] if text_column(results) is not None else ()
        return [(label, _rows_of(results, k, TEXTS_EACH)) for k, label in enumerate(shown)]
    each = 10 if len(labels) <= 4 else 6 if len(labels) <= PICTURED_CLASSES else 1
    each = min(each, 4) if results.source.channels > 1 else each  # channels of many rows over each other are a tangle
    groups = [(labels[k], _rows_of(results, k, each)) for k in range(len(labels))]
    return [(label, rows) for label, rows in groups if len(rows)][: PICTURED_CLASSES * (1 if each > 1 else 3)]


def text_column(results: RunResults) -> str | None:
    """The column of texts that is quoted."""
    name = next((f.name for f in results.schema.features if f.kind in ("text", "sentence")), None)
    return name if name in results.source.tables else None


def _texts(results: RunResults) -> Html | None:
    """A few texts of each class, where rows are texts."""
    figures = []
    for label, rows in example_rows(results):
        texts = [results.source.rows[row].text for row in rows.tolist()]
        if texts:
            figures.append(element("figure", element("figcaption", label), [element("blockquote", t) for t in texts]))
    note = f"Test rows, not picked by hand; the first {MOST_LETTERS} letters of '{text_column(results)}'."
    parts = element("h3", "Examples"), element("p", note), element("div", figures, class_="samples texts")
    return element("div", *parts) if figures else None


def _channels(number: int) -> str:
    if number == 1:
        return ""
    return f" Colours are the first {min(3, number)} of {number} channels." if number > 3 else " Colours are channels."


def _rows_of(results: RunResults, label: int, most: int) -> npt.NDArray[np.int64]:
    return results.split.test[np.flatnonzero(results.test_truth == label)[:most]]
