"""Where it errs, on labelled rows: what is taken for what, the surest mistakes, and whether its confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netpick.answers.answered import AnsweredChances
from netpick.answers.metrics import calibration_bins, confusion_matrix, confusions
from netpick.explain.examples import gallery, is_pictured, sample
from netpick.explain.subject import Subject
from netpick.report.components import Column, fold, table
from netpick.report.drawing import curves
from netpick.report.markup import Child, Html, element
from netpick.types import Array, Rows
from netpick.types.drawings import Figure, Line
from netpick.types.results import Answered
from netpick.types.words import counted, grouped, percent, significant

MOST_CLASSES = 20  # of a matrix; beyond, the commonest confusions are listed
MOST_EXAMPLES, MOST_ALL = 8, 300  # in a cell, and in all of them
MOST_GROUPS, MOST_LISTED = 6, 12
FEWEST_IN_BIN = 5


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Labelled rows, what the network says of them, and what is true."""

    rows: Rows  # among the subject's rows
    truth: Array
    predictions: Answered
    decided: Array | None


@dataclass(frozen=True, kw_only=True)
class JudgedChoices(Judged):
    """The same with probabilities and decisions."""

    predictions: AnsweredChances
    decided: Array


def judged(subject: Subject) -> Judged | None:
    """None without labels."""
    if subject.truth is None:
        return None
    rows = np.flatnonzero(subject.answer.labelled(subject.truth)).astype(np.int64)
    if not len(rows):
        return None
    predictions = subject.predictions(rows)
    truth, decided = subject.truth[rows], subject.decided(predictions)
    if isinstance(predictions, AnsweredChances) and decided is not None:
        return JudgedChoices(rows=rows, truth=truth, predictions=predictions, decided=decided)
    return Judged(rows=rows, truth=truth, predictions=predictions, decided=decided)


def mistake_figures(subject: Subject) -> tuple[Figure, ...]:
    judgement = judged(subject)
    if judgement is None:
        return ()
    figures: list[Figure | None]
    if isinstance(judgement, JudgedChoices) and subject.answer.one_class:
        figures = [
            confusion_figure(subject, judgement),
            surest_figure(subject, judgement),
            calibration_figure(judgement),
        ]
    elif isinstance(judgement, JudgedChoices):
        figures = [labels_figure(subject, judgement), calibration_figure(judgement)]
    elif subject.answer.quantities:
        figures = [values_figure(subject, judgement, target) for target in range(min(3, len(subject.labels)))]
    else:
        figures = []
    return tuple(figure for figure in figures if figure is not None)


# --- what is taken for what ------------------------------------------------------------------------------------------


def surest_mistakes(found: JudgedChoices) -> Rows:
    """Places of the wrong rows among the judged ones, the surest first."""
    wrong = np.flatnonzero(found.truth != found.decided)
    sure = found.predictions.probabilities[wrong, found.decided[wrong]]
    return np.asarray(wrong[np.argsort(-sure, kind="stable")], dtype=np.int64)


def confusion_figure(subject: Subject, found: JudgedChoices) -> Figure:
    labels = subject.labels
    matrix = confusion_matrix(found.truth, found.decided, len(labels))
    wrong = int(matrix.sum() - np.trace(matrix))
    commonest = confusions(matrix)
    worst = ""
    if commonest:
        a, b = commonest[0]
        worst = f" The commonest: {labels[a]} taken for {labels[b]}, {counted(int(matrix[a, b]), 'time')}."
    small = len(labels) <= MOST_CLASSES
    opened = _opened(subject, found, commonest)
    drawing = element("div", _matrix(matrix, labels) if small else None, *opened)
    return Figure(
        title="What is taken for what",
        sentence=f"{counted(wrong, 'mistake')} in {counted(int(matrix.sum()), 'labelled row')}.{worst} "
        + (
            "Rows are the truth, columns what was said; a number leads to its examples."
            if small
            else "The commonest confusions:"
        ),
        caution="as what to expect on new data if the network learned from these rows; and look at the examples before you blame it: "
        "some labels may be wrong.",
        alt=f"Confusion matrix of {len(labels)} classes with {counted(wrong, 'mistake')}.",
        drawing=drawing,
    )


