"""A finished run as a notebook shows it: the verdict, and the contest as a table with its chart. No script and no style sheet."""

from __future__ import annotations

from netpick.report.markup import Html, element
from netpick.report.standings import clamped, metric_label, primary, standings, visible_range
from netpick.types.results import CandidateResult, RunResults, Score
from netpick.types.words import decimals_for, grouped, interval

WIDTH, HEIGHT, EDGE = 260, 20, 8  # pixels of a row's drawing, and what stays free beside it
COLOUR = "#4477aa"
LEFT, RIGHT = "text-align:left", "text-align:right"


def run_html(results: RunResults) -> str:
    """The verdict and the contest: a row a candidate with its test score, and the interval on a scale that all share."""
    entries = [(entry, score) for entry in standings(results) if (score := primary(results, entry)) is not None]
    scale = clamped(results.primary_metric, visible_range(results))
    decimals = decimals_for(score for _, score in entries)
    head = element(
        "tr",
        element("th", "candidate", style=LEFT),
        element("th", f"test {metric_label(results.primary_metric)}", style=RIGHT),
        element("th", "95 % interval", style=LEFT),
        element("th", f"{grouped(scale[0], decimals)} to {grouped(scale[1], decimals)}", style=LEFT),
    )
    rows = [_row(results, entry, score, (scale, decimals)) for entry, score in entries]
    verdict = element("p", element("strong", results.title), ": ", results.verdict.headline or results.verdict.sentence)
    return element("div", verdict, element("table", element("thead", head), element("tbody", rows)) if rows else None)


def _row(results: RunResults, entry: CandidateResult, score: Score, drawn: tuple[tuple[float, float], int]) -> Html:
    scale, decimals = drawn
    name = f"{entry.name} (baseline)" if entry.family == "baseline" else entry.name
    return element(
        "tr",
        element("td", element("strong", name) if entry.name == results.verdict.winner else name, style=LEFT),
        element("td", grouped(score.value, decimals), style=RIGHT),
        element("td", interval(score, decimals), style=LEFT),
        element("td", _drawing(score, scale, network=entry.family != "baseline")),
    )


def _drawing(score: Score, scale: tuple[float, float], *, network: bool) -> Html:
    """A dot with its interval, filled for networks and open for baselines; an arrow for a value beyond the scale."""
    span = (scale[1] - scale[0]) or 1.0

    def place(number: float) -> str:
        share = min(1.0, max(0.0, (number - scale[0]) / span))
        return f"{EDGE + (WIDTH - 2 * EDGE) * share:.1f}"

    middle, size = f"{HEIGHT / 2:g}", {"width": f"{WIDTH}", "height": f"{HEIGHT}", "aria_hidden": "true"}
    if not scale[0] <= score.value <= scale[1]:
        left = score.value < scale[0]
        arrow = element("text", "◂" if left else "▸", x="0" if left else f"{WIDTH - 12}", y="14", fill=COLOUR)
        return element("svg", arrow, **size)
    ends = {"x1": place(score.low), "x2": place(score.high), "y1": middle, "y2": middle}
    dot = {"cx": place(score.value), "cy": middle, "r": "4", "fill": COLOUR if network else "#ffffff"}
    line = element("line", **ends, stroke=COLOUR, stroke_width="2")
    return element("svg", line, element("circle", **dot, stroke=COLOUR), **size)
