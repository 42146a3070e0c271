"""Media as short rows of numbers: enough to tell how alike they are, and cheap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netpick.types import Array, ArrayColumn, Rows

Floats = npt.NDArray[np.float32]

SIDE, STEPS, BANDS = 16, 32, 16  # of shrunk images, series, and sounds
MOST_CHANNELS = 12  # of a series
CLIP_FRAMES, CLIP_SIDE = 4, 8


def shrunk(column: ArrayColumn, rows: Rows) -> Floats:
    """Media of these rows as short rows of numbers (n, d)."""
    if column.kind in ("image", "scene"):
        return pooled_images(column.values, rows, SIDE).reshape(len(rows), -1)
    if column.kind == "clip":
        return clip_frames(column, rows).reshape(len(rows), -1)
    if column.kind == "audio":
        return pooled_steps(column, rows, SIDE, BANDS).reshape(len(rows), -1)
    return pooled_steps(column, rows, STEPS, MOST_CHANNELS).reshape(len(rows), -1)


def pooling(size: int, wanted: int) -> Floats:
    """(size, wanted) weights that average neighbours; as it is when there are no more than wanted."""
    if size <= wanted:
        return np.eye(size, dtype=np.float32)
    edges = np.linspace(0, size, wanted + 1)
    position = np.arange(size)[:, None]
    overlap = np.minimum(position + 1, edges[None, 1:]) - np.maximum(position, edges[None, :-1])
    weights = np.clip(overlap, 0, 1)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


def pooled_images(values: Array, rows: Rows, side: int, *, grey: bool = False) -> Floats:
    """Images (n, C, h, w) as averages of at most side x side fields, 0 to 1; in pieces, so that memory stays small."""
    _, channels, height, width = values.shape
    across, down = pooling(width, side), pooling(height, side)
    out = np.empty((len(rows), 1 if grey else channels, down.shape[1], across.shape[1]), np.float32)
    piece = max(1, 8_000_000 // max(1, channels * height * width))
    for start in range(0, len(rows), piece):
        part = np.asarray(values[rows[start : start + piece]])
        pixels = part.mean(axis=1, keepdims=True, dtype=np.float32) if grey else part.astype(np.float32)
        narrow = pixels.reshape(-1, width) @ across
        narrow = narrow.reshape(-1, height, across.shape[1]).swapaxes(1, 2).reshape(-1, height) @ down
        small = narrow.reshape(len(part), -1, across.shape[1], down.shape[1]).swapaxes(2, 3)
        out[start : start + len(part)] = small / 255
    return out


def clip_frames(column: ArrayColumn, rows: Rows) -> Floats:
    """A few grey frames of each clip, small: (n, frames, h, w)."""
    steps = column.values.shape[1]
    at = np.unique(np.linspace(0, steps - 1, CLIP_FRAMES).round().astype(int))
    frames = [pooled_images(column.values[:, step], rows, CLIP_SIDE, grey=True) for step in at.tolist()]
    return np.concatenate(frames, axis=1)


def pooled_steps(column: ArrayColumn, rows: Rows, steps: int, channels: int) -> Floats:
    """Series or sounds (n, t, c): each row's own steps, averaged to at most so many; channels in units of their spread."""
    values: Floats = np.asarray(column.values[rows], dtype=np.float32)
    if column.kind == "series":
        # The same scales for whatever rows are asked for, so that those of both sides can be compared.
        some = np.nan_to_num(column.values[:: max(1, len(column.values) // 1_000)]).reshape(-1, values.shape[2])
        spread, middle = some.std(axis=0).astype(np.float32), some.mean(axis=0).astype(np.float32)
        values = (np.nan_to_num(values) - middle) / np.where(spread > 0, spread, np.float32(1))
    else:
        values = values / np.float32(255)
    if values.shape[2] > channels:
        values = values @ pooling(values.shape[2], channels)
    if column.lengths is None or (column.lengths[rows] == values.shape[1]).all():
        return np.asarray(np.einsum("ntc,ts->nsc", values, pooling(values.shape[1], steps), optimize=True), np.float32)
    wanted: int = min(steps, values.shape[1])
    out = np.zeros((len(rows), wanted, values.shape[2]), np.float32)
    for i, length in enumerate(column.lengths[rows].tolist()):
        if length:
            own = values[i, :length]
            out[i] = pooling(length, wanted).T @ own if length > wanted else _stretched(own, wanted)
    return out


def _stretched(values: Floats, wanted: int) -> Floats:
    places = np.linspace(0, len(values) - 1, wanted).round().astype(int)
    return np.asarray(values[places])
