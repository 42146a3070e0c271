"""A delimited file as blocks of whole rows in UTF-8, each parsed by polars into text cells: memory does not grow with it."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars.exceptions import PolarsError

from netpick.data.sources.cutting import csv_rows, spoken_separator
from netpick.data.sources.dialect import Dialect
from netpick.data.sources.encodings import UNPACKING_ERRORS, Packed, mended, open_plain
from netpick.data.sources.rewritten import written_plainly
from netpick.errors import DataError

BLOCK_BYTES = 24 * 1024 * 1024
PIECE = 16 * 1024 * 1024  # bytes read at a time of a file that is held whole
LONGEST_ROW = 32 * 1024 * 1024  # bytes without a row end: a quote was opened and never closed
PADDING = b"\0\x1a"  # what old systems fill the end of a file with
SMALL = 1024 * 1024  # bytes of a last block that may hold a part of the foot only
HIGHEST_RATIO = 200  # unpacked to packed
RATIO_COUNTS_FROM = 256 * 1024 * 1024  # bytes unpacked: below, a high ratio is harmless
LIKE_PACKED = (b"x^", b"x\x01")  # beginnings of text that polars takes for those of a compressed stream, and unpacks
SENTINEL = "\x01"  # put behind every row: when it lands before the END column, the row is too short
END = "end"


class QuoteTrouble(DataError):
    """Quotes do not pair up: the reader tries again without them, and passes this on when that fails too."""


class EncodingTrouble(DataError):
    """Bytes that the encoding cannot decode: the reader tries another one unless the user gave it."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole rows of a file as UTF-8 with plain newlines; `line` is the number of its first line, from 1."""

    data: bytes
    line: int


def read_blocks(path: Path, dialect: Dialect) -> Iterator[Block]:
    """Cuts the file behind row ends and leaves the header out. Raises EncodingTrouble, QuoteTrouble."""
    first = True
    for block in _without_foot(_cut(path, dialect), dialect.below):
        if first:
            block = _without_lines(block, dialect.above)
            for _ in range(dialect.header_rows if dialect.header else 0):
                block = _without_first_row(block, dialect.quote)
            first = False
        if block.data:
            yield block


def _without_lines(block: Block, count: int) -> Block:
    """The block without the lines above the header; blank lines before them were never counted."""
    if not count:
        return block
    place = len(block.data) - len(block.data.lstrip(b"\n"))
    for _ in range(count):
        place = block.data.find(b"\n", place) + 1
    return Block(data=block.data[place:], line=block.line + block.data.count(b"\n", 0, place))


def _without_foot(blocks: Iterator[Block], below: int) -> Iterator[Block]:
    """The blocks without the last lines of the file. One block is held back, in case the foot begins in it."""
    if not below:
        yield from blocks
        return
    held: Block | None = None
    for block in blocks:
        if held is not None and len(block.data) < SMALL:
            held = Block(data=held.data + block.data, line=held.line)
            continue
        if held is not None:
            yield held
        held = block
    if held is None:
        return
    end = len(held.data.rstrip(b"\n"))
    for _ in range(below):
        end = held.data.rfind(b"\n", 0, end)
        if end < 0:
            return
    yield Block(data=held.data[: end + 1], line=held.line)


def parse_block(block: Block, dialect: Dialect, path: Path, columns: Sequence[int] | None = None) -> pl.DataFrame:
    """The block's cells as text, columns named "0", "1", ...; blank lines are left out.

    Raises DataError naming the line of a row that is too short or too long. `columns` asks for some of them only, in a
    block that was parsed before.
    """
    width = len(dialect.names)
    schema: dict[str, type[pl.DataType]] = {str(number): pl.String for number in range(width)}
    wanted = range(width) if columns is None else columns
    data = _prepared(block.data, dialect)
    guarded = data.startswith(LIKE_PACKED)
    try:
        frame = pl.read_csv(
            b"-\n" + data if guarded else data,
            has_header=False,
            skip_rows=int(guarded),
            schema=schema | {END: pl.String},
            columns=[*wanted, width],
            separator=dialect.separator,
            quote_char=dialect.quote,
        )
    except PolarsError as error:
        frame = _parse_slowly(block, dialect, path, str(error))
        return frame if columns is None else frame.select(str(number) for number in columns)
    whole = (frame[END] == SENTINEL).fill_null(False)
    if not whole.all():
        if columns is None:
            broken = frame.filter(~whole)
            if not ((broken["0"].fill_null("") == "") & (broken["1"] == SENTINEL)).all():
                return _parse_slowly(block, dialect, path, "a row is too short")
        frame = frame.filter(whole)
    frame = frame.drop(END)
    if len(whole) < block.data.count(b"\n"):  # some rows have line ends inside quotes: they got sentinels too
        frame = frame.with_columns(pl.all().str.replace_all(f"{dialect.separator}{SENTINEL}\n", "\n", literal=True))
    return frame


