"""A classifier in detail: what it confuses, its classes one by one, its threshold, its curves, its worst mistakes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netpick.answers.answered import as_stated
from netpick.answers.metrics import ClassScores, confusion_matrix, per_class_scores
from netpick.report.components import Chart, Charts, Column, facts, fold, table, whisker
from netpick.report.detail_figures import Mark, calibration_view, curve_view
from netpick.report.figures import colours
from netpick.report.markup import Child, Html, element
from netpick.report.measures import (
    Bins,
    Curve,
    Trade,
    calibration,
    chances_of,
    cost,
    decided,
    is_binary,
    positive_index,
    precision_recall,
    probabilities_of,
    roc,
    top_calibration,
    trade,
)
from netpick.report.parts.believed import AS_STATED, calibration_details
from netpick.report.parts.confusion import confusion_details
from netpick.report.parts.mistakes import class_mistakes, label_mistakes
from netpick.report.standings import best_baseline
from netpick.types import Array
from netpick.types.results import CandidateResult, RunResults, Threshold
from netpick.types.words import counted, grouped, interval, percent, significant


def classifier_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html:
    """Two or more classes, exactly one per row."""
    choice = decided(results, entry)
    matrix = confusion_matrix(results.test_truth, choice, len(results.target.labels))
    scores = per_class_scores(results.test_truth, choice, len(results.target.labels))
    return element(
        "div",
        _threshold(results, entry) if is_binary(results) else None,
        element("div", element("h3", "How it decides"), element("p", results.decision)) if results.decision else None,
        confusion_details(results, matrix),
        class_mistakes(results, entry),
        _per_class(results, scores, "Class"),
        _binary_curves(results, entry, charts) if is_binary(results) else _reliability(results, entry, charts),
        calibration_details(results, entry),
    )


def multilabel_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html:
    """Any number of labels per row."""
    scores = per_class_scores(results.test_truth, decided(results, entry), len(results.target.labels))
    return element(
        "div",
        _per_class(results, scores, "Label"),
        label_mistakes(results, entry),
        _reliability(results, entry, charts),
        calibration_details(results, entry),
    )


# --- classes one by one ----------------------------------------------------------------------------------------------


def _per_class(results: RunResults, scores: list[ClassScores], noun: str) -> Html:
    labels = results.target.labels
    known = [s.f1 for s in scores if s.support]
    low, high = min((f.low for f in known), default=0.0), max((f.high for f in known), default=1.0)
    ends = element("span", element("span", grouped(low, 2)), element("span", grouped(high, 2)), class_="scale")
    head = [Column(title=noun)]
    head += [Column(title=t, number=True) for t in ("Precision", "Recall", "F1")]
    head += [Column(title=ends, kind="draw"), Column(title="95\u00a0% interval", number=True, kind="spare")]
    head += [Column(title="Test rows", number=True)]
    weakest = min((f.value for f in known), default=0.0)
    rows: list[list[Child]] = [
        [
            labels[s.index],
            *(grouped(one.value, 3) if one.n else "–" for one in (s.precision, s.recall, s.f1)),
            whisker(s.f1.value, s.f1.low, s.f1.high, (low, high), "ink", weakest) if s.support else None,
            interval(s.f1, 3),
            grouped(s.support),
        ]
        for s in scores
    ]
    words = (
        "Precision: of the rows given this answer, the share that deserved it. Recall: of the rows that deserved it, the "
        "share that got it. F1: their harmonic mean, drawn with its 95\u00a0% interval; the dotted line marks the weakest."
    )
    caption = f"Precision, recall and F1 per {noun.lower()} on the test rows"
    several = "classes" if noun == "Class" else "labels"
    shown = table(caption, head, rows[:20], style="quiet perclass")
    rest = fold(f"{len(rows) - 20} more {several}", table("Further " + several, head, rows[20:], style="perclass"))
    return element(
        "div",
        element("h3", f"{noun} by {noun.lower()}"),
        element("p", words),
        shown,
        rest if len(rows) > 20 else None,
    )


# --- two classes -----------------------------------------------------------------------------------------------------


def _scores_of(results: RunResults, entry: CandidateResult) -> npt.NDArray[np.float64]:
    return probabilities_of(entry)[:, positive_index(results)]


def _threshold(results: RunResults, entry: CandidateResult) -> Html | None:
    chosen = results.threshold
    if chosen is None:
        return None
    truth = (results.test_truth == positive_index(results)).astype(np.int64)
    score = _scores_of(results, entry)
    plain, shifted = trade(truth, score, 0.5), trade(truth, score, chosen.value)
    head = [Column(title=""), Column(title="At 0.5", number=True)]
    head += [
        Column(title=f"At {significant(chosen.value, 3)}, chosen", number=True),
        Column(title="Change", number=True),
    ]
    rows = _trade_rows(plain, shifted, chosen)
    return element(
        "div",
        element("h3", "Where it draws the line"),
        element("p", chosen.sentence),
        facts(
            [
                ("Positive class", chosen.positive),
                ("Threshold", significant(chosen.value, 3)),
                ("A false alarm costs", significant(chosen.cost_fp)),
                ("A missed case costs", significant(chosen.cost_fn)),
            ]
        ),
        table(f"What the threshold trades, on {counted(len(truth), 'test row')}", head, rows),
    )


def _trade_rows(plain: Trade, shifted: Trade, chosen: Threshold) -> list[list[Child]]:
    whole = [
        ("False negatives (missed)", plain.false_negatives, shifted.false_negatives),
        ("False positives (false alarms)", plain.false_positives, shifted.false_positives),
    ]
    rows: list[list[Child]] = [[name, grouped(a), grouped(b), _change(b - a, 0)] for name, a, b in whole]
    for name, a, b in (
        ("Recall of the positive class", plain.recall, shifted.recall),
        ("Precision of the positive class", plain.precision, shifted.precision),
    ):
        rows.append([name, grouped(a, 3), grouped(b, 3), _change(b - a, 3)])
    a, b = cost(plain, chosen), cost(shifted, chosen)
    rows.append(
        ["Cost of all mistakes", significant(a), significant(b), _change(b - a, 0 if float(b - a).is_integer() else 2)]
    )
    return rows


def _change(difference: float, decimals: int) -> str:
    text = grouped(difference, decimals)
    return f"+{text}" if difference > 0 else text


def _binary_curves(results: RunResults, entry: CandidateResult, charts: Charts) -> Html:
    positive = positive_index(results)
    truth = (results.test_truth == positive).astype(np.int64)
    name = results.target.labels[positive]
    drawn = [(entry, colours(results)[entry.name])]
    other = best_baseline(results)
    if other is not None and other is not entry and other.test_predictions is not None:
        drawn.append((other, "--grey"))
    rocs: dict[str, tuple[Curve, str]] = {}
    recalls: dict[str, tuple[Curve, str]] = {}
    bins: dict[str, tuple[Bins, str]] = {}
    for one, colour in drawn:
        score = _scores_of(results, one)
        if (curve := roc(truth, score)) is not None:
            rocs[one.name] = (curve, colour)
        if (curve := precision_recall(truth, score)) is not None:
            recalls[one.name] = (curve, colour)
        bins[one.name] = (calibration(truth, score), colour)
    stated = as_stated(chances_of(entry))
    if stated is not None:
        bins[f"{entry.name} {AS_STATED}"] = (calibration(truth, stated.probabilities[:, positive]), "--grey")
    marks = _marks(results, truth, _scores_of(results, entry))
    views = [
        curve_view("ROC", rocs, ("false positive rate (false alarms)", "true positive rate (found)"), marks[:1]),
        curve_view("Precision and recall", recalls, ("recall (found)", "precision (right alarms)"), marks[1:]),
        calibration_view(bins, (f"said probability of {name}", f"share that was {name}")),
    ]
    chart = Chart(
        key="curves",
        title=f"Finding {name}",
        note="In the legend: the area under the curve, or the average precision. Calibration: on the diagonal, a stated "
        "80\u00a0% comes true in 80 of 100 cases; larger dots stand for more rows.",
        alternative=f"ROC curve, precision and recall, and calibration of {entry.name} for {name}.",
        views=views,
        table=element("div", _curve_table(rocs, recalls), _bins_table(bins)),
        height=420,
        square=True,
    )
    return charts.place(chart)


def _marks(results: RunResults, truth: Array, score: npt.NDArray[np.float64]) -> list[Mark]:
    """Where the chosen threshold stands on the ROC curve and on the precision-recall curve."""
    if results.threshold is None:
        return []
    at = trade(truth, score, results.threshold.value)
    name = f"threshold {significant(results.threshold.value, 3)}"
    alarms = at.false_positives / max(1, at.false_positives + at.true_negatives)
    return [Mark(x=alarms, y=at.recall, name=name), Mark(x=at.recall, y=at.precision, name=name)]


def _curve_table(rocs: dict[str, tuple[Curve, str]], recalls: dict[str, tuple[Curve, str]]) -> Html:
    grid = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
    head = [Column(title="Candidate"), Column(title="Area under ROC", number=True)]
    head += [Column(title=f"Found at {percent(x, 0)} false alarms", number=True) for x in grid[[0, 2, 3, 4]]]
    head += [Column(title="Average precision", number=True)]
    rows = []
    for name, (curve, _) in rocs.items():
        recalled = np.interp(grid[[0, 2, 3, 4]], curve.x, curve.y)
        area = recalls[name][0].area if name in recalls else float("nan")
        rows.append([name, grouped(curve.area, 3), *(percent(float(f)) for f in recalled), grouped(area, 3)])
    return table("Points of the ROC curve", head, rows)


def _bins_table(bins: dict[str, tuple[Bins, str]]) -> Html:
    head = [Column(title="Candidate")]
    head += [Column(title=t, number=True) for t in ("Said", "Came true", "Rows")]
    rows = [
        [name, grouped(float(stated), 3), grouped(float(true), 3), grouped(int(n))]
        for name, (one, _) in bins.items()
        for stated, true, n in zip(one.confidence, one.observed, one.count, strict=True)
    ]
    return table("Calibration", head, rows)


def _reliability(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    if entry.test_predictions is None:
        return None
    bins = {entry.name: (top_calibration(results.test_truth, chances_of(entry)), colours(results)[entry.name])}
    before = as_stated(chances_of(entry))
    if before is not None:
        bins[f"{entry.name} {AS_STATED}"] = (top_calibration(results.test_truth, before), "--grey")
    chart = Chart(
        key="calibration",
        title="Can its confidence be believed?",
        note="On the diagonal, an answer given with 80\u00a0% confidence is right in 80 of 100 cases; below it, the network is too "
        "sure of itself. Larger dots stand for more rows.",
        alternative=f"Stated confidence of {entry.name} against the share of its answers that were right.",
        views=[calibration_view(bins, ("stated confidence", "share that was right"))],
        table=_bins_table(bins),
        height=420,
        square=True,
    )
    return charts.place(chart)
