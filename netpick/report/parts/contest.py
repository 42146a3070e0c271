"""The contest: every candidate and baseline in one table, score against cost, and who differs from whom."""

from __future__ import annotations

import math

from netpick.answers.compare.winner import FEW_PASSES, FEW_STEPS
from netpick.report.components import Chart, Charts, Column, fold, pill, section, table, whisker
from netpick.report.figures import colours, score_against_cost
from netpick.report.markup import Child, Html, element
from netpick.report.measures import answer_of
from netpick.report.standings import (
    best_baseline,
    clamped,
    definition,
    higher_is_better,
    metric_label,
    metric_word,
    primary,
    standings,
    visible_range,
)
from netpick.types.results import CandidateResult, Comparison, RunResults
from netpick.types.words import (
    counted,
    decimals_for,
    duration,
    grouped,
    interval,
    listed,
    milliseconds,
    parameters,
    signed,
    size,
)

MOST_COMPARISONS = 15


def contest_section(results: RunResults, charts: Charts) -> Html:
    """Who was in it, and how it ended."""
    label = metric_word(results.primary_metric)
    direction = "higher is better" if higher_is_better(results.primary_metric) else "lower is better"
    lead = (
        f"Sorted by {label} on the test {answer_of(results).unit}s ({direction}). {definition(results.primary_metric)}"
    )
    return section(
        "contest",
        "The contest",
        element("p", lead.strip()),
        _table(results),
        _untimely(results),
        _failures(results),
        element("p", results.blend.sentence) if results.blend is not None else None,
        _cost(results, charts),
        _comparisons(results),
    )


# --- the table -------------------------------------------------------------------------------------------------------


def _table(results: RunResults) -> Html:
    order = standings(results)
    scores = [s for e in order if (s := primary(results, e)) is not None]
    counts = {s.n for s in scores}
    label = metric_label(results.primary_metric)
    low, high = clamped(results.primary_metric, visible_range(results))
    decimals = decimals_for(scores)
    unit = answer_of(results).unit
    on_rows = f"n = {grouped(next(iter(counts)))} test {unit}s" if len(counts) == 1 else "n differs"
    scale = element(
        "span",
        element("span", grouped(low, decimals)),
        element("span", label),
        element("span", grouped(high, decimals)),
        class_="scale",
    )
    head = [
        Column(title="Candidate", kind="who"),
        Column(title=scale, label=" ", kind="draw"),
        Column(title=label, number=True),
        Column(title="95\u00a0% interval", number=True, kind="span"),
        *([Column(title=f"Test {unit}s", number=True)] if len(counts) > 1 else []),
        Column(title="Validation", number=True),
        Column(title="Training", number=True),
        Column(title="Parameters", number=True),
        Column(title="Size", number=True),
        Column(title="Latency", number=True),
    ]
    rows = [_row(results, entry, decimals, len(counts) > 1) for entry in order]
    caption = (
        f"{on_rows}. Dots show {metric_word(results.primary_metric)}, lines its 95\u00a0% interval; hollow dots "
        "are baselines."
    )
    return table(caption, head, rows, style="cards contest")


def _row(results: RunResults, entry: CandidateResult, decimals: int, with_n: bool) -> list[Child]:
    score = primary(results, entry)
    best = next((s for e in standings(results) if (s := primary(results, e)) is not None), None)
    baseline = entry.family == "baseline"
    drawn: Child = None
    if entry.status != "ok":
        drawn = pill("failed", "bad") if entry.status == "failed" else pill("not trained", "quiet")
    if score is not None and best is not None:
        scale = clamped(results.primary_metric, visible_range(results))
        kind = "baseline" if baseline else colours(results)[entry.name].strip("-")
        drawn = whisker(score.value, score.low, score.high, scale, kind, best.value)
    validation = entry.validation.get(results.primary_metric)
    ok = entry.status == "ok"
    return [
        [_name(results, entry), element("small", _remark(entry)) if ok else None],
        drawn,
        element("strong", grouped(score.value, decimals)) if score else "–",
        interval(score, decimals) if score else "–",
        *([grouped(score.n) if score else "–"] if with_n else []),
        grouped(validation.value, decimals) if validation and ok else "–",
        duration(entry.seconds) if entry.seconds else "–",
        parameters(entry.parameters),
        size(entry.bytes),
        milliseconds(entry.latency_ms),
    ]


def _name(results: RunResults, entry: CandidateResult) -> Html:
    kind = "baseline" if entry.family == "baseline" else colours(results).get(entry.name, "grey").strip("-")
    recommended = pill("recommended", "good") if entry.name == results.verdict.winner else None
    mark = element("i", class_=f"mark {kind}", aria_hidden="true")
    return element("span", mark, element("span", entry.name, class_="name"), " ", recommended)


def _remark(entry: CandidateResult) -> str | None:
    apart = "" if entry.ranked else "not enough time to judge"
    apart = apart or (f"not recommended: {entry.barred}" if entry.barred else "")
    said = [entry.family if entry.family in ("baseline", "blend") else "", apart, entry.reason]
    return ", ".join(filter(None, said)) or None


