"""64-bit hashes of rows of arrays: the same on every machine and in every version, since model files keep some of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from netpick.types import Array, Rows

Hashes = npt.NDArray[np.uint64]

CHUNK_BYTES = 1 << 20  # so that what is hashed stays in the processor's cache


def mix(hashes: Hashes) -> Hashes:
    """Spreads every bit over all others, so that sums of hashes do not cancel (splitmix64's finaliser)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def num_words(values: Array) -> int:
    """64-bit words of one row."""
    row_bytes = int(np.prod(values.shape[1:])) * values.itemsize
    return -(-row_bytes // 8)


def as_words(values: Array) -> Hashes:
    """Rows as 64-bit words (n, words), the last one filled up with zeros."""
    rows = np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint8)
    spare = -rows.shape[1] % 8
    if spare:
        rows = np.pad(rows, ((0, 0), (0, spare)))
    return rows.view(np.uint64)


def hash_rows(arrays: Mapping[str, Array], rows: Rows) -> Hashes:
    """One hash a row (n,) over all arrays, by name; equal rows have equal hashes, others all but never."""
    total = np.zeros(len(rows), dtype=np.uint64)
    for name in sorted(arrays):
        array = arrays[name]
        words = num_words(array)
        keys = mix(np.arange(1, words + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)
        at_once = max(1, CHUNK_BYTES // (8 * max(1, words)))
        for start in range(0, len(rows), at_once):
            here = slice(start, start + at_once)
            # Words are mixed first: a bit that is set high up in one would be lost in the product.
            sums = (mix(as_words(array[rows[here]])) * keys).sum(axis=1, dtype=np.uint64)
            total[here] = mix(mix(total[here]) + sums)
    return total
