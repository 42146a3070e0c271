"""Ids that meet are inputs, ratings are quantities, and what the user says of a column outranks all that."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from netpick.columns.kinds.category import FEW_CATEGORIES, Category
from netpick.contest.prepare import FitOptions, prepare
from netpick.data.sources import open_source
from netpick.errors import UnseenValues
from netpick.tasks.ratings import find_ratings
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.types import Schema, TableColumn
from tests.quick_models import quick_model
from tests.ratings_table import ratings_table


def schema_of(frame: pl.DataFrame, **options: object) -> Schema:
    return infer_schema(open_source(frame), SchemaOptions(**options))  # type: ignore[arg-type]


def roles(schema: Schema) -> dict[str, tuple[str | None, str]]:
    return {f.name: (f.kind, f.role) for f in schema.fields}


def test_a_table_of_ratings_is_seen_as_one() -> None:
    schema = schema_of(ratings_table(600))
    assert schema.task == "regress"
    assert roles(schema) == {
        "userId": ("category", "feature"),
        "movieId": ("category", "feature"),
        "rating": ("number", "target"),
    }
    (note,) = [note for note in schema.notes if note.subject == "task"]
    assert "the ids 'userId' and 'movieId' are inputs" in note.text
    assert note.override == "--task"


def test_a_given_task_and_split_outrank_it() -> None:
    frame = ratings_table(600)
    assert schema_of(frame, task="classify").task == "classify"
    prepared = prepare(frame, FitOptions(split="group:userId"))
    user = frame["userId"].to_numpy()
    assert not set(user[prepared.split.train]) & set(user[prepared.split.test])


def test_an_explicit_kind_makes_an_id_an_input() -> None:
    frame = ratings_table(600).rename({"rating": "minutes"})
    assert roles(schema_of(frame, target=("minutes",)))["userId"] == (None, "group")
    said = roles(schema_of(frame, target=("minutes",), kinds=(("userId", "category"),)))
    assert said["userId"] == ("category", "feature")
    number = roles(schema_of(frame, target=("minutes",), kinds=(("movieId", "number"),)))
    assert number["movieId"] == ("number", "feature")


@pytest.mark.parametrize(
    "frame",
    [
        # one row an id: nothing is known of any of them
        pl.DataFrame({"userId": range(400), "movieId": range(400), "rating": [1, 2, 3, 4] * 100}),
        # a shop lies in one town: its id says all that the town's does
        pl.DataFrame({"shop": [i % 40 for i in range(400)], "place": [i % 8 for i in range(400)], "rating": [1, 2, 3, 4] * 100}),
        # nothing is called an id
        pl.DataFrame({"stay": [i % 20 for i in range(400)], "rooms": [i // 20 for i in range(400)], "rating": [1, 2, 3, 4] * 100}),
        # the target is no rating
        ratings_table(400).rename({"rating": "label"}),
    ],
    ids=["one row an id", "nested", "no ids", "no rating"],
)  # fmt: skip
def test_other_tables_are_no_ratings(frame: pl.DataFrame) -> None:
    target = frame.columns[-1]
    assert find_ratings(open_source(frame).columns, (target,), ()) is None


def test_whole_numbers_that_are_called_ids_are_names() -> None:
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({"zone_id": generator.integers(1, 60, 500), "fare": generator.normal(20, 3, 500)})
    (field,) = [f for f in schema_of(frame, target=("fare",)).fields if f.name == "zone_id"]
    assert (field.kind, field.role) == ("category", "feature")
    assert field.reason == "ids of 59 things that come again"


def test_rows_of_few_categories_are_no_copies() -> None:
    """One column of ids beside the target: every row is like many others, and none is a copy."""
    frame = ratings_table(3_000).select("movieId", "rating")
    prepared = prepare(frame, FitOptions(task="regress", target=("rating",)))
    assert not len(prepared.copied)
    assert [f.severity for f in prepared.findings if f.code == "D001"] in ([], ["info"])
    item = frame["movieId"].to_numpy()
    assert (
        len(np.intersect1d(item[prepared.split.train], item[prepared.split.test])) > 0.9 * frame["movieId"].n_unique()
    )


def test_what_an_id_says_makes_no_copies_of_its_rows() -> None:
    """A thing's name, year and price repeat with its id: rows of it are no copies, and are on both sides."""
    frame = ratings_table(3_000).select("movieId", pl.col("rating").alias("minutes"))
    year = 1950 + (frame["movieId"] * 7) % 61
    frame = frame.with_columns(title="film " + pl.col("movieId").cast(pl.String), year=year, price=year / 7 + 3)
    prepared = prepare(frame, FitOptions(task="regress", target=("minutes",)))
    assert not len(prepared.copied)
    assert "identical rows" not in prepared.split.sentence
    twice = pl.concat([frame.with_columns(seen=pl.Series(np.random.default_rng(0).normal(size=3_000)))] * 2)
    copies = prepare(twice, FitOptions(task="regress", target=("minutes",)))
    assert "identical rows kept together" in copies.split.sentence


def test_rare_ids_share_the_code_of_unknown_ones_and_it_is_said() -> None:
    common = [f"u{i % (FEW_CATEGORIES + 200)}" for i in range(4 * (FEW_CATEGORIES + 200))]
    cells = pl.Series("user", [*common, *(f"rare{i}" for i in range(50)), None])
    column = TableColumn(name="user", values=cells)
    kind = Category()
    state = kind.fit(column, np.arange(len(cells)))
    assert len(state.values) == FEW_CATEGORIES + 200
    assert state.pooled == 50
    (note,) = kind.notes("user", state)
    assert "50 of them are rare" in note.text
    codes = kind.encode(TableColumn(name="user", values=pl.Series(["u7", "rare7", "never seen", None])), state)
    assert codes[0, 0] > 0
    assert codes[1:, 0].tolist() == [0, 0, 0]


def test_unknown_ids_are_answered_and_said() -> None:
    model = quick_model(ratings_table(1_500), models="fm")
    source = model.read(pl.DataFrame({"userId": [100, 99_999, 88_888], "movieId": [7_000, 7_000, 7_003]}))
    (note,) = [note for note in source.notes if note.subject == "unseen values"]
    assert "2 cells of 'userId'" in note.text
    with pytest.warns(UnseenValues, match="2 cells of 'userId'"):
        answers = model.predict(pl.DataFrame({"userId": [99_999, 88_888], "movieId": [7_000, 7_000]}))
    assert answers["prediction"][0] == answers["prediction"][1]
