"""JSON: one object a line, one list of objects, or one object of columns; plain or packed."""

from __future__ import annotations

import codecs
import json
import math
import re
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import polars as pl
from polars.exceptions import PanicException, PolarsError

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.blocks import read_whole
from netpick.data.sources.encodings import describe_binary, detect_encoding
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import bare, short_name
from netpick.data.sources.table import MOST_COLUMNS, null_missing, table_source, unique_names
from netpick.errors import DataError
from netpick.types import Note, Source

WHOLE = (".json", ".geojson")  # a file that is one value, or lines all the same
OTHER_JOBS = (  # keys that sets of other jobs have, and what they are
    (
        {"images", "annotations"},
        "annotations of pictures without boxes or outlines (COCO). Captions and key points are not learned here",
    ),
    ({"paragraphs"}, "questions on texts (SQuAD). Answering questions is not done here"),
)
HEAD = 1 << 16  # bytes of a file of another name
MOST_WHOLE = 2 << 30  # bytes of one value
MOST_BYTES = 8 << 30
AT_ONCE = 16 * 1024 * 1024  # bytes
LOOKED_AT = 64 * 1024
MOST_LOOKED_AT = 4  # pieces of a large file whose keys are counted
MOST_CELLS = 20_000_000
MOST_SLOWLY = 256 * 1024 * 1024  # bytes that Python itself reads where polars cannot
MOST_DIGITS = 300
KEY = re.compile(rb'"((?:[^"\\]|\\.){0,200}+)"\s*+:')
NOT_JSON = re.compile(rb"[:\[,]\s*(?:NaN|-?Infinity)\s*[,\]}]")
SHOWN = 40  # characters of a line in a message


class JsonLinesReader(Reader):
    """{"text": "...", "label": "..."} on each line, or a list of such objects; the names are the columns."""

    name: ClassVar[str] = "json_lines"
    description: ClassVar[str] = "JSON lines (.jsonl, .ndjson) or lists of objects (.json)"
    endings = (".jsonl", ".ndjson", *WHOLE)
    cells = "mixed"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and (bare(path.name.lower()).endswith(self.endings) or _holds_lines(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        data, note = _utf8(path, options)
        remarks: list[Note] = []
        if bare(path.name.lower()).endswith(WHOLE) and not _is_lines(data):
            data, remarks = _as_lines(data, path)
        frame = _frame(data, path, remarks)
        names, repeated = unique_names(frame.columns)
        remarks += repeated
        frame.columns = names
        return table_source(
            null_missing(_trimmed(frame), options.missing),
            origin=str(path),
            name=short_name(path),
            layout=self.name,
            fingerprint=fingerprint.of_file(path),
            folder=path.parent,
            words=options.words,
            notes=(note, *remarks),
        )


def _holds_lines(path: Path) -> bool:
    """Whether the first two lines of a file of any name are objects."""
    first = first_bytes(path, HEAD).lstrip(b"\xef\xbb\xbf \r\n").split(b"\n")[:2]
    try:
        return len(first) == 2 and all(line[:1] == b"{" and isinstance(json.loads(line), dict) for line in first)
    except (ValueError, RecursionError):
        return False


def _is_lines(data: bytes) -> bool:
    """Whether each line is an object by itself: the first one ends, and is no list."""
    start = data.lstrip()
    if not start.startswith((b"{", b"[")):
        return True  # the reading of lines says what is wrong
    if start.startswith(b"["):
        return False
    first = start.partition(b"\n")[0]
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return b"\n{" in start  # a line that is damaged, among others
    return b"\n" in start.strip() or not any(isinstance(value, (list, dict)) for value in found.values())


def _as_lines(data: bytes, path: Path) -> tuple[bytes, list[Note]]:
    """A file that is one list of objects, or one object of columns or with such a list in it, as lines."""
    if len(data) > MOST_WHOLE:
        raise DataError(
            f"{path} is one JSON value of {len(data) / 1e9:,.1f} GB, and at most {MOST_WHOLE >> 30} GB are read so. Write one object a "
            "line, or convert it to Parquet."
        )
    try:
        found = json.loads(data, parse_constant=_none_for)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path} is no JSON ({error}), but one object a line, or a list of objects, was expected. Correct the file, or write it again."
        ) from None
    rows, remarks = _rows(found, path)
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return lines.encode("utf-8", "replace"), remarks


