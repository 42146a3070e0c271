"""The drawings in plotly's JSON, as data: no plotly is imported, nothing is drawn here.

Colours are names of CSS variables (`--blue`), which the page's script replaces by what the theme gives them, and again
when the theme changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from netpick.report.components import View
from netpick.report.labels import Box, place_labels
from netpick.report.measures import Floats, answer_of
from netpick.report.standings import metric_label, primary, standings, visible_range
from netpick.types.results import CandidateResult, RunResults
from netpick.types.words import decimals_for, duration, grouped, interval, milliseconds, parameters

Trace = dict[str, Any]

FAMILY_COLOURS = {
    "mlp": "--blue",
    "cnn": "--orange",
    "rnn": "--green",
    "transformer": "--purple",
    "layers": "--amber",
    "module": "--sky",
    "fm": "--rose",
}
COLOURS = ("--blue", "--orange", "--green", "--purple", "--amber", "--sky", "--rose", "--brown")
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")


def plain(text: str) -> str:
    """Text that plotly must not read as its own little HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def numbers(values: Floats | Sequence[float]) -> list[float | None]:
    """Numbers for strict JSON, with six digits; what is not finite is a gap."""
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in values]


def colours(results: RunResults) -> dict[str, str]:
    """A colour per candidate: its family's, or the next free one for a further variant; baselines are grey."""
    chosen: dict[str, str] = {entry.name: "--grey" for entry in results.baselines}
    families = {entry.family for entry in results.candidates}
    reserved = {FAMILY_COLOURS[family] for family in families if family in FAMILY_COLOURS}
    spare = [colour for colour in COLOURS if colour not in reserved]
    taken: set[str] = set()
    for index, entry in enumerate(results.candidates):
        own = FAMILY_COLOURS.get(entry.family)
        if own is None or own in taken:
            own = spare.pop(0) if spare else COLOURS[index % len(COLOURS)]
        taken.add(own)
        chosen[entry.name] = own
    if results.blend is not None:
        chosen[results.blend.result.name] = "--ink"
    return chosen


# --- the contest -----------------------------------------------------------------------------------------------------


def score_against_cost(results: RunResults) -> list[View]:
    """Primary test score with its interval against training time, latency and parameters, on log axes."""
    costs: list[tuple[str, str, Sequence[float], Callable[[float], str]]] = [
        ("Training time", "training time (seconds)", [e.seconds for e in standings(results)], duration),
        ("Latency", "latency of one row (ms)", [e.latency_ms for e in standings(results)], milliseconds),
        ("Parameters", "parameters", [e.parameters for e in standings(results)], lambda v: parameters(int(v))),
    ]
    views = []
    for label, title, values, words in costs:
        shown = [
            (entry, cost, words(cost))
            for entry, cost in zip(standings(results), values, strict=True)
            if cost > 0 and primary(results, entry) is not None
        ]
        if len(shown) > 1:
            views.append(
                View(label=label, data=_cost_traces(results, shown), layout=_cost_layout(results, title, shown))
            )
    return views


def _cost_traces(results: RunResults, shown: Sequence[tuple[CandidateResult, float, str]]) -> list[Trace]:
    palette = colours(results)
    low, high = visible_range(results)
    traces: list[Trace] = []
    scores = [s for entry, _, _ in shown if (s := primary(results, entry)) is not None]
    decimals = decimals_for(scores)
    grey = 0
    for entry, cost, words in shown:
        score = primary(results, entry)
        if score is None or not low <= score.value <= high:
            continue
        baseline = entry.family == "baseline"
        grey += baseline
        text = f"{grouped(score.value, decimals)} ({interval(score, decimals)}), {words}"
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plain(entry.name),
                "x": numbers([cost]),
                "y": numbers([score.value]),
                "text": [text],
                "hovertemplate": "%{text}",
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": numbers([score.high - score.value]),
                    "arrayminus": numbers([score.value - score.low]),
                    "thickness": 1.5,
                    "width": 4,
                    "color": palette[entry.name],
                },
                "marker": {
                    "size": 9 if baseline else 11,
                    "color": palette[entry.name],
                    "symbol": SYMBOLS[grey % len(SYMBOLS)] + "-open" if baseline else "circle",
                    "line": {"width": 1.5, "color": palette[entry.name]},
                },
            }
        )
    return traces


