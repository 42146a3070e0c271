"""The model file: one uncompressed zip of data, never code.

`manifest.json` (format, SHA-256 and size of every member), `model.json` (strict JSON: what the inputs are, how they are
encoded, which network, which task), `weights.safetensors`, `check.safetensors` (a few encoded rows and the outputs that
they gave: loading runs them again and refuses on a mismatch) and `card.md`. Every name in it is looked up in a closed
table; nothing is unpickled, evaluated or imported by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pydantic
import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from netpick.encode import Encoder
from netpick.errors import ModelFileError, RequestError
from netpick.infer import DeviceData, predict_outputs, weights_of
from netpick.kinds import KINDS
from netpick.model_record import FORMAT, ModelRecord
from netpick.models.module import UserModule
from netpick.models.network import build_network, settings_from_json
from netpick.store import Store
from netpick.tasks import TASKS
from netpick.types import Inputs

MEMBERS = ("manifest.json", "model.json", "weights.safetensors", "check.safetensors", "card.md")
MOST_BYTES = {"manifest.json": 1 << 16, "model.json": 64 << 20, "check.safetensors": 256 << 20, "card.md": 1 << 20}
MOST_WEIGHTS = 16 << 30
CHECK_ROWS = 4
TOLERANCE = 1e-4  # outputs on another processor differ in the last bits, relative to the largest output


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model file in memory: the record, the encoders, the task's state and the network."""

    record: ModelRecord
    encoders: tuple[Encoder, ...]
    task_state: Any
    inputs: Inputs
    network: nn.Module
    card: str


def save_model(path: Path, record: ModelRecord, network: nn.Module, data: DeviceData, card: str) -> None:
    """Writes the model file, whole or not at all. `data` gives the rows for the check: the first few."""
    rows = np.arange(min(CHECK_ROWS, len(next(iter(data.tensors.values())))), dtype=np.int64)
    check = {f"input.{name}": tensor[: len(rows)].cpu().contiguous() for name, tensor in data.tensors.items()}
    check["output"] = predict_outputs(network, data, rows).cpu().contiguous()
    members = {
        "model.json": TypeAdapter(ModelRecord).dump_json(record, indent=1),
        "weights.safetensors": save_tensors(dict(weights_of(network))),
        "check.safetensors": save_tensors(check),
        "card.md": card.encode(),
    }
    manifest = {
        "format": FORMAT,
        "members": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in members.items()
        },
    }
    members = {"manifest.json": json.dumps(manifest, indent=1).encode(), **members}
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_STORED) as archive:
                for name, content in members.items():
                    archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_model(path: str | Path, *, module: nn.Module | None = None) -> LoadedModel:
    """Reads a model file and proves it: sizes, checksums, names, shapes, and the outputs of a few stored rows.

    Raises RequestError when the file is not there and ModelFileError for anything wrong with it. A model with a network
    from the user's own code needs that network again as `module`.
    """
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"There is no model file {path}. `netpick fit` writes one: RUN/model.netpick.")
    members = _read_members(path)
    record = _record(members["model.json"], path)
    try:
        encoders = tuple(
            Encoder(column=e.column, kind=e.kind, state=_from_json(_known(e.kind, KINDS, path).State, e.state))
            for e in record.encoders
        )
        task_state = _from_json(_known(record.task, TASKS, path).State, record.task_state)
        network = _build(record, module)
        _load_weights(network, load_tensors(members["weights.safetensors"]), path)
        loaded = LoadedModel(
            record=record,
            encoders=encoders,
            task_state=task_state,
            inputs=record.inputs,
            network=network,
            card=members["card.md"].decode("utf-8", "replace"),
        )
        _run_check(loaded, load_tensors(members["check.safetensors"]), path)
    except ModelFileError:
        raise
    except (
        SafetensorError,
        pydantic.ValidationError,
        ValueError,
        KeyError,
        RuntimeError,
        TypeError,
        IndexError,
    ) as error:
        if isinstance(error, RequestError):
            raise
        _refuse(path, f"its parts do not fit together ({str(error).splitlines()[0][:200]})")
    return loaded


