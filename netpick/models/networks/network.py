"""A whole network: one trunk per input, their features side by side, and the output layer.

The family names the trunk of the main input. The other inputs of a mixed row take their default: table columns a plain MLP,
a further text, picture or series a CNN. Their features are mixed by a hidden layer before the output: an output layer alone
can only add up what each input says, and learns nothing where one input decides what the other means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from netpick.columns.forms import JOINED
from netpick.errors import ModelFileError, RequestError
from netpick.models.infer import Members, Outputs
from netpick.models.networks import MODELS, families_for, main_form, main_input
from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import linear
from netpick.models.networks.chord_network import ChordNetwork
from netpick.models.networks.detect_network import DetectNetwork
from netpick.models.networks.forecast_network import ForecastNetwork
from netpick.models.networks.heads import HEADS
from netpick.models.networks.pair_network import PairNetwork
from netpick.models.networks.record_network import RecordNetwork
from netpick.models.networks.speech_network import SpeechNetwork
from netpick.models.networks.tabular_mlp import TabularMlpSettings
from netpick.models.networks.text_network import TextNetwork
from netpick.types import Inputs

# California housing beside a picture of noise, five seeds: R2 0.02 better than with periodic embeddings, 0.03 than trees.
SIDE_TABLE = TabularMlpSettings(width=128, layers=1, embedding="ple", embedding_size=16)
TYPICAL_ROWS = 10_000  # what a second rich form's trunk is sized for
MIXED_WIDTH = 128  # of the hidden layer over the features of all trunks


class Mixing(nn.Module):
    """Features (B, D_i) of several trunks to one row (B, width): all of them, each normalised, and a hidden layer over them.

    Measured on pictures and numbers of which neither alone tells the class (tests/mixed_table.py): without the hidden layer
    chance, with it 0.97. Products of the features and a hidden layer behind narrow projections were no better.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.hidden = linear(sum(widths), MIXED_WIDTH, "relu")
        self.width = sum(widths) + MIXED_WIDTH

    def forward(self, pooled: Sequence[Tensor]) -> Tensor:
        features = torch.cat([norm(one.float()) for norm, one in zip(self.norms, pooled, strict=True)], dim=-1)
        return torch.cat([features, self.hidden(features).relu()], dim=-1)


class Network(nn.Module):
    """Batches to outputs of one geometry, by the head for it; those of a step have one more behind them, 1 where the row has the step.

    The first trunk is that of the main input, which steps and places are of. Trunks of a table may have members, those of
    mixed rows have none.
    """

    def __init__(self, trunks: Mapping[str, Trunk], num_outputs: int, geometry: str = "pooled") -> None:
        super().__init__()
        self.names, self.geometry = list(trunks), geometry
        self.trunks = nn.ModuleDict({name.replace(".", "_"): trunk for name, trunk in trunks.items()})
        main, *others = trunks.values()
        width = HEADS[geometry].width(main)
        self.mixing: Mixing | None = None
        if others and geometry == "pooled":
            self.mixing = Mixing([main.width, *(other.width for other in others)])
            width = self.mixing.width
        elif others:
            width += sum(other.width for other in others)
        self.head = HEADS[geometry](width, num_outputs, members=main.members, group=main.group)

    def forward(self, batch: Batch) -> Outputs:
        features: list[Features] = [
            trunk(_renamed(batch, name)) for name, trunk in zip(self.names, self.trunks.values(), strict=True)
        ]
        main, *others = features
        if self.mixing is not None:
            main = Features(self.mixing([one.pooled for one in features]))
        elif others:
            main = _beside(main, [other.pooled for other in others])
        outputs: Outputs = self.head(main, batch.get(self.names[0], main.pooled))
        mask = batch.get(f"{self.names[0]}.mask")
        if self.geometry != "steps" or isinstance(outputs, Members):
            return outputs
        there = outputs.new_ones(outputs.shape[:2]) if mask is None else mask.to(outputs.dtype)
        return torch.cat([outputs, there.unsqueeze(2)], dim=2)


