"""ARFF, the format of Weka and OpenML: attributes with their types, then rows, dense or sparse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.numbered import is_numbered, series_source
from netpick.data.sources.paths import bare, short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.data.sources.relational import is_relational, read_relational
from netpick.data.sources.table import MOST_COLUMNS, table_source, unique_names
from netpick.errors import DataError
from netpick.types import Note, Source

NUMBERS = ("numeric", "real", "integer")
TEXTS = ("string", "date")
ATTRIBUTE = re.compile(r"(?i)@attribute\s+(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\S+)\s*(.*)")
ITEM = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^,]*?)\s*(?:,|$)")
ESCAPED = re.compile(r"\\(.)")
MISSING = "?"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A column: `values` are the ones that a nominal attribute lists."""

    name: str
    kind: str  # "number", "text", "nominal"
    values: tuple[str, ...] = ()


class ArffReader(Reader):
    """@attribute lines, @data, and rows."""

    name: ClassVar[str] = "arff"
    description: ClassVar[str] = "ARFF (Weka, OpenML)"
    endings = (".arff",)
    cells = "mixed"

    def recognises(self, path: Path) -> bool:
        if not path.is_file():
            return False
        if bare(path.name.lower()).endswith(self.endings):
            return True
        lines = [
            line.strip().lower() for line in first_lines(path) if line.strip() and not line.lstrip().startswith("%")
        ]
        return bool(lines) and lines[0].startswith("@relation")

    def read(self, path: Path, options: ReadOptions) -> Source:
        lines = whole_text(path, options.encoding).split("\n")
        if is_relational(lines):
            return read_relational(lines, path)
        attributes, first = _read_header(lines, path)
        rows = list(_rows(lines, first, attributes, path))
        if not rows:
            raise DataError(f"{path} has no rows behind @data, and rows were expected. Check that the file is whole.")
        columns = [
            _column(attribute, [row[place] for _, row in rows], path, rows)
            for place, attribute in enumerate(attributes)
        ]
        frame = pl.DataFrame(columns)
        listed = [a.name for a in attributes if a.kind == "nominal"]
        said = f"ARFF: {len(attributes)} attributes, {len(listed)} of them nominal."
        if is_numbered([a.name for a in attributes[:-1]], frame) and attributes[-1].kind == "nominal":
            return series_source(frame, path, layout=self.name, notes=[Note(subject="attributes", text=said)])
        source = table_source(
            frame,
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=path.parent,
            notes=[Note(subject="attributes", text=said)],
            words=options.words,
        )
        return source


def _read_header(lines: Sequence[str], path: Path) -> tuple[list[Attribute], int]:
    attributes: list[Attribute] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        lowered = text.lower()
        if not text or text.startswith("%") or lowered.startswith("@relation"):
            continue
        if lowered.startswith("@data"):
            if not attributes:
                raise DataError(f"{path} has no @attribute line before @data, but one a column was expected. Add them.")
            names, _ = unique_names([a.name for a in attributes])
            return [
                Attribute(name=n, kind=a.kind, values=a.values) for n, a in zip(names, attributes, strict=True)
            ], number
        match = ATTRIBUTE.fullmatch(text)
        if match is None:
            raise DataError(
                f"{path}, line {number}: found {text[:40]!r} before @data, but @attribute NAME TYPE was expected. Correct the line."
            )
        attributes.append(_attribute(_unquoted(match[1]), match[2].strip(), path, number))
        if len(attributes) > MOST_COLUMNS:
            raise DataError(
                f"{path} has more than {MOST_COLUMNS:,} attributes, and at most so many are read. Keep those that matter."
            )
    raise DataError(f"{path} has no @data line, and rows were expected behind one. Check that the file is whole.")


