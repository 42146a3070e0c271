"""What a model file of an imported network holds, for a training that begins with it: its layers, and their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from netpick.disk.members import FORMAT, MEMBERS, MOST_RECORD, RECORD, WEIGHTS
from netpick.disk.strict import RefusedError, open_archive, parse_json
from netpick.disk.strict.tensors import header_of, tensors_of
from netpick.errors import RequestError
from netpick.models.networks.imported_network import ImportedSettings

BODY = ".body."  # behind the name of the trunk


def imported_settings(path: Path, form: str) -> dict[str, Any]:
    """The layers and the scale of the rows, by the names of the settings. Raises RequestError, with what to type."""
    if form == "tokens":
        raise RequestError(
            f"imported[weights={path}] was asked for, but the words of this run have other numbers than those that the network was trained on. "
            "It answers texts by its own vocabulary: netpick score MODEL DATA."
        )
    try:
        with open_archive(_there(path), MEMBERS, FORMAT) as bundle:
            record = parse_json(bytes(bundle.read(RECORD)), MOST_RECORD)
        if not isinstance(record, dict) or record.get("family") != "imported":
            raise RefusedError("it is a model of another family than imported")
        settings: ImportedSettings = TypeAdapter(ImportedSettings).validate_json(json.dumps(record.get("settings")))
    except (RefusedError, ValidationError) as error:
        raise RequestError(_refused(path, error)) from None
    made = {name: getattr(settings, name) for name in ImportedSettings.__pydantic_fields__}  # type: ignore[attr-defined]
    return {**made, "factor": 1.0}  # numbers come as the encoders of the run make them


def imported_weights(path: Path) -> Mapping[str, Tensor]:
    """The weights of all but its output layer, by their names in the body. Raises RequestError."""
    try:
        with open_archive(_there(path), MEMBERS, FORMAT) as bundle:
            content = bundle.read(WEIGHTS)
            tensors = tensors_of(content, header_of(content))
    except RefusedError as error:
        raise RequestError(_refused(path, error)) from None
    return {name.partition(BODY)[2]: tensor for name, tensor in tensors.items() if BODY in name}


def _there(path: Path) -> Path:
    if not path.is_file():
        raise RequestError(f"There is no model file {path}. `netpick import model.keras --out {path.name}` writes one.")
    if path.suffix != ".netpick":
        raise RequestError(
            f"{path} is no model file of netpick. Type first: netpick import {path} --out {path.stem}.netpick"
        )
    return path


def _refused(path: Path, error: Exception) -> str:
    why = str(error).splitlines()[0].rstrip(".")[:200]
    return f"{path} is not the file of an imported network: {why}. `netpick import model.keras` writes one."
