"""Boxes of new pictures as one file that other tools read: COCO JSON, with the score of each box."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from netpick.answers.boxes import said_in
from netpick.columns.kinds.scene import sizes_of
from netpick.data.drawn import rows_of
from netpick.disk.files import write_whole
from netpick.saved import asked
from netpick.saved.use import Model
from netpick.tasks.detect.examples import scale_of
from netpick.tasks.scenes.base import scene_of
from netpick.types import Source

AT_ONCE = 64  # pictures


def write_coco(model: Model, source: Source, file: Path) -> int:
    """Writes images, categories and annotations with scores; returns how many boxes there are.

    A box is left, top, width, height in pixels of the picture as it is seen, from 0; ids count from 1, categories in the order of the model's
    classes.
    """
    labels = model.parts.record.labels
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for start in range(0, source.num_rows, AT_ONCE):
        some = rows_of(source, np.arange(start, min(start + AT_ONCE, source.num_rows)))
        examples = asked.new_examples(model.parts, some)
        with asked.encoded(model.parts, examples, model.engine) as arrays:
            answers = model.engine.outputs(arrays)
        column = scene_of(some)
        predictions = replace(
            model.parts.task.answer.decode(answers, model.parts.task_state),
            scale=scale_of(column),
            sizes=sizes_of(column),
        )
        own = column.own if column.own is not None else column.sizes
        for row, things in enumerate(said_in(predictions, labels)):
            height, width = column.values.shape[2:] if own is None else own[row].tolist()
            name = some.row_names[row] if some.row_names is not None else f"{start + row + 1}"
            images.append({"id": start + row + 1, "file_name": name, "width": int(width), "height": int(height)})
            for thing, score in things:
                wide, high = round(thing.right - thing.left, 1), round(thing.bottom - thing.top, 1)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": start + row + 1,
                        "category_id": labels.index(thing.label) + 1,
                        "bbox": [thing.left, thing.top, wide, high],
                        "area": round(wide * high, 1),
                        "iscrowd": 0,
                        "score": score,
                    }
                )
    categories = [{"id": place + 1, "name": label} for place, label in enumerate(labels)]
    made = {"images": images, "annotations": annotations, "categories": categories}
    write_whole(file, json.dumps(made, indent=1).encode())
    return len(annotations)
