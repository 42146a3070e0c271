"""A trained model as an ONNX graph in a folder that is used without torch.

`twins.py` puts what a graph cannot hold into words that ONNX has, `graph.py` is the module that becomes the graph,
`convert.py` traces it, `samples.py` is a second one that takes samples of sounds, `steps.py` one that continues texts, `proof.py` compares it with torch, and `folder.py` writes what passed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter
from torch import nn

from netpick import __version__
from netpick.columns.forms import proved_inputs
from netpick.disk.members import MEMBERS
from netpick.disk.strict import open_archive
from netpick.disk.strict.tensors import arrays_of, header_of
from netpick.errors import RequestError, near_matches
from netpick.models.networks.pair_network import PairNetwork
from netpick.models.networks.text_network import ReadOn
from netpick.saved.artifact import LoadedModel
from netpick.saved.engines import OnnxEngine, TorchEngine
from netpick.saved.export.folder import Graphs, require_ours, write_folder
from netpick.saved.export.graph import ExportedModel
from netpick.saved.export.pairs import checked, pair_graphs, proved_pairs, trial_pairs
from netpick.saved.export.proof import largest_difference
from netpick.saved.export.samples import samples_graph, sound_settings
from netpick.saved.export.steps import step_difference, step_graph
from netpick.saved.folder import CHECK, SOURCE, default_folder, is_exported, sha256_of
from netpick.saved.generated import generated_rows
from netpick.saved.onnx_pairs import PairGraphs
from netpick.saved.onnx_steps import StepGraph
from netpick.saved.parts import ModelParts
from netpick.types import Array, InputSpec

FORMATS = ("onnx",)
TRIED = 40  # random sources that both engines generate texts for
CHECKED = 8  # generated rows beside the stored ones in the folder's check


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What came out: where it lies, how large the graph is, and how far its answers were from torch's."""

    folder: Path
    bytes: int
    difference: float
    whole: bool  # shorter rows are filled up inside to the longest length of training


def export_model(
    model: Path, to: str = "onnx", out: Path | None = None, *, module: nn.Module | None = None, samples: bool = False
) -> Exported:
    """Exports a model file (or the run that holds it) into a folder, once its graph agrees with torch.

    module: the network again where it was the user's own; the folder needs it no more. samples: of a model of sounds, writes a second
    graph that takes samples. Raises RequestError for other formats and networks that ONNX has no words for, ModelFileError when answers differ.
    """
    from netpick.saved.artifact import load_model

    if to not in FORMATS:
        raise RequestError(f"A model cannot be exported to '{to}'.{near_matches(to, FORMATS)}")
    if is_exported(model):
        raise RequestError(
            f"{model} is an exported model already. Pass the model file that it was made of: RUN/model.netpick."
        )
    path = model / "model.netpick" if model.is_dir() else model
    folder = default_folder(path) if out is None else out
    require_ours(folder)  # before the seconds that a graph takes
    loaded = load_model(path, module=module)
    stored = stored_rows(path)
    parts = ModelParts(record=loaded.record, encoders=loaded.encoders, task_state=loaded.task_state, card=loaded.card)
    source = {SOURCE: sha256_of(path)}
    if parts.task.answer.each_pixel:
        raise RequestError(
            f"{path} answers masks of pictures of any size, and a graph of its network would take one size alone: such models are not exported yet. Use "
            "netpick predict with the model file."
        )
    if samples:
        sound_settings(parts)  # refused before anything is traced
    if isinstance(loaded.network, PairNetwork):
        return _pairs(folder, loaded, parts, stored, source)
    graph, difference, whole = proved_graph(loaded, parts, stored, source)
    of_samples = samples_graph(loaded, parts, {**_metadata(parts), **source}) if samples else None
    step = proved_step(loaded, parts, source) if isinstance(loaded.network, ReadOn) else None
    check = _check_rows(loaded, stored)
    write_folder(folder, parts, Graphs(model=graph, step=step), check, of_samples)
    return Exported(folder=folder, bytes=len(graph), difference=difference, whole=whole)