def _cost_layout(
    results: RunResults, title: str, shown: Sequence[tuple[CandidateResult, float, str]]
) -> dict[str, Any]:
    low, high = visible_range(results)
    drawn = [(e, math.log10(c), s) for e, c, _ in shown if (s := primary(results, e)) and low <= s.value <= high]
    places = [place for _, place, _ in drawn] or [0.0]
    middle, half = (min(places) + max(places)) / 2, max(0.35, (max(places) - min(places)) * 0.58)
    left, right = middle - half, middle + half
    frame = Box(left=0, top=0, right=860, bottom=300)
    points = [
        (
            (place - left) / (right - left) * frame.right,
            (high - score.value) / (high - low) * frame.bottom,
            (score.high - score.low) / (high - low) * frame.bottom / 2,
        )
        for _, place, score in drawn
    ]
    names = [entry.name for entry, _, _ in drawn]
    palette = colours(results)
    notes = [
        {
            "text": plain(entry.name),
            "x": place,
            "y": score.value,
            "xshift": label.x,
            "yshift": -label.y,
            "xanchor": label.anchor,
            "showarrow": False,
            "font": {"color": palette[entry.name], "size": 12},
        }
        for (entry, place, score), label in zip(drawn, place_labels(names, points, frame), strict=True)
    ]
    return {
        "xaxis": {"type": "log", "title": {"text": title}, "range": numbers([left, right])},
        "yaxis": {"title": {"text": metric_label(results.primary_metric)}, "range": numbers([low, high])},
        "annotations": notes,  # the script takes the legend instead where the chart is narrow
    }


# --- learning --------------------------------------------------------------------------------------------------------


def validation_curves(results: RunResults) -> list[View]:
    """The primary score on the validation rows while training: by share of the steps, and by seconds."""
    palette = colours(results)
    learned = [entry for entry in results.candidates if entry.history]
    views = []
    for label, title in (("By step", "training step"), ("By time", "seconds of training")):
        traces = [
            {
                "type": "scatter",
                "mode": "lines+markers" if len(entry.history) < 30 else "lines",
                "name": plain(entry.name),
                "x": numbers([float(h.step if label == "By step" else h.seconds) for h in entry.history]),
                "y": numbers([h.validation_score for h in entry.history]),
                "line": {"color": palette[entry.name], "width": 2, "dash": DASHES[index // len(COLOURS) % 4]},
                "marker": {"color": palette[entry.name], "size": 5},
            }
            for index, entry in enumerate(learned)
        ]
        axis = {"text": f"{metric_label(results.primary_metric)} on validation {answer_of(results).unit}s"}
        layout = {
            "xaxis": {"title": {"text": title}},
            "yaxis": {"title": axis} | _late_range(learned),
            "showlegend": True,
        }
        views.append(View(label=label, data=traces, layout=layout))
    return views


def _late_range(learned: Sequence[CandidateResult]) -> dict[str, Any]:
    """An axis for the later three quarters of every curve: beginnings are far off, and flatten all that matters."""
    late = [
        point.validation_score
        for entry in learned
        for point in entry.history[len(entry.history) // 4 :]
        if math.isfinite(point.validation_score)
    ]
    if not late or max(late) <= min(late):
        return {}
    margin = (max(late) - min(late)) * 0.08
    return {"range": numbers([min(late) - margin, max(late) + margin])}


def loss_curves(entry: CandidateResult, colour: str, highest: float | None) -> View:
    """Training and validation loss of one candidate by step; `highest` is the top of the shared axis."""
    step = numbers([float(h.step) for h in entry.history])
    traces: list[Trace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": step,
            "y": numbers(values),
            "line": {"color": colour, "width": width, "dash": dash},
        }
        for name, values, dash, width in (
            ("training", [h.train_loss for h in entry.history], "dot", 1.5),
            ("validation", [h.validation_loss for h in entry.history], "solid", 2),
        )
    ]
    axis: dict[str, Any] = {"rangemode": "tozero", "nticks": 4}
    if highest is not None:
        axis["range"] = numbers([0.0, highest])
    return View(label="Loss", data=traces, layout={"yaxis": axis, "xaxis": {"nticks": 4}, "meta": {"small": True}})
