"""open_source: paths, frames and arrays; partners found by name; given test rows; one Source of several parts."""

from __future__ import annotations

import gzip
from datetime import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import netpick
from netpick.data.sources import READERS, ReadOptions, open_files, open_source
from netpick.data.sources.delimited import DelimitedReader
from netpick.data.sources.opening import open_with
from netpick.errors import DataError, RequestError
from netpick.types import TEST, TRAIN, VALIDATION, ArrayColumn, FileColumn, Source, TableColumn


def counts(source: Source) -> dict[int, int]:
    assert source.given_split is not None
    parts, numbers = np.unique(source.given_split, return_counts=True)
    return dict(zip(parts.tolist(), numbers.tolist(), strict=True))


def values(source: Source, name: str) -> list[object]:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)


# --- partners --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("x_train.csv", "x_test.csv"),
        ("X_TRAIN.CSV", "x_test.csv"),
        ("digits.tra", "digits.tes"),
        ("train.tsv", "test.tsv"),
        ("adult.data", "adult.test"),
    ],
)
@pytest.mark.parametrize("given", [0, 1])
def test_either_partner_finds_the_other(tmp_path: Path, train: str, test: str, given: int) -> None:
    (tmp_path / train).write_text("1,x\n2,y\n3,x\n")
    (tmp_path / test).write_text("4,y\n")
    path = tmp_path / (train, test)[given]
    source = open_source(path)
    assert counts(source) == {TRAIN: 3, TEST: 1}
    assert values(source, "column_1") == [1, 2, 3, 4]
    assert source.origin == str(path)
    assert source.notes[-1].override == "--test none"
    assert train in source.notes[-1].text


def test_validation_partner(tmp_path: Path) -> None:
    write(tmp_path, train__csv="a,b\n1,x\n", dev__csv="a,b\n2,x\n", test__csv="a,b\n3,x\n")
    assert counts(open_source(tmp_path / "train.csv")) == {TRAIN: 1, VALIDATION: 1, TEST: 1}


@pytest.mark.parametrize("off", ["option", "word"])
def test_partners_are_left_alone_when_asked(tmp_path: Path, off: str) -> None:
    write(tmp_path, x_train__csv="a,b\n1,x\n", x_test__csv="a,b\n2,x\n")
    path = tmp_path / "x_train.csv"
    source = (
        open_source(path, options=ReadOptions(find_test=False)) if off == "option" else open_source(path, test="none")
    )
    assert source.num_rows == 1
    assert source.given_split is None


def test_partner_with_other_columns_is_not_used_and_said(tmp_path: Path) -> None:
    write(tmp_path, train__csv="a,label\n1,x\n", test__csv="a,b\n2,3\n")
    source = open_source(tmp_path / "train.csv")
    assert source.given_split is None
    assert "test.csv lies beside it, but is not used: it lacks 'label'" in source.notes[-1].text


def test_columns_of_parts_get_one_type(tmp_path: Path) -> None:
    write(tmp_path, x_train__csv="a,b,c\n1,2,02134\n", x_test__csv="b,a,c\n2.5,7?,10001\n")
    source = open_source(tmp_path / "x_train.csv")
    assert values(source, "a") == ["1", "7?"]
    assert values(source, "b") == [2.0, 2.5]
    assert values(source, "c") == ["02134", "10001"]


def test_rows_of_parts_are_named(tmp_path: Path) -> None:
    write(tmp_path, x_train__csv="a,b\n1,x\n2,x\n", x_test__csv="a,b\n3,x\n")
    source = open_source(tmp_path / "x_train.csv")
    assert source.name == "x"
    assert source.row_names is not None
    assert list(source.row_names) == ["x_train.csv: row 1", "x_train.csv: row 2", "x_test.csv: row 1"]
    assert source.row_names[-1] == "x_test.csv: row 1"


def test_folder_of_one_family_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    write(folder, digits__tra="1,2\n3,4\n", digits__tes="5,6\n", readme__md="hello")
    source = open_source(folder)
    assert counts(source) == {TRAIN: 2, TEST: 1}
    assert "digits.tra is read" in source.notes[0].text


def test_folder_prefers_the_family_with_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "Vowels"
    folder.mkdir()
    text = "@classLabel true a b\n@data\n1,2:a\n2,1:b\n"
    for name in ("Vowels_TRAIN", "Vowels_TEST", "Vowels_eq_TRAIN", "Vowels_eq_TEST"):
        (folder / f"{name}.ts").write_text(text)
    source = open_source(folder)
    assert source.name == "Vowels"
    assert counts(source) == {TRAIN: 2, TEST: 2}


