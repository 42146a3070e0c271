"""The model file: one uncompressed zip of data, never code.

`manifest.json` (format, SHA-256 and size of every member), `model.json` (strict JSON: what the inputs are, how they are
encoded, which network, which task), `weights.safetensors`, `check.safetensors` (a few encoded rows and the outputs that
they gave: loading runs them again and refuses on a mismatch) and `card.md`. Every name in it is looked up in a closed
table; nothing is unpickled, evaluated or imported by name. docs/decisions/0009-reading-back.md says what is refused, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from netpick.columns.batches import PREDICT_VALUES, row_values
from netpick.columns.encode import Encoder
from netpick.columns.forms import proved_inputs, proved_rows
from netpick.columns.store import Store
from netpick.disk.files import write_whole
from netpick.disk.members import CARD, CHECK, MEMBERS, RECORD, WEIGHTS
from netpick.disk.strict import Bundle, RefusedError, manifest_of, open_archive, write_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.disk.strict.tensors import Header, TensorSpec, header_of, specs_of, tensors_of
from netpick.errors import ModelFileError, NetpickError, RequestError
from netpick.models.blueprint import build_within, rehearse
from netpick.models.infer import DeviceData, predict_outputs, values_of, weights_of
from netpick.models.networks.module import UserModule
from netpick.models.networks.network import build_network, settings_from_json
from netpick.models.networks.pair_network import NOTHING, generating
from netpick.saved.check_rows import input_specs, require_readable, require_same
from netpick.saved.parts import ModelParts, NoNetworkError, read_parts, refuse
from netpick.saved.record import FORMAT, ModelRecord
from netpick.types import Inputs

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
    count = max(1, min(CHECK_ROWS, PREDICT_VALUES // row_values(proved_inputs(data.inputs))))
    rows = np.arange(min(count, len(next(iter(data.tensors.values())))), dtype=np.int64)
    stored = {name: tensor[: len(rows)].cpu().contiguous().numpy() for name, tensor in data.tensors.items()}
    proved = proved_rows(data.inputs, stored)
    if len(proved) < len(stored):  # pictures are cut
        data = DeviceData(Store(arrays=proved), data.inputs, data.device)
    check = {f"input.{name}": torch.from_numpy(array) for name, array in proved.items()}
    with generating(network, NOTHING):  # a tie between two symbols may fall otherwise on another processor
        check["output"] = values_of(predict_outputs(network, data, rows)).cpu().contiguous()
    members = {
        RECORD: TypeAdapter(ModelRecord).dump_json(record, indent=1),
        WEIGHTS: save_tensors(dict(weights_of(network))),
        CHECK: save_tensors(check),
        CARD: card.encode(),
    }
    write_whole(path, partial(write_archive, members={MANIFEST: manifest_of(FORMAT, members), **members}))


def load_model(path: str | Path, *, module: nn.Module | None = None) -> LoadedModel:
    """Reads a model file and proves it: sizes, checksums, names, shapes, and the outputs of a few stored rows.

    Raises RequestError when the file is not there and ModelFileError for anything wrong with it. A model with a network
    from the user's own code needs that network again as `module`.
    """
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"There is no model file {path}. `netpick fit` writes one: RUN/model.netpick.")
    try:
        with open_archive(path, MEMBERS, FORMAT) as bundle:
            parts = read_parts(bytes(bundle.read(RECORD)), bundle.read(CARD).decode("utf-8", "replace"), path)
            if not parts.record.is_network:
                raise NoNetworkError(parts.record)
            if parts.record.module is not None and module is None:
                raise _NeedsModule(parts.record.module)
            return _load(parts, bundle, module)
    except (ModelFileError, NoNetworkError, _NeedsModule):
        raise
    except (RefusedError, NetpickError) as error:
        refuse(path, str(error).rstrip(".")[:400])
    except (ValueError, LookupError, RuntimeError, TypeError, ArithmeticError, AttributeError, MemoryError) as error:
        # Parts that pass every check above and still do not fit together, in ways that torch finds.
        refuse(path, f"its parts do not fit together ({(str(error) or type(error).__name__).splitlines()[0][:200]})")


class _NeedsModule(RequestError):
    """The user's own network is not in the file."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This model was trained with your own network '{name[:80]}', which a model file never holds as code. "
            "Hand it over: netpick.load(path, module=YourNetwork(...))."
        )


def _load(parts: ModelParts, bundle: Bundle, module: nn.Module | None) -> LoadedModel:
    """The network with its weights, proved by the stored rows. Weights are read once their claims are known to fit."""
    record, inputs = parts.record, parts.inputs
    if bundle.sizes[CHECK] > MEMBERS[CHECK]:
        raise RefusedError("its check is too large")
    check = bundle.read(CHECK)
    stored = header_of(check)
    rows = _check_rows(stored, inputs)
    weights = bundle.read(WEIGHTS)
    header = header_of(weights)
    if module is not None and record.module is not None:
        network: nn.Module = UserModule(module, inputs, record.num_outputs)
        header.require(specs_of(network.state_dict()))
    else:
        settings = settings_from_json(record.family, inputs, record.settings)
        geometry = parts.task.answer.geometry
        build = partial(build_network, record.family, settings, inputs, record.num_outputs, geometry)
        network = build_within(build, weights=header.specs)
        header.require(specs_of(network.state_dict()))
        rehearse(build, proved_inputs(inputs), rows, sum(max(spec.shape, default=1) for spec in header.specs.values()))
    network.load_state_dict(tensors_of(weights, header))
    network.eval()
    _run_check(network, inputs, tensors_of(check, stored))
    return LoadedModel(
        record=record,
        encoders=parts.encoders,
        task_state=parts.task_state,
        inputs=inputs,
        network=network,
        card=parts.card,
    )


def _check_rows(header: Header, inputs: Inputs) -> int:
    """How many rows are stored, all in the form of the inputs. Raises RefusedError."""
    output = header.specs.get("output")
    rows = output.shape[0] if output is not None and output.shape else 0
    if not 1 <= rows <= CHECK_ROWS or output is None:
        raise RefusedError("its check holds no rows")
    header.require({"output": TensorSpec(dtype="float32", shape=output.shape), **input_specs(inputs, rows)})
    return rows


def _run_check(network: nn.Module, inputs: Inputs, check: dict[str, Tensor]) -> None:
    """The stored rows must give the stored outputs. Raises RefusedError."""
    arrays = {name.removeprefix("input."): t.numpy() for name, t in check.items() if name.startswith("input.")}
    require_readable(inputs, arrays)
    data = DeviceData(Store(arrays=arrays), inputs, "cpu")
    with torch.no_grad(), generating(network, NOTHING):
        outputs = values_of(predict_outputs(network, data, np.arange(len(check["output"]), dtype=np.int64)))
    require_same(outputs.numpy(), check["output"].numpy(), TOLERANCE)


__all__ = ["LoadedModel", "load_model", "save_model"]
