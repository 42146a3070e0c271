"""How many files a budget can pay for: where reading them all would take most of it, rows are drawn at random."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from netpick.data.decode import start_decoding
from netpick.data.decoders.base import DecodeRequest, cores
from netpick.data.drawn import rows_of
from netpick.errors import DataError
from netpick.types import FileColumn, Rows, Source

SHARE = 1 / 5  # of the seconds behind the start that reading may take
START = 3.0  # seconds of imports, on one core, while the others decode
LEAST_ROWS = 2_000  # fewer are always read
TRIED = (4, 8, 16, 32, 64)  # files that are read one after the other to learn the pace; the first ones warm up
ENOUGH = 0.25  # seconds after which the pace is known


def affordable_rows(source: Source, request: DecodeRequest, seconds: float, seed: int) -> int | None:
    """As many rows as can be read in a fifth of the seconds; None where that is all of them, or nothing is to be decoded."""
    files = any(isinstance(column, FileColumn) for column in source.columns.values())
    if not files or source.num_rows <= LEAST_ROWS:
        return None
    pace = _seconds_a_row(source, replace(request, workers=1), seed)
    beside = min(seconds, START) * max(1, cores() - 1)
    count = int((beside + SHARE * max(0.0, seconds - START) * cores()) / pace)
    return max(LEAST_ROWS, count) if count < source.num_rows else None


def _seconds_a_row(source: Source, request: DecodeRequest, seed: int) -> float:
    """Of one core, as the last of a few growing trials took them."""
    rows = np.random.default_rng(seed).permutation(source.num_rows)
    pace = 0.0
    for number, some in enumerate(_trials(rows)):
        began = time.perf_counter()
        try:
            start_decoding(rows_of(source, some), request).finish()
        except DataError:
            continue  # not one of these could be read; whether any can is said when all are
        took = time.perf_counter() - began
        pace = took / len(some)
        if number and took > ENOUGH:
            break
    return max(pace, 1e-6)


def _trials(rows: Rows) -> Iterator[Rows]:
    for first, last in zip(np.cumsum((0, *TRIED)), np.cumsum(TRIED), strict=False):
        yield np.sort(rows[first:last])
