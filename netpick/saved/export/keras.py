"""Back to Keras: an imported network, trained on or not, as a .keras file that Keras 3 loads with `keras.saving.load_model`.

Layers have the settings that Keras gave them, so each has a twin there; the output layer is a dense one with the activation that makes
probabilities, calibrated as they are here. `make keras` proves the files where Keras is installed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netpick.columns.forms import FORMS
from netpick.disk.files import write_whole
from netpick.disk.hdf5 import write_hdf5
from netpick.errors import RequestError
from netpick.models.imported.graph import Node, Placed
from netpick.models.imported.wrappers import INNER
from netpick.models.networks.imported_network import ImportedSettings, ImportedTrunk
from netpick.models.networks.network import settings_from_json
from netpick.saved.artifact import LoadedModel, load_model
from netpick.saved.imported.config import group_names
from netpick.tasks import TASKS
from netpick.types import Array

VERSION = "3.15.1"  # whose files these are like
OPERATIONS = ("NotEqual", "LogicalOr", "LogicalAnd")  # steps of a graph that are no layers
DAY = (1980, 1, 1, 0, 0, 0)


def export_keras(model: Path, out: Path | None) -> Path:
    """Writes the .keras file. Raises RequestError for networks whose layers have no twins in Keras."""
    loaded = load_model(model)
    trunks = [trunk for trunk in getattr(loaded.network, "trunks", {}).values() if isinstance(trunk, ImportedTrunk)]
    if len(trunks) != 1 or loaded.record.family != "imported":
        raise RequestError(
            f"{model} is a {loaded.record.candidate[:60]}, whose layers have no twins in Keras; only networks that `netpick import` read have. "
            "Type: netpick export MODEL --to onnx, which other runtimes run."
        )
    target = model.with_suffix(".keras") if out is None else out
    config, weights = _described(loaded, trunks[0])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        said = {"keras_version": VERSION, "date_saved": loaded.record.created.replace("T", "@")[:19]}
        for name, part in (("metadata.json", said), ("config.json", config)):
            archive.writestr(zipfile.ZipInfo(name, DAY), json.dumps(part).encode())
        archive.writestr(zipfile.ZipInfo("model.weights.h5", DAY), write_hdf5(weights))
    write_whole(target, content.getvalue())
    return target


def _described(loaded: LoadedModel, trunk: ImportedTrunk) -> tuple[dict[str, Any], dict[str, Any]]:
    """config.json, and the groups of model.weights.h5."""
    record = loaded.record
    settings: ImportedSettings = settings_from_json(record.family, loaded.inputs, record.settings)
    layers: Sequence[Placed] = trunk.body.placed if trunk.body is not None else ()
    names = _names([layer.node for layer in layers])
    whole = any(FORMS[spec.form].indices for spec in loaded.inputs.values())
    first = {"batch_shape": [None, *settings.shape], "dtype": "int32" if whole else "float32", "name": names[0]}
    described = [_layer("InputLayer", first, [], names)]
    shapes = [settings.shape, *(layer.shape for layer in layers)]
    for layer in layers:
        described.append(_twin(layer, names, shapes, len(described)))
    kernel, bias, activation = _head(loaded)
    dense = {
        "name": names[-1],
        "units": int(bias.shape[0]),
        "activation": activation,
        "use_bias": True,
        "dtype": "float32",
    }
    described.append(_layer("Dense", dense, [_tensor(names, shapes, len(layers))], names))
    reads = [[], *([*layer.node.inputs, *_mask_of(layer.node)] for layer in layers), [len(layers)]]
    order = keras_order(reads)
    described = [described[number] for number in order]
    trees = [{}, *_trees(layers, trunk), {"vars": {"0": kernel, "1": bias}}]
    arrays = {group: trees[number] for group, number in zip(group_names(described), order, strict=True)}
    ends = {"input_layers": [names[0], 0, 0], "output_layers": [names[-1], 0, 0]}
    config = {"name": "netpick", "trainable": True, "layers": described, **ends}
    whole_config = {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }
    return whole_config, {"layers": {name: tree for name, tree in arrays.items() if name}}


def _mask_of(node: Node) -> list[int]:
    return [] if node.mask is None else [node.mask]


def keras_order(reads: Sequence[Sequence[int]]) -> list[int]:
    """The order in which Keras counts the layers of a graph, by which it finds their arrays: the farthest from the output first, among
    equals the one that it meets first when it goes back from there. reads: what each reads; the last is the output."""
    met, finished, depths = dict[int, int](), list[int](), dict[int, int]()
    stack = [(len(reads) - 1, iter(reads[-1]))]
    met[len(reads) - 1] = 0
    while stack:
        number, waiting = stack[-1]
        following = next((one for one in waiting if one not in met), None)
        if following is None:
            finished.append(number)
            stack.pop()
            continue
        met[following] = len(met)
        stack.append((following, iter(reads[following])))
    for number in reversed(finished):
        depth = depths.setdefault(number, 0)
        for read in reads[number]:
            depths[read] = max(depth + 1, depths.get(read, 0))
    return sorted(met, key=lambda number: (-depths[number], met[number]))


def _names(nodes: Sequence[Node]) -> list[str]:
    """Names of the input, of every layer, and of the output layer; each once."""
    made: list[str] = []
    for name in ("input", *(node.name.replace("/", "_") or "layer" for node in nodes), "output"):
        number, unused = 1, name
        while unused in made:
            number, unused = number + 1, f"{name}_{number}"
        made.append(unused)
    return made


def _tensor(names: Sequence[str], shapes: Sequence[tuple[int, ...]], number: int) -> dict[str, Any]:
    config = {"shape": [None, *shapes[number]], "dtype": "float32", "keras_history": [names[number], 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _layer(
    kind: str, config: Mapping[str, Any], args: Sequence[Any], names: Sequence[str], **called: Any
) -> dict[str, Any]:
    calls = [{"args": list(args), "kwargs": called}] if args else []
    module = "keras.src.ops.numpy" if kind in OPERATIONS else "keras.layers"
    return {
        "module": module,
        "class_name": kind,
        "config": dict(config),
        "registered_name": None,
        "name": config["name"],
        "inbound_nodes": calls,
    }


def _twin(layer: Placed, names: Sequence[str], shapes: Sequence[tuple[int, ...]], number: int) -> dict[str, Any]:
    """A layer as Keras describes it."""
    node, options = layer.node, dict(layer.node.options)
    given: list[Any] = [_tensor(names, shapes, one) for one in node.inputs]
    called: dict[str, Any] = {}
    if "use_causal_mask" in options:
        called["use_causal_mask"] = options.pop("use_causal_mask")
    if node.kind == "NotEqual":
        given.append(options.pop("other", 0))
    if node.mask is not None:
        called["mask"] = _tensor(names, shapes, node.mask)
    inner = options.get("layer")
    if isinstance(inner, dict):
        kind = next(kind for kind, (name, _) in INNER.items() if inner.get(name) is not None)
        config = {"name": f"{names[number]}_inner", **_renamed(inner[INNER[kind][0]])}
        options["layer"] = {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}
    if node.kind == "MultiHeadAttention" and len(given) == 3:
        called["key"] = given.pop()
    if layer.layer.inputs[1] > 3:  # a list of them
        given = [given]
    config = {"name": names[number], **_renamed(options)}
    if node.kind not in OPERATIONS:
        config["dtype"] = "float32"
    return _layer(node.kind, config, given, names, **called)


def _renamed(options: Mapping[str, Any]) -> dict[str, Any]:
    if "hard_sigmoid_2" in options.values():
        raise RequestError(
            "The network uses the hard_sigmoid of Keras 2, which Keras 3 does not have. Type: netpick export MODEL --to onnx"
        )
    return dict(options)


def _trees(layers: Sequence[Placed], trunk: ImportedTrunk) -> list[dict[str, Any]]:
    """The groups of each layer's arrays."""
    made: list[dict[str, Any]] = []
    state = {} if trunk.body is None else {name: t.detach().numpy() for name, t in trunk.body.state_dict().items()}
    for number, layer in enumerate(layers):
        assert trunk.body is not None
        start = f"parts.{trunk.body.names[number]}."
        own = {name.removeprefix(start): array for name, array in state.items() if name.startswith(start)}
        tree: dict[str, Any] = {"vars": {}}
        for weight in layer.weights:
            inside = tree
            for part in weight.group.split("/") if weight.group else ():
                inside = inside.setdefault(part, {"vars": {}})
            inside["vars"][str(len(inside["vars"]))] = weight.to_keras(own)
        made.append(tree)
    return made


