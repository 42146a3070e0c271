"""The rows of a request: what a JSON body holds, as values that the ports expect, and as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from netpick.data.formats import Neighbours
from netpick.errors import near_matches
from netpick.saved.new_rows import meaning_of, read_cells
from netpick.serve.faults import refuse, require_few, shown
from netpick.serve.json_pieces import TooManyRowsError, parsed
from netpick.serve.options import Limits
from netpick.serve.ports.base import Cells, Port
from netpick.serve.ports.table import BooleanPort, CategoryPort, DatetimePort
from netpick.types import CellFormat, Source

ROWS = ("rows", "instances", "dataframe_records")  # keys of a list of rows: ours, TensorFlow's and KServe's, MLflow's
SPLIT = "dataframe_split"  # MLflow's other way: columns and cells


@dataclass(frozen=True, kw_only=True)
class RowSet:
    """The checked rows of one request."""

    count: int
    cells: Mapping[str, Cells]  # by column
    remarks: Mapping[int, Sequence[str]] = field(default_factory=dict)  # by row: what was noticed while reading


def json_rows(body: bytes, limits: Limits, columns: Sequence[str]) -> list[Any]:
    """The rows of {"rows": [...]}, of a list of objects, of one object, or as other servers take them. Raises Fault.

    columns: that the model reads; an object that has one of them is a row.
    """
    if not body:
        refuse("invalid_json", 'The body is empty, but JSON was expected: {"rows": [{…}, …]}.')
    require_few(body, limits)
    try:
        content = parsed(body, limits.rows)
    except TooManyRowsError:
        refuse("too_long", f"More than {limits.rows:,} rows were sent at once. Send several requests, or a CSV.")
    except ValueError as error:
        hint = (
            " JSON knows no NaN or Infinity; send null for a value that is not known."
            if b"NaN" in body or b"Infinity" in body
            else ""
        )
        refuse("invalid_json", f"The body is no JSON ({str(error)[:120]}).{hint}")
    name, rows = _rows_in(content, columns)
    if name is None:
        what = f"an object with the keys {shown(list(content)[:5])}" if isinstance(content, dict) else "no object"
        refuse("invalid_value", f'The body is {what}, but {{"rows": [{{…}}, …]}} was expected.', field="rows")
    if not isinstance(rows, list) or not rows:
        refuse(
            "invalid_value",
            f"'{name}' is {shown(rows)}, but a list with at least one object was expected.",
            field=name,
        )
    if len(rows) > limits.rows:
        refuse(
            "too_long",
            f"{len(rows):,} rows are more than the {limits.rows:,} of one request. Send several, or a CSV.",
            field=name,
        )
    return rows


def _rows_in(content: Any, columns: Sequence[str]) -> tuple[str | None, Any]:
    """What the rows are called in a body, and the rows; None where it has none."""
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return "rows", content
    if not isinstance(content, dict):
        return None, None
    rows_key = next((key for key in ROWS if key in content and key not in columns), None)
    if rows_key is not None:
        return rows_key, content[rows_key]
    split = content.get(SPLIT)
    if isinstance(split, dict):
        return SPLIT, _of_split(split)
    if any(name in content for name in columns):
        return "rows", [content]
    return None, None


def _of_split(split: dict[str, Any]) -> list[dict[str, Any]]:
    names, data = split.get("columns"), split.get("data")
    if not isinstance(names, list) or not isinstance(data, list) or not all(isinstance(name, str) for name in names):
        refuse(
            "invalid_value",
            f'\'{SPLIT}\' is {shown(split)}, but {{"columns": […], "data": [[…], …]}} was expected.',
            field=SPLIT,
        )
    for number, cells in enumerate(data):
        if not isinstance(cells, list) or len(cells) != len(names):
            refuse(
                "invalid_value",
                f"Row {number} of '{SPLIT}' is {shown(cells)}, but a list of {len(names)} cells was expected.",
                row=number,
                field=SPLIT,
            )
    return [dict(zip(names, cells, strict=True)) for cells in data]


def as_written(given: Sequence[Any], port: Port, kept: CellFormat | None) -> Sequence[Any]:
    """Texts that are written as in training, or otherwise but plainly, as the values that the port expects.

    kept: how the column was written in training.
    """
    if port.kind not in ("number", "datetime", "boolean", "category") or str not in set(map(type, given)):
        return given
    known = port.codes if isinstance(port, (BooleanPort, CategoryPort)) else {}
    if known and all(type(cell) is not str or cell in known for cell in given):
        return given
    if isinstance(port, DatetimePort) and all(type(cell) is not str or port.knows(cell) for cell in given):
        return given
    texts = pl.Series(port.name, [cell if type(cell) is str else None for cell in given], dtype=pl.String)
    read = read_cells(texts, meaning_of(port.encoder), kept, Neighbours(decimal="."))
    values = read.values.to_list()
    worded = port.worded if isinstance(port, DatetimePort) else _as_read
    return [
        worded(values[row]) if type(cell) is str and values[row] is not None else cell for row, cell in enumerate(given)
    ]


def _as_read(value: Any) -> Any:
    return value


def refuse_row(rows: Sequence[Any], name: str, columns: Sequence[str]) -> None:
    """Raises Fault for the first row that does not have that field."""
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            refuse(
                "invalid_value",
                f"Row {number} is {shown(row)}, but an object was expected: {{{', '.join(repr(c) for c in columns[:3])}: …}}.",
                row=number,
            )
        if name not in row:
            refuse(
                "missing_field",
                f"Row {number} has no field '{name}', but the model reads it.{near_matches(name, map(str, row)) if row else ''} "
                "Add it; null stands for a value that is not known.",
                field=name,
                row=number,
            )


def source_of(rows: RowSet, ports: Sequence[Port]) -> Source:
    """Checked rows as a source, for what reads columns."""
    columns = {port.name: port.column(port.join([rows.cells[port.name]])) for port in ports}
    names = [f"row {row + 1}" for row in range(rows.count)]
    return Source(
        name="request",
        origin="request",
        layout="request",
        columns=columns,
        num_rows=rows.count,
        fingerprint="",
        row_names=names,
    )