def _cut(path: Path, dialect: Dialect) -> Iterator[Block]:
    encoding, quote = dialect.encoding, dialect.quote
    rewritten = [(old.encode(), new.encode()) for old, new in dialect.rewritten]
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if dialect.mended else "strict")
    rest, line, offset = b"", 1, 0
    with open_plain(path) as file:
        while True:
            raw = read_some(file, BLOCK_BYTES, path)
            try:
                if encoding == "utf-8" and raw.isascii() and not decoder.getstate()[0]:
                    data = rest + raw
                else:
                    text = decoder.decode(raw, final=not raw)
                    data = rest + (mended(text) if dialect.mended else text).encode()
            except UnicodeDecodeError as error:
                raise _encoding_trouble(path, error, line + rest.count(b"\n"), offset + len(raw)) from None
            except UnicodeError as error:  # what the decoders of UTF-16 and UTF-32 say of a missing mark
                raise DataError(
                    f"{path} cannot be read as {encoding} ({error}), but such text was expected. Leave --encoding out to have it "
                    "detected."
                ) from None
            data = data if raw else data.rstrip(PADDING)
            if b"\0" in data.rstrip(PADDING):
                raise _zero(path, data, line)
            offset += len(raw)
            if raw and data.endswith(b"\r"):
                cut = 0  # its newline may come with the next block
            else:
                data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
                for old, new in rewritten:
                    data = data.replace(old, new)
                cut = _last_row_end(data, quote) if raw else len(data)
            rest = data[cut:]
            if cut:
                yield Block(data=data[:cut], line=line)
                line += data.count(b"\n", 0, cut)
            if not raw:
                return
            if len(rest) > LONGEST_ROW:
                raise QuoteTrouble(
                    f"{path}, line {line}: a quote is opened but not closed in the next {LONGEST_ROW // 2**20} MB, and "
                    "quotes that pair up were expected. Pass --quote none if quote marks are part of the text."
                )


def read_some(file: BinaryIO | Packed, size: int, path: Path) -> bytes:
    """Reads from a plain or packed file. Raises DataError for a damaged packed file, and for one that explodes."""
    try:
        data = file.read(size)
    except UNPACKING_ERRORS as error:
        kinds: dict[type[object], str] = {gzip.GzipFile: "gzip", bz2.BZ2File: "bzip2", lzma.LZMAFile: "xz"}
        raise DataError(
            f"{path} cannot be decompressed to its end ({error}), and a whole {kinds.get(type(file), 'plain')} file was expected. "
            "Copy or download it again."
        ) from None
    if isinstance(file, Packed) and file.tell() > RATIO_COUNTS_FROM:
        packed = path.stat().st_size
        if file.tell() > HIGHEST_RATIO * packed:
            raise DataError(
                f"{path} unpacks from {packed:,} to more than {file.tell():,} bytes, but data shrink at most {HIGHEST_RATIO} times. "
                "Check where it comes from; unpack it yourself if it is what it should be."
            )
    return data


def read_whole(path: Path, most: int) -> bytes:
    """All of a plain or packed file, in pieces, so that nothing is reserved that is not there. Raises DataError above `most` bytes."""
    pieces, found = [], 0
    with open_plain(path) as file:
        while piece := read_some(file, PIECE, path):
            pieces.append(piece)
            found += len(piece)
            if found > most:
                raise DataError(
                    f"{path} holds more than {most >> 30} GB, but it has to fit into memory as it is. Split it, or convert it to Parquet."
                )
    return b"".join(pieces)


