"""Sounds and series that are near copies of others: louder, shifted, scaled, with a little noise."""

from __future__ import annotations

import numpy as np

from netpick.tasks.near.compare import Copies, find_copies, nearest, unit
from netpick.tasks.near.shrink import BANDS, MOST_CHANNELS, Floats, pooled_steps, pooling
from netpick.types import Array, ArrayColumn, Rows

WAVES = 16  # of a sound's slowest swings in time, whatever its beginning
MOST_STEPS = 64  # that sounds and series are compared by
CANDIDATES = 30  # nearest by their swings, of which shifts are tried
LOUD = 0.99  # of a sound's values lie below its loudest ones
QUIET = (
    128  # steps below a sound's loudest (of 255): what is quieter is noise that encodings change, and is silence here
)
SHIFT = 0.25  # of a sound's length, that its beginning may have moved
LEAST_ALIKE_SOUNDS, LEAST_ALIKE_SERIES = 0.85, 0.97  # correlation of a copy; shifts and encodings cost sounds a tenth


def copied_sounds(column: ArrayColumn, test: Rows, learned: Rows) -> Copies:
    """Which sounds or series are near copies of learned ones (of others than themselves); all rows sorted."""
    if column.kind == "series":
        steps, channels = MOST_STEPS, MOST_CHANNELS
        known = unit(_levelled(pooled_steps(column, learned, steps, channels)))
        asked = unit(_levelled(pooled_steps(column, test, steps, channels)))

        def compare(rows: Rows, others: Array) -> Floats:
            left, right = asked[np.searchsorted(test, rows)], known[np.searchsorted(learned, others)]
            return np.asarray(np.einsum("nd,nkd->nk", left, right), np.float32)

        return find_copies(test, learned, nearest(asked, known), compare, LEAST_ALIKE_SERIES)
    known_maps, asked_maps = _maps(column, learned), _maps(column, test)

    def compare_shifted(rows: Rows, others: Array) -> Floats:
        return _best_shift(asked_maps[np.searchsorted(test, rows)], known_maps[np.searchsorted(learned, others)])

    near = nearest(_swings(asked_maps), _swings(known_maps), CANDIDATES)
    return find_copies(test, learned, near, compare_shifted, LEAST_ALIKE_SOUNDS)


def _levelled(values: Floats) -> Floats:
    """Series (n, t, c) as flat rows (n, t c), every channel without its level: scales and offsets do not matter."""
    return np.asarray((values - values.mean(axis=1, keepdims=True)).reshape(len(values), -1))


def _maps(column: ArrayColumn, rows: Rows) -> Floats:
    """Sounds (n, t, bands) on one clock, in at most MOST_STEPS steps, silence behind the end."""
    out = []
    across = pooling(column.values.shape[2], BANDS)
    along = pooling(column.values.shape[1], MOST_STEPS)
    for start in range(0, len(rows), 1_000):
        part = np.asarray(column.values[rows[start : start + 1_000]], np.float32)
        loudest = np.quantile(part, LOUD, axis=(1, 2), keepdims=True)
        part = np.maximum(part - (loudest - QUIET), 0) @ across
        # Differences between bands: the same at any loudness, and nothing where there is silence, wherever that is.
        out.append(np.diff(np.einsum("ntc,ts->nsc", part, along, optimize=True), axis=2).astype(np.float32))
    return np.concatenate(out) if out else np.zeros((0, 1, BANDS), np.float32)


def _swings(maps: Floats) -> Floats:
    """How strongly each band swings how fast (n, bands x waves): the same wherever the sound begins."""
    size = 2 * maps.shape[1]
    waves = np.abs(np.fft.rfft(maps, n=size, axis=1))[:, :WAVES]
    return unit(np.sqrt(waves).reshape(len(maps), -1).astype(np.float32))


def _best_shift(asked: Floats, others: Floats) -> Floats:
    """The best correlation (n, k) of maps (n, t, b) with maps (n, k, t, b) over shifts in time."""
    steps = asked.shape[1]
    size = 2 * steps
    product = np.fft.rfft(others, n=size, axis=2) * np.conj(np.fft.rfft(asked, n=size, axis=1))[:, None]
    together = np.fft.irfft(product.sum(axis=3), n=size, axis=2)
    reach = max(1, round(SHIFT * steps))
    best = np.concatenate([together[..., : reach + 1], together[..., -reach:]], axis=2).max(axis=2)
    length = np.linalg.norm(asked, axis=(1, 2))[:, None] * np.linalg.norm(others, axis=(2, 3))
    return np.asarray(best / np.maximum(length, 1e-9), np.float32)