def _pairs(
    folder: Path, loaded: LoadedModel, parts: ModelParts, stored: Mapping[str, Array], source: Mapping[str, str]
) -> Exported:
    """Of a model that generates a text for a text: two graphs."""
    assert isinstance(loaded.network, PairNetwork)
    read, write = pair_graphs(loaded.network, {**_metadata(parts), **source})
    graphs = PairGraphs(read, write, parts.inputs, threads=1, paths=("the graph that reads", "the graph that writes"))
    (rows,) = stored.values()
    tried = np.concatenate([rows, trial_pairs(parts.inputs, TRIED, seed=1)])
    difference = proved_pairs(loaded.network, graphs, tried)
    check = checked(TorchEngine(loaded=loaded), parts.inputs, np.asarray(rows))
    write_folder(folder, parts, Graphs(model=read, step=write), check)
    return Exported(folder=folder, bytes=len(read) + len(write), difference=difference, whole=False)


def proved_graph(
    loaded: LoadedModel, parts: ModelParts, stored: Mapping[str, Array], metadata: Mapping[str, str]
) -> tuple[bytes, float, bool]:
    """The graph, how far its answers were from torch's at most, and whether it fills rows up inside.

    Networks that read rows of any length are traced so; others get shorter rows filled up to the longest length. Raises
    RequestError when neither can be traced, ModelFileError when answers differ.
    """
    from netpick.saved.export.convert import NotTracedError, to_graph

    record, inputs = parts.record, parts.inputs
    answer = parts.task.answer
    decoding = answer.graph(record.rule, parts.task_state)
    labels = record.labels if answer.one_class else ()
    padded = any(spec.padded for spec in inputs.values())
    for whole in (False, True) if padded else (False,):
        try:
            exported = ExportedModel(loaded.network, inputs, answer, decoding, whole)
            graph = to_graph(exported, labels, {**_metadata(parts), **metadata})
            engine = OnnxEngine(graph, inputs, threads=1)
            return graph, largest_difference(TorchEngine(loaded=loaded, in_graph=True), engine, stored, inputs), whole
        except NotTracedError as error:
            reason = str(error)
    raise RequestError(
        f"{record.candidate} cannot be put into ONNX's words: {reason} Serve the model file itself: netpick serve MODEL"
    )


def proved_step(loaded: LoadedModel, parts: ModelParts, source: Mapping[str, str]) -> bytes:
    """The graph of a step of a model of texts. Raises RequestError when it cannot be traced, ModelFileError when it says something else."""
    assert isinstance(loaded.network, ReadOn)
    graph = step_graph(loaded.network, {**_metadata(parts), **source})
    step_difference(
        TorchEngine(loaded=loaded).reader, StepGraph(graph, loaded.inputs, threads=1).reader, parts.task_state
    )
    return graph


def stored_rows(path: Path) -> dict[str, Array]:
    """The rows that a model file keeps for its check, as they lie in a store."""
    from netpick.saved.record import FORMAT

    with open_archive(path, MEMBERS, FORMAT) as bundle:
        content = bundle.read(CHECK)
    arrays = arrays_of(content, header_of(content))
    return {name.removeprefix("input."): array for name, array in arrays.items() if name != "output"}


def _check_rows(loaded: LoadedModel, stored: Mapping[str, Array]) -> dict[str, Array]:
    """The stored rows and some generated ones, with torch's answers."""
    generated = generated_rows(proved_inputs(loaded.inputs), CHECKED, seed=1)
    rows = {name: np.concatenate([array, generated[name]]) for name, array in stored.items()}
    answers = TorchEngine(loaded=loaded, in_graph=True).outputs(rows)
    return {"answers": answers, **{f"input.{name}": array for name, array in rows.items()}}


def _metadata(parts: ModelParts) -> dict[str, str]:
    """What the graph says of itself."""
    record = parts.record
    schema = [{"column": encoder.column, "kind": encoder.kind} for encoder in record.encoders]
    inputs = TypeAdapter(dict[str, InputSpec]).dump_python(dict(parts.inputs), mode="json")
    return {
        "netpick": __version__,
        "title": record.title,
        "task": record.task,
        "targets": json.dumps(record.targets),
        "labels": json.dumps(record.labels),
        "threshold": json.dumps(record.threshold),
        "schema": json.dumps(schema),
        "inputs": json.dumps(inputs),
    }


__all__ = ["Exported", "export_model", "proved_graph"]
