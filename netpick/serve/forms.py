"""Bodies that browsers send: parts of a form, files, CSVs. They become rows in a thread of their own, not in a batch's."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from netpick.columns.kinds.cells import as_numbers
from netpick.data.decoders import DECODERS
from netpick.errors import NetpickError, near_matches
from netpick.saved.predictions import without_formulas
from netpick.serve.faults import Fault, refuse, shown
from netpick.serve.options import Limits
from netpick.serve.ports.base import Cells, PaddedCells, joined_cells
from netpick.serve.rows import RowSet, json_rows
from netpick.serve.served import ServedModel
from netpick.serve.wanted import still_wanted
from netpick.types import Source, TableColumn

TABLES = (".csv", ".tsv")
TEXTS = (".txt", ".md")
SEPARATORS = (b",", b";", b"\t", b"|")
FIRST_LINES, LONGEST_HEADER = 300, 2 << 20  # of a CSV: lines, and their bytes, that show how many columns it has
QUOTED = re.compile(rb'"[^"]*"')
MOST_HEADER, MOST_HEADERS = 4_096, 16  # bytes of a part's header, and how many


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a form: a field, or a file where it has a file's name."""

    name: str
    filename: str | None
    content_type: str
    data: bytes

    @property
    def is_table(self) -> bool:
        named = (self.filename or "").lower().endswith(TABLES)
        return self.filename is not None and (named or self.content_type.startswith(("text/csv", "text/tab-separated")))


def read_form(body: bytes, content_type: str, limits: Limits) -> list[Part]:
    """The parts of a multipart body. Raises Fault."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:
        refuse(
            "invalid_form",
            "The form has no boundary in its Content-Type, but multipart/form-data; boundary=… was expected.",
        )
    reader = _Reader(limits)
    try:
        parser = MultipartParser(boundary, reader.callbacks(), max_size=limits.body)
        parser.write(body)
        parser.finalize()
    except (MultipartParseError, ValueError) as error:
        refuse("invalid_form", f"The form cannot be read ({str(error)[:120]}).")
    if not reader.ended:
        refuse("invalid_form", "The form ends in the middle of a part. Send it again, whole.")
    if not reader.parts:
        refuse("invalid_form", "The form has no parts, but a file, or a field a column, was expected.")
    return reader.parts


class _Reader:
    """Gathers what the parser finds."""

    def __init__(self, limits: Limits) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._limits = limits
        self._data = bytearray()
        self._headers: dict[str, bytes] = {}
        self._key, self._value = bytearray(), bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._finish,
            "on_header_field": lambda data, start, end: self._more(self._key, data[start:end]),
            "on_header_value": lambda data, start, end: self._more(self._value, data[start:end]),
            "on_header_end": self._header,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= self._limits.parts:
            refuse("too_large", f"The form has more than {self._limits.parts:,} parts. Send fewer at once.")
        self._data, self._headers = bytearray(), {}

    def _more(self, part: bytearray, data: bytes) -> None:
        part.extend(data)
        if len(part) > MOST_HEADER or len(self._headers) > MOST_HEADERS:
            refuse("invalid_form", f"A part of the form has headers of more than {MOST_HEADER:,} bytes.")

    def _header(self) -> None:
        self._headers[self._key.decode("latin-1").lower()] = bytes(self._value)
        self._key, self._value = bytearray(), bytearray()

    def _finish(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        name, filename = options.get(b"name"), options.get(b"filename")
        self.parts.append(
            Part(
                name=(name or b"").decode("utf-8", "replace"),
                filename=None if filename is None else filename.decode("utf-8", "replace"),
                content_type=self._headers.get("content-type", b"").decode("latin-1").lower(),
                data=bytes(self._data),
            )
        )

    def _end(self) -> None:
        self.ended = True


# --- parts as rows ---------------------------------------------------------------------------------------------------


def rows_of_parts(served: ServedModel, parts: Sequence[Part]) -> RowSet:
    """A row a file where files are rows; else one row whose fields are the parts. Raises Fault."""
    files = [part for part in parts if part.filename is not None]
    if served.reads_one_file:
        if not files:
            noun = DECODERS[served.encoders[0].kind].noun
            refuse(
                "missing_field", f"The form holds no file, but {noun} were expected.", field=served.encoders[0].column
            )
        return _a_row_a_file(served, files)
    cells: dict[str, Cells] = {}
    left = served.limits.request_pixels
    by_name = {part.name: part for part in parts}
    for port in served.ports:
        part = by_name.get(port.name)
        if part is None and len(served.ports) == 1 and len(parts) == 1:
            part = parts[0]
        if part is None:
            refuse(
                "missing_field",
                f"The form has no part '{port.name}', but the model reads it.{near_matches(port.name, by_name)}",
                field=port.name,
            )
        read = port.read_file(part.data, left)
        left -= read.unpacked if isinstance(read, PaddedCells) else 0
        cells[port.name] = port.read([_cell(part, port.kind)]) if read is None else read
    return served.rows_of_cells(cells, 1)


def _a_row_a_file(served: ServedModel, files: Sequence[Part]) -> RowSet:
    (encoder,) = served.encoders
    parts_read: list[Cells] = []
    remarks: dict[int, list[str]] = {}
    left = served.limits.request_pixels
    for row, part in enumerate(files):
        still_wanted()
        try:
            single = served.rows_of_file(part.data, left)
        except Fault as fault:
            name = shown(part.filename or part.name)
            raise Fault(code=fault.code, message=f"File {name}: {fault.message}", field=fault.field, row=row) from None
        one = single.cells[encoder.column]
        left -= one.unpacked if isinstance(one, PaddedCells) else 0
        parts_read.append(one)
        if single.remarks:
            remarks[row] = list(single.remarks[0])
    return RowSet(count=len(files), cells={encoder.column: joined_cells(parts_read)}, remarks=remarks)


def _cell(part: Part, kind: str) -> Any:
    """A form's text as the JSON cell that it stands for."""
    try:
        text = part.data.decode("utf-8")
    except UnicodeDecodeError:
        refuse("invalid_value", f"Part '{part.name}' is not UTF-8, but text was expected.", field=part.name)
    if kind == "text":
        return text
    if kind == "series":
        return numbers_in(text, part.name)
    if not text.strip():
        return None
    if kind == "number":
        number = as_numbers(pl.Series([text]))[0]
        return text if number is None else number
    return text


