"""Data of a job of another sort: boxes in pictures. They are named for what they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from netpick.data.sources.folder_levels import part_of
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import IMAGE_SUFFIXES
from netpick.errors import DataError

LOOKED_INTO, LOOKED_AT = 60, 200  # folders, and files of each
HEAD = 64 << 10
BOX = re.compile(
    rb"\d+(?: -?\d*\.?\d+){4,}\s*"
)  # a class, and the middle, width and height of a box, in shares of the picture
WHOLE_TEXTS = (
    "classes, labels and numbers of whole texts are. Write a CSV with a column of texts and one of their labels."
)
COCO = (b'"bbox"', b'"segmentation"', b'"annotations"')


def refuse_other_jobs(folder: Path) -> None:
    """Raises DataError for a folder of pictures with boxes in one of the usual ways (YOLO, Pascal VOC, COCO)."""
    files = list(_files(folder))
    pictures = {Path(name).stem for name in files if name.lower().endswith(IMAGE_SUFFIXES)}
    if not pictures:
        return
    beside = [name for name in files if name.lower().endswith((".txt", ".xml")) and Path(name).stem in pictures]
    boxes = [name for name in beside if _is_boxes(folder / name)]
    places = {Path(name).parent.name for name in boxes}
    own = {Path(name).parent.name for name in files if name.lower().endswith(IMAGE_SUFFIXES)}
    if len(places) > 1 and places <= own and not any(part_of(place) is not None for place in places):
        return  # class folders, whose pictures have boxes as well
    if boxes and len(boxes) >= 0.5 * len(beside):
        way = "Pascal VOC" if boxes[0].lower().endswith(".xml") else "YOLO"
        raise _refusal(folder, f"{boxes[0]} and others hold boxes for the pictures ({way})")
    for name in files:
        if name.lower().endswith(".json") and sum(word in first_bytes(folder / name, HEAD) for word in COCO) >= 2:
            raise _refusal(folder, f"{name} holds boxes or outlines for the pictures (COCO)")


def _files(folder: Path) -> Iterator[str]:
    """Some files of each of some folders, relative to the top, nearest first."""
    waiting = [""]
    for _ in range(LOOKED_INTO):
        if not waiting:
            return
        relative = waiting.pop(0)
        try:
            entries = sorted(os.scandir(folder / relative), key=lambda entry: entry.name)
        except OSError:
            continue
        shown = 0
        for entry in entries:
            name = f"{relative}/{entry.name}" if relative else entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
            elif shown < LOOKED_AT:
                shown += 1
                yield name


def _is_boxes(file: Path) -> bool:
    head = first_bytes(file, HEAD)
    if file.suffix.lower() == ".xml":
        return b"<bndbox>" in head
    lines = [line for line in head.splitlines() if line.strip()]
    return bool(lines) and all(BOX.fullmatch(line) for line in lines[:20])


def _refusal(folder: Path, what: str) -> DataError:
    return DataError(
        f"{folder} is a set for finding objects: {what}. Finding objects is not done here; classes, labels and numbers of whole pictures "
        "are. Sort the pictures into one folder per class, or name a table with a column of their names and one of their labels."
    )