# --- given test rows -------------------------------------------------------------------------------------------------


def test_given_test_file(tmp_path: Path) -> None:
    write(tmp_path, some__csv="a,b\n1,x\n", other__csv="a,b\n2,y\n")
    source = open_source(tmp_path / "some.csv", test=tmp_path / "other.csv")
    assert counts(source) == {TRAIN: 1, TEST: 1}
    assert source.notes[-1].override == "--test"
    alone = open_source(tmp_path / "some.csv")
    assert alone.fingerprint != source.fingerprint


def test_given_test_frame_and_arrays() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert counts(open_source(frame, test=frame.head(1))) == {TRAIN: 2, TEST: 1}
    x, y = np.zeros((4, 3)), np.array([0, 1, 0, 1])
    assert counts(open_source((x, y), test=(x[:1], y[:1]))) == {TRAIN: 4, TEST: 1}


def test_given_test_image_folder_elsewhere(tmp_path: Path) -> None:
    for name in ("a/cat/1.png", "a/dog/2.png", "b/c/cat/3.png", "b/c/dog/4.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / name)
    source = open_source(tmp_path / "a", test=tmp_path / "b" / "c")
    column = source.columns["image"]
    assert isinstance(column, FileColumn)
    assert column.root == tmp_path
    assert list(column.paths) == ["a/cat/1.png", "a/dog/2.png", "b/c/cat/3.png", "b/c/dog/4.png"]
    assert source.row_names == ["cat/1.png", "dog/2.png", "cat/3.png", "dog/4.png"]


def test_series_of_different_lengths_are_padded_together(tmp_path: Path) -> None:
    header = "@classLabel true a b\n@data\n"
    write(tmp_path, s_TRAIN__ts=header + "1,2,3:a\n", s_TEST__ts=header + "4,5:b\n")
    column = open_source(tmp_path / "s_TEST.ts").columns["series"]
    assert isinstance(column, ArrayColumn)
    assert column.values.shape == (2, 3, 1)
    assert column.lengths is not None
    assert column.lengths.tolist() == [3, 2]
    assert column.values[1, :, 0].tolist() == [4, 5, 0]


# --- frames ----------------------------------------------------------------------------------------------------------


def test_polars_frame() -> None:
    frame = pl.DataFrame({"a": [1.0, float("nan")], "b": ["x", None], "c": [[1], [2]]})
    source = open_source(frame)
    assert source.layout == "frame"
    assert values(source, "a") == [1.0, None]
    assert list(source.columns) == ["a", "b", "c"]
    assert source.notes[0].text == "Column 'c' holds lists, read as labels."
    assert open_source(frame.lazy()).fingerprint == source.fingerprint


def test_pandas_frame() -> None:
    index = pd.date_range("2020-01-01", periods=3, name="day")
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], 5: ["x", None, "z"], "m": [1, "two", None]}, index=index)
    frame["c"] = pd.Categorical(["u", "v", "u"])
    source = open_source(frame)
    assert list(source.columns) == ["day", "a", "5", "m", "c"]
    assert values(source, "a") == [1.0, None, 3.0]
    assert values(source, "m") == ["1", "two", None]
    assert source.notes[0].text == "The frame's index is read as column 'day'."
    plain = pd.DataFrame({"a": [1, 2]}, index=[7, 9])
    assert list(open_source(plain).columns) == ["a"]


def test_cells_that_python_has_and_a_csv_has_not() -> None:
    frame = pd.DataFrame({"long": [10**30, 2 * 10**30, None], "took": pd.to_timedelta([90, 60, None], unit="s")})
    source = open_source(frame)
    assert values(source, "long") == [1e30, 2e30, None]
    assert values(source, "took")[:2] == pytest.approx([90.0, 60.0])
    assert values(source, "took")[2] is None
    assert [note.text for note in source.notes] == ["Column 'took' holds durations, read as seconds."]
    assert values(open_source(pl.DataFrame({"at": [time(6, 30), time(0)]})), "at") == pytest.approx([6.5, 0.0])


@pytest.mark.skipif(int(pl.__version__.partition(".")[0]) < 2, reason="polars 1 cannot write them as text")
def test_whole_numbers_of_128_bits_are_read() -> None:
    source = open_source(pl.DataFrame({"n": pl.Series([10**30, 1], dtype=pl.Int128)}))
    assert values(source, "n") == [str(10**30), "1"]


