"""An exported model: a folder of data that is used without torch.

`model/` holds `manifest.json` (SHA-256 and size of every file), `model.onnx`, `model.json` (the record, as in a model file),
`check.safetensors` (encoded rows and the answers that torch gave for them: loading runs them again and refuses on a
mismatch) and `card.md`; a model of texts has `step.onnx` as well, which must say the same symbol by symbol. What lies beside `model/` (README.md, client.py, Containerfile, requirements.txt) is for people; nothing
reads it here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np

from netpick.disk.strict import Bundle, RefusedError, open_folder
from netpick.disk.strict.tensors import TensorSpec, arrays_of, header_of
from netpick.errors import RequestError
from netpick.saved.check_rows import input_specs, require_readable, require_same
from netpick.saved.engines import OnnxEngine
from netpick.saved.onnx_file import MOST_BYTES, checked_graph, read_metadata
from netpick.saved.onnx_pairs import PairGraphs
from netpick.saved.onnx_steps import StepGraph
from netpick.saved.parts import ModelParts, read_parts, refuse
from netpick.types import Array, Inputs

FORMAT = 1
MODEL = "model"  # the folder within
GRAPH, RECORD, CHECK, CARD = "model.onnx", "model.json", "check.safetensors", "card.md"
STEP = "step.onnx"  # of models of texts alone: the graph that continues one
MEMBERS = {GRAPH: MOST_BYTES, RECORD: 64 << 20, CHECK: 256 << 20, CARD: 1 << 20}  # and how many bytes each may have
MOST_CHECKED = 1_000  # rows
STEPPED = 2  # of which are read symbol by symbol
LEAST_LOG = -80.0  # of a probability that float32 holds with all its digits
SOURCE = "source_sha256"  # in the graph's metadata: the model file that it was made of
TOLERANCE = 1e-4  # answers on another processor differ in the last bits, relative to the largest


def is_exported(path: Path) -> bool:
    """Whether it looks like an exported folder, or the model/ within one."""
    return (path / GRAPH).is_file() or (path / MODEL / GRAPH).is_file()


def default_folder(model: Path) -> Path:
    """Where the export of a model file goes unless said otherwise: RUN/onnx, or NAME-onnx beside NAME.netpick."""
    return model.with_name("onnx" if model.name == "model.netpick" else f"{model.stem}-onnx")


def exported_beside(model: Path) -> Path:
    """The folder that was exported of this model file. Raises RequestError when there is none, or of another file."""
    folder = default_folder(model)
    remedy = f"Type: netpick export {model} --to onnx"
    if not model.is_file():
        raise RequestError(f"There is no model file {model}. `netpick fit` writes one: RUN/model.netpick.")
    if not is_exported(folder):
        raise RequestError(f"{model} was to run in onnxruntime, but was not exported to {folder} yet. {remedy}")
    if source_of(folder) != sha256_of(model):
        raise RequestError(f"{folder} was exported of another model file than {model} is now. {remedy}")
    return folder


def source_of(folder: Path) -> str:
    """SHA-256 of the model file that a folder was exported of. Raises ModelFileError when the folder is damaged."""
    place = _place(folder)
    try:
        with open_folder(place, _members(place), FORMAT) as bundle:
            graph = bytes(bundle.read(GRAPH))
    except RefusedError as error:
        refuse(place, str(error))
    return read_metadata(checked_graph(graph, place / GRAPH)).get(SOURCE, "")


def read_exported(folder: Path, *, threads: int = 0) -> tuple[ModelParts, OnnxEngine | PairGraphs]:
    """The parts and the engine of an exported folder, proved: checksums, a graph that stands alone, stored answers.

    threads: of one call; 0 leaves it to onnxruntime. Raises ModelFileError for anything wrong with it, RequestError without
    onnxruntime.
    """
    place = _place(folder)
    try:
        with open_folder(place, _members(place), FORMAT) as bundle:
            card = bundle.read(CARD).decode("utf-8", "replace")
            parts = read_parts(bytes(bundle.read(RECORD)), card, place)
            check = _stored(bundle, parts)
            graph = bytes(bundle.read(GRAPH))
            answer = parts.task.answer
            if (answer.sequences or answer.stepwise) != (STEP in bundle.sizes):
                raise RefusedError(f"a model that generates texts has a {STEP}, and no other has")
            step, written = None, b""
            if STEP in bundle.sizes:
                written = checked_graph(bytes(bundle.read(STEP)), place / STEP)
        content = checked_graph(graph, place / GRAPH)
        if answer.stepwise:
            pairs = PairGraphs(content, written, parts.inputs, threads=threads, paths=(place / GRAPH, place / STEP))
            _prove(pairs, parts.inputs, check)
            return parts, pairs
        if answer.sequences:
            step = StepGraph(written, parts.inputs, threads=threads, path=place / STEP)
        engine = OnnxEngine(
            content, parts.inputs, threads=threads, path=place / GRAPH, step=step, after=answer.after_graph
        )
        _prove(engine, parts.inputs, check)
        if step is not None:
            _prove_steps(step, parts.inputs, parts.task_state.num_symbols, check)
    except RefusedError as error:
        refuse(place, str(error))
    return parts, engine


def sha256_of(path: Path) -> str:
    """Of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _members(place: Path) -> dict[str, int]:
    """Of this folder: what each has, and the graph of a step where there is one."""
    return {**MEMBERS, STEP: MOST_BYTES} if (place / STEP).is_file() else MEMBERS


