"""What each group of columns adds: the winner's score on test rows in which that group was exchanged between rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netpick.report.components import Chart, Charts, Column, View, pill, section, table
from netpick.report.figures import numbers, plain
from netpick.report.markup import Child, Html, element
from netpick.report.standings import best_network, metric_label, metric_word
from netpick.types.results import Ablation, RunResults
from netpick.types.words import decimals_for, grouped, interval, listed, signed

COLOURS = {"helps": "--green", "harms": "--rose", "unclear": "--grey"}
PILLS = {"helps": ("helps", "good"), "harms": ("harms", "bad"), "unclear": ("makes no difference", "quiet")}
BAR = 46  # pixels of the chart's height for each group


def ablation_section(results: RunResults, charts: Charts) -> Html | None:
    """Nothing where the rows have a single group of columns."""
    if not results.ablation:
        return None
    shown = sorted(results.ablation, key=lambda one: -one.difference)
    word = metric_word(results.primary_metric)
    n, network = shown[0].score.n, best_network(results)
    lead = (
        f"For each group of columns, {network.name if network else 'the network'} was asked once more about {grouped(n)} test rows that had this "
        f"group's values from other test rows; nothing was trained again. The bars show how much {word} that costs."
    )
    return section(
        "columns",
        "What each column group adds",
        element("p", sentence(shown, word)),
        element("p", lead),
        charts.place(_chart(results, shown)),
        element("p", element("small", caution())),
    )


def sentence(shown: Sequence[Ablation], word: str) -> str:
    """What the bars say."""
    helping = [one.group for one in shown if one.verdict == "helps"]
    if not helping:
        return f"No single group makes a difference to {word} that these test rows can tell from chance."
    rest = [one.group for one in shown if one.verdict == "unclear"]
    if len(helping) == len(shown):
        return f"The network uses every group: {listed(helping)}. Without any one of them {word} is worse."
    sentences = f"The network uses {listed(helping)}."
    if rest:
        sentences += f" No difference that these test rows can tell from chance: {listed(rest)}."
    harming = [one.group for one in shown if one.verdict == "harms"]
    if harming:
        sentences += f" Worse {word} than with values of other rows: {listed(harming)}; leave them out, and try again."
    return sentences


def caution() -> str:
    """When not to trust the bars."""
    return (
        "Do not read this as what the columns are worth: groups that say the same stand in for each other, so each of them "
        "may seem to add nothing; and exchanged values can make rows that never occur. To know what a group is worth, train "
        "without it (--drop)."
    )


def _chart(results: RunResults, shown: Sequence[Ablation]) -> Chart:
    label = metric_label(results.primary_metric)
    upward = list(reversed(shown))  # plotly draws the first bar at the bottom
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": numbers([one.difference for one in upward]),
        "y": [plain(one.group) for one in upward],
        "marker": {"color": [COLOURS[one.verdict] for one in upward]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": numbers([one.high - one.difference for one in upward]),
            "arrayminus": numbers([one.difference - one.low for one in upward]),
            "thickness": 1.5,
            "width": 4,
            "color": "--ink",
        },
        "name": "loss",
        "width": 0.55,
        "hovertemplate": "%{y}: %{x:.4f}",
    }
    ends = [end for one in shown for end in (one.low, one.high, 0.0) if math.isfinite(end)]
    margin = 0.05 * ((max(ends) - min(ends)) or 1.0)
    layout = {
        "xaxis": {
            "title": {"text": f"loss of {metric_word(results.primary_metric)} without the group"},
            "range": numbers([min(ends) - margin, max(ends) + margin]),
        },
        "yaxis": {"type": "category"},
    }
    return Chart(
        key="columns",
        title=f"Loss of {metric_word(results.primary_metric)} when a group's values come from other rows",
        note="Lines are 95\u00a0% intervals (paired bootstrap on the same rows); a bar whose line holds zero says nothing.",
        alternative=f"Bars of the loss of {label} for {listed([one.group for one in shown])}; the table has the numbers.",
        views=[View(label="Loss", data=[bars], layout=layout)],
        table=_table(results, shown),
        height=110 + BAR * len(shown),
    )


def _table(results: RunResults, shown: Sequence[Ablation]) -> Html:
    label = metric_label(results.primary_metric)
    decimals = decimals_for([one.score for one in shown])
    head = [
        Column(title="Group"),
        Column(title="Columns"),
        Column(title=f"{label} without", number=True),
        Column(title="95\u00a0% interval", number=True),
        Column(title="Loss", number=True),
        Column(title="95\u00a0% interval", number=True),
        Column(title="Verdict"),
    ]
    rows: list[list[Child]] = [
        [
            one.group,
            listed(list(one.columns)),
            grouped(one.score.value, decimals),
            interval(one.score, decimals),
            signed(one.difference, decimals),
            f"{signed(one.low, decimals)} to {signed(one.high, decimals)}",
            pill(*PILLS[one.verdict]),
        ]
        for one in shown
    ]
    return table("Score of the winner without each group of columns", head, rows)
