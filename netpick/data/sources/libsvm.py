"""Sparse rows as LIBSVM writes them: a label, then INDEX:VALUE for every cell that is not zero."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.paths import short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.data.sources.table import MOST_COLUMNS, table_source
from netpick.errors import DataError
from netpick.types import Array, Note, Source

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
LINE = re.compile(rf"({NUMBER}(?:,{NUMBER})*)((?:\s+(?:\d+|qid):{NUMBER})*)\s*(?:#.*)?")
MOST_CELLS = 200_000_000
LOOKED_AT = 20  # lines


class LibsvmReader(Reader):
    """+1 3:0.5 17:2.25"""

    name: ClassVar[str] = "libsvm"
    description: ClassVar[str] = "LIBSVM / SVMlight"

    def recognises(self, path: Path) -> bool:
        if not path.is_file():
            return False
        lines = [line.strip() for line in first_lines(path) if line.strip() and not line.startswith("#")][:LOOKED_AT]
        return bool(lines) and any(":" in line for line in lines) and all(LINE.fullmatch(line) for line in lines)

    def read(self, path: Path, options: ReadOptions) -> Source:
        labels: list[str] = []
        rows: list[Array] = []
        content = whole_text(path, options.encoding)
        head = content[:4096]
        for number, line in enumerate(content.split("\n"), start=1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            match = LINE.fullmatch(text)
            if match is None:
                raise DataError(
                    f"{path}, line {number}: found {text[:40]!r}, but a label and then INDEX:VALUE, divided by blanks, were expected. "
                    "Correct the line."
                )
            labels.append(match[1])
            cells = [pair.split(":") for pair in match[2].split() if not pair.startswith("qid")]
            rows.append(np.array(cells, np.float64).reshape(-1, 2))
        places = [row[:, 0].astype(np.int64) for row in rows]
        least = min((int(row.min()) for row in places if len(row)), default=1)
        most = max((int(row.max()) for row in places if len(row)), default=0)
        start = 0 if least == 0 else 1
        width = most - start + 1
        if width < 1 or width > MOST_COLUMNS or width * len(rows) > MOST_CELLS:
            raise DataError(
                f"{path} has {len(rows):,} rows of {max(0, width):,} features, and 1 to {MOST_COLUMNS:,} features, {MOST_CELLS:,} cells in "
                "all, are read. Keep the features that matter."
            )
        values = np.zeros((len(rows), width))
        for place, (row, indices) in enumerate(zip(rows, places, strict=True)):
            values[place, indices - start] = row[:, 1]
        several = any("," in label for label in labels)
        numbers = None if several else np.array(labels, np.float64)
        whole = numbers is not None and bool((numbers == numbers.round()).all())
        target = pl.Series("target", labels if numbers is None else numbers.astype(np.int64) if whole else numbers)
        frame = pl.DataFrame([*(pl.Series(f"f{start + i}", values[:, i]) for i in range(width)), target])
        text = f"LIBSVM: {len(rows):,} rows of {width:,} features, {sum(map(len, rows)) / values.size:.1%} of the cells not zero."
        if " qid:" in head:
            text += " The numbers of queries (qid) are left out: rows are judged one by one."
        return table_source(
            frame,
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=None,
            notes=[Note(subject="rows", text=text)],
        )
