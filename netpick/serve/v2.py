"""The Open Inference Protocol, version 2, over HTTP: tensors by column, as JSON or in its binary extension.

https://github.com/kserve/open-inference-protocol and Triton's binary tensor data extension. An error is {"error": "sentence"}
there, with our code and field beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from pydantic_core import from_json, to_json

from netpick.answers.base import objects
from netpick.columns.kinds.cells import as_text
from netpick.errors import near_matches
from netpick.serve.faults import refuse, require_few, shown
from netpick.serve.options import Limits
from netpick.serve.replies import Reply
from netpick.serve.rows import RowSet
from netpick.serve.served import MOST_WARNINGS, Answers, ServedModel
from netpick.types import Array

DTYPES: Mapping[str, str] = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
MOST_INPUTS = 10_000
MOST_DIMENSIONS = 6
LONGEST_NAME = 1_000  # characters
NUMBERS = {bool, int, float}  # types of values


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request wants back: which outputs, and which of them as bytes behind the JSON."""

    identifier: str | None
    outputs: Sequence[str]  # empty: the usual ones
    binary: frozenset[str] | bool  # names, or all / none


# --- what is there ---------------------------------------------------------------------------------------------------


def server_metadata(version: str) -> dict[str, Any]:
    return {"name": "netpick", "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(served: ServedModel) -> dict[str, Any]:
    """Inputs by column, outputs by what they say."""
    return {
        "name": served.name,
        "versions": ["1"],
        "platform": f"netpick_{served.model.engine.name}",
        "inputs": inputs_of(served),
        "outputs": outputs_of(served),
    }


def inputs_of(served: ServedModel) -> list[dict[str, Any]]:
    return served.tensors()


def outputs_of(served: ServedModel) -> list[dict[str, Any]]:
    specs = served.answer_kind.tensor_specs(served.model.labels, served.model.parts.task_state)
    outputs = [{"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)} for spec in specs]
    return [*outputs, {"name": "warnings", "datatype": "BYTES", "shape": [-1]}] if served.warns else outputs


# --- what is asked ---------------------------------------------------------------------------------------------------


def read_request(body: bytes, json_length: int | None, limits: Limits) -> tuple[dict[str, Array], Asked]:
    """The tensors by name, and what is wanted back. Raises Fault. json_length: of the binary extension's header."""
    head, rest = (body, b"") if json_length is None else (body[:json_length], body[json_length:])
    require_few(head, limits)
    try:
        content = from_json(head, allow_inf_nan=True, cache_strings="keys")  # tensors may hold NaN: it is their null
    except ValueError as error:
        refuse("invalid_json", f"The body is no JSON ({str(error)[:120]}).")
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, list) or not 0 < len(inputs) <= MOST_INPUTS:
        refuse(
            "invalid_value", "The body has no list 'inputs', but a tensor a column was expected there.", field="inputs"
        )
    tensors: dict[str, Array] = {}
    for tensor in inputs:
        name, datatype, shape = _head(tensor)
        count = 1
        for side in shape:
            count *= side
        parameters = tensor.get("parameters") or {}
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is not None:
            if type(size) is not int or not 0 <= size <= len(rest):
                refuse(
                    "invalid_value", f"Input '{name}' says {shown(size)} bytes, but {len(rest):,} follow.", field=name
                )
            flat, rest = _from_bytes(rest[:size], datatype, count, name), rest[size:]
        else:
            flat = _from_list(tensor.get("data"), datatype, count, name)
        if name in tensors:
            refuse("invalid_value", f"Input '{name}' is there twice.", field=name)
        tensors[name] = flat.reshape(shape)
    if rest:
        refuse("invalid_value", f"{len(rest):,} bytes follow that belong to no input.", field="inputs")
    return tensors, _asked(content)


def _head(tensor: Any) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        refuse(
            "invalid_value",
            f"An input is {shown(tensor)}, but name, datatype, shape and data were expected.",
            field="inputs",
        )
    name, datatype, shape = tensor["name"], tensor.get("datatype"), tensor.get("shape")
    if len(name) > LONGEST_NAME:
        refuse(
            "invalid_value",
            f"An input has a name of {len(name):,} characters, and {shown(name)} is none.",
            field="inputs",
        )
    if not isinstance(datatype, str) or (datatype != "BYTES" and datatype not in DTYPES):
        known = ", ".join(["BYTES", *DTYPES])
        refuse("invalid_value", f"Input '{name}' is of datatype {shown(datatype)}; known: {known}.", field=name)
    good = isinstance(shape, list) and 0 < len(shape) <= MOST_DIMENSIONS
    if not good or not all(type(side) is int and 0 <= side < 1 << 31 for side in shape):  # type: ignore[union-attr]
        refuse(
            "invalid_value",
            f"Input '{name}' has the shape {shown(shape)}, but a list of lengths was expected.",
            field=name,
        )
    return name, datatype, tuple(shape)  # type: ignore[arg-type]


def _from_bytes(data: bytes, datatype: str, count: int, name: str) -> Array:
    if datatype != "BYTES":
        wanted = count * np.dtype(DTYPES[datatype]).itemsize
        if len(data) != wanted:
            refuse(
                "invalid_value", f"Input '{name}' has {len(data):,} bytes, but its shape needs {wanted:,}.", field=name
            )
        return np.frombuffer(data, DTYPES[datatype])
    if count > len(data) // 4:
        refuse("invalid_value", f"Input '{name}' has {len(data):,} bytes, too few for {count:,} texts.", field=name)
    cells = np.empty(count, dtype=object)
    place = 0
    for i in range(count):
        length = int.from_bytes(data[place : place + 4], "little")
        place += 4 + length
        if place > len(data):
            refuse("invalid_value", f"Input '{name}' ends in the middle of text {i}.", field=name)
        cells[i] = data[place - length : place]
    if place != len(data):
        refuse("invalid_value", f"Input '{name}' has bytes behind its {count:,} texts.", field=name)
    return cells


def _from_list(data: Any, datatype: str, count: int, name: str) -> Array:
    if not isinstance(data, list):
        refuse("invalid_value", f"Input '{name}' has no list 'data'.", field=name)
    flat = _flattened(data, name)
    if datatype == "BYTES":
        if len(flat) == count and not all(isinstance(cell, str) for cell in flat):
            refuse(
                "invalid_value", f"Input '{name}' holds values that are no text, but its datatype is BYTES.", field=name
            )
        cells = np.empty(len(flat), dtype=object)
        cells[:] = flat
    else:
        cells = np.empty(0)
        if (
            set(map(type, flat)) <= NUMBERS
        ):  # texts among numbers would make numpy store every value as long as the longest
            try:
                wide = np.asarray(flat)
                cells = wide.astype(DTYPES[datatype]) if wide.dtype.kind in "biuf" else np.empty(0)
            except OverflowError:
                cells = np.empty(0)
            whole = len(cells) > 0 and wide.dtype.kind in "iuf" and datatype not in ("FP16", "FP32", "FP64")
            if whole and not (cells == wide).all():
                refuse("invalid_value", f"Input '{name}' holds values that do not fit into {datatype}.", field=name)
        if data and len(cells) == 0:
            refuse(
                "invalid_value",
                f"Input '{name}' holds values that are no numbers, but its datatype is {datatype}.",
                field=name,
            )
    if len(cells) != count:
        refuse(
            "invalid_value", f"Input '{name}' holds {len(cells):,} values, but its shape needs {count:,}.", field=name
        )
    return cells


def _flattened(data: list[Any], name: str) -> list[Any]:
    for _ in range(MOST_DIMENSIONS):
        if list not in set(map(type, data)):
            return data
        if len({len(part) if isinstance(part, list) else -1 for part in data}) != 1:
            refuse("invalid_value", f"Input '{name}' holds lists of different lengths.", field=name)
        data = [cell for part in data for cell in (part if isinstance(part, list) else [part])]
    refuse("invalid_value", f"Input '{name}' holds lists that are too deep.", field=name)


def _asked(content: Mapping[str, Any]) -> Asked:
    identifier = content.get("id")
    if identifier is not None and (not isinstance(identifier, str) or len(identifier) > 256):
        refuse("invalid_value", "'id' was expected to be a text of at most 256 characters.", field="id")
    parameters, outputs = content.get("parameters"), content.get("outputs")
    everything = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    if outputs is None or outputs == []:
        return Asked(identifier=identifier, outputs=(), binary=everything)
    names: list[str] = []
    binary: set[str] = set()
    if not isinstance(outputs, list):
        refuse("invalid_value", "'outputs' was expected to be a list.", field="outputs")
    for output in outputs:
        if not isinstance(output, dict) or not isinstance(output.get("name"), str):
            refuse("invalid_value", f"An output is {shown(output)}, but its name was expected.", field="outputs")
        own = output.get("parameters")
        names.append(output["name"])
        if own.get("binary_data", everything) is True if isinstance(own, dict) else everything:
            binary.add(output["name"])
    return Asked(identifier=identifier, outputs=tuple(names), binary=frozenset(binary))


def check_names(served: ServedModel, tensors: Mapping[str, Array], asked: Asked) -> int:
    """The number of rows. Raises Fault for names that are unknown or missing, and for lengths that differ."""
    known = dict.fromkeys(served.columns)
    for name in tensors:
        if name not in known:
            refuse("invalid_value", f"The model has no input '{name}'.{near_matches(name, known)}", field=name)
    for name in known:
        if name not in tensors:
            refuse("missing_field", f"Input '{name}' is missing.{near_matches(name, tensors)}", field=name)
    for name in asked.outputs:
        outputs = [output["name"] for output in outputs_of(served)]
        if name not in outputs:
            refuse("invalid_value", f"The model has no output '{name}'.{near_matches(name, outputs)}", field=name)
    counts = {name: len(tensor) for name, tensor in tensors.items()}
    count = next(iter(counts.values()))
    for name, own in counts.items():
        if own != count:
            first = next(iter(counts))
            refuse("invalid_value", f"Input '{name}' has {own:,} rows, but '{first}' has {count:,}.", field=name)
    if count == 0:
        refuse("invalid_value", "The inputs have no rows, but at least one was expected.", field=next(iter(counts)))
    if count > served.limits.rows:
        refuse("too_long", f"{count:,} rows are more than the {served.limits.rows:,} of one request. Send several.")
    return count


def rows_of(served: ServedModel, tensors: Mapping[str, Array], asked: Asked) -> RowSet:
    """Checked rows of a request's tensors. Raises Fault."""
    count = check_names(served, tensors, asked)
    cells = {port.name: port.from_tensor(tensors[port.name]) for port in served.ports}
    return served.rows_of_cells(cells, count)


def table_of(served: ServedModel, tensors: Mapping[str, Array], asked: Asked) -> pl.DataFrame:
    """The history that a forecaster continues. Raises Fault."""
    check_names(served, tensors, asked)
    columns = []
    for name, tensor in tensors.items():
        if tensor.ndim != 1 and tensor.shape[1:] != (1,):
            refuse(
                "invalid_value", f"Input '{name}' has shape {list(tensor.shape)}, but [steps] was expected.", field=name
            )
        cells = tensor.ravel()
        if cells.dtype.kind == "O":
            try:
                texts = [cell.decode() if isinstance(cell, bytes) else cell for cell in cells.tolist()]
            except UnicodeDecodeError:
                refuse("invalid_value", f"Input '{name}' is not UTF-8, but text was expected.", field=name)
            columns.append(pl.Series(name, texts, dtype=pl.String))
        else:
            columns.append(pl.Series(name, cells).fill_nan(None) if cells.dtype.kind == "f" else pl.Series(name, cells))
    return pl.DataFrame(columns)


# --- what is answered ------------------------------------------------------------------------------------------------


def reply(served: ServedModel, answers: Answers, start: int, stop: int, asked: Asked) -> Reply:
    """The outputs of rows start to stop."""
    wanted = asked.outputs or [o["name"] for o in outputs_of(served) if o["name"] != "warnings"]
    some = slice(start, stop)
    rule = served.model.parts.record.rule
    tensors = served.answer_kind.tensors(answers.predictions.take(some), served.model.labels, rule)
    if "warnings" in wanted:
        warnings = ["\n".join(answers.warnings.get(row, ())[:MOST_WARNINGS]) for row in range(start, stop)]
        tensors["warnings"] = objects(warnings)
    return _written(served, {name: tensors[name] for name in wanted}, asked)


def reply_table(served: ServedModel, table: pl.DataFrame, asked: Asked) -> Reply:
    """A forecast's table as outputs."""
    made: dict[str, Array] = {}
    for output in outputs_of(served):
        name = output["name"]
        if name in table.columns and (not asked.outputs or name in asked.outputs):
            series = table[name]
            texts = as_text(series).fill_null("").to_list() if output["datatype"] == "BYTES" else None
            made[name] = series.cast(pl.Float64).to_numpy() if texts is None else objects(texts)
    return _written(served, made, asked)


def _written(served: ServedModel, made: Mapping[str, Array], asked: Asked) -> Reply:
    outputs: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for name, values in made.items():
        datatype = "BYTES" if values.dtype.kind == "O" else "BOOL" if values.dtype.kind == "b" else "FP64"
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if asked.binary is True or (asked.binary is not False and name in asked.binary):
            behind.append(_as_bytes(values))
            output["parameters"] = {"binary_data_size": len(behind[-1])}
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    head: dict[str, Any] = {"model_name": served.name, "model_version": "1", "outputs": outputs}
    if asked.identifier is not None:
        head["id"] = asked.identifier
    content = to_json(head, inf_nan_mode="null")
    if not behind:
        return Reply(content)
    length = ("inference-header-content-length", str(len(content)))
    return Reply(b"".join([content, *behind]), content_type="application/octet-stream", headers=(length,))


def _as_bytes(values: Array) -> bytes:
    if values.dtype.kind != "O":
        return np.ascontiguousarray(values, dtype="?" if values.dtype.kind == "b" else "<f8").tobytes()
    cells = [cell.encode() for cell in values.tolist()]
    return b"".join(len(cell).to_bytes(4, "little") + cell for cell in cells)
