"""Encoded rows, made once: contiguous arrays in memory when they fit, memory-mapped files when they do not.

Training, baselines and evaluation read batches by row number from here. Nothing is decoded twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netpick.disk.files import mapped
from netpick.errors import DataError
from netpick.types import Array


@dataclass(frozen=True, kw_only=True)
class Store:
    """Arrays over all rows, by input name ("vector", "codes", "series", "series.lengths", "grid")."""

    arrays: Mapping[str, Array]
    on_disk: bool = False

    @property
    def num_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


def cache_folder() -> Path:
    """Where memory-mapped stores live: $NETPICK_CACHE, else the user's cache folder."""
    base = os.environ.get("NETPICK_CACHE")
    return Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "netpick"


def memory_limit(asked: int | None) -> int:
    """Bytes that a store may take in memory: what was asked for, else half of what is free now."""
    if asked is not None:
        return asked
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):  # no such figure on this system
        return 4 << 30


class Allocator:
    """Gives out arrays for a store, in memory or as memory-mapped files named by `key`."""

    def __init__(self, *, limit: int, key: str) -> None:
        self.limit, self.key = limit, key
        self.used = 0
        self.folder: Path | None = None

    def empty(self, name: str, shape: tuple[int, ...], dtype: str) -> Array:
        """An uninitialised array; on disk once the limit would be passed."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if self.used + size <= self.limit:
            self.used += size
            return np.empty(shape, dtype)
        folder = self._folder()
        free = shutil.disk_usage(folder).free
        if free < size + (64 << 20):
            raise DataError(
                f"The encoded data need {size / 1e9:.1f} GB on disk, but {folder} has {free / 1e9:.1f} GB free. "
                "Free some space, or set NETPICK_CACHE to a folder on a larger disk."
            )
        try:
            return mapped(folder / name, shape, dtype)
        except OSError as error:
            raise DataError(
                f"{folder} has no room for {size / 1e9:.1f} GB of encoded data ({error.strerror}). Free some space, or set "
                "NETPICK_CACHE to a folder on a larger disk."
            ) from None

    def adopt(self, name: str, array: Array) -> Array:
        """Keeps an array that was already made, copying it to disk once the limit would be passed."""
        if isinstance(array, np.memmap) or self.used + array.nbytes <= self.limit:
            self.used += 0 if isinstance(array, np.memmap) else array.nbytes
            return array
        target = self.empty(name, array.shape, array.dtype.str)
        target[:] = array
        return target

    def _folder(self) -> Path:
        if self.folder is None:
            base = cache_folder()
            base.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(prefix=f"store-{self.key[:12]}-", dir=base))
        return self.folder

    def release(self) -> None:
        """Removes the files of a store that is no longer needed."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


def digest(value: object) -> str:
    """SHA-256 of a JSON value, for keys and fingerprints."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
