"""Boxes around the things in pictures, as Pascal VOC, COCO, YOLO, LabelMe and tables write them, and what is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from corpus.build import file
from corpus.case import Case, Make
from corpus.folders import FINE, case
from corpus.masked import HUGE, stored

COUNT, SIDE = 24, 32
LEFT = "it is left out by name"
NAN = "nan"


def place(number: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    left, top = 2 + number * 5 % 13, 3 + number * 3 % 11
    return left, top, left + 10, top + 12


def seen(number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 80, (SIDE, SIDE, 3))
    left, top, right, bottom = place(number)
    noise[top:bottom, left:right] += 120
    return stored(noise)


def named(number: int) -> str:
    return ("cat", "dog")[number % 2]


def xml(number: int, box: str | None = None, name: str | None = None) -> str:
    corners = "".join(
        f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), place(number), strict=True)
    )
    thing = f"<object><name>{named(number) if name is None else name}</name><bndbox>{corners if box is None else box}</bndbox></object>"
    size = f"<size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>"
    return f"<annotation><filename>{number}.png</filename>{size}{thing}</annotation>"


def folder(change: Mapping[str, bytes | str | None] | None = None) -> Make:
    """JPEGImages/0.png and Annotations/0.xml, some files changed, added or left out."""

    def make(root: Path) -> Path:
        contents: dict[str, bytes | str | None] = {f"JPEGImages/{n}.png": seen(n) for n in range(COUNT)}
        contents |= {f"Annotations/{n}.xml": xml(n) for n in range(COUNT)}
        for name, content in {**contents, **(change or {})}.items():
            if content is not None:
                file(f"pets/{name}", content)(root)
        return root / "pets"

    return make


def one(content: bytes | str) -> Make:
    return folder({"Annotations/3.xml": content})


def corners(xmin: object = 3, ymin: object = 3, xmax: object = 12, ymax: object = 12) -> str:
    return xml(3, f"<xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>")


def document() -> dict[str, Any]:
    """All as COCO has it."""
    boxes = [(left, top, right - left, bottom - top) for left, top, right, bottom in map(place, range(COUNT))]
    return {
        "images": [{"id": n, "file_name": f"{n}.png", "width": SIDE, "height": SIDE} for n in range(COUNT)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": n % 2, "bbox": list(box)} for n, box in enumerate(boxes)
        ],
        "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
    }


def pictures(root: Path, where: str = "images") -> Path:
    for n in range(COUNT):
        file(f"pets/{where}/{n}.png", seen(n))(root)
    return root / "pets"


def coco(content: str | None = None, **changes: object) -> Make:
    """instances.json beside images/."""
    made = document() | changes

    def make(root: Path) -> Path:
        file("pets/instances.json", json.dumps(made) if content is None else content)(root)
        return pictures(root)

    return make


def annotated(**changes: object) -> Make:
    """COCO whose fourth annotation is another."""
    made = document()["annotations"]
    made[3] |= changes
    return coco(annotations=made)


def shares(number: int) -> str:
    left, top, right, bottom = (edge / SIDE for edge in place(number))
    return f"{number % 2} {(left + right) / 2:.4f} {(top + bottom) / 2:.4f} {right - left:.4f} {bottom - top:.4f}\n"


def yolo(change: Mapping[str, bytes | str | None] | None = None) -> Make:
    """images/0.png, labels/0.txt and data.yaml."""

    def make(root: Path) -> Path:
        pictures(root)
        contents: dict[str, bytes | str | None] = {f"labels/{n}.txt": shares(n) for n in range(COUNT)}
        for name, content in {**contents, "data.yaml": "names: [cat, dog]\nnc: 2\n", **(change or {})}.items():
            if content is not None:
                file(f"pets/{name}", content)(root)
        return root / "pets"

    return make


def drawn(number: int, points: object = None) -> str:
    left, top, right, bottom = place(number)
    shape = {
        "label": named(number),
        "shape_type": "rectangle",
        "points": [[left, top], [right, bottom]] if points is None else points,
    }
    return json.dumps(
        {"version": "5", "shapes": [shape], "imagePath": f"{number}.png", "imageHeight": SIDE, "imageWidth": SIDE}
    )


def labelme(change: Mapping[str, bytes | str] | None = None) -> Make:
    def make(root: Path) -> Path:
        pictures(root, "all")
        for name, content in {**{f"{n}.json": drawn(n) for n in range(COUNT)}, **(change or {})}.items():
            file(f"pets/all/{name}", content)(root)
        return root / "pets"

    return make


def listed(content: str | None = None, row: str | None = None) -> Make:
    """boxes.csv beside images/."""
    rows = [f"{n}.png,{','.join(map(str, place(n)))},{named(n)}" for n in range(COUNT)]
    if row is not None:
        rows[3] = row

    def make(root: Path) -> Path:
        head = "filename,xmin,ymin,xmax,ymax,class\n"
        file("pets/boxes.csv", head + "\n".join(rows) + "\n" if content is None else content)(root)
        return pictures(root)

    return make


DEEP = "<annotation>" * 30_000
LAUGHS = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]><annotation><filename>&y;</filename></annotation>'
CASES: tuple[Case, ...] = (
    case("boxes", "control", folder(), 0, why=FINE),
    case("boxes", "control, COCO", coco(), 0, why=FINE),
    case("boxes", "control, YOLO", yolo(), 0, why=FINE),
    case("boxes", "control, LabelMe", labelme(), 0, why=FINE),
    case("boxes", "control, a table", listed(), 0, why=FINE),
    case("boxes", "nothing there", one("<annotation><filename>3.png</filename></annotation>"), 0, why="a picture may hold nothing"),
    case("boxes", "a file cut short", one(xml(3)[:90]), 2, "3.xml"),
    case("boxes", "an empty file", one(b""), (0, 2), "3.xml", why="its picture has no boxes that anybody wrote"),
    case("boxes", "entities", one(LAUGHS), 2, "3.xml", "entities"),
    case("boxes", "a file of another kind", one("<html><body/></html>"), 0, why=LEFT),
    case("boxes", "30,000 elements deep", one(DEEP), 2, "3.xml"),
    case("boxes", "a word for a corner", one(corners(xmin="left")), 2, "3.xml", "left"),
    case("boxes", "a missing corner", one(xml(3, "<xmin>1</xmin><ymin>2</ymin><xmax>9</xmax>")), 2, "3.xml", "four numbers"),
    case("boxes", "a corner that is NaN", one(corners(ymax=NAN)), (0, 2), "3.xml", why=LEFT),
    case("boxes", "an infinite corner", one(corners(xmax="inf")), (0, 2), "3.xml", why=LEFT),
    case("boxes", "a corner of 1e300", one(corners(xmax="1e300")), (0, 2), "3.xml", why="it is cut at the picture's edge, or left out"),
    case("boxes", "no area", one(corners(xmax=3)), 0, why=LEFT),
    case("boxes", "corners in the wrong order", one(corners(xmin=20)), 0, why=LEFT),
    case("boxes", "outside of the picture", one(corners(100, 100, 140, 150)), (0, 2), "3.xml", why="it is cut at the picture's edge, or left out"),
    case("boxes", "negative corners", one(corners(-5, -5)), 0, why="it is cut at the picture's edge"),
    case("boxes", "no name", one(xml(3, name=" ")), 2, "3.xml", "name"),
    case("boxes", "an escape in a name", one(xml(3, name="&#27;[2J")), 2, "3.xml"),
    case("boxes", "a name of a megabyte", one(xml(3, name="x" * 1_000_000)), (0, 2, 3), "D003", why="a long name is a name"),
    case("boxes", "10,000 boxes", one(xml(3).replace("<object>", "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>" * 10_000 + "<object>")),
         2, "3.png", "10,001"),
    case("boxes", "a picture that is not there", folder({"JPEGImages/3.png": None}), 0, why=LEFT),
    case("boxes", "no picture at all", folder({f"JPEGImages/{n}.png": None for n in range(COUNT)}), 2, "pets"),
    case("boxes", "a picture cut short", folder({"JPEGImages/3.png": seen(3)[:60]}), (2, 3), "3.png"),
    case("boxes", "a picture of 60,000 x 60,000", folder({"JPEGImages/3.png": HUGE}), (2, 3), "3.png"),
    case("boxes", "no object in any picture", folder({f"Annotations/{n}.xml": f"<annotation><filename>{n}.png</filename></annotation>" for n in range(COUNT)}), 2, "pets", "no box"),
    case("boxes", "one class", folder({f"Annotations/{n}.xml": xml(n, name="cat") for n in range(COUNT)}), 0, why="where it is has to be learned"),
    case("boxes", "as many classes as pictures", folder({f"Annotations/{n}.xml": xml(n, name=f"kind {n}") for n in range(COUNT)}), (0, 3), "D0", why="few of a class are said"),
    case("boxes", "two pictures", folder({f"{where}/{n}.{end}": None for n in range(2, COUNT) for where, end in (("JPEGImages", "png"), ("Annotations", "xml"))}), 0, why="none is held out, and that is said"),
    case("boxes", "one picture throughout", folder({f"{where}/{n}.{end}": content for n in range(COUNT)
         for where, end, content in (("JPEGImages", "png", seen(0)), ("Annotations", "xml", xml(0).replace("0.png", f"{n}.png")))}), 2, "only 1 of 24 rows differ"),
    case("boxes", "parts", folder({"ImageSets/Main/train.txt": "\n".join(map(str, range(16))), "ImageSets/Main/test.txt": "\n".join(map(str, range(16, COUNT)))}), 0, why=FINE),
    case("boxes", "parts that are binary", folder({"ImageSets/Main/train.txt": bytes(range(256)), "ImageSets/Main/test.txt": bytes(256)}), 0, why="they name no picture"),
    case("boxes", "COCO, cut", coco(json.dumps(document())[:-40]), 2, "instances.json"),
    case("boxes", "COCO, 100,000 lists deep", coco('{"images": ' + "[" * 100_000 + ', "annotations": [], "categories": [], "bbox"'), 2, "instances.json"),
    case("boxes", "COCO, a class that is none", annotated(category_id=9), 2, "instances.json", "9"),
    case("boxes", "COCO, a picture that is none", annotated(image_id=999), 0, why=LEFT),
    case("boxes", "COCO, three numbers", annotated(bbox=[1, 2, 3]), (0, 2), "instances.json", why=LEFT),
    case("boxes", "COCO, words for numbers", annotated(bbox=["a", "b", "c", "d"]), (0, 2), "instances.json", why=LEFT),
    case("boxes", "COCO, a number beyond floats", annotated(bbox=[1, 2, 10**400, 4]), (0, 2), "instances.json", why=LEFT),
    case("boxes", "COCO, no pictures", coco(images=[]), 2, "instances.json"),
    case("boxes", "COCO, annotations that are a number", coco(annotations=7), 2, "instances.json", "annotations"),
    case("boxes", "COCO, a picture above the folder", coco(images=[{**image, "file_name": f"../../{image['id']}.png"} for image in document()["images"]]), (0, 2), "pets",
         why="it is found by its name"),
    case("boxes", "COCO, runs that never end", annotated(bbox=None, segmentation={"size": [SIDE, SIDE], "counts": [10**9, 10**9]}), (0, 2), "instances.json", why=LEFT),
    case("boxes", "COCO, runs of 1e9 x 1e9", annotated(bbox=None, segmentation={"size": [10**9, 10**9], "counts": [1, 5]}), (0, 2), "instances.json", why=LEFT),
    case("boxes", "YOLO, a word", yolo({"labels/3.txt": "cat 0.5 0.5 0.1 0.1\n"}), 2, "3.txt"),
    case("boxes", "YOLO, pixels", yolo({f"labels/{n}.txt": f"{n % 2} 12 14 10 12\n" for n in range(COUNT)}), 2, "pets"),
    case("boxes", "YOLO, NaN", yolo({"labels/3.txt": "0 nan 0.5 0.1 0.1\n"}), 2, "3.txt"),
    case("boxes", "YOLO, four numbers", yolo({"labels/3.txt": "0 0.5 0.5 0.1\n"}), 2, "3.txt"),
    case("boxes", "YOLO, a class without a name", yolo({"labels/3.txt": "7 0.5 0.5 0.1 0.1\n"}), (0, 2), "3.txt", why="it is called by its number"),
    case("boxes", "YOLO, an empty file", yolo({"labels/3.txt": b""}), 0, why="it says that nothing is there"),
    case("boxes", "YOLO, no file", yolo({"labels/3.txt": None}), 0, why="nobody looked there"),
    case("boxes", "YOLO, no names", yolo({"data.yaml": None}), 0, why="classes are called by their numbers"),
    case("boxes", "YOLO, another count of names", yolo({"data.yaml": "names: [cat, dog]\nnc: 3\n"}), 2, "data.yaml", "nc: 3"),
    case("boxes", "YOLO, a yaml that leads out", yolo({"data.yaml": "names: [cat, dog]\ntrain: /etc\nval: /etc\n"}), (0, 2), "data.yaml", why="nothing is read there"),
    case("boxes", "YOLO, a yaml of anchors", yolo({"data.yaml": "a: &a [x]\nnames: *a\n"}), (0, 2), "data.yaml", why="plain lists are read"),
    case("boxes", "LabelMe, cut", labelme({"3.json": drawn(3)[:50]}), (0, 2), "3.json", why=LEFT),
    case("boxes", "LabelMe, one point", labelme({"3.json": drawn(3, [[1, 1]])}), (0, 2), "3.json", why=LEFT),
    case("boxes", "LabelMe, words for points", labelme({"3.json": drawn(3, [["a", 1], [2, 3]])}), (0, 2), "3.json", why=LEFT),
    case("boxes", "a table, a word", listed(row="3.png,left,3,12,15,dog"), 2, "boxes.csv", "left"),
    case("boxes", "a table, an empty cell", listed(row="3.png,,3,12,15,dog"), (0, 2), "boxes.csv", why=LEFT),
    case("boxes", "a table, no class", listed(row="3.png,2,3,12,15,"), (0, 2), "boxes.csv", why=LEFT),
    case("boxes", "a table, a picture above the folder", listed(row="../../x.png,2,3,12,15,dog"), (0, 2), "x.png", why=LEFT),
    case("boxes", "as classes", folder(), 2, "pets", task="classify"),
    case("boxes", "another task", folder(), 2, "pets", task="forecast"),
    case("boxes", "folds", folder(), 0, why="every picture is tested once", folds="3"),
)  # fmt: skip
