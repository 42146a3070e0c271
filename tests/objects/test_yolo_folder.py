"""YOLO's text files: classes, shares of the picture, outlines, parts by data.yaml, files that are empty or missing, and what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpick.data.sources import ReadOptions, open_source
from netpick.data.sources.plain_yaml import read_plain_yaml
from netpick.errors import DataError
from netpick.types import TEST, TRAIN
from tests.labelled_pictures import box, picture, things, told, write

YAML = "train: images/train\nval: images/val\nnc: 2\nnames: ['cat', \"big dog\"]  # two\n"


def folder(root: Path, *, yaml: str = YAML, first: str = "0 0.5 0.5 0.25 0.5\n1 0.25 0.5 0.5 1\n") -> Path:
    for part, numbers in (("train", range(4)), ("val", range(4, 6))):
        for number in numbers:
            picture(root / "images" / part / f"{number}.jpg")
            write(root / "labels" / part / f"{number}.txt", first if number == 0 else "0 0.5 0.5 0.5 0.5\n")
    if yaml:
        write(root / "data.yaml", yaml)
    return root


def test_boxes_classes_and_parts(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path))
    assert source.layout == "yolo_folder"
    found = things(source)
    assert [(t.label, box(t)) for t in found["images/train/0.jpg"] or []] == [
        ("cat", (30, 15, 50, 45)),
        ("big dog", (0, 0, 40, 60)),
    ]
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN] * 4 + [TEST] * 2


def test_an_empty_file_says_nothing_is_there_and_a_missing_one_says_nothing(tmp_path: Path) -> None:
    folder(tmp_path)
    write(tmp_path / "labels" / "train" / "1.txt", "\n")
    (tmp_path / "labels" / "train" / "2.txt").unlink()
    source = open_source(tmp_path)
    assert things(source)["images/train/1.jpg"] == []
    assert things(source)["images/train/2.jpg"] is None
    assert "1 picture has no label file and is not learned from: nobody looked." in told(source)


def test_outlines_key_points_and_scores(tmp_path: Path) -> None:
    folder(tmp_path, first="0 0.1 0.2 0.5 0.2 0.5 0.9\n1 0.5 0.5 0.2 0.2 0.87\n")
    found = things(open_source(tmp_path))["images/train/0.jpg"] or []
    assert [box(t) for t in found] == [(8, 12, 40, 54), (32, 24, 48, 36)]
    folder(tmp_path, yaml=f"{YAML}kpt_shape: [1, 2]\n", first="0 0.5 0.5 0.25 0.5 0.1 0.2\n")
    assert [box(t) for t in things(open_source(tmp_path))["images/train/0.jpg"] or []] == [(30, 15, 50, 45)]


def test_classes_without_names_keep_their_numbers(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path, yaml="", first="3 0.5 0.5 0.25 0.5\n"))
    assert [t.label for t in things(source)["images/train/0.jpg"] or []] == ["3"]
    assert "called by their numbers: 0, 3." in told(source)


def test_label_files_beside_their_pictures_and_a_list_of_names(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"{number}.png")
        write(tmp_path / f"{number}.txt", "1 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "classes.txt", "cat\ndog\n")
    source = open_source(tmp_path)
    assert {t.label for boxes in things(source).values() for t in boxes or []} == {"dog"}
    assert "classes.txt names 2 classes; no box is of cat." in told(source)


def test_boxes_lie_in_pictures_as_they_are_seen(tmp_path: Path) -> None:
    folder(tmp_path)
    picture(tmp_path / "images" / "train" / "0.jpg", (80, 60), turned=True)
    first = (things(open_source(tmp_path))["images/train/0.jpg"] or [])[0]
    assert box(first) == (22.5, 20, 37.5, 60)


def test_parts_by_lists_of_files_and_by_paths_as_roboflow_writes_them(tmp_path: Path) -> None:
    folder(tmp_path, yaml="train: train.txt\nval: val.txt\nnames:\n  0: cat\n  1: dog\n")
    write(tmp_path / "train.txt", "".join(f"./images/train/{n}.jpg\n" for n in range(3)))
    write(tmp_path / "val.txt", "".join(f"/data/set/images/train/{n}.jpg\n" for n in range(3, 4)))
    source = open_source(tmp_path)
    assert source.given_split is not None
    assert source.given_split.tolist()[:4] == [TRAIN] * 3 + [TEST]
    folder(tmp_path, yaml=YAML.replace("images/train", "../images/train"))
    assert open_source(tmp_path).given_split is not None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "5 0.5 0.5 0.5 0.5",
            r"labels/train/0\.txt, line 2, has the class 5, but data\.yaml names 2 classes \(0 to 1\)",
        ),
        ("0.5 0.5 0.5 0.5 0.5", r"line 2, has the class 0\.5, but a whole number"),
        ("-1 0.5 0.5 0.5 0.5", r"line 2, has the class -1, but a whole number"),
        (
            "0 40 30 20 20",
            r"line 2, has the box 40 30 20 20, but shares of the picture from 0 to 1 were expected: they look like pixels",
        ),
        ("0 0.5 0.5 -0.5 0.5", r"line 2, has the box 0\.5 0\.5 -0\.5 0\.5"),
        ("0 0.5 nan 0.5 0.5", r"line 2, is '0 0\.5 nan 0\.5 0\.5', but a class and four shares"),
        ("0 0.1 0.1 0.5 0.1 0.5 0.5 0.9", r"line 2, has 7 numbers behind its class"),
        ("0 10 10 50 10 50 50", r"line 2, has an outline up to 50"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_source(folder(tmp_path, first=f"0 0.5 0.5 0.5 0.5\n{line}\n"))


def test_descriptions_that_are_wrong(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    picture(outside / "1.jpg")
    for yaml, message in (
        (
            f"train: {outside}\nval: images/val\nnames: [cat, dog]\n",
            r"data\.yaml names '.*outside', which is outside of",
        ),
        ("train: ../outside\nval: images/val\nnames: [cat, dog]\n", r"which is outside of"),
        ("names: [cat]\nnc: 2\n", r"data\.yaml says nc: 2 and names 1 classes"),
        ("names: !!python/object:os.system [cat]\n", r"data\.yaml cannot be read: line 1"),
        ("names: [cat, dog\n", r"data\.yaml cannot be read: the list that begins in line 1 does not end"),
        ("names:\n  cat: 0\n", r"numbers from 0 on were expected before them"),
    ):
        with pytest.raises(DataError, match=message):
            open_source(folder(tmp_path / "set", yaml=yaml))


def test_label_files_without_pictures_and_too_many_boxes(tmp_path: Path) -> None:
    folder(tmp_path)
    write(tmp_path / "labels" / "train" / "gone.txt", "0 0.5 0.5 0.5 0.5\n")
    assert "1 label file has no picture and is left out: labels/train/gone.txt." in told(open_source(tmp_path))
    folder(tmp_path, first="0 0.5 0.5 0.01 0.01\n" * 1_001)
    with pytest.raises(DataError, match=r"0\.jpg has 1,001 boxes, but at most 1,000"):
        open_source(tmp_path)


def test_the_little_of_yaml_that_is_read() -> None:
    text = (
        "%YAML: 1\n".replace("%", "")
        + "# note\nnames:\n- cat  # one\n- 'a: b'\nnc: 2\nlist: [a,\n  'b, c']\nmap: {0: x, 1: \"y\"}\nroboflow:\n  license: MIT\n  deep:\n    more: 1\n"
    )
    assert read_plain_yaml(text) == {
        "YAML": "1",
        "names": ["cat", "a: b"],
        "nc": "2",
        "list": ["a", "b, c"],
        "map": {"0": "x", "1": "y"},
        "roboflow": {"license": "MIT", "deep": "", "more": "1"},
    }


def test_a_part_alone_is_described_by_the_folder_above_and_names_may_be_given(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / "set" / "test" / "images" / f"{number}.jpg")
        write(tmp_path / "set" / "test" / "labels" / f"{number}.txt", "1 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "set" / "data.yaml", "train: ../train/images\nnames: [cat, dog]\n")
    assert {t.label for boxes in things(open_source(tmp_path / "set" / "test")).values() for t in boxes or []} == {
        "dog"
    }
    names = write(tmp_path / "names.txt", "bird\nfish\n")
    source = open_source(tmp_path / "set", options=ReadOptions(classes=str(names)))
    assert {t.label for boxes in things(source).values() for t in boxes or []} == {"fish"}
