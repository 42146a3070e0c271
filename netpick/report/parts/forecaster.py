"""A forecast in detail: test windows with history, forecast, interval and truth; error and coverage by steps ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netpick.answers.compare.words import score_words
from netpick.answers.metrics import METRICS
from netpick.report.components import Chart, Charts, Column, table
from netpick.report.each_series import FILE, is_short, ordered
from netpick.report.figures import colours
from netpick.report.forecast_figures import by_step_view, window_view
from netpick.report.markup import Html, element, join
from netpick.report.measures import Floats
from netpick.types.results import CandidateResult, ForecastOrigin, RunResults, Score
from netpick.types.words import counted, grouped, percent, significant

MOST_TARGETS = 3
MOST_VIEWS = 12
MOST_STEPS_SHOWN = 24  # in tables
MOST_SERIES = 30


def forecaster_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """Windows of the test part, then how errors grow with the steps ahead."""
    if results.forecast is None or entry.name not in results.forecast.by_candidate:
        return None
    return element(
        "div",
        None if results.private else charts.place(_windows(results, entry)),
        charts.place(_by_step(results, entry)),
        _by_level(results, entry),
        _by_series(results, entry),
    )


def _by_level(results: RunResults, entry: CandidateResult) -> Html | None:
    """Of a hierarchy: how well each level is forecast, by forecasts that add up."""
    levels = () if results.forecast is None else results.forecast.by_candidate[entry.name].by_level
    if not levels:
        return None
    names = list(levels[0].scores)
    head = [Column(title="Level"), Column(title="Series", number=True)]
    head += [Column(title=METRICS[name].label, number=True) for name in names]
    head.append(Column(title="n", number=True))
    rows = [
        [
            level.level,
            grouped(level.series),
            *(_with_interval(level.scores[name]) for name in names),
            grouped(max((score.n for score in level.scores.values()), default=0)),
        ]
        for level in levels
    ]
    words = (
        f"Scores of {entry.name} by level, with 95\u00a0% intervals. Point forecasts of an origin add up; the ends of intervals do not, since a quantile "
        "of a sum is not the sum of quantiles."
    )
    return element("div", element("h3", "Each level"), element("p", words), table("Scores by level", head, rows))


def _with_interval(score: Score) -> str:
    value, interval = score_words(score)
    return f"{value} ({interval})"


def _by_series(results: RunResults, entry: CandidateResult) -> Html | None:
    """Which series are forecast well and which badly, and which were not tested."""
    scores = ordered(results, entry.name)
    if results.forecast is None or not scores:
        return None
    titles = ("Known steps", "Test windows", "MASE", "Inside 80\u00a0%")
    head = [Column(title="Series"), *(Column(title=title, number=True) for title in titles)]
    rows = [
        [
            score.series,
            "" if score.known_steps is None else grouped(score.known_steps) + (" (short)" if score.short else ""),
            grouped(score.windows),
            significant(score.mase),
            percent(score.inside),
        ]
        for score in scores[:MOST_SERIES]
    ]
    middle, best = scores[len(scores) // 2], scores[-1]
    words = (
        f"MASE of {entry.name}: errors as multiples of what repeating the last season missed by in training. Worst: {scores[0].series} "
        f"({significant(scores[0].mase)}); median: {middle.series} ({significant(middle.mase)}); best: {best.series} ({significant(best.mase)})."
    )
    if len(scores) > MOST_SERIES:
        words += f" The {MOST_SERIES} worst of {len(scores):,} are shown."
    if not results.private:
        words += f" {FILE} beside this page holds all of them, with the scores of every candidate."
    if short := int(is_short(results.forecast).sum()):
        words += f" {short:,} {'has' if short == 1 else 'have'} fewer known steps than a window of {results.forecast.context:,} (short): the rest of it repeats the first season."
    if untested := len(results.forecast.ids) - len(scores):
        words += f" {untested:,} series had no test window: they are too short, or end earlier."
    return element("div", element("h3", "Each series"), element("p", words), table("Errors of each series", head, rows))


def _windows(results: RunResults, entry: CandidateResult) -> Chart:
    info = results.forecast
    assert info is not None
    assert info.truth is not None
    drawn, palette = info.by_candidate, colours(results)
    beside = [name for name in drawn if name != entry.name]
    views, tables = [], []
    for target, name in enumerate(results.target.names[:MOST_TARGETS]):
        most = max(1, MOST_VIEWS // min(MOST_TARGETS, len(results.target.names)))
        for number, origin in enumerate(info.shown[:most]):
            others = {label: (drawn[label].windows[number, :, target, 0], palette[label]) for label in beside}
            of_series = f"{origin.series}, " if origin.series else ""
            of_target = f"{name}, " if len(results.target.names) > 1 else ""
            label = f"{of_target}{of_series}{origin.times[0]}"
            shown = _of_target(origin, target)
            forecast = drawn[entry.name].windows[number, :, target]
            true = info.truth[number, :, target]
            views.append(window_view(shown, true, forecast, others, (label, name, palette[entry.name], entry.name)))
            tables.append(_window_table(label, origin.times, true, forecast))
    words = f"{info.step}, {info.horizon} steps ahead from {info.context} before"
    return Chart(
        key="windows",
        title="Forecast and truth",
        note=(
            f"{counted(len(info.shown), 'window')} of the test part ({words}). The band holds the truth in eight of ten cases, "
            "if it is right."
        ),
        alternative=f"Lines of history, truth and forecast of {entry.name} with its 80 % interval for some test windows.",
        views=views,
        table=join(tables),
        height=380,
    )


def _of_target(origin: ForecastOrigin, target: int) -> ForecastOrigin:
    return replace(origin, history=origin.history[:, target : target + 1])


def _window_table(label: str, times: Sequence[str], truth: Floats, forecast: Floats) -> Html:
    head = [Column(title="Time")]
    head += [Column(title=t, number=True) for t in ("Truth", "Forecast", "10\u00a0%", "50\u00a0%", "90\u00a0%")]
    rows = [
        [time, significant(float(true)), *(significant(float(v)) for v in line)]
        for time, true, line in list(zip(times, truth, forecast, strict=True))[:MOST_STEPS_SHOWN]
    ]
    return table(label, head, rows)


def _by_step(results: RunResults, entry: CandidateResult) -> Chart:
    info, palette = results.forecast, colours(results)
    assert info is not None
    drawn = [entry.name, *(name for name in info.by_candidate if name != entry.name)]
    errors = {name: (info.by_candidate[name].error, palette[name]) for name in drawn}
    coverage = {name: (info.by_candidate[name].coverage, palette[name]) for name in drawn}
    unit = "RMSE" if len(results.target.names) == 1 else "RMSE in standard deviations"
    views = [
        by_step_view("Error", errors, unit),
        by_step_view("Coverage", coverage, "share inside the 80 % interval", 0.8),
    ]
    steps = np.unique(np.linspace(0, info.horizon - 1, MOST_STEPS_SHOWN).round().astype(int))
    head = [Column(title="Steps ahead")]
    head += [Column(title=f"{name}: {what}", number=True) for name in errors for what in (unit, "inside")]
    rows = [
        [
            grouped(int(step) + 1),
            *(
                cell
                for name in errors
                for cell in (significant(float(errors[name][0][step])), percent(float(coverage[name][0][step])))
            ),
        ]
        for step in steps
    ]
    first, last = (float(errors[entry.name][0][i]) for i in (0, -1))
    note = f"{unit} of {entry.name}: {significant(first, 3)} one step ahead, {significant(last, 3)} at the end of the horizon."
    return Chart(
        key="steps",
        title="How errors grow with the horizon",
        note=note,
        alternative=f"Lines of error and coverage by steps ahead. {note}",
        views=views,
        table=table("Error and coverage by steps ahead", head, rows),
        height=280,
    )
