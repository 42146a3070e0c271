"""Reading an ONNX file before a runtime does: it must be whole in itself, flat, and made of what our exporter writes.

onnxruntime opens files that a graph names as external data, and runs whatever its libraries call an operator. `checked_graph`
reads the file as data, refuses whatever is not on the lists, and gives the bytes of what it understood, written again: the runtime
never sees the original ones, so nothing can hide in how two readers differ. `wire` knows the format, `fields` the messages, `rules`
what a graph may hold.
"""

from __future__ import annotations

from pathlib import Path

from netpick.errors import ModelFileError
from netpick.saved.onnx_file.fields import KINDS
from netpick.saved.onnx_file.rules import require_ours
from netpick.saved.onnx_file.wire import WireError, read, write

MOST_BYTES = (2 << 30) - 1  # what one protobuf message may hold


def checked_graph(content: bytes, path: Path) -> bytes:
    """The graph that these bytes say, for a runtime. Raises ModelFileError, which says what they hold instead."""
    try:
        if len(content) > MOST_BYTES:
            raise WireError(f"it has {len(content):,} bytes")
        model = read(memoryview(content), "ModelProto", KINDS)
        require_ours(model)
    except WireError as error:
        raise ModelFileError(
            f"{path} is not a graph that can be trusted: {error}. Nothing was loaded. Export the model again: "
            "netpick export MODEL --to onnx"
        ) from None
    return write(model, KINDS)


def read_metadata(graph: bytes) -> dict[str, str]:
    """The metadata_props of a graph that `checked_graph` gave."""
    model = read(memoryview(graph), "ModelProto", KINDS)
    return {entry.text("key"): entry.text("value") for entry in model.messages("metadata_props")}