def _untimely(results: RunResults) -> Html | None:
    """Networks that are listed apart, and what their scores are worth."""
    names = [e.name for e in results.candidates if e.status == "ok" and not e.ranked]
    untried = [e for e in results.candidates if e.status == "untried"]
    words = []
    if names:
        words.append(
            f"Not enough time to judge {listed(names)}: fewer steps and passes over the training rows than such a network needs (at "
            f"least {FEW_STEPS} steps or {FEW_PASSES} passes). Their scores say how far they came, not how good they are; they take no part in the contest."
        )
    if untried:
        words.append(f"Not trained: {listed([e.name for e in untried])}, since {untried[0].reason}.")
    return element("p", " ".join([*words, "Pass a larger --budget."]), class_="callout") if words else None


def _failures(results: RunResults) -> Html | None:
    failed = [e for e in results.entries if e.status == "failed"]
    if not failed:
        return None
    items = [element("li", element("strong", e.name), ": ", e.reason or "no reason was given") for e in failed]
    title = f"{counted(len(failed), 'candidate')} failed"
    return element("div", element("h3", title), element("ul", items), class_="callout bad")


# --- the chart -------------------------------------------------------------------------------------------------------


def _cost(results: RunResults, charts: Charts) -> Html | None:
    views = score_against_cost(results)
    if not views:
        return None
    label = metric_label(results.primary_metric)
    low, high = visible_range(results)
    scored = [(e, s) for e in standings(results) if (s := primary(results, e)) is not None]
    decimals = decimals_for([s for _, s in scored])
    beyond = [f"{e.name} ({grouped(s.value, decimals)})" for e, s in scored if not low <= s.value <= high]
    note = "Up is better, left is cheaper." if higher_is_better(results.primary_metric) else "Down and left is better."
    note += " Lines are 95\u00a0% intervals; hollow marks are baselines."
    if beyond:
        note += f" Out of the frame: {listed(beyond)}."
    head = [
        Column(title="Candidate"),
        Column(title=label, number=True),
        Column(title="95\u00a0% interval", number=True),
    ]
    head += [Column(title=t, number=True) for t in ("Training", "Latency", "Parameters")]
    rows = [
        [
            e.name,
            grouped(s.value, decimals),
            interval(s, decimals),
            duration(e.seconds),
            milliseconds(e.latency_ms),
            parameters(e.parameters),
        ]
        for e, s in scored
    ]
    best = scored[0][0].name
    chart = Chart(
        key="cost",
        title="Score against cost",
        note=note,
        alternative=f"{label} of {counted(len(scored), 'candidate')} against their cost. The best score is that of {best}.",
        views=views,
        table=table("Score and cost", head, rows),
        height=400,
    )
    return charts.place(chart)


# --- pairs -----------------------------------------------------------------------------------------------------------


def _comparisons(results: RunResults) -> Html | None:
    pairs = list(results.comparisons)
    if not pairs:
        return None
    favourites = {results.verdict.winner, getattr(best_baseline(results), "name", None)}
    pairs.sort(key=lambda pair: -len(favourites & {pair.a, pair.b}))
    ends = [abs(end) for pair in pairs for end in (pair.low, pair.high) if math.isfinite(end)]
    sizes = sorted(ends)
    # One hopeless candidate must not press all other differences against zero; an arrow stands for what is farther.
    reach = max((one for one in sizes if one <= 8 * sizes[len(sizes) // 3]), default=1.0)
    low = min(-0.1 * reach, *(max(pair.low, -reach) for pair in pairs))
    head = [
        Column(title="Compared"),
        Column(title="worse | better", label=" ", kind="draw"),
        Column(title="Difference", number=True),
        Column(title="95\u00a0% interval", number=True, kind="span"),
        Column(title="Verdict"),
    ]
    rows = [_pair(pair, (low, reach or 1.0)) for pair in pairs]
    caption = f"Differences in {metric_word(results.primary_metric)} in pairs"
    words = f"Differences in {metric_word(results.primary_metric)}, each on the same test {answer_of(results).unit}s (paired bootstrap). Where the interval holds zero, the difference may be chance: a tie."
    return element(
        "div",
        element("h3", "Who beats whom"),
        element("p", words),
        table(caption, head, rows[:MOST_COMPARISONS], style="cards pairs quiet"),
        fold(
            counted(len(rows) - MOST_COMPARISONS, "more comparison"),
            table("Further comparisons", head, rows[MOST_COMPARISONS:], style="cards pairs quiet"),
        )
        if len(rows) > MOST_COMPARISONS
        else None,
    )


def _pair(pair: Comparison, scale: tuple[float, float]) -> list[Child]:
    width = pair.high - pair.low
    decimals = max(3 if scale[1] <= 1 else 0, min(4, 1 - math.floor(math.log10(width)))) if width > 0 else 3
    kinds = {"better": "good", "worse": "bad", "tie": "quiet"}
    marks = {"better": "▲ better", "worse": "▼ worse", "tie": "= tie"}
    return [
        element("span", element("span", pair.a, class_="name"), " against ", element("span", pair.b, class_="name")),
        whisker(pair.difference, pair.low, pair.high, scale, f"ink {pair.verdict}", 0.0),
        element("strong", signed(pair.difference, decimals)),
        f"{signed(pair.low, decimals)} to {signed(pair.high, decimals)}",
        pill(marks[pair.verdict], kinds[pair.verdict]),
    ]
