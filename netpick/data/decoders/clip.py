"""Clips: some are looked at for a common shape, then every one is decoded once into bytes (N, T, C, H, W)."""

from __future__ import annotations

import math
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from netpick.data.decoders.base import Decoded, Decoder, DecodeRequest, ThreadedWork, UnreadableFileError, Work, cores
from netpick.data.decoders.clip_frames import ClipLook, ClipShape, look_at, read_clip
from netpick.data.decoders.image import choose_size
from netpick.data.sources.paths import CLIP_SUFFIXES, IMAGE_SUFFIXES
from netpick.errors import RequestError
from netpick.types import Array, ArrayColumn, FileColumn, Media, Note, Source

SAMPLE = 24  # clips looked at
MOST_FRAMES = 16  # of a clip
MAX_SIDE = 64  # equal frames up to this side are kept as they are
CLIP_SIDE = 48  # pixels a side for all others: a clip has as many values as a dozen images


@dataclass(frozen=True, kw_only=True)
class _Settled:
    """What a column's clips are decoded to, and why in words."""

    shape: ClipShape
    note: Note


class ClipDecoder(Decoder):
    """Videos and folders of frames to equally many frames of one size, in threads: FFmpeg lets go of Python's lock."""

    kind: ClassVar[Media] = "clip"
    noun: ClassVar[str] = "clips"
    expected: ClassVar[str] = "a whole MP4, AVI, MOV, MKV or WebM video, or a folder of frames,"
    endings: ClassVar[tuple[str, ...]] = CLIP_SUFFIXES

    def start(self, source: Source, name: str, request: DecodeRequest) -> Work:
        column = source.columns[name]
        assert isinstance(column, FileColumn)
        if request.like:
            settled = _Settled(shape=ClipShape(**request.like), note=_note_like(request.like["frames"]))
        else:
            settled = _look(column, request)
        shape = settled.shape
        pixels = _room((len(column), shape.frames, shape.channels, shape.height, shape.width), request.memory_limit)

        def one(row: int) -> tuple[int, str]:
            frames, seen, file_format = read_clip(_path(column, row), shape)
            pixels[row] = frames
            return seen, file_format

        def gather(read: Sequence[tuple[int, str] | None], failures: Sequence[tuple[int, str]]) -> Decoded:
            formats = ["" if one is None else one[1] for one in read]
            column = ArrayColumn(name=name, values=pixels, kind="clip", decoding=asdict(shape), formats=formats)
            counts = [one[0] for one in read if one is not None]
            notes = [] if request.like else [settled.note, *_short_note(counts, shape.frames)]
            return Decoded(column=column, failures=failures, notes=notes)

        return ThreadedWork(column, one, gather, request.workers)

    def files_in(self, folder: Path) -> list[Path]:
        """Videos; where there are none, every folder of pictures."""
        pictures = (p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))
        return super().files_in(folder) or sorted({picture.parent for picture in pictures})


def _path(column: FileColumn, row: int) -> Path:
    path = column.paths[row]
    if not path:
        raise UnreadableFileError("the row names no file")
    return column.root / path


def _look(column: FileColumn, request: DecodeRequest) -> _Settled:
    """Looks into some clips, spread over all rows, and settles on frames, size, and grey or colour."""
    rows = sorted(set(np.linspace(0, len(column) - 1, min(SAMPLE, len(column))).astype(int).tolist()))

    def look(row: int) -> ClipLook | None:
        try:
            return look_at(_path(column, row))
        except UnreadableFileError:
            return None  # the decoding itself names it

    with ThreadPoolExecutor(max_workers=request.workers or cores()) as pool:
        looks = [seen for seen in pool.map(look, rows) if seen is not None]
    sizes = [seen.size for seen in looks] or [(CLIP_SIDE, CLIP_SIDE)]
    counts = [seen.frames for seen in looks] or [MOST_FRAMES]
    asked_size = (request.image_size, request.image_size) if isinstance(request.image_size, int) else request.image_size
    if asked_size is not None and not all(1 <= side <= 1024 for side in asked_size):
        raise RequestError(
            f"An image size of {asked_size} cannot be used for clips; sides from 1 to 1024 pixels were expected. "
            "Try --image-size 48."
        )
    height, width = asked_size or _size(sizes)
    frames = max(1, min(MOST_FRAMES, round(statistics.median(counts))))
    grey = all(seen.grey for seen in looks)
    shape = ClipShape(frames=frames, channels=1 if grey else 3, height=height, width=width)
    return _Settled(shape=shape, note=_note(looks, shape, given=asked_size is not None, rows=len(column)))


def _size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """(height, width) for clips of these (width, height)."""
    if len(set(sizes)) == 1 and max(sizes[0]) <= MAX_SIDE:
        return sizes[0][1], sizes[0][0]
    return choose_size(sizes, photo_side=CLIP_SIDE, max_side=CLIP_SIDE)


def _note(looks: Sequence[ClipLook], shape: ClipShape, *, given: bool, rows: int) -> Note:
    counts = [seen.frames for seen in looks] or [shape.frames]
    sizes = sorted({seen.size for seen in looks}) or [(shape.width, shape.height)]
    length = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    colour = "grey" if shape.channels == 1 else "colour"
    size = f"{sizes[0][0]} x {sizes[0][1]}" + (f" to {sizes[-1][0]} x {sizes[-1][1]}" if len(sizes) > 1 else "")
    text = f"{rows:,} clips of {length} frames of {size} pixels, {colour} ({len(looks)} looked at): "
    if set(counts) == {shape.frames}:
        text += "every frame is kept"
    else:
        text += f"{shape.frames} frames are taken from each, evenly spaced from the first to the last"
    if sizes == [(shape.width, shape.height)]:
        text += ", at their size."
    else:
        how = "as given" if given else "the whole picture, squeezed where its shape differs"
        text += f", and brought to {shape.width} x {shape.height} pixels ({how})."
    return Note(subject="clips", text=text, override="--image-size")


def _note_like(frames: int) -> Note:
    return Note(subject="clips", text=f"{frames} frames are taken from each clip, as in training.")


def _short_note(seen: Sequence[int], frames: int) -> list[Note]:
    short = sum(count < frames for count in seen)
    if not short:
        return []
    text = f"{short:,} clip{'s have' if short != 1 else ' has'} fewer than {frames} frames and repeat{'' if short != 1 else 's'} some."
    return [Note(subject="clips", text=text)]


def _room(shape: tuple[int, ...], memory_limit: int | None) -> Array:
    """Zeroed bytes in memory, or in a file that ends with the array. Raises RequestError where the disk has no room."""
    size = math.prod(shape)
    if memory_limit is None or size <= memory_limit:
        return np.zeros(shape, np.uint8)
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(prefix="netpick-", dir=folder) as file:
            if sys.platform == "linux":  # a full disk must be an error here, not a bus error later
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.uint8, "r+" if sys.platform == "linux" else "w+", shape=shape)
    except OSError as error:
        raise RequestError(
            f"There is no room for {size / 1e6:,.0f} MB of decoded clips in {folder} ({error.strerror}). "
            "Free some space there, or pass a smaller --image-size."
        ) from None