def numbers_in(text: str, name: str) -> list[Any]:
    """A curve as people write it: a line a step, its channels by commas or spaces, or one line of a single channel."""
    lines = [line for line in re.split(r"[\r\n]+", text.strip().strip("[]")) if line.strip()]
    cells = [[word for word in re.split(r"[,;\s]+", line.strip().strip("[],")) if word] for line in lines]
    flat = as_numbers(pl.Series([word for line in cells for word in line], dtype=pl.String))
    wrong = flat.is_null().arg_true()
    if len(wrong):
        words = [word for line in cells for word in line]
        refuse("invalid_value", f"Part '{name}' holds {shown(words[wrong[0]])}, but numbers were expected.", field=name)
    numbers = iter(flat.to_list())
    steps = [[next(numbers) for _ in line] for line in cells]
    if len(steps) == 1:
        return steps[0]
    return [step[0] for step in steps] if all(len(step) == 1 for step in steps) else steps


# --- tables ----------------------------------------------------------------------------------------------------------


@contextmanager
def file_of(data: bytes, name: str) -> Iterator[Path]:
    """The bytes as a file in a folder of its own, gone afterwards: also where no descriptor is free to look into the folder."""
    path = Path(tempfile.mkdtemp(prefix="netpick-")) / name
    try:
        path.write_bytes(data)
        yield path
    finally:
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def read_table(served: ServedModel, data: bytes, *, tabs: bool = False) -> Source:
    """A CSV as `netpick predict` reads it. Raises Fault."""
    media = [encoder.column for encoder in served.encoders if encoder.kind in DECODERS]
    if media:
        refuse(
            "unsupported_type",
            f"A table cannot hold '{media[0]}', which are files: paths in it would be paths of the server. Send the files.",
            field=media[0],
        )
    if not data or data.isspace():
        refuse("invalid_data", "The CSV is empty, but a line of column names and at least one row were expected.")
    _require_small(served, data)
    with file_of(data, "table.tsv" if tabs else "table.csv") as path:
        try:
            source = served.model.read(path)
        except NetpickError as error:
            raise Fault(code="invalid_data", message=str(error).replace(str(path), "The CSV")) from None
    missing = [name for name in served.columns if name not in source.columns]
    if missing:
        columns_shown = ", ".join(shown(name) for name in list(source.columns)[:12])
        refuse(
            "missing_field",
            f"The CSV has no column '{missing[0]}'{f' (nor {len(missing) - 1} others)' if len(missing) > 1 else ''}, but the "
            f"model reads it.{near_matches(missing[0], source.columns)} Its columns: {columns_shown}.",
            field=missing[0],
        )
    return source


