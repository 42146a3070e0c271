"""Looking into an ONNX file before a runtime does: it must be whole in itself, flat, and made of ONNX's own operators.

onnxruntime opens files that a graph names as external data, and runs whatever its libraries call an operator. This reads the
protobuf wire format (https://protobuf.dev/programming-guides/encoding, fields of onnx.proto3) without building anything:
weights are stepped over, so a check takes milliseconds. Exported graphs need no functions, branches or loops, so all nested
graphs are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from netpick.errors import ModelFileError

MOST_BYTES = (2 << 30) - 1  # what one protobuf message may hold
MOST_NODES = 200_000
OWN_DOMAINS = (b"", b"ai.onnx")

# Field numbers of onnx.proto3.
GRAPH, OPSETS, METADATA, TRAINING, FUNCTIONS = 7, 8, 14, 20, 25  # of ModelProto
NODES, INITIALIZERS, SPARSE = 1, 5, 15  # of GraphProto
OP_TYPE, ATTRIBUTES, DOMAIN = 4, 5, 7  # of NodeProto
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = 5, 6, 10, 11, (22, 23)
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # of TensorProto

# Operators whose answer is not a function of their inputs, or that repeat or choose parts of a graph.
REFUSED_OPERATORS = frozenset(
    b"Loop Scan If SequenceMap RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli "
    b"ImageDecoder".split()
)

Value = int | memoryview


def check_graph(content: bytes, path: Path) -> None:
    """Passes a graph that stands alone. Raises ModelFileError, which says what it holds instead."""
    if len(content) > MOST_BYTES:
        _refuse(path, f"it has {len(content):,} bytes")
    try:
        _check_model(memoryview(content), path)
    except (IndexError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        _refuse(path, "it is no ONNX file")


def read_metadata(content: bytes) -> dict[str, str]:
    """The graph's metadata_props. Call `check_graph` first."""
    found = {}
    for number, value in _fields(memoryview(content)):
        if number == METADATA and not isinstance(value, int):
            entry = {key: bytes(text).decode() for key, text in _fields(value) if not isinstance(text, int)}
            found[entry.get(1, "")] = entry.get(2, "")
    return found


def _check_model(model: memoryview, path: Path) -> None:
    graphs = 0
    for number, value in _fields(model):
        if number in (TRAINING, FUNCTIONS):
            _refuse(path, "it brings functions or training steps of its own")
        if number == OPSETS:
            _check_domain(_part(_message(value), 1), path)
        if number == GRAPH:
            graphs += 1
            _check_graph(_message(value), path)
    if graphs != 1:
        _refuse(path, f"it holds {graphs} graphs")


def _check_graph(graph: memoryview, path: Path) -> None:
    nodes = 0
    for number, value in _fields(graph):
        if number == NODES:
            nodes += 1
            if nodes > MOST_NODES:
                _refuse(path, f"it has more than {MOST_NODES:,} steps")
            _check_node(_message(value), path)
        elif number == INITIALIZERS:
            _check_tensor(_message(value), path)
        elif number == SPARSE:
            _refuse(path, "it holds sparse tensors")


def _check_node(node: memoryview, path: Path) -> None:
    for number, value in _fields(node):
        if number == DOMAIN:
            _check_domain(bytes(_message(value)), path)
        elif number == OP_TYPE and bytes(_message(value)) in REFUSED_OPERATORS:
            _refuse(path, f"it holds the operator {_text(value)}")
        elif number == ATTRIBUTES:
            for inner, part in _fields(_message(value)):
                if inner in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS, *ATTRIBUTE_SPARSE):
                    _refuse(path, "it holds graphs inside of its graph, or sparse tensors")
                if inner in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
                    _check_tensor(_message(part), path)


def _check_tensor(tensor: memoryview, path: Path) -> None:
    for number, value in _fields(tensor):
        if number == EXTERNAL_DATA or (number == DATA_LOCATION and value != 0):
            _refuse(path, "it keeps weights in another file")


def _check_domain(domain: bytes, path: Path) -> None:
    if domain not in OWN_DOMAINS:
        _refuse(path, f"it needs operators of the domain '{_text(memoryview(domain))}'")


def _fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """(field number, value) of one message: integers, or the bytes of what is length-delimited or of fixed size."""
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("a group, or an unknown kind of field")
        if place + size > end:
            raise ValueError("a field ends behind its message")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should")
    return value


def _part(message: memoryview, wanted: int) -> bytes:
    """A text field of a message, empty where it is not there."""
    return next((bytes(_message(value)) for number, value in _fields(message) if number == wanted), b"")


def _text(value: Value) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")[:40]


def _refuse(path: Path, why: str) -> NoReturn:
    raise ModelFileError(
        f"{path} is not a graph that can be trusted: {why}. Nothing was loaded. Export the model again: "
        "netpick export MODEL --to onnx"
    )
