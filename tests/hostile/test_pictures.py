"""Pictures that say one size and hold another, or take far more than they weigh: the size that was checked is the one decoded."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netpick.data.decode_worker import MAX_PIXELS, TooManyPixelsError, UnreadableImageError, decode, open_image
from tests.hostile.attacks import chunk, header, large_png, many_scans, two_headers

MUTATIONS = 400  # of each format


def picture(kind: str, **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_png_that_states_two_sizes_is_refused_before_it_is_unpacked() -> None:
    for data in (two_headers(), large_png(64, 64, header(64, 64), header(64, 64))):
        with pytest.raises(UnreadableImageError, match="states its size more than once"):
            decode(data, 1, 8, 8)
    late = large_png(64, 64)
    with pytest.raises(UnreadableImageError, match="more than once"):
        decode(late[:-12] + header(10, 10) + late[-12:], 1, 8, 8)
    with pytest.raises(UnreadableImageError):
        decode(late[:8] + chunk(b"tEXt", b"a\0b") + late[8:], 1, 8, 8)


@pytest.mark.parametrize(
    "data", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", b"%PDF-1.7\n", b"<svg/>", b"8BPS\0\1"]
)
def test_formats_with_large_decoders_are_never_opened(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="by its first bytes"):
        decode(data + bytes(64), 1, 8, 8)


def test_a_jpeg_that_paints_its_pixels_thousands_of_times_is_refused() -> None:
    with pytest.raises(TooManyPixelsError, match=r"1,000 x 1,000 pixels are painted 5,\d\d\d times"):
        decode(many_scans(), 1, 8, 8)
    with pytest.raises(TooManyPixelsError, match="painted 36 times"):
        decode(many_scans(30), 1, 8, 8, most_pixels=1_000_000)
    assert decode(picture("JPEG", progressive=True), 3, 8, 8).size == (40, 24)


def test_the_limit_of_pixels_is_that_of_the_caller() -> None:
    data = large_png(1_000, 1_001)
    assert decode(data, 1, 8, 8, most_pixels=1_001_000).size == (1_000, 1_001)
    with pytest.raises(TooManyPixelsError, match="1,001,000 pixels, and at most 1,000,000 are read"):
        decode(data, 1, 8, 8, most_pixels=1_000_000)
    with pytest.raises(TooManyPixelsError, match="200,000,000 pixels"):
        decode(b"\x89PNG\r\n\x1a\n" + header(20_000, 10_000) + chunk(b"IDAT", b""), 1, 8, 8)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("GIF", {}), ("BMP", {}), ("WEBP", {}), ("TIFF", {}), ("PPM", {})],
    ids=["png", "jpeg", "progressive", "gif", "bmp", "webp", "tiff", "ppm"],
)  # fmt: skip
def test_the_size_that_was_checked_is_the_size_that_is_decoded(kind: str, options: dict[str, object]) -> None:
    """Over mutated files: whatever opens within a limit never unpacks to more."""
    whole, random = picture(kind, **options), np.random.default_rng(1)
    limit = 40 * 24 * 4
    opened = 0
    for _ in range(MUTATIONS):
        data = bytearray(whole)
        for place in random.integers(0, min(len(data), 400), random.integers(1, 4)):
            data[place] = random.integers(256)
        if kind == "PNG":  # whose header has a checksum that a forger would set right
            data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        try:
            made = decode(bytes(data), 3, 8, 8, most_pixels=limit)
        except UnreadableImageError:
            continue
        opened += 1
        assert made.size[0] * made.size[1] <= limit
        with open_image(bytes(data)) as image:
            size = image.size
            image.load()
            assert image.size[0] * image.size[1] == size[0] * size[1] <= MAX_PIXELS
    assert opened > 0


def test_a_png_of_far_too_many_chunks_is_refused() -> None:
    many = struct.pack(">I4sI", 0, b"teXt", 0) * 100_001
    data = large_png(8, 8)
    with pytest.raises(UnreadableImageError, match="chunks"):
        decode(data[:33] + many + data[33:], 1, 8, 8)


PICTURES: dict[str, Callable[[Any], Image.Image]] = {
    "RGBA": lambda rng: Image.fromarray(rng.integers(0, 256, (40, 30, 4), dtype=np.uint8), "RGBA"),
    "LA": lambda rng: Image.fromarray(rng.integers(0, 256, (40, 30, 2), dtype=np.uint8), "LA"),
    "I;16": lambda rng: Image.fromarray(rng.integers(0, 1 << 16, (40, 30), dtype=np.uint16)),
    "I": lambda rng: Image.fromarray(np.where(np.arange(1_200).reshape(40, 30) == 700, 70_000, 90).astype(np.int32)),
    "F": lambda rng: Image.fromarray(rng.random((40, 30), dtype=np.float32)),
    "RGB": lambda rng: Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8), "RGB"),
    "P": lambda rng: Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8), "RGB").quantize(20),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", PICTURES)
def test_a_large_picture_becomes_the_same_strip_by_strip(
    mode: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In strips, so that a picture of 25 million pixels is not kept four times with four bytes a pixel."""
    picture = PICTURES[mode](np.random.default_rng(0))
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF" if mode in ("I", "F") else "PNG", **({"transparency": 3} if mode == "P" else {}))
    whole = decode(buffer.getvalue(), channels, 40, 30)
    monkeypatch.setattr("netpick.data.decode_worker.CONVERTED_AT_ONCE", 100)
    assert decode(buffer.getvalue(), channels, 40, 30) == whole