def build_network(
    family: str, settings: Any, inputs: Inputs, num_outputs: int, geometry: str = "pooled"
) -> (
    Network | ForecastNetwork | TextNetwork | ChordNetwork | SpeechNetwork | PairNetwork | DetectNetwork | RecordNetwork
):
    """A network of that family for these inputs, initialised from torch's current generator.

    `num_outputs`: classes (2 for a binary target), labels, or target values, for a row, or for each of its steps or places.
    Raises RequestError where the family does not read the data's main form, or has no features of that geometry.
    """
    main = main_input(inputs)
    if main == "window":
        return ForecastNetwork(_architecture(family, inputs).build(inputs, settings), inputs)  # type: ignore[arg-type]
    if main == "stream":
        return TextNetwork(_architecture(family, inputs).build(inputs, settings), inputs)  # type: ignore[arg-type]
    if main == "chords":
        return ChordNetwork(_architecture(family, inputs).build(inputs, settings), inputs)  # type: ignore[arg-type]
    if main == "record":
        return _architecture(family, inputs).build(inputs, settings)  # type: ignore[return-value]
    if main_form(inputs) == "speech":
        return SpeechNetwork(_architecture(family, inputs).build(inputs, settings), num_outputs)
    if main_form(inputs) == "objects":
        return DetectNetwork(_architecture(family, inputs).build(_part(inputs, main), settings), main, num_outputs)
    if main == "pair":
        return PairNetwork(_architecture(family, inputs).build(inputs, settings), inputs)  # type: ignore[arg-type]
    trunks = {main: _architecture(family, inputs).build(_part(inputs, main), settings)}
    if HEADS[geometry].width(trunks[main]) == 0:
        raise RequestError(
            f"The {family} reads data of this form ({main_form(inputs)}) as a whole, but the answer is one for every "
            f"{HEADS[geometry].noun}. Choose another family with --models."
        )
    others = ["table"] if any(name in inputs for name in JOINED) else []
    for name in [*others, *(name for name in inputs if name not in JOINED)]:
        if name != main:
            part = _part(inputs, name)
            other = MODELS["mlp" if name == "table" else "cnn", main_form(part)]
            chosen = SIDE_TABLE if name == "table" else other.presets(part, TYPICAL_ROWS, num_outputs)
            trunks[name] = other.build(part, chosen)
    return Network(trunks, num_outputs, geometry)


def begun(network: nn.Module, family: str, settings: Any, inputs: Inputs, weights: Path | None) -> nn.Module:
    """The network with the weights that its training starts from, where others have trained some. weights: the user's own file."""
    if isinstance(network, Network):
        main = network.trunks[main_input(inputs).replace(".", "_")]
        MODELS[family, main_form(inputs)].begin(main, settings, weights)
    return network


def settings_from_json(family: str, inputs: Inputs, data: Mapping[str, Any]) -> Any:
    """An architecture's settings from a model file. Raises ModelFileError where they are not of its kind."""
    form = main_form(inputs)
    if (family, form) not in MODELS:
        known = ", ".join(name for name, read in MODELS if read == form)
        raise ModelFileError(
            f"The model file names the family '{family[:60]}', but this version knows {known} for such data. Load it with the "
            "version that wrote it."
        )
    adapter = TypeAdapter(MODELS[family, form].Settings)
    try:
        return adapter.validate_json(json.dumps(dict(data)))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))[:60] or "settings"
        raise ModelFileError(
            f"The model file's setting '{name}' is {first.get('input')!r:.80}, but {first['msg'][:200]} was expected. "
            "The file is damaged or of another version; take another copy."
        ) from None


def _architecture(family: str, inputs: Inputs) -> Architecture:
    form = main_form(inputs)
    if family == "layers" and (family, form) not in MODELS:
        known = families_for(inputs)
        raise RequestError(
            f"Networks that are spelled out do not read data of this form ({form}). Choose from: {', '.join(known)}, with "
            f"settings in brackets, for example --models '{known[0]}[dropout=0.2]'."
        )
    if (family, form) not in MODELS:
        raise RequestError(
            f"There is no {family} for data of this form ({form}). Choose from: {', '.join(families_for(inputs))}, or spell "
            "a network out with --layers."
        )
    return MODELS[family, form]


def _part(inputs: Inputs, name: str) -> Inputs:
    """What one trunk reads, under the plain names of the forms."""
    if name == "table":
        return {form: inputs[form] for form in JOINED if form in inputs}
    return {inputs[name].form: inputs[name]}


def _beside(main: Features, others: Sequence[Tensor]) -> Features:
    """Steps and places of the main input, each with the features (B, D) of all other inputs behind its own."""
    steps, places = main.steps, main.map
    for pooled in others:
        if steps is not None:
            steps = torch.cat([steps, pooled.unsqueeze(1).expand(-1, steps.shape[1], -1)], dim=2)
        if places is not None:
            places = torch.cat([places, pooled[:, :, None, None].expand(-1, -1, *places.shape[2:])], dim=1)
    return main._replace(steps=steps, map=places)


def _renamed(batch: Batch, name: str) -> Batch:
    """The batch with a second column's input ("tokens:NAME") in the place of the first one's."""
    form, colon, _ = name.partition(":")
    if not colon:
        return batch
    made = {form: batch[name]}
    if f"{name}.mask" in batch:
        made[f"{form}.mask"] = batch[f"{name}.mask"]
    return made
