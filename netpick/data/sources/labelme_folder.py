"""LabelMe: a JSON file a picture, with shapes: rectangles, circles, outlines. The box around each counts; pictures packed into the files are not read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.boxes import objects_source
from netpick.data.sources.coco_json import around, load_json, numbers, whole
from netpick.data.sources.object_files import (
    Told,
    are_classes,
    files_below,
    fitted,
    part_in,
    pictures_below,
    stem_of,
    with_test,
)
from netpick.data.sources.paths import readable
from netpick.errors import DataError
from netpick.types import Source
from netpick.types.objects import Thing

HEAD = 64 << 10
LOOKED_AT = 10
Box = tuple[float, float, float, float]


class LabelMeReader(Reader):
    """1.json beside 1.jpg."""

    name: ClassVar[str] = "labelme_folder"
    description: ClassVar[str] = "boxes (LabelMe)"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and holds_labelme(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        pictures, told = pictures_below(path), Told()
        rows: dict[str, list[Thing]] = {}
        names = sorted(_json_files(path))
        for name in names:
            if not is_labelme(path / name):
                continue
            where = f"{path.absolute().name}/{name}"
            content = load_json(path / name, where)
            named = content.get("imagePath")
            near = name.rpartition("/")[0]
            file = pictures.named(named, near) if isinstance(named, str) else None
            file = file or pictures.named(stem_of(name.rpartition("/")[2]), near)
            if file is None:
                told.add(
                    "label file has no picture and is left out", "label files have no picture and are left out", name
                )
                continue
            things = [
                thing
                for place, shape in enumerate(_shapes(content, where))
                if (thing := _thing(shape, f"{where}, shape {place + 1}", told))
            ]
            size = whole(content.get("imageWidth")), whole(content.get("imageHeight"))
            boxes = fitted(things, size if min(size) else None, file, path, told)
            if boxes is not None:
                rows[file] = [*rows.get(file, []), *boxes]
        if not rows:
            raise DataError(
                f"{path} holds LabelMe files, but none of them belongs to a picture beside them: the first is {readable(names[0])}. Check 'imagePath'."
            )
        for file in pictures.files:
            if file not in rows:
                told.add(
                    "picture has no label file and is left out: nobody looked",
                    "pictures have no label file and are left out: nobody looked",
                    file,
                )
        files = sorted(rows)
        parts = with_test([part_in(file.rpartition("/")[0]) for file in files]) if options.find_test else None
        return objects_source(path, self.name, files, [rows[f] for f in files], parts=parts, notes=told.notes)


def holds_labelme(path: Path) -> bool:
    """Whether files of LabelMe lie in a folder; never raises."""
    if are_classes(path):
        return False
    some = [name for _, name in zip(range(LOOKED_AT), files_below(path, (".json",)), strict=False)]
    return any(is_labelme(path / name) for name in some)


def is_labelme(file: Path) -> bool:
    """By a look at its beginning; never raises."""
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD)
    except OSError:
        return False
    return head.lstrip().startswith(b"{") and b'"shapes"' in head and b'"annotations"' not in head


def _json_files(path: Path) -> list[str]:
    return [
        file.relative_to(path).as_posix()
        for file in path.rglob("*.json")
        if file.is_file() and not file.name.startswith(".")
    ]


def _shapes(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    shapes = content.get("shapes")
    if not isinstance(shapes, list) or any(not isinstance(shape, dict) for shape in shapes):
        raise DataError(f"{readable(name)} has no list 'shapes', but a LabelMe file was expected. Correct the file.")
    return shapes


def _thing(shape: Mapping[str, Any], where: str, told: Told) -> Thing | None:
    label = shape.get("label")
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"{readable(where)}, has no label, but each shape needs one. Correct the file.")
    listed = shape.get("points")
    points = [numbers(point, 2) for point in listed] if isinstance(listed, list) else []
    if not points or any(point is None or not all(map(math.isfinite, point)) for point in points):
        raise DataError(
            f"{readable(where)}, has the points {listed!r:.60}, but a list of [x, y] was expected. Correct the file."
        )
    box = _box(
        str(shape.get("shape_type") or "polygon"), [(point[0], point[1]) for point in points if point is not None]
    )
    if box is None:
        told.add(
            "shape is a point, a line or an outline of two points, has no area and is left out",
            "shapes are points, lines or outlines of two points, have no area and are left out",
            where,
        )
        return None
    flags = shape.get("flags")
    aside = bool(shape.get("difficult")) or (isinstance(flags, dict) and flags.get("difficult") is True)
    return Thing(label=label.strip(), left=box[0], top=box[1], right=box[2], bottom=box[3], aside=aside)


def _box(kind: str, points: list[tuple[float, float]]) -> Box | None:
    if kind in ("point", "points", "line", "linestrip"):
        return None
    if kind == "circle":
        if len(points) != 2:
            return None
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        return x - radius, y - radius, x + radius, y + radius
    if kind in ("rectangle", "mask") and len(points) == 2:
        (x, y), (other_x, other_y) = points
        return min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)
    return around(points)
