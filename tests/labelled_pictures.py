"""Small pictures and label files for tests of boxes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from netpick.types import Source, TableColumn
from netpick.types.objects import Thing, read_cell

TURNED = 6  # of EXIF: the picture is shown turned by a quarter to the right


def picture(file: Path, size: tuple[int, int] = (80, 60), *, turned: bool = False) -> Path:
    """A JPEG or PNG of (width, height), stored so; seen turned where it says so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(file.name)).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    exif = Image.Exif()
    if turned:
        exif[0x0112] = TURNED
    Image.fromarray(pixels).save(file, exif=exif)
    return file


def write(file: Path, text: str | Mapping[str, Any] | Sequence[Any]) -> Path:
    """A text, or JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    return file


def things(source: Source) -> dict[str, list[Thing] | None]:
    """What is in each picture, by its name."""
    column = source.columns["objects"]
    assert isinstance(column, TableColumn)
    assert source.row_names is not None
    return {name: read_cell(cell) for name, cell in zip(source.row_names, column.values.to_list(), strict=True)}


def told(source: Source) -> str:
    """All notes."""
    return " ".join(note.text for note in source.notes)


def box(thing: Thing) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    return thing.left, thing.top, thing.right, thing.bottom


# --- a small set in each layout: a folder, with another box where `change` says so ---------------------------------------------


def coco_sample(folder: Path, change: int = 0) -> Path:
    """instances.json beside images/."""
    images = [
        {"id": n, "file_name": picture(folder / "coco" / "images" / f"{n}.png").name, "width": 80, "height": 60}
        for n in range(3)
    ]
    boxes = [{"id": n, "image_id": n, "category_id": 4, "bbox": [n, 2, 30 + change, 20]} for n in range(2)]
    write(
        folder / "coco" / "instances.json",
        {"images": images, "annotations": boxes, "categories": [{"id": 4, "name": "cat"}]},
    )
    return folder / "coco"


def voc_sample(folder: Path, change: int = 0) -> Path:
    """Annotations/1.xml beside JPEGImages/1.png."""
    for number in range(3):
        picture(folder / "voc" / "JPEGImages" / f"{number}.png")
        corners = f"<xmin>1</xmin><ymin>2</ymin><xmax>{30 + change}</xmax><ymax>{20 + number}</ymax>"
        thing = f"<object><name>cat</name><bndbox>{corners}</bndbox></object>"
        size = "<size><width>80</width><height>60</height></size>"
        text = f"<annotation><filename>{number}.png</filename>{size}{thing}</annotation>"
        write(folder / "voc" / "Annotations" / f"{number}.xml", text)
    return folder / "voc"


def yolo_sample(folder: Path, change: int = 0) -> Path:
    """labels/ beside images/, and data.yaml."""
    for number in range(3):
        picture(folder / "yolo" / "images" / f"{number}.png")
        write(folder / "yolo" / "labels" / f"{number}.txt", f"0 0.5 0.5 0.25 0.{number + 2 + change}\n")
    write(folder / "yolo" / "data.yaml", "names: [cat]\n")
    return folder / "yolo"


def labelme_sample(folder: Path, change: int = 0) -> Path:
    """1.json beside 1.png."""
    for number in range(3):
        picture(folder / "labelme" / f"{number}.png")
        shape = {"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [30 + change, 40]]}
        write(folder / "labelme" / f"{number}.json", {"shapes": [shape], "imagePath": f"{number}.png"})
    return folder / "labelme"


def box_table_sample(folder: Path, change: int = 0) -> Path:
    """boxes.csv beside images/."""
    for number in range(3):
        picture(folder / "table" / "images" / f"{number}.png")
    lines = [f"{number}.png,cat,1,2,{30 + change},{40 + number}" for number in range(3)]
    write(folder / "table" / "boxes.csv", "\n".join(["image,label,xmin,ymin,xmax,ymax", *lines]))
    return folder / "table"


def with_file(sample: Callable[[Path, int], Path], name: str, text: str) -> Callable[[Path, int], Path]:
    """The same set with another text in one of its files."""

    def make(folder: Path, change: int = 0) -> Path:
        path = sample(folder, change)
        write(path / name, text)
        return path / name if name.endswith((".csv", "instances.json")) else path

    return make
