"""`netpick predict --out FILE.json` of a model of boxes: COCO JSON."""

from __future__ import annotations

import sys
from pathlib import Path

from netpick.saved.use import Model, heeded


def is_coco(loaded: Model, out: Path | None) -> bool:
    """Whether boxes are to be written, and --out names a JSON file."""
    return loaded.parts.task.answer.each_object and out is not None and out.suffix.lower() == ".json"


def predict_coco(loaded: Model, data: object, out: Path, *, strict: bool) -> None:
    """Writes the boxes of all pictures as COCO JSON."""
    from netpick.cli.console import show_unlike
    from netpick.saved.box_files import write_coco

    source = loaded.read(data)
    show_unlike(source)
    count = write_coco(loaded, heeded(source, strict=strict), out)
    sys.stderr.write(f"{count:,} boxes in {source.num_rows:,} pictures in {out} (COCO JSON)\n")
