"""Writing so that no moment is a bad one to stop: whole files or none, flushed to the disk; and what to say when it refuses."""

from __future__ import annotations

import errno
import math
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from netpick.errors import RequestError
from netpick.types import Array

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BROKEN = (errno.EIO, errno.EROFS)
MOST_COPIED = 1 << 30  # bytes of a file that is copied before lines are added to it


def refused_write(error: OSError) -> str | None:
    """What to say of a write that the system refused, in one sentence; None for other errors."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in FULL:
        return f"The disk is full{where}: free some space."
    return f"The disk failed{where}: {error.strerror}." if error.errno in BROKEN else None


Content = bytes | Callable[[BinaryIO], None]  # bytes, or what writes them


def write_through(path: Path, content: Content) -> None:
    """Writes a new file and waits until it lies on the disk. Raises OSError, with the file's name."""
    try:
        with new_file(path) as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise named(error, path) from None


def write_whole(path: Path, content: Content) -> None:
    """Whole or not at all: a reader never sees half a file. Raises OSError.

    What stood under that name is replaced, a link itself and never what it leads to.
    """
    partial = aside(path)
    try:
        try:
            write_through(partial, content)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None  # nobody knows the other name
        partial.replace(path)
        flush_folder(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def new_file(path: Path) -> BinaryIO:
    """A file that was not there before, for writing; a link of that name is not followed. Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _flag("O_NOFOLLOW") | _flag("O_CLOEXEC") | _flag("O_BINARY")
    return os.fdopen(os.open(path, flags, 0o666), "w+b")


def aside(path: Path) -> Path:
    """A name in the same folder for what is to become `path`, which nobody can have known before."""
    return path.with_name(f".netpick-{secrets.token_hex(8)}.partial")


def append_lines(path: Path, lines: list[str], *, through: bool = False) -> None:
    """Appends whole lines or none, to a file and never through a link. A file that has a second name elsewhere, as in a folder
    copied by `cp -al`, is copied first, and the other stays as it is. `through`: waits until they lie on the disk. Raises OSError."""
    before: int | None = None
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_CLOEXEC")
    try:
        with os.fdopen(os.open(path, flags, 0o666), "a", encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is no file", str(path))
            shared = status.st_nlink > 1
            if not shared:
                before = status.st_size
                file.writelines(lines)
                if through:
                    file.flush()
                    os.fsync(file.fileno())
        if shared:
            _append_to_a_copy(path, "".join(lines).encode())
    except OSError as error:
        if before is not None:
            with suppress(OSError):
                os.truncate(path, before)
        raise named(error, path) from None


def _append_to_a_copy(path: Path, content: bytes) -> None:
    """Gives the name to a copy of the file with more behind it; the file's other names keep what it was."""

    def write(file: BinaryIO) -> None:
        with os.fdopen(os.open(path, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_CLOEXEC")), "rb") as old:
            size = os.fstat(old.fileno()).st_size
            if size > MOST_COPIED:
                raise OSError(errno.EFBIG, f"it has {size:,} bytes and another name elsewhere", str(path))
            shutil.copyfileobj(old, file)
        file.write(content)

    write_whole(path, write)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a run folder for this process alone; the system lets go of it with the process. File systems that know no locks
    hold nothing. Raises RequestError where another one holds it."""
    if os.name == "nt":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY | _flag("O_CLOEXEC"))
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(f"Another netpick works in {folder}. Wait until it has ended, or stop it.") from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


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
        path.unlink(missing_ok=True)
        with new_file(path) as file:
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


def _flag(name: str) -> int:
    """A flag of os.open where the system has it."""
    flag: int = getattr(os, name, 0)
    return flag
