"""Masks of new pictures as files: a PNG with a palette for each, at the picture's own size, and a legend of its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from netpick.answers.masks import cut
from netpick.answers.png import colours, palette_png
from netpick.data.decoders.mask import COLOUR, nearest
from netpick.data.drawn import rows_of
from netpick.disk.files import write_whole
from netpick.errors import RequestError
from netpick.saved import asked
from netpick.saved.use import Model
from netpick.tasks.scenes.base import scene_of
from netpick.types import Array, Source

LEGEND = "legend.csv"
AT_ONCE = 4  # pictures


@dataclass(frozen=True, kw_only=True)
class Mask:
    """The mask (h, w) of one picture, numbers of classes, and the probability of each pixel's class."""

    name: str
    classes: Array
    probability: Array


def masks_of(model: Model, source: Source) -> Iterator[Mask]:
    """The mask of each picture at its own size, a few at a time. Raises RequestError for models that answer no masks."""
    require_masks(model)
    for start in range(0, source.num_rows, AT_ONCE):
        some = rows_of(source, np.arange(start, min(start + AT_ONCE, source.num_rows)))
        examples = asked.new_examples(model.parts, some)
        with asked.encoded(model.parts, examples, model.engine) as arrays:
            answers = model.engine.outputs(arrays)
        column = scene_of(some)
        predictions = model.parts.task.answer.decode(answers, model.parts.task_state)
        sizes = column.sizes if column.sizes is not None else np.tile(column.values.shape[2:], (len(column), 1))
        for row in range(some.num_rows):
            height, width = sizes[row].tolist()
            classes, sure = (part[:height, :width] for part in cut(predictions, row))
            own = sizes[row] if column.own is None else column.own[row]
            name = some.row_names[row] if some.row_names is not None else f"{start + row + 1}"
            yield Mask(name=name, classes=nearest(classes, own), probability=nearest(sure, own) / 255)


def require_masks(model: Model) -> None:
    """Raises RequestError for models that answer no masks."""
    if not model.parts.task.answer.each_pixel:
        raise RequestError(
            f"A folder to write into was given, but this model answers no masks ({model.parts.record.task}). Pass a file that ends in .csv, .json or "
            ".parquet."
        )


def write_masks(model: Model, source: Source, folder: Path) -> pl.DataFrame:
    """Writes NAME.png for each picture and legend.csv; returns a row a picture: name, mask, and the share of each class.

    Values are those of the masks that were learned from, where these are 0 to 255. Raises RequestError.
    """
    require_masks(model)
    state, labels = model.parts.task_state, model.parts.record.labels
    values = _values(state, len(labels))
    folder.mkdir(parents=True, exist_ok=True)
    palette = [(0, 0, 0)] * 256
    for value, colour in zip(values, colours(len(labels)), strict=True):
        palette[value] = colour
    table_of = np.array(values, np.uint8)
    rows: list[dict[str, object]] = []
    taken: set[str] = set()
    for mask in masks_of(model, source):
        file = _free(Path(mask.name).stem, taken)
        write_whole(folder / file, palette_png(table_of[mask.classes], palette))
        counts = np.bincount(mask.classes.ravel(), minlength=len(labels))[: len(labels)] / max(1, mask.classes.size)
        rows.append({"name": mask.name, "mask": file, **dict(zip(labels, counts.tolist(), strict=True))})
    legend = pl.DataFrame(
        {
            "value": values,
            "class": list(labels),
            "colour": [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colours(len(labels))],
        }
    )
    write_whole(folder / LEGEND, legend.write_csv().encode())
    return pl.DataFrame(rows)


def _values(state: Any, count: int) -> list[int]:
    """The value of each class in files: that of training where it is one byte, else its number."""
    of_class: dict[int, int] = {}
    for value, number in zip(state.values, state.classes, strict=True):
        of_class.setdefault(number, value)
    found = [of_class.get(number, COLOUR) for number in range(count)]
    return found if all(value < 256 for value in found) else list(range(count))


def _free(stem: str, taken: set[str]) -> str:
    """A name that no mask has yet."""
    name, number = f"{stem}.png", 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}.png"
    taken.add(name)
    return name
