"""What people read when their series cannot be forecast as they are: what was found, what was expected, what to type."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from netpick.contest.prepare import FitOptions, prepare
from netpick.data.sources import open_source
from netpick.errors import NetpickError
from netpick.tasks.examples import ExampleRequest
from netpick.tasks.forecast.parts import series_parts
from netpick.tasks.forecast.sums import with_sums

N = 120


def hours(count: int = N) -> list[str]:
    first = datetime(2024, 3, 1)
    return [(first + timedelta(hours=i)).strftime("%Y-%m-%d %H:%M:%S") for i in range(count)]


def said(frame: dict[str, Any], **request: Any) -> str:
    with pytest.raises(NetpickError) as caught:
        series_parts(open_source(pl.DataFrame(frame)), ExampleRequest(**request))
    text = str(caught.value)
    assert "\n" not in text
    return text


VALUES = [float(i % 7) + 0.1 * i for i in range(N)]


def test_two_rows_at_one_time() -> None:
    times = hours()
    times[7] = times[3]
    text = said({"time": times, "load": VALUES}, horizon=5)
    assert "Rows 4 and 8 of data have the same time 2024-03-01 03:00:00" in text
    assert "Add up or average such rows" in text
    assert "--id COLUMN" in text


def test_steps_of_no_regular_length() -> None:
    generator = np.random.default_rng(0)
    first = datetime(2024, 3, 1)
    minutes = np.cumsum(generator.integers(1, 300, N))
    times = [(first + timedelta(minutes=int(m))).strftime("%Y-%m-%d %H:%M:%S") for m in minutes]
    text = said({"time": times, "load": VALUES}, horizon=5)
    assert "have no regular step" in text
    assert "Pass --every 3h to average the rows of a step (3h:sum adds them up, auto finds a step)" in text
    assert "--task regress" in text


def test_years_and_months_that_are_none() -> None:
    table = {"year": [10**17 + i for i in range(N)], "month": [1 + i % 12 for i in range(N)], "load": VALUES}
    text = said(table, horizon=5, time=("year", "month"))
    assert (
        "Column 'year' (row 1) holds '100000000000000000' where every step needs a time of the years 1 to 9999" in text
    )
    table["year"] = [2000 + i // 12 for i in range(N)]
    table["month"] = [1 + i % 12 for i in range(N - 1)] + [13]
    text = said(table, horizon=5, time=("year", "month"))
    assert f"Column 'month' (row {N}) holds 13 where every step needs a time" in text


def test_one_time_beside_the_grid() -> None:
    times = hours()
    times[50] = "2024-03-03 02:17:00"
    text = said({"time": times, "load": VALUES}, horizon=5)
    assert text.startswith("Row 51 of data lies at 2024-03-03 02:17, beside the hourly steps")
    assert "Move such rows" in text


def test_large_holes() -> None:
    times = [*hours(60), *[t.replace("2024", "2025") for t in hours(60)]]
    text = said({"time": times, "load": VALUES}, horizon=5)
    assert "Only 1.4% of the" in text
    assert "keep the part without holes" in text


def test_times_with_and_without_zone() -> None:
    times = [t.replace(" ", "T") + "+01:00" for t in hours()]
    times[5] = times[5][:-6]
    text = said({"time": times, "load": VALUES}, horizon=5)
    assert "(row 6) holds '2024-03-01T05:00:00' without a time zone" in text
    assert "all with their zone" in text or "Write all times with their zone" in text


def test_a_missing_time() -> None:
    times: list[str | None] = list(hours())
    times[9] = None
    text = said({"time": times, "load": VALUES}, horizon=5)
    assert "Column 'time' (row 10) holds nothing" in text


def test_a_horizon_longer_than_the_history() -> None:
    text = said({"time": hours(), "load": VALUES}, horizon=100)
    assert "A horizon of 100 hours is too long for the history: the series has 120 hours" in text
    assert "Pass --horizon 29 or less" in text


def test_a_context_longer_than_the_history() -> None:
    text = said({"time": hours(), "load": VALUES}, horizon=5, context=110)
    assert "or a shorter --context" in text


def test_a_constant_series() -> None:
    text = said({"time": hours(), "load": VALUES, "price": [3.0] * N}, horizon=5, target=("price",))
    assert "Column 'price' is always 3" in text
    assert "--drop price" in text


def test_one_row_a_series() -> None:
    text = said(
        {"time": hours(), "customer_id": [f"c{i}" for i in range(N)], "load": VALUES}, horizon=5, ids=("customer_id",)
    )
    assert "one row" in text
    assert "--drop" in text


def test_a_target_that_is_no_number() -> None:
    text = said({"time": hours(), "sky": ["clear", "rain"] * (N // 2)}, horizon=5, target=("sky",))
    assert "Column 'sky' cannot be forecast: it is category, not a number" in text
    assert "--kind sky=number" in text


def test_nothing_to_forecast() -> None:
    text = said({"time": hours(), "sky": ["clear", "rain"] * (N // 2)}, horizon=5)
    assert "has no column of numbers to forecast" in text


def test_dates_that_are_none() -> None:
    text = said({"time": hours(), "load": VALUES}, horizon=5, split="time:soon")
    assert "--split time:soon was asked for" in text
    assert "time:DATE,DATE,DATE" in text


def test_dates_that_leave_nothing() -> None:
    text = said({"time": hours(), "load": VALUES}, horizon=5, split="time:2024-03-01,2024-03-02")
    assert text.startswith("No window to learn from is left")


def test_a_random_split() -> None:
    assert "A forecast is split by time" in said({"time": hours(), "load": VALUES}, horizon=5, split="random")


def test_a_column_that_is_not_there() -> None:
    assert "Did you mean load?" in said({"time": hours(), "load": VALUES}, horizon=5, target=("loud",))
    assert "There is no column 'when'" in said({"time": hours(), "load": VALUES}, horizon=5, time=("when",))


def test_a_time_column_that_tells_no_time() -> None:
    text = said({"time": hours(), "sky": ["clear", "rain"] * (N // 2), "load": VALUES}, horizon=5, time=("sky",))
    assert "Column 'sky' holds 'clear', which is neither a date nor a whole number" in text


def test_a_horizon_of_zero() -> None:
    assert "--horizon 0 was asked for" in said({"time": hours(), "load": VALUES}, horizon=0)


def test_options_of_forecasts_with_another_task() -> None:
    with pytest.raises(NetpickError) as caught:
        prepare(
            pl.DataFrame({"time": hours(), "load": VALUES}), FitOptions(task="regress", horizon=5, target=("load",))
        )
    assert str(caught.value).startswith("--horizon belongs to forecasts, but --task regress was asked for.")


def test_a_file_of_test_rows() -> None:
    frame = pl.DataFrame({"time": hours(), "load": VALUES})
    with pytest.raises(NetpickError) as caught:
        prepare(frame, FitOptions(horizon=5, test=frame))
    assert "--test was given, but a forecast is tested on the end of its own series" in str(caught.value)


def test_a_module_of_ones_own() -> None:
    import torch

    import netpick

    with pytest.raises(NetpickError) as caught:
        netpick.fit(pl.DataFrame({"time": hours(), "load": VALUES}), horizon=5, models=[torch.nn.Linear(3, 1)], steps=1)
    assert "Your module Linear was handed over for a forecast" in str(caught.value)


# --- sums ------------------------------------------------------------------------------------------------------------


def summed(**request: Any) -> str:
    frame = pl.DataFrame(
        {"time": hours() * 2, "shop": ["a"] * N + ["b"] * N, "mood": (["x", "y"] * N), "load": VALUES * 2}
    )
    if request.pop("alone", False):
        frame = frame.head(N).drop("shop")
    with pytest.raises(NetpickError) as caught:
        with_sums(open_source(frame), ExampleRequest(target=("load",), **request))
    return str(caught.value)


def test_a_level_that_is_no_column() -> None:
    text = summed(hierarchy="shops:wls")
    assert "--hierarchy shops:wls names a column 'shops', which data does not have. Did you mean shop?" in text
    assert ":mint, :wls, :bottom-up, :top-down" in text
    assert "names a column 'shop:best'" in summed(hierarchy="shop:best")


def test_a_level_that_changes_within_a_series() -> None:
    text = summed(hierarchy="mood", ids=("shop",))
    assert "Column 'mood' changes within series 'a', but a level of --hierarchy has one value a series." in text
    assert "--id shop,mood" in text


def test_one_series_has_nothing_to_add_up() -> None:
    assert "--hierarchy mood was passed, but data holds one series." in summed(hierarchy="mood", alone=True)
