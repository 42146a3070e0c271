"""Pairs of sentences as Tatoeba gives them (fra.txt): English, a tab, the same in another language, a tab, and whom it is by."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.languages import is_language
from netpick.data.sources.paths import bare, readable, short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.errors import DataError
from netpick.types import Note, Source, TableColumn

ENGLISH = "eng"
LICENCE = "CC-BY"
LOOKED_AT = 50  # lines


class TatoebaReader(Reader):
    """A row a line, without a header."""

    name: ClassVar[str] = "tatoeba"
    description: ClassVar[str] = "Tatoeba's pairs (fra.txt)"

    def recognises(self, path: Path) -> bool:
        if not path.is_file() or not bare(path.name.lower()).endswith(".txt"):
            return False
        rows = [line.split("\t") for line in first_lines(path)[:LOOKED_AT] if line.strip()]
        if not rows:
            return False
        credited = all(len(row) == 3 and LICENCE in row[2] for row in rows)
        return credited or (is_language(short_name(path)) and all(len(row) == 2 and all(row) for row in rows))

    def read(self, path: Path, options: ReadOptions) -> Source:
        text = whole_text(path, options.encoding).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        rows: list[list[str]] = []
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            cells = line.split("\t")
            if len(cells) < 2:
                raise DataError(
                    f"{path}, line {number}: found {line[:40]!r}, but a sentence, a tab and the same in another language were expected. Correct "
                    "the line."
                )
            rows.append(cells[:2])
        if not rows:
            raise DataError(f"{path} holds no line, but pairs of sentences were expected. Check how it was written.")
        other = short_name(path)
        names = (ENGLISH, other if is_language(other) and other != ENGLISH else "other")
        frame = pl.DataFrame({name: pl.Series([row[side].strip() for row in rows]) for side, name in enumerate(names)})
        return Source(
            name=other,
            origin=readable(str(path)),
            layout=self.name,
            columns={name: TableColumn(name=name, values=frame[name]) for name in names},
            num_rows=frame.height,
            fingerprint=fingerprint.of_frame(frame),
            pairs=True,
            notes=[
                Note(
                    subject="files",
                    text="Each line is a pair of sentences, parted by a tab; whom they are by is not read.",
                )
            ],
        )
