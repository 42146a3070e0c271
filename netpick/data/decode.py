"""Decodes every column of files once, in parallel, into one array: images, sounds and clips, each by its decoder.

Nothing here trains or judges: rows whose file cannot be read leave the Source and are listed in `Source.unreadable`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netpick.data.decoders import DECODERS
from netpick.data.decoders.base import Decoded, DecodeRequest, Work
from netpick.data.drawn import rows_of
from netpick.data.sources.paths import readable
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, FileColumn, Note, Rows, Source, UnreadableRow

SAME_ENDING = {".jpeg": ".jpg", ".tiff": ".tif", ".mpeg": ".mpg"}


class Decoding:
    """Decoding under way in other processes or threads; `finish` waits for it, `cancel` ends it."""

    def __init__(self, source: Source, work: Mapping[str, Work]) -> None:
        self._source = source
        self._work = work

    def finish(self) -> Source:
        """The Source with arrays in place of files. Raises DataError when no file can be read."""
        if not self._work:
            return self._source
        decoded: dict[str, Decoded] = {}
        failures: dict[int, UnreadableRow] = {}
        for name, work in self._work.items():
            column = self._source.columns[name]
            assert isinstance(column, FileColumn)
            decoded[name] = result = _with_formats(work.finish(), column)
            for row, reason in result.failures:
                failures.setdefault(row, UnreadableRow(row=row, path=readable(column.paths[row]), reason=reason))
            if len(result.failures) == self._source.num_rows:
                row, reason = result.failures[0]
                decoder = DECODERS[column.kind]
                raise DataError(
                    f"None of the {len(column):,} {decoder.noun} of {self._source.origin} can be read ({column.paths[row]}: "
                    f"{reason}), but {decoder.expected} was expected in each. Check how they were copied."
                )
        unreadable = [failures[row] for row in sorted(failures)]
        notes = [note for result in decoded.values() for note in result.notes]
        return _with_values(self._source, {name: d.column for name, d in decoded.items()}, unreadable, notes)

    def cancel(self) -> None:
        """Stops all work and removes its files."""
        for work in self._work.values():
            work.cancel()


def start_decoding(
    source: Source, request: DecodeRequest | None = None, *, like: Mapping[str, Mapping[str, Any]] | None = None
) -> Decoding:
    """Starts to decode all columns of files, and returns at once: import torch meanwhile, then call `finish`.

    `like` says by column how its files were decoded in training (Kind.decoding). Raises RequestError for a request that
    cannot be met, such as no room for the arrays.
    """
    request = request or DecodeRequest()
    work: dict[str, Work] = {}
    try:
        for name, column in source.columns.items():
            if isinstance(column, FileColumn):
                asked = replace(request, like=(like or {}).get(name, request.like))
                work[name] = DECODERS[column.kind].start(source, name, asked)
    except BaseException:
        Decoding(source, work).cancel()
        raise
    return Decoding(source, work)


def _with_values(
    source: Source, arrays: Mapping[str, ArrayColumn], unreadable: Sequence[UnreadableRow], notes: Sequence[Note]
) -> Source:
    keep: Rows | None = None
    if unreadable:
        keep = np.setdiff1d(np.arange(source.num_rows), [failure.row for failure in unreadable])
    source = replace(source, notes=[*source.notes, *notes], unreadable=[*source.unreadable, *unreadable])
    if keep is None:
        return replace(source, columns={**source.columns, **arrays})
    return rows_of(source, keep, {name: _compacted(column, keep) for name, column in arrays.items()})


def _with_formats(decoded: Decoded, column: FileColumn) -> Decoded:
    """What each file was, by its ending where the decoder does not say more."""
    if decoded.column.formats is not None:
        return decoded
    endings = [os.path.splitext(path)[1].lower() for path in column.paths]
    formats = [SAME_ENDING.get(ending, ending) for ending in endings]
    return replace(decoded, column=replace(decoded.column, formats=formats))


def _compacted(column: ArrayColumn, keep: Rows) -> ArrayColumn:
    """The rows to keep, moved up in place: the array may be larger than memory."""
    values: Array = column.values
    first = int(np.flatnonzero(keep != np.arange(len(keep)))[0]) if keep[-1] != len(keep) - 1 else len(keep)
    for start in range(first, len(keep), 1024):
        rows = keep[start : start + 1024]
        values[start : start + len(rows)] = values[rows]
    lengths = None if column.lengths is None else column.lengths[keep]
    formats = None if column.formats is None else [column.formats[row] for row in keep.tolist()]
    sizes = None if column.sizes is None else column.sizes[keep]
    own = None if column.own is None else column.own[keep]
    return replace(column, values=values[: len(keep)], lengths=lengths, formats=formats, sizes=sizes, own=own)
