"""Pictures at their own size, for answers that lie in them: (N, C, H, W) bytes, each at the top left of the largest one.

Where the files hold more pixels than the budget can pay for, or one picture is far larger than the others, the longest sides are brought
to a length that fits. Nothing is squeezed: height and width shrink alike.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from netpick.data.decode_work import Storage, file_for
from netpick.data.decode_worker import (
    PILLOW_ERRORS,
    FileBytes,
    UnreadableImageError,
    decode,
    hush,
    is_grey,
    open_image,
    upright_size,
)
from netpick.data.decoders.base import (
    Decoded,
    Decoder,
    DecodeRequest,
    ThreadedWork,
    UnreadableFileError,
    Work,
)
from netpick.data.sources.mask_folder import holds_masks, pairs_in
from netpick.data.sources.paths import IMAGE_SUFFIXES
from netpick.errors import RequestError
from netpick.types import Array, ArrayColumn, FileColumn, Media, Note, Source

PIXELS_A_SECOND = 0.5e6  # of all pictures together, that a second of a budget can pay for
LEAST_PIXELS = 4_000_000
FAR_LARGER = 2.0  # times the usual longest side, that one picture may have beside others
SMALLEST_SIDE = 64
LARGEST_SIDE = 8_192


@dataclass(frozen=True, kw_only=True)
class Headers:
    """What the headers of all files say: (N, 2) heights and widths, 0 where there is none, and whether colour was seen."""

    own: Array
    grey: bool
    failures: Mapping[int, str]


class SceneDecoder(Decoder):
    """Pictures to arrays of one size, without squeezing them."""

    kind: ClassVar[Media] = "scene"
    noun: ClassVar[str] = "images"
    expected: ClassVar[str] = "a whole PNG, JPEG, GIF, BMP, WebP, TIFF or PPM"
    endings: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES

    def files_in(self, folder: Path) -> list[Path]:
        """All pictures below a folder, but for masks that lie beside them."""
        if holds_masks(folder) and (pairs := pairs_in(folder, None)) is not None:
            return [folder / name for name in sorted([*pairs.pictures, *pairs.alone])]
        return super().files_in(folder)

    def start(self, source: Source, name: str, request: DecodeRequest) -> Work:
        column = source.columns[name]
        assert isinstance(column, FileColumn)
        hush()
        headers = read_headers(column)
        channels = request.like.get("channels") or (1 if headers.grey else 3)
        longest, why = working_side(column, headers.own, request)
        sizes = scaled(headers.own, longest)
        height, width = sizes.max(axis=0, initial=1).tolist()
        shape = (len(column), channels, height, width)
        in_memory = request.memory_limit is None or math.prod(shape) <= request.memory_limit
        pixels = np.zeros(shape, np.uint8) if in_memory else file_for(Storage(in_memory=False), shape)
        files = FileBytes(str(column.root), column.in_zip)

        def read(row: int) -> bool:
            if row in headers.failures:
                raise UnreadableFileError(headers.failures[row])
            high, wide = sizes[row].tolist()
            try:
                made = decode(files.read(column.paths[row]), channels, high, wide)
            except UnreadableImageError as error:
                raise UnreadableFileError(str(error)) from None
            except PILLOW_ERRORS as error:
                raise UnreadableFileError(str(error)) from None
            pixels[row, :, :high, :wide] = np.frombuffer(made.pixels, np.uint8).reshape(channels, high, wide)
            return True

        def gather(_: object, failures: Sequence[tuple[int, str]]) -> Decoded:
            files.close()
            made = ArrayColumn(
                name=name,
                values=pixels,
                kind="scene",
                sizes=sizes,
                own=headers.own,
                decoding={"channels": channels, "longest": longest},
            )
            return Decoded(column=made, failures=failures, notes=[_note(headers.own, sizes, channels, why)])

        return ThreadedWork(column, read, gather, request.workers)


def read_headers(column: FileColumn) -> Headers:
    """The sizes of all files, after EXIF orientation."""
    own = np.zeros((len(column), 2), np.int32)
    failures: dict[int, str] = {}
    grey = True
    files = FileBytes(str(column.root), column.in_zip)
    for row, path in enumerate(column.paths):
        try:
            with open_image(files.read(path)) as image:
                width, height = upright_size(image)
                own[row] = height, width
                grey = grey and is_grey(image)
        except (UnreadableImageError, *PILLOW_ERRORS) as error:
            failures[row] = str(error) if isinstance(error, UnreadableImageError) else "it cannot be opened"
    files.close()
    return Headers(own=own, grey=grey, failures=failures)


def working_side(column: FileColumn, own: Array, request: DecodeRequest) -> tuple[int, str]:
    """Pixels of the longest side that pictures are brought to, 0 for their own size; and why. Raises RequestError."""
    if "longest" in request.like:
        return int(request.like["longest"]), "as in training"
    asked = request.image_size if column.longest is None or request.image_size is not None else column.longest
    if asked is not None:
        side = asked if isinstance(asked, int) else max(asked)
        if not 8 <= side <= LARGEST_SIDE:
            raise RequestError(
                f"A longest side of {side:,} pixels cannot be used; 8 to {LARGEST_SIDE:,} were expected. Try --image-size 512."
            )
        return side, "as given" if request.image_size is not None else "for the size of the objects"
    longest = own.max(axis=1)[own.min(axis=1) > 0]
    if not len(longest):
        return 0, ""
    largest, why = float(longest.max()), ""
    size = largest
    usual = FAR_LARGER * statistics.median(longest.tolist())
    if size > usual:
        size, why = usual, "since a few are far larger than the others"
    if request.seconds is not None:
        most = max(LEAST_PIXELS, PIXELS_A_SECOND * request.seconds)
        affordable = _side_within(own, most)
        if affordable < size:
            size, why = affordable, f"which {request.seconds:g} s can pay for"
    if size >= largest:
        return 0, ""
    return max(SMALLEST_SIDE, int(size) // 8 * 8), why


def _side_within(own: Array, most: float) -> float:
    """The longest side with which all pictures together have so many pixels at most."""
    pixels, longest = own.prod(axis=1, dtype=np.float64), own.max(axis=1).astype(np.float64)

    def total(side: float) -> float:
        return float((pixels * np.minimum(1.0, side / np.maximum(longest, 1)) ** 2).sum())

    low, high = 1.0, float(longest.max(initial=1))
    if total(high) <= most:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if total(middle) <= most else (low, middle)
    return low


def scaled(own: Array, longest: int) -> Array:
    """(N, 2) int32 heights and widths of pictures whose longest side is at most `longest`; 0: as they are."""
    if longest <= 0:
        return own.copy()
    factor = np.minimum(1.0, longest / np.maximum(own.max(axis=1, keepdims=True), 1))
    return np.where(own > 0, np.maximum(1, np.rint(own * factor)), 0).astype(np.int32)


def _note(own: Array, sizes: Array, channels: int, why: str) -> Note:
    known = own[own.min(axis=1) > 0]
    colour = "grey" if channels == 1 else "colour"
    words = f"{len(known):,} images of {reach(known)} pixels, {colour}"
    if (own == sizes).all():
        return Note(subject="images", text=f"{words}, at their own size.", override="--image-size")
    text = f"{words}, are brought to {reach(sizes[sizes.min(axis=1) > 0])}, {why}."
    return Note(subject="images", text=text, override="--image-size")


def reach(sizes: Array) -> str:
    """'512 x 512', or the smallest and the largest (width x height) of sizes (n, 2)."""
    if not len(sizes):
        return "no"
    areas = sizes.prod(axis=1, dtype=np.int64)
    small, large = sizes[int(areas.argmin())], sizes[int(areas.argmax())]
    words = [f"{width} x {height}" for height, width in (small.tolist(), large.tolist())]
    return words[0] if words[0] == words[1] else f"{words[0]} to {words[1]}"


__all__ = ["Headers", "SceneDecoder", "reach", "read_headers", "scaled", "working_side"]
