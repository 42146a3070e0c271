"""IDX files, as MNIST and its kin are published: images in one file, labels in another."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import numpy as np

from netpick.data.sources import fingerprint
from netpick.data.sources.array_columns import columns_of, label_column
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.blocks import read_some
from netpick.data.sources.encodings import open_plain
from netpick.data.sources.paths import short_name
from netpick.errors import DataError, RequestError
from netpick.types import Array, Source

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMENSIONS = 4


class IdxReader(Reader):
    """A pair such as train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or gzip."""

    name: ClassVar[str] = "idx"
    description: ClassVar[str] = "IDX pairs (MNIST)"

    def recognises(self, path: Path) -> bool:
        name = path.name.lower()
        return path.is_file() and ("idx" in name or "ubyte" in name) and ("images" in name or "labels" in name)

    def read(self, path: Path, options: ReadOptions) -> Source:
        images, labels = _pair(path)
        x, y = read_idx(images), read_idx(labels)
        if len(x) != len(y):
            raise DataError(
                f"{images.name} holds {len(x):,} images and {labels.name} {len(y):,} labels, but each image needs one label. "
                "Use files that belong together."
            )
        columns, notes = columns_of(x, str(images))
        column, target, remarks = label_column(y, str(labels))
        return Source(
            name=short_name(images).split("-images")[0],
            origin=str(path),
            layout=self.name,
            columns={**columns, **column},
            num_rows=len(x),
            fingerprint=fingerprint.of_arrays(x=x, y=y),
            target=target,
            notes=[*notes, *remarks],
        )


def read_idx(path: Path) -> Array:
    """The array of one IDX file. Raises DataError when its header is no IDX header or does not fit its bytes."""
    with open_plain(path) as file:
        header = read_some(file, 4, path)
        if len(header) < 4 or header[:2] != b"\0\0" or header[2] not in DTYPES or not 1 <= header[3] <= MAX_DIMENSIONS:
            shown = " ".join(f"{byte:02x}" for byte in header)
            raise DataError(
                f"{path} starts with the bytes {shown or '(none)'}, but an IDX file starts with 00 00, a type and the number of "
                "dimensions. Check that it is the file it is named after."
            )
        dtype, count = np.dtype(DTYPES[header[2]]), header[3]
        sizes = read_some(file, 4 * count, path)
        if len(sizes) < 4 * count:
            raise DataError(f"{path} ends within its header, but {count} dimensions were expected. Download it again.")
        shape = tuple(int(side) for side in np.frombuffer(sizes, ">u4"))
        wanted = math.prod(shape) * dtype.itemsize
        # Never more than the header's claim plus one byte, and in pieces: a header that lies must not reserve memory.
        pieces, num_bytes = [], 0
        while num_bytes <= wanted and (piece := read_some(file, min(wanted - num_bytes + 1, 1 << 24), path)):
            pieces.append(piece)
            num_bytes += len(piece)
    if num_bytes != wanted:
        behind = "more than that" if num_bytes > wanted else f"{num_bytes:,} bytes"
        raise DataError(
            f"{path}: its header says {' x '.join(map(str, shape))} values ({wanted:,} bytes), but {behind} follow. "
            "The file is damaged or cut short: download it again."
        )
    if wanted == 0:
        raise DataError(
            f"{path}: its header says {' x '.join(map(str, shape))} values, which is none, but at least one a row was expected. "
            "The file is empty or damaged: download it again."
        )
    array = np.frombuffer(b"".join(pieces), dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _pair(path: Path) -> tuple[Path, Path]:
    """The images and the labels file, either one given: they differ in `images` / `labels` and `idx3` / `idx1`."""
    kind = "images" if "images" in path.name.lower() else "labels"
    other = "labels" if kind == "images" else "images"
    wanted = _bare(path.name.lower().replace(kind, other))
    for candidate in sorted(path.parent.iterdir()):
        if candidate != path and _bare(candidate.name.lower()) == wanted:
            return (path, candidate) if kind == "images" else (candidate, path)
    raise RequestError(
        f"{path} has no {other} file beside it; one called like {_partner_name(path.name, kind, other)} was expected. "
        "Put both into one folder."
    )


def _partner_name(name: str, kind: str, other: str) -> str:
    old, new = ("idx3", "idx1") if kind == "images" else ("idx1", "idx3")
    return name.replace(kind, other).replace(old, new)


def _bare(name: str) -> str:
    for digit in "1234":
        name = name.replace(f"idx{digit}", "idx")
    return name.removesuffix(".gz")