def _require_small(served: ServedModel, data: bytes) -> None:
    """Counts lines, cells and columns before anything is made of them: each costs some forty times its bytes. Raises Fault."""
    limits = served.limits
    lines = max(data.count(b"\n"), data.count(b"\r"))
    most = min(limits.table_rows, limits.answer_values // (len(served.model.labels) + 2))
    if lines > most + 1:
        refuse(
            "too_long",
            f"The CSV has {lines:,} lines, and at most {most:,} rows are answered at once. Send several, or start the server with "
            "--max-rows.",
        )
    cells = max(data.count(mark) for mark in SEPARATORS)
    if cells > limits.items:
        refuse(
            "too_large", f"The CSV has some {cells:,} cells, and at most {limits.items:,} are read. Send less at once."
        )
    first = re.split(rb"[\r\n]+", data[:LONGEST_HEADER], maxsplit=FIRST_LINES)[:FIRST_LINES]
    columns = max(line.count(mark) for line in (QUOTED.sub(b"", line) for line in first) for mark in SEPARATORS)
    wanted = len(served.columns) + limits.unread_columns
    if columns > wanted:
        refuse(
            "too_large",
            f"The CSV has {columns:,} columns or more, and at most {wanted:,} are read: the {len(served.columns):,} of the model and "
            f"{limits.unread_columns:,} others. Send the columns that the model reads.",
        )


def table_with(source: Source, answers: pl.DataFrame) -> pl.DataFrame:
    """The rows of a CSV with the answers beside them."""
    own = [c.values.alias(name) for name, c in source.columns.items() if isinstance(c, TableColumn)]
    taken = {series.name for series in own}
    beside = []
    for series in answers.get_columns():
        if series.name == "name" and "name" not in answers.columns[1:]:
            continue  # names of rows, of layouts that are no CSV
        name = series.name
        while name in taken:
            name = f"{name}_by_model"
        beside.append(series.alias(name))
        taken.add(name)
    return pl.DataFrame([*own, *beside])


def csv_of(table: pl.DataFrame, *, safe: bool) -> bytes:
    """safe: no cell is a formula to a spreadsheet."""
    buffer = io.BytesIO()
    (without_formulas(table) if safe else table).write_csv(buffer)
    return buffer.getvalue()


def frame_of_rows(served: ServedModel, body: bytes) -> pl.DataFrame:
    """The history of a forecaster from JSON rows, a row a step. Raises Fault."""
    rows = json_rows(body, served.limits, served.columns)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            refuse("invalid_value", f"Row {number} is {shown(row)}, but an object was expected.", row=number)
        for name in served.columns:
            if name not in row:
                refuse(
                    "missing_field",
                    f"Row {number} has no field '{name}', but the model reads it.{near_matches(name, map(str, row)) if row else ''}",
                    field=name,
                    row=number,
                )
    return pl.DataFrame([_column(name, [row[name] for row in rows]) for name in served.columns])


def _column(name: str, cells: Sequence[Any]) -> pl.Series:
    for row, cell in enumerate(cells):
        if not (cell is None or isinstance(cell, (str, int, float))):
            refuse(
                "invalid_value",
                f"Field '{name}' (row {row}) holds {shown(cell)}, but one value was expected.",
                field=name,
                row=row,
            )
    try:
        if all(cell is None or isinstance(cell, (int, float)) for cell in cells):
            return pl.Series(name, cells, dtype=pl.Float64)
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        refuse("invalid_value", f"Field '{name}' holds numbers that are too large.", field=name)
