"""Sums of series: made from the table, and forecasts of sums and series that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from report_again import check_report_again

import netpick
from netpick.answers.answered import AnsweredHorizon
from netpick.data.sources import open_source
from netpick.serve.history_example import example_rows
from netpick.serve.options import Limits
from netpick.tasks.examples import ExampleRequest
from netpick.tasks.forecast.examples import PreparedWindows, WindowExamples
from netpick.tasks.forecast.reconcile import coherent, weighed
from netpick.tasks.forecast.sums import structure_of, with_sums

METHODS = ("mint", "wls", "bottom-up", "top-down")
SHOPS = {"a": "north", "b": "north", "c": "south"}
NAMES = ("(all) | (all)", "north | (all)", "north | a", "north | b", "south | (all)", "south | c")


def sales(days: int = 90, **cells: Any) -> pl.DataFrame:
    """Three shops of two regions."""
    generator, steps = np.random.default_rng(0), np.arange(days)
    day = [date(2024, 1, 1) + timedelta(days=i) for i in range(days)]
    parts = []
    for number, (shop, region) in enumerate(SHOPS.items()):
        amount = 20 + 10 * number + 5 * np.sin(2 * np.pi * steps / 7) + generator.normal(0, 2, days)
        part = {"day": day, "region": [region] * days, "shop": [shop] * days, "sales": amount.round().astype(int)}
        parts.append(pl.DataFrame({**part, "price": [10.0 + number] * days, **cells}))
    return pl.concat(parts)


def summed(frame: pl.DataFrame, **request: Any) -> pl.DataFrame:
    asked = ExampleRequest(**{"target": ("sales",), "hierarchy": "region", **request})
    source, _, _ = with_sums(open_source(frame), asked)
    return pl.DataFrame([column.values.alias(name) for name, column in source.columns.items()])  # type: ignore[union-attr]


def of(frame: pl.DataFrame, region: str, shop: str) -> pl.DataFrame:
    return frame.filter((pl.col("region") == region) & (pl.col("shop") == shop)).sort("day")


# --- the table -------------------------------------------------------------------------------------------------------


def test_each_level_is_added_up_from_the_single_series() -> None:
    made, frame = summed(sales()), sales()
    assert len(made) == 6 * 90
    total = frame.group_by("day").agg(pl.col("sales").sum()).sort("day")["sales"]
    assert of(made, "(all)", "(all)")["sales"].to_list() == total.to_list()
    north = frame.filter(pl.col("region") == "north").group_by("day").agg(pl.col("sales").sum()).sort("day")["sales"]
    assert of(made, "north", "(all)")["sales"].to_list() == north.to_list()
    assert set(of(made, "north", "(all)")["price"]) == {10.5}  # other numbers are means


def test_several_ways_of_adding_up_stand_side_by_side() -> None:
    frame = sales().with_columns(kind=pl.when(pl.col("shop") == "b").then(pl.lit("x")).otherwise(pl.lit("y")))
    made = summed(frame, hierarchy="region,kind")
    cells = set(made.select("region", "kind", "shop").unique().rows())
    assert ("(all)", "y", "(all)") in cells
    assert ("south", "(all)", "(all)") in cells
    assert len(cells) == 1 + 2 + 2 + 3


def test_a_step_without_one_member_has_no_sum() -> None:
    """An empty cell, or no row at all, between the first and the last day of a shop."""
    frame = sales()
    gone = frame.filter(~((pl.col("shop") == "a") & (pl.col("day") == date(2024, 2, 1))))
    empty = frame.with_columns(
        sales=pl.when((pl.col("shop") == "a") & (pl.col("day") == date(2024, 2, 1))).then(None).otherwise("sales")
    )
    for made in (summed(gone), summed(empty)):
        assert of(made, "north", "(all)").filter(pl.col("sales").is_null())["day"].to_list() == [date(2024, 2, 1)]
        assert of(made, "south", "(all)")["sales"].null_count() == 0


def test_a_shop_counts_from_its_first_day_to_its_last() -> None:
    frame = sales().filter(~((pl.col("shop") == "b") & (pl.col("day") < date(2024, 2, 1))))
    made = of(summed(frame), "north", "(all)")
    assert made["sales"].null_count() == 0
    assert made["sales"][0] == of(sales(), "north", "a")["sales"][0]


def test_sums_that_are_in_the_table_already_are_made_anew() -> None:
    twice = with_sums(
        open_source(summed(sales())), ExampleRequest(target=("sales",), hierarchy="region", ids=("region", "shop"))
    )
    assert twice[0].num_rows == 6 * 90


# --- forecasts -------------------------------------------------------------------------------------------------------


def prepared(method: str, frame: pl.DataFrame | None = None) -> PreparedWindows:
    asked = ExampleRequest(target=("sales",), hierarchy=f"region:{method}", horizon=3, context=14)
    made = WindowExamples().prepare(open_source(sales() if frame is None else frame), asked)
    assert isinstance(made, PreparedWindows)
    return made


def said(data: PreparedWindows, rows: Any, seed: int, spread: float = 1.0) -> AnsweredHorizon:
    """The truth and an error that is larger for sums."""
    windows, generator = data.parts.windows, np.random.default_rng(seed)
    sizes = np.asarray(windows.state.deviation)[windows.series[rows]]
    values = windows.truth[rows] + spread * sizes * generator.normal(size=(len(rows), 3))
    return AnsweredHorizon(values=values, quantiles=values[..., None] + np.array([-1.0, 0.0, 1.0]))


def by_series(data: PreparedWindows, rows: Any, values: Any) -> Any:
    """(S, H) of the first origin."""
    windows = data.parts.windows
    first = windows.timeline.positions[rows] == windows.timeline.positions[rows].min()
    return values[first][np.argsort(windows.timeline.series[rows][first])]


@pytest.mark.parametrize("method", METHODS)
def test_forecasts_of_one_origin_add_up(method: str) -> None:
    data = prepared(method)
    windows, rows = data.parts.windows, data.split.test
    state = weighed(windows.state, windows, data.split.validation, said(data, data.split.validation, 0))
    base = said(data, rows, 1)
    made = coherent(base, state, windows, rows)
    whole, north, a, b, south, c = by_series(data, rows, made.values)
    assert windows.timeline.ids == NAMES
    assert whole == pytest.approx(a + b + c)
    assert north == pytest.approx(a + b)
    assert south == pytest.approx(c)
    assert made.quantiles is not None
    assert made.quantiles[..., 2] - made.values == pytest.approx(np.ones(made.values.shape))  # moved along
    before = by_series(data, rows, base.values)
    if method == "bottom-up":
        assert np.stack([a, b, c]) == pytest.approx(before[[2, 3, 5]])
    if method == "top-down":
        assert whole == pytest.approx(before[0])
        assert a / (a + b + c) == pytest.approx(before[2] / before[[2, 3, 5]].sum(axis=0))


@pytest.mark.parametrize("method", ["mint", "wls"])
def test_the_weights_are_those_of_the_literature(method: str) -> None:
    """S (S' W^-1 S)^-1 S' W^-1 of the base forecasts, with the covariance that the state holds."""
    data = prepared(method)
    windows, rows = data.parts.windows, data.split.test
    state = weighed(windows.state, windows, data.split.validation, said(data, data.split.validation, 0))
    rule = state.hierarchy
    assert rule is not None
    assert bool(rule.covariance) == (method == "mint")
    covariance = np.asarray(rule.covariance[0]) if rule.covariance else np.diag(np.asarray(rule.variance)[:, 0])
    adding = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=float)
    inverse = np.linalg.inv(covariance)
    weights = adding @ np.linalg.solve(adding.T @ inverse @ adding, adding.T @ inverse)
    base = said(data, rows, 1, spread=0.2)
    made = by_series(data, rows, coherent(base, state, windows, rows).values)
    assert made == pytest.approx(weights @ by_series(data, rows, base.values), abs=1e-6)


def test_what_is_forecast_well_moves_least_and_all_get_better() -> None:
    data = prepared("wls")
    windows, validation, rows = data.parts.windows, data.split.validation, data.split.test
    good = np.where(np.isin(windows.series, (0, 1, 4)), 0.05, 1.0)[
        :, None
    ]  # sums are forecast well, single series are not

    def errors(part: Any, seed: int) -> AnsweredHorizon:
        plain = said(data, part, seed)
        return replace(plain, values=windows.truth[part] + good[part] * (plain.values - windows.truth[part]))

    state = weighed(windows.state, windows, validation, errors(validation, 0))
    base = errors(rows, 1)
    made = coherent(base, state, windows, rows)
    single = np.isin(windows.series[rows], (2, 3, 5))
    before, after = (((said.values - windows.truth[rows]) ** 2).mean(axis=1) for said in (base, made))
    assert after[single].mean() < 0.7 * before[single].mean()
    assert after[~single].mean() < 1.1 * before[~single].mean()


def test_no_forecast_falls_below_0_and_all_add_up_still() -> None:
    data = prepared("mint")
    windows, rows = data.parts.windows, data.split.test
    state = weighed(windows.state, windows, data.split.validation, said(data, data.split.validation, 0))
    assert state.nonnegative == (True,)
    base = said(data, rows, 1)
    low = replace(base, values=np.where(windows.series[rows][:, None] == 0, 0.0, base.values))
    made = coherent(low, state, windows, rows)
    assert made.values.min() >= 0
    whole, _, a, b, _, c = by_series(data, rows, made.values)
    assert whole == pytest.approx(a + b + c)


def test_a_shop_that_has_closed_is_no_part_of_what_is_to_come() -> None:
    open_still = ~((pl.col("shop") == "b") & (pl.col("day") > date(2024, 2, 20)))
    data = prepared("bottom-up", sales().filter(open_still).with_columns(pl.col("sales") - 100))
    windows, rows = data.parts.windows, data.split.test
    made = coherent(said(data, rows, 1), windows.state, windows, rows)
    names = [windows.timeline.ids[number] for number in windows.timeline.series[rows].tolist()]
    newest = dict(zip(names, made.values, strict=True))
    assert "north | b" not in newest
    assert newest["north | (all)"] == pytest.approx(newest["north | a"])


def test_names_that_cannot_be_parted_are_refused() -> None:
    with pytest.raises(netpick.DataError, match=r"Series 'x \| y \| z' has '\|' in its name"):
        structure_of(["x | y | z"], 2)


# --- from end to end -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder: Path = tmp_path_factory.mktemp("sums") / "run"
    return netpick.fit(sales(), "sales", hierarchy="region", horizon=3, context=14, models="mlp", steps=2, out=folder)


def test_a_run_scores_sums_beside_single_series(run: netpick.Run) -> None:
    assert run.results.forecast is not None
    assert tuple(run.results.forecast.ids) == NAMES
    assert any(note.subject == "hierarchy" for note in (*run.results.source.notes, *run.results.schema.notes))
    assert run.results.blend is None
    each = pl.read_csv(run.folder / "series.csv")
    assert dict(each.select("series", "level").iter_rows())["north | (all)"] == "region"
    shown = next(iter(run.results.forecast.by_candidate.values()))
    assert [(level.level, level.series) for level in shown.by_level] == [
        ("total", 1),
        ("region", 2),
        ("single series", 3),
    ]
    assert all(s.low <= s.value <= s.high for level in shown.by_level for s in level.scores.values())
    assert "Scores by level" in (run.folder / "report.html").read_text("utf-8")
    check_report_again(run.folder)


@pytest.mark.parametrize("name", ["mlp", "exponential smoothing"])
def test_what_is_predicted_adds_up(run: netpick.Run, name: str) -> None:
    table = run.models[name].predict(sales())
    assert len(table) == 6 * 3
    found = {
        f"{r['region']} | {r['shop']}": r["prediction"]
        for r in table.group_by("region", "shop").agg("prediction").to_dicts()
    }
    whole, north, a, b, south, c = (np.asarray(found[name]) for name in NAMES)
    assert whole == pytest.approx(a + b + c)
    assert north == pytest.approx(a + b)
    assert south == pytest.approx(c)


def test_the_example_of_a_server_is_of_a_single_series(run: netpick.Run) -> None:
    parts = run.model.parts
    rows = example_rows(parts.task_state, parts.encoders, ("day",), Limits())
    assert {(row["region"], row["shop"]) for row in rows} == {("north", "a")}
    assert len(run.model.predict(pl.DataFrame(rows))) == 3 * 3
    with pytest.raises(netpick.DataError, match="holds sums"):
        run.model.predict(sales().with_columns(shop=pl.lit("(all)")))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paths", (("elsewhere",),)),
        ("averaged", ("sales",)),
        ("variance", ((0.0,),)),
        ("variance", ((1.0, 1.0),)),
        ("variance", ((1.0,),) * 7),
        ("covariance", (((1.0,),),)),
        ("ids", ("shop",)),
    ],
)
def test_a_hierarchy_that_is_none_is_refused(run: netpick.Run, name: str, value: Any) -> None:
    """As a forged model file may hold it."""
    state = run.model.parts.task_state
    with pytest.raises(ValueError, match=r"levels|variances|covariances|hierarchy"):
        replace(state, hierarchy=replace(state.hierarchy, **{name: value}))


def test_the_kept_model_says_what_the_contest_scored(run: netpick.Run) -> None:
    """Of a network that did not learn once more: its scores on all windows are those of forecasts that add up."""
    assert "wql" in run.models["mlp"].score(sales())
