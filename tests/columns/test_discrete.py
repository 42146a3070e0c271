"""Cells become codes and places, and come back as they were."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from netpick.columns.discrete import DiscreteState, decimals_of, decode_discrete, encode_discrete, fit_discrete

RANDOM = np.random.default_rng(0)
DAYS = [date(2020, 1, 1) + timedelta(days=int(day)) for day in RANDOM.integers(0, 2_000, 600)]
MOMENTS = [datetime(2021, 5, 4) + timedelta(seconds=int(second)) for second in RANDOM.integers(0, 10**7, 600)]
COLUMNS = {
    "whole": ("number", pl.Series("x", RANDOM.integers(-50, 50, 400))),
    "many whole": ("number", pl.Series("x", RANDOM.integers(0, 10**9, 900))),
    "two decimals": ("number", pl.Series("x", RANDOM.lognormal(3, 2, 900).round(2))),
    "any decimals": ("number", pl.Series("x", RANDOM.normal(size=900))),
    "mostly zero": (
        "number",
        pl.Series("x", np.where(RANDOM.random(2_000) < 0.9, 0, RANDOM.integers(1, 10**6, 2_000))),
    ),
    "missing": ("number", pl.Series("x", [None if i % 7 == 0 else i * 0.5 for i in range(800)])),
    "words": ("category", pl.Series("x", ["red", "green", None, "Straße"] * 50)),
    "enum": ("category", pl.Series("x", ["low", "high", "mid"] * 30, dtype=pl.Enum(["low", "mid", "high"]))),
    "truths": ("boolean", pl.Series("x", [True, False, None] * 40)),
    "codes": ("category", pl.Series("x", [3, 1, 2] * 40)),
    "dates": ("datetime", pl.Series("x", DAYS)),
    "moments": ("datetime", pl.Series("x", MOMENTS)),
    "written dates": ("datetime", pl.Series("x", [day.strftime("%d.%m.%Y") for day in DAYS])),
    "written moments": ("datetime", pl.Series("x", [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in MOMENTS])),
}


def fitted(kind: str, series: pl.Series) -> DiscreteState:
    state = fit_discrete(series, kind, np.arange(len(series)))
    assert state is not None
    return state


@pytest.mark.parametrize("name", COLUMNS)
def test_decoding_is_the_inverse_of_encoding(name: str) -> None:
    kind, series = COLUMNS[name]
    state = fitted(kind, series)
    codes, places = encode_discrete(series, state)
    assert codes.min() >= 0
    assert codes.max() < state.cardinality
    assert ((places >= 0) & (places <= 1)).all()
    again = decode_discrete(codes, places, state)
    if state.decimals == -1 and kind == "number":
        np.testing.assert_allclose(again.to_numpy(), series.to_numpy(), rtol=1e-9)
    elif isinstance(series.dtype, pl.Enum):
        assert again.to_list() == series.cast(pl.String).to_list()
    else:
        assert again.to_list() == series.to_list()
        assert again.dtype == series.dtype


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=400), st.integers(0, 4))
def test_numbers_of_any_distribution_come_back(whole: list[int], decimals: int) -> None:
    series = pl.Series("x", [number / 10**decimals for number in whole])
    state = fitted("number", series)
    again = decode_discrete(*encode_discrete(series, state), state)
    np.testing.assert_allclose(again.to_numpy(), series.to_numpy(), rtol=1e-12)


def test_a_larger_code_is_a_larger_number() -> None:
    state = fitted(*COLUMNS["mostly zero"])
    middles = decode_discrete(np.arange(1, state.cardinality), np.full(state.cardinality - 1, 0.5), state)
    assert (np.diff(middles.to_numpy()) > 0).all()
    assert state.bins > 1
    assert state.atoms == (0.0,)


def test_what_is_made_up_lies_within_what_was_seen_and_has_its_decimals() -> None:
    kind, series = COLUMNS["two decimals"]
    state = fitted(kind, series)
    codes = np.random.default_rng(1).integers(1, state.cardinality, 500).astype(np.int32)
    made = decode_discrete(codes, np.random.default_rng(2).random(500), state).to_numpy()
    assert made.min() >= series.to_numpy().min()
    assert made.max() <= series.to_numpy().max()
    assert decimals_of(made) <= 2


def test_values_that_were_not_learned_from_are_missing_and_numbers_beyond_lie_at_the_ends() -> None:
    state = fit_discrete(pl.Series("x", ["a", "b", "c"]), "category", np.array([0, 1]))
    assert state is not None
    assert encode_discrete(pl.Series("x", ["c", None, "b"]), state)[0].tolist() == [0, 0, 2]
    state = fitted(*COLUMNS["many whole"])
    far = pl.Series("x", [-(10**12), 10**12])
    ends = decode_discrete(*encode_discrete(far, state), state).to_list()
    assert ends == [COLUMNS["many whole"][1].min(), COLUMNS["many whole"][1].max()]


def test_a_category_of_too_many_values_and_a_text_are_refused() -> None:
    assert fit_discrete(pl.Series("x", [f"n{i}" for i in range(1_500)]), "category", np.arange(1_500)) is None
    assert fit_discrete(pl.Series("x", ["a b c"] * 9), "text", np.arange(9)) is None


def test_the_state_is_json_and_forged_ones_are_refused() -> None:
    adapter = TypeAdapter(DiscreteState)
    for kind, series in COLUMNS.values():
        state = fitted(kind, series)
        assert adapter.validate_json(adapter.dump_json(state)) == state
    for wrong in (
        {"values": ("a", "a")},
        {"atoms": (2.0, 1.0)},
        {"knots": (1.0, 2.0)},
        {"values": ("a",), "atoms": (1.0,)},
        {"format": "%Q"},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            DiscreteState(column="x", cells="text", ordered=False, **wrong)  # type: ignore[arg-type]
