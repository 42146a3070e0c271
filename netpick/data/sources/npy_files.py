"""numpy's `.npy`: files of one array each that lie side by side: X.npy and y.npy, X_train.npy and y_train.npy and so on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from netpick.data.sources.arrays import NOT_A_HEADER, require_whole, source_of_arrays
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.npz_names import named_pairs
from netpick.data.sources.paths import readable
from netpick.errors import DataError
from netpick.types import TRAIN, Array, Note, Source

SUFFIX = ".npy"
MOST_BESIDE = 50  # files of a folder; more are no pairs


class NpyReader(Reader):
    """Inputs and labels in files of their own, told apart by their names."""

    name: ClassVar[str] = "npy"
    description: ClassVar[str] = "numpy .npy files side by side (X.npy, y.npy)"
    reads_beside: ClassVar[bool] = True

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().endswith(SUFFIX)

    def read(self, path: Path, options: ReadOptions) -> Source:
        files = _beside(path)
        pairs = named_pairs([*files])
        own = next((pair for pair in pairs.values() if path.stem in pair), None)
        if own is None:
            arrays = {"x": _load(path)}
        elif options.find_test and TRAIN in pairs:
            arrays = {name: _load(files[name]) for name in dict.fromkeys(n for pair in pairs.values() for n in pair)}
        else:  # the part that was named
            pairs = {TRAIN: own}
            arrays = {role: _load(files[name]) for role, name in zip(("x", "y"), own, strict=True)}
        source = source_of_arrays(path, arrays, options)
        if source is None:
            (array,) = arrays.values()
            raise DataError(
                f"{path} holds one array {array.shape}, but inputs and labels were expected: X.npy with y.npy beside it, or X_train.npy, "
                "y_train.npy, X_test.npy, y_test.npy. Name them so, or write both with numpy.savez('data.npz', x=..., y=...)."
            )
        if own is None:
            return source
        told = " and ".join(f"{readable(x)}.npy with {readable(y)}.npy" for x, y in pairs.values())
        note = Note(subject="files", text=f"Inputs and labels are read from files side by side: {told}.")
        return replace(source, layout=self.name, notes=[note, *source.notes])


def inputs_in(folder: Path) -> Path | None:
    """The file of the inputs to learn from, where a folder holds inputs and labels as .npy files."""
    files = _beside(folder / "any")
    pairs = named_pairs([*files])
    return files[pairs[TRAIN][0]] if TRAIN in pairs else None


def _beside(path: Path) -> dict[str, Path]:
    """The .npy files of the folder of a path, by their names without ending."""
    try:
        with os.scandir(path.parent) as entries:
            found = sorted(e.name for e in entries if e.name.lower().endswith(SUFFIX) and not e.name.startswith("."))
    except OSError:
        return {}
    return {name[: -len(SUFFIX)]: path.parent / name for name in found} if len(found) <= MOST_BESIDE else {}


def _load(path: Path) -> Array:
    try:
        with path.open("rb") as file:
            require_whole(file, str(path), path.stat().st_size)
        array: Array = np.load(path, allow_pickle=False)
    except (*NOT_A_HEADER, OSError, EOFError, MemoryError) as error:
        if isinstance(error, DataError):
            raise
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error).rstrip(".")
        raise DataError(
            f"{path} cannot be read ({reason}), but an .npy file of a plain array was expected. Write it with numpy.save."
        ) from None
    return array
