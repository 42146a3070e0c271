"""A column that says which rows are for training and which for testing gives the split, unless the user says otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.data.sources import ReadOptions, open_source
from netpick.types import TEST, TRAIN, VALIDATION, Source

ROWS = 60


def table(folder: Path, name: str, parts: list[str]) -> Path:
    path = folder / "table.csv"
    lines = [f"{i * 7 % 13},{parts[i % len(parts)]},{'ab'[i % 2]}" for i in range(ROWS)]
    path.write_text("\n".join([f"size,{name},label", *lines]) + "\n")
    return path


def counts(source: Source) -> dict[int, int]:
    assert source.given_split is not None
    parts, numbers = np.unique(source.given_split, return_counts=True)
    return dict(zip(parts.tolist(), numbers.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "parts", "expected"),
    [
        ("split", ["train", "train", "test"], {TRAIN: 40, TEST: 20}),
        ("part", ["Training", "Validation", "Testing"], {TRAIN: 20, VALIDATION: 20, TEST: 20}),
        ("Usage", ["Training", "PublicTest", "PrivateTest"], {TRAIN: 20, VALIDATION: 20, TEST: 20}),
        ("subset", ["train_set", "dev_set"], {TRAIN: 30, VALIDATION: 30}),
        ("is_valid", ["False", "False", "True"], {TRAIN: 40, VALIDATION: 20}),
        ("is_train", ["1", "0"], {TRAIN: 30, TEST: 30}),
    ],
)
def test_parts_are_read_and_said(name: str, parts: list[str], expected: dict[int, int], tmp_path: Path) -> None:
    source = open_source(table(tmp_path, name, parts))
    assert (counts(source), source.part_column) == (expected, name)
    (note,) = (note for note in source.notes if note.subject == "split")
    assert f"by column '{name}'" in note.text
    assert note.override == f"--test none, or --kind '{name}=category' for an input"


@pytest.mark.parametrize(
    ("name", "parts"),
    [("means", ["train", "bus", "car"]), ("split", ["train"]), ("part", ["test", "dev"]), ("fold", ["1", "2", "3"])],
)
def test_other_columns_are_none(name: str, parts: list[str], tmp_path: Path) -> None:
    source = open_source(table(tmp_path, name, parts))
    assert (source.given_split, source.part_column) == (None, None)


def test_the_column_is_no_input_and_its_test_rows_are_sealed(tmp_path: Path) -> None:
    prepared = netpick.look(str(table(tmp_path, "split", ["train", "train", "test"])))
    (field,) = (field for field in prepared.schema.fields if field.name == "split")
    assert (field.role, field.reason) == ("left_out", "says which rows are for training and testing")
    assert (prepared.split.method, len(prepared.split.test)) == ("given", 20)
    assert [f.name for f in prepared.schema.targets] == ["label"]


def test_what_the_user_says_outranks_it(tmp_path: Path) -> None:
    path = str(table(tmp_path, "split", ["train", "train", "test"]))
    as_input = netpick.look(path, kinds=(("split", "category"),))
    assert [f.role for f in as_input.schema.fields if f.name == "split"] == ["feature"]
    assert as_input.split.method != "given"
    as_target = netpick.look(path, target="split")
    assert [f.name for f in as_target.schema.targets] == ["split"]
    together = open_source(path, options=ReadOptions(find_test=False))
    assert (together.given_split, together.part_column) == (None, "split")
    assert any("put together, as asked" in note.text for note in together.notes)


def test_frames_too(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": range(6), "split": ["train", "test"] * 3, "label": list("ababab")})
    assert counts(open_source(frame)) == {TRAIN: 3, TEST: 3}
