"""Turns image files into pixels: the code that every route shares, and the helper process `python -m netpick.data.decode_worker`.

Imports the standard library and Pillow only, so that a process starts in a tenth of a second. It deliberately knows no
other module of the package.

Why plain processes: decoding 28 x 28 PNGs holds Python's lock, so threads gain nothing. `os.fork` is unsafe once polars,
torch or any library has started threads. `multiprocessing` with spawn runs the user's own script again in every child,
which surprises anyone whose script has no main guard. A process that reads a batch and writes into a shared file does neither.
"""

from __future__ import annotations

import importlib
import io
import json
import mmap
import os
import shutil
import stat
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from PIL import Image, ImageFile

MAX_PIXELS = 100_000_000  # larger images are refused: unpacked they would take 300 MB each, and may be bombs
LARGE_PIXELS = 4_000_000  # unpacked and converted they take 32 MB
MAX_BYTES = 512 * 1024 * 1024  # of a file
MOST_CHUNKS = 100_000  # of a PNG
MOST_SCANS = (
    100  # of a JPEG, its thumbnails included; progressive ones have about ten, and each takes as long as the first
)
SCANS_IN_FULL = 12  # of a picture with the most pixels; smaller ones may have more
READ_AT_ONCE = 1 << 16
CONVERTED_AT_ONCE = 1 << 20  # pixels
ORIENTATION = 0x0112
PNG_CHANNELS = {2: 3, 4: 2, 6: 4}  # by colour type; else 1
SHRUNK_A_LOT, BESIDE_OTHERS = 20, nullcontext()  # unpacked to packed; where nothing is entered

PNG = b"\x89PNG\r\n\x1a\n"
# By their first bytes, never by their names. Opening the plugin's class, not Image.open, spares the search through all
# plugins (6 of 45 microseconds for a small PNG) and keeps formats with large attack surface (EPS, PDF, ...) out.
PLUGINS = (
    (PNG, "PngImagePlugin", "PngImageFile"),
    (b"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    (b"GIF8", "GifImagePlugin", "GifImageFile"),
    (b"BM", "BmpImagePlugin", "BmpImageFile"),
    (b"RIFF", "WebPImagePlugin", "WebPImageFile"),
    (b"II*\0", "TiffImagePlugin", "TiffImageFile"),
    (b"MM\0*", "TiffImagePlugin", "TiffImageFile"),
    (b"P", "PpmImagePlugin", "PpmImageFile"),
)
LONGEST_MAGIC = max(len(magic) for magic, _, _ in PLUGINS)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises on damaged files, found by fuzzing and in its issue tracker; warnings, where they are made errors.
PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
    Warning,
)


class UnreadableImageError(Exception):
    """Why an image cannot be used, in a few words."""


class TooManyPixelsError(UnreadableImageError):
    """It would take more than was allowed."""


class DecodedImage(NamedTuple):
    """Pixels (C, H, W) as bytes, whether the image was brought to size, whether colour was lost, and its (width, height) before."""

    pixels: bytes
    resized: bool
    greyed: bool
    size: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class FileBatch:
    """Which files to decode, into what, and where to. Rows are taken in pieces (start, stop)."""

    root: str  # a folder or a zip
    in_zip: bool
    paths: list[str]
    channels: int
    height: int
    width: int
    pieces: list[tuple[int, int]]
    pixels: str = ""  # the file to write into, (N, C, H, W) bytes
    claims: str = ""  # a folder in which a process claims a piece by creating a file
    parent: int = 0


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of a piece: failures as (row, reason), and how many images were brought to size or lost their colour."""

    start: int
    stop: int
    failures: list[tuple[int, str]]
    resized: int
    greyed: int


class Buffer(Protocol):
    """Bytes that can be written in slices."""

    def __setitem__(self, place: slice, value: bytes, /) -> None: ...


class FileBytes:
    """Reads files below a folder, or members of a zip, by name."""

    def __init__(self, root: str, in_zip: bool) -> None:
        self._prefix = root if root.endswith("/") else root + "/"
        self._archive = zipfile.ZipFile(root) if in_zip else None

    def read(self, path: str) -> bytes:
        if not path:
            raise UnreadableImageError("the row names no file")
        if self._archive is not None:
            return self._archive.read(path)
        return read_file(path if os.path.isabs(path) else self._prefix + path)

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()


def read_file(path: str) -> bytes:
    """All bytes of a file; os.read is twice as fast as a file object for small ones."""
    # Not to wait for the other end of a pipe, should the name be one.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise UnreadableImageError("it is no plain file")
        if about.st_size > MAX_BYTES:
            raise UnreadableImageError(
                f"{about.st_size / 1e6:,.0f} MB are more than the {MAX_BYTES / 1e6:,.0f} MB of one image"
            )
        data = os.read(handle, READ_AT_ONCE)
        if len(data) < READ_AT_ONCE:
            return data
        pieces = [data]
        while piece := os.read(handle, 16 * READ_AT_ONCE):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(handle)


def hush() -> None:
    """Pillow warns of odd files on standard error; what matters of it is told of the file itself."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def open_image(data: bytes, most_pixels: int = MAX_PIXELS) -> ImageFile.ImageFile:
    """The image with its header read and its pixels not. Raises UnreadableImageError, and TooManyPixelsError."""
    if not data:
        raise UnreadableImageError("the file is empty (0 bytes)")
    if data.startswith(PNG):
        _require_one_header(data)
    try:
        image = _plugin(data[:LONGEST_MAGIC])(io.BytesIO(data))
    except UnreadableImageError:
        raise
    except PILLOW_ERRORS as error:
        raise UnreadableImageError(_reason(error)) from None
    _require_pixels(image.size, most_pixels)
    if image.format in ("JPEG", "MPO"):
        _require_few_scans(image.size, data, most_pixels)
    return image


