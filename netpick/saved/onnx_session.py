"""Graphs in onnxruntime, on the processor, within a bound of memory that they share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from netpick.errors import ModelFileError, RequestError

MOST_MEMORY = 4 << 30  # bytes that running graphs may take
UNBOUNDED = ["ConstantFolding"]  # optimisers that compute while loading, outside of that bound; torch's has done it


def open_session(graph: bytes, threads: int, where: Path | str) -> Any:
    """A session of onnxruntime. graph: the bytes that `onnx_file.checked_graph` gave. threads: of one call; 0 leaves it to onnxruntime.

    Raises RequestError without onnxruntime, ModelFileError for a graph that it cannot load.
    """
    try:
        import onnxruntime
    except ImportError:
        raise RequestError(
            "This model is an exported graph, but onnxruntime is not installed. Type: pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised, and told in words
    options.add_session_config_entry("session.use_env_allocators", "1")
    _bound_memory()
    try:
        return onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"], disabled_optimizers=UNBOUNDED
        )
    except refusals() as error:
        raise cannot_run(where, error) from None


@cache
def _bound_memory() -> None:
    """Bounds what all graphs of this process take together. More is an error of the graph, not of the process."""
    import onnxruntime

    kind = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    # The others: how the arena grows, and its first and largest unused pieces; -1 leaves them to onnxruntime.
    onnxruntime.create_and_register_allocator(kind, onnxruntime.OrtArenaCfg(MOST_MEMORY, 0, -1, -1))


def cannot_run(where: Path | str, error: Exception) -> ModelFileError:
    first = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return ModelFileError(f"{where} cannot be run: {first}. Export the model again: netpick export MODEL --to onnx")


def refusals() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a graph that it cannot load; the kinds have no common root of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented,
            state.RuntimeException, RuntimeError)  # fmt: skip
