"""COCO JSON: boxes, outlines, both forms of run lengths, crowds, parts, and what is wrong with such files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netpick.data.sources import open_source
from netpick.data.sources.run_lengths import box_of_runs, lengths_of
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, VALIDATION
from tests.labelled_pictures import box, picture, things, told, write

Change = Callable[[dict[str, Any]], None]


def document(**changes: Any) -> dict[str, Any]:
    """Three pictures of 80 x 60; categories 3 and 7."""
    made: dict[str, Any] = {
        "images": [{"id": 10 + n, "file_name": f"{n}.jpg", "width": 80, "height": 60} for n in range(3)],
        "categories": [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}, {"id": 9, "name": "never"}],
        "annotations": [
            {"id": 1, "image_id": 10, "category_id": 7, "bbox": [10, 5, 20, 30], "iscrowd": 0},
            {"id": 2, "image_id": 10, "category_id": 3, "bbox": [0.5, 0, 9.5, 8], "iscrowd": 1},
            {"id": 3, "image_id": 11, "category_id": 3, "segmentation": [[4, 5, 20, 6, 12, 30]]},
        ],
    }
    return made | changes


def folder(root: Path, content: dict[str, Any]) -> Path:
    for number in range(3):
        picture(root / "images" / f"{number}.jpg")
    write(root / "annotations" / "instances.json", content)
    return root


def test_boxes_crowds_outlines_and_pictures_with_nothing_in_them(tmp_path: Path) -> None:
    source = open_source(folder(tmp_path, document()))
    assert (source.layout, source.objects, source.target) == ("coco_json", "objects", "objects")
    found = things(source)
    assert found["images/2.jpg"] == []
    assert found["images/0.jpg"] is not None
    first, crowd = found["images/0.jpg"]
    assert (first.label, box(first), first.aside) == ("cat", (10, 5, 30, 35), False)
    assert (crowd.label, box(crowd), crowd.aside) == ("dog", (0.5, 0, 10, 8), True)
    assert [box(thing) for thing in found["images/1.jpg"] or []] == [(4, 5, 20, 30)]


def test_the_file_itself_may_be_named(tmp_path: Path) -> None:
    folder(tmp_path, document())
    assert open_source(tmp_path / "annotations" / "instances.json").num_rows == 3


def packed(lengths: list[int]) -> str:
    """As pycocotools writes lengths of runs."""
    text = ""
    for place, length in enumerate(lengths):
        value = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            code = value & 31
            value >>= 5
            more = value != -1 if code & 16 else value != 0
            text += chr((code | (32 if more else 0)) + 48)
    return text


def runs(mask: np.ndarray[Any, Any]) -> list[int]:
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths: list[int] = np.diff([0, *edges.tolist(), len(flat)]).tolist()
    return [0, *lengths] if flat[0] else lengths


@pytest.mark.parametrize("seed", range(8))
def test_both_forms_of_run_lengths_give_the_box_around_the_mask(seed: int) -> None:
    generator = np.random.default_rng(seed)
    mask = np.zeros((60, 80), bool)
    top, left = generator.integers(0, 50, 2)
    mask[top : top + generator.integers(1, 60), left : left + generator.integers(1, 30)] = True
    mask &= generator.random(mask.shape) < 0.5
    rows, columns = np.nonzero(mask)
    expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None
    assert lengths_of(packed(runs(mask))) == runs(mask)
    assert box_of_runs(runs(mask), 60, 80) == expected


def test_the_text_of_run_lengths_is_that_of_pycocotools() -> None:
    # From pycocotools: mask.encode of a 4 x 4 mask whose inner 2 x 2 pixels are set.
    mask = np.zeros((4, 4), bool)
    mask[1:3, 1:3] = True
    assert packed(runs(mask)) == "52203"
    assert lengths_of("52203") == [5, 2, 2, 2, 5]


def test_masks_in_both_forms_are_read_from_a_file(tmp_path: Path) -> None:
    mask = np.zeros((60, 80), bool)
    mask[10:20, 30:50] = True
    both = [
        {
            "id": n,
            "image_id": 10 + n,
            "category_id": 7,
            "iscrowd": 1 - n,
            "segmentation": {"size": [60, 80], "counts": counts},
        }
        for n, counts in enumerate([runs(mask), packed(runs(mask))])
    ]
    found = things(open_source(folder(tmp_path, document(annotations=both))))
    assert [[box(t) for t in found[f"images/{n}.jpg"] or []] for n in range(2)] == [[(30, 10, 50, 20)]] * 2


def test_several_files_are_parts_and_files_of_captions_are_left_alone(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 2)):
        numbers = range(count) if part == "train" else range(3, 3 + count)
        entries = [{"id": n, "file_name": f"{n}.jpg", "width": 80, "height": 60} for n in numbers]
        boxes = [{"id": n, "image_id": n, "category_id": 7, "bbox": [1, 2, 30, 40]} for n in numbers]
        for n in numbers:
            picture(tmp_path / f"{part}2017" / f"{n}.jpg")
        write(tmp_path / "annotations" / f"instances_{part}2017.json", document(images=entries, annotations=boxes))
        write(
            tmp_path / "annotations" / f"person_keypoints_{part}2017.json", document(images=entries, annotations=boxes)
        )
    source = open_source(tmp_path)
    assert source.given_split is not None
    assert sorted(source.given_split.tolist()) == [TRAIN] * 3 + [TEST] * 2


def test_folders_of_parts_each_with_its_file(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        picture(tmp_path / part / "same.jpg")
        content = document(images=[{"id": 0, "file_name": "same.jpg", "width": 80, "height": 60}])
        content["annotations"] = [{"id": 0, "image_id": 0, "category_id": 3, "bbox": [1, 2, 3, 4]}]
        write(tmp_path / part / "_annotations.coco.json", content)
    source = open_source(tmp_path)
    assert source.given_split is not None
    assert dict(zip(source.row_names or [], source.given_split.tolist(), strict=True)) == {
        "train/same.jpg": TRAIN,
        "valid/same.jpg": VALIDATION,
        "test/same.jpg": TEST,
    }


def test_boxes_of_pictures_that_are_turned_or_of_another_size(tmp_path: Path) -> None:
    folder(tmp_path, document())
    picture(tmp_path / "images" / "0.jpg", (80, 60), turned=True)  # labelled as it is stored
    picture(tmp_path / "images" / "1.jpg", (160, 120))
    source = open_source(tmp_path)
    assert "images/0.jpg" not in things(source)
    assert "turned by its EXIF data" in told(source)
    assert [box(thing) for thing in things(source)["images/1.jpg"] or []] == [(8, 10, 40, 60)]
    assert "another size than its labels say" in told(source)
    picture(tmp_path / "images" / "0.jpg")
    picture(tmp_path / "images" / "1.jpg", (80, 120))
    source = open_source(tmp_path)
    assert "images/1.jpg" not in things(source)
    assert (
        "1 picture has another shape than its labels say, so it is left out: images/1.jpg (80 x 120, not 80 x 60)."
        in told(source)
    )


def first(content: dict[str, Any]) -> dict[str, Any]:
    return content["annotations"][0]  # type: ignore[no-any-return]


WRONG: dict[str, tuple[Change, str]] = {
    "a category that is not there": (
        lambda c: first(c).update(category_id=8),
        r"annotation 1, is of the category 8, but 'categories' has 7, 3, 9",
    ),
    "a box of three numbers": (
        lambda c: first(c).update(bbox=[1, 2, 3]),
        r"has the box \[1, 2, 3\], but four numbers were expected",
    ),
    "a box of NaN": (lambda c: first(c).update(bbox=[1, 2, 3, float("nan")]), r"but four numbers were expected"),
    "two images of one id": (lambda c: c["images"][1].update(id=10), r"two images with the id 10"),
    "an image without a name": (lambda c: c["images"][1].pop("file_name"), r"image 2, has no 'id' or no 'file_name'"),
    "runs that overrun": (
        lambda c: first(c).update(bbox=None, segmentation={"size": [60, 80], "counts": [10, 5000]}),
        r"its runs are 5,010 pixels long together, but the mask has 60 x 80",
    ),
    "runs of another size": (
        lambda c: first(c).update(bbox=None, segmentation={"size": [80, 60], "counts": [4800]}),
        r"has a mask of size \[80, 60\]",
    ),
    "runs that are cut off": (
        lambda c: first(c).update(bbox=None, segmentation={"size": [60, 80], "counts": "Q"}),
        r"ends in the middle of a length",
    ),
    "runs of other letters": (
        lambda c: first(c).update(bbox=None, segmentation={"size": [60, 80], "counts": "5 é"}),
        r"characters that are no run lengths",
    ),
    "an outline of words": (
        lambda c: first(c).update(bbox=None, segmentation=[["a"]]),
        r"an outline that is no list of numbers",
    ),
    "annotations that are no list": (lambda c: c.update(annotations={"bbox": 1}), r"has no list 'annotations'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    change, message = WRONG[name]
    content = document()
    change(content)
    with pytest.raises(DataError, match=message):
        open_source(folder(tmp_path, content))


def test_what_can_be_left_out_is_said(tmp_path: Path) -> None:
    content = document()
    content["annotations"] += [
        {"id": 4, "image_id": 99, "category_id": 7, "bbox": [1, 2, 3, 4]},
        {"id": 5, "image_id": 12, "category_id": 7, "segmentation": [[1, 2, 3, 4]]},
        {"id": 6, "image_id": 12, "category_id": 7, "bbox": [5, 5, 0, 4]},
    ]
    content["images"].append({"id": 50, "file_name": "gone.jpg", "width": 80, "height": 60})
    picture(tmp_path / "images" / "unnamed.jpg")
    source = open_source(folder(tmp_path, content))
    for words in (
        "1 annotation belongs to no picture and is left out: annotations/instances.json, annotation 4.",
        "1 annotation has neither a box nor an outline with an area and is left out",
        "1 picture is named and not there: gone.jpg.",
        "1 picture is in no COCO file and is left out: images/unnamed.jpg.",
        "1 box has no area and is left out",
    ):
        assert words in told(source)


def test_a_file_that_is_cut_off_or_of_other_pictures(tmp_path: Path) -> None:
    folder(tmp_path, document())
    file = tmp_path / "annotations" / "instances.json"
    whole = file.read_text()
    file.write_text(whole[:-20])
    with pytest.raises(DataError, match=r"instances\.json is no whole JSON file"):
        open_source(tmp_path)
    file.write_text(whole.replace(".jpg", ".other.jpg"))
    with pytest.raises(DataError, match=r"names none of the 3 pictures"):
        open_source(tmp_path)