def _last_row_end(data: bytes, quote: str | None) -> int:
    """Where the last whole row ends: behind a newline with an even number of quotes before it. 0: nowhere."""
    end = data.rfind(b"\n")
    if quote is None or end < 0:
        return end + 1
    mark = quote.encode()
    inside = data.count(mark, 0, end) % 2
    while inside and end >= 0:
        previous = data.rfind(b"\n", 0, end)
        inside = (inside + data.count(mark, max(previous, 0), end)) % 2
        end = previous
    return end + 1


def _without_first_row(block: Block, quote: str | None) -> Block:
    start = re.match(rb"\s*", block.data)
    begin = start.end() if start else 0
    end = block.data.find(b"\n", begin)
    mark = quote.encode() if quote else None
    inside = block.data.count(mark, begin, end) % 2 if mark and end >= 0 else 0
    while mark and inside and end >= 0:
        following = block.data.find(b"\n", end + 1)
        inside = (inside + block.data.count(mark, end, following if following >= 0 else len(block.data))) % 2
        end = following
    cut = end + 1 if end >= 0 else len(block.data)
    return Block(data=block.data[cut:], line=block.line + block.data.count(b"\n", 0, cut))


def _prepared(data: bytes, dialect: Dialect) -> bytes:
    separator = dialect.separator.encode()
    if dialect.drawn:
        data = written_plainly(data.decode(), (), dialect.drawn).encode()
    if not data.endswith(b"\n"):
        data += b"\n"
    if separator == b" ":
        data = re.sub(rb"(?m)^ +| +$", b"", re.sub(rb" {2,}", b" ", data))
    if dialect.blank_before_quote and dialect.quote:
        mark = dialect.quote.encode()
        data = data.replace(separator + b" " + mark, separator + mark)
    return data.replace(b"\n", separator + SENTINEL.encode() + b"\n")


def _parse_slowly(block: Block, dialect: Dialect, path: Path, complaint: str) -> pl.DataFrame:
    """The csv module's reading of a block that polars cannot read: it bears a lone quote within a cell (a 5" pipe).

    Raises DataError naming the line of a row of the wrong length, or where quotes do not pair up.
    """
    width = len(dialect.names)
    text = _prepared(block.data, dialect).decode().replace(f"{dialect.separator}{SENTINEL}\n", "\n")
    reader = csv_rows(text, dialect.separator, dialect.quote, strict=True)
    rows: list[list[str]] = []
    start = block.line
    try:
        for row in reader:
            if row and len(row) != width:
                several = reader.line_num + block.line - start > 1
                raise _ragged(path, start, len(row), dialect, several_lines=several)
            start = reader.line_num + block.line
            if row:
                rows.append(row)
    except csv.Error:
        complaint = "a quote is opened and not closed, or closed in the middle of a cell"
    else:
        if dialect.quote:
            return pl.DataFrame(rows, schema={str(number): pl.String for number in range(width)}, orient="row")
    raise QuoteTrouble(
        f"{path}, line {start}: {complaint}, and rows of {width} cells were expected. "
        "Correct the line, or pass --quote none if quote marks are part of the text."
    )


def _ragged(path: Path, line: int, found: int, dialect: Dialect, *, several_lines: bool) -> DataError:
    width = len(dialect.names)
    message = (
        f"{path}, line {line}: found {found} cell{'s' if found != 1 else ''} where the "
        f"{'header has' if dialect.header else 'first row has'} {width}, separated by {spoken_separator(dialect.separator)}. "
        "Every row needs the same number. Correct the line, or pass --separator or --quote if the file is read wrongly."
    )
    return QuoteTrouble(message) if several_lines else DataError(message)


def _zero(path: Path, data: bytes, line: int) -> DataError:
    place = data.index(b"\0")
    line += data.count(b"\n", 0, place)
    return DataError(
        f"{path}, line {line}: found a zero byte, as binary data have, but a table of text was expected. Check how the file was "
        "written or copied, or remove the byte."
    )


def _encoding_trouble(path: Path, error: UnicodeDecodeError, line: int, end: int) -> EncodingTrouble:
    good = error.object[: error.start].decode(error.encoding, "ignore")
    byte = end - len(error.object) + error.start
    shown = " ".join(f"0x{value:02x}" for value in error.object[error.start : max(error.start + 1, error.end)][:4])
    return EncodingTrouble(
        f"{path}, line {line + good.count(chr(10))}: byte {byte:,} ({shown}) is not {error.encoding} text, which was expected. "
        "Leave --encoding out to have it detected, or pass --encoding latin-1.",
        offset=byte,
    )
