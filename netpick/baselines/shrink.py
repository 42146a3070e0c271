"""Images and series as about a hundred plain numbers each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netpick.types import Array, Rows

GRID_SIDE = 14  # a grey image of 14 x 14 block averages keeps a digit readable
READ_SIDE = 56  # larger images are read every few pixels, so that cost does not grow with their size
HISTOGRAM_BINS = 8
MAX_STEPS = 64
SPECTRUM_BANDS = 4
CHUNK_ROWS = 2_048


def image_features(grid: Array, rows: Rows) -> npt.NDArray[np.float32]:
    """Images (N, C, H, W) of uint8 -> (n, h*w [+ C*8]): grey block averages in 0..1, and a histogram per colour."""
    step_h, step_w = (max(1, side // READ_SIDE) for side in grid.shape[2:])
    pool_h, pool_w = (
        _pooling(len(range(0, side, step))) for side, step in zip(grid.shape[2:], (step_h, step_w), strict=True)
    )
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        pixels = np.asarray(grid[rows[start : start + CHUNK_ROWS]])[:, :, ::step_h, ::step_w]
        grey = pixels.mean(axis=1, dtype=np.float32) if pixels.shape[1] > 1 else pixels[:, 0].astype(np.float32)
        blocks = pool_h.T @ (grey @ pool_w) / 255.0
        part = blocks.reshape(len(pixels), pool_h.shape[1] * pool_w.shape[1])
        if pixels.shape[1] > 1:
            part = np.concatenate([part, _colour_histogram(pixels)], axis=1)
        parts.append(part)
    return np.concatenate(parts).astype(np.float32, copy=False)


def _pooling(side: int) -> npt.NDArray[np.float32]:
    """A matrix (side, at most 14) whose columns average neighbouring pixels."""
    blocks = min(side, GRID_SIDE)
    owner = np.arange(side) * blocks // side
    weights = (owner[:, None] == np.arange(blocks)).astype(np.float32)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _colour_histogram(pixels: Array) -> Array:
    """Pixels (n, C, h, w) of uint8 -> (n, C * 8): shares of dark to bright pixels in each colour."""
    n, channels = pixels.shape[:2]
    bins = pixels.reshape(n, channels, -1) // (256 // HISTOGRAM_BINS)
    shares = [(bins == which).mean(axis=2, dtype=np.float32) for which in range(HISTOGRAM_BINS)]
    return np.stack(shares, axis=2).reshape(n, channels * HISTOGRAM_BINS)


def series_features(
    series: Array, lengths: Array | None, rows: Rows
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Series (N, T, C) -> at most 64 evenly spaced steps (n, t*C), and a summary per channel (n, C*10 [+ 1])."""
    steps, summaries = [], []
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        values = np.asarray(series[chunk], dtype=np.float32)
        valid = np.full(len(chunk), values.shape[1]) if lengths is None else np.asarray(lengths[chunk]).clip(1)
        resampled = _resample(values, valid)
        steps.append(resampled.reshape(len(chunk), resampled.shape[1] * resampled.shape[2]))
        summary = _summary(resampled)
        summaries.append(summary if lengths is None else np.concatenate([summary, valid[:, None]], axis=1))
    return np.concatenate(steps).astype(np.float32), np.concatenate(summaries).astype(np.float32)


def _resample(values: Array, valid: Array) -> Array:
    """The valid steps of each series (n, T, C), stretched over the same number of points by straight lines."""
    length = values.shape[1]
    points = min(length, MAX_STEPS)
    if points == length and (valid == length).all():
        return values
    places = np.linspace(0.0, 1.0, points) * (valid[:, None] - 1)
    before = places.astype(np.int64)
    after = np.minimum(before + 1, valid[:, None] - 1)
    share = (places - before)[:, :, None]
    at_before = np.take_along_axis(values, before[:, :, None], axis=1)
    at_after = np.take_along_axis(values, after[:, :, None], axis=1)
    return np.asarray(at_before * (1 - share) + at_after * share)


def _summary(values: Array) -> Array:
    """Mean, deviation, smallest, largest, slope, correlation with the step before, energy in four bands: (n, C*10)."""
    mean, deviation = values.mean(axis=1), values.std(axis=1)
    time = np.linspace(-1.0, 1.0, values.shape[1])
    centred = values - mean[:, None]
    slope = np.einsum("ntc,t->nc", centred, time) / max(float(np.square(time).sum()), 1e-9)
    scale = np.square(centred).sum(axis=1) + 1e-9
    correlation = (centred[:, 1:] * centred[:, :-1]).sum(axis=1) / scale
    energies = np.square(np.abs(np.fft.rfft(centred, axis=1)))[:, 1:]
    bands = [np.log1p(band.sum(axis=1)) for band in np.array_split(energies, SPECTRUM_BANDS, axis=1)]
    columns = [mean, deviation, values.min(axis=1), values.max(axis=1), slope, correlation, *bands]
    return np.concatenate(columns, axis=1)
