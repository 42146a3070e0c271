"""Labels in columns of their own: which are taken for labels, and what their cells say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from netpick.data.sources import open_source
from netpick.errors import RequestError
from netpick.tasks import TASKS
from netpick.tasks.schema import SchemaOptions, infer_schema
from netpick.types import TableColumn

N = 240
NAMES = ("toxic", "obscene", "insult")
WORDS = ("good", "bad", "old", "new", "warm", "cold", "fast", "slow", "red", "blue")


def comments(**more: object) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    texts = [f"{i} is what they say of the {' '.join(rng.choice(WORDS, 6))}" for i in range(N)]
    labels = {name: rng.integers(0, 2, N) for name in NAMES}
    return pl.DataFrame({"comment": texts, **labels, **more})


def test_labels_beside_a_text_are_all_targets() -> None:
    schema = infer_schema(open_source(comments(id=[f"c{i:05}" for i in range(N)])))
    assert tuple(f.name for f in schema.targets) == NAMES
    assert schema.task == "multilabel"
    assert [f.name for f in schema.features] == ["comment"]
    (note,) = [note for note in schema.notes if note.subject == "target"]
    assert note.text.startswith("columns 'toxic', 'obscene', 'insult' (yes or no in each")
    assert note.override == "--target"


def test_what_the_user_says_outranks_it() -> None:
    schema = infer_schema(open_source(comments()), SchemaOptions(target=("insult",)))
    assert [f.name for f in schema.targets] == ["insult"]
    assert schema.task == "classify"


@pytest.mark.parametrize("name", ["label", "churned"])
def test_a_column_whose_name_says_so_is_the_only_target(name: str) -> None:
    schema = infer_schema(open_source(comments(**{name: [i % 3 == 0 for i in range(N)]})))
    assert [f.name for f in schema.targets] == [name]


def test_beside_numbers_yes_and_no_may_be_inputs() -> None:
    frame = comments(likes=np.random.default_rng(1).normal(size=N))
    with pytest.raises(RequestError, match="does not say which column to predict"):
        infer_schema(open_source(frame))


def test_columns_that_divide_the_rows_are_no_labels() -> None:
    part = ["train", "test"] * (N // 2)
    schema = infer_schema(open_source(comments(part=part, user_id=[f"u{i % 20}" for i in range(N)])))
    assert tuple(f.name for f in schema.targets) == NAMES


def test_marks_leave_the_others_empty() -> None:
    marked = {name: [("x" if k % 3 == i else None) for k in range(N)] for i, name in enumerate(NAMES)}
    frame = comments().with_columns(pl.Series(name, cells) for name, cells in marked.items())
    schema = infer_schema(open_source(frame))
    assert tuple(f.name for f in schema.targets) == NAMES
    columns = [TableColumn(name=name, values=frame[name]) for name in NAMES]
    task = TASKS["multilabel"]
    state = task.fit(columns, np.arange(N))
    assert state.empty_is_none
    assert task.encode(columns, state)[:4].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_where_a_no_is_written_an_empty_cell_is_unknown() -> None:
    columns = [TableColumn(name=n, values=pl.Series(n, [0, 1, None, 1] * 10)) for n in "ab"]
    task = TASKS["multilabel"]
    state = task.fit(columns, np.arange(40))
    assert task.encode(columns, state)[:4, 0].tolist() == [0, 1, -1, 1]


def test_new_rows_of_one_answer_alone_are_read_as_they_were_learned() -> None:
    task = TASKS["multilabel"]
    state = task.fit([TableColumn(name=n, values=pl.Series(n, [0, 1] * 10)) for n in "ab"], np.arange(20))
    new = [
        TableColumn(name="a", values=pl.Series("a", ["1", "1"])),
        TableColumn(name="b", values=pl.Series("b", ["0", "0"])),
    ]
    assert task.encode(new, state).tolist() == [[1, 0], [1, 0]]
