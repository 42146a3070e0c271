"""What kind of values an HDF5 array or attribute holds, and of what shape."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from netpick.disk.strict.files import RefusedError

MOST_EXTENT = 1 << 40
OTHERS = {
    2: "times",
    4: "bits",
    5: "opaque bytes",
    6: "records",
    7: "references to other objects",
    8: "an enumeration",
    9: "lists of different lengths",
    10: "arrays",
}
FLOATS = {2: (0, 16, 10, 5, 0, 10, 15), 4: (0, 32, 23, 8, 0, 23, 127), 8: (0, 64, 52, 11, 0, 52, 1023)}  # IEEE 754


@dataclass(frozen=True)
class Type:
    """One value: its bytes, the numpy type of a number, or what else it is."""

    size: int
    dtype: np.dtype[Any] | None = None
    words: str = ""  # "texts": of a fixed size; "long texts": they lie elsewhere in the file


def read_space(body: memoryview) -> tuple[int, ...]:
    """The shape of a dataspace message. Raises RefusedError."""
    version, rank = body[0], body[1]
    if version not in (1, 2) or rank > 8 or (version == 2 and body[3] == 2):
        raise RefusedError("the shape of an HDF5 array is written in a way that is not known")
    start = 8 if version == 1 else 4
    shape: tuple[int, ...] = struct.unpack(f"<{rank}Q", body[start : start + 8 * rank])
    if any(extent > MOST_EXTENT for extent in shape):
        raise RefusedError("an HDF5 array of it is larger than any file")
    return shape


def read_type(body: memoryview) -> Type:
    """The kind of a datatype message. Raises RefusedError for a number that numpy does not have."""
    kind, bits, (size,) = body[0] & 15, body[1], struct.unpack("<I", body[4:8])
    if kind == 3:
        return Type(size, words="texts")
    if kind == 9 and bits & 15 == 1 and size == 16:
        return Type(size, words="long texts")
    if kind not in (0, 1):
        return Type(size, words=OTHERS.get(kind, "values of a kind that is not known"))
    if bits & 0x41:
        raise RefusedError("an HDF5 array of it holds numbers with their bytes the other way round")
    if kind == 0:
        offset, precision = struct.unpack("<HH", body[8:12])
        if size not in (1, 2, 4, 8) or offset or precision != 8 * size:
            raise RefusedError("an HDF5 array of it holds whole numbers of an unusual size")
        return Type(size, np.dtype(f"<{'i' if bits & 8 else 'u'}{size}"))
    offset, precision, exponent, exponent_size, mantissa, mantissa_size, bias = struct.unpack("<HHBBBBI", body[8:20])
    if FLOATS.get(size) != (offset, precision, exponent, exponent_size, mantissa, mantissa_size, bias):
        raise RefusedError("an HDF5 array of it holds numbers of an unusual size")
    return Type(size, np.dtype(f"<f{size}"))