def _rows(found: object, path: Path) -> tuple[list[dict[str, Any]], list[Note]]:
    """The rows of a JSON value that is a table in one of the ways in which tables are written as one."""
    _refuse_other_jobs(found, path)
    if isinstance(found, dict):
        if found.get("type") == "FeatureCollection" and isinstance(found.get("features"), list):  # a map
            properties = [feature.get("properties") for feature in found["features"] if isinstance(feature, dict)]
            rows = [row for row in properties if isinstance(row, dict)]
            return rows, [
                Note(subject="rows", text="The properties of the map's features are read; their shapes are left out.")
            ]
        lists = {
            key: value
            for key, value in found.items()
            if isinstance(value, list) and value and isinstance(value[0], dict)
        }
        if len(lists) == 1:
            ((key, rows),) = lists.items()
            return _rows(rows, path)[0], [Note(subject="rows", text=f"The rows are the list {key!r} of the file.")]
        if isinstance(found.get("columns"), list) and isinstance(found.get("data"), list):  # as pandas writes it: split
            names = [str(name) for name in found["columns"]]
            return [dict(zip(names, cells, strict=False)) for cells in found["data"] if isinstance(cells, list)], []
        columns = {name: _cells_of(value) for name, value in found.items()}
        lengths = {None if cells is None else len(cells) for cells in columns.values()}
        if columns and None not in lengths and len(lengths) == 1:
            filled = [cells for cells in columns.values() if cells is not None]
            return [dict(zip(columns, row, strict=True)) for row in zip(*filled, strict=True)], []
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        return found, []
    if isinstance(found, list) and len(found) > 1 and all(isinstance(row, list) for row in found):
        names = [str(name) for name in found[0]]
        if all(isinstance(name, str) for name in found[0]) and len(set(names)) == len(names):
            return [dict(zip(names, row, strict=False)) for row in found[1:]], []
    odd = next((row for row in found if not isinstance(row, dict)), found) if isinstance(found, list) else found
    raise DataError(
        f'{path} is one JSON value, but no table ({str(odd)[:SHOWN]}...): a list of objects, such as [{{"text": "...", "label": "..."}}], '
        "was expected. Write it so."
    )


def _refuse_other_jobs(found: object, path: Path) -> None:
    """Raises DataError for sets of jobs that are not done here, named for what they are."""
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, dict) and isinstance(first.get("data"), list) and first["data"]:
        first = first["data"][0] if isinstance(first["data"][0], dict) and "paragraphs" in first["data"][0] else first
    for keys, what in OTHER_JOBS:
        if isinstance(first, dict) and keys <= first.keys():
            raise DataError(
                f"{path} holds {what}; classes, labels and numbers of whole rows, texts and pictures are. Write a table with a row "
                "per example."
            )


