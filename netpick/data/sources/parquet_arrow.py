"""Parquet and Arrow files: tables that carry their own types."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from polars.exceptions import PanicException, PolarsError

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.paths import short_name
from netpick.data.sources.table import null_missing, table_source, unique_names
from netpick.errors import DataError
from netpick.types import Note, Source

SUFFIXES = (".parquet", ".pq")
PART = re.compile(r"(?i)(?:part|\d|[a-z]+[-_]\d)")
MOST_PARTS, DEEPEST = 20_000, 6


class ParquetReader(Reader):
    """Parquet files, and folders of them as Spark and Hive write them: part-0.parquet, year=2020/part-0.parquet."""

    name: ClassVar[str] = "parquet"
    description: ClassVar[str] = "Parquet, a file or parts"
    endings = SUFFIXES
    cells = "mixed"

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return is_dataset(path)
        return path.is_file() and (path.name.lower().endswith(self.endings) or first_bytes(path, 4) == b"PAR1")

    def read(self, path: Path, options: ReadOptions) -> Source:
        if path.is_dir():
            return _read_dataset(path, options)
        try:
            frame = pl.read_parquet(path, low_memory=True, glob=False)
        except (PolarsError, PanicException, OSError, MemoryError) as error:
            raise _damaged(path, "Parquet", error) from None
        return _source(frame, path, self.name, options)


def is_dataset(folder: Path) -> bool:
    """Whether a folder is one table in parts: nothing but parts of Parquet files, or folders called column=value of them."""
    parts = _parts(folder)
    if not parts:
        return False
    keyed = all("=" in component for part in parts for component in part.relative_to(folder).parts[:-1])
    named = all(PART.match(part.name) for part in parts)
    nested = any(part.parent != folder for part in parts)
    return keyed and (nested or named or folder.name.lower().endswith(SUFFIXES) or (folder / "_SUCCESS").exists())


def _parts(folder: Path) -> list[Path]:
    """The Parquet files below a folder, some levels deep; [] where other files lie there too."""
    found: list[Path] = []
    waiting = [(0, folder)]
    while waiting:
        depth, place = waiting.pop(0)
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            return []
        for entry in entries:
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth >= DEEPEST or "=" not in entry.name:
                    return []
                waiting.append((depth + 1, Path(entry.path)))
            elif entry.name.lower().endswith(SUFFIXES):
                found.append(Path(entry.path))
            else:
                return []
        if len(found) > MOST_PARTS:
            return []
    return found


def _read_dataset(folder: Path, options: ReadOptions) -> Source:
    parts = _parts(folder)
    try:
        frame = pl.scan_parquet(
            parts, glob=False, hive_partitioning=any(part.parent != folder for part in parts), missing_columns="insert"
        ).collect()
    except (PolarsError, PanicException, OSError, MemoryError) as error:
        raise _damaged(folder, "Parquet", error) from None
    names, notes = unique_names(frame.columns)
    frame.columns = names
    notes.append(Note(subject="files", text=f"{len(parts):,} parts are read as one table."))
    return table_source(
        null_missing(frame, options.missing),
        origin=str(folder),
        name=short_name(folder),
        layout="parquet",
        fingerprint=fingerprint.combined(fingerprint.of_file(part) for part in parts),
        folder=folder,
        notes=notes,
        words=options.words,
    )


class ArrowReader(Reader):
    """Arrow IPC files and streams, which Feather (version 2) files are as well."""

    name: ClassVar[str] = "arrow"
    description: ClassVar[str] = "Arrow / Feather"
    endings = (".arrow", ".feather", ".ipc", ".arrows")
    cells = "mixed"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and (path.name.lower().endswith(self.endings) or first_bytes(path, 6) == b"ARROW1")

    def read(self, path: Path, options: ReadOptions) -> Source:
        try:
            is_file = first_bytes(path, 6) == b"ARROW1"
            _refuse_unions(path, is_file)
            frame = pl.read_ipc(path) if is_file else pl.read_ipc_stream(path)
        except (PolarsError, PanicException, OSError, MemoryError) as error:
            raise _damaged(path, "Arrow", error) from None
        return _source(frame, path, self.name, options)


def _refuse_unions(path: Path, is_file: bool) -> None:
    """Types of cells that polars cannot read end in its panic, which prints on its own."""
    import pyarrow as pa

    try:
        with path.open("rb") as file:
            schema = pa.ipc.open_file(file).schema if is_file else pa.ipc.open_stream(file).schema
    except (pa.ArrowException, ValueError, OSError):
        return  # polars says what is wrong with the file
    odd = [field.name for field in schema if _holds_union(field.type)]
    if odd:
        raise DataError(
            f"{path}: column {odd[0]!r} has cells of several types (an Arrow union), but cells of one type were expected. Write it as "
            "one type, or leave the column out."
        )


def _holds_union(dtype: Any) -> bool:
    import pyarrow as pa

    inner = [dtype.field(place).type for place in range(dtype.num_fields)] if dtype.num_fields else []
    return pa.types.is_union(dtype) or any(_holds_union(one) for one in inner)


def first_bytes(path: Path, count: int) -> bytes:
    """The start of a file, b"" when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def _source(frame: pl.DataFrame, path: Path, layout: str, options: ReadOptions) -> Source:
    names, notes = unique_names(frame.columns)
    frame.columns = names
    return table_source(
        null_missing(frame, options.missing),
        origin=str(path),
        name=short_name(path),
        layout=layout,
        fingerprint=fingerprint.of_file(path),
        folder=path.parent,
        words=options.words,
        notes=notes,
    )


def _damaged(path: Path, what: str, error: Exception) -> DataError:
    reason = (str(error).splitlines() or ["there is no memory for what it claims"])[0].rstrip(".")
    return DataError(
        f"{path} cannot be read as {what} ({reason}), and a whole {what} file was expected. Write or copy it again, or give "
        "it the ending of what it is."
    )
