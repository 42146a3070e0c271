"""Texts with their labels in front, as fastText reads them: __label__spam Win a prize now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.paths import short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.data.sources.table import table_source
from netpick.errors import DataError
from netpick.types import Note, Source

PREFIX = "__label__"
LINE = re.compile(r"\s*((?:__label__\S+\s+)*__label__\S+)(?:\s+(.*))?")
LABEL_MARKS = ("|", ";", "#")


class FastTextReader(Reader):
    """A row a line: its labels, each with __label__ in front, then its text."""

    name: ClassVar[str] = "fasttext"
    description: ClassVar[str] = "lines that begin with __label__ (fastText)"

    def recognises(self, path: Path) -> bool:
        if not path.is_file():
            return False
        lines = [line for line in first_lines(path) if line.strip()]
        return bool(lines) and all(line.lstrip().startswith(PREFIX) for line in lines[:20])

    def read(self, path: Path, options: ReadOptions) -> Source:
        text = whole_text(path, options.encoding)
        labels: list[list[str]] = []
        texts: list[str] = []
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            match = LINE.fullmatch(line)
            if match is None:
                raise DataError(
                    f"{path}, line {number}: found {line[:40]!r}, but every line has to begin with {PREFIX}NAME. Correct the line."
                )
            labels.append([label.removeprefix(PREFIX) for label in match[1].split()])
            texts.append(match[2] or "")
        if not labels:
            raise DataError(
                f"{path} holds no line, but texts with __label__NAME in front were expected. Check how it was written."
            )
        several = max(map(len, labels)) > 1
        mark = next((m for m in LABEL_MARKS if not any(m in label for row in labels for label in row)), LABEL_MARKS[0])
        frame = pl.DataFrame(
            {"text": texts, "label": [mark.join(row) for row in labels]}, schema={"text": pl.String, "label": pl.String}
        )
        words = f"Labels stand in front of each text, behind {PREFIX}{'; a text may have several' if several else ''}."
        source = table_source(
            frame,
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=None,
            notes=[Note(subject="labels", text=words)],
        )
        return source
