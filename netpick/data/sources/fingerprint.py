"""SHA-256 fingerprints of data: equal for the same content wherever it lies, different when content changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netpick.types import Array

if TYPE_CHECKING:
    import polars as pl

WHOLE = 256 * 1024 * 1024  # bytes; larger data are sampled, so that looking at a big file stays quick
SAMPLES, SAMPLE_BYTES = 64, 1024 * 1024
ROWS_AT_ONCE = 500_000


def of_file(path: Path) -> str:
    """Of a file's content, or of its size and 64 evenly spaced blocks when it is larger than 256 MB."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(f"sampled {size}".encode())
        for position in _sample_positions(size):
            file.seek(position)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def of_listing(entries: Iterable[str]) -> str:
    """Of a folder: one line per file, its relative name and size."""
    return hashlib.sha256("\n".join(entries).encode("utf-8", "surrogateescape")).hexdigest()


def of_arrays(**arrays: Array) -> str:
    """Of named arrays: their types, shapes and bytes (sampled above 256 MB)."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        if array.dtype.hasobject:
            digest.update("\0".join(map(str, array.ravel().tolist())).encode("utf-8", "surrogatepass"))
            continue
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if data.nbytes <= WHOLE:
            digest.update(data.data)
        else:
            for position in _sample_positions(data.nbytes):
                digest.update(data[position : position + SAMPLE_BYTES].data)
    return digest.hexdigest()


def of_frame(frame: pl.DataFrame) -> str:
    """Of a table's names, types and cells, however the table is chunked in memory."""

    digest = hashlib.sha256()
    for name in frame.columns:
        column = frame[name]
        digest.update(f"{name}\0{column.dtype}\0{len(column)}\n".encode())
        for cells in _plain(column):
            for start in range(0, len(cells), ROWS_AT_ONCE):
                _update_with_cells(digest, cells.slice(start, ROWS_AT_ONCE))
    return digest.hexdigest()


def _plain(column: pl.Series) -> Iterator[pl.Series]:
    """The column itself, or what its cells hold: fields of objects, lengths and elements of lists. Objects of Python are left out."""
    import polars as pl

    if isinstance(column.dtype, pl.Struct):
        for field in column.struct.unnest().get_columns():
            yield from _plain(field)
    elif isinstance(column.dtype, pl.Array):
        yield from _plain(column.arr.to_list())
    elif isinstance(column.dtype, pl.List):
        yield column.list.len()
        yield from _plain(column.explode())
    elif column.dtype != pl.Object:
        yield column


def combined(parts: Iterable[str]) -> str:
    """Of data that consist of several fingerprinted parts."""
    return hashlib.sha256("+".join(parts).encode()).hexdigest()


def _update_with_cells(digest: hashlib._Hash, cells: pl.Series) -> None:
    import polars as pl

    digest.update(np.packbits(cells.is_null().to_numpy()).tobytes())
    cells = cells.drop_nulls()
    if cells.dtype == pl.Binary:  # whole files, or texts
        for cell in cells:
            digest.update(cell)
    elif (
        not (cells.dtype.is_numeric() or cells.dtype.is_temporal() or cells.dtype == pl.Boolean)
        or cells.dtype.is_decimal()
        or str(cells.dtype).endswith("Int128")  # numpy has none as long
    ):
        text = cells.cast(pl.String)
        digest.update(text.str.len_bytes().to_numpy().tobytes())
        digest.update((text.str.join("").item() if len(text) else "").encode())
    elif cells.dtype == pl.Boolean:
        digest.update(cells.cast(pl.UInt8).to_numpy().tobytes())
    else:
        digest.update(np.ascontiguousarray(cells.to_physical().to_numpy()).tobytes())


def _sample_positions(size: int) -> list[int]:
    return [int(position) for position in np.linspace(0, size - SAMPLE_BYTES, SAMPLES)]
