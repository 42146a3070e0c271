"""Rows at any times are brought to steps where --every asks for it: by which rule, what is left out, and again at prediction."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from netpick.columns.kinds.cells import series_of
from netpick.columns.store import Allocator
from netpick.contest.prepare import FitOptions, prepare
from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.tasks.examples import examples_of
from netpick.tasks.forecast.state import FORECAST, Resampling
from netpick.types import Source

START = datetime(2024, 3, 1)


def sensor(rows: int = 2_000) -> pl.DataFrame:
    """A reading every minute to forty minutes, and a word that changes once."""
    minutes = np.cumsum(np.random.default_rng(0).integers(1, 40, rows))
    return pl.DataFrame(
        {
            "time": [START + timedelta(minutes=int(m)) for m in minutes],
            "load": 5 + np.sin(2 * np.pi * minutes / 1440),
            "mode": ["day"] * (rows // 2) + ["night"] * (rows - rows // 2),
        }
    )


def working_days(last: date) -> pl.DataFrame:
    """Two shops from a Wednesday on, sales on working days alone."""
    days = [date(2024, 1, 3) + timedelta(days=i) for i in range((last - date(2024, 1, 3)).days + 1)]
    days = [day for day in days if day.weekday() < 5]
    parts = [
        pl.DataFrame({"day": days, "shop": shop, "sales": [float(level + i % 5) for i in range(len(days))]})
        for shop, level in (("a", 10), ("b", 20))
    ]
    return pl.concat(parts)


def prepared(frame: pl.DataFrame, **options: Any) -> Any:
    return prepare(frame, FitOptions(**options))


def cells(source: Source, name: str) -> list[Any]:
    series = series_of(source.columns[name])
    assert series is not None
    return series.to_list()


def test_means_by_hour_and_the_last_word() -> None:
    frame = sensor()
    made = prepared(frame, target=("load",), every="1h", horizon=5)
    expected = frame.group_by(pl.col("time").dt.truncate("1h")).agg(pl.col("load").mean(), pl.col("mode").last())
    expected = expected.sort("time")
    assert cells(made.source, "time") == expected["time"].to_list()
    assert cells(made.source, "load") == pytest.approx(expected["load"].to_list())
    assert cells(made.source, "mode") == expected["mode"].to_list()
    assert made.state.step.words == "hourly"
    assert made.state.resampling == Resampling(every="1h", time=("time",), ids=(), summed=(), averaged=("load",))
    (said,) = (note for note in made.source.notes if note.subject == "every")
    assert said.override == "--every"
    assert said.text.startswith(f"2,000 rows brought to {len(expected):,} steps of 1h: means of load;")


def test_auto_takes_the_shortest_usual_step_that_is_nearly_always_filled() -> None:
    made = prepared(sensor(), target=("load",), every="auto", horizon=5)
    assert made.state.resampling.every == "30m"
    sparse = sensor(60).with_columns(time=START + pl.Series([timedelta(days=40 * i * i) for i in range(60)]))
    with pytest.raises(DataError, match="No usual step has rows at nearly all of its places"):
        prepared(sparse, target=("load",), every="auto")


@pytest.mark.parametrize(
    ("last", "newest"),
    [(date(2025, 2, 5), date(2025, 1, 27)), (date(2025, 2, 7), date(2025, 2, 3))],
    ids=["ends on a Wednesday", "ends on a Friday"],
)
def test_sums_leave_out_weeks_that_are_not_whole(last: date, newest: date) -> None:
    made = prepared(working_days(last), target=("sales",), every="1w:sum", horizon=4)
    assert made.state.resampling.summed == ("sales",)
    assert made.state.ids == ("a", "b")
    weeks = cells(made.source, "day")
    assert weeks[0].date() == date(2024, 1, 8), "the first week begins on a Wednesday"
    assert weeks[-1].date() == newest
    assert cells(made.source, "sales")[0] == sum(10 + i % 5 for i in range(3, 8))


def test_new_rows_are_brought_to_the_same_steps() -> None:
    frame = sensor()
    made = prepared(frame, target=("load",), every="1h", horizon=5)
    new = examples_of(FORECAST).New(
        task=FORECAST, state=made.state, encoders=made.encoders, targets=("load",), source=open_source(frame)
    )
    with_ends = new.encoded(Allocator(limit=1 << 30, key="t"))
    assert len(with_ends.rows) == 1
    assert new.steps.num_rows == made.source.num_rows  # type: ignore[attr-defined]
    gone = replace(new, source=open_source(frame.drop("load").with_columns(other=1.0)))
    with pytest.raises(DataError, match="has no column 'load', but the model reads it"):
        gone.encoded(Allocator(limit=1 << 30, key="t"))


def test_rows_of_the_future_stay() -> None:
    frame = working_days(date(2025, 2, 7)).with_columns(promo=(pl.col("day").dt.day() < 8).cast(pl.Int8))
    ahead = working_days(date(2025, 3, 7)).filter(pl.col("day") > date(2025, 2, 7)).with_columns(sales=None)
    ahead = ahead.with_columns(promo=(pl.col("day").dt.day() < 8).cast(pl.Int8))
    made = prepared(pl.concat([frame, ahead]), target=("sales",), every="1w:sum")
    assert made.state.known == ("promo",)
    assert made.state.horizon == 4
    assert cells(made.source, "sales")[-4:] == [None] * 4


@pytest.mark.parametrize("every", ["300", "1h:max", "hourly", "0h", "1440m"])
def test_what_cannot_be_read_is_refused(every: str) -> None:
    with pytest.raises(RequestError, match=r"cannot be read\. Pass --every 15min, 1h, 1d, 1w or 1mo; with :sum"):
        prepared(sensor(), target=("load",), every=every)


def test_it_belongs_to_forecasts_with_times() -> None:
    with pytest.raises(RequestError, match=r"--every belongs to forecasts, but --task regress"):
        prepared(sensor(), target=("load",), every="1h", task="regress")
    with pytest.raises(RequestError, match=r"has no column of times\. Name it with --time COLUMN"):
        prepared(pl.DataFrame({"load": np.arange(50.0)}), target=("load",), every="1h")
