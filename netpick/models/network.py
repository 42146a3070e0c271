"""A whole network: one trunk per form, their features side by side, and the output layer.

The family names the trunk of the main form. Other forms of a mixed row take their default: table columns a plain MLP,
a second rich form a CNN.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from netpick.errors import ModelFileError, RequestError
from netpick.models import FAMILIES, MODELS, families_for, main_form
from netpick.models.base import Architecture, Batch, Trunk
from netpick.models.heads import Head
from netpick.models.tabular_mlp import TabularMlpSettings
from netpick.types import Inputs

FORMS_OF: dict[str, tuple[str, ...]] = {"table": ("vector", "codes"), "series": ("series",), "grid": ("grid",)}
SIDE_TABLE = TabularMlpSettings(width=64, layers=1, embedding="periodic", embedding_size=8)
TYPICAL_ROWS = 10_000  # what a second rich form's trunk is sized for


class Network(nn.Module):
    """Batches to outputs (B, O), or (B, M, O) where the trunk of a table has M members; those of mixed rows have one."""

    def __init__(self, trunks: Mapping[str, Trunk], num_outputs: int) -> None:
        super().__init__()
        self.trunks = nn.ModuleDict(trunks)
        members = next(iter(trunks.values())).members
        self.head = Head(sum(trunk.width for trunk in trunks.values()), num_outputs, members)

    def forward(self, batch: Batch) -> Tensor:
        pooled = [trunk(batch).pooled for trunk in self.trunks.values()]
        return self.head(pooled[0] if len(pooled) == 1 else torch.cat(pooled, dim=-1))  # type: ignore[no-any-return]


def build_network(family: str, settings: Any, inputs: Inputs, num_outputs: int) -> Network:
    """A network of that family for these inputs, initialised from torch's current generator.

    `num_outputs`: classes (2 for a binary target), labels, or target values. Raises RequestError where the family does
    not read the data's main form.
    """
    main = main_form(inputs)
    trunks = {main: _architecture(family, inputs).build(_part(inputs, main), settings)}
    for form in FORMS_OF:
        part = _part(inputs, form)
        if form != main and part:
            other = MODELS["mlp" if form == "table" else "cnn", form]
            chosen = SIDE_TABLE if form == "table" else other.presets(part, TYPICAL_ROWS, num_outputs)
            trunks[form] = other.build(part, chosen)
    return Network(trunks, num_outputs)


def settings_from_json(family: str, inputs: Inputs, data: Mapping[str, Any]) -> Any:
    """An architecture's settings from a model file. Raises ModelFileError where they are not of its kind."""
    if (family, main_form(inputs)) not in MODELS:
        raise ModelFileError(
            f"The model file names the family '{family}', but this version knows {', '.join([*FAMILIES, 'layers'])} for such "
            "data. Load it with the version that wrote it."
        )
    adapter = TypeAdapter(MODELS[family, main_form(inputs)].Settings)
    try:
        return adapter.validate_json(json.dumps(dict(data)))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "settings"
        raise ModelFileError(
            f"The model file's setting '{name}' is {first.get('input')!r}, but {first['msg']} was expected. "
            "The file is damaged or of another version; take another copy."
        ) from None


def _architecture(family: str, inputs: Inputs) -> Architecture:
    form = main_form(inputs)
    if (family, form) not in MODELS:
        raise RequestError(
            f"There is no {family} for data of this form ({form}). Choose from: {', '.join(families_for(inputs))}, or spell "
            "a network out with --layers."
        )
    return MODELS[family, form]


def _part(inputs: Inputs, form: str) -> Inputs:
    return {name: inputs[name] for name in FORMS_OF[form] if name in inputs}
