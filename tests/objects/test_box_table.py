"""CSV of boxes: what the columns are, by their names and by whether the boxes lie in their pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpick.data.sources import open_source
from netpick.errors import DataError
from netpick.types import TEST, TRAIN
from tests.labelled_pictures import box, picture, things, told, write

# left, top, right, bottom in pictures of 80 x 60
BOXES = [
    ("0.jpg", "cat", 10, 5, 70, 58),
    ("0.jpg", "dog", 55, 4, 79, 20),
    ("1.jpg", "cat", 44, 31, 76, 59),
    ("2.jpg", "cat", 1, 2, 60, 22),
]
HEADERS = {
    "filename,cell_type,xmin,xmax,ymin,ymax": lambda a, b, c, d: (a, c, b, d),
    "Image;Class;x1;y1;x2;y2": lambda a, b, c, d: (a, b, c, d),
    "image,label,x,y,w,h": lambda a, b, c, d: (a, b, c - a, d - b),
    "image_id,label,x_center,y_center,width,height": lambda a, b, c, d: (
        (a + c) / 2 / 80,
        (b + d) / 2 / 60,
        (c - a) / 80,
        (d - b) / 60,
    ),
    "ImageID,LabelName,XMin,XMax,YMin,YMax": lambda a, b, c, d: (a / 80, c / 80, b / 60, d / 60),
}


def pictures(root: Path) -> Path:
    for number in range(3):
        picture(root / "photos" / f"{number}.jpg")
    return root


@pytest.mark.parametrize("header", HEADERS)
def test_columns_by_their_names(tmp_path: Path, header: str) -> None:
    separator = ";" if ";" in header else ","
    lines = [separator.join(map(str, [name, label, *HEADERS[header](*four)])) for name, label, *four in BOXES]
    write(pictures(tmp_path) / "boxes.csv", "\n".join([header, *lines]))
    source = open_source(tmp_path)
    assert source.layout == "box_table"
    found = [(name, t.label, box(t)) for name, boxes in things(source).items() for t in boxes or []]
    for (name, label, *four), (file, said, values) in zip(BOXES, found, strict=True):
        assert (f"photos/{name}", label) == (file, said)
        assert values == pytest.approx(four, abs=0.01)


def test_columns_without_names_by_a_look_at_the_pictures(tmp_path: Path) -> None:
    pictures(tmp_path)
    write(tmp_path / "boxes.csv", "\n".join(f"{n},{a},{b},{c},{d},{label}" for n, label, a, b, c, d in BOXES))
    source = open_source(tmp_path)
    assert "read as left, top, right, bottom in pixels: as only so" in told(source)
    write(tmp_path / "boxes.csv", "\n".join(f"{n},{label},{a},{c},{b},{d}" for n, label, a, b, c, d in BOXES))
    assert "read as left, right, top, bottom" in told(open_source(tmp_path))


def test_numbers_that_mean_two_things_are_asked_for(tmp_path: Path) -> None:
    pictures(tmp_path)
    write(tmp_path / "boxes.csv", "0.jpg,cat,10,12,20,25\n1.jpg,cat,11,12,21,25\n")
    with pytest.raises(
        DataError, match=r"can be read in several ways: left, top, right, bottom; or .*Name the columns"
    ):
        open_source(tmp_path)


def test_names_that_cannot_be_right_are_refused_with_what_would_be(tmp_path: Path) -> None:
    lines = [f"{name},{label},{a},{c},{b},{d}" for name, label, a, b, c, d in BOXES]
    write(pictures(tmp_path) / "boxes.csv", "\n".join(["image,label,xmin,ymin,xmax,ymax", *lines]))
    with pytest.raises(DataError, match=r"They would if the columns were left, right, top, bottom: rename them"):
        open_source(tmp_path)


def test_one_cell_of_a_box_and_no_classes(tmp_path: Path) -> None:
    lines = [f'{name[0]},80,60,"[{a}, {b}, {c - a}, {d - b}]",x' for name, _, a, b, c, d in BOXES]
    write(pictures(tmp_path) / "train.csv", "\n".join(["image_id,width,height,bbox,source", *lines]))
    source = open_source(tmp_path)
    assert {t.label for boxes in things(source).values() for t in boxes or []} == {"object"}
    assert [box(t) for t in things(source)["photos/1.jpg"] or []] == [(44, 31, 76, 59)]


def test_a_row_without_numbers_says_that_nothing_is_there(tmp_path: Path) -> None:
    write(pictures(tmp_path) / "boxes.csv", "image,xmin,ymin,xmax,ymax,label\n0.jpg,1,2,30,40,cat\n1.jpg,,,,,\n")
    source = open_source(tmp_path)
    assert things(source)["photos/1.jpg"] == []
    assert (
        "1 picture has no row and is left out (a row without numbers says that nothing is there): photos/2.jpg."
        in told(source)
    )


def test_tables_of_parts_and_a_table_that_is_named(tmp_path: Path) -> None:
    pictures(tmp_path)
    write(tmp_path / "train.csv", "image,xmin,ymin,xmax,ymax,label\n0.jpg,1,2,30,40,cat\n1.jpg,3,4,50,40,cat\n")
    write(tmp_path / "test.csv", "image,xmin,ymin,xmax,ymax,label\n2.jpg,1,2,30,40,cat\n")
    for given in (tmp_path, tmp_path / "train.csv"):
        source = open_source(given)
        assert source.given_split is not None
        assert source.given_split.tolist() == [TRAIN, TRAIN, TEST]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.jpg,1,2,x,4,cat", r"boxes\.csv, line 3, has the box '1, 2, x, 4'"),
        ("1.jpg,1,2,nan,4,cat", r"line 3, has the box '1, 2, nan, 4', but four finite numbers"),
        ("1.jpg,1,,3,4,cat", r"line 3, has the box"),
        ("1.jpg,400,500,600,700,cat", r"do not lie in their pictures"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, line: str, message: str) -> None:
    write(pictures(tmp_path) / "boxes.csv", f"image,xmin,ymin,xmax,ymax,label\n0.jpg,1,2,30,40,cat\n{line}\n")
    with pytest.raises(DataError, match=message):
        open_source(tmp_path)


def test_rows_of_pictures_that_are_not_there(tmp_path: Path) -> None:
    write(
        pictures(tmp_path) / "boxes.csv", "image,xmin,ymin,xmax,ymax,label\n0.jpg,1,2,30,40,cat\ngone.jpg,1,2,3,4,cat\n"
    )
    assert "1 row names a picture that is not there: gone.jpg (line 3)." in told(open_source(tmp_path))
    write(tmp_path / "boxes.csv", "image,xmin,ymin,xmax,ymax,label\ngone.jpg,1,2,3,4,cat\nlost.jpg,1,2,3,4,cat\n")
    with pytest.raises(DataError, match=r"boxes\.csv names none of the 3 pictures"):
        open_source(tmp_path)


def test_corners_that_begin_at_one(tmp_path: Path) -> None:
    pictures(tmp_path)
    lines = [f"{n % 3}.jpg,1,{n + 1},40,50,cat" for n in range(6)]
    write(tmp_path / "boxes.csv", "\n".join(["image,xmin,ymin,xmax,ymax,label", *lines]))
    source = open_source(tmp_path)
    assert box((things(source)["photos/0.jpg"] or [])[0]) == (0, 0, 40, 50)
    assert "the first pixel is 1, as in Pascal VOC" in told(source)