def _place(folder: Path) -> Path:
    return folder if (folder / GRAPH).is_file() else folder / MODEL


def _stored(bundle: Bundle, parts: ModelParts) -> dict[str, Array]:
    """The arrays of the check, each of the type and shape that an engine reads. Raises RefusedError."""
    content = bundle.read(CHECK)
    header = header_of(content)
    answers = header.specs.get("answers")
    if (
        answers is None
        or len(answers.shape) != 1 + len(parts.task.answer.shape(parts.task_state))
        or answers.dtype != "float32"
        or not 1 <= answers.shape[0] <= MOST_CHECKED
    ):
        raise RefusedError("its check holds no answers")
    rows = answers.shape[0]
    if header.specs != {"answers": TensorSpec(dtype="float32", shape=answers.shape), **input_specs(parts.inputs, rows)}:
        raise RefusedError("its check holds other rows than the model reads")
    return arrays_of(content, header)


def _prove(engine: OnnxEngine | PairGraphs, inputs: Inputs, check: Mapping[str, Array]) -> None:
    """The stored rows must give the stored answers. Raises RefusedError."""
    rows = {name.removeprefix("input."): array for name, array in check.items() if name != "answers"}
    require_readable(inputs, rows)
    answers = engine.in_graph(rows) if isinstance(engine, OnnxEngine) else engine.outputs(rows)
    require_same(answers, check["answers"], TOLERANCE, "in torch")


def _prove_steps(step: StepGraph, inputs: Inputs, num_symbols: int, check: Mapping[str, Array]) -> None:
    """Symbol by symbol, the stored rows must cost what is stored of them. Raises RefusedError."""
    ((name, spec),) = inputs.items()
    rows = check[f"input.{name}"][:STEPPED]
    block = spec.ahead[1] * prod(spec.shape[1:])
    logs = np.zeros((len(rows), block), dtype=np.float32)
    for row, symbols in enumerate(rows.reshape(len(rows), -1)):
        reader, before = step.reader(), symbols[:-block]
        for place, came in enumerate(symbols[-block:]):
            chances = reader.read(before)
            if chances.shape != (num_symbols,):
                raise RefusedError("its step says probabilities of another number of symbols than there are")
            logs[row, place] = np.log(np.maximum(chances[came], np.exp(LEAST_LOG))) if came else 0.0
            before = came[None]
    require_same(logs, np.maximum(check["answers"][: len(rows), :block], LEAST_LOG), TOLERANCE, "in torch")
