"""Which level of a folder holds parts and classes, and what of it is left out; pictures of one pixel, so that it is quick."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from netpick.data.sources import open_source
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, FileColumn, Source, TableColumn


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            Image.new("L", (1, 1)).save(path)
        else:
            path.write_bytes(b"x")
    return root


def labels(source: Source) -> list[str]:
    column = source.columns["label"]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def files(source: Source, name: str = "image") -> list[str]:
    column = source.columns[name]
    assert isinstance(column, FileColumn)
    return list(column.paths)


def said(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a/training_set/training_set/cat/1.png", "a/training_set/training_set/dog/1.png", "a/test_set/test_set/cat/2.png"), {"cat": 2, "dog": 1}),
        (("seg_train/sea/1.png", "seg_train/hill/1.png", "seg_test/sea/2.png", "seg_pred/3.png"), {"sea": 2, "hill": 1}),
        (("train/cat/1.png", "train/dog/1.png", "test1/cat/2.png"), {"cat": 2, "dog": 1}),
        (("ok/1.png", "ng/1.png", "test/2.png"), {"ok": 1, "ng": 1}),
        (("ok/1.png", "ng/1.png", "test/ok/2.png", "test/ng/3.png"), {"ok": 2, "ng": 2}),
        (("session1/cat/1.png", "session1/dog/1.png", "session2/cat/1.png", "session2/dog/1.png"), {"cat": 2, "dog": 2}),
        (("2021/ok/1.png", "2021/bad/1.png", "2022/ok/1.png", "2022/bad/1.png"), {"ok": 2, "bad": 2}),
        (("subject01/walk/1.png", "subject01/run/1.png", "subject02/walk/1.png"), {"walk": 2, "run": 1}),
        (("happy/anna/1.png", "happy/ben/1.png", "sad/anna/1.png", "sad/ben/1.png"), {"happy": 2, "sad": 2}),
        (("0/anna/1.png", "0/ben/1.png", "1/anna/1.png", "1/ben/1.png"), {"0": 2, "1": 2}),
        (("person1/1.png", "person2/1.png"), {"person1": 1, "person2": 1}),
    ],
)  # fmt: skip
def test_classes_lie_where_a_person_sees_them(tmp_path: Path, names: tuple[str, ...], expected: dict[str, int]) -> None:
    assert Counter(labels(open_source(make(tmp_path / "photos", *names)))) == expected


def test_a_test_folder_with_the_classes_gives_the_split(tmp_path: Path) -> None:
    source = open_source(make(tmp_path / "x", "ok/1.png", "ng/1.png", "test/ok/2.png", "test/ng/3.png"))
    assert source.given_split is not None
    assert sorted(source.given_split.tolist()) == [TRAIN, TRAIN, TEST, TEST]


def test_subjects_above_the_classes_are_kept_together(tmp_path: Path) -> None:
    names = [f"subject{s}/{c}/{i}.png" for s in (1, 2, 3) for c in ("walk", "run") for i in (1, 2)]
    source = open_source(make(tmp_path / "x", *names))
    assert list(source.groups) == ["subject"]
    column = source.columns["subject"]
    assert isinstance(column, TableColumn)
    assert set(column.values) == {"subject1", "subject2", "subject3"}


def test_folders_that_come_again_in_every_class_are_said(tmp_path: Path) -> None:
    source = open_source(make(tmp_path / "x", "happy/anna/1.png", "happy/ben/1.png", "sad/anna/1.png", "sad/ben/1.png"))
    assert "come again in each class" in said(source)
    assert "--label-from" in said(source)


def test_media_of_no_reader_are_named_and_no_class_is_lost(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "cat/1.png", "cat/2.png", "cat/3.heic", "dog/1.png")
    assert "Left out: 1 .heic file (HEIC pictures, which are not read: convert them to JPEG or PNG)" in said(
        open_source(root)
    )
    make(root, "bird/1.cr2")
    with pytest.raises(DataError, match=r"bird holds no images that can be read, but 1 \.cr2 file"):
        open_source(root)


# --- tables beside media ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "cells", "names"),
    [
        ("labels.csv", ["1", "2"], ["train/1.png", "train/2.png"]),
        ("labels.csv", ["1.png", "2.png"], ["images/1.png", "images/2.png"]),
        ("labels.csv", ["a\\1.png", "a\\2.png"], ["a/1.png", "a/2.png"]),
        ("labels.csv", ["./a/1.png", "./a/2.png"], ["a/1.png", "a/2.png"]),
        ("labels.csv", ["/home/anna/a/1.png", "/home/anna/b/1.png"], ["a/1.png", "b/1.png"]),
        ("labels.csv", ["x1.PNG", "x2.PNG"], ["deep/er/x1.png", "deep/er/x2.png"]),
        ("meta/labels.csv", ["1.png", "2.png"], ["photos/1.png", "photos/2.png"]),
    ],
)  # fmt: skip
def test_files_named_in_a_table_are_found(tmp_path: Path, table: str, cells: list[str], names: list[str]) -> None:
    root = make(tmp_path / "data", *names)
    path = root / table
    path.parent.mkdir(exist_ok=True)
    path.write_text("file,label\n" + "".join(f"{cell},{'ab'[i % 2]}\n" for i, cell in enumerate(cells)))
    source = open_source(path)
    column = source.columns["file"]
    assert isinstance(column, FileColumn)
    assert [(column.root / one).is_file() for one in column.paths] == [True, True]


def test_a_name_that_could_mean_two_files_means_none(tmp_path: Path) -> None:
    root = make(tmp_path / "data", "a/1.png", "b/1.png", "c/2.png")
    (root / "labels.csv").write_text("file,label\n1.png,x\n2.png,y\n")
    source = open_source(root / "labels.csv")
    assert files(source, "file") == ["1.png", "c/2.png"]
    assert "1 of 2 are not there" in said(source)


def test_a_folder_of_media_is_read_by_its_table(tmp_path: Path) -> None:
    root = make(tmp_path / "data", *(f"audio/{i}.png" for i in range(4)))
    (root / "meta").mkdir()
    (root / "meta" / "list.csv").write_text("file,label\n" + "".join(f"{i}.png,{'xy'[i % 2]}\n" for i in range(4)))
    source = open_source(root)
    assert files(source, "file") == [f"audio/{i}.png" for i in range(4)]
    assert "meta/list.csv names the files of the folder" in said(source)


def test_class_folders_win_over_a_table_and_it_is_said(tmp_path: Path) -> None:
    root = make(tmp_path / "data", "cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")
    (root / "sizes.csv").write_text("file,size\n" + "".join(f"{i}.png,{i}\n" for i in range(1, 5)))
    source = open_source(root)
    assert Counter(labels(source)) == {"cat": 2, "dog": 2}
    assert "sizes.csv names the same files" in said(source)


def test_folds_are_no_classes_where_a_table_says_more(tmp_path: Path) -> None:
    root = make(tmp_path / "data", *(f"audio/fold{f}/{f}{i}.png" for f in (1, 2) for i in (1, 2)))
    (root / "meta.csv").write_text(
        "file,label\n" + "".join(f"{f}{i}.png,{'xy'[i % 2]}\n" for f in (1, 2) for i in (1, 2))
    )
    assert set(labels(open_source(root))) == {"x", "y"}


# --- boxes --------------------------------------------------------------------------------------------------------------


def test_class_folders_whose_pictures_have_boxes_are_classes(tmp_path: Path) -> None:
    root = make(tmp_path / "x", "cat/1.png", "dog/1.png")
    for name in ("cat", "dog"):
        (root / name / "1.txt").write_text("0 0.5 0.5 0.25 0.3\n")
    assert Counter(labels(open_source(root))) == {"cat": 1, "dog": 1}


def test_a_text_alone_is_no_pair(tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "notes.de").write_text("a dog\n")
    with pytest.raises(DataError, match="holds no images"):
        open_source(alone)


def test_a_folder_of_the_training_part_that_says_it_has_no_labels_is_left_out(tmp_path: Path) -> None:
    names = [f"{part}/{label}/{i}.png" for part in ("train", "test") for label in ("cat", "dog") for i in range(2)]
    source = open_source(make(tmp_path, *names, *[f"train/unlabeled/{i}.png" for i in range(5)]))
    assert set(labels(source)) == {"cat", "dog"}
    assert "5 images in train/unlabeled/ are left out: its name says that they have no label" in said(source)
    tested = open_source(make(tmp_path, "test/unlabeled/1.png"))  # a class of both parts is one
    assert set(labels(tested)) == {"cat", "dog", "unlabeled"}
