"""The split: what is honoured, what is inferred, and what is kept apart."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from netpick.errors import NetpickError
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.tasks.split import SealedRows, SplitRequest, apart, make_split
from netpick.types import TEST, TRAIN, UNASSIGNED, VALIDATION, Source, Split, TableColumn

N = 1000


def source_of(given: np.ndarray | None = None, **cells: object) -> Source:
    columns = {name: pl.Series(name, values) for name, values in cells.items()}
    return Source(
        name="sample",
        origin="test",
        layout="frame",
        num_rows=N,
        fingerprint="0",
        given_split=given,
        columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
    )


def split_of(source: Source, rule: str | None = None, seed: int = 0, groups: np.ndarray | None = None) -> Split:
    schema = infer_schema(source, SchemaOptions(target=("y",)))
    codes = source.columns["y"].values.rank("dense").to_numpy().astype(np.int64) - 1  # type: ignore[union-attr]
    request = SplitRequest(labelled=np.ones(N, dtype=bool), classes=codes, rule=rule, seed=seed, groups=groups)
    return make_split(source, schema, request)


def parts_are_disjoint(split: Split) -> bool:
    together = np.concatenate([split.train, split.validation, split.test])
    return len(np.unique(together)) == len(together) == N


x = np.random.default_rng(0).normal(size=N)
rare = ["rare" if i % 100 == 0 else "common" for i in range(N)]


def test_random_split_is_by_class_and_depends_on_the_seed_alone() -> None:
    source = source_of(x=x, y=rare)
    split = split_of(source)
    assert split.method == "random"
    assert parts_are_disjoint(split)
    is_rare = np.array(rare) == "rare"
    assert is_rare[split.test].sum() == 2
    assert is_rare[split.validation].sum() >= 1
    assert np.array_equal(split.test, split_of(source).test)
    assert not np.array_equal(split.test, split_of(source, seed=1).test)


def test_identical_rows_stay_on_one_side() -> None:
    groups = np.arange(N) // 4
    split = split_of(source_of(x=x, y=rare), groups=groups)
    parts = [set(groups[rows]) for rows in (split.train, split.validation, split.test)]
    assert not parts[0] & parts[2]
    assert not parts[0] & parts[1]
    assert "identical rows kept together" in split.sentence


def test_one_row_that_is_half_of_the_data_fills_no_part() -> None:
    groups = np.where(np.arange(N) % 2 == 0, 0, np.arange(N))
    for seed in range(5):
        split = split_of(source_of(x=x, y=rare), groups=groups, seed=seed)
        assert 90 <= len(split.test) <= 210
        assert not (groups[split.test] == 0).any()
        assert not (groups[split.validation] == 0).any()
        assert "one that comes 500 times is learned from" in split.sentence


def test_few_rows_that_all_come_often_are_still_divided() -> None:
    groups = np.arange(N) % 10
    split = split_of(source_of(x=x, y=rare), groups=groups)
    assert len(set(groups[split.test])) >= 2
    assert not set(groups[split.test]) & set(groups[split.train])
    assert "is learned from" not in split.sentence


def test_rows_that_stand_apart_are_numbered_anew() -> None:
    groups = apart(np.array([7, 7, 3, 3, 7]), np.array([True, True, False, False, False]))
    assert len(set(groups.tolist())) == 4
    assert groups[2] == groups[3]


def test_a_column_of_dates_in_order_splits_by_time() -> None:
    days = [str(date(2001, 1, 1) + timedelta(days=i)) for i in range(N)]
    split = split_of(source_of(day=days, x=x, y=rare))
    assert split.method == "time"
    assert split.train.max() < split.validation.min()
    assert split.validation.max() < split.test.min()
    assert "column 'day'" in split.sentence


def test_dates_out_of_order_do_not_split_by_time_unless_asked() -> None:
    days = [f"2001-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)]
    source = source_of(day=days, x=x, y=rare)
    assert split_of(source).method == "random"
    assert split_of(source, rule="time:day").method == "time"


def hours(shuffle: bool = False) -> dict[str, list[int]]:
    days = [date(2001, 12, 20) + timedelta(days=i // 24) for i in range(N)]
    order = np.random.default_rng(0).permutation(N) if shuffle else np.arange(N)
    parts = {"year": [d.year for d in days], "month": [d.month for d in days], "day": [d.day for d in days]}
    parts["hour"] = [i % 24 for i in range(N)]
    return {name: [cells[i] for i in order] for name, cells in parts.items()}


def test_time_that_is_spread_over_number_columns_orders_the_rows() -> None:
    split = split_of(source_of(**hours(), x=x, y=rare))
    assert split.method == "time"
    assert split.train.max() < split.validation.min()
    assert split.validation.max() < split.test.min()
    assert "columns 'year,month,day,hour'" in split.sentence


def test_spread_time_out_of_order_is_used_when_asked() -> None:
    source = source_of(**hours(shuffle=True), x=x, y=rare)
    assert split_of(source).method == "random"
    split = split_of(source, rule="time:year,month,day,hour")
    in_order = np.argsort(np.random.default_rng(0).permutation(N))
    assert set(split.test) == set(in_order[-len(split.test) :])


def test_columns_that_make_no_time_are_refused() -> None:
    with pytest.raises(NetpickError, match="do not make a time"):
        split_of(source_of(**hours(), x=x, y=rare), rule="time:hour,x")


def test_a_repeated_entity_splits_by_group() -> None:
    patients = [i % 50 for i in range(N)]
    split = split_of(source_of(patient_id=patients, x=x, y=rare))
    assert split.method == "group"
    sides = [{patients[row] for row in rows} for rows in (split.train, split.validation, split.test)]
    assert not sides[0] & sides[2]
    assert not sides[0] & sides[1]
    assert not sides[1] & sides[2]
    assert all(sides)
    assert split_of(source_of(patient_id=patients, x=x, y=rare), rule="random").method == "random"


def test_given_parts_are_honoured() -> None:
    given = np.full(N, UNASSIGNED, dtype=np.int8)
    given[800:] = TEST
    split = split_of(source_of(given, x=x, y=rare))
    assert np.array_equal(split.test, np.arange(800, N))
    assert len(split.validation) == 120
    given[600:800] = VALIDATION
    split = split_of(source_of(given, x=x, y=rare))
    assert np.array_equal(split.validation, np.arange(600, 800))
    assert np.array_equal(split.train, np.arange(600))


def test_a_given_validation_part_is_never_learned_from() -> None:
    given = np.full(N, TRAIN, dtype=np.int8)
    given[700:] = VALIDATION
    split = split_of(source_of(given, x=x, y=rare))
    assert np.array_equal(split.validation, np.arange(700, N))
    assert len(split.test) == 140
    assert parts_are_disjoint(split)
    assert split.validation_given
    assert "validation rows are used as they are and are never learned from" in split.sentence
    assert not split_of(source_of(given, x=x, y=rare), rule="random").validation_given


def test_test_rows_beside_a_given_validation_part_follow_the_groups() -> None:
    given = np.full(N, TRAIN, dtype=np.int8)
    given[700:] = VALIDATION
    patients = [i % 50 for i in range(N)]
    split = split_of(source_of(given, patient_id=patients, x=x, y=rare))
    assert np.array_equal(split.validation, np.arange(700, N))
    assert not {patients[row] for row in split.train} & {patients[row] for row in split.test}
    assert "no patient_id is in both" in split.sentence


def test_a_given_validation_part_beside_too_few_rows_says_what_to_type() -> None:
    given = np.full(N, VALIDATION, dtype=np.int8)
    given[:10] = TRAIN
    with pytest.raises(NetpickError, match=r"10 training rows.*--test FILE"):
        split_of(source_of(given, x=x, y=rare))


@pytest.mark.parametrize(
    ("rule", "words"),
    [("by day", "--split random"), ("time:nope", "no column 'nope'"), ("group:y", "fewer than three groups")],
)
def test_impossible_rules_say_what_to_type(rule: str, words: str) -> None:
    with pytest.raises(NetpickError, match=words):
        split_of(source_of(x=x, y=rare), rule=rule)


def test_sealed_rows_count_their_openings() -> None:
    sealed = SealedRows(np.arange(3))
    assert sealed.openings == []
    sealed.open("scores")
    assert sealed.openings == ["scores"]
