"""Pictures of rows for the report: small arrays made when they are asked for, so that results keep no data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from netpick.types import Array, ArrayColumn, Rows, Schema, Source

SCENE_SIDE = 320  # pixels of the longer side
STRIP_FRAMES = 4  # of a clip, side by side


def thumbnails_of(source: Source, schema: Schema) -> Callable[[Rows], Sequence[Array]] | None:
    """Rows to pictures or curves of the first column that has some; None for tables and texts."""
    columns = [source.columns[f.name] for f in schema.features]
    media = next((c for c in columns if isinstance(c, ArrayColumn)), None)
    return None if media is None else partial(_pictures, media)


def _pictures(column: ArrayColumn, rows: Rows) -> list[Array]:
    """Images (H, W) or (H, W, 3), curves (T, C), spectrograms with low tones below, clips as a strip of frames."""
    pictures = []
    for row in rows:
        values = np.asarray(column.values[row])
        length = len(values) if column.lengths is None else max(1, int(column.lengths[row]))
        if column.kind == "image":
            pictures.append(values[0] if len(values) == 1 else values[:3].transpose(1, 2, 0))
        elif column.kind == "audio":
            pictures.append(np.ascontiguousarray(values[:length, ::-1].T))
        elif column.kind == "scene":
            pictures.append(_scene(column, int(row)))
        elif column.kind == "clip":
            chosen = values[np.linspace(0, len(values) - 1, min(len(values), STRIP_FRAMES)).round().astype(int)]
            strip = np.concatenate([frame[:3].transpose(1, 2, 0) for frame in chosen], axis=1)
            pictures.append(strip[..., 0] if strip.shape[2] == 1 else strip)
        else:
            pictures.append(values[:length])
    return pictures


def _scene(column: ArrayColumn, row: int) -> Array:
    """A picture without what lies behind its edges, made smaller where it is large."""
    from PIL import Image

    height, width = column.values.shape[2:] if column.sizes is None else column.sizes[row].tolist()
    values = np.asarray(column.values[row, :, :height, :width])
    pixels = values[0] if len(values) == 1 else values[:3].transpose(1, 2, 0)
    drawn = Image.fromarray(np.ascontiguousarray(pixels))
    drawn.thumbnail((SCENE_SIDE, SCENE_SIDE))
    return np.asarray(drawn)
