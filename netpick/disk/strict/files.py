"""Regular files of a known size; no links, pipes or devices, and never more bytes than were allowed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class RefusedError(Exception):
    """Why something on the disk is not used, in words that stand behind a colon."""


@contextmanager
def open_regular(path: Path, most: int, *, links: bool = False) -> Iterator[tuple[BinaryIO, int]]:
    """A file open for reading, and its size. `links`: the path itself may be a link, as the one that a user types may.

    Raises RefusedError when it is no regular file, larger than `most` bytes, or cannot be opened.
    """
    # Without NONBLOCK, opening a pipe would wait for somebody to write to it.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not links and path.is_symlink():
            raise RefusedError(f"{path.name} is a link, not the file that was written")
        handle = os.open(path, flags if links else flags | getattr(os, "O_NOFOLLOW", 0))
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path.name} cannot be read ({getattr(error, 'strerror', error)})") from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise RefusedError(f"{path.name} is no regular file")
    with os.fdopen(handle, "rb", buffering=0) as file:
        if status.st_size > most:
            raise RefusedError(f"{path.name} has {status.st_size:,} bytes, and at most {most:,} are possible")
        try:
            yield file, status.st_size
        except OSError as error:
            raise RefusedError(f"{path.name} cannot be read ({error.strerror})") from None


def read_exactly(file: BinaryIO, offset: int, size: int, name: str) -> bytearray:
    """`size` bytes from `offset` on. Raises RefusedError when the file ends before."""
    file.seek(offset)
    content = bytearray(size)
    view, done = memoryview(content), 0
    while done < size:
        count = file.readinto(view[done : done + (1 << 26)])  # type: ignore[attr-defined]
        if not count:
            raise RefusedError(f"{name} is cut short")
        done += count
    return content


def read_file(path: Path, most: int) -> bytearray:
    """A whole file. Raises RefusedError."""
    with open_regular(path, most) as (file, size):
        return read_exactly(file, 0, size, path.name)