def _matrix(matrix: Array, labels: tuple[str, ...]) -> Html:
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    head = element(
        "tr",
        element("td", class_="corner"),
        [element("th", element("span", label), scope="col", title=label) for label in labels],
    )
    rows = []
    for a, label in enumerate(labels):
        cells = []
        for b, other in enumerate(labels):
            count = int(matrix[a, b])
            shown: Html = element("b", grouped(count) if count else "·", class_=None if count else "none")
            if count and a != b:
                words = f"{counted(count, 'row')}: {label} taken for {other}"
                shown = element("a", shown, href=f"#taken-{a}-{b}", aria_label=words)
            shade = (
                0
                if not count
                else max(1, min(9, round(9 * (shares[a, b] if a == b else min(1.0, shares[a, b] * 2) ** 0.5))))
            )
            cells.append(element("td", shown, class_=f"{'hit' if a == b else 'miss'} q{shade}"))
        rows.append(element("tr", element("th", element("span", label), scope="row", title=label), cells))
    whole = element(
        "table",
        element("caption", "Confusion matrix"),
        element("thead", head),
        element("tbody", rows),
        class_=f"matrix quiet {'roomy' if len(labels) <= 12 else 'tight'}",
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label="Confusion matrix")


def _opened(subject: Subject, found: JudgedChoices, cells: list[tuple[int, int]]) -> list[Html]:
    """The examples of each cell: opened by its link, or by hand."""
    order = surest_mistakes(found)
    made, left = [], MOST_ALL
    for a, b in cells:
        places = [int(i) for i in order if found.truth[i] == a and found.decided[i] == b]
        shown = places[: min(MOST_EXAMPLES, max(0, left))]
        left -= len(shown)
        title = f"{subject.labels[a]} taken for {subject.labels[b]}: {counted(len(places), 'row')}"
        parts = [(sample(subject, int(found.rows[i]), ""), _words(subject, found, i)) for i in shown]
        more = len(places) - len(shown)
        made.append(
            element(
                "div",
                element("h5", title),
                gallery(parts, pictured=is_pictured(subject)),
                element("p", f"{counted(more, 'more row')} not shown.") if more else None,
                id=f"taken-{a}-{b}",
                class_="taken",
                tabindex="-1",
            )
        )
    return made


def _words(subject: Subject, found: JudgedChoices, place: int) -> str:
    sure = float(found.predictions.probabilities[place, found.decided[place]])
    return f"{subject.name(int(found.rows[place]))}, {percent(sure)} sure"


# --- the surest mistakes ---------------------------------------------------------------------------------------------


def surest_figure(subject: Subject, found: JudgedChoices) -> Figure | None:
    """The surest mistakes, those that take the same for the same side by side."""
    order = surest_mistakes(found)
    if not len(order):
        return None
    groups: dict[tuple[int, int], list[int]] = {}
    for place in order[: 4 * MOST_LISTED].tolist():
        groups.setdefault((int(found.truth[place]), int(found.decided[place])), []).append(place)
    shown = []
    for (a, b), places in list(groups.items())[:MOST_GROUPS]:
        parts = [(sample(subject, int(found.rows[i]), ""), _words(subject, found, i)) for i in places[:MOST_EXAMPLES]]
        title = element("p", "Truth ", element("b", subject.labels[a]), ", said ", element("b", subject.labels[b]))
        shown.append(element("div", title, gallery(parts, pictured=is_pictured(subject)), class_="group"))
    first = int(order[0])
    sure = percent(float(found.predictions.probabilities[first, found.decided[first]]))
    return Figure(
        title="The surest mistakes",
        sentence=f"Mistakes of which it was most certain, up to {sure}, grouped by what was taken for what.",
        caution="as typical: these are the worst ones. A sure mistake is often a wrong label.",
        alt=f"{counted(len(order), 'mistake')}; the surest: {subject.name(int(found.rows[first]))}.",
        drawing=element("div", shown, class_="words-and-pictures"),
    )


# --- confidence ------------------------------------------------------------------------------------------------------


