"""Which rows a step trains on: a pure function of (seed, epoch) and the lengths of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from netpick.types import Array, Rows

STRETCH = 32  # batches within which rows are sorted by length


def batches(
    rows: Rows, batch_size: int, seed: int, lengths: Array | None = None, skip: int = 0, *, even: bool = False
) -> Iterator[tuple[Tensor, int]]:
    """Endless batches of equal size; the order of an epoch is a pure function of (seed, epoch) and the lengths.

    lengths: (N,) of all rows; rows of like length then come together, so that little padding is computed. even: batches have about as many
    steps each, not as many rows, and there are as many batches. skip: batches that were had before.
    """
    size = min(batch_size, len(rows))
    epoch, skipped = divmod(skip, len(rows) // size)
    while True:
        key = np.array([seed, epoch], dtype=np.uint64)
        generator = np.random.Generator(np.random.Philox(key=key))
        order = rows[generator.permutation(len(rows))]
        starts = np.arange(0, len(rows) - size + 1, size)
        ends = starts + size
        if lengths is not None:
            order = _like_lengths_together(order[: len(starts) * size], lengths, size)
            if even:
                starts, ends = _of_like_steps(lengths[order], size)
            drawn = generator.permutation(len(starts))
            starts, ends = starts[drawn], ends[drawn]
        shuffled = torch.from_numpy(order)
        for start, end in zip(starts[skipped:].tolist(), ends[skipped:].tolist(), strict=True):
            yield shuffled[start:end], epoch
        epoch, skipped = epoch + 1, 0


def streams(rows: Rows, batch_size: int, seed: int, skip: int = 0) -> Iterator[tuple[Tensor, int]]:
    """Endless batches of rows that go on where those of the batch before end: as many streams of neighbours side by side.

    Where the streams of an epoch begin is a pure function of (seed, epoch). skip: batches that were had before.
    """
    size = min(batch_size, len(rows))
    length = len(rows) // size
    epoch, skipped = divmod(skip, length)
    while True:
        generator = np.random.Generator(np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64)))
        turned = np.roll(np.sort(rows), -int(generator.integers(len(rows))))[: size * length]
        order = torch.from_numpy(np.ascontiguousarray(turned.reshape(size, length).T))
        for batch in range(skipped, length):
            yield order[batch], epoch
        epoch, skipped = epoch + 1, 0


def _like_lengths_together(order: Rows, lengths: Array, size: int) -> Rows:
    """Sorted by length within stretches of some batches: enough to save the padding, while epochs still differ."""
    stretch = size * max(1, min(STRETCH, len(order) // size // 4))  # few rows: still four stretches that differ
    parts = [order[start : start + stretch] for start in range(0, len(order), stretch)]
    return np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])


def _of_like_steps(lengths: Array, size: int) -> tuple[Rows, Rows]:
    """Where batches begin and end in rows of these lengths, so that each has about as many steps, of which none is without a row."""
    count = len(lengths) // size
    steps = np.cumsum(lengths)
    ends = np.searchsorted(steps, steps[-1] * np.arange(1, count + 1) / count - 1e-9) + 1
    place = np.arange(count)
    ends = np.maximum.accumulate(ends - place) + place  # a row that is as long as several batches is one by itself
    ends = np.minimum(ends, len(lengths) - place[::-1])
    return np.concatenate([[0], ends[:-1]]), ends
