"""Texts without labels: what a model that reads texts is asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.any_texts import hold_texts, may_be_text
from netpick.data.sources.fasttext import FastTextReader
from netpick.data.sources.paths import readable
from netpick.data.sources.tagged import is_tagged
from netpick.data.sources.text_bytes import TextDecoder, Unreadable, read_bytes
from netpick.data.sources.text_folder import ENDING, mostly_texts
from netpick.errors import DataError
from netpick.types import Source, TableColumn

LINES = ("text_lines", FastTextReader.name)  # layouts of a text a line


def unlabelled(
    data: object, column: str, layout: str, encoding: str | None, *, sentences: bool = False
) -> Source | None:
    """Texts without labels, of a model that reads nothing else; None for tables, for lines with labels in front, and for words with tags.

    layout: of what the model learned from. sentences: each line is one.
    """
    if isinstance(data, str | Path):
        with suppress(OSError, ValueError):  # a text, and no name of a file
            if layout == FastTextReader.name and FastTextReader().recognises(Path(data)):
                return None
            if sentences and is_tagged(Path(data)):
                return None
    return loose_texts(data, column=column, by_line=sentences or layout in LINES, encoding=encoding)


def loose_texts(data: object, *, column: str, by_line: bool, encoding: str | None = None) -> Source | None:
    """Texts that are rows without labels: one text or a list of them, .txt files, or a folder of these; None for anything else.

    by_line: each line of a file is a text. Raises DataError for a file that is no text.
    """
    items = [data] if isinstance(data, str | Path) else data
    if not isinstance(items, list | tuple) or not items or not all(isinstance(item, str | Path) for item in items):
        return None
    if len(items) == 1 and _exists(items[0]) and Path(items[0]).is_dir() and mostly_texts(Path(items[0])):
        items = sorted(path for path in Path(items[0]).rglob("*") if path.name.lower().endswith(ENDING))
    elif len(items) == 1 and _exists(items[0]) and Path(items[0]).is_dir() and hold_texts(Path(items[0])):
        items = sorted(path for path in Path(items[0]).rglob("*") if path.is_file() and may_be_text(path.name))
        return _of_files([(str(item), _whole_text(Path(item), encoding).strip()) for item in items], column, items)
    rows: list[tuple[str, str]] = []
    if all(_is_text_file(item) for item in items):
        for item in items:
            text = _whole_text(Path(item), encoding)
            lines = [line.strip() for line in text.split("\n")] if by_line else [text.strip()]
            rows += [
                (readable(f"{item}: line {n}" if by_line else str(item)), line)
                for n, line in enumerate(lines, 1)
                if line or not by_line
            ]
    elif not any(_is_path(item) for item in items):
        rows = [(f"text {number}", str(item)) for number, item in enumerate(items, start=1)]
    return _of_files(rows, column, items) if rows else None


def _of_files(rows: Sequence[tuple[str, str]], column: str, items: Sequence[Any]) -> Source:
    """Texts by name."""
    cells = pl.Series(column, [whole_letters(text) for _, text in rows], dtype=pl.String)
    return Source(
        name="texts",
        origin=str(items[0]) if len(items) == 1 else f"{len(items):,} texts",
        layout="texts",
        columns={column: TableColumn(name=column, values=cells)},
        num_rows=len(rows),
        fingerprint=fingerprint.of_frame(pl.DataFrame([cells])),
        row_names=[readable(name) for name, _ in rows],
    )


def whole_letters(cell: Any) -> Any:
    """Text without halves of letters, which a terminal may give and nothing can hold; other cells as they are."""
    return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) and not cell.isascii() else cell


def _is_text_file(item: str | Path) -> bool:
    return str(item).lower().endswith(ENDING) and _exists(item)


def _is_path(item: str | Path) -> bool:
    """Whether it is, or looks like, the name of a file rather than a text."""
    ending = re.search(r"\.[A-Za-z]\w{0,6}$", str(item)) is not None and " " not in str(item).strip()
    return isinstance(item, Path) or ending or _exists(item)


def _exists(item: str | Path) -> bool:
    try:
        return str(item) != "" and Path(item).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return False


def _whole_text(path: Path, encoding: str | None) -> str:
    data = read_bytes(path)
    text = data if isinstance(data, Unreadable) else TextDecoder(encoding).text(data, path)
    if isinstance(text, Unreadable):
        raise DataError(f"{path} cannot be read: {text.reason}. A file of plain text was expected. Pass another file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