def _require_pixels(size: tuple[int, int], most: int) -> None:
    width, height = size
    if width * height > most:
        raise TooManyPixelsError(f"{width:,} x {height:,} are {width * height:,} pixels, and at most {most:,} are read")


def _require_one_header(data: bytes) -> None:
    """Raises UnreadableImageError for a PNG that says its size twice: which of them counts differs from reader to reader."""
    if data[12:16] == b"IHDR" and len(data) < 12 * MOST_CHUNKS and data.find(b"IHDR", 16) < 0:
        return  # as nearly all are
    place, chunks, headers = 8, 0, 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        headers += kind == b"IHDR"
        chunks += 1
        if headers > 1 or (headers == 0 and kind != b"IHDR"):
            raise UnreadableImageError("it states its size more than once, or not at its beginning")
        if chunks > MOST_CHUNKS:
            raise UnreadableImageError(f"it has more than {MOST_CHUNKS:,} chunks")
        place += 12 + length


def _require_few_scans(size: tuple[int, int], data: bytes, most_pixels: int) -> None:
    """Raises UnreadableImageError for a JPEG that paints its pixels over and over."""
    scans = data.count(b"\xff\xda")  # within a scan, a byte 0xff is never followed by this one
    if scans > MOST_SCANS or scans * size[0] * size[1] > SCANS_IN_FULL * most_pixels:
        raise TooManyPixelsError(f"its {size[0]:,} x {size[1]:,} pixels are painted {scans:,} times")


@lru_cache(maxsize=256)
def _plugin(head: bytes) -> type[ImageFile.ImageFile]:
    for magic, module, name in PLUGINS:
        if head.startswith(magic):
            plugin: type[ImageFile.ImageFile] = getattr(importlib.import_module(f"PIL.{module}"), name)
            return plugin
    raise UnreadableImageError("it is no PNG, JPEG, GIF, BMP, WebP, TIFF or PPM by its first bytes")


def decode(
    data: bytes,
    channels: int,
    height: int,
    width: int,
    most_pixels: int = MAX_PIXELS,
    *,
    alone: AbstractContextManager[Any] | None = None,
) -> DecodedImage:
    """An image in (C, H, W).

    EXIF orientation is applied, transparency is put on white, 16-bit values become 8-bit. The whole picture is kept: other
    aspect ratios are squeezed. Cropping may cut off the very thing to be recognised, and bars spend pixels on nothing and
    tell the network the aspect ratio; the squeeze loses only that.
    alone: what is entered while a large picture is unpacked, such as a lock where memory is counted.
    Raises UnreadableImageError; a truncated image is never completed with grey.
    """
    image: Image.Image
    try:
        with open_image(data, most_pixels) as opened:
            size = opened.size
            resized = size != (width, height)
            if resized and opened.format in ("JPEG", "MPO"):  # decodes at 1/2, 1/4, 1/8 of the size
                opened.draft("L" if channels == 1 else "RGB", (max(width, height),) * 2)
            large = opened.size[0] * opened.size[1] > LARGE_PIXELS
            with alone if alone and large else BESIDE_OTHERS:
                greyed = channels == 1 and not is_grey(opened)
                opened.load()
                _require_pixels(opened.size, size[0] * size[1])  # what was checked is what was unpacked
                if opened.format == "PNG":
                    _require_all_rows(opened, data)
                image = _upright(opened)
                image = _with_mode(image, "L" if channels == 1 else "RGB")
                if image.size != (width, height):
                    image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
                pixels = image.tobytes() if channels == 1 else b"".join([band.tobytes() for band in image.split()])
            return DecodedImage(pixels, resized, greyed, size)
    except UnreadableImageError:
        raise
    except PILLOW_ERRORS as error:
        raise UnreadableImageError(_reason(error)) from None


def _require_all_rows(image: Image.Image, data: bytes) -> None:
    """Raises UnreadableImageError for a PNG that says it has more rows than it holds: Pillow fills them with black.

    Only a picture that shrank a lot is unpacked again; in others there is no room for a lie of any size.
    """
    width, height = image.size
    bits, colour, interlaced = data[24], data[25], data[28]
    row = (width * bits * PNG_CHANNELS.get(colour, 1) + 7) // 8 + 1
    if interlaced or row * height < SHRUNK_A_LOT * len(data):
        return
    packed, place = [], 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            packed.append(data[place + 8 : place + 8 + length])
        place += 12 + length
    unpacker, found, rest = zlib.decompressobj(), 0, b"".join(packed)
    while rest and found < row * height:
        found += len(unpacker.decompress(rest, 1 << 20))
        rest = unpacker.unconsumed_tail
    if found < row * height:
        raise UnreadableImageError(f"it ends after {found // row:,} of {height:,} rows")