def _head(loaded: LoadedModel) -> tuple[Array, Array, str]:
    """Kernel, bias and activation of the output layer, with what the task makes of the outputs behind it."""
    answer, state = TASKS[loaded.record.task].answer, loaded.task_state
    kernel, bias = (
        getattr(loaded.network.head, name).detach().numpy().astype(np.float64) for name in ("weight", "bias")
    )
    if answer.quantities:
        std, mean = np.asarray(state.std), np.asarray(state.mean)
        return (kernel * std).astype(np.float32), (bias * std + mean).astype(np.float32), "linear"
    calibration = state.calibration
    if calibration is not None and (calibration.curves or calibration.shared):
        raise RequestError(
            f"The probabilities of this model are calibrated by {calibration.words}, which no layer of Keras does. Type: netpick export MODEL "
            "--to onnx"
        )
    warm = 1.0 if calibration is None else calibration.temperature
    kernel, bias = kernel / warm, bias / warm
    activation = "softmax" if answer.one_class else "sigmoid"
    if answer.one_class and kernel.shape[1] == 2 and not kernel[:, 0].any() and bias[0] == 0:  # as it came: one output
        kernel, bias, activation = kernel[:, 1:], bias[1:], "sigmoid"
    return kernel.astype(np.float32), bias.astype(np.float32), activation
