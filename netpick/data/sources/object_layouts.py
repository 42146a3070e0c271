"""The layouts of pictures with boxes, and how a folder of each is told by a look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from netpick.data.sources.box_table import tables_in
from netpick.data.sources.coco_json import coco_files
from netpick.data.sources.labelme_folder import holds_labelme
from netpick.data.sources.object_files import are_classes
from netpick.data.sources.voc_folder import holds_voc
from netpick.data.sources.yolo_folder import holds_yolo

LOOKS: Mapping[str, Callable[[Path], bool]] = {  # by the reader's name, in the order in which they are asked
    "voc_folder": lambda folder: not are_classes(folder) and holds_voc(folder),
    "coco_json": lambda folder: bool(coco_files(folder)),
    "labelme_folder": holds_labelme,
    "yolo_folder": holds_yolo,
    "box_table": lambda folder: bool(tables_in(folder)),
}


def holds_objects(folder: Path) -> bool:
    """Whether a folder's pictures have boxes in one of the layouts; never raises."""
    return any(look(folder) for look in LOOKS.values())
