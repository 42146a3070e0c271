"""From a file of Keras to a model file: read, understood, built, proved and written."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter

from netpick import __version__
from netpick.columns.encode import input_specs
from netpick.columns.store import Store
from netpick.disk.strict import RefusedError
from netpick.disk.strict.tensors import TensorSpec
from netpick.errors import NetpickError, RequestError
from netpick.models.blueprint import build_within
from netpick.models.imported.graph import placed
from netpick.models.infer import DeviceData
from netpick.models.networks.imported_network import ImportedSettings, ImportedTrunk
from netpick.models.networks.network import Network, build_network
from netpick.saved.artifact import CHECK_ROWS, save_model
from netpick.saved.generated import generated_rows
from netpick.saved.imported.arrays import arrays_of
from netpick.saved.imported.config import read_config
from netpick.saved.imported.ending import Ending, ending_of, place_of, task_of
from netpick.saved.imported.files import KerasFile, read_keras
from netpick.saved.imported.meaning import Meaning, Wanted, meaning_of, row_shape, task_state
from netpick.saved.record import FORMAT, EncoderRecord, ModelRecord
from netpick.tasks import TASKS
from netpick.types import Array

FAMILY = "imported"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What was made: the model file, and what was found and taken for granted, in sentences."""

    path: Path
    lines: tuple[str, ...]


def import_keras(path: Path, out: Path, wanted: Wanted) -> Imported:
    """Writes the model file of a Keras model. Raises RequestError with what is wrong with it, and nothing is written then."""
    try:
        return _imported(path, out, wanted)
    except RefusedError as error:
        why = str(error).rstrip(".")[:600]
    except NetpickError:
        raise
    except (ValueError, LookupError, RuntimeError, TypeError, ArithmeticError, AttributeError, MemoryError) as error:
        # Parts that pass every check above and still do not fit together, in ways that torch finds.
        said = (str(error) or type(error).__name__).splitlines()[0][:200]
        why = f"its parts do not fit together ({said})"
    raise RequestError(f"{path} cannot be imported: {why}. Nothing was written.")


def _imported(path: Path, out: Path, wanted: Wanted) -> Imported:
    file = read_keras(path)
    described = read_config(file.config, file.version)
    shape = row_shape(described.shape, wanted)
    layers = placed(described.nodes, shape)
    if described.output == 0:
        raise RefusedError("it has no layers")
    ending = ending_of(described.nodes, described.output, layers)
    task, why = task_of(ending, described.loss, wanted.task, wanted.labels)
    meaning = meaning_of(shape, ending.nodes or (described.nodes[described.output - 1],), wanted)
    state, targets, remark = task_state(task, ending.units, wanted)
    numbers = [*ending.kept, *([] if ending.dense is None else [ending.dense])]
    arrays = arrays_of(file, [layers[number - 1] for number in numbers], place_of(described.places, numbers))
    origin = f"{file.name[:100]}, made by Keras{' ' + file.version if file.version else ''}"
    settings = ImportedSettings(
        nodes=ending.nodes,
        shape=shape,
        factor=meaning.factor,
        mean=meaning.mean,
        std=meaning.std,
        zeros="before" if wanted.zeros == "before" else "behind",
        origin=origin,
    )
    made = _Made(task, state, targets, meaning, settings, ending)
    network = made.network(arrays)
    record = made.record(file)
    rows = generated_rows(record.inputs, CHECK_ROWS)
    save_model(out, record, network, DeviceData(Store(arrays=rows), record.inputs, "cpu"), _card(record, origin))
    weights = sum(prod(weight.shape) for number in numbers for weight in layers[number - 1].weights)
    said = f"{origin}: {len(described.nodes):,} layers, {weights:,} numbers. Task: {task} ({why})."
    return Imported(path=out, lines=tuple(line for line in (said, *meaning.remarks, remark) if line))


@dataclass(frozen=True)
class _Made:
    task: str
    state: Any
    targets: tuple[str, ...]
    meaning: Meaning
    settings: ImportedSettings
    ending: Ending

    @property
    def num_outputs(self) -> int:
        return TASKS[self.task].answer.num_outputs(self.state)

    def network(self, arrays: list[dict[str, Array]]) -> Network:
        """With the weights of the file, never larger than they are."""
        inputs, count = input_specs(self.meaning.encoders), self.num_outputs
        build = partial(build_network, FAMILY, self.settings, inputs, count)
        specs = {
            f"{n}.{name}": TensorSpec(dtype="float32", shape=a.shape)
            for n, state in enumerate(arrays)
            for name, a in state.items()
        }
        network = build_within(build, weights=specs)
        assert isinstance(network, Network)
        (trunk,) = network.trunks.values()
        assert isinstance(trunk, ImportedTrunk)
        if trunk.body is not None:
            found = {
                f"parts.{name}.{key}": torch.from_numpy(a)
                for name, state in zip(trunk.body.names, arrays, strict=False)
                for key, a in state.items()
            }
            trunk.body.load_state_dict(found)
        weight, bias = self._head(arrays)
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(weight))
            network.head.bias.copy_(torch.from_numpy(bias))
        return network.eval()

    def _head(self, arrays: list[dict[str, Array]]) -> tuple[Array, Array]:
        """Weights (D, O) and bias (O,) of the output layer. One output for two classes: that of the first one is 0."""
        units = self.ending.units
        if self.ending.dense is None:
            weight, bias = np.eye(units, dtype=np.float32), np.zeros(units, np.float32)
        else:
            weight = np.ascontiguousarray(arrays[-1]["dense.weight"].T)
            bias = arrays[-1].get("dense.bias", np.zeros(units, np.float32))
        if self.num_outputs == 2 and units == 1:
            weight, bias = (
                np.concatenate([np.zeros_like(weight), weight], axis=1),
                np.concatenate([np.zeros_like(bias), bias]),
            )
        return weight, bias

    def record(self, file: KerasFile) -> ModelRecord:
        task = TASKS[self.task]
        inputs = input_specs(self.meaning.encoders)
        return ModelRecord(
            format=FORMAT,
            netpick=__version__,
            title=Path(file.name).stem[:100],
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            candidate=FAMILY,
            family=FAMILY,
            settings=TypeAdapter(ImportedSettings).dump_python(self.settings, mode="json"),
            module=None,
            task=self.task,
            task_state=TypeAdapter(task.State).dump_python(self.state, mode="json"),
            targets=self.targets,
            encoders=tuple(EncoderRecord(**encoder.to_json()) for encoder in self.meaning.encoders),
            inputs=dict(inputs),
            num_outputs=self.num_outputs,
            labels=tuple(task.answer.labels(self.state)),
            threshold=None,
            primary_metric=task.answer.primary(self.num_outputs, 1.0),
            scores={},
            missing=(),
            layout="image_folder" if self.meaning.encoders[0].kind == "image" else "csv",
            fingerprint="",
            versions={"python": platform.python_version(), "torch": str(torch.__version__), "netpick": __version__},
        )


def _card(record: ModelRecord, origin: str) -> str:
    labels = ", ".join(record.labels[:20]) + (", ..." if len(record.labels) > 20 else "")
    return (
        f"# {record.title}\n\nA network that was trained elsewhere and imported: {origin}.\n\n"
        f"- task: {record.task} ({labels})\n"
        f"- what it was trained on, and how well it does, is not in its file: `netpick score MODEL DATA` measures it on labelled rows\n"
        "- its licence is that of whoever trained it\n"
    )
