"""Masks as PNG files with a palette: numbers of classes stay as they are, and viewers show colours that can be told apart."""

from __future__ import annotations

import base64
import colorsys
import struct
import zlib

import numpy as np

from netpick.types import Array

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GOLDEN = 0.61803398875  # of a circle: hues that follow each other lie far apart


def colours(count: int) -> list[tuple[int, int, int]]:
    """Red, green and blue of so many classes; the first is near black, as backgrounds are."""
    made = [(24, 26, 32)]
    for number in range(1, count):
        hue = (0.08 + (number - 1) * GOLDEN) % 1.0
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.72 if number % 2 else 0.5, 0.95 if number % 3 else 0.75)
        made.append((round(255 * red), round(255 * green), round(255 * blue)))
    return made


def palette_png(
    mask: Array, palette: list[tuple[int, int, int]] | None = None, opacity: list[int] | None = None
) -> bytes:
    """Numbers (h, w) uint8 as a PNG whose palette has a colour for each; opacity: of each, 0 to 255."""
    height, width = mask.shape
    chosen = palette or colours(int(mask.max(initial=0)) + 1)
    rows = np.zeros((height, width + 1), np.uint8)  # a filter byte in front of each
    rows[:, 1:] = mask
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", b"".join(bytes(colour) for colour in chosen[:256]))]
    if opacity is not None:
        chunks.append((b"tRNS", bytes(opacity[:256])))
    chunks += [(b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def png_text(png: bytes) -> str:
    """In base64."""
    return base64.b64encode(png).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
