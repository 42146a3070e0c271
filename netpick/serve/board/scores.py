"""Several runs on the same test rows: their scores, and the differences between what they recommend."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netpick.report.components import Chart, Charts, Column, View, pill, section, table, whisker
from netpick.report.figures import SYMBOLS, numbers, plain
from netpick.report.markup import Child, Html, element
from netpick.report.standings import higher_is_better, metric_label, metric_word
from netpick.serve.board.pairing import SameRows
from netpick.serve.board.runs import EntrySaid, FinishedRun, ScoreSaid
from netpick.types.results import Comparison, Score
from netpick.types.words import counted, decimals_for, grouped, interval, listed, signed


def contest_section(
    key: str, group: SameRows, pairs: Sequence[Comparison], colours: dict[str, str], charts: Charts
) -> Html:
    names = list(dict.fromkeys(entry.name for run in group.runs for entry in run.report.entries))
    scores = {
        (run.label, entry.name): score
        for run in group.runs
        for entry in run.report.entries
        if (score := score_in(entry, group.metric)) is not None
    }
    better = max if higher_is_better(group.metric) else min
    best = {name: better((s.value for (_, n), s in scores.items() if n == name), default=math.nan) for name in names}
    names.sort(key=lambda name: (math.isnan(best[name]), -best[name] if better is max else best[name]))
    decimals = decimals_for(list(scores.values()))
    head = [Column(title="Candidate")] + [Column(title=run.label, number=True) for run in group.runs]
    rows: list[list[Child]] = []
    for name in names:
        row: list[Child] = [element("span", name, class_="name")]
        for run in group.runs:
            score = scores.get((run.label, name))
            if score is None:
                row.append(_absence(run, name))
                continue
            value = grouped(score.value, decimals)
            shown: Child = element("strong", value) if run.report.verdict.winner == name else value
            row.append([shown, element("small", f" {interval(score, decimals)}")])
        rows.append(row)
    words = (
        f"All of them were tested on the same {grouped(group.n)} rows of the same data. Bold: the network that the run recommends. "
        "Behind each value its 95\u00a0% interval."
    )
    return section(
        key,
        f"Contest: {group.runs[0].report.data.name}",
        element("p", words),
        table(f"{metric_label(group.metric)} on the shared test rows", head, rows, style="metrics scores"),
        _drawing(key, group, names, scores, colours, charts),
        _pairs(group, pairs),
    )


def _absence(run: FinishedRun, name: str) -> Child:
    entry = next((e for e in run.report.entries if e.name == name), None)
    if entry is None:
        return element("small", "not in it")
    return pill("failed", "bad") if entry.status == "failed" else element("small", "no score")


def _drawing(
    key: str,
    group: SameRows,
    names: Sequence[str],
    scores: dict[tuple[str, str], Score],
    colours: dict[str, str],
    charts: Charts,
) -> Html | None:
    """Scores with intervals, a line a candidate, a colour a run."""
    if not scores:
        return None
    traces = [_trace(place, group, names, scores, colours) for place in range(len(group.runs))]
    low, high = _visible(list(scores.values()), higher_is_better(group.metric))
    layout = {
        "xaxis": {"title": {"text": metric_label(group.metric)}, "range": numbers([low, high])},
        "yaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": [plain(name if len(name) <= 28 else f"{name[:27]}…") for name in names],
            "range": [len(names) - 0.4, -0.6],
        },
        "showlegend": True,
    }
    beyond = sorted({name for (_, name), score in scores.items() if not low <= score.value <= high})
    note = "Lines are 95\u00a0% intervals." + (f" Out of the frame: {listed(beyond)}." if beyond else "")
    data_rows: list[list[Child]] = [
        [run.label, name, grouped(s.value, 4), interval(s, 4)]
        for run in group.runs
        for name in names
        if (s := scores.get((run.label, name))) is not None
    ]
    head = [Column(title="Run"), Column(title="Candidate"), Column(title=metric_label(group.metric), number=True)]
    return charts.place(
        Chart(
            key=f"scores-{key}",
            title=f"{metric_label(group.metric)} of all candidates",
            note=note,
            alternative=f"{metric_label(group.metric)} with intervals of {counted(len(names), 'candidate')} in {counted(len(group.runs), 'run')}.",
            views=[View(label="Scores", data=traces, layout=layout)],
            table=table("Scores", [*head, Column(title="95\u00a0% interval", number=True)], data_rows),
            height=max(260, 44 * len(names) + 90),
        )
    )


def _trace(
    place: int, group: SameRows, names: Sequence[str], scores: dict[tuple[str, str], Score], colours: dict[str, str]
) -> dict[str, object]:
    """One run's scores, each a little above or below the line of its candidate."""
    run = group.runs[place]
    shift = (place - (len(group.runs) - 1) / 2) * min(0.22, 0.7 / len(group.runs))
    points = [(at, scores[run.label, name]) for at, name in enumerate(names) if (run.label, name) in scores]
    colour = colours[run.label]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(run.label),
        "x": numbers([score.value for _, score in points]),
        "y": numbers([at + shift for at, _ in points]),
        "text": [plain(names[at]) for at, _ in points],
        "hovertemplate": "%{text}: %{x:.4f}",
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": numbers([score.high - score.value for _, score in points]),
            "arrayminus": numbers([score.value - score.low for _, score in points]),
            "thickness": 1.5,
            "width": 0,
            "color": colour,
        },
        "marker": {"size": 9, "color": colour, "symbol": SYMBOLS[place % len(SYMBOLS)]},
    }