def _read_members(path: Path) -> dict[str, bytes]:
    """The members' bytes, after their names, sizes and checksums were checked against the manifest."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sorted(e.filename for e in entries) != sorted(MEMBERS):
                _refuse(path, f"it holds {sorted(e.filename for e in entries)[:8]} instead of {sorted(MEMBERS)}")
            for entry in entries:
                limit = MOST_BYTES.get(entry.filename, MOST_WEIGHTS)
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                    _refuse(path, f"member {entry.filename} is compressed, which is never written")
                if entry.file_size > min(limit, path.stat().st_size):
                    _refuse(path, f"member {entry.filename} claims {entry.file_size:,} bytes")
            members = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        _refuse(path, f"it is no complete zip file ({error})")
    manifest = _strict_json(members["manifest.json"], path)
    if (
        not isinstance(manifest, dict)
        or manifest.get("format") != FORMAT
        or not isinstance(manifest.get("members"), dict)
    ):
        _refuse(path, "its manifest is of another format")
    for name in MEMBERS[1:]:
        expected = manifest["members"].get(name)
        actual = {"sha256": hashlib.sha256(members[name]).hexdigest(), "bytes": len(members[name])}
        if expected != actual:
            _refuse(path, f"member {name} does not have the checksum that the manifest states")
    return members


def _strict_json(content: bytes, path: Path) -> Any:
    """JSON without duplicate keys or NaN; json.loads itself stops at deep nesting."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise ValueError("a key stands twice")
        return dict(pairs)

    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(content, object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        _refuse(path, f"its JSON cannot be read ({error})")


def _record(content: bytes, path: Path) -> ModelRecord:
    _strict_json(content, path)  # pydantic alone would accept duplicate keys
    try:
        return TypeAdapter(ModelRecord).validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        _refuse(path, f"model.json, {where or 'top'}: {first['msg']}")


def _from_json(state_type: type[Any], state: Mapping[str, Any]) -> Any:
    return TypeAdapter(state_type).validate_json(json.dumps(state))


def _known(name: str, table: Mapping[str, Any], path: Path) -> Any:
    if name not in table:
        _refuse(path, f"it names '{name}', which this version does not know")
    return table[name]


def _build(record: ModelRecord, module: nn.Module | None) -> nn.Module:
    if record.module is not None:
        if module is None:
            raise RequestError(
                f"This model was trained with your own network '{record.module}', which a model file never holds as code. "
                "Hand it over: netpick.load(path, module=YourNetwork(...))."
            )
        return UserModule(module, record.inputs, record.num_outputs)
    settings = settings_from_json(record.family, record.inputs, record.settings)
    with torch.random.fork_rng(devices=[]):
        return build_network(record.family, settings, record.inputs, record.num_outputs)


def _load_weights(network: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    expected = network.state_dict()
    if set(expected) != set(weights):
        _refuse(path, f"its weights have other names than the network: {sorted(set(expected) ^ set(weights))[:4]}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype:
            _refuse(path, f"weight {name} is {tuple(tensor.shape)}, not {tuple(expected[name].shape)}")
        if tensor.dtype.is_floating_point and not bool(torch.isfinite(tensor).all()):
            _refuse(path, f"weight {name} holds numbers that are not finite")
    network.load_state_dict(weights)
    network.eval()


def _run_check(loaded: LoadedModel, check: dict[str, Tensor], path: Path) -> None:
    """The stored rows must give the stored outputs."""
    arrays = {name.removeprefix("input."): t.numpy() for name, t in check.items() if name.startswith("input.")}
    wanted = set(loaded.inputs) | {f"{name}.lengths" for name, spec in loaded.inputs.items() if spec.padded}
    if set(arrays) != wanted or "output" not in check:
        _refuse(path, f"its check holds {sorted(check)}")
    for name, spec in loaded.inputs.items():
        if arrays[name].shape[1:] != spec.shape:
            _refuse(path, f"its check holds rows of shape {arrays[name].shape[1:]} for '{name}', not {spec.shape}")
        if spec.cardinalities and ((arrays[name] < 0).any() or (arrays[name] >= np.asarray(spec.cardinalities)).any()):
            _refuse(path, "its check holds codes out of range")
    data = DeviceData(Store(arrays=arrays), loaded.inputs, "cpu")
    rows = np.arange(len(check["output"]), dtype=np.int64)
    outputs = predict_outputs(loaded.network, data, rows)
    if outputs.shape != check["output"].shape:
        _refuse(path, "its stored rows give outputs of another shape")
    scale = max(1.0, float(check["output"].abs().max()) if len(rows) else 1.0)
    difference = float((outputs - check["output"]).abs().max()) if len(rows) else 0.0
    if not difference <= TOLERANCE * scale:
        _refuse(path, f"its stored rows give other outputs than they gave in training (off by {difference:.2g})")


def _refuse(path: Path, why: str) -> NoReturn:
    raise ModelFileError(
        f"{path} is not a model file that can be trusted: {why}. Nothing was loaded. Get the file again, or train it anew."
    )