def is_grey(image: Image.Image) -> bool:
    """Whether an image can be told to have no colour without looking at its pixels."""
    if image.mode == "P":
        palette = image.getpalette("RGB") or [0, 1, 2]
        return palette[0::3] == palette[1::3] == palette[2::3]
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;")


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height after EXIF orientation."""
    width, height = image.size
    return (height, width) if _orientation(image) >= 5 else (width, height)


def decode_piece(batch: FileBatch, files: FileBytes, buffer: Buffer, start: int, stop: int) -> Report:
    """Decodes rows start to stop into their places; rows that fail are reported and their places left as they are."""
    size = batch.channels * batch.height * batch.width
    failures: list[tuple[int, str]] = []
    resized = greyed = 0
    for row in range(start, stop):
        try:
            data = files.read(batch.paths[row])
            image = decode(data, batch.channels, batch.height, batch.width)
        except UnreadableImageError as error:
            failures.append((row, str(error)))
            continue
        except (OSError, KeyError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
            failures.append((row, _reason(error)))
            continue
        buffer[row * size : (row + 1) * size] = image.pixels
        resized += image.resized
        greyed += image.greyed
    return Report(start=start, stop=stop, failures=failures, resized=resized, greyed=greyed)


def claimed_pieces(batch: FileBatch) -> Iterator[tuple[int, int]]:
    """Pieces that no other process has claimed: creating a file is atomic, so nobody has to hand out work."""
    for number, (start, stop) in enumerate(batch.pieces):
        if os.getppid() != batch.parent:  # the run was killed: nobody will clean up after it
            shutil.rmtree(batch.claims, ignore_errors=True)
            return
        try:
            os.close(os.open(f"{batch.claims}/{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            continue
        yield start, stop


def main(stdin: IO[str], stdout: IO[str]) -> None:
    """Reads a batch as JSON and prints one JSON line per finished piece."""
    batch = FileBatch(**json.load(stdin))
    files = FileBytes(batch.root, batch.in_zip)
    with Path(batch.pixels).open("r+b") as file, mmap.mmap(file.fileno(), 0) as buffer:
        for start, stop in claimed_pieces(batch):
            report = decode_piece(batch, files, buffer, start, stop)
            stdout.write(json.dumps(asdict(report)) + "\n")
            stdout.flush()
    files.close()


def _upright(image: Image.Image) -> Image.Image:
    turn = TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    # Asking a PNG for its EXIF decodes it, so only those that carry some are asked. TIFF turns itself while loading.
    if not image.info.get("exif") or image.format == "TIFF":
        return 1
    try:
        value: Any = image.getexif().get(ORIENTATION, 1)
    except PILLOW_ERRORS:  # damaged EXIF does not make the picture unreadable
        return 1
    return value if isinstance(value, int) else 1


def _with_mode(image: Image.Image, mode: str) -> Image.Image:
    """In strips where it is large: between them lie up to four pictures of four bytes a pixel."""
    if image.mode == mode and "transparency" not in image.info:
        return image
    width, height = image.size
    rows = max(1, CONVERTED_AT_ONCE // max(1, width))
    if rows >= height:
        return _converted(image, mode, _largest(image))
    strips = [(0, top, width, min(height, top + rows)) for top in range(0, height, rows)]
    largest = max(_largest(image.crop(strip)) for strip in strips) if _is_deep(image) else 0.0
    converted = Image.new(mode, image.size)
    for strip in strips:
        converted.paste(_converted(image.crop(strip), mode, largest), strip[:2])
    return converted


def _is_deep(image: Image.Image) -> bool:
    """Whether a value has more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def _largest(image: Image.Image) -> float:
    """The largest value of a deep image; infinite where one is no number."""
    if not _is_deep(image):
        return 0.0
    import numpy as np

    largest = float(np.asarray(image.convert("F") if image.mode == "F" else image.convert("I")).max(initial=0))
    return largest if largest == largest else float("inf")


def _converted(image: Image.Image, mode: str, largest: float) -> Image.Image:
    """largest: value of the whole image that this is a part of, where it is deep."""
    if _is_deep(image):
        image = _to_8_bits(image, largest)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def _to_8_bits(image: Image.Image, largest: float) -> Image.Image:
    """16-bit values by their high byte, 0..1 floats times 255: the same for all images, so that they stay comparable."""
    import numpy as np

    values = np.asarray(image.convert("F") if image.mode == "F" else image.convert("I"))
    if image.mode == "F":
        values = values * 255 if largest <= 1 else values
    elif largest > 255 or image.mode.startswith("I;16"):
        values = values >> 8
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, KeyError):
        return "the zip has no such member"
    return f"{str(error).splitlines()[0].rstrip('.') if str(error) else type(error).__name__}"


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