def _visible(scores: Sequence[Score], higher: bool) -> tuple[float, float]:
    """Of the better three quarters: a majority baseline would press all others together."""
    ordered = sorted(scores, key=lambda s: -s.value if higher else s.value)
    near = ordered[: max(2, -(-3 * len(ordered) // 4))]
    ends = [end for s in near for end in (s.low, s.high, s.value) if math.isfinite(end)]
    margin = (max(ends) - min(ends)) * 0.08 or 0.01
    return min(ends) - margin, max(ends) + margin


def _pairs(group: SameRows, pairs: Sequence[Comparison]) -> Html | None:
    if not pairs:
        return None
    winners = {run.label: run.report.verdict.winner for run in group.runs}
    reach = max((abs(end) for pair in pairs for end in (pair.low, pair.high) if math.isfinite(end)), default=1.0) or 1.0
    kinds = {"better": ("▲ better", "good"), "worse": ("▼ worse", "bad"), "tie": ("= tie", "quiet")}
    head = [
        Column(title="Recommended candidates"),
        Column(title="worse | better", label=" ", kind="draw"),
        Column(title="Difference", number=True),
        Column(title="95\u00a0% interval", number=True),
        Column(title="Verdict"),
    ]
    rows: list[list[Child]] = []
    for pair in pairs:
        width = pair.high - pair.low
        places = max(3 if reach <= 1 else 0, min(4, 1 - math.floor(math.log10(width)))) if width > 0 else 3
        rows.append(
            [
                [_of(pair.a, winners), " against ", _of(pair.b, winners)],
                whisker(pair.difference, pair.low, pair.high, (-reach, reach), f"ink {pair.verdict}", 0.0),
                element("strong", signed(pair.difference, places)),
                f"{signed(pair.low, places)} to {signed(pair.high, places)}",
                pill(*kinds[pair.verdict]),
            ]
        )
    words = (
        f"Differences in {metric_word(group.metric)}, each on the same test rows (paired bootstrap). Where the interval holds zero, "
        "the difference may be chance: a tie. Many runs on one test set make a lucky winner likelier than a single interval says."
    )
    return element(
        "div",
        element("h3", "Run against run"),
        element("p", words),
        table("Differences between runs", head, rows, style="cards pairs quiet"),
    )


def _of(label: str, winners: dict[str, str | None]) -> Html:
    return element("span", f"{winners[label]} of {label}", class_="name")


def score_in(entry: EntrySaid, metric: str) -> Score | None:
    said: ScoreSaid | None = entry.test.get(metric)
    if entry.status != "ok" or said is None or said.value is None:
        return None
    low, high = (said.value if end is None else end for end in (said.low, said.high))
    return Score(value=said.value, low=low, high=high, n=said.n)
