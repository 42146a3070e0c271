"""The drawings of one candidate in detail: curves, calibration, scatter, histograms; plotly's JSON, as in figures.py."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netpick.report.components import View
from netpick.report.figures import DASHES, Trace, numbers, plain
from netpick.report.measures import Bins, Curve, Floats
from netpick.types.words import grouped

# --- a classifier in detail ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A point worth naming on a curve."""

    x: float
    y: float
    name: str


def curve_view(
    label: str, curves: Mapping[str, tuple[Curve, str]], axes: tuple[str, str], marks: Sequence[Mark] = ()
) -> View:
    """Curves in the unit square. curves: by name, with colour. The ROC gets the diagonal of a coin."""
    traces: list[Trace] = [_diagonal("chance")] if label == "ROC" else []
    for index, (name, (curve, colour)) in enumerate(curves.items()):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{plain(name)} ({grouped(curve.area, 3)})",
                "x": numbers(curve.x),
                "y": numbers(curve.y),
                "line": {"color": colour, "width": 2.5 if index == 0 else 1.5, "dash": DASHES[min(index, 1)]},
            }
        )
    traces += [
        {
            "type": "scatter",
            "mode": "markers",
            "name": plain(mark.name),
            "x": numbers([mark.x]),
            "y": numbers([mark.y]),
            "marker": {"size": 11, "symbol": "diamond", "color": "--ink"},
        }
        for mark in marks
    ]
    return View(label=label, data=traces, layout=_unit_square(axes) | {"showlegend": True})


def calibration_view(bins: Mapping[str, tuple[Bins, str]], axes: tuple[str, str]) -> View:
    """Confidence against what came true; on the diagonal, 80 % means 80 %."""
    traces: list[Trace] = [_diagonal("perfectly calibrated")]
    for index, (name, (everything, colour)) in enumerate(bins.items()):
        one = _filled(everything)
        share = np.sqrt(one.count / max(1, one.count.max()))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": plain(name),
                "x": numbers(one.confidence),
                "y": numbers(one.observed),
                "text": [f"{grouped(int(n))} rows" for n in one.count],
                "hovertemplate": "said %{x:.2f}, came true %{y:.2f}, %{text}",
                "line": {"color": colour, "width": 2 if index == 0 else 1.5, "dash": DASHES[min(index, 1)]},
                "marker": {"color": colour, "size": numbers(5 + 9 * share)},
            }
        )
    return View(label="Calibration", data=traces, layout=_unit_square(axes) | {"showlegend": True})


def _filled(bins: Bins) -> Bins:
    """The bins with at least five rows; fewer say nothing, and would throw the line about."""
    kept = bins.count >= 5
    if not kept.any():
        return bins
    return Bins(confidence=bins.confidence[kept], observed=bins.observed[kept], count=bins.count[kept])


def _diagonal(name: str) -> Trace:
    line = {"color": "--grey", "width": 1, "dash": "dot"}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [0, 1],
        "y": [0, 1],
        "line": line,
        "hoverinfo": "skip",
    }


def _unit_square(axes: tuple[str, str]) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": axes[0]}, "range": [-0.01, 1.01], "nticks": 6},
        "yaxis": {"title": {"text": axes[1]}, "range": [-0.01, 1.02], "nticks": 6},
    }


# --- a regression in detail ------------------------------------------------------------------------------------------


def truth_against_prediction(truth: Floats, values: Floats, name: str, colour: str) -> View:
    """A dot per test row; on the diagonal the prediction is right."""
    ends = numbers([float(np.nanmin([truth.min(), values.min()])), float(np.nanmax([truth.max(), values.max()]))])
    dots: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": "test rows",
        "x": numbers(truth),
        "y": numbers(values),
        "marker": {"color": colour, "size": 5, "opacity": 0.35 if len(truth) > 300 else 0.6},
        "hovertemplate": "true %{x}, predicted %{y}<extra></extra>",
    }
    line = {"color": "--ink", "width": 1, "dash": "dot"}
    right: Trace = {"type": "scatter", "mode": "lines", "x": ends, "y": ends, "line": line, "hoverinfo": "skip"}
    axes = {
        "xaxis": {"title": {"text": f"true {plain(name)}"}},
        "yaxis": {"title": {"text": f"predicted {plain(name)}"}},
    }
    return View(label=plain(name), data=[dots, right], layout=axes)


def histogram(values: Floats, title: str, colour: str, label: str = "") -> View:
    """Counts of values in about 40 bins between the outermost hundredths; the tails are counted in the end bins."""
    edges, count = histogram_bins(values)
    centres = (edges[:-1] + edges[1:]) / 2
    bars: Trace = {
        "type": "bar",
        "x": numbers(centres),
        "y": [int(c) for c in count],
        "width": numbers(np.diff(edges) * 0.94),
        "marker": {"color": colour},
        "hovertemplate": "about %{x}: %{y} rows<extra></extra>",
    }
    axes = {"xaxis": {"title": {"text": plain(title)}}, "yaxis": {"title": {"text": "rows"}}}
    return View(label=plain(label or title), data=[bars], layout=axes)


def histogram_bins(values: Floats, most: int = 40) -> tuple[Floats, Floats]:
    """Edges and counts of a histogram whose end bins hold the tails."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return np.array([0.0, 1.0]), np.zeros(1)
    low, high = np.percentile(kept, [0.5, 99.5])
    if high <= low:
        low, high = float(kept.min()) - 0.5, float(kept.max()) + 0.5
    bins = min(most, max(5, round(math.sqrt(len(kept)))))
    count, edges = np.histogram(np.clip(kept, low, high), bins=bins, range=(float(low), float(high)))
    return edges, count.astype(np.float64)
