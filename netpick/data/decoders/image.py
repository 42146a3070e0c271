"""Images: headers are looked at for a common size, then every file is decoded once into bytes (N, C, H, W)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from netpick.data import decode_work
from netpick.data.decode_work import Storage, start_work
from netpick.data.decode_worker import (
    PILLOW_ERRORS,
    FileBytes,
    UnreadableImageError,
    hush,
    is_grey,
    open_image,
    upright_size,
)
from netpick.data.decoders.base import Decoded, Decoder, DecodeRequest, Work
from netpick.data.sources.paths import IMAGE_SUFFIXES
from netpick.errors import RequestError
from netpick.types import ArrayColumn, FileColumn, Media, Note, Source

SAMPLE = 300  # headers looked at
MAX_SIDE = 128  # equal images up to this side are kept as they are
MULTIPLE = 8  # sides that networks halve several times


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """What a column's images are decoded to, and why in words."""

    channels: int
    height: int
    width: int
    kept: bool  # all images looked at have this size already
    note: Note


class ImageDecoder(Decoder):
    """Pictures of all sizes to one size, by helper processes where there are many."""

    kind: ClassVar[Media] = "image"
    noun: ClassVar[str] = "images"
    expected: ClassVar[str] = "a whole PNG, JPEG, GIF, BMP, WebP, TIFF or PPM"
    endings: ClassVar[tuple[str, ...]] = IMAGE_SUFFIXES

    def start(self, source: Source, name: str, request: DecodeRequest) -> Work:
        column = source.columns[name]
        assert isinstance(column, FileColumn)
        hush()
        size, channels = request.like.get("size", request.image_size), request.like.get("channels")
        shape = _look(column, size, channels, request.photo_side)
        storage = _storage(source, name, shape, request.memory_limit, request.cache)
        pixels = (shape.channels, shape.height, shape.width)
        several = sum(isinstance(other, FileColumn) for other in source.columns.values()) > 1
        work = start_work(column, pixels, workers=request.workers, storage=storage)
        return ImageWork(name, shape, work, several=several)


class ImageWork:
    """Decoding of one column of images under way."""

    def __init__(self, name: str, shape: _Shape, work: decode_work.Work, *, several: bool) -> None:
        self._name, self._shape, self._work, self._several = name, shape, work, several

    def finish(self) -> Decoded:
        result = self._work.finish()
        notes = _notes(self._name, self._shape, result.resized, result.greyed, several=self._several)
        column = ArrayColumn(name=self._name, values=result.pixels, kind="image")
        return Decoded(column=column, failures=result.failures, notes=notes)

    def cancel(self) -> None:
        self._work.cancel()


def choose_size(sizes: Sequence[tuple[int, int]], *, photo_side: int, max_side: int = MAX_SIDE) -> tuple[int, int]:
    """(height, width) for images of these (width, height).

    Equal images up to `max_side` keep their size. Else about the median side, at most `photo_side`, in multiples of 8: square, unless
    all have one aspect ratio, which is then kept.
    """
    if len(set(sizes)) == 1 and max(sizes[0]) <= max_side:
        return sizes[0][1], sizes[0][0]
    side = min(statistics.median(math.sqrt(width * height) for width, height in sizes), photo_side, max_side)
    ratios = [width / height for width, height in sizes]
    stretch = math.sqrt(statistics.median(ratios)) if max(ratios) < 1.02 * min(ratios) else 1.0
    return _rounded(side / stretch, max_side), _rounded(side * stretch, max_side)


def _rounded(side: float, most: int) -> int:
    return max(MULTIPLE, min(round(side / MULTIPLE) * MULTIPLE, most))


def _look(column: FileColumn, size: int | tuple[int, int] | None, channels: int | None, photo_side: int) -> _Shape:
    """Reads some hundred headers, spread over all rows, and settles on a size and on grey or colour."""
    sizes: list[tuple[int, int]] = []
    grey = True
    files = _open_files(column)
    for row in np.linspace(0, len(column) - 1, min(SAMPLE, len(column))).astype(int).tolist():
        try:
            with open_image(files.read(column.paths[row])) as image:
                sizes.append(upright_size(image))
                grey = grey and is_grey(image)
        except (UnreadableImageError, *PILLOW_ERRORS):
            continue  # the decoding itself names it
    files.close()
    sizes = sizes or [(photo_side, photo_side)]
    asked_size = (size, size) if isinstance(size, int) else size
    if asked_size is not None and not all(1 <= side <= 4096 for side in asked_size):
        raise RequestError(
            f"An image size of {asked_size} cannot be used; sides from 1 to 4096 pixels were expected. Try --image-size 64."
        )
    if channels is not None:
        grey = channels == 1
    height, width = asked_size or choose_size(sizes, photo_side=photo_side, max_side=max(MAX_SIDE, photo_side))
    kept = set(sizes) == {(width, height)}
    note = _size_note(sizes, (height, width), grey=grey, given=asked_size is not None, rows=len(column))
    return _Shape(channels=1 if grey else 3, height=height, width=width, kept=kept, note=note)


def _open_files(column: FileColumn) -> FileBytes:
    return FileBytes(str(column.root), column.in_zip)


def _size_note(sizes: Sequence[tuple[int, int]], size: tuple[int, int], *, grey: bool, given: bool, rows: int) -> Note:
    height, width = size
    colour = "grey" if grey else "colour"
    widths, heights = zip(*sizes, strict=True)
    if set(sizes) == {(width, height)}:
        text = f"{rows:,} images of {width} x {height} pixels, {colour}, kept at their size."
    elif len(set(sizes)) == 1:
        text = f"{rows:,} images of {widths[0]} x {heights[0]} pixels, {colour}, are resized to {width} x {height}"
    else:
        reach = f"{min(widths)} x {min(heights)} to {max(widths)} x {max(heights)}"
        text = f"{rows:,} images of {reach} pixels, {colour}, are resized to {width} x {height}"
    if not text.endswith("."):
        text += ", as given." if given else " (the whole picture, squeezed where its shape differs)."
    return Note(subject="images", text=text, override="--image-size")


def _notes(name: str, shape: _Shape, resized: int, greyed: int, *, several: bool) -> list[Note]:
    prefix = f"{name}: " if several else ""
    notes = [replace(shape.note, text=prefix + shape.note.text)]
    if shape.kept and resized:
        text = f"{prefix}{resized:,} image{'s' if resized != 1 else ''} of other sizes became {shape.width} x {shape.height}."
        notes.append(Note(subject="images", text=text, override="--image-size"))
    if greyed:
        text = f"{prefix}{greyed:,} colour image{'s' if greyed != 1 else ''} became grey, as those looked at first are grey."
        notes.append(Note(subject="images", text=text))
    return notes


def _storage(source: Source, name: str, shape: _Shape, memory_limit: int | None, cache: Path | None) -> Storage:
    """Where the pixels may lie: in memory, or in a file of the cache or the temporary folder."""
    size = source.num_rows * shape.channels * shape.height * shape.width
    if memory_limit is None or size <= memory_limit:
        return Storage()
    if cache is None:
        return Storage(in_memory=False)
    safe = "".join(letter if letter.isalnum() else "_" for letter in name)[:40]
    cache.mkdir(parents=True, exist_ok=True)
    kept = f"pixels-{source.fingerprint[:16]}-{safe}-{shape.channels}x{shape.height}x{shape.width}.u8"
    return Storage(in_memory=False, keep=cache / kept)
