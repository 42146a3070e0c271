"""Every kind in KINDS keeps the contract of kinds/base.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter

from netpick.columns.forms import FORMS, LENGTHS
from netpick.columns.kinds import KINDS
from netpick.types import ArrayColumn, Column, TableColumn

N = 400


def table(name: str, cells: list[Any]) -> TableColumn:
    return TableColumn(name=name, values=pl.Series(name, cells))


def numbers() -> Column:
    cells: list[float | None] = np.random.default_rng(0).lognormal(size=N).tolist()
    cells[3] = cells[N - 1] = None
    return table("price", cells)


def series() -> Column:
    values = np.random.default_rng(0).normal(size=(N, 12, 2)).astype(np.float32)
    values[5, 3, 1] = np.nan
    lengths = np.full(N, 12, dtype=np.int32)
    lengths[::3] = 7
    values[::3, 7:] = 0
    return ArrayColumn(name="curve", values=values, kind="series", lengths=lengths)


def sounds() -> Column:
    values = np.random.default_rng(0).integers(0, 256, (N, 12, 8)).astype(np.uint8)
    lengths = np.random.default_rng(1).integers(1, 13, N).astype(np.int32)
    values[np.arange(12) >= lengths[:, None]] = 0
    decoding = {"sample_rate": 8000, "window": 200, "hop": 80, "frames": 12, "mels": 8, "range_db": 80.0}
    return ArrayColumn(name="sound", values=values, kind="audio", lengths=lengths, decoding=decoding)


def texts() -> Column:
    words = [
        "the",
        "a",
        "small",
        "large",
        "red",
        "green",
        "house",
        "tree",
        "runs",
        "sleeps",
        "quickly",
        "slowly",
        "2024",
        "again",
    ]
    generator = np.random.default_rng(0)
    cells = [" ".join(generator.choice(words, generator.integers(4, 12))) for _ in range(N)]
    return table("note", [None if i % 50 == 7 else "" if i == 9 else cell for i, cell in enumerate(cells)])


def sentences() -> Column:
    words = ["the", "Thames", "is", "a", "river", "in", "1984", "U.S.", "antidisestablishmentarianism", ","]
    generator = np.random.default_rng(0)
    cells = [" ".join(generator.choice(words, 3 + i % 5)) for i in range(N)]
    return table("words", [None if i == 7 else "" if i == 9 else cell for i, cell in enumerate(cells)])


def scenes() -> Column:
    generator = np.random.default_rng(0)
    sizes = np.stack([generator.integers(3, 10, N), generator.integers(3, 9, N)], axis=1).astype(np.int32)
    values = generator.integers(0, 256, (N, 3, 9, 8)).astype(np.uint8)
    for row, (height, width) in enumerate(sizes.tolist()):
        values[row, :, height:], values[row, :, :, width:] = 0, 0
    return ArrayColumn(name="photo", values=values, kind="scene", sizes=sizes)


# One sample a kind; a new kind adds one line here.
SAMPLES: dict[str, Callable[[], Column]] = {
    "number": numbers,
    "category": lambda: table("city", [None if i % 50 == 7 else "abcdefgh"[i % 8] for i in range(N)]),
    "boolean": lambda: table("member", [None if i % 50 == 7 else ("Yes" if i % 3 else "no") for i in range(N)]),
    "datetime": lambda: table("day", [None if i == 9 else f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)]),
    "image": lambda: ArrayColumn(
        name="photo", kind="image", values=np.random.default_rng(0).integers(0, 256, (N, 3, 9, 8)).astype(np.uint8)
    ),
    "scene": scenes,
    "text": texts,
    "sentence": sentences,
    "series": series,
    "audio": sounds,
    "clip": lambda: ArrayColumn(
        name="clip", kind="clip", values=np.random.default_rng(0).integers(0, 256, (N, 5, 3, 9, 8)).astype(np.uint8)
    ),
}

kinds = pytest.mark.parametrize("name", sorted(KINDS))
# Most texts are read as a whole; as sentences of words those are read that have a tag for each.
claiming = pytest.mark.parametrize("name", sorted(set(KINDS) - {"sentence"}))


def test_every_kind_has_a_sample() -> None:
    assert set(SAMPLES) == set(KINDS)


@claiming
def test_claims_its_own_sample_more_strongly_than_any_other_kind(name: str) -> None:
    column = SAMPLES[name]()
    claims = {other: claim for other, kind in KINDS.items() if (claim := kind.claim(column)) is not None}
    assert max(claims, key=lambda other: claims[other].strength) == name
    assert claims[name].reason


@kinds
def test_declared_outputs_equal_what_is_encoded(name: str) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    state = kind.fit(column, np.arange(N // 2))
    encoded = kind.encode(column, state)
    names = kind.value_names("x", state)
    assert len(encoded) == N
    form = FORMS[kind.form]
    assert encoded.dtype == form.stored
    assert encoded.ndim == 1 + form.axes
    if kind.form not in ("tokens", "words"):
        channels = encoded.shape[1] if kind.form in ("vector", "codes", "grid", "scene") else encoded.shape[2]
        assert channels == len(names)
    if not form.joined:
        spec, lengths = kind.spec("x", state), kind.lengths(column, state, encoded)
        assert (spec.form, spec.shape) == (kind.form, encoded.shape[1:])
        assert spec.padded == (lengths is not None)
        assert lengths is None or (lengths.dtype == LENGTHS and lengths.max() <= spec.shape[0])
    if kind.form == "codes":
        cardinalities = np.array(kind.cardinalities(state))
        assert (encoded >= 0).all()
        assert (encoded < cardinalities).all()
    else:
        assert np.isfinite(encoded.astype(np.float64)).all()


@kinds
def test_learns_from_the_given_rows_only(name: str) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    rows = np.arange(N // 2)
    if isinstance(column, TableColumn):
        changed: Column = TableColumn(
            name=column.name,
            values=pl.concat(
                [column.values[: N // 2], column.values[:1].extend_constant(column.values[0], N // 2 - 1)]
            ),
        )
    else:
        assert isinstance(column, ArrayColumn)
        values = column.values.copy()
        values[N // 2 :] = 1
        changed = replace(column, values=values)
    assert kind.fit(column, rows) == kind.fit(changed, rows)


@kinds
def test_state_survives_json_bit_for_bit(name: str) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    state = kind.fit(column, np.arange(N))
    adapter = TypeAdapter(kind.State)
    restored = adapter.validate_json(adapter.dump_json(state))
    assert restored == state
    assert np.array_equal(kind.encode(column, restored), kind.encode(column, state))


@kinds
def test_rows_are_encoded_one_by_one_as_together(name: str) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    state = kind.fit(column, np.arange(N))
    together = kind.encode(column, state)
    for row in (0, 3, 9, N - 1):
        if isinstance(column, TableColumn):
            alone: Column = TableColumn(name=column.name, values=column.values[row : row + 1])
        else:
            assert isinstance(column, ArrayColumn)
            lengths = None if column.lengths is None else column.lengths[row : row + 1]
            alone = replace(column, values=column.values[row : row + 1], lengths=lengths)
        assert np.array_equal(kind.encode(alone, state)[0], together[row])


@pytest.mark.parametrize("name", [name for name, kind in sorted(KINDS.items()) if FORMS[kind.form].joined])
def test_unseen_missing_and_empty_cells_are_encoded(name: str) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    state = kind.fit(column, np.arange(N))
    odd = {"number": [1e300, -1e300, None, float("nan")], "category": ["never seen", None, "", " "]}
    cells = odd.get(name, ["nonsense", None, "", "2031-02-30"])
    strange = TableColumn(name=column.name, values=pl.Series(column.name, cells))
    encoded = kind.encode(strange, state)
    assert encoded.shape[0] == 4
    assert np.isfinite(encoded).all()
    empty = TableColumn(name=column.name, values=pl.Series(column.name, cells)[:0])
    assert len(kind.encode(empty, state)) == 0


@kinds
def test_fitting_on_missing_cells_alone_does_not_fail(name: str) -> None:
    kind, column = KINDS[name], SAMPLES[name]()
    if isinstance(column, TableColumn):
        blank = TableColumn(name=column.name, values=pl.Series(column.name, [None] * 5, dtype=column.values.dtype))
        state = kind.fit(blank, np.arange(5))
        assert np.isfinite(kind.encode(blank, state)).all()


def test_numbers_stored_as_text_name_their_stray_cells() -> None:
    cells = [str(i) for i in range(200)]
    cells[11] = "about 12"
    claim = KINDS["number"].claim(table("age", cells))
    assert claim is not None
    assert list(claim.stray) == [(11, "about 12")]


def test_infinite_numbers_count_as_missing() -> None:
    column = table("x", [1.0, float("inf"), 3.0, float("-inf"), float("nan"), None])
    claim = KINDS["number"].claim(column)
    assert claim is not None
    assert claim.num_missing == 4


def test_quantile_scaling_gives_a_standard_normal_whatever_the_distribution() -> None:
    cells = np.random.default_rng(1).lognormal(2.0, 3.0, size=5_000)
    column = table("income", cells.tolist())
    kind = KINDS["number"]
    encoded = kind.encode(column, kind.fit(column, np.arange(5_000)))[:, 0]
    assert abs(encoded.mean()) < 0.02
    assert abs(encoded.std() - 1) < 0.03
    assert np.array_equal(np.argsort(encoded, kind="stable"), np.argsort(cells.astype(np.float64), kind="stable"))
