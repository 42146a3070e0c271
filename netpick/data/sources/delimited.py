"""CSV, TSV and other delimited text, plain or gzip; everything detected is said, and can be overridden."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import ClassVar

import polars as pl

from netpick.data.formats.tidy import AROUND
from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.blocks import EncodingTrouble, QuoteTrouble, parse_block, read_blocks, read_some
from netpick.data.sources.cells import ColumnBuilder
from netpick.data.sources.cutting import spoken_separator
from netpick.data.sources.dialect import (
    Dialect,
    detect_dialect,
    foot_lines,
    looks_tabular,
    without_quotes,
)
from netpick.data.sources.encodings import (
    UNPACKING_ERRORS,
    describe_binary,
    detect_encoding,
    guess_legacy,
    nearly_utf8,
    open_plain,
    text_encoding,
)
from netpick.data.sources.paths import bare, short_name
from netpick.data.sources.table import MOST_COLUMNS, table_source, unique_names
from netpick.errors import DataError
from netpick.types import Note, Source
from netpick.types.words import quoted

ALSO = (".data", ".test")  # endings of tables, where they are named
HEAD_BYTES = 1024 * 1024
DIALECT_CHARACTERS = 256 * 1024
TAIL_BYTES = 64 * 1024
LOOKED_AT = 64 * 1024  # bytes of a file of unknown name
LONGEST_HEADER = 2 * 1024 * 1024  # bytes
MENDED = "utf-8, mended"  # as an encoding: bytes that are no UTF-8 are read as cp1252
MENDED_WORDS = "The encoding is UTF-8, but for some bytes that are not; these are read as cp1252."
AT_ONCE = 4  # columns that a thread takes
NAMED = 3  # columns that a note names


class DelimitedReader(Reader):
    """One row per line, cells divided by one character."""

    name: ClassVar[str] = "csv"
    description: ClassVar[str] = "CSV / TSV, plain or packed (gzip, bzip2, xz)"
    endings = (".csv", ".tsv", ".tab", ".tra", ".tes")
    cells = "text"

    def recognises(self, path: Path) -> bool:
        if not path.is_file():
            return False
        if bare(path.name.lower()).endswith((*self.endings, *ALSO)):
            return True
        return _looks_delimited(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        dialect = _look(path, options)
        try:
            frame, remarks, missing = _read_frame(path, dialect, options)
        except EncodingTrouble as trouble:
            if options.encoding is not None or dialect.encoding.startswith(("utf-16", "utf-32")):
                raise  # a mark or zeros said so: no guess would be better
            if (
                not dialect.mended
                and dialect.encoding in ("utf-8", "utf-8-sig")
                and nearly_utf8(_bytes_around(path, trouble.offset))
            ):
                return self.read(path, replace(options, encoding=MENDED))
            encoding = guess_legacy(_bytes_around(path, trouble.offset))
            text = f"The encoding is {encoding} (guessed: byte {trouble.offset:,} is not {dialect.encoding})."
            note = Note(subject="encoding", text=text, override="--encoding")
            source = self.read(path, replace(options, encoding=encoding))
            return replace(source, notes=[note if n.subject == "encoding" else n for n in source.notes])
        except QuoteTrouble as trouble:
            if options.quote is not None or dialect.quote is None:
                raise
            dialect = _with_unique_names(without_quotes(dialect, _head_text(path, dialect.encoding), options))
            try:
                frame, remarks, missing = _read_frame(path, dialect, options)
            except DataError:
                raise trouble from None
        source = table_source(
            frame,
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=path.parent,
            words=options.words,
            notes=(*dialect.notes, *remarks),
        )
        return replace(source, missing_words=missing, separator=dialect.separator)


def _look(path: Path, options: ReadOptions) -> Dialect:
    with open_plain(path) as file:
        head = read_some(file, HEAD_BYTES, path)
    mended = options.encoding == MENDED or (options.encoding is None and nearly_utf8(head))
    if mended:
        encoding, note = "utf-8", Note(subject="encoding", text=MENDED_WORDS, override="--encoding")
    else:
        encoding, note = detect_encoding(head, whole=len(head) < HEAD_BYTES, given=options.encoding, path=path)
    text = _head_text(path, encoding)
    dialect = replace(detect_dialect(text, encoding, options), mended=mended)
    if not dialect.names:
        raise DataError(
            f"{path} holds only blank lines or cells, but rows were expected. Check how the file was written."
        )
    if len(dialect.names) > MOST_COLUMNS:
        raise DataError(
            f"{path} has {len(dialect.names):,} columns (cells separated by {spoken_separator(dialect.separator)}), and at most "
            f"{MOST_COLUMNS:,} are read. Pass --separator if the file is read wrongly, or keep the columns that matter."
        )
    dialect = _with_foot(path, replace(dialect, notes=(note, *dialect.notes)))
    return _with_unique_names(dialect)


def _with_foot(path: Path, dialect: Dialect) -> Dialect:
    """The dialect of a plain file that ends in totals or remarks knows how many lines they are."""
    if dialect.encoding.startswith(("utf-16", "utf-32")):
        return dialect
    with open_plain(path) as file:
        if not isinstance(file, BufferedReader):
            return dialect
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        whole = file.tell() == 0
        tail = file.read(TAIL_BYTES).decode(dialect.encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    text = tail.rstrip("\n") if whole else tail[tail.find("\n") + 1 :].rstrip("\n")
    lines = foot_lines(text, dialect)
    if not lines or len(lines) >= text.count("\n"):
        return dialect
    shown = ", ".join(repr(line.strip()[:60]) for line in lines if line.strip())
    note = Note(subject="foot", text=f"The last {len(lines)} lines are no rows and are left out: {shown}.")
    if len(lines) == 1:
        note = Note(subject="foot", text=f"The last line is no row and is left out: {shown}.")
    return replace(dialect, below=len(lines), notes=(*dialect.notes, note))


def _with_unique_names(dialect: Dialect) -> Dialect:
    names, remarks = unique_names(dialect.names)
    return replace(dialect, names=tuple(names), notes=(*dialect.notes, *remarks))


def _head_text(path: Path, encoding: str) -> str:
    """The start of the file, whole lines, newlines plain; bytes that do not decode are for the full reading to name."""
    for size in (HEAD_BYTES, LONGEST_HEADER):
        with open_plain(path) as file:
            head = read_some(file, size, path)
        text = head.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
        first = text.find("\n") + 1
        whole = len(head) < size
        if first or whole:
            break
    else:
        raise DataError(
            f"{path}: its first line is longer than {LONGEST_HEADER >> 20} MB, but a header or a row of at most {MOST_COLUMNS:,} "
            "cells was expected. Check how the file was written."
        )
    if len(text) > DIALECT_CHARACTERS and first:
        # Of wide tables at least two rows: the names, and what stands below them.
        second = text.find("\n", first) + 1
        text, whole = text[: max(DIALECT_CHARACTERS, second)], False
    return text if whole else text[: text.rfind("\n") + 1] or text


@dataclass(kw_only=True)
class _LeftOut:
    """Rows that are none, by block: found when all columns are read, left out whenever some of them are read again."""

    empty_too: bool  # a model answers for empty rows as well
    rows: dict[int, pl.Series] = field(default_factory=dict)
    headers: int = 0
    empty: int = 0

    def find(self, number: int, frame: pl.DataFrame, dialect: Dialect) -> None:
        again = _headers_again(frame, dialect.names) if dialect.header else None
        empty = _empty_rows(frame) if self.empty_too and frame.width > 1 else None
        if again is not None:
            self.headers += int(again.sum())
            self.rows[number] = again
        if empty is not None:
            self.empty += int(empty.sum())
            self.rows[number] = empty | again if again is not None else empty

    def notes(self) -> list[Note]:
        notes = []
        if self.headers:
            repeat, are = ("row repeats", "is") if self.headers == 1 else ("rows repeat", "are")
            text = f"{self.headers} {repeat} the header, as joined files do, and {are} left out."
            notes.append(Note(subject="header", text=text))
        if self.empty:
            hold, are = ("row holds", "is") if self.empty == 1 else ("rows hold", "are")
            notes.append(
                Note(subject="rows", text=f"{self.empty:,} {hold} nothing but empty cells and {are} left out.")
            )
        return notes


def _read_frame(
    path: Path, dialect: Dialect, options: ReadOptions
) -> tuple[pl.DataFrame, list[Note], dict[str, dict[str, int]]]:
    builders = [
        ColumnBuilder(
            missing=options.missing,
            not_missing=options.not_missing,
            as_text=name in options.as_text or name in dict(options.formats),
        )
        for name in dialect.names
    ]
    left_out = _LeftOut(empty_too=options.find_formats)
    _fill(path, dialect, dict(enumerate(builders)), left_out)
    text_after_all = [number for number, builder in enumerate(builders) if builder.reread]
    if text_after_all:
        for number in text_after_all:
            builders[number] = ColumnBuilder(missing=options.missing, not_missing=options.not_missing, as_text=True)
        _fill(path, dialect, {number: builders[number] for number in text_after_all}, left_out)
    frame = pl.DataFrame([builder.finish().alias(name) for builder, name in zip(builders, dialect.names, strict=True)])
    missing = {name: dict(b.tokens) for name, b in zip(dialect.names, builders, strict=True) if b.tokens}
    return frame, [*_cell_notes(builders, dialect.names), *left_out.notes()], missing


def _fill(path: Path, dialect: Dialect, builders: dict[int, ColumnBuilder], left_out: _LeftOut) -> None:
    """Reads the file into builders."""
    columns = None if len(builders) == len(dialect.names) else [*builders]
    rows = 0
    # Threads, because one polars cast runs on one core and lets go of Python's lock.
    with ThreadPoolExecutor(max_workers=min(len(builders), os.cpu_count() or 1)) as pool:
        for number_of_block, block in enumerate(read_blocks(path, dialect)):
            frame = parse_block(block, dialect, path, columns)
            if columns is None:
                left_out.find(number_of_block, frame, dialect)
            if number_of_block in left_out.rows:
                frame = frame.filter(~left_out.rows[number_of_block])
            rows += frame.height
            parts = [(builder, frame[str(number)]) for number, builder in builders.items()]
            list(pool.map(_add, (parts[start : start + AT_ONCE] for start in range(0, len(parts), AT_ONCE))))
    if rows == 0:
        raise DataError(
            f"{path} has a header ({', '.join(dialect.names[:6])}{', ...' if len(dialect.names) > 6 else ''}) but no rows, and "
            "rows were expected. Pass --no-header if the first row is data."
        )


def _empty_rows(frame: pl.DataFrame) -> pl.Series | None:
    """The rows of a block that hold nothing but blanks; None without any."""
    empty: pl.Series | None = None
    for column in frame.get_columns():
        blank = column.is_null() | (column.str.strip_chars() == "")
        empty = blank if empty is None else empty & blank
        if not empty.any():
            return None
    return empty


def _headers_again(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series | None:
    """The rows of a block that are its header once more, also behind a byte order mark; None without any."""
    likely = frame["0"].str.ends_with(names[0]).fill_null(False)
    if not names[0] or not likely.any():
        return None
    again = likely
    for number, name in enumerate(names):
        again &= (frame[str(number)].str.strip_chars(AROUND) == name).fill_null(False)
    return again if again.any() else None


def _add(parts: Sequence[tuple[ColumnBuilder, pl.Series]]) -> None:
    for builder, cells in parts:
        builder.add(cells)


def _cell_notes(builders: Sequence[ColumnBuilder], names: Sequence[str]) -> list[Note]:
    stripped = {name: b for b, name in zip(builders, names, strict=True) if b.blanks_removed}
    if not stripped:
        return []
    some = {name: b.blanks_removed for name, b in stripped.items() if b.blanks_removed < b.filled}
    text = f"Blanks around the cells of {quoted(list(stripped), NAMED)} were removed."
    return [Note(subject="blanks", text=text, cells=some)]


def _looks_delimited(path: Path) -> bool:
    """Whether a file of any other name is text in columns, from its first 64 kB."""
    try:
        with open_plain(path) as file:
            head = file.read(LOOKED_AT)
    except UNPACKING_ERRORS:
        return False
    encoding = text_encoding(head, None)
    if not head or (describe_binary(head) and not encoding.startswith(("utf-16", "utf-32"))):
        return False
    text = head.decode(encoding, "replace").replace("\r\n", "\n")
    return looks_tabular(text if len(head) < LOOKED_AT else text[: text.rfind("\n") + 1])


def _bytes_around(path: Path, offset: int) -> bytes:
    with open_plain(path) as file:
        file.seek(max(0, offset - HEAD_BYTES // 2))
        return read_some(file, HEAD_BYTES, path)
