"""Writing so that no moment is a bad one to stop: whole files or none, flushed to the disk; and what to say when it refuses."""

from __future__ import annotations

import errno
import math
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from netpick.types import Array

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BROKEN = (errno.EIO, errno.EROFS)


def refused_write(error: OSError) -> str | None:
    """What to say of a write that the system refused, in one sentence; None for other errors."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in FULL:
        return f"The disk is full{where}: free some space."
    return f"The disk failed{where}: {error.strerror}." if error.errno in BROKEN else None


Content = bytes | Callable[[BinaryIO], None]  # bytes, or what writes them


def write_through(path: Path, content: Content) -> None:
    """Writes a file and waits until it lies on the disk. Raises OSError, with the file's name."""
    try:
        with path.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise named(error, path) from None


def write_whole(path: Path, content: Content) -> None:
    """Whole or not at all: a reader never sees half a file. Raises OSError."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        write_through(partial, content)
        partial.replace(path)
        flush_folder(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def append_lines(path: Path, lines: list[str], *, through: bool = False) -> None:
    """Appends whole lines or none; `through` waits until they lie on the disk. Raises OSError."""
    before: int | None = None
    try:
        with path.open("a", encoding="utf-8") as file:
            before = os.fstat(file.fileno()).st_size
            file.writelines(lines)
            if through:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        if before is not None:
            with suppress(OSError):
                os.truncate(path, before)
        raise named(error, path) from None


def flush_folder(path: Path) -> None:
    """Waits until the names in a folder lie on the disk."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise named(error, path) from None
    finally:
        os.close(handle)


def mapped(path: Path, shape: tuple[int, ...], dtype: str) -> Array:
    """A zeroed array in a new file. Raises OSError: its space is reserved now, since a full disk must be an error here, not a
    bus error later. On POSIX the file has no name any more, and so ends with the array, whatever becomes of the process."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size == 0:
        return np.zeros(shape, dtype)
    try:
        with path.open("w+b") as file:
            file.truncate(size)
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, size)
            array = np.memmap(file, np.dtype(dtype), "r+", shape=shape)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise named(error, path) from None
    if os.name == "posix":
        path.unlink()
    return array


def named(error: OSError, path: Path) -> OSError:
    """The same error with the file's name, which a failed write does not bring along."""
    return error if error.filename else OSError(error.errno, error.strerror or str(error), str(path))
