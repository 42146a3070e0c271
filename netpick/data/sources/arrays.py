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
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.array_columns import ArrayMeaning, columns_of, label_column
from netpick.data.sources.as_array import as_array
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.frames import is_frame, read_frame, to_polars
from netpick.data.sources.join import join_parts
from netpick.data.sources.labels import labels_of
from netpick.data.sources.npz_names import find_pairs, lone_inputs
from netpick.data.sources.paths import short_name
from netpick.data.sources.pixels import Pixels
from netpick.data.sources.records import as_frame, one_column
from netpick.errors import DataError
from netpick.types import TRAIN, Array, Column, Note, Source, TableColumn

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


class NpzReader(Reader):
    """numpy's `.npz`: a pair of arrays, or pairs for train, validation and test."""

    name: ClassVar[str] = "npz"
    description: ClassVar[str] = "numpy .npz"
    endings = (".npz",)

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().endswith(self.endings)

    def read(self, path: Path, options: ReadOptions) -> Source:
        arrays = _load(path)
        source = source_of_arrays(path, arrays, options)
        if source is None:
            listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
            raise DataError(
                f"{path} holds {listed}, but arrays named x and y, or x_train, y_train, x_test, y_test, or train_images, "
                "train_labels were expected. Rename them with numpy.savez(path, x=..., y=...)."
            )
        return source


def source_of_arrays(path: Path, arrays: Mapping[str, Array], options: ReadOptions) -> Source | None:
    """The Source of named arrays from a path: a pair, pairs of parts, or, for a model, inputs alone; None where names do not tell."""
    parts = find_pairs(arrays)
    if TRAIN not in parts:
        if options.find_formats or (inputs := lone_inputs(arrays)) is None:
            return None
        return _source_of_pair(path, arrays, (inputs, None), options)
    if len(parts) == 1:
        return _source_of_pair(path, arrays, parts[TRAIN], options)
    sources = {part: _source_of_pair(path, arrays, names, options) for part, names in parts.items()}
    joined = join_parts(sources)
    if not options.find_test:
        return _with_note(joined, "All arrays are read as one set, as asked.", None, keep_split=False)
    told = " and ".join(", ".join(names) for names in parts.values())
    return _with_note(joined, f"The split is given by the names of the arrays: {told}.", "--test none", keep_split=True)


def _source_of_pair(
    path: Path, arrays: Mapping[str, Array], names: tuple[str, str | None], options: ReadOptions
) -> Source:
    """The Source of inputs and labels; without labels that of new rows."""
    x, y = arrays[names[0]], None if names[1] is None else arrays[names[1]]
    if y is None:
        columns, notes = columns_of(x, f"{path} ({names[0]})", _meaning(options))
        target = None
    else:
        columns, target, notes = _columns(x, y, f"{path} ({names[0]}, {names[1]})", options)
    return Source(
        name=short_name(path),
        origin=str(path),
        layout=NpzReader.name,
        columns=columns,
        num_rows=len(next(iter(columns.values()))),
        fingerprint=fingerprint.of_arrays(x=x) if y is None else fingerprint.of_arrays(x=x, y=y),
        target=target,
        notes=notes,
    )


def is_arrays(data: object) -> TypeGuard[Sequence[object]]:
    if isinstance(data, list) and all(isinstance(part, Mapping) for part in data):
        return False  # two records
    return isinstance(data, tuple | list) and len(data) == 2 and not any(isinstance(part, str | Path) for part in data)


def read_arrays(data: Sequence[object], options: ReadOptions) -> Source:
    """The Source of (X, y). X may be a frame: its columns, and y beside them."""
    inputs, targets = data
    where = "arrays (X, y)"
    inputs = one_column(inputs)
    if not is_frame(inputs) and (made := as_frame(inputs)) is not None:
        inputs = made
    if is_frame(inputs):
        return _read_frame_and_labels(inputs, targets, options)
    x = as_array(inputs, "X")
    columns, notes = columns_of(x, where, _meaning(options))
    labels, target, remarks = labels_of(targets, columns, where)
    _require_equal_rows(len(x), len(next(iter(labels.values()))), where)
    return Source(
        name="arrays",
        origin="arrays",
        layout="arrays",
        columns={**columns, **labels},
        num_rows=len(x),
        fingerprint=fingerprint.combined([fingerprint.of_arrays(x=x), _of_labels(labels)]),
        target=target,
        notes=[*notes, *remarks],
    )


def _read_frame_and_labels(inputs: object, targets: object, options: ReadOptions) -> Source:
    frame, _, _ = to_polars(inputs)
    source = read_frame(inputs, options)
    labels, target, remarks = labels_of(targets, source.columns, "arrays (X, y)")
    _require_equal_rows(frame.height, len(next(iter(labels.values()))), "arrays (X, y)")
    return replace(
        source,
        columns={**source.columns, **labels},
        fingerprint=fingerprint.combined([source.fingerprint, _of_labels(labels)]),
        target=target,
        notes=[*source.notes, *remarks],
    )


def _of_labels(labels: Mapping[str, TableColumn]) -> str:
    return fingerprint.of_frame(pl.DataFrame([column.values for column in labels.values()]))


def _columns(x: Array, y: Array, where: str, options: ReadOptions) -> tuple[dict[str, Column], str, list[Note]]:
    inputs, notes = columns_of(x, where, _meaning(options))
    _require_equal_rows(len(x), len(y), where)
    labels, target, remarks = label_column(y, where)
    return {**inputs, **labels}, target, [*notes, *remarks]


def _meaning(options: ReadOptions) -> ArrayMeaning:
    pixels = None if options.pixels is None else Pixels(low=options.pixels[0], high=options.pixels[1])
    return ArrayMeaning(said=dict(options.arrays), pixels=pixels, channels=options.channels)


def _require_equal_rows(rows: int, labels: int, where: str) -> None:
    if rows != labels:
        raise DataError(
            f"{where}: X has {rows:,} rows and y has {labels:,}, but each row needs one label. Pass arrays of equal length."
        )


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
                require_whole(file, f"{path}: {member.filename}", member.file_size)
            if member.file_size > RATIO_COUNTS_FROM and member.file_size > HIGHEST_RATIO * max(1, member.compress_size):
                raise DataError(
                    f"{path}: {member.filename} unpacks from {member.compress_size:,} to {member.file_size:,} bytes, but arrays "
                    f"that shrink at most {HIGHEST_RATIO} times were expected. Write it with numpy.savez, unpacked."
                )


def require_whole(file: IO[bytes], where: str, size: int) -> None:
    """Raises DataError where the header of an array claims more bytes than there are."""
    shape, dtype = _header(file, where)
    wanted = dtype.itemsize * int(np.prod([int(side) for side in shape], dtype=object))
    if not dtype.hasobject and wanted > size:
        raise DataError(
            f"{where}: the header says {'x'.join(map(str, shape))} {dtype} ({wanted:,} bytes), but {size:,} bytes follow. The file is "
            "damaged: write or download it again."
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


def _with_note(source: Source, text: str, override: str | None, *, keep_split: bool) -> Source:

    note = Note(subject="split", text=text, override=override)
    return replace(source, notes=[*source.notes, note], given_split=source.given_split if keep_split else None)