def calibration_figure(found: JudgedChoices) -> Figure | None:
    bins = [one for one in calibration_bins(found.truth, found.predictions) if one.n >= FEWEST_IN_BIN]
    if len(bins) < 2:
        return None
    stated = np.array([one.confidence for one in bins])
    true = np.array([one.accuracy for one in bins])
    rows = np.array([one.n for one in bins])
    gap = float((rows * (stated - true)).sum() / rows.sum())
    ends = np.array([0.0, 1.0])
    drawn = curves(
        [Line(x=ends, y=ends, kind="soft"), Line(x=stated, y=true, dots=True)],
        ("stated confidence", "share that was right"),
        extent=(0.0, 1.0),
    )
    head = [Column(title="Said"), Column(title="Was right", number=True), Column(title="Rows", number=True)]
    told: list[list[Child]] = [[percent(one.confidence), percent(one.accuracy), grouped(one.n)] for one in bins]
    verdict = (
        "about as sure as it should be"
        if abs(gap) < 0.02
        else "too sure of itself"
        if gap > 0
        else "less sure than it may be"
    )
    return Figure(
        title="Can its confidence be believed?",
        sentence=f"On the dotted line, answers given with 80\u00a0% confidence are right in 80 of 100 cases; on these rows it is {verdict}, "
        f"by {percent(abs(gap), 1)} on average.",
        caution="on few rows, and on rows that it learned from, where it looks too good.",
        alt="; ".join(f"said {percent(one.confidence)}, right {percent(one.accuracy)}" for one in bins),
        drawing=element("div", drawn, fold("The same as a table", table("Calibration", head, told, style="quiet"))),
    )


# --- labels and numbers ----------------------------------------------------------------------------------------------


def labels_figure(subject: Subject, found: JudgedChoices) -> Figure | None:
    """Of several labels a row: those that were wrongly given or withheld, the surest first."""
    known = found.truth >= 0
    surety = np.where((found.truth != found.decided) & known, np.abs(found.predictions.probabilities - 0.5), -1.0)
    order = np.argsort(-surety, axis=None, kind="stable")[:MOST_LISTED]
    cells = [divmod(int(place), surety.shape[1]) for place in order if surety.ravel()[place] >= 0]
    if not cells:
        return None
    parts: list[tuple[Html, Child]] = []
    for row, label in cells:
        chance = float(found.predictions.probabilities[row, label])
        wrongly = "wrongly given" if found.decided[row, label] else "missed"
        name = subject.name(int(found.rows[row]))
        parts.append(
            (
                sample(subject, int(found.rows[row]), ""),
                f"{name}: {subject.labels[label]} {wrongly}, said {percent(chance)}",
            )
        )
    return Figure(
        title="The surest mistakes",
        sentence="Labels that were wrongly given or missed, the surest first.",
        caution="as typical: these are the worst ones. A sure mistake is often a wrong label.",
        alt=f"{len(cells)} labels.",
        drawing=gallery(parts, pictured=is_pictured(subject)),
    )


def values_figure(subject: Subject, found: Judged, target: int) -> Figure:
    """Truth against prediction, and the rows that are furthest off."""
    truth = found.truth.reshape(len(found.rows), -1)[:, target].astype(np.float64)
    values = found.predictions.stated[:, target]
    error = values - truth
    order = np.argsort(-np.abs(error), kind="stable")[:MOST_LISTED]
    ends = np.array([min(truth.min(), values.min()), max(truth.max(), values.max())])
    few = np.linspace(0, len(truth) - 1, min(len(truth), 400)).round().astype(int)
    drawn = curves(
        [Line(x=ends, y=ends, kind="soft"), Line(x=truth[few], y=values[few], kind="none", dots=True)],
        (f"true {subject.labels[target]}", "predicted"),
    )
    head = [
        Column(title="Row"),
        *(Column(title=t, number=True) for t in ("Truth", "Predicted", "Error")),
        Column(title="What it is"),
    ]
    told: list[list[Child]] = [
        [
            subject.name(int(found.rows[i])),
            significant(float(truth[i])),
            significant(float(values[i])),
            significant(float(error[i])),
            sample(subject, int(found.rows[i]), ""),
        ]
        for i in order
    ]
    typical = significant(float(np.median(np.abs(error))), 3)
    return Figure(
        title=f"How far off: {subject.labels[target]}",
        sentence=f"On the dotted line a prediction is right; half of these rows are off by less than {typical}. Below, the rows that are "
        "furthest off.",
        caution="on rows that it learned from, where it looks too good.",
        alt=f"Half of the rows are off by less than {typical}.",
        drawing=element("div", drawn, table("The largest errors", head, told, style="quiet")),
    )