def _cells_of(value: object) -> list[Any] | None:
    """The cells of a column: a list, or values by row as pandas writes them."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else None


def _none_for(name: str) -> None:
    """NaN and Infinity, which Python writes and JSON does not know, are missing."""
    return None


def _utf8(path: Path, options: ReadOptions) -> tuple[bytes, Note]:
    """The file's bytes in UTF-8 without a mark, and what its encoding was."""
    data = read_whole(path, MOST_BYTES)
    what = describe_binary(data[:LOOKED_AT])
    if what and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(
            f"{path} looks like {what}, but lines of JSON were expected. Give the file its right ending, or write it again."
        )
    zero = data.find(b"\0")
    if zero >= LOOKED_AT and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(
            f"{path}: byte {zero:,} is zero, as in binary data, but lines of JSON were expected. Check how the file was written or "
            "copied."
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


def _frame(data: bytes, path: Path, remarks: list[Note]) -> pl.DataFrame:
    _refuse_many_keys(data, path)
    if NOT_JSON.search(data) and _culprit(data, path, constants=True) is None:
        data = "\n".join(json.dumps(row) for row in _objects(data)).encode()
        text = "NaN and Infinity, which Python writes and JSON does not know, are read as missing."
        remarks.append(Note(subject="values", text=text))
    try:
        frame = pl.read_ndjson(data, infer_schema_length=None)
    except (PolarsError, PanicException, ValueError, RuntimeError) as error:  # RuntimeError: of older polars
        culprit = _culprit(data, path, error)
        if culprit is not None:
            raise culprit from None
        frame = _read_slowly(data)
    if frame.width == 0 or frame.height == 0:
        raise _culprit(data, path) or DataError(
            f'{path} holds no object with a key; one a line, such as {{"text": "...", "label": "..."}}, was expected. Write it again.'
        )
    return frame


def _refuse_many_keys(data: bytes, path: Path) -> None:
    """Every key becomes a column of all lines: a key of its own on each line would need lines x lines cells."""
    keys: set[bytes] = set()
    lines = 0
    for start in range(0, len(data), max(AT_ONCE, len(data) // MOST_LOOKED_AT)):
        stop = min(len(data), start + AT_ONCE)
        keys.update(KEY.findall(data, start, stop))
        lines += data.count(b"\n", start, stop)
        if len(keys) > MOST_COLUMNS or len(keys) * lines > max(MOST_CELLS, 4 * stop):
            some = ", ".join(repr(key.decode("utf-8", "replace")[:SHOWN]) for key in sorted(keys)[:3])
            raise DataError(
                f"{path} has more than {len(keys):,} different keys ({some}, ...) in its lines, and each becomes a column, but at "
                f"most {MOST_COLUMNS:,} columns are read, and most lines must have them. Write such keys as values."
            )


def _read_slowly(data: bytes) -> pl.DataFrame:
    """Lines whose cells are of several types: numbers and words become text, lists and objects stay what they are."""
    rows = _objects(data)
    names = dict.fromkeys(name for row in rows for name in row)
    made = []
    for name in names:
        cells = [row.get(name) for row in rows]
        kinds = {type(cell) for cell in cells if cell is not None}
        if kinds & {list, dict}:
            made.append(
                pl.Series(name, [None if cell is None else [str(cell)] for cell in cells], dtype=pl.List(pl.String))
            )
        elif len(kinds) > 1 and not kinds <= {int, float}:
            texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells]
            made.append(pl.Series(name, texts, dtype=pl.String))
        else:
            made.append(
                pl.Series(
                    name, [float(c) if kinds == {int, float} and c is not None else c for c in cells], strict=False
                )
            )
    return pl.DataFrame(made)


def _objects(data: bytes) -> list[dict[str, Any]]:
    lines = data.decode("utf-8", "replace").split("\n")
    return [json.loads(line, parse_constant=_none_for) for line in lines if line.strip()]


def _trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts without blanks around them; empty ones are missing, as in other tables."""
    texts = [series.str.strip_chars() for series in frame.get_columns() if series.dtype == pl.String]
    return frame.with_columns(
        text.set(text == "", None) for text in texts
    )  # names such as "*" would be read as patterns


def _culprit(
    data: bytes, path: Path, error: BaseException | None = None, *, constants: bool = False
) -> DataError | None:
    """Names the first line that is no JSON object; None where all are, and Python can read them all the same."""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(
                line, parse_constant=_none_for if constants else _refuse_constant, parse_float=_finite, parse_int=_whole
            )
        except (ValueError, RecursionError) as reason:
            what = str(reason) if isinstance(reason, ValueError) else "it is nested too deeply"
            return _bad_line(path, number, line, f"is no JSON ({what})")
        if not isinstance(found, dict):
            return _bad_line(path, number, line, f"is a JSON {type(found).__name__}, not an object")
    if error is None or len(data) <= MOST_SLOWLY:
        return None
    first = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
    return DataError(
        f'{path} cannot be read as JSON lines ({first}); one object a line, such as {{"text": "...", "label": "..."}}, was '
        "expected. Write it again."
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"the number {text[:SHOWN]} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits is too large")
    return int(text)


def _bad_line(path: Path, number: int, line: str, what: str) -> DataError:
    shown = line.strip()[:SHOWN] + ("..." if len(line.strip()) > SHOWN else "")
    return DataError(
        f'{path}, line {number}: {shown!r} {what}, but one object a line, such as {{"text": "...", "label": "..."}}, was '
        "expected. Correct the line."
    )
