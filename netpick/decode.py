"""Decodes every column of image files once, in parallel, into one array of bytes (N, C, H, W).

Nothing here trains or judges: rows whose file cannot be read leave the Source and are listed in `Source.unreadable`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netpick.decode_work import Storage, Work, start_work
from netpick.decode_worker import (
    PILLOW_ERRORS,
    FileBytes,
    UnreadableImageError,
    decode,
    is_grey,
    open_image,
    read_file,
    upright_size,
)
from netpick.errors import DataError, RequestError
from netpick.types import Array, ArrayColumn, Column, FileColumn, Note, Rows, Source, TableColumn, UnreadableRow

SAMPLE = 300  # headers looked at
MAX_SIDE = 128  # equal images up to this side are kept as they are
PHOTO_SIDE = 64  # pixels a side for pictures of many sizes: what a network can be trained on within a minute or two
MULTIPLE = 8  # sides that networks halve several times


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """What a column's images are decoded to, and why in words."""

    channels: int
    height: int
    width: int
    kept: bool  # all images looked at have this size already
    note: Note


class Decoding:
    """Decoding under way in other processes or threads; `finish` waits for it, `cancel` ends it."""

    def __init__(self, source: Source, work: Mapping[str, tuple[_Shape, Work]]) -> None:
        self._source = source
        self._work = work

    def finish(self) -> Source:
        """The Source with pixels in place of files. Raises DataError when no image can be read."""
        if not self._work:
            return self._source
        arrays: dict[str, Array] = {}
        failures: dict[int, UnreadableRow] = {}
        notes: list[Note] = []
        for name, (shape, work) in self._work.items():
            result = work.finish()
            column = self._source.columns[name]
            assert isinstance(column, FileColumn)
            for row, reason in result.failures:
                failures.setdefault(row, UnreadableRow(row=row, path=column.paths[row], reason=reason))
            arrays[name] = result.pixels
            notes += _notes(name, shape, result.resized, result.greyed, several=len(self._work) > 1)
        unreadable = [failures[row] for row in sorted(failures)]
        if len(unreadable) == self._source.num_rows:
            first = unreadable[0]
            raise DataError(
                f"None of the {len(unreadable):,} images of {self._source.origin} can be read ({first.path}: {first.reason}), but "
                "pictures were expected. Check how they were copied."
            )
        return _with_pixels(self._source, arrays, unreadable, notes)

    def cancel(self) -> None:
        """Stops all work and removes its files."""
        for _, work in self._work.values():
            work.cancel()


def start_decoding(
    source: Source,
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    workers: int | None = None,
    memory_limit: int | None = None,
    cache: Path | None = None,
) -> Decoding:
    """Starts to decode all columns of image files, and returns at once: import torch meanwhile, then call `finish`.

    `size` is a side or (height, width), `channels` 1 or 3; None: see choose_size, and grey only where all images are.
    `workers` is the number of processes (None: one per core). More pixels than `memory_limit` bytes go to a memory-mapped
    file: a kept one in `cache`, else one that ends with the array. Raises RequestError when there is no room for them.
    """
    work: dict[str, tuple[_Shape, Work]] = {}
    try:
        for name, column in source.columns.items():
            if isinstance(column, FileColumn):
                shape = _look(column, size, channels)
                storage = _storage(source, name, shape, memory_limit, cache)
                pixels = (shape.channels, shape.height, shape.width)
                work[name] = shape, start_work(column, pixels, workers=workers, storage=storage)
    except BaseException:
        Decoding(source, work).cancel()
        raise
    return Decoding(source, work)


def decode_images(
    source: Source,
    *,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    workers: int | None = None,
    memory_limit: int | None = None,
    cache: Path | None = None,
) -> Source:
    """start_decoding and finish in one."""
    return start_decoding(
        source, size=size, channels=channels, workers=workers, memory_limit=memory_limit, cache=cache
    ).finish()


