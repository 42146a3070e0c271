"""What a model file keeps of the rows it learned from, and how often it takes others for them."""

from __future__ import annotations

import numpy as np
import pytest

from netpick.columns.row_hashes import hash_rows
from netpick.tasks.learned import MOST_KEPT, learned_rows, overlap
from netpick.types import Array


def encoded(n: int, seed: int = 0) -> dict[str, Array]:
    generator = np.random.default_rng(seed)
    return {
        "vector": generator.normal(size=(n, 5)).astype(np.float32),
        "codes": generator.integers(0, 4, (n, 3)).astype(np.int32),
        "tokens": generator.integers(0, 99, (n, 7)).astype(np.int32),
    }


NOTHING = np.zeros(0, dtype=np.int64)


def test_training_and_validation_rows_are_counted_apart() -> None:
    arrays = encoded(1000)
    learned = learned_rows(arrays, np.arange(600), np.arange(600, 700), np.arange(700, 1000))
    found = overlap(learned, arrays, np.arange(500, 900))
    assert (found.rows, found.trained, found.validated, found.exact) == (400, 100, 100, True)
    assert found.sentence == (
        "100 of 400 rows were learned from and 100 more are its validation rows: this score is too optimistic."
    )
    assert overlap(learned, arrays, np.arange(700, 1000)).sentence == "None of the 300 rows was learned from."


def test_rows_are_known_in_any_order_and_from_any_table() -> None:
    arrays = encoded(500)
    learned = learned_rows(arrays, np.arange(400), NOTHING, np.arange(400, 500))
    order = np.random.default_rng(1).permutation(500)
    again = {name: array[order] for name, array in arrays.items()}
    assert overlap(learned, again, np.arange(500)).trained == 400


def test_of_many_rows_the_number_is_estimated() -> None:
    n = 4 * MOST_KEPT
    arrays = {"vector": np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)}
    learned = learned_rows(arrays, np.arange(n // 2), NOTHING, np.arange(n // 2, n))
    assert len(learned.train.hashes) < 90_000
    found = overlap(learned, arrays, np.arange(n // 2 - 3000, n // 2 + 3000))
    assert not found.exact
    assert abs(found.trained - 3000) < 200
    assert found.sentence.startswith("About ")


def test_rows_that_were_never_seen_are_not_called_learned_from() -> None:
    learned = learned_rows(encoded(5000), np.arange(5000), NOTHING, NOTHING)
    for seed in range(1, 30):
        assert overlap(learned, encoded(2000, seed), np.arange(2000)).seen == 0


def test_rows_that_repeat_by_chance_are_not_called_learned_from() -> None:
    codes = np.random.default_rng(0).integers(0, 3, (3000, 3)).astype(np.int32)
    learned = learned_rows({"codes": codes}, np.arange(2000), NOTHING, np.arange(2000, 3000))
    assert learned.by_chance > 0.99
    assert overlap(learned, {"codes": codes}, np.arange(2500, 3000)).seen == 0


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32"])
def test_one_changed_value_makes_another_hash(dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, 200, (64, 4, 9)).astype(dtype)
    rows = np.arange(64)
    before = hash_rows({"a": values}, rows)
    assert len(np.unique(before)) == 64
    values[:, 3, 8] += 1
    assert not np.isin(hash_rows({"a": values}, rows), before).any()


def test_hashes_stay_the_same_from_version_to_version() -> None:
    arrays = {"codes": np.arange(6, dtype=np.int32).reshape(2, 3), "vector": np.ones((2, 1), dtype=np.float32)}
    assert [f"{value:x}" for value in hash_rows(arrays, np.arange(2))] == ["14f4543099fddc31", "c8ed4e76998fc8b0"]
