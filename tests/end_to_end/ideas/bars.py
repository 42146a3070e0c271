"""Cells between bars, as some editors write tables: | 1.5 | red |."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.paths import short_name
from netpick.data.sources.table import table_source
from netpick.errors import DataError
from netpick.types import Source


class BarsReader(Reader):
    """One row a line; the first names the columns."""

    name: ClassVar[str] = "bars"
    description: ClassVar[str] = "tables between bars (.bars)"
    endings = (".bars",)
    cells = "text"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.endswith(self.endings)

    def read(self, path: Path, options: ReadOptions) -> Source:
        rows = [[cell.strip() or None for cell in line.strip("|").split("|")] for line in path.read_text().splitlines()]
        if len(rows) < 2 or len({len(row) for row in rows}) > 1:
            raise DataError(f"{path} holds no table between bars. Write one, with names in the first line.")
        names, *cells = rows
        frame = pl.DataFrame(cells, schema={str(name): pl.String for name in names}, orient="row")
        return table_source(
            frame,
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=path.parent,
            words=options.words,
            notes=(),
        )
