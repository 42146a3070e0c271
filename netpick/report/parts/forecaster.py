"""A forecast in detail: test windows with history, forecast, interval and truth; error and coverage by steps ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netpick.answered import AnsweredHorizon
from netpick.report.components import Chart, Charts, Column, table
from netpick.report.figures import colours
from netpick.report.forecast_figures import by_step_view, window_view
from netpick.report.markup import Html, element, join
from netpick.report.measures import Floats
from netpick.report.standings import best_baseline
from netpick.types import CandidateResult, ForecastInfo, ForecastOrigin, RunResults
from netpick.words import counted, grouped, percent, significant

MOST_TARGETS = 3
MOST_VIEWS = 12
MOST_STEPS_SHOWN = 24  # in tables


def forecaster_details(results: RunResults, entry: CandidateResult, charts: Charts) -> Html | None:
    """Windows of the test part, then how errors grow with the steps ahead."""
    found = _horizon(entry)
    if results.forecast is None or found is None:
        return None
    return element(
        "div",
        None if results.private else charts.place(_windows(results, results.forecast, entry, _answers(results, found))),
        charts.place(_by_step(results, entry)),
    )


def _three(results: RunResults, values: Floats) -> Floats:
    """(n, H, V) of (n, H * V)."""
    return values.reshape(len(values), -1, len(results.target.names))


def _horizon(entry: CandidateResult) -> AnsweredHorizon | None:
    """Its forecasts of the test windows with their quantiles, where it has some."""
    found = entry.test_predictions
    return found if isinstance(found, AnsweredHorizon) and found.quantiles is not None else None


def _answers(results: RunResults, found: AnsweredHorizon) -> Floats:
    """(n, H, V, 4): point forecast, 10, 50, 90 %."""
    assert found.quantiles is not None
    both = np.concatenate([found.values[..., None], found.quantiles], axis=-1)
    return both.reshape(len(both), -1, len(results.target.names), both.shape[-1])


def _windows(results: RunResults, info: ForecastInfo, entry: CandidateResult, answers: Floats) -> Chart:
    truth, palette = _three(results, results.test_truth), colours(results)
    other = best_baseline(results)
    said = None if other is None or other is entry else other.test_predictions
    beside = {other.name: said.values} if other is not None and isinstance(said, AnsweredHorizon) else {}
    views, tables = [], []
    for target, name in enumerate(results.target.names[:MOST_TARGETS]):
        for origin in info.shown[: max(1, MOST_VIEWS // min(MOST_TARGETS, len(results.target.names)))]:
            others = {
                label: (_three(results, values)[origin.place, :, target], palette[label])
                for label, values in beside.items()
            }
            of_series = f"{origin.series}, " if origin.series else ""
            of_target = f"{name}, " if len(results.target.names) > 1 else ""
            label = f"{of_target}{of_series}{origin.times[0]}"
            shown = _of_target(origin, target)
            forecast = answers[origin.place, :, target]
            true = truth[origin.place, :, target]
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
    truth, palette = _three(results, results.test_truth), colours(results)
    other = best_baseline(results)
    errors: dict[str, tuple[Floats, str]] = {}
    coverage: dict[str, tuple[Floats, str]] = {}
    for rival in (entry, other):
        found = None if rival is None or rival.name in errors else _horizon(rival)
        if rival is None or found is None:
            continue
        answers = _answers(results, found)
        scale = np.ones((len(truth), 1, truth.shape[2]))
        if len(results.target.names) > 1 and found.deviation is not None:
            scale = found.deviation[:, None, :]
        missing = np.isnan(truth)
        gaps = np.where(missing, 0.0, answers[..., 0] - np.nan_to_num(truth)) / scale
        known = np.maximum((~missing).sum(axis=(0, 2)), 1)
        errors[rival.name] = (np.sqrt((gaps**2).sum(axis=(0, 2)) / known), palette[rival.name])
        inside = (truth >= answers[..., 1]) & (truth <= answers[..., 3])
        coverage[rival.name] = (inside.sum(axis=(0, 2)) / known, palette[rival.name])
    unit = "RMSE" if len(results.target.names) == 1 else "RMSE in standard deviations"
    views = [
        by_step_view("Error", errors, unit),
        by_step_view("Coverage", coverage, "share inside the 80 % interval", 0.8),
    ]
    steps = np.unique(np.linspace(0, truth.shape[1] - 1, MOST_STEPS_SHOWN).round().astype(int))
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
