"""Small pictures of rows: images as inline PNG or JPEG, series as inline SVG. No files, no requests."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np

from netpick.report.markup import Html, element
from netpick.types import Array, Rows
from netpick.types.results import RunResults

LARGEST = 128  # pixels of the longer side, enough for a tile on a screen of two pixels per point
SMALL = 40  # up to here the pixels themselves are the picture: kept exactly, and shown crisp
MOST_POINTS = 120  # of a curve; a tile is about as many pixels wide
MOST_CHANNELS = 3


def pictures_of(results: RunResults, rows: Rows) -> Sequence[Array]:
    """The arrays that picture these rows, or none when the data have no pictures."""
    if not results.source.pictured:
        return ()
    shown = [results.source.rows[row].picture for row in rows.tolist()]
    return [picture for picture in shown if picture is not None]


def is_image(array: Array) -> bool:
    """Whether a thumbnail is an image, uint8 (H, W) or (H, W, 3); otherwise it is a series, float (T, C)."""
    return array.dtype == np.uint8


def picture(array: Array, alternative: str) -> Html:
    """One row as an image or as a curve, with words in its place for those who cannot see it."""
    return image(array, alternative) if is_image(array) else curves([array], alternative)


def image(array: Array, alternative: str, largest: int = LARGEST) -> Html:
    """An `img` that carries its own bytes. array: uint8 (H, W), (H, W, 3), or another number of
    channels, of which the first is shown. largest: pixels of the longer side."""
    from PIL import Image

    flat = array[..., 0] if array.ndim == 3 and array.shape[-1] != 3 else array
    drawn = Image.fromarray(np.ascontiguousarray(flat))
    crisp = max(drawn.size) <= SMALL
    if max(drawn.size) > largest:
        drawn.thumbnail((largest, largest))
    kind = "png" if crisp else "jpeg"
    buffer = io.BytesIO()
    if crisp:
        drawn.save(buffer, "PNG", compress_level=6)
    else:
        drawn.convert("RGB").save(buffer, "JPEG", quality=82)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return element(
        "img",
        src=f"data:image/{kind};base64,{data}",
        alt=alternative,
        width=drawn.size[0],
        height=drawn.size[1],
        class_="crisp" if crisp else None,
    )


def value_range(series: Sequence[Array]) -> tuple[float, float]:
    """The range that holds all but the outermost hundredth of the values, so that one spike flattens nothing."""
    kept = [np.asarray(s, dtype=np.float64)[:, :MOST_CHANNELS].ravel() for s in series]
    values = np.concatenate(kept) if kept else np.empty(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.percentile(values, [0.5, 99.5])
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def curves(series: Sequence[Array], alternative: str, extent: tuple[float, float] | None = None) -> Html:
    """Series (T, C) laid over each other, up to three channels in three colours; gaps where values are missing.

    extent: lowest and highest value of the frame; by default that of these series.
    """
    low, high = extent or value_range(series)
    longest = max((len(s) for s in series), default=1)
    paths = [
        element("path", d=_path(one[:, channel], longest, low, high), class_=f"k{channel}")
        for one in series
        for channel in range(min(MOST_CHANNELS, one.shape[1]))
    ]
    return element(
        "svg",
        [path for path in paths if 'd=""' not in path],
        viewBox="0 0 120 60",
        preserveAspectRatio="none",
        role="img",
        aria_label=alternative,
        class_=f"curves many{min(3, len(series))}",
    )


def _path(values: Array, longest: int, low: float, high: float) -> str:
    steps = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).round().astype(np.int64))
    x = steps / max(1, longest - 1) * 120
    y = 57 - (np.clip(values[steps].astype(np.float64), low, high) - low) / (high - low) * 54
    written: list[str] = []
    move = True
    for across, down in zip(x, y, strict=True):
        if not np.isfinite(down):
            move = True
            continue
        written.append(f"{'M' if move else 'L'}{across:.1f} {down:.1f}")
        move = False
    return "".join(written)