def decode_one(data: bytes | Path, size: tuple[int, int], channels: int) -> Array:
    """One image (C, H, W) as uint8, decoded just as those that a network was trained on. `size` is (height, width).

    Raises DataError for an image that cannot be read.
    """
    try:
        content = read_file(str(data)) if isinstance(data, Path) else data
        pixels, _, _ = decode(content, channels, *size)
    except (UnreadableImageError, OSError) as error:
        what = str(data) if isinstance(data, Path) else "The image"
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise DataError(
            f"{what} cannot be read: {reason}. A whole PNG, JPEG, GIF, BMP, WebP, TIFF or PPM was expected. Pass another file."
        ) from None
    return np.frombuffer(pixels, np.uint8).reshape(channels, *size).copy()


def choose_size(sizes: Sequence[tuple[int, int]], *, max_side: int = MAX_SIDE) -> tuple[int, int]:
    """(height, width) for images of these (width, height).

    Equal images up to `max_side` keep their size. Else about the median side, at most 64, in multiples of 8: square, unless
    all have one aspect ratio, which is then kept.
    """
    if len(set(sizes)) == 1 and max(sizes[0]) <= max_side:
        return sizes[0][1], sizes[0][0]
    side = min(statistics.median(math.sqrt(width * height) for width, height in sizes), PHOTO_SIDE, max_side)
    ratios = [width / height for width, height in sizes]
    stretch = math.sqrt(statistics.median(ratios)) if max(ratios) < 1.02 * min(ratios) else 1.0
    return _rounded(side / stretch, max_side), _rounded(side * stretch, max_side)


def _rounded(side: float, most: int) -> int:
    return max(MULTIPLE, min(round(side / MULTIPLE) * MULTIPLE, most))


def _look(column: FileColumn, size: int | tuple[int, int] | None, channels: int | None) -> _Shape:
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
    sizes = sizes or [(PHOTO_SIDE, PHOTO_SIDE)]
    given = (size, size) if isinstance(size, int) else size
    if given is not None and not all(1 <= side <= 4096 for side in given):
        raise RequestError(
            f"An image size of {given} cannot be used; sides from 1 to 4096 pixels were expected. Try --image-size 64."
        )
    if channels is not None:
        grey = channels == 1
    height, width = given or choose_size(sizes)
    kept = set(sizes) == {(width, height)}
    note = _size_note(sizes, (height, width), grey=grey, given=given is not None, rows=len(column))
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


def _with_pixels(
    source: Source, arrays: Mapping[str, Array], unreadable: Sequence[UnreadableRow], notes: Sequence[Note]
) -> Source:
    keep: Rows | None = None
    if unreadable:
        keep = np.setdiff1d(np.arange(source.num_rows), [failure.row for failure in unreadable])
    columns: dict[str, Column] = {}
    for name, column in source.columns.items():
        if name in arrays:
            pixels = arrays[name] if keep is None else _compacted(arrays[name], keep)
            columns[name] = ArrayColumn(name=name, values=pixels, kind="image")
        else:
            columns[name] = column if keep is None else _rows_of(column, keep)
    source = replace(
        source, columns=columns, notes=[*source.notes, *notes], unreadable=[*source.unreadable, *unreadable]
    )
    if keep is None:
        return source
    return replace(
        source,
        num_rows=len(keep),
        given_split=None if source.given_split is None else source.given_split[keep],
        row_names=None if source.row_names is None else [source.row_names[row] for row in keep.tolist()],
    )


def _compacted(pixels: Array, keep: Rows) -> Array:
    """The rows to keep, moved up in place: the array may be larger than memory."""
    first = int(np.flatnonzero(keep != np.arange(len(keep)))[0]) if keep[-1] != len(keep) - 1 else len(keep)
    for start in range(first, len(keep), 1024):
        rows = keep[start : start + 1024]
        pixels[start : start + len(rows)] = pixels[rows]
    return pixels[: len(keep)]


def _rows_of(column: Column, keep: Rows) -> Column:
    if isinstance(column, TableColumn):
        return replace(column, values=column.values.gather(keep))
    if isinstance(column, FileColumn):
        return replace(column, paths=[column.paths[row] for row in keep.tolist()])
    lengths = None if column.lengths is None else column.lengths[keep]
    return replace(column, values=column.values[keep], lengths=lengths)
