"""Values at the ends of what their types hold: every type of numbers, dates behind the calendar, sums that overflow."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import netpick

LABELS = ["a", "b"] * 30


def kinds(**columns: object) -> dict[str, str | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = netpick.look(pl.DataFrame({**columns, "y": LABELS}), "y").schema
    return {field.name: field.kind for field in schema.fields}


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i8", "f4", "f8"])
def test_numbers_of_every_type_are_numbers_and_their_pairs_yes_and_no(dtype: str) -> None:
    rows = np.arange(60)
    found = kinds(count=(rows % 13).astype(dtype), switch=(rows % 2).astype(dtype))
    assert found["count"] == "number"
    assert found["switch"] == "boolean"


def test_unsigned_numbers_beyond_all_signed_ones_are_read() -> None:
    top = np.array([2**64 - 1 - 2**56 * (row * 7 % 60) for row in range(60)], np.uint64)
    assert kinds(x=top)["x"] == "text"  # of so many digits they are codes, and no quantities
    labels = np.array([2**64 - 1, 2**64 - 2] * 30, np.uint64)
    assert len(netpick.look((np.arange(180.0).reshape(60, 3) % 7, labels)).schema.targets) == 1


def test_the_largest_numbers_warn_of_nothing() -> None:
    assert kinds(x=[(-1) ** row * 1.7e308 for row in range(60)])["x"] == "number"


def test_dates_behind_the_calendar_are_no_dates() -> None:
    far = [f"+{100_000 + row % 9}-01-01" for row in range(60)]
    assert kinds(d=far, x=[row % 7 for row in range(60)])["d"] != "datetime"


def test_categories_that_are_intervals_are_words() -> None:
    frame = pd.DataFrame({"age": pd.cut(pd.Series(range(60)), 5), "x": [row % 7 for row in range(60)], "y": LABELS})
    field = next(field for field in netpick.look(frame, "y").schema.fields if field.name == "age")
    assert field.num_distinct == 5
