"""Whatever the rows, a split keeps its word: nothing on two sides, groups and twins together, time in order, classes in share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from netpick.tasks.split import TOO_FEW, SplitRequest, make_split
from netpick.types import TEST, TRAIN, UNASSIGNED, VALIDATION, Array, Field, Schema, Source, Split, TableColumn

SIZES = st.integers(1, 400)
SEEDS = st.integers(0, 1_000)


def source_of(n: int, given_split: Array | None = None, **cells: Sequence[object] | Array) -> Source:
    columns = {name: TableColumn(name=name, values=pl.Series(name, values)) for name, values in cells.items()}
    return Source(
        name="rows", origin="test", layout="frame", columns=columns, num_rows=n, fingerprint="0", given_split=given_split
    )  # fmt: skip


def schema_of(source: Source, **kinds: str) -> Schema:
    fields = [
        Field(
            name=name,
            kind=kinds.get(name, "number"),
            role="group" if kinds.get(name) == "group" else "target" if name == "y" else "feature",
            reason="",
            num_missing=0,
            num_distinct=2,
        )
        for name in source.columns
    ]
    return Schema(fields=fields, task="classify")


def parts(split: Split) -> dict[str, set[int]]:
    return {name: set(getattr(split, name).tolist()) for name in ("train", "validation", "test")}


def nothing_is_on_two_sides(split: Split, labelled: Array) -> None:
    found = parts(split)
    if split.method == "none":
        assert all(part == set(np.flatnonzero(labelled).tolist()) for part in found.values())
        return
    assert not found["train"] & found["validation"]
    assert not found["train"] & found["test"]
    assert not found["validation"] & found["test"]
    assert all(found.values()), {name: len(part) for name, part in found.items()}
    for part in (split.train, split.validation, split.test):
        assert len(part) == len(set(part.tolist()))
        assert (np.diff(part) > 0).all()
        assert labelled[part].all()


@st.composite
def plain(draw: st.DrawFn) -> tuple[Source, SplitRequest]:
    """Rows of some classes, some without a target, some of them twins."""
    n = draw(SIZES)
    labelled = draw(arrays.arrays(np.bool_, n, elements=st.sampled_from([True, True, True, False])))
    kinds = draw(st.integers(1, 5))
    classes = draw(arrays.arrays(np.int64, n, elements=st.integers(0, kinds - 1))) if draw(st.booleans()) else None
    twins = draw(arrays.arrays(np.int64, n, elements=st.integers(0, n))) if draw(st.booleans()) else None
    request = SplitRequest(labelled=labelled, classes=classes, groups=twins, rule="random", seed=draw(SEEDS))
    return source_of(n, a=np.arange(n), y=np.zeros(n)), request


@given(plain())
def test_random_splits(case: tuple[Source, SplitRequest]) -> None:
    source, request = case
    split = make_split(source, schema_of(source), request)
    whole = int(request.labelled.sum())
    assert (split.method == "none") == (whole < TOO_FEW)
    again = make_split(source, schema_of(source), request)
    assert all(np.array_equal(a, b) for a, b in zip(vars(split).values(), vars(again).values(), strict=True))
    if request.groups is None:
        nothing_is_on_two_sides(split, request.labelled)
        if split.method == "random":
            together = np.concatenate([split.train, split.validation, split.test])
            assert set(together.tolist()) == set(np.flatnonzero(request.labelled).tolist())
            assert abs(len(split.test) - 0.2 * whole) <= 1 + (
                0 if request.classes is None else request.classes.max() + 1
            )
    elif split.method == "random":
        sides = [set(request.groups[part].tolist()) for part in (split.train, split.validation, split.test)]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]


@given(n=st.integers(100, 600), shares=st.lists(st.integers(1, 20), min_size=2, max_size=4), seed=SEEDS, order=SEEDS)
def test_every_class_is_in_every_part_in_its_share(n: int, shares: list[int], seed: int, order: int) -> None:
    classes = np.sort(np.arange(n) % sum(shares))
    classes = np.searchsorted(np.cumsum(shares), classes, side="right")
    classes = np.random.default_rng(order).permutation(classes)
    source = source_of(n, a=np.arange(n), y=classes)
    request = SplitRequest(labelled=np.ones(n, dtype=bool), classes=classes, groups=None, rule="random", seed=seed)
    split = make_split(source, schema_of(source), request)
    for label, count in enumerate(np.bincount(classes)):
        assert abs((classes[split.test] == label).sum() - 0.2 * count) <= 1
        left = count - (classes[split.test] == label).sum()
        assert abs((classes[split.validation] == label).sum() - 0.15 * left) <= 1
        if count >= 3:
            assert all((classes[part] == label).any() for part in (split.train, split.validation, split.test))


@given(
    sizes=st.lists(st.one_of(st.integers(1, 8), st.integers(1, 90)), min_size=3, max_size=40), seed=SEEDS, order=SEEDS,
    names=st.booleans(),
)  # fmt: skip
def test_groups_stay_together(sizes: list[int], seed: int, order: int, names: bool) -> None:
    groups = np.random.default_rng(order).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(groups)
    cells = [f"who {g}" for g in groups] if names else groups
    source = source_of(n, who=cells, y=np.zeros(n))
    request = SplitRequest(labelled=np.ones(n, dtype=bool), classes=None, groups=None, rule="group:who", seed=seed)
    split = make_split(source, schema_of(source), request)
    nothing_is_on_two_sides(split, request.labelled)
    if split.method == "group":
        sides = [set(groups[part].tolist()) for part in (split.train, split.validation, split.test)]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]
        inferred = make_split(source, schema_of(source, who="group"), SplitRequest(**{**vars(request), "rule": None}))
        assert inferred.method == "group"
        assert np.array_equal(inferred.test, split.test)


@given(
    days=st.lists(st.one_of(st.integers(0, 60), st.none()), min_size=1, max_size=300), whole=st.booleans(), seed=SEEDS
)
def test_time_runs_forward(days: list[int | None], whole: bool, seed: int) -> None:
    n = len(days)
    labelled = np.ones(n, dtype=bool) if whole else np.random.default_rng(seed).random(n) < 0.8
    times = np.array([np.inf if day is None else day for day in days], dtype=np.float64)
    source = source_of(n, when=days, y=np.zeros(n))
    if not np.isfinite(times[labelled]).any():
        return
    request = SplitRequest(labelled=labelled, classes=None, groups=None, rule="time:when", seed=seed)
    split = make_split(source, schema_of(source), request)
    nothing_is_on_two_sides(split, labelled)
    if split.method == "time":
        assert times[split.train].max() <= times[split.validation].min()
        assert times[split.validation].max() <= times[split.test].min()


@given(marks=st.lists(st.sampled_from([TRAIN, VALIDATION, TEST, UNASSIGNED]), min_size=5, max_size=200), seed=SEEDS)
@settings(max_examples=60)
def test_given_parts_are_honoured(marks: list[int], seed: int) -> None:
    given_split = np.array(marks, dtype=np.int8)
    learn = (given_split != TEST) & (given_split != VALIDATION)
    has_test = (given_split == TEST).any()
    if learn.sum() < (2 if has_test else TOO_FEW) or not (has_test or (given_split == VALIDATION).any()):
        return
    n = len(marks)
    source = source_of(n, given_split, a=np.arange(n), y=np.zeros(n))
    request = SplitRequest(labelled=np.ones(n, dtype=bool), classes=None, groups=None, seed=seed)
    split = make_split(source, schema_of(source), request)
    nothing_is_on_two_sides(split, request.labelled)
    if has_test:
        assert np.array_equal(split.test, np.flatnonzero(given_split == TEST))
    if (given_split == VALIDATION).any():
        assert split.validation_given
        assert np.array_equal(split.validation, np.flatnonzero(given_split == VALIDATION))
        held_out = set() if has_test else set(split.test.tolist())
        assert set(split.train.tolist()) == set(np.flatnonzero(learn).tolist()) - held_out
    else:
        assert set(split.train.tolist()) | set(split.validation.tolist()) == set(np.flatnonzero(learn).tolist())
