"""Small pictures and label files for tests of boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from netpick.data.objects import Thing, read_cell
from netpick.types import Source, TableColumn

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
