"""Series as the UCR archive writes them: NAME_TRAIN.tsv and NAME_TEST.tsv, a row a series, its class first, no header."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.numbered import FEWEST, series_source
from netpick.data.sources.paths import bare
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.errors import DataError
from netpick.types import Source

NAMED = re.compile(r"(?i).+_(?:train|test)(?:\.(?:tsv|txt|csv))?")
DIVIDED = re.compile(r"[\t,]|\s+")
LARGEST_CLASS = 10_000
LOOKED_AT = 5  # lines


class UcrReader(Reader):
    """Numbers divided by tabs, commas or blanks; the first of a row is its class."""

    name: ClassVar[str] = "ucr"
    description: ClassVar[str] = "series of the UCR archive (NAME_TRAIN.tsv)"

    def recognises(self, path: Path) -> bool:
        if not path.is_file() or not NAMED.fullmatch(bare(path.name)):
            return False
        lines = [line for line in first_lines(path) if line.strip()][:LOOKED_AT]
        return bool(lines) and all(_is_series(line) for line in lines)

    def read(self, path: Path, options: ReadOptions) -> Source:
        rows: list[list[float]] = []
        for number, line in enumerate(whole_text(path, options.encoding).split("\n"), start=1):
            if line.strip():
                rows.append([_number(cell, path, number, place) for place, cell in enumerate(_cells(line), 1)])
        longest = max(map(len, rows), default=0)
        if longest < 2:
            raise DataError(
                f"{path} holds no series, but a class and its values a row were expected. Check how it was written."
            )
        values = np.full((len(rows), longest), np.nan)
        for place, row in enumerate(rows):
            values[place, : len(row)] = row
        steps = [pl.Series(f"t{step}", values[:, step]).fill_nan(None) for step in range(1, longest)]
        label = pl.Series("label", [f"{row[0]:g}" for row in rows], dtype=pl.String)
        return series_source(pl.DataFrame([*steps, label]), path, layout=self.name, notes=[])


def _is_series(line: str) -> bool:
    cells = _cells(line)
    if len(cells) < FEWEST:
        return False
    numbers = [_plain(cell) for cell in cells]
    first = numbers[0]
    return None not in numbers and first is not None and first == round(first) and abs(first) <= LARGEST_CLASS


def _cells(line: str) -> list[str]:
    return DIVIDED.split(line.strip())


def _plain(cell: str) -> float | None:
    if cell.lower() in ("nan", "?", ""):
        return float("inf")  # a hole: a number all the same
    if not re.fullmatch(r"[0-9eE+\-.]+", cell):
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _number(cell: str, path: Path, line: int, place: int) -> float:
    number = _plain(cell)
    if number is None:
        raise DataError(
            f"{path}, line {line}: value {place} is {cell[:40]!r}, but the class and then numbers, divided by tabs or commas, were "
            "expected. Correct the line."
        )
    return float("nan") if number == float("inf") else number
