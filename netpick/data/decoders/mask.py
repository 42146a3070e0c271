"""Masks: pictures whose pixels say what is there. Values are kept as they are, never mixed: (N, H, W) numbers of values.

A palette's entries count, not its colours; grey values count as they are; colours are told apart exactly. `decoding["values"]` says
what the numbers stand for. Behind the edges of a mask stands 255.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from PIL import Image

from netpick.data.decode_work import Storage, file_for
from netpick.data.decode_worker import PILLOW_ERRORS, TURNS, FileBytes, UnreadableImageError, hush, open_image
from netpick.data.decoders.base import Decoded, Decoder, DecodeRequest, ThreadedWork, UnreadableFileError, Work
from netpick.data.decoders.scene import read_headers, scaled, working_side
from netpick.data.sources.paths import IMAGE_SUFFIXES
from netpick.types import Array, ArrayColumn, FileColumn, Media, Source

OUTSIDE = 255
MOST_VALUES = 255  # different ones, of all masks together
ORIENTATION = 0x0112
COLOUR = 1 << 24  # of a value that is a colour: red << 16, green << 8, blue


class Values(NamedTuple):
    """A mask as it lies in its file: (H, W) values, colours above COLOUR, and the colours of its palette."""

    pixels: Array
    palette: tuple[int, ...] = ()


class MaskDecoder(Decoder):
    """Masks to numbers of values, each at the size of its picture."""

    kind: ClassVar[Media] = "mask"
    noun: ClassVar[str] = "masks"
    expected: ClassVar[str] = "a whole PNG, GIF, BMP, TIFF or PGM"
    endings: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES

    def start(self, source: Source, name: str, request: DecodeRequest) -> Work:
        column = source.columns[name]
        assert isinstance(column, FileColumn)
        hush()
        headers = read_headers(column)
        nowhere = [row for row, path in enumerate(column.paths) if not path]  # of a class that is not in the picture
        headers.own[nowhere] = 1
        longest, _ = working_side(column, headers.own, request)
        sizes = scaled(headers.own, longest)
        files = FileBytes(str(column.root), column.in_zip)

        def read(row: int) -> Values:
            if not column.paths[row]:
                return Values(np.zeros((1, 1), np.int32))
            if row in headers.failures:
                raise UnreadableFileError(headers.failures[row])
            try:
                return shrunk(read_values(files.read(column.paths[row])), sizes[row])
            except (UnreadableImageError, *PILLOW_ERRORS) as error:
                raise UnreadableFileError(str(error) or type(error).__name__) from None

        def gather(masks: list[Values | None], failures: Sequence[tuple[int, str]]) -> Decoded:
            files.close()
            made, others = numbered(name, masks, sizes, request.memory_limit)
            made = ArrayColumn(**{**vars(made), "own": headers.own})
            return Decoded(column=made, failures=[*failures, *others])

        return ThreadedWork(column, read, gather, request.workers)


def read_values(data: bytes) -> Values:
    """The values of a mask's file. Raises UnreadableImageError and what Pillow raises."""
    with open_image(data) as opened:
        opened.load()
        image: Image.Image = opened
        turn = TURNS.get(opened.getexif().get(ORIENTATION, 1)) if opened.info.get("exif") else None
        image = image if turn is None else image.transpose(turn)
        if image.mode == "P":
            colours = image.getpalette("RGB") or []
            palette = tuple(
                (red << 16) + (green << 8) + blue
                for red, green, blue in zip(colours[0::3], colours[1::3], colours[2::3], strict=False)
            )
            return Values(np.asarray(image).astype(np.int32), palette)
        if image.mode in ("1", "L", "LA", "La"):
            image = image.convert("L") if image.mode != "L" else image
            return Values(np.asarray(image).astype(np.int32))
        if image.mode.startswith("I"):
            values = np.asarray(image.convert("I"))
            if values.min(initial=0) < 0 or values.max(initial=0) >= COLOUR:
                raise UnreadableImageError("its values are below 0 or above 16,777,215")
            return Values(values.astype(np.int32))
        if image.mode not in ("RGB", "RGBA", "RGBa", "PA", "CMYK", "YCbCr"):
            raise UnreadableImageError(f"masks of mode {image.mode} are not read")
        bands = np.asarray(image.convert("RGB")).astype(np.int32)
        red, green, blue = bands[..., 0], bands[..., 1], bands[..., 2]
        if (red == green).all() and (green == blue).all():
            return Values(red)  # grey, written as colour
        return Values(COLOUR + (red << 16) + (green << 8) + blue)


def shrunk(mask: Values, size: Array) -> Values:
    """The mask at a smaller size (2,): the value nearest to the middle of each pixel."""
    return mask._replace(pixels=nearest(mask.pixels, size))


def nearest(pixels: Array, size: Array | Sequence[int]) -> Array:
    """(H, W) at another height and width: the value nearest to the middle of each pixel."""
    height, width = (int(side) for side in size)
    if pixels.shape == (height, width):
        return pixels
    down = np.minimum(((np.arange(height) + 0.5) * pixels.shape[0] / height).astype(int), pixels.shape[0] - 1)
    across = np.minimum(((np.arange(width) + 0.5) * pixels.shape[1] / width).astype(int), pixels.shape[1] - 1)
    return np.ascontiguousarray(pixels[down[:, None], across[None, :]])


def numbered(
    name: str, masks: Sequence[Values | None], sizes: Array, memory_limit: int | None = None
) -> tuple[ArrayColumn, list[tuple[int, str]]]:
    """All masks as numbers of values; and those that bring more new values than can be told apart, with that reason."""
    height, width = sizes.max(axis=0, initial=1).tolist()
    shape = (len(masks), height, width)
    in_memory = memory_limit is None or math.prod(shape) <= memory_limit
    made = np.zeros(shape, np.uint8) if in_memory else file_for(Storage(in_memory=False), shape)
    made[:] = OUTSIDE
    table: dict[int, int] = {}
    palette: dict[int, int] = {}
    failures: list[tuple[int, str]] = []
    for row, mask in enumerate(masks):
        if mask is None:
            continue
        values, places = np.unique(mask.pixels, return_inverse=True)
        known = [value for value in values.tolist() if value not in table]
        if len(table) + len(known) > MOST_VALUES:
            what = "colours" if values.max() >= COLOUR else "values"
            failures.append(
                (row, f"it holds {len(values):,} different {what}, and all masks together may hold {MOST_VALUES:,}")
            )
            continue
        start = len(table)
        table.update({value: start + place for place, value in enumerate(known)})
        palette.update((v, mask.palette[v]) for v in values.tolist() if v < len(mask.palette))
        numbers = np.array([table[value] for value in values.tolist()], np.uint8)
        high, wide = mask.pixels.shape
        made[row, :high, :wide] = numbers[places.reshape(high, wide)]
    decoding: dict[str, Any] = {"values": list(table), "palette": palette}
    return ArrayColumn(name=name, values=made, kind="mask", sizes=sizes, decoding=decoding), failures


__all__ = ["COLOUR", "OUTSIDE", "MaskDecoder", "Values", "nearest", "numbered", "read_values"]