def test_a_target_that_no_kind_reads_is_said_to_be_one(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0] * 10, "tags": [[["a"]], [["a", "b"]]] * 10})
    with pytest.raises(RequestError, match=r"'tags' holds List\(List\(String\)\) cells.*plain cells"):
        netpick.fit(frame, "tags", out=tmp_path / "run")


def test_pyarrow_table() -> None:
    table = pa.Table.from_arrays([pa.array([1, 2]), pa.array(["x", None])], names=["a", "a"])
    source = open_source(table)
    assert list(source.columns) == ["a", "a_2"]


def test_frames_of_equal_content_have_equal_fingerprints() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "yz"], "d": [True, False, None]})
    pieces = pl.concat([frame.head(1), frame.tail(2)], rechunk=False)
    assert open_source(frame).fingerprint == open_source(pieces).fingerprint
    for other in (frame.with_columns(b=pl.Series(["xy", None, "z"])), frame.rename({"a": "c"}), frame.head(2)):
        assert open_source(other).fingerprint != open_source(frame).fingerprint


def test_own_missing_words_in_frames() -> None:
    source = open_source(pl.DataFrame({"a": [1, -9], "b": ["x", "-9"]}), options=ReadOptions(missing=("-9",)))
    assert values(source, "a") == [1, None]
    assert values(source, "b") == ["x", None]


def test_frame_with_labels_beside_it() -> None:
    source = open_source((pd.DataFrame({"a": [1, 2]}), pd.Series(["x", "y"])))
    assert list(source.columns) == ["a", "label"]
    assert source.target == "label"


# --- image files without labels --------------------------------------------------------------------------------------


def test_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one.png", "two.png"):
        Image.new("L", (4, 4)).save(name)
    source = open_files([Path("one.png"), tmp_path / "two.png"], column="photo")
    column = source.columns["photo"]
    assert isinstance(column, FileColumn)
    assert list(column.paths) == ["one.png", "two.png"]
    assert source.row_names == ["one.png", str(tmp_path / "two.png")]
    with pytest.raises(RequestError, match=r"Did you mean .*one.png"):
        open_files([Path("ome.png")], column="photo")


def test_explicit_test_with_other_columns_is_refused(tmp_path: Path) -> None:
    write(tmp_path, some__csv="a,label\n1,x\n", other__csv="a,b\n2,3\n")
    with pytest.raises(DataError, match="lacks 'label' and it has 'b' besides"):
        open_source(tmp_path / "some.csv", test=tmp_path / "other.csv")
    with pytest.raises(DataError, match="no target column 'label'"):
        open_source(tmp_path / "some.csv", test=tmp_path / "other.csv", target="label")


def test_gzip_partners(tmp_path: Path) -> None:
    for name in ("x_train.csv.gz", "x_test.csv.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"a,b\n1,x\n"))
    assert counts(open_source(tmp_path / "x_test.csv.gz")) == {TRAIN: 1, TEST: 1}


def test_real_splits(shared_data: Path) -> None:
    assert counts(open_source(shared_data / "tables" / "adult_test.csv")) == {TRAIN: 32561, TEST: 16281}
    assert counts(open_source(shared_data / "pen_digits")) == {TRAIN: 7494, TEST: 3498}
    assert counts(open_source(shared_data / "pneumonia" / "pneumoniamnist.npz")) == {
        TRAIN: 2428,
        VALIDATION: 270,
        TEST: 468,
    }
    assert counts(open_source(shared_data / "mnist")) == {TRAIN: 60000, TEST: 10000}
    vowels = open_source(shared_data / "series" / "JapaneseVowels")
    assert counts(vowels) == {TRAIN: 270, TEST: 370}
    column = vowels.columns["series"]
    assert isinstance(column, ArrayColumn)
    assert column.values.shape == (640, 29, 12)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    class Slow(DelimitedReader):
        """A reader that somebody writes behind."""

        def read(self, path: Path, options: ReadOptions) -> Source:
            source = super().read(path, options)
            with path.open("a") as file:
                file.write("5,6\n")
            return source

    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    assert open_with(READERS, path, options=ReadOptions(), test=None, target=None).num_rows == 2
    with pytest.raises(DataError, match=r"rows\.csv changed while it was read"):
        open_with({**READERS, "csv": Slow()}, path, options=ReadOptions(), test=None, target=None)