def _attribute(name: str, said: str, path: Path, line: int) -> Attribute:
    if said.startswith("{") and said.endswith("}"):
        return Attribute(name=name, kind="nominal", values=tuple(_items(said[1:-1])))
    word = said.split()[0].lower() if said else ""
    if word in NUMBERS:
        return Attribute(name=name, kind="number")
    if word in TEXTS:
        return Attribute(name=name, kind="text")
    if word == "relational":
        raise DataError(
            f"{path}, line {line}: attribute {name!r} is relational (a table in each cell), which is not read. Write the series as a "
            ".ts file, or one column a value."
        )
    raise DataError(
        f"{path}, line {line}: attribute {name!r} has the type {said[:40]!r}, but numeric, string, date or {{a, b, c}} were expected. "
        "Correct the line."
    )


def _rows(
    lines: Sequence[str], first: int, attributes: Sequence[Attribute], path: Path
) -> Iterator[tuple[int, list[str | None]]]:
    width = len(attributes)
    for number, line in enumerate(lines[first:], start=first + 1):
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        if text.startswith("{") and text.endswith("}"):
            yield number, _sparse(text[1:-1], attributes, path, number)
            continue
        plain = "'" not in text and '"' not in text
        cells = [cell.strip() for cell in text.split(",")] if plain else _items(text)
        if len(cells) == width + 1 and re.fullmatch(r"\{.*\}", cells[-1]):
            cells = cells[:-1]  # the weight of the row
        if len(cells) != width:
            raise DataError(
                f"{path}, line {number}: found {len(cells)} cells, but the header has {width} attributes. Correct the line."
            )
        yield number, [None if cell == MISSING else cell for cell in cells]


def _sparse(text: str, attributes: Sequence[Attribute], path: Path, line: int) -> list[str | None]:
    """A row of which only cells that are not zero, or not the first value, are written."""
    row: list[str | None] = ["0" if a.kind == "number" else a.values[0] if a.values else "" for a in attributes]
    for item in _items(text, keep_quotes=True):
        place, _, value = item.partition(" ")
        if not item:
            continue
        if not place.isdigit() or int(place) >= len(attributes):
            raise DataError(
                f"{path}, line {line}: found {item[:40]!r}, but the number of an attribute below {len(attributes)} and its value were "
                "expected. Correct the line."
            )
        value = _unquoted(value.strip())
        row[int(place)] = None if value == MISSING else value
    return row


def _items(text: str, *, keep_quotes: bool = False) -> list[str]:
    """Cells divided by commas, of which some are quoted."""
    found, place = [], 0
    while place <= len(text):
        match = ITEM.match(text, place)
        if match is None:
            cut = text.find(",", place)
            cut = len(text) if cut < 0 else cut
            found.append(text[place:cut].strip())
            place = cut + 1
            continue
        found.append(match[1] if keep_quotes else _unquoted(match[1]))
        if match.end() >= len(text) and not text.endswith(","):
            break
        place = match.end()
        if place >= len(text):
            found.append("")
            break
    return found


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return ESCAPED.sub(r"\1", text[1:-1])
    return text


def _column(attribute: Attribute, cells: list[str | None], path: Path, rows: Sequence[tuple[int, object]]) -> pl.Series:
    texts = pl.Series(attribute.name, cells, dtype=pl.String)
    if attribute.kind == "text":
        return texts
    if attribute.kind == "nominal":
        odd = texts.is_not_null() & ~texts.is_in(list(attribute.values))
        if odd.any():
            row = int(odd.arg_max() or 0)
            raise DataError(
                f"{path}, line {rows[row][0]}: attribute {attribute.name!r} is {cells[row]!r}, but its header lists "
                f"{', '.join(attribute.values[:12])}. Correct the row or the header."
            )
        return texts
    numbers = texts.cast(pl.Float64, strict=False)
    odd = texts.is_not_null() & numbers.is_null()
    if odd.any():
        row = int(odd.arg_max() or 0)
        raise DataError(
            f"{path}, line {rows[row][0]}: attribute {attribute.name!r} is {cells[row]!r}, but its header says that it is a number. "
            "Correct the row or the header."
        )
    values = numbers.drop_nulls().to_numpy()
    whole = len(values) > 0 and bool((values == np.round(values)).all()) and float(np.abs(values).max()) < 2.0**53
    return numbers.cast(pl.Int64) if whole else numbers
