"""COCO JSON: pictures, categories and annotations in one file, or one file a part (instances_train2017.json, train/_annotations.coco.json).

A box is left, top, width and height from 0 on. Where an annotation has none it is the one around its outline: polygons, or run lengths in either form.
Crowds are neither learned nor scored. A picture without annotations holds nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.boxes import objects_source
from netpick.data.sources.object_files import (
    PictureFiles,
    Told,
    are_classes,
    files_below,
    fitted,
    part_in,
    pictures_below,
    root_of,
    with_test,
)
from netpick.data.sources.paths import readable
from netpick.data.sources.run_lengths import box_of_runs, lengths_of
from netpick.errors import DataError
from netpick.types import Source
from netpick.types.objects import Thing

HEAD = 64 << 10
MOST_BYTES = 1 << 30
LOOKED_AT = 30  # JSON files of a folder
MOST_SIDE = 1 << 20
LARGEST = 1e300  # whole numbers in JSON may be beyond any float
PARTS_OF_COCO = (b'"images"', b'"annotations"', b'"categories"')


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An entry of `images`."""

    name: str
    size: tuple[int, int] | None  # width, height


class CocoReader(Reader):
    """annotations/instances_train.json beside images/, or _annotations.coco.json beside its pictures."""

    name: ClassVar[str] = "coco_json"
    description: ClassVar[str] = "boxes (COCO)"

    def recognises(self, path: Path) -> bool:
        return is_coco(path) if path.is_file() else path.is_dir() and bool(coco_files(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        root = root_of(path) if path.is_file() else path
        documents = [path.absolute()] if path.is_file() else [root / name for name in chosen(coco_files(root))]
        pictures, told = pictures_below(root), Told()
        rows: dict[str, list[Thing]] = {}
        parts: dict[str, int] = {}
        for document in documents:
            name = document.relative_to(root.absolute() if document.is_absolute() else root).as_posix()
            for file, things in objects_of(document, name, pictures, told).items():
                if file in rows and len(documents) > 1 and parts.get(file) != part_in(name):
                    raise DataError(
                        f"{readable(file)} is in {readable(name)} and in another COCO file of {root}, but one of them was expected. Name the file to learn from."
                    )
                rows[file] = [*rows.get(file, []), *things]
                parts[file] = part_in(name)
        alone = [file for file in pictures.files if file not in rows]
        if not rows:
            raise DataError(
                f"{readable(documents[0].name)} names none of the {len(pictures.files):,} pictures of {root}, but some were expected. Put it beside its pictures, or check "
                "'file_name'."
            )
        for file in alone:
            told.add(
                "picture is in no COCO file and is left out", "pictures are in no COCO file and are left out", file
            )
        files = sorted(rows)
        given = with_test([parts[file] for file in files]) if options.find_test else None
        return objects_source(
            path, self.name, files, [rows[f] for f in files], parts=given, notes=told.notes, root=root
        )


def coco_files(folder: Path) -> list[str]:
    """COCO files below a folder, relative to it; never raises."""
    if are_classes(folder):
        return []
    found = [name for _, name in zip(range(LOOKED_AT), files_below(folder, (".json",)), strict=False)]
    return [name for name in found if is_coco(folder / name)]


def is_coco(file: Path) -> bool:
    """Whether a file is COCO JSON, by its name and a look at its beginning and end; never raises."""
    if not file.name.lower().endswith(".json"):
        return False
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            look = opened.read(HEAD)
            if size > HEAD:
                opened.seek(max(HEAD, size - HEAD))
                look += opened.read(HEAD)
    except OSError:
        return False
    if not look.lstrip().startswith(b"{"):
        return False
    boxes = b'"bbox"' in look or b'"segmentation"' in look or b"_annotations.coco" in file.name.lower().encode()
    return sum(word in look for word in PARTS_OF_COCO) >= 2 and boxes and b'"shapes"' not in look


def chosen(names: Sequence[str]) -> list[str]:
    """Of several files those of instances, where some are called so: captions and key points repeat the pictures."""
    instances = [name for name in names if "instances" in name.lower()]
    return (
        instances
        or [n for n in names if not any(word in n.lower() for word in ("captions", "keypoints"))]
        or list(names)
    )


def objects_of(document: Path, name: str, pictures: PictureFiles, told: Told) -> dict[str, list[Thing]]:
    """What is in each picture of one file. Raises DataError for one that is damaged."""
    content = load_json(document, name)
    labels = _categories(content, name)
    entries = _pictures(content, name)
    things: dict[Any, list[Thing]] = {number: [] for number in entries}
    for place, entry in enumerate(_listed(content, "annotations", name)):
        where = f"{name}, annotation {entry.get('id', place)!r:.20}"
        owner = entry.get("image_id")
        if not isinstance(owner, int | str) or owner not in entries:
            told.add(
                "annotation belongs to no picture and is left out",
                "annotations belong to no picture and are left out",
                where,
            )
            continue
        label = _label_of(entry, labels, where)
        box = _box_of(entry, entries[owner], where)
        if box is None:
            told.add(
                "annotation has neither a box nor an outline with an area and is left out",
                "annotations have neither a box nor an outline with an area and are left out",
                where,
            )
            continue
        left, top, right, bottom = box
        aside = bool(entry.get("iscrowd")) or bool(entry.get("ignore"))
        things[owner].append(Thing(label=label, left=left, top=top, right=right, bottom=bottom, aside=aside))
    near = name.rpartition("/")[0]
    rows: dict[str, list[Thing]] = {}
    for number, picture in entries.items():
        file = pictures.named(picture.name, near)
        if file is None:
            told.add("picture is named and not there", "pictures are named and not there", picture.name)
            continue
        boxes = fitted(things[number], picture.size, file, pictures.root, told)
        if boxes is not None:
            rows[file] = [*rows.get(file, []), *boxes]
    return rows


def load_json(file: Path, name: str) -> Mapping[str, Any]:
    """A JSON object. Raises DataError."""
    if file.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{readable(name)} has {file.stat().st_size / 1e9:.1f} GB, but at most {MOST_BYTES >> 30} GB are read. Cut it into parts."
        )
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(
            f"{readable(name)} is no whole JSON file{where}, but one with boxes was expected. Get another copy."
        ) from None
    if not isinstance(content, dict):
        raise DataError(
            f"{readable(name)} holds {type(content).__name__}, but a JSON object was expected. Get another copy."
        )
    return content


def whole(value: object) -> int:
    """A number as a whole one; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST_SIDE:
        return 0
    return int(value) if 0 < value <= MOST_SIDE else 0


def numbers(values: object, count: int | None = None) -> list[float] | None:
    """A list of numbers, so many where that is said; None for what is none."""
    if not isinstance(values, list) or (count is not None and len(values) != count):
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return None
    return [float(value) if abs(value) <= LARGEST else math.inf for value in values]


def around(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float] | None:
    """The box around an outline; None for one of fewer than three points."""
    if len(points) < 3:
        return None
    across, down = [x for x, _ in points], [y for _, y in points]
    return min(across), min(down), max(across), max(down)


def _listed(content: Mapping[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    listed = content.get(key)
    if not isinstance(listed, list) or any(not isinstance(entry, dict) for entry in listed):
        raise DataError(
            f"{readable(name)} has no list '{key}', but COCO JSON was expected: images, annotations and categories. Check the file."
        )
    return listed


def _categories(content: Mapping[str, Any], name: str) -> dict[Any, str]:
    return {
        entry.get("id"): str(entry.get("name", entry.get("id")))
        for entry in _listed(content, "categories", name)
        if isinstance(entry.get("id"), int | str)
    }


def _pictures(content: Mapping[str, Any], name: str) -> dict[Any, Picture]:
    made = {}
    for place, entry in enumerate(_listed(content, "images", name)):
        number, file = entry.get("id"), entry.get("file_name")
        if not isinstance(number, int | str) or not isinstance(file, str) or not file:
            raise DataError(
                f"{readable(name)}, image {place + 1}, has no 'id' or no 'file_name', but both were expected. Correct the file."
            )
        if number in made:
            raise DataError(
                f"{readable(name)} has two images with the id {number!r:.40}, but ids have to differ. Correct the file."
            )
        size = whole(entry.get("width")), whole(entry.get("height"))
        made[number] = Picture(name=file, size=size if min(size) > 0 else None)
    return made


def _label_of(entry: Mapping[str, Any], labels: Mapping[Any, str], where: str) -> str:
    category = entry.get("category_id")
    if not isinstance(category, int | str) or category not in labels:
        known = ", ".join(map(repr, list(labels)[:8]))
        raise DataError(
            f"{readable(where)}, is of the category {category!r:.40}, but 'categories' has {known or 'none'}. Correct the file."
        )
    return labels[category]


def _box_of(entry: Mapping[str, Any], picture: Picture, where: str) -> tuple[float, float, float, float] | None:
    box = entry.get("bbox")
    if box is not None and box != []:
        given = numbers(box, 4)
        if given is None or not all(map(math.isfinite, given)):
            raise DataError(
                f"{readable(where)}, has the box {box!r:.60}, but four numbers were expected: left, top, width, height. Correct the file."
            )
        left, top, width, height = given
        return left, top, left + width, top + height
    outline = entry.get("segmentation")
    if isinstance(outline, dict):
        return _around_runs(outline, picture, where)
    parts = [numbers(part) for part in outline] if isinstance(outline, list) else []
    if any(part is None or not all(map(math.isfinite, part)) for part in parts):
        raise DataError(
            f"{readable(where)}, has an outline that is no list of numbers, but x, y, x, y ... was expected. Correct the file."
        )
    boxes = [around(list(zip(part[::2], part[1::2], strict=False))) for part in parts if part is not None]
    found = [one for one in boxes if one is not None]
    if not found:
        return None
    lows = [min(one[i] for one in found) for i in (0, 1)]
    highs = [max(one[i] for one in found) for i in (2, 3)]
    return lows[0], lows[1], highs[0], highs[1]


def _around_runs(outline: Mapping[str, Any], picture: Picture, where: str) -> tuple[float, float, float, float] | None:
    size, counts = numbers(outline.get("size"), 2), outline.get("counts")
    height, width = (whole(side) for side in size or (0, 0))
    if not height or not width or (picture.size is not None and (width, height) != picture.size):
        raise DataError(
            f"{readable(where)}, has a mask of size {outline.get('size')!r:.40}, but its picture's height and width were expected. Correct the file."
        )
    try:
        if not isinstance(counts, str | list):
            raise ValueError("it has no 'counts'")
        box = box_of_runs(lengths_of(counts) if isinstance(counts, str) else counts, height, width)
    except ValueError as error:
        raise DataError(
            f"{readable(where)}, has a mask of run lengths that cannot be read: {error}. Correct the file."
        ) from None
    return None if box is None else tuple(map(float, box))  # type: ignore[return-value]
