"""Yardsticks of forecasts against references: statsmodels, sums written out, and series whose form is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from statsmodels.tsa.holtwinters import Holt, SimpleExpSmoothing

from netpick.data.sources import open_source
from netpick.models.baselines import BASELINES, Limit, Problem
from netpick.models.baselines.answering import problem_answers
from netpick.models.baselines.forecast_anew import rolling_answers
from netpick.models.baselines.forecast_intermittent import SETTINGS as RATES
from netpick.models.baselines.forecast_intermittent import _tsb
from netpick.models.baselines.forecast_theta import SETTINGS, _theta
from netpick.models.baselines.smoothing_fits import fit_forms
from netpick.models.baselines.smoothing_runs import ADDITIVE, DAMPING, KIND, MULTIPLICATIVE, NONE, PERIOD, smooth
from netpick.tasks import TASKS
from netpick.tasks.examples import ExampleRequest
from netpick.tasks.forecast.parts import SeriesParts, series_parts


def noise(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=count)


def problem_of(frame: pl.DataFrame, **request: Any) -> tuple[Problem, SeriesParts]:
    """The windows of a table as baselines learn from them."""
    parts = series_parts(open_source(frame), ExampleRequest(**request))
    windows = parts.windows
    problem = Problem(
        answer=TASKS["forecast"].answer, inputs=windows.inputs, arrays=windows.store.arrays, target=windows.truth,
        num_classes=windows.truth.shape[1], train=parts.split.train, seed=0, windows=windows,
    )  # fmt: skip
    return problem, parts


@pytest.mark.parametrize("damping", [0.0, 1.0])
def test_the_recursion_is_that_of_statsmodels(damping: float) -> None:
    values = 10 + np.cumsum(noise(60))
    level, trend = values[:2].mean(), 0.0
    table = np.array([[[0.4, 0.1 if damping else 0.0, 0.0, damping, NONE, 1.0]]])
    mine = smooth(values[:, None], np.array([0, 60]), table, np.array([60]), 5)[0, :, 0]
    if damping:
        known = Holt(values, initialization_method="known", initial_level=level, initial_trend=trend)
        theirs = known.fit(smoothing_level=0.4, smoothing_trend=0.1, optimized=False).forecast(5)
    else:
        known = SimpleExpSmoothing(values, initialization_method="known", initial_level=level)
        theirs = known.fit(smoothing_level=0.4, optimized=False).forecast(5)
    assert mine == pytest.approx(theirs, rel=1e-9)


def test_each_series_gets_its_own_form() -> None:
    steps = np.arange(140)
    swing = 1 + 0.4 * np.sin(2 * np.pi * steps / 12)
    flat = 50 + noise(140)
    growing = 20 + 3 * steps + 10 * swing + noise(140, 1)
    multiplied = (20 + 3 * steps) * swing * np.exp(0.02 * noise(140, 2))
    found = fit_forms([flat, growing, multiplied], [12], 12)
    assert found[0, KIND] == NONE
    assert found[0, DAMPING] < 1
    assert (found[1, KIND], found[1, PERIOD]) == (ADDITIVE, 12)
    assert found[1, DAMPING] > 0
    assert (found[2, KIND], found[2, PERIOD]) == (MULTIPLICATIVE, 12)


def test_a_series_of_which_nothing_is_learned_is_smoothed_as_most_are() -> None:
    """Its first season, which is repeated before it begins, is none that a form is chosen by."""
    hours = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(500)]
    parts = []
    for number, length in enumerate((500, 500, 500, 80)):
        load = 10 + 3 * np.sin(2 * np.pi * np.arange(length) / 24) + noise(length, number) / 2
        parts.append(pl.DataFrame({"time": hours[500 - length :], "id": [f"s{number}"] * length, "load": load}))
    problem, _ = problem_of(pl.concat(parts), horizon=12, context=48)
    fitted = BASELINES["exponential smoothing"].fit(problem, Limit())
    table = fitted.arrays["parameters"][:, 0]
    assert fitted.decision.rows == 3
    assert set(table[:3, PERIOD]) == {24.0}
    alike = table[:3][(table[:3, KIND:] == table[3, KIND:]).all(axis=1)]
    assert table[3] == pytest.approx(np.median(alike, axis=0))


def test_a_forecast_depends_on_its_own_window_alone() -> None:
    values = 10 + np.cumsum(noise(400)).reshape(-1, 1) / 10
    starts, rows = np.array([0, 150, 400]), np.array([60, 120, 200, 390])
    tables = np.array([[[0.3, 0.1, 0.1, 0.95, ADDITIVE, 7.0]], [[0.5, 0.0, 0.0, 0.0, NONE, 1.0]]])
    together = smooth(values, starts, tables, rows, 4)
    alone = [smooth(values, starts, tables, np.array([row]), 4)[0] for row in rows.tolist()]
    assert np.array_equal(together, np.stack(alone))


def test_theta_draws_half_the_slope_and_the_season() -> None:
    steps = np.arange(72.0)
    line = SETTINGS.index((0.9, NONE))
    made = _theta((5 + 2 * steps)[None], line, season=1, horizon=3)[0]
    assert np.diff(made) == pytest.approx([1.0, 1.0])
    season = np.tile([3.0, -1.0, -2.0], 24)
    made = _theta((10 + season)[None], SETTINGS.index((0.2, ADDITIVE)), season=3, horizon=6)[0]
    assert made == pytest.approx(np.tile([13.0, 9.0, 8.0], 2))
    made = _theta((10 * np.tile([1.5, 0.5], 36))[None], SETTINGS.index((0.2, MULTIPLICATIVE)), season=2, horizon=4)[0]
    assert made == pytest.approx([15, 5, 15, 5])


def test_intermittent_demand_is_its_chance_times_its_size() -> None:
    demand = np.tile([0.0, 0.0, 0.0, 8.0], 75)[None]
    made = _tsb(demand, RATES.index((0.02, 0.1)), horizon=2)[0]
    assert made == pytest.approx([2.0, 2.0], rel=0.05)
    assert _tsb(np.zeros((1, 300)), 0, horizon=1)[0, 0] == 0


def test_trees_do_not_explode_where_a_sensor_is_stuck() -> None:
    """Windows that hardly swing were what values moved by most in units of their swing (ETTh2: 126 against 0.27)."""
    generator = np.random.default_rng(0)
    values = 10 * np.sin(2 * np.pi * np.arange(1500) / 24) + np.cumsum(generator.normal(size=1500)) / 2
    for begin in range(150, 1500, 300):
        values[begin : begin + 120] = values[begin]
    hours = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(1500)]
    problem, parts = problem_of(pl.DataFrame({"time": hours, "load": values}), horizon=24, context=72)
    problem, windows, test = replace(problem, train=problem.train[::3]), parts.windows, parts.split.test
    trees = BASELINES["boosted trees on lags"]
    made = trees.answer(trees.fit(problem, Limit()), problem.given(test))
    naive = BASELINES["last value"]
    plain = naive.answer(naive.fit(problem, Limit()), problem.given(test))
    error, least = (np.nanmean((found - windows.truth[test]) ** 2) for found in (made, plain))
    assert error < least


def two_meters() -> pl.DataFrame:
    """Hourly meters: one repeats its day, one its week alone."""
    hours = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(2_000)]
    steps = np.arange(2_000)
    day = 50 + 10 * np.sin(2 * np.pi * steps / 24) + noise(2_000)
    week = 50 + np.random.default_rng(1).normal(size=168)[steps % 168] * 10 + noise(2_000, 2)
    parts = [pl.DataFrame({"meter": name, "time": hours, "load": values}) for name, values in (("d", day), ("w", week))]
    return pl.concat(parts)


def test_each_series_repeats_its_own_season() -> None:
    problem, parts = problem_of(two_meters(), target=("load",), horizon=24, context=48)
    assert parts.windows.state.season in (24, 168)
    rows = parts.split.test
    weekly = parts.windows.series[rows] == 1
    truth = parts.windows.truth[rows]
    for name in ("seasonal naive", "theta"):
        baseline = BASELINES[name]
        fitted = baseline.fit(problem, Limit())
        baseline.require(fitted, problem.inputs, 24)
        errors = np.abs(baseline.answer(fitted, problem.given(rows)) - truth)
        assert np.nanmean(errors[weekly]) < 2, name
        assert np.nanmean(errors[~weekly]) < 2, name


def test_smoothing_keeps_to_a_small_budget_from_its_first_series_on() -> None:
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(60)]
    frame = pl.concat([pl.DataFrame({"id": f"s{i:02}", "time": days, "load": 10 + noise(60, i)}) for i in range(30)])
    problem, _ = problem_of(frame, target=("load",), horizon=5, context=14)
    ticks = iter(range(1_000))  # a clock on which every look takes a second
    smoothing = BASELINES["exponential smoothing"]
    fitted = smoothing.fit(problem, Limit(seconds=1.0, most=1.0, clock=lambda: float(next(ticks))))
    assert fitted.decision.iterations == 6
    assert not fitted.decision.full
    assert fitted.remark == "parameters fitted on 6 of 30 series"
    again = smoothing.fit(problem, Limit(), fitted.decision)
    assert np.array_equal(again.arrays["parameters"], fitted.arrays["parameters"])


# --- fitted anew on the way ------------------------------------------------------------------------------------------

STATISTICAL = ("exponential smoothing", "theta", "seasonal naive", "intermittent demand")


def changing(last: float = 0.0) -> pl.DataFrame:
    """A level that stands still while there is a test part to come, and moves with every step in it; what its last ten days hold."""
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(200)]
    calm, moving = 50 + 4 * noise(150), 50 + np.cumsum(4 * noise(50, 1))
    values = np.maximum(np.concatenate([calm, moving]), 0.0)
    values[-10:] += last
    return pl.DataFrame({"day": days, "load": values})


def rolled(name: str, frame: pl.DataFrame) -> tuple[Any, Any, int]:
    """Squared errors of the test windows as the contest makes them, their forecasts, and how often was fitted."""
    problem, parts = problem_of(frame, horizon=3, context=14, split="time:2024-05-10,2024-05-30")
    baseline, windows, rows = BASELINES[name], parts.windows, parts.split.test
    fitted = baseline.fit(replace(problem, train=parts.learnable), Limit())
    answers, fits = rolling_answers(baseline, fitted, problem, rows, windows.state)
    said = problem.answer.decode(answers, windows.state).values
    return ((said - windows.truth[rows]) ** 2).mean(axis=1), said, fits


def test_a_series_that_changes_its_nature_is_fitted_anew() -> None:
    errors, _, fits = rolled("exponential smoothing", changing())
    problem, parts = problem_of(changing(), horizon=3, context=14, split="time:2024-05-10,2024-05-30")
    baseline = BASELINES["exponential smoothing"]
    once = baseline.fit(replace(problem, train=parts.learnable), Limit())
    answers = problem_answers(baseline, once, problem, parts.split.test, parts.windows.state)
    said = problem.answer.decode(answers, parts.windows.state).values
    assert fits == 24
    assert errors.mean() < 0.8 * ((said - parts.windows.truth[parts.split.test]) ** 2).mean()


@pytest.mark.parametrize("name", STATISTICAL)
def test_nothing_behind_an_origin_is_known_there(name: str) -> None:
    """What the last ten days hold moves no forecast that begins before them."""
    (_, plain, fits), (_, moved, _) = (rolled(name, changing(last)) for last in (0.0, 500.0))
    assert fits == (1 if name == "seasonal naive" else 24)
    assert np.array_equal(plain[:-9], moved[:-9])


def test_trees_and_panels_are_fitted_once() -> None:
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(60)]
    frames = [pl.DataFrame({"day": days, "id": [f"s{i}"] * 60, "load": 9 + noise(60, i)}) for i in range(30)]
    problem, parts = problem_of(pl.concat(frames), horizon=2, context=7)
    baseline = BASELINES["theta"]
    fitted = baseline.fit(problem, Limit())
    assert rolling_answers(baseline, fitted, problem, parts.split.test, parts.windows.state)[1] == 1
