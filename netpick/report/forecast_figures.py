"""The drawings of forecasts in plotly's JSON: a test window with its history, forecast, interval and truth; errors by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from netpick.report.components import View
from netpick.report.figures import DASHES, Trace, numbers, plain
from netpick.report.measures import Floats
from netpick.types.results import ForecastOrigin

MOST_TICKS = 8


def window_view(
    origin: ForecastOrigin,
    truth: Floats,
    forecast: Floats,
    others: Mapping[str, tuple[Floats, str]],
    words: Sequence[str],
) -> View:
    """One window and one target: truth (H,), forecast (H, 4) of mean, 10, 50 and 90 %; other point forecasts by name.

    words: the label of the view, the target's name, the colour of the forecast, and its candidate's name.
    """
    label, target, colour, name = words
    history = origin.history_times
    ends = [*origin.times, *reversed(origin.times)]
    join = [*numbers(forecast[:, 3]), *reversed(numbers(forecast[:, 1]))]
    past = [float(v) for v in origin.history[:, 0]]
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "80 % interval",
            "x": ends,
            "y": join,
            "fill": "toself",
            "line": {"width": 0, "color": colour},
            "opacity": 0.25,
            "hoverinfo": "skip",
        },
        _line("history", history, numbers(past), "--ink", 1.5, "solid"),
        _line("truth", origin.times, numbers(truth), "--ink", 2, "dot"),
        *(
            _line(other, origin.times, numbers(values), tint, 1.2, DASHES[1 + i % 3])
            for i, (other, (values, tint)) in enumerate(others.items())
        ),
        _line(name, origin.times, numbers(forecast[:, 0]), colour, 2.5, "solid"),
    ]
    layout = {
        "xaxis": {"nticks": MOST_TICKS, "type": "category" if _are_counts(origin.times) else "date"},
        "yaxis": {"title": {"text": plain(target)}},
        "showlegend": True,
    }
    return View(label=plain(label), data=traces, layout=layout)


def by_step_view(label: str, values: Mapping[str, tuple[Floats, str]], axis: str, level: float | None = None) -> View:
    """A line a candidate over the steps ahead; `level` is a dotted line across."""
    traces: list[Trace] = []
    for index, (name, (line, colour)) in enumerate(values.items()):
        steps = [float(i) for i in range(1, len(line) + 1)]
        traces.append(_line(name, steps, numbers(line), colour, 2.5 if index == 0 else 1.5, DASHES[min(index, 3)]))
        if level is not None and index == 0:
            traces.append(_line("as promised", steps, numbers(np.full(len(line), level)), "--grey", 1, "dot"))
    layout = {
        "xaxis": {"title": {"text": "steps ahead"}},
        "yaxis": {"title": {"text": axis}, "rangemode": "tozero"},
        "showlegend": True,
    }
    return View(label=plain(label), data=traces, layout=layout)


def _line(name: str, x: Sequence[object], y: Sequence[float | None], colour: str, width: float, dash: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(x) == 1 else "lines",
        "name": plain(name),
        "x": list(x),
        "y": list(y),
        "line": {"color": colour, "width": width, "dash": dash},
        "marker": {"color": colour, "size": 7},
    }


def _are_counts(times: Sequence[str]) -> bool:
    return all(text.lstrip("-").isdigit() for text in times)
