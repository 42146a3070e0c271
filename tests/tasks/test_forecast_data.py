"""From tables to windows: times, steps, gaps, series, seasons, splits; and what a window may see."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from netpick.answers.horizon import scaled, unscaled
from netpick.answers.quantiles import held
from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.tasks.examples import ExampleRequest
from netpick.tasks.forecast.parts import SeriesParts, series_parts
from netpick.tasks.forecast.recognise import Recognised, recognise
from netpick.tasks.forecast.scales import new_scales
from netpick.tasks.forecast.state import FORECAST, horizon_view, series_scales
from netpick.tasks.forecast.steps import filled_forward
from netpick.tasks.forecast.timeline import TimelineRequest, make_timeline
from netpick.tasks.forecast.times import read_times
from netpick.tasks.forecast.timesteps import DAY, HOUR, Step, calendar_features, calendar_value_names, infer_step
from netpick.types import Source, TableColumn


def source_of(**columns: Any) -> Source:
    return open_source(pl.DataFrame(columns))


def hours(count: int, start: str = "2024-03-01") -> list[str]:
    first = datetime.fromisoformat(start)
    return [(first + timedelta(hours=i)).strftime("%Y-%m-%d %H:%M:%S") for i in range(count)]


def wave(count: int, season: int = 24) -> np.ndarray[Any, Any]:
    return 10 + np.sin(2 * np.pi * np.arange(count) / season) + 0.1 * np.random.default_rng(0).normal(size=count)


def parts_of(count: int = 400, **request: Any) -> SeriesParts:
    return series_parts(source_of(time=hours(count), load=wave(count)), ExampleRequest(horizon=12, **request))


# --- times and steps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1949-01", "1949-02", "1949-03", "1949-04"], "monthly"),
        (["2020Q1", "2020Q2", "2020Q3", "2020Q4"], "quarterly"),
        (["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"], "monthly"),
        (["2020-01-01", "2021-01-01", "2022-01-01", "2023-01-01"], "yearly"),
        (["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"], "weekly"),
        (["2024-01-01 00:00", "2024-01-01 00:15", "2024-01-01 00:30", "2024-01-01 00:45"], "every 15 minutes"),
        ([date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)], "daily"),
        ([datetime(2024, 1, 1, h) for h in range(4)], "hourly"),
    ],
)
def test_steps_are_named(cells: list[Any], words: str) -> None:
    found = read_times({"t": TableColumn(name="t", values=pl.Series("t", cells))}, ("t",))
    assert found is not None
    step = infer_step([found[0]])
    assert step is not None
    assert step.words == words
    assert np.array_equal(step.times(step.positions(found[0])), found[0])


def test_working_days_have_no_weekends() -> None:
    days = [d for d in (date(2024, 1, 1) + timedelta(days=i) for i in range(60)) if d.weekday() < 5]
    found = read_times({"t": TableColumn(name="t", values=pl.Series("t", days))}, ("t",))
    assert found is not None
    step = infer_step([found[0]])
    assert step is not None
    assert step.unit == "weekday"
    assert np.array_equal(step.positions(found[0]), np.arange(len(days)))
    after_friday = step.times(np.array([len(days)]))
    assert date.fromisoformat(step.text(after_friday)[0]).weekday() < 5


def test_month_ends_continue_at_month_ends() -> None:
    cells = [date(2023, 11, 30), date(2023, 12, 31), date(2024, 1, 31)]
    found = read_times({"t": TableColumn(name="t", values=pl.Series("t", cells))}, ("t",))
    assert found is not None
    step = infer_step([found[0]])
    assert step is not None
    assert step.text(step.times(np.array([3, 4]))) == ["2024-02-29", "2024-03-31"]


def test_offsets_become_one_clock_and_that_is_said() -> None:
    # The night in which clocks go back: local times alone would repeat.
    cells = [
        "2023-10-29T01:00:00+02:00",
        "2023-10-29T02:00:00+02:00",
        "2023-10-29T02:00:00+01:00",
        "2023-10-29T03:00:00+01:00",
    ]
    source = source_of(time=cells, load=[1.0, 2.0, 3.0, 4.0])
    timeline = make_timeline(source, TimelineRequest())
    assert (timeline.step.size, timeline.num_steps) == (HOUR, 4)
    assert any("written like 2023-10-29T01:00:00+02:00, read as UTC" in note.text for note in source.notes)


@pytest.mark.parametrize("cell", ["-112024-02-29", "0-03-31", None])
def test_a_year_that_no_calendar_has_is_no_time(cell: str | None) -> None:
    cells = ["2023-01-31", "2023-02-28", cell, "2023-04-30"]
    with pytest.raises(DataError, match=r"row 3\).*years 1 to 9999"):
        make_timeline(source_of(time=cells, load=[1.0, 2.0, 3.0, 4.0]), TimelineRequest(time=("time",)))


def test_times_spread_over_columns_and_numbers_of_steps() -> None:
    rows = [(2020, m) for m in range(1, 13)] * 2
    years = [y + (i >= 12) for i, (y, _) in enumerate(rows)]
    spread = make_timeline(source_of(year=years, month=[m for _, m in rows], sales=np.arange(24.0)), TimelineRequest())
    assert spread.time_columns == ("year", "month")
    assert spread.step.words == "monthly"
    counted = make_timeline(source_of(step=list(range(10, 40)), sales=np.arange(30.0)), TimelineRequest())
    assert counted.time_columns == ("step",)
    assert counted.step.unit == "row"


def test_years_of_several_series_tell_the_time_and_rows_may_be_turned_round() -> None:
    years = np.arange(1950, 2020)
    level = source_of(Year=years[::-1].copy(), level=wave(70))
    found = recognise(level)
    assert found.is_forecast
    made = make_timeline(level, TimelineRequest())
    assert (made.time_columns, made.step.words) == (("Year",), "yearly")
    assert any(note.text == "rows stand from the newest to the oldest and were sorted" for note in made.notes)
    panel = source_of(land=["a"] * 70 + ["b"] * 70, year=[*years, *years], gdp=[*wave(70), *wave(70)])
    assert make_timeline(panel, TimelineRequest()).id_columns == ("land",)
    assert recognise(panel, ("gdp",)).is_forecast


def test_years_that_come_again_are_numbers_like_others() -> None:
    cars = source_of(year=[1970 + i % 12 for i in range(80)], weight=wave(80), mpg=wave(80, 7))
    assert recognise(cars, ("mpg",)) == Recognised()


# --- order, gaps, series ---------------------------------------------------------------------------------------------


def test_rows_out_of_order_are_sorted_and_gaps_are_steps_without_a_row() -> None:
    cells = hours(30)
    del cells[10:13]
    cells[4], cells[5] = cells[5], cells[4]
    timeline = make_timeline(source_of(time=cells, load=np.arange(27.0)), TimelineRequest())
    assert timeline.num_steps == 30
    assert (timeline.rows[10:13] == -1).all()
    assert timeline.rows[4] == 5
    said = {note.subject: note.text for note in timeline.notes}
    assert "1 rows were out of order" in said["order"]
    assert said["steps"] == "hourly by 'time', 3 gaps filled forward (they count in no score)"


def test_series_are_told_apart_by_the_columns_that_make_times_unique() -> None:
    shops, items = ["a", "b"], ["x", "y"]
    rows = [(h, s, i) for s in shops for i in items for h in hours(20)]
    table = {"time": [r[0] for r in rows], "store": [r[1] for r in rows], "item": [r[2] for r in rows]}
    timeline = make_timeline(source_of(**table, sales=np.arange(80.0)), TimelineRequest())
    assert set(timeline.id_columns) == {"store", "item"}
    assert len(timeline.ids) == 4
    assert np.array_equal(timeline.lengths, [20] * 4)


def test_missing_values_are_filled_from_the_past_alone() -> None:
    values = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan], [5.0, 3.0], [np.nan, np.nan]])
    filled = filled_forward(values, np.array([0, 3, 5]))
    expected = np.array([[np.nan, 1.0], [2.0, 1.0], [2.0, 1.0], [5.0, 3.0], [5.0, 3.0]])
    assert np.array_equal(filled, expected, equal_nan=True)


# --- windows ---------------------------------------------------------------------------------------------------------


def test_windows_are_views_that_see_the_past_and_answer_for_the_future() -> None:
    windows = parts_of(context=24).windows
    arrays, state = windows.store.arrays, windows.state
    past, truth = arrays["window"], windows.truth
    assert past.shape == (400, 24, past.shape[2])
    assert np.shares_memory(past[0], past[23]), "a window is a view, not a copy"
    row = 100
    series = np.zeros(12, dtype=np.int64)
    values = unscaled(past[row, -12:, 0].reshape(1, -1).astype(np.float64), series[:1], state)[0]
    assert values == pytest.approx(wave(400)[88:100], rel=1e-4)
    assert np.array_equal(truth[row], wave(400)[100:112])
    assert np.isnan(truth[395, 5:]).all()
    assert windows.rows.min() == 24
    assert windows.rows.max() == 400 - 12


def test_a_later_value_changes_no_window_before_it() -> None:
    values = wave(400)
    before = series_parts(source_of(time=hours(400), load=values), ExampleRequest(horizon=12, context=24))
    changed = values.copy()
    changed[350:] += 1000
    after = series_parts(source_of(time=hours(400), load=changed), ExampleRequest(horizon=12, context=24))
    assert before.windows.state == after.windows.state, "scales come from what is learned from"
    for name in ("window", "window.future"):
        assert np.array_equal(before.windows.store.arrays[name][:351], after.windows.store.arrays[name][:351])


def test_no_horizon_reaches_into_a_later_part() -> None:
    split = parts_of(context=24).split
    assert split.method == "time"
    assert split.train.max() + 12 <= split.validation.min()
    assert split.validation.max() + 12 <= split.test.min()
    assert split.test.max() + 12 <= 400


def test_few_steps_are_tested_from_many_origins() -> None:
    parts = parts_of(140, context=24)
    assert np.array_equal(parts.split.test, np.arange(104, 129)), "three horizons, all of whose windows are tested"
    assert "from 25 origins" in parts.split.sentence
    shortest = parts_of(62, context=24)
    assert len(shortest.split.test) == 2, (
        "half of what is left beside a horizon each to learn from, choose on and test on"
    )


def test_the_user_says_from_how_many_origins() -> None:
    parts = parts_of(140, context=24, windows=4)
    assert np.array_equal(np.diff(parts.split.test), [12, 12, 12])
    assert parts.split.test[-1] == 128
    with pytest.raises(RequestError, match=r"--windows 200 were asked for.*leaves 81.*Pass --windows 81 or less"):
        parts_of(140, context=24, windows=200)


def test_what_is_filled_behind_the_last_target_is_known_ahead() -> None:
    load = [*wave(200), *[None] * 12]
    source = source_of(time=hours(212), load=load, price=np.arange(212.0) % 5, wind=[*wave(200), *[None] * 12])
    parts = series_parts(source, ExampleRequest(horizon=12, target=("load",)))
    reasons = {field.name: field.reason for field in parts.schema.fields}
    assert parts.windows.state.known == ("price",)
    assert reasons["price"] == "covariate, known for the horizon (it is filled behind the last known target)"
    assert reasons["wind"] == "covariate, known up to the origin"
    assert parts.split.test[-1] == 188, "windows end with the last known target"


def test_short_series_have_windows_that_show_nothing_from_behind_their_origin() -> None:
    series = {"a": 300, "b": 40, "c": 9}
    table = {
        "time": [hour for length in series.values() for hour in hours(300)[300 - length :]],
        "id": [name for name, length in series.items() for _ in range(length)],
        "load": np.concatenate([wave(length, 6) for length in series.values()]),
    }
    parts = series_parts(source_of(**table), ExampleRequest(horizon=12, context=36))
    windows = parts.windows
    short = windows.rows[windows.timeline.series[windows.rows] == 1]
    before = windows.store.arrays["window"][short[0], :, 0].copy()
    assert len(short) == 5, "a season of 24 known steps lies before each"
    assert not np.isnan(before).any()
    table["load"][300 + 24 :] += 50.0
    moved = series_parts(source_of(**table), ExampleRequest(horizon=12, context=36)).windows
    scale, location = (np.asarray(getattr(moved.state, name))[1, 0] for name in ("scale", "location"))
    known = moved.store.arrays["window"][short[0], :, 0] * scale + location
    same = before * windows.state.scale[1][0] + windows.state.location[1][0]
    assert known == pytest.approx(same, abs=1e-3)
    said = {note.subject: note.text for note in parts.schema.notes}
    assert said["short series"].startswith("2 of 3 begin with their first season repeated")


def test_dates_divide_the_parts() -> None:
    parts = parts_of(context=24, split="time:2024-03-09,2024-03-12,2024-03-15")
    times = parts.windows.timeline.times(parts.windows.timeline.positions[parts.split.test])
    assert parts.windows.state.step.text(times[[0, -1]]) == ["2024-03-12 00:00", "2024-03-14 12:00"]
    assert len(parts.split.validation) == 3 * 24 - 12 + 1


def test_covariates_and_what_is_known_ahead() -> None:
    count = 400
    table = {"time": hours(count), "load": wave(count), "wind": np.arange(count) % 7, "sky": ["clear", "rain"] * 200}
    table |= {"holiday": [i % 50 == 0 for i in range(count)], "note": [f"text {i}" for i in range(count)]}
    request = ExampleRequest(horizon=12, target=("load",), known=("holiday",))
    parts = series_parts(source_of(**table), request)
    state, inputs = parts.windows.state, parts.windows.inputs
    assert state.covariates == ("wind", "sky")
    assert state.known == ("holiday",)
    assert inputs["window"].names[0] == "load"
    assert inputs["window.future"].shape[0] == 12
    assert any("holiday" in name for name in inputs["window.future"].names)
    assert not any("wind" in name for name in inputs["window.future"].names)
    fields = {f.name: f for f in parts.schema.fields}
    assert fields["note"].role == "left_out"
    assert fields["time"].role == "time"


def test_season_horizon_and_context_are_inferred_and_said() -> None:
    parts = series_parts(source_of(time=hours(900), load=wave(900)), ExampleRequest())
    state = parts.windows.state
    assert (state.season, state.horizon, state.context) == (24, 24, 72)
    assert {"steps", "horizon", "context", "season"} <= {note.subject for note in parts.schema.notes}


def test_growing_series_with_growing_swings_get_logarithms(shared_data: Any) -> None:
    source = open_source(shared_data / "time_series" / "airline_passengers.csv")
    assert recognise(source).is_forecast
    state = series_parts(source, ExampleRequest()).windows.state
    assert state.log == (True,)
    assert (state.season, state.horizon) == (12, 12)
    values = np.array([[100.0, 300.0, 500.0]])
    series = np.zeros(1, dtype=np.int64)
    assert unscaled(scaled(values, series, state), series, state) == pytest.approx(values)


def shops(days: int = 40, **more: Any) -> Source:
    """Two shops, a row a day."""
    table = {"timestamp": hours(days) * 2, "item_id": ["a"] * days + ["b"] * days, "target": np.tile(wave(days), 2)}
    return source_of(**table, **more)


def test_what_is_a_forecast_without_being_asked_for() -> None:
    assert recognise(source_of(time=hours(50), load=wave(50))).is_forecast
    assert recognise(source_of(ds=hours(50), y=wave(50))).is_forecast
    assert recognise(source_of(time=hours(50), x=wave(50), y=wave(50))).is_forecast
    assert recognise(shops()).is_forecast
    assert recognise(shops(size=[1] * 40 + [2] * 40, kind=["x"] * 40 + ["y"] * 40)).is_forecast
    assert not recognise(source_of(time=hours(50), load=wave(50), sky=["a", "b"] * 25)).is_forecast
    assert not recognise(source_of(load=wave(50), wind=wave(50))).is_forecast


def test_years_in_a_row_are_steps_and_years_that_come_again_a_property() -> None:
    years = [1950 + i for i in range(50)]
    assert recognise(source_of(year=years, load=wave(50))).is_forecast
    assert not recognise(source_of(year=[1990 + i % 20 for i in range(50)], load=wave(50))).is_forecast
    assert not recognise(source_of(step=years, load=wave(50))).is_forecast
    state = series_parts(source_of(year=years, load=wave(50)), ExampleRequest(task="forecast")).windows.state
    assert (state.step.words, state.step.noun, state.horizon) == ("yearly", "years", 3)
    assert state.step.text(state.step.times(np.array([50]))) == ["2000"]
    numbered = series_parts(source_of(step=years, load=wave(50)), ExampleRequest(task="forecast")).windows.state
    assert numbered.step.words == "row by row"


def test_a_named_target_leaves_a_forecast_a_forecast() -> None:
    source = source_of(time=hours(50), load=wave(50), sky=["a", "b"] * 25)
    assert recognise(source, ["load"]).is_forecast
    assert not recognise(source, ["sky"]).is_forecast
    assert recognise(shops(price=np.ones(80)), ["target"]).is_forecast


def test_why_no_forecast_is_made_is_kept() -> None:
    times = hours(50)
    times[7] = times[8]
    found = recognise(source_of(time=times, load=wave(50)), ["load"])
    assert not found.is_forecast
    assert "have the same time" in found.obstacle


def test_one_value_a_series_is_static_and_the_named_column_is_forecast() -> None:
    parts = series_parts(shops(size=[1] * 40 + [2] * 40, price=np.tile(wave(40), 2)), ExampleRequest(horizon=3))
    fields = {field.name: field for field in parts.schema.fields}
    assert [f.name for f in parts.schema.targets] == ["target"]
    assert fields["size"].reason == "static: one value a series"
    assert fields["price"].reason == "covariate, known up to the origin"


# --- scales and intervals --------------------------------------------------------------------------------------------


def test_every_series_has_its_own_scale_and_new_ones_get_theirs() -> None:
    large, small = 1000 * wave(100), wave(100)
    frame = {"time": hours(100) * 2, "id": ["a"] * 100 + ["b"] * 100, "load": np.concatenate([large, small])}
    parts = series_parts(source_of(**frame), ExampleRequest(horizon=5, context=24))
    state = parts.windows.state
    assert state.location[0][0] == pytest.approx(1000 * state.location[1][0])
    assert parts.windows.store.arrays["window"][50, -1, 0] == pytest.approx(
        parts.windows.store.arrays["window"][150, -1, 0], abs=1e-3
    )
    other = make_timeline(
        source_of(time=hours(60) * 2, id=["b"] * 60 + ["c"] * 60, load=np.arange(120.0)), TimelineRequest()
    )
    longer, numbers = new_scales(other, state, np.arange(120.0)[:, None])
    assert longer.ids == ("a", "b", "c")
    assert list(numbers) == [1, 2]
    assert longer.location[:2] == state.location


def demand(lengths: dict[str, int], level: dict[str, float]) -> dict[str, Any]:
    """Sales of items that begin at different times, with days without any, a kind of each item, and its promotions."""
    generator = np.random.default_rng(3)
    parts = []
    for name, length in lengths.items():
        promotion = generator.random(length) < 0.2
        sales = np.floor(level[name] * (1 + promotion) * generator.uniform(0, 1.2, length))
        kind = "large" if level[name] > 50 else "small"
        parts.append((hours(300)[300 - length :], [name] * length, [kind] * length, promotion.astype(float), sales))
    times, ids, kinds, promotions, sales_ = zip(*parts, strict=True)
    return {
        "time": [hour for part in times for hour in part],
        "item": [name for part in ids for name in part],
        "kind": [kind for part in kinds for kind in part],
        "promotion": np.concatenate(promotions),
        "sales": np.concatenate(sales_),
    }


def test_a_series_that_begins_late_is_scaled_by_what_all_its_windows_have_seen() -> None:
    table = demand({"a": 300, "b": 300, "late": 60}, {"a": 200.0, "b": 3.0, "late": 100.0})
    request = ExampleRequest(target=("sales",), horizon=12, context=24, known=("promotion",))
    parts = series_parts(source_of(**table), request)
    windows, state = parts.windows, parts.windows.state
    assert state.amounts
    assert all(location == (0.0,) for location in state.location)
    rows = np.flatnonzero(windows.timeline.series == 2)
    learned = windows.timeline.positions[parts.split.train].max() + state.horizon
    assert windows.timeline.positions[rows].min() >= learned
    first = windows.rows[np.isin(windows.rows, rows)].min()
    seen = windows.raw[rows[0] : first, 0]
    assert state.scale[2][0] == pytest.approx(np.nanstd(seen))
    table["sales"][-30:] *= 10
    assert series_parts(source_of(**table), request).windows.state.scale == state.scale


def test_windows_tell_where_a_short_series_began_and_what_is_static_is_known_ahead() -> None:
    table = demand({"a": 300, "b": 300, "short": 30}, {"a": 200.0, "b": 3.0, "short": 100.0})
    request = ExampleRequest(target=("sales",), horizon=12, context=24, known=("promotion",))
    windows = series_parts(source_of(**table), request).windows
    spec = windows.inputs["window"]
    assert windows.state.begun
    assert spec.ahead[3:] == (1, 1)
    row = int(windows.rows[windows.timeline.series[windows.rows] == 2][0])
    known = int(windows.begun[row - 24 : row].sum())
    assert 0 < known < 24
    assert windows.store.arrays["window"][row, :, 1].tolist() == [0.0] * (24 - known) + [1.0] * known
    assert windows.inputs["window.future"].names[:3] == ("kind 1", "kind 2", "promotion 1")
    alike = series_parts(source_of(**{name: cells[:600] for name, cells in table.items()}), request).windows
    assert alike.inputs["window"].ahead[3:] == (0, 1)
    assert alike.inputs["window"].shape[1] == spec.shape[1] - 1


def test_a_price_is_measured_by_what_it_usually_is_in_its_series() -> None:
    table = demand({"a": 300, "b": 300}, {"a": 200.0, "b": 3.0})
    table["price"] = np.where(table["promotion"] > 0, 0.8, 1.0) * np.repeat([20.0, 2.0], 300)
    parts = series_parts(
        source_of(**table), ExampleRequest(target=("sales",), horizon=12, context=24, known=("price",))
    )
    windows = parts.windows
    assert windows.state.relative == ("price",)
    names = windows.inputs["window.future"].names
    relative = windows.store.arrays["window.future"][..., names.index("price, relative")]
    last = np.array([299, 599])
    usual = [table["price"][begin : begin + 300].mean() for begin in (0, 300)]
    assert relative[last, 0] == pytest.approx(np.log(table["price"][last] / usual), abs=1e-5)
    table["price"][250:300] *= 3
    moved = series_parts(
        source_of(**table), ExampleRequest(target=("sales",), horizon=12, context=24, known=("price",))
    )
    before = moved.windows.store.arrays["window.future"][..., names.index("price, relative")]
    assert np.array_equal(before[:238], relative[:238]), "of prices so far"


def test_days_of_the_week_are_told_apart() -> None:
    features = calendar_features(np.arange(7) * DAY, ("week", "weekday"))
    assert calendar_value_names(("week", "weekday"))[2:4] == ("Monday", "Tuesday")
    assert features[:, 2:].argmax(axis=1).tolist() == [3, 4, 5, 6, 0, 1, 2], "1970 began on a Thursday"
    assert (features[:, 2:].sum(axis=1) == 1).all()


def test_scales_of_a_flat_or_empty_target_divide_by_nothing_small() -> None:
    values = np.stack([np.full(30, 7.0), np.full(30, np.nan)], axis=1)
    for part in series_scales(values, season=4)[1:]:
        assert part == (1.0, 1.0)


def test_held_is_the_quantile_that_new_values_stay_below() -> None:
    generator = np.random.default_rng(0)
    inside = []
    for _ in range(40):
        misses = np.abs(generator.normal(size=(150, 3, 1)))
        inside.append((np.abs(generator.normal(size=(400, 3, 1))) <= held(misses)).mean())
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_horizon_view_is_a_view() -> None:
    values = np.arange(12.0).reshape(6, 2)
    view = horizon_view(values, 3, float("nan"))
    assert view.shape == (6, 6)
    assert np.array_equal(view[1], [2, 3, 4, 5, 6, 7])
    assert np.array_equal(view[5], [10, 11, np.nan, np.nan, np.nan, np.nan], equal_nan=True)
    assert view.base is not None


def test_decoding_orders_the_quantiles_and_stretches_the_interval() -> None:
    columns = [TableColumn(name="y", values=pl.Series("y", np.arange(20.0)))]
    state = FORECAST.fit(columns, np.arange(20))
    answers = np.array([[0.5, -1.0, 0.0, 1.0, 0.0]])
    plain = FORECAST.answer.decode(answers, state).quantiles
    wide = FORECAST.answer.decode(answers, type(state)(**{**vars(state), "stretch": ((2.0,),)})).quantiles
    assert plain is not None
    assert wide is not None
    assert np.ptp(wide) == pytest.approx(2 * np.ptp(plain))


def test_a_step_knows_its_words_and_its_grid() -> None:
    step = Step(unit="duration", size=DAY, anchor=0)
    assert step.noun == "days"
    assert np.isnan(step.positions(np.array([DAY // 2]))).all()


def test_no_forecast_lies_below_zero_where_the_history_never_does() -> None:
    state = series_parts(source_of(time=hours(200), load=wave(200) - 8), ExampleRequest(horizon=12)).windows.state
    assert state.nonnegative == (True,)
    series = np.zeros(1, dtype=np.int64)
    assert unscaled(np.array([[-99.0, 0.0]]), series, state)[0, 0] == 0
    below = series_parts(source_of(time=hours(200), load=wave(200) - 10), ExampleRequest(horizon=12)).windows.state
    assert below.nonnegative == (False,)
    assert unscaled(np.array([[-99.0, 0.0]]), series, below)[0, 0] < 0


def test_days_without_a_row_are_zeros_where_only_sales_are_written() -> None:
    generator = np.random.default_rng(0)
    rows = [(item, hour) for item in "ab" for hour in hours(120) if generator.random() < 0.5]
    table = {"time": [hour for _, hour in rows], "item": [item for item, _ in rows]}
    sold = generator.integers(1, 5, len(rows))
    windows = series_parts(source_of(**table, sales=sold), ExampleRequest(horizon=4, context=12)).windows
    assert windows.state.zeros
    assert windows.raw.sum() == sold.sum()
    assert (windows.raw == 0).sum() == len(windows.raw) - len(rows)
    for written in ({"sales": sold - 1}, {"load": sold}):  # zeros are written, or nothing says that demand is counted
        assert not series_parts(
            source_of(**table, **written), ExampleRequest(horizon=4, context=12)
        ).windows.state.zeros


def test_holidays_of_a_country_are_known_for_ever() -> None:
    days = [date(2022, 1, 1) + timedelta(days=i) for i in range(400)]
    source = source_of(day=days, load=wave(400, 7))
    parts = series_parts(source, ExampleRequest(horizon=14, holidays="DE-BY"))
    ahead = parts.windows.store.arrays["window.future"]
    place = parts.windows.inputs["window.future"].names.index("holidays of DE-BY")
    epiphany, plain = 5, 9  # 2022-01-06 is a holiday in Bavaria
    assert ahead[epiphany, 0, place] == 1
    assert ahead[plain, 0, place] == 0
    assert ahead[366, 0, place] == 0, "the second of January"
    with pytest.raises(RequestError, match="--holidays XX names no country that is known"):
        series_parts(source, ExampleRequest(horizon=14, holidays="XX"))
    months = source_of(month=[f"{2000 + i // 12}-{i % 12 + 1:02}" for i in range(120)], load=wave(120, 12))
    with pytest.raises(RequestError, match="the steps are monthly: holidays are of days"):
        series_parts(months, ExampleRequest(holidays="DE"))
