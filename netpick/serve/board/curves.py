"""The learning curves of several runs, on one chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netpick.report.components import Chart, Charts, Column, View, section, table
from netpick.report.figures import COLOURS, DASHES, SYMBOLS, numbers, plain
from netpick.report.markup import Child, Html
from netpick.report.standings import metric_label
from netpick.serve.board.runs import FinishedRun
from netpick.types.words import counted, duration, grouped, significant

MOST_VIEWS = 8  # candidates whose curves get a button


def learning_section(runs: Sequence[FinishedRun], colours: dict[str, str], charts: Charts) -> Html | None:
    metrics = {run.report.task.primary_metric for run in runs}
    metric = metrics.pop() if len(metrics) == 1 else None
    label = metric_label(metric) if metric else "score that each run decides by"
    names = list(dict.fromkeys(e.name for run in runs for e in run.report.candidates if e.history))
    views = [View(label="Recommended", data=_curves(runs, None, colours), layout=_axes(label))]
    views += [
        View(label=name[:24], data=_curves(runs, name, colours), layout=_axes(label)) for name in names[:MOST_VIEWS]
    ]
    rows: list[list[Child]] = []
    for run in runs:
        for entry in run.report.candidates:
            values = [p.validation_score for p in entry.history if p.validation_score is not None]
            if values:
                last = entry.history[-1]
                cells = [
                    grouped(last.step),
                    duration(last.seconds or math.nan),
                    significant(values[0]),
                    significant(values[-1]),
                ]
                rows.append([run.label, entry.name, *cells])
    if not rows:
        return None
    head = [Column(title="Run"), Column(title="Candidate")]
    head += [Column(title=title, number=True) for title in ("Steps", "Time", "First", "Last")]
    chart = Chart(
        key="curves",
        title=f"{label} on the validation rows".capitalize() if metric is None else f"{label} on the validation rows",
        note="A line a run. Validation rows may differ between runs, so these curves tell pace, not rank.",
        alternative=f"Validation score over training of {counted(len(runs), 'run')}.",
        views=views,
        table=table("Validation scores while training", head, rows),
    )
    return section("learning", "Learning curves", charts.place(chart))


def _axes(label: str) -> dict[str, object]:
    return {
        "xaxis": {"title": {"text": "seconds of training"}},
        "yaxis": {"title": {"text": label}},
        "showlegend": True,
    }


def _curves(runs: Sequence[FinishedRun], name: str | None, colours: dict[str, str]) -> list[dict[str, object]]:
    """A trace a run: the candidate of that name, or the one that the run recommends."""
    traces: list[dict[str, object]] = []
    for place, run in enumerate(runs):
        wanted = name or run.report.verdict.best_network or run.report.verdict.winner
        entry = next((e for e in run.report.candidates if e.name == wanted), None)
        points = [p for p in entry.history if p.validation_score is not None and p.seconds is not None] if entry else []
        if entry is None or not points:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(points) < 30 else "lines",
                "name": plain(run.label if name else f"{run.label}: {entry.name}"),
                "x": numbers([p.seconds or 0.0 for p in points]),
                "y": numbers([p.validation_score or 0.0 for p in points]),
                "line": {"color": colours[run.label], "width": 2, "dash": DASHES[place // len(COLOURS) % len(DASHES)]},
                "marker": {"color": colours[run.label], "size": 5, "symbol": SYMBOLS[place % len(SYMBOLS)]},
            }
        )
    return traces
