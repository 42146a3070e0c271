"""LabelMe's files: rectangles, circles, outlines, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netpick.data.sources import open_source
from netpick.errors import DataError
from tests.labelled_pictures import box, picture, things, told, write


def shape(label: object, kind: str, *points: object, **more: Any) -> dict[str, Any]:
    return {"label": label, "shape_type": kind, "points": list(points), "flags": {}, "group_id": None, **more}


def labelled(root: Path, *shapes: dict[str, Any], size: tuple[int, int] = (80, 60)) -> Path:
    for number in range(2):
        picture(root / f"{number}.jpg")
        content = {
            "version": "5.0",
            "shapes": list(shapes),
            "imagePath": f"..\\elsewhere\\{number}.jpg",
            "imageData": None,
        }
        write(root / f"{number}.json", content | {"imageHeight": size[1], "imageWidth": size[0]})
    return root


def test_shapes_and_their_boxes(tmp_path: Path) -> None:
    picture(tmp_path / "alone.jpg")
    source = open_source(
        labelled(
            tmp_path,
            shape("cat", "rectangle", [30, 40], [10, 5]),
            shape("dog", "circle", [40, 30], [43, 34]),
            shape("cat", "polygon", [1, 2], [9, 3], [5, 8.5], difficult=True),
            shape("dog", "line", [1, 2], [9, 3]),
            shape("dog", "polygon", [1, 2], [9, 3]),
        )
    )
    assert source.layout == "labelme_folder"
    found = things(source)["0.jpg"] or []
    assert [(t.label, box(t), t.aside) for t in found] == [
        ("cat", (10, 5, 30, 40), False),
        ("dog", (35, 25, 45, 35), False),
        ("cat", (1, 2, 9, 8.5), True),
    ]
    assert "4 shapes are points, lines or outlines of two points, have no area and are left out" in told(source)
    assert "1 picture has no label file and is left out: nobody looked: alone.jpg." in told(source)


def test_files_without_shapes_say_that_nothing_is_there(tmp_path: Path) -> None:
    labelled(tmp_path, shape("cat", "rectangle", [30, 40], [10, 5]))
    write(tmp_path / "1.json", {"shapes": [], "imagePath": "1.jpg", "imageData": None})
    assert things(open_source(tmp_path))["1.jpg"] == []


def test_a_picture_that_is_seen_turned(tmp_path: Path) -> None:
    labelled(tmp_path, shape("cat", "rectangle", [30, 40], [10, 5]))
    picture(tmp_path / "0.jpg", turned=True)
    assert "turned by its EXIF data" in told(open_source(tmp_path))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (shape("", "rectangle", [1, 2], [3, 4]), r"0\.json, shape 1, has no label"),
        (shape(None, "rectangle", [1, 2], [3, 4]), r"has no label"),
        (
            shape("cat", "rectangle", [1, 2, 3], [3, 4]),
            r"has the points \[\[1, 2, 3\], \[3, 4\]\], but a list of \[x, y\]",
        ),
        (shape("cat", "rectangle", [1, float("nan")], [3, 4]), r"but a list of \[x, y\]"),
        (shape("cat", "polygon"), r"but a list of \[x, y\]"),
    ],
)
def test_a_shape_that_is_wrong_is_named(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_source(labelled(tmp_path, wrong))
