"""Every kind of a table's column, on whatever cells: finite outputs, learned from training rows alone, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from netpick.columns.kinds import KINDS
from netpick.types import TableColumn

NUMBERS = st.one_of(st.none(), st.floats(), st.floats(-10, 10), st.integers(-5, 5).map(float))
TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.sampled_from(
        ["yes", "no", "YES", " true", "2024-02-30", "2024-05-06", "0001-01-01", "1e400", "-inf", "nan", "0010"]
    ),
)
CELLS: dict[str, tuple[st.SearchStrategy[Any], pl.DataType]] = {
    "number": (NUMBERS, pl.Float64()),
    "category": (TEXTS, pl.String()),
    "boolean": (TEXTS, pl.String()),
    "datetime": (TEXTS, pl.String()),
    "text": (TEXTS, pl.String()),
}
kinds = pytest.mark.parametrize("name", CELLS)


def column(cells: list[Any], dtype: pl.DataType) -> TableColumn:
    return TableColumn(name="x", values=pl.Series("x", cells, dtype=dtype))


def drawn(data: st.DataObject, name: str, least: int = 1) -> tuple[list[Any], pl.DataType]:
    cells, dtype = CELLS[name]
    return data.draw(st.lists(cells, min_size=least, max_size=24)), dtype


@kinds
@settings(max_examples=40)
@given(data=st.data())
def test_whatever_the_cells_the_outputs_are_finite_and_in_range(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    cells, dtype = drawn(data, name)
    others, _ = drawn(data, name)
    state = kind.fit(column(cells, dtype), np.arange(len(cells)))
    encoded = kind.encode(column(others, dtype), state)
    assert len(encoded) == len(others)
    assert np.isfinite(encoded).all()
    if kind.form == "vector":
        assert encoded.shape[1] == len(kind.value_names("x", state))
        assert np.abs(encoded).max() <= 20
    else:
        assert encoded.min() >= 0
        most = kind.cardinalities(state) if kind.form == "codes" else (kind.spec("x", state).cardinalities)
        assert (encoded < np.array(most)).all()


@kinds
@settings(max_examples=30)
@given(data=st.data())
def test_only_training_rows_are_learned_from(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    cells, dtype = drawn(data, name, least=4)
    half = len(cells) // 2
    replaced, _ = drawn(data, name, least=len(cells) - half)
    changed = [*cells[:half], *replaced[: len(cells) - half]]
    if name in ("boolean", "datetime"):  # which texts mean yes, and how dates are written, is asked of the whole column
        return
    rows = np.arange(half)
    assert kind.fit(column(cells, dtype), rows) == kind.fit(column(changed, dtype), rows)


@kinds
@settings(max_examples=30)
@given(data=st.data())
def test_rows_do_not_depend_on_their_neighbours_or_order(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    cells, dtype = drawn(data, name, least=2)
    state = kind.fit(column(cells, dtype), np.arange(len(cells)))
    together = kind.encode(column(cells, dtype), state)
    order = data.draw(st.permutations(range(len(cells))))
    shuffled = kind.encode(column([cells[i] for i in order], dtype), state)
    assert np.array_equal(shuffled, together[list(order)])
    row = data.draw(st.integers(0, len(cells) - 1))
    assert np.array_equal(kind.encode(column([cells[row]], dtype), state)[0], together[row])


@kinds
@settings(max_examples=30)
@given(data=st.data())
def test_what_was_learned_survives_json(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    cells, dtype = drawn(data, name)
    state = kind.fit(column(cells, dtype), np.arange(len(cells)))
    adapter = TypeAdapter(kind.State)
    assert adapter.validate_json(adapter.dump_json(state)) == state


@given(seen=st.lists(st.text("abc", max_size=3), min_size=1, max_size=9), new=st.text("xyz", min_size=1, max_size=3))
def test_categories_never_seen_share_the_code_of_missing_ones(seen: list[str], new: str) -> None:
    kind = KINDS["category"]
    state = kind.fit(column(list(seen), pl.String()), np.arange(len(seen)))
    codes = kind.encode(column([new, None, *seen], pl.String()), state)[:, 0].tolist()
    assert codes[:2] == [0, 0]
    assert 0 not in codes[2:]
    assert len(set(codes[2:])) == len(set(seen))


@settings(max_examples=60)
@given(cells=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), missing=st.booleans())
def test_larger_numbers_are_never_encoded_as_smaller_ones(cells: list[float], missing: bool) -> None:
    kind = KINDS["number"]
    known = column([*cells, *([None] if missing else [])], pl.Float64())
    encoded = kind.encode(known, kind.fit(known, np.arange(len(known.values))))[: len(cells), 0]
    order = np.argsort(cells, kind="stable")
    assert (np.diff(encoded[order]) >= -1e-6).all()
