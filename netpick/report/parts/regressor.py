"""A regression in detail: predicted against true values, the residuals, the largest errors."""

from __future__ import annotations

import numpy as np

from netpick.report.components import Chart, Charts, Column, table
from netpick.report.detail_figures import histogram, histogram_bins, truth_against_prediction
from netpick.report.figures import colours
from netpick.report.markup import Html, element, join
from netpick.report.measures import Floats, sample, values_of
from netpick.report.parts.believed import interval_details
from netpick.report.parts.mistakes import value_mistakes
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import counted, grouped, listed, significant

MOST_DOTS = 2000
MOST_TARGETS = 6


def regressor_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html:
    """One or several numbers per row."""
    if results.private:  # each dot and each error is a row
        return element("div", interval_details(results, entry))
    truth = results.test_truth.reshape(len(results.test_truth), -1).astype(np.float64)
    values = values_of(entry)
    names = list(results.target.names)[:MOST_TARGETS]
    return element(
        "div",
        charts.place(_scatter(results, entry, truth, values, names)),
        charts.place(_residuals(results, entry, truth, values, names)),
        interval_details(results, entry),
        value_mistakes(results, entry, 0),
    )


def _scatter(results: RunResults, entry: CandidateResult, truth: Floats, values: Floats, names: list[str]) -> Chart:
    dots = sample(len(truth), MOST_DOTS)
    colour = colours(results)[entry.name]
    tables = []
    for index, name in enumerate(names):
        order = np.argsort(truth[:, index], kind="stable")
        parts = [part for part in np.array_split(order, 10) if len(part)]
        cells = [
            [
                f"{significant(truth[part[0], index])} to {significant(truth[part[-1], index])}",
                grouped(len(part)),
                significant(float(truth[part, index].mean())),
                significant(float(values[part, index].mean())),
                significant(float(np.abs(values[part, index] - truth[part, index]).mean())),
            ]
            for part in parts
        ]
        head = [Column(title=f"True {name}")]
        head += [Column(title=t, number=True) for t in ("Rows", "Mean truth", "Mean prediction", "Mean absolute error")]
        tables.append(table(f"{name} in tenths of the test rows", head, cells))
    note = "Each dot is a test row; on the line the prediction is right."
    if len(dots) < len(truth):
        note += f" {grouped(len(dots))} of {counted(len(truth), 'row')} are drawn."
    return Chart(
        key="scatter",
        title="Predicted against true",
        note=note,
        alternative=f"Scatter of predicted against true {listed(names)} for {counted(len(dots), 'test row')}.",
        views=[truth_against_prediction(truth[dots, i], values[dots, i], name, colour) for i, name in enumerate(names)],
        table=join(tables),
        height=440,
        square=True,
    )


def _residuals(results: RunResults, entry: CandidateResult, truth: Floats, values: Floats, names: list[str]) -> Chart:
    colour = colours(results)[entry.name]
    views, tables, words = [], [], []
    for index, name in enumerate(names):
        error = values[:, index] - truth[:, index]
        views.append(histogram(error, f"predicted − true {name}", colour, name))
        edges, count = histogram_bins(error, 12)
        cells = [
            [f"{significant(low)} to {significant(high)}", grouped(n)]
            for low, high, n in zip(edges[:-1], edges[1:], count, strict=True)
        ]
        tables.append(table(f"Error of {name}", [Column(title="Range"), Column(title="Rows", number=True)], cells))
        half = significant(float(np.median(np.abs(error))), 3)
        ninety = significant(float(np.quantile(np.abs(error), 0.9)), 3)
        words.append(f"{name}: half of the errors are below {half}, nine in ten below {ninety}.")
    return Chart(
        key="residuals",
        title="How far off it is",
        note=" ".join(words),
        alternative=f"Histogram of the errors of {listed(names)}. {' '.join(words)}",
        views=views,
        table=join(tables),
        height=260,
    )
