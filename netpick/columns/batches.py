"""How encoded rows are put into batches for answering: shared by every engine, so that all of them read rows alike.

Large enough that a batch costs little beside its rows, small enough for the processor's cache; padded rows of like length
come together, and a batch ends with its longest row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from netpick.columns.forms import FORMS, cell_values
from netpick.types import Array, Inputs, Rows

PREDICT_VALUES = 4 << 20  # input values in one batch of predictions; larger batches no longer get faster


def row_values(inputs: Inputs) -> int:
    """Numbers that a row takes at a network's entrance, of its largest input."""
    return max(1, max(cell_values(spec) for spec in inputs.values()))


def batch_rows(inputs: Inputs) -> int:
    """Rows of one batch of predictions."""
    fewest = min(FORMS[spec.form].fewest_together for spec in inputs.values())
    return int(np.clip(PREDICT_VALUES // row_values(inputs), fewest, 8192))


def batch_pixels(inputs: Inputs) -> int | None:
    """Pixels of the pictures of one batch of predictions, where these have sizes of their own; None without any."""
    spec = next((spec for spec in inputs.values() if FORMS[spec.form].sized), None)
    return None if spec is None else max(1, PREDICT_VALUES // (FORMS[spec.form].cell_cost * spec.shape[0]))


def main_lengths(inputs: Inputs, arrays: Mapping[str, Array]) -> Array | None:
    """Lengths (N,) of the first padded text or sound, by which rows are put into batches; None without any. Of pairs, those of both
    sides together."""
    two_sided = next((name for name, spec in inputs.items() if FORMS[spec.form].two_sided), None)
    if two_sided is not None:
        return np.asarray((np.asarray(arrays[two_sided]) > 0).sum(axis=1))
    name = next((name for name, spec in inputs.items() if spec.padded and FORMS[spec.form].trimmed), None)
    return None if name is None else np.asarray(arrays[f"{name}.lengths"])


def sizes_in(inputs: Inputs, arrays: Mapping[str, Array]) -> Array | None:
    """Heights and widths (N, 2) of pictures that have sizes of their own; None without any."""
    name = next((name for name, spec in inputs.items() if FORMS[spec.form].sized), None)
    return None if name is None or f"{name}.sizes" not in arrays else np.asarray(arrays[f"{name}.sizes"])


def batches(
    rows: Rows, lengths: Array | None, size: int, sizes: Array | None = None, most_pixels: int | None = None
) -> Iterator[tuple[Rows, Rows]]:
    """Parts of `rows`, and where among them each one stands, in the order of their lengths (N,) where they have any.

    sizes: (N, 2) of pictures; only those of one size come together, since what lies behind a picture's edge would be seen from within.
    most_pixels: of the pictures of a batch together; one alone may have more.
    """
    if sizes is not None:
        order = np.lexsort((sizes[rows, 1], sizes[rows, 0]))
        ends = np.flatnonzero((np.diff(sizes[rows][order], axis=0) != 0).any(axis=1)) + 1
        for same in np.split(order, ends):
            pixels = max(1, int(np.prod(sizes[rows[same[:1]]], dtype=np.int64)))
            some = size if most_pixels is None else max(1, min(size, most_pixels // pixels))
            for start in range(0, len(same), some):
                yield rows[same[start : start + some]], same[start : start + some]
        return
    order = np.arange(len(rows)) if lengths is None else np.argsort(lengths[rows], kind="stable")
    for start in range(0, len(rows), size):
        places = order[start : start + size]
        yield rows[places], places


def joined(parts: Sequence[Array]) -> Array:
    """Arrays (n, ...) of several batches as one. Those of steps are as long as the longest row of their batch: shorter ones are
    filled up with zeros."""
    longest = tuple(max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True))
    return np.concatenate([part if part.shape[1:] == longest else _filled(part, longest) for part in parts])


def alike(one: Array, other: Array) -> tuple[Array, Array]:
    """Answers of two engines for the same rows, the shorter one filled up as in `joined`: an engine may answer for padded steps, too."""
    if one.shape == other.shape or one.ndim != other.ndim or len(one) != len(other):
        return one, other
    both = joined([one, other])
    return both[: len(one)], both[len(one) :]


def _filled(part: Array, longest: tuple[int, ...]) -> Array:
    return np.pad(part, [(0, 0), *((0, most - size) for most, size in zip(longest, part.shape[1:], strict=True))])
