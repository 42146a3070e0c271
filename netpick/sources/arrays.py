"""numpy arrays: (X, y) in memory, and `.npz` files of arrays, with the names that data sets give them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, ClassVar, TypeGuard

import numpy as np

from netpick.errors import DataError, RequestError
from netpick.sources import fingerprint
from netpick.sources.array_columns import columns_of, label_column
from netpick.sources.base import Reader, ReadOptions
from netpick.sources.frames import is_frame, to_polars
from netpick.sources.join import join_parts
from netpick.sources.paths import short_name
from netpick.sources.table import table_source
from netpick.types import TEST, TRAIN, VALIDATION, Array, Column, Note, Source

HIGHEST_RATIO = 500  # unpacked to packed
RATIO_COUNTS_FROM = 256 * 1024 * 1024  # bytes unpacked: below, a high ratio is harmless
# numpy reads a header with Python's tokenizer and parser, and looks things up in what they give.
NOT_A_HEADER = (
    ValueError,
    TypeError,
    SyntaxError,
    RecursionError,
    TokenError,
    LookupError,
    AttributeError,
    OverflowError,
)
MOST_DIMENSIONS = 8
ZIP = (zipfile.BadZipFile, zlib.error)
# How data sets name their arrays: MedMNIST (train_images), Keras (x_train), and a plain pair.
PART_NAMES: Mapping[int, tuple[tuple[str, str], ...]] = {
    TRAIN: (
        ("train_images", "train_labels"),
        ("x_train", "y_train"),
        ("train_x", "train_y"),
        ("train_data", "train_labels"),
    ),
    VALIDATION: tuple(
        pair
        for word in ("val", "valid", "validation", "dev")
        for pair in (
            (f"{word}_images", f"{word}_labels"),
            (f"x_{word}", f"y_{word}"),
            (f"{word}_x", f"{word}_y"),
            (f"{word}_data", f"{word}_labels"),
        )
    ),
    TEST: (("test_images", "test_labels"), ("x_test", "y_test"), ("test_x", "test_y"), ("test_data", "test_labels")),
}
PAIRS = (
    ("x", "y"),
    ("images", "labels"),
    ("data", "target"),
    ("data", "labels"),
    ("features", "labels"),
    ("inputs", "targets"),
)


class NpzReader(Reader):
    """numpy's `.npz`: a pair of arrays, or pairs for train, validation and test."""

    name: ClassVar[str] = "npz"
    description: ClassVar[str] = "numpy .npz"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().endswith(".npz")

    def read(self, path: Path, options: ReadOptions) -> Source:
        arrays = _load(path)
        parts = {part: pair for part, names in PART_NAMES.items() if (pair := _find_pair(arrays, names))}
        pair = None if TRAIN in parts else _find_pair(arrays, PAIRS)
        if not parts and pair is None:
            listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
            raise DataError(
                f"{path} holds {listed}, but arrays named x and y, or x_train, y_train, x_test, y_test, or train_images, "
                "train_labels were expected. Rename them with numpy.savez(path, x=..., y=...)."
            )
        if pair:
            return self._source(path, arrays, pair)
        sources = {part: self._source(path, arrays, names) for part, names in parts.items()}
        joined = join_parts(sources) if len(sources) > 1 else next(iter(sources.values()))
        if not options.find_test:
            return _with_note(joined, "All arrays of the file are read as one set, as asked.", None, keep_split=False)
        told = " and ".join(", ".join(names) for names in parts.values())
        return _with_note(joined, f"The split is the file's own: {told}.", "--test none", keep_split=len(sources) > 1)

    def _source(self, path: Path, arrays: Mapping[str, Array], names: tuple[str, str]) -> Source:
        where = f"{path} ({names[0]}, {names[1]})"
        columns, target, notes = _columns(arrays[names[0]], arrays[names[1]], where)
        return Source(
            name=short_name(path),
            origin=str(path),
            layout=self.name,
            columns=columns,
            num_rows=len(next(iter(columns.values()))),
            fingerprint=fingerprint.of_arrays(x=arrays[names[0]], y=arrays[names[1]]),
            target=target,
            notes=notes,
        )


def is_arrays(data: object) -> TypeGuard[Sequence[object]]:
    return isinstance(data, tuple | list) and len(data) == 2 and not any(isinstance(part, str | Path) for part in data)


