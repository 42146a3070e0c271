"""Whole media files in the cells of a table, as Parquet files of pictures and sounds hold them: bytes, alone or beside a path.

They are written into a folder for as long as the program runs, because decoders open files by name.
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path

import polars as pl

from netpick.data.sources.paths import MEDIA_NOUNS
from netpick.errors import DataError
from netpick.types import FileColumn, Media, Note

BEGINNINGS: tuple[tuple[bytes, str, Media], ...] = (
    (rb"\x89PNG", ".png", "image"),
    (rb"\xff\xd8\xff", ".jpg", "image"),
    (rb"GIF8", ".gif", "image"),
    (rb"BM....\0\0", ".bmp", "image"),
    (rb"II\*\0|MM\0\*", ".tif", "image"),
    (rb"RIFF....WEBP", ".webp", "image"),
    (rb"RIFF....WAVE", ".wav", "audio"),
    (rb"fLaC", ".flac", "audio"),
    (rb"OggS", ".ogg", "audio"),
    (rb"ID3|\xff[\xfb\xf3\xf2]", ".mp3", "audio"),
    (rb"RIFF....AVI ", ".avi", "clip"),
    (rb"....ftyp(?!M4A)", ".mp4", "clip"),
    (rb"....ftypM4A", ".m4a", "audio"),
    (rb"\x1aE\xdf\xa3", ".webm", "clip"),
)
FIRST = 20  # cells that tell
LARGEST = 64 << 30  # bytes of all files together


def media_in_cells(frame: pl.DataFrame, notes: list[Note]) -> dict[str, FileColumn]:
    """The columns whose cells are files of one kind of media, by name."""
    found = {}
    for series in frame.get_columns():
        cells = _bytes_of(series)
        kind = None if cells is None else _kind_of(cells)
        if cells is not None and kind is not None:
            found[series.name] = _written(cells, series.name, kind)
            text = f"Each cell of '{series.name}' holds a whole file; they are read as {MEDIA_NOUNS[kind]}."
            notes.append(Note(subject="files", text=text))
    return found


def _bytes_of(series: pl.Series) -> pl.Series | None:
    """A column of bytes, or the one field of objects that holds bytes."""
    if series.dtype == pl.Binary:
        return series
    if not isinstance(series.dtype, pl.Struct):
        return None
    fields = [field.name for field in series.dtype.fields if field.dtype == pl.Binary]
    return series.struct.field(fields[0]) if len(fields) == 1 else None


def _kind_of(cells: pl.Series) -> Media | None:
    first = cells.drop_nulls().head(FIRST).to_list()
    kinds = {found[1] if (found := _beginning(cell)) is not None else None for cell in first}
    return kinds.pop() if len(kinds) == 1 else None


def _beginning(cell: bytes) -> tuple[str, Media] | None:
    return next(((ending, kind) for start, ending, kind in BEGINNINGS if re.match(start, cell[:16], re.DOTALL)), None)


def _written(cells: pl.Series, name: str, kind: Media) -> FileColumn:
    size = int(cells.bin.size().sum() or 0)
    if size > LARGEST:
        raise DataError(
            f"Column '{name}' holds {size:,} bytes of {MEDIA_NOUNS[kind]}, and at most {LARGEST >> 30} GB are unpacked. Write them into a folder, "
            "with a table of their names."
        )
    root = Path(tempfile.mkdtemp(prefix="netpick-cells-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    paths = []
    for row, cell in enumerate(cells):
        found = None if cell is None else _beginning(cell)
        paths.append(f"row {row + 1}{'' if found is None else found[0]}")
        if cell is not None:
            (root / paths[-1]).write_bytes(cell)
    return FileColumn(name=name, root=root, paths=paths, kind=kind)
