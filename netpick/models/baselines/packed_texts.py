"""Texts as arrays of bytes, which is all that a baseline's file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from netpick.types import Array

MOST_TEXTS = 10_000_000


def packed(texts: Sequence[str], prefix: str) -> dict[str, Array]:
    """Texts one behind the other, and where each ends."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {
        f"{prefix}bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{prefix}ends": np.cumsum([0, *map(len, encoded)], dtype=np.int64)[1:],
    }


def unpacked(arrays: Mapping[str, Array], prefix: str) -> list[str]:
    """The inverse of `packed`. Raises ValueError where the arrays are no texts."""
    content, ends = arrays[f"{prefix}bytes"], arrays[f"{prefix}ends"]
    if content.dtype != np.uint8 or content.ndim != 1 or ends.dtype != np.int64 or ends.ndim != 1:
        raise ValueError("texts that are no texts")
    last = int(ends[-1]) if len(ends) else 0
    if len(ends) > MOST_TEXTS or (np.diff(ends, prepend=0) < 0).any() or last != len(content):
        raise ValueError("texts that do not end where they say")
    data, starts = content.tobytes(), [0, *ends[:-1].tolist()]
    return [data[a:b].decode("utf-8", "surrogatepass") for a, b in zip(starts, ends.tolist(), strict=True)]