def read_arrays(data: Sequence[object]) -> Source:
    """The Source of (X, y). X may be a frame: its columns, and y beside them."""
    inputs, targets = data
    where = "arrays (X, y)"
    if is_frame(inputs):
        return _read_frame_and_labels(inputs, _as_array(targets, "y"))
    x, y = _as_array(inputs, "X"), _as_array(targets, "y")
    columns, target, notes = _columns(x, y, where)
    return Source(
        name="arrays",
        origin="arrays",
        layout="arrays",
        columns=columns,
        num_rows=len(x),
        fingerprint=fingerprint.of_arrays(x=x, y=y),
        target=target,
        notes=notes,
    )


def _read_frame_and_labels(inputs: object, y: Array) -> Source:

    frame, origin, notes = to_polars(inputs)
    _require_equal_rows(frame.height, len(y), "arrays (X, y)")
    source = table_source(
        frame,
        origin=origin,
        name="data",
        layout="frame",
        fingerprint=fingerprint.combined([fingerprint.of_frame(frame), fingerprint.of_arrays(y=y)]),
        folder=None,
        notes=notes,
    )
    labels, target, remarks = label_column(y, "y")

    return replace(source, columns={**source.columns, **labels}, target=target, notes=[*source.notes, *remarks])


def _columns(x: Array, y: Array, where: str) -> tuple[dict[str, Column], str, list[Note]]:
    inputs, notes = columns_of(x, where)
    _require_equal_rows(len(x), len(y), where)
    labels, target, remarks = label_column(y, where)
    return {**inputs, **labels}, target, [*notes, *remarks]


def _require_equal_rows(rows: int, labels: int, where: str) -> None:
    if rows != labels:
        raise DataError(
            f"{where}: X has {rows:,} rows and y has {labels:,}, but each row needs one label. Pass arrays of equal length."
        )


def _as_array(data: object, name: str) -> Array:
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise RequestError(
            f"{name} is a {type(data).__name__} that numpy cannot read ({error}), but rows of equal length were expected. Pass a "
            "numpy array."
        ) from None
    if array.ndim == 0:
        raise RequestError(
            f"{name} is a single {'value, None' if data is None else type(data).__name__}, but an array with one entry per row was expected. Pass (X, y) arrays."
        )
    return array


def _load(path: Path) -> dict[str, Array]:
    try:
        _check_headers(path)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (
        ValueError,
        TypeError,
        OSError,
        EOFError,
        KeyError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
        *ZIP,
    ) as error:
        if isinstance(error, DataError):
            raise
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error).rstrip(".")
        raise DataError(
            f"{path} cannot be read ({reason}), but an .npz file of plain arrays was expected. "
            "Write it with numpy.savez(path, x=..., y=...)."
        ) from None


def _check_headers(path: Path) -> None:
    """Refuses arrays whose header claims more bytes than the file holds, before numpy reserves the memory for them."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                shape, dtype = _header(file, f"{path}: {member.filename}")
            if member.file_size > RATIO_COUNTS_FROM and member.file_size > HIGHEST_RATIO * max(1, member.compress_size):
                raise DataError(
                    f"{path}: {member.filename} unpacks from {member.compress_size:,} to {member.file_size:,} bytes, but arrays "
                    f"that shrink at most {HIGHEST_RATIO} times were expected. Write it with numpy.savez, unpacked."
                )
            wanted = dtype.itemsize * int(np.prod([int(side) for side in shape], dtype=object))
            if not dtype.hasobject and wanted > member.file_size:
                raise DataError(
                    f"{path}: the header of {member.filename} says {'x'.join(map(str, shape))} {dtype} ({wanted:,} bytes), but "
                    f"{member.file_size:,} bytes follow. The file is damaged: write or download it again."
                )


def _header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except (*NOT_A_HEADER, EOFError, MemoryError):
        shape, dtype = (-1,), np.dtype(np.uint8)
    if len(shape) > MOST_DIMENSIONS or any(type(side) is not int or side < 0 for side in shape):
        raise DataError(
            f"{where} does not begin like a numpy array, but a header with its type and shape was expected. Write it with "
            "numpy.savez(path, x=..., y=...)."
        )
    return shape, dtype


def _find_pair(arrays: Mapping[str, Array], pairs: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    lowered = {name.lower(): name for name in arrays}
    return next(((lowered[x], lowered[y]) for x, y in pairs if x in lowered and y in lowered), None)


def _with_note(source: Source, text: str, override: str | None, *, keep_split: bool) -> Source:

    note = Note(subject="split", text=text, override=override)
    return replace(source, notes=[*source.notes, note], given_split=source.given_split if keep_split else None)
