"""JSON lines: one object a line, plain or gzip."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import ClassVar

import polars as pl
from polars.exceptions import PolarsError

from netpick.errors import DataError
from netpick.sources import fingerprint
from netpick.sources.base import Reader, ReadOptions
from netpick.sources.blocks import read_some
from netpick.sources.encodings import describe_binary, detect_encoding, open_plain
from netpick.sources.paths import short_name
from netpick.sources.table import null_missing, table_source, unique_names
from netpick.types import Note, Source

SUFFIXES = (".jsonl", ".ndjson")
MOST_BYTES = 8 << 30
LOOKED_AT = 64 * 1024
SHOWN = 40  # characters of a line in a message


class JsonLinesReader(Reader):
    """{"text": "...", "label": "..."} on each line; the names are the columns."""

    name: ClassVar[str] = "json_lines"
    description: ClassVar[str] = "JSON lines (.jsonl, .ndjson), plain or gzip"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().removesuffix(".gz").endswith(SUFFIXES)

    def read(self, path: Path, options: ReadOptions) -> Source:
        data, note = _utf8(path, options)
        frame = _frame(data, path)
        names, remarks = unique_names(frame.columns)
        frame.columns = names
        return table_source(
            null_missing(_trimmed(frame), options.missing),
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=path.parent,
            notes=(note, *remarks),
        )


def _utf8(path: Path, options: ReadOptions) -> tuple[bytes, Note]:
    """The file's bytes in UTF-8 without a mark, and what its encoding was."""
    with open_plain(path) as file:
        data = read_some(file, MOST_BYTES + 1, path)
    if len(data) > MOST_BYTES:
        raise DataError(
            f"{path} holds more than {MOST_BYTES >> 30} GB of JSON, but it has to fit into memory as it is. Convert it to Parquet."
        )
    what = describe_binary(data[:LOOKED_AT])
    if what and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(
            f"{path} looks like {what}, but lines of JSON were expected. Give the file its right ending, or write it again."
        )
    encoding, note = detect_encoding(data, whole=True, given=options.encoding, path=path)
    if encoding == "utf-8":
        return data, note
    try:
        return data.decode(encoding).encode(), note
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start:,} (0x{data[error.start]:02x}) is not {encoding} text, which was expected. "
            "Leave --encoding out to have it detected, or write the file as UTF-8."
        ) from None


def _frame(data: bytes, path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_ndjson(data, infer_schema_length=None)
    except (PolarsError, ValueError) as error:
        raise _culprit(data, path, error) from None
    if frame.width == 0 or frame.height == 0:
        raise _culprit(data, path, ValueError("there is no object in it"))
    return frame


def _trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts without blanks around them; empty ones are missing, as in other tables."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    trimmed = frame.with_columns(pl.col(name).str.strip_chars() for name in texts)
    return trimmed.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in texts)


def _culprit(data: bytes, path: Path, error: Exception) -> DataError:
    """Names the first line that is no JSON object."""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as reason:
            what = str(reason) if isinstance(reason, ValueError) else "it is nested too deeply"
            return _bad_line(path, number, line, f"is no JSON ({what})")
        if not isinstance(found, dict):
            return _bad_line(path, number, line, f"is a JSON {type(found).__name__}, not an object")
    first = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
    return DataError(
        f'{path} cannot be read as JSON lines ({first}); one object a line, such as {{"text": "...", "label": "..."}}, was '
        "expected. Write it again."
    )


def _bad_line(path: Path, number: int, line: str, what: str) -> DataError:
    shown = line.strip()[:SHOWN] + ("..." if len(line.strip()) > SHOWN else "")
    return DataError(
        f'{path}, line {number}: {shown!r} {what}, but one object a line, such as {{"text": "...", "label": "..."}}, was '
        "expected. Correct the line."
    )
