"""Folders of texts and JSON lines: layouts, encodings, given parts, and what is said about odd files."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import polars as pl
import pytest

from netpick.data.sources import READERS, ReadOptions, open_source
from netpick.data.sources.running_text import RunningTextReader
from netpick.errors import DataError
from netpick.tasks.schema import infer_schema
from netpick.types import TEST, TRAIN, Source, TableColumn


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def cells(source: Source, name: str = "text") -> list[str | None]:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return column.values.to_list()  # type: ignore[no-any-return]


def said(source: Source, subject: str) -> str:
    return " ".join(note.text for note in source.notes if note.subject == subject)


def test_a_file_a_text_in_class_folders(tmp_path: Path) -> None:
    files = {
        "good/1.txt": "Fine.\n",
        "good/b/2.txt": "Very fine",
        "bad/1.txt": "Not so.",
        "loose.txt": "?",
        "x.log": "-",
    }
    source = open_source(write(tmp_path / "reviews", files))
    assert (source.layout, source.target, source.given_split) == ("text_folder", "label", None)
    assert cells(source) == ["Not so.", "Fine.", "Very fine"]
    assert cells(source, "label") == ["bad", "good", "good"]
    assert source.row_names == ["bad/1.txt", "good/1.txt", "good/b/2.txt"]
    assert said(source, "files") == (
        "1 other file is left out: no texts by their endings. 1 texts beside the class folders are left out: they have no "
        "class."
    )
    schema = infer_schema(source)
    assert [(f.name, f.kind) for f in schema.features] == [("text", "text")]


def test_a_file_a_class_with_a_text_a_line(tmp_path: Path) -> None:
    files = {
        "Irish.txt": "Murphy\r\nO'Neill\r\n\r\n",
        "Polish.txt": "Wójcik\n",
        "Empty.txt": "",
        "README.txt": "About.",
    }
    source = open_source(write(tmp_path / "names", files))
    assert (source.layout, source.target) == ("text_lines", "label")
    assert cells(source) == ["Murphy", "O'Neill", "Wójcik"]
    assert source.row_names == ["Irish.txt: line 1", "Irish.txt: line 2", "Polish.txt: line 1"]
    assert "Empty.txt: empty, so there is no example of such a class and it is not learned." in said(source, "classes")
    assert "1 blank lines are left out." in said(source, "lines")


@pytest.mark.parametrize("layout", ["folders", "lines"])
def test_given_parts_are_taken(layout: str, tmp_path: Path) -> None:
    made = {
        "folders": {
            f"{part}/{label}/{i}.txt": f"{label} {i}" for part in ("train", "test") for label in "ab" for i in (1, 2)
        },
        "lines": {f"{part}/{label}.txt": f"{label}1\n{label}2\n" for part in ("train", "test") for label in "ab"},
    }
    path = write(tmp_path / "data", made[layout])
    source = open_source(path)
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN] * 4 + [TEST] * 4
    assert cells(source, "label") == ["a", "a", "b", "b"] * 2
    assert "train (train)" in said(source, "split")
    assert open_source(path, test="none").given_split is None


def test_wrapping_folders_mean_nothing(tmp_path: Path) -> None:
    lines = write(tmp_path / "archive", {"names/A.txt": "x\ny", "names/B.txt": "z"})
    assert open_source(lines).layout == "text_lines"
    folders = write(tmp_path / "other", {"all/a/1.txt": "x", "all/b/1.txt": "y", "all/b/2.txt": "z"})
    assert cells(open_source(folders), "label") == ["a", "b", "b"]


def test_pictures_with_captions_stay_pictures(tmp_path: Path) -> None:
    files = {f"{label}/{i}.{end}": "x" for label in ("cat", "dog") for i in range(3) for end in ("txt", "jpg")}
    path = write(tmp_path / "pets", {**files, "classes.txt": "cat\ndog"})
    assert next(reader.name for reader in READERS.values() if reader.recognises(path)) == "image_folder"


def test_every_file_says_its_own_encoding(tmp_path: Path) -> None:
    german = "Die Straße führt über große Brücken und schöne Hügel nach München, wo Bären träumen."
    files: dict[str, str | bytes] = {
        "a/1.txt": german,
        "a/2.txt": german.encode("cp1252"),
        "b/1.txt": german.encode("utf-16"),
        "b/2.txt": german.encode("utf-8-sig"),
    }
    source = open_source(write(tmp_path / "mixed", files))
    assert cells(source) == [german] * 4
    for words in ("1 file in utf-8", "1 file in cp1252 (2.txt)", "1 file in utf-16 (1.txt)"):
        assert words in said(source, "encoding")


def test_files_that_are_no_text_are_left_out_and_named(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a/1.txt": "fine", "a/2.txt": b"half\0text", "b/1.txt": "well", "b/2.txt": ""}
    source = open_source(write(tmp_path / "mixed", files))
    assert cells(source) == ["fine", "well", None]
    (bad,) = source.unreadable
    assert (bad.path, bad.reason) == ("a/2.txt", "byte 4 is zero, so it is binary data rather than text")
    given = open_source(
        write(tmp_path / "latin", {"a/1.txt": "ok", "b/1.txt": b"caf\xe9"}), options=ReadOptions(encoding="utf-8")
    )
    assert [row.reason for row in given.unreadable] == ["byte 3 (0xe9) is not utf-8"]


REFUSED: dict[str, tuple[dict[str, str | bytes], str]] = {
    "one text": ({"input.txt": "To be"}, "holds 1 text file (input) but no classes"),
    "parts": ({"ptb.train.txt": "x", "ptb.test.txt": "y"}, "holds 2 text files (ptb.test, ptb.train) but no classes"),
    "one class": ({"a/1.txt": "x", "a/2.txt": "y"}, "2 text files of one line each and no class folders"),
    "a line each": ({"a.txt": "x", "b.txt": "y"}, "2 text files of one line each"),
    "binary class": ({"a.txt": "x\ny", "b.txt": b"\0\1"}, "b.txt cannot be read: byte 0 is zero"),
    "all binary": ({"a/1.txt": b"\0", "b/1.txt": b"\0"}, "so it is binary data rather than text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_said(name: str, tmp_path: Path) -> None:
    files, words = REFUSED[name]
    with pytest.raises(DataError) as caught:
        open_source(write(tmp_path / "data", files))
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    outside = write(tmp_path, {"secret.txt": "x"}) / "secret.txt"
    path = write(tmp_path / "data", {"a/1.txt": "x", "b/1.txt": "y"})
    os.symlink(outside, path / "a" / "2.txt")
    with pytest.raises(DataError, match="is a link to"):
        open_source(path)


ROWS = [{"text": "good film", "label": 1}, {"text": "bad film", "label": 0, "stars": 1.5}, {"text": "  ", "label": 0}]


def test_json_lines_are_a_table(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(row) for row in ROWS)
    plain = write(tmp_path, {"films.jsonl": text}) / "films.jsonl"
    packed = write(tmp_path, {"packed.ndjson.gz": gzip.compress(text.encode())}) / "packed.ndjson.gz"
    wide = write(tmp_path, {"wide.jsonl": text.encode("utf-16")}) / "wide.jsonl"
    for path in (plain, packed, wide):
        source = open_source(path)
        assert source.layout == "json_lines"
        assert cells(source) == ["good film", "bad film", None]
        assert cells(source, "stars") == [None, 1.5, None]
        assert cells(source, "label") == [1, 0, 0]


def test_objects_in_json_are_columns_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, {"x.jsonl": '{"a": 1, "b": {"c": 2}}\n{"a": 2, "b": {"c": 3}}\n'}) / "x.jsonl"
    source = open_source(path)
    assert list(source.columns) == ["a", "b.c"]
    assert "Column 'b' holds objects, read as 1 columns: 'b.c'" in said(source, "columns")


def test_json_lines_beside_each_other_give_the_split(tmp_path: Path) -> None:
    path = write(tmp_path / "films", {"train.jsonl": '{"a": 1}\n{"a": 2}', "test.jsonl": '{"a": 3}'})
    source = open_source(path)
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN, TRAIN, TEST]


BAD_LINES = {
    "text": ('{"a": 1}\nhello\n', "line 2: 'hello' is no JSON"),
    "list": ('{"a": 1}\n[1]\n', "line 2: '[1]' is a JSON list, not an object"),
    "open": ('{"a": 1}\n{"a": ', "line 2: '{\"a\":' is no JSON"),
    "deep": ('{"a": 1}\n' + "[" * 100_000, "line 2"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_the_line_at_fault_is_named(name: str, tmp_path: Path) -> None:
    text, words = BAD_LINES[name]
    with pytest.raises(DataError) as caught:
        open_source(write(tmp_path, {"x.jsonl": text}) / "x.jsonl")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


def test_one_word_strings_are_read_when_nothing_else_is_left(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "id": range(60),
            "dna": [f"{i:06b}".replace("0", "a").replace("1", "g") for i in range(60)],
            "label": list("xy") * 30,
        }
    )
    schema = infer_schema(open_source(frame))
    assert [(f.name, f.kind) for f in schema.features] == [("dna", "text")]
    assert any("read as text" in note.text and note.override == "--kind" for note in schema.notes)
    beside = infer_schema(open_source(frame.with_columns(size=pl.Series([i * 1.5 for i in range(60)]))))
    assert [f.name for f in beside.features] == ["size"]


def test_files_of_class_folders_may_have_any_ending_or_none(tmp_path: Path) -> None:
    """As 20 newsgroups are distributed."""
    root = tmp_path / "news"
    for part, count in (("news-train", 6), ("news-test", 3)):
        for label in ("alt.atheism", "sci.space"):
            (root / part / label).mkdir(parents=True)
            for number in range(count):
                (root / part / label / str(53_000 + number)).write_bytes(
                    f"From: a@b\n\nOn {label} {number} \xe9\n".encode("latin-1")
                )
    source = open_source(root)
    assert source.layout == "text_folder"
    assert source.num_rows == 18
    assert source.given_split is not None
    assert (source.given_split == TEST).sum() == 6
    label = source.columns["label"]
    assert isinstance(label, TableColumn)
    assert set(label.values) == {"alt.atheism", "sci.space"}


def test_folders_of_other_files_are_no_texts(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(4):
            (tmp_path / label / f"{number}").write_bytes(bytes(range(256)))
    with pytest.raises(DataError):
        open_source(tmp_path)


def test_texts_that_say_they_have_no_class_are_left_out(tmp_path: Path) -> None:
    parts = {"train/pos": 3, "train/neg": 3, "train/unsup": 9, "test/pos": 2, "test/neg": 2}
    files = {f"{folder}/{i}.txt": "some words here" for folder, count in parts.items() for i in range(count)}
    source = open_source(write(tmp_path, files))
    assert set(cells(source, "label")) == {"pos", "neg"}
    assert "9 texts in unsup/ are left out: its name says that they have no label" in said(source, "files")


def test_a_class_that_is_called_unknown_stays_one(tmp_path: Path) -> None:
    files = {f"{folder}/{i}.txt": "some words here" for folder in ("pos", "neg", "unknown") for i in range(3)}
    assert set(cells(open_source(write(tmp_path, files)), "label")) == {"pos", "neg", "unknown"}


def test_two_classes_of_which_one_says_that_it_has_no_label_stay_two(tmp_path: Path) -> None:
    files = {f"{folder}/{i}.txt": "some words here" for folder in ("spam", "unlabeled") for i in range(3)}
    assert set(cells(open_source(write(tmp_path, files)), "label")) == {"spam", "unlabeled"}


@pytest.mark.parametrize(
    "line",
    ["red,{i},small and round", "red small {i} yes", "north  Hill  {i}", "{i};a word;another"],
)
def test_tables_in_a_txt_file_are_no_running_text(line: str, tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("".join(line.format(i=i) + "\n" for i in range(60)))
    assert not RunningTextReader().recognises(tmp_path / "table.txt")


def test_lines_of_objects_are_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"some words, {i}", "label": "ab"[i % 2]}) + "\n" for i in range(8))
    for name in ("t.csv", "t.txt", "t"):
        source = open_source(write(tmp_path, {name: lines}) / name)
        assert cells(source)[:2] == ["some words, 0", "some words, 1"]
    assert list(open_source(write(tmp_path, {"u.csv": "{a},b\n{x},1\n{y},2\n"}) / "u.csv").columns) == ["{a}", "b"]
