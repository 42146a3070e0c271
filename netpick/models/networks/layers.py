"""Networks spelled out: "conv 32 3 relu, maxpool 2, conv 64 3 relu, maxpool 2, flatten, dense 64 relu".

A network is a comma-separated list of layers. A layer is a name, positional numbers, an activation or other words, and
key=value options; `residual(...)` holds layers of its own. The output layer is added by the head. Shapes are followed
through the list before anything is built, so that an error names the layer that does not fit.

This file holds the grammar and the architecture; what each layer does is in layer_table.py.
"""

from __future__ import annotations

import math
import re
from typing import Any, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.errors import RequestError, near_matches
from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import ACTIVATIONS, Activation
from netpick.models.networks.layer_table import LAYERS, LayerSpec, Shape, build_layers
from netpick.models.networks.stems import GridStem, SeriesStem
from netpick.models.networks.table_inputs import CodeEmbedding, TableInput
from netpick.models.networks.text_stem import TokenStem
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import Recipe

MOST_NESTED = 20
TOKEN_WIDTH = 64  # of the vectors of words, unless the first layer is "embedding N"
EXAMPLES = {
    "table": "dense 64 relu, dense 64 relu",
    "tokens": "embedding 64, gru 64 bidirectional, globalpool",
    "series": "conv 32 5 same relu, conv 64 5 same relu, globalpool",
    "grid": "conv 32 3 relu, maxpool 2, conv 64 3 relu, maxpool 2, flatten, dense 64 relu",
}


@dataclass(config=STRICT, kw_only=True)
class LayersSettings:
    """The network as text; it is parsed anew wherever it is built."""

    spec: str = Field(min_length=1, max_length=20_000)


def parse_layers(text: str) -> tuple[LayerSpec, ...]:
    """The layers of a spelled-out network. Raises RequestError that names the layer and the near matches."""
    return _parse_list(text, "")


def _parse_list(text: str, prefix: str) -> tuple[LayerSpec, ...]:
    parts = _split(text)
    if not parts:
        raise RequestError(
            f"A network without layers was given ('{text}'). Write for example --layers \"{EXAMPLES['table']}\"."
        )
    return tuple(_parse_layer(part, f"{prefix}{number}") for number, part in enumerate(parts, start=1))


def _parse_layer(text: str, number: str) -> LayerSpec:
    where = f"Layer {number} '{text}'"
    inner: tuple[LayerSpec, ...] = ()
    outer = text
    if "(" in text:
        before, _, rest = text.partition("(")
        inside, _, after = rest.rpartition(")")
        inner, outer = _parse_list(inside, f"{number}."), f"{before} {after}"
    words = outer.split()
    name = words[0].lower() if words else ""
    if name not in LAYERS:
        raise RequestError(f"{where}: there is no layer '{name}'.{near_matches(name, LAYERS)}")
    rule = LAYERS[name]
    if bool(inner) != rule.holds_layers:
        raise RequestError(
            f"{where}: only residual holds layers in parentheses, and it needs some. Write {rule.example}."
        )
    numbers: list[float] = []
    flags: list[str] = []
    options: dict[str, float] = {}
    activation = name if name in ACTIVATIONS else "none"
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if equals:
            if key not in rule.options:
                raise RequestError(
                    f"{where}: '{name}' has no option '{key}'.{near_matches(key, rule.options or ('none',))}"
                )
            options[key] = _number(value, where, rule.example)
        elif re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", word):
            numbers.append(_number(word, where, rule.example))
        elif word in ACTIVATIONS and rule.activation:
            activation = word
        elif word in rule.words:
            flags.append(word)
        else:
            known = [*rule.words, *(ACTIVATIONS if rule.activation else ()), *(f"{key}=" for key in rule.options)]
            hint = near_matches(word, known) if known else f" Write {rule.example}."
            raise RequestError(f"{where}: '{word}' means nothing here.{hint}")
    spec = LayerSpec(
        name=name, numbers=tuple(numbers), words=tuple(flags), options=options,
        activation=cast(Activation, activation), inner=inner, text=" ".join(text.split()),
    )  # fmt: skip
    rule.check(spec, where)
    return spec


def _number(text: str, where: str, example: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{where}: '{text}' is no number. Write for example {example}.")
    return number


def _split(text: str) -> list[str]:
    """Parts between commas outside of parentheses; raises RequestError where these do not match."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth > MOST_NESTED:
            raise RequestError(
                f"The layers '{text[:60]}...' are nested more than {MOST_NESTED} deep, but that is the most. Leave out some residual(...)."
            )
        if depth < 0:
            break
        if letter == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth != 0:
        raise RequestError(
            f"The parentheses of '{text}' do not match. Write residual(conv 64 3 same relu, conv 64 3 same)."
        )
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


class GridOpening(nn.Module):
    """Images as normalised floats; nothing is padded."""

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.stem = GridStem(spec)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        return self.stem(batch), None


class TableOpening(nn.Module):
    """One row of numbers: the vector, and the codes one-hot or as learned vectors of `embedding` numbers each."""

    def __init__(self, inputs: Inputs, embedding: int) -> None:
        super().__init__()
        self.table: TableInput | None = None
        self.codes: CodeEmbedding | None = None
        self.reads_numbers = "vector" in inputs
        if embedding:
            self.codes = CodeEmbedding(inputs["codes"].cardinalities, embedding)
            numbers = inputs["vector"].shape[0] if "vector" in inputs else 0
            self.width = numbers + embedding * len(inputs["codes"].cardinalities)
        else:
            largest = max(inputs["codes"].cardinalities, default=0) if "codes" in inputs else 0
            self.table = TableInput(inputs, one_hot_up_to=largest)
            self.width = self.table.width

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        if self.table is not None:
            return self.table(batch), None
        assert self.codes is not None
        embedded = self.codes(batch["codes"]).flatten(1)
        return (torch.cat([batch["vector"].float(), embedded], dim=1) if self.reads_numbers else embedded), None


class TokenOpening(nn.Module):
    """Texts as vectors (B, T, D) and their mask; of the full length where a layer behind counts on it."""

    def __init__(self, spec: InputSpec, width: int, *, whole: bool) -> None:
        super().__init__()
        self.stem = TokenStem(spec, width)
        self.length = spec.shape[0] if whole else 0

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        vectors, mask = self.stem(batch)
        missing = max(0, self.length - vectors.shape[1])
        return functional.pad(vectors, (0, 0, 0, missing)), functional.pad(mask, (0, missing))


class LayersTrunk(Trunk):
    """The spelled-out network without its output layer."""

    def __init__(self, inputs: Inputs, spec: str) -> None:
        super().__init__()
        layers = parse_layers(spec)
        skip = 0
        if "grid" in inputs:
            self.opening: nn.Module = GridOpening(inputs["grid"])
            shape = Shape(kind="map", size=inputs["grid"].shape)
        elif "tokens" in inputs:
            skip = int(layers[0].name == "embedding")
            width = int(layers[0].numbers[0]) if skip else TOKEN_WIDTH
            self.opening = TokenOpening(inputs["tokens"], width, whole="flatten" in spec)
            shape = Shape(kind="steps", size=(inputs["tokens"].shape[0], width))
        elif "series" in inputs:
            self.opening = SeriesStem(inputs["series"])
            shape = Shape(kind="steps", size=inputs["series"].shape)
        else:
            embeds = layers[0].name == "embedding" and "codes" in inputs
            table = TableOpening(inputs, int(layers[0].numbers[0]) if embeds else 0)
            self.opening, shape, skip = table, Shape(kind="row", size=(table.width,)), int(embeds)
        self.steps, end = build_layers(layers, shape, skip)
        if end.kind != "row":
            remedy = (
                "'flatten' or 'globalpool'" if end.kind == "map" else "'globalpool', 'flatten' or a recurrent layer"
            )
            raise RequestError(
                f"The network ends after layer {len(layers)} '{layers[-1].text}' with {end}, but its output layer needs "
                f"one row of numbers. Add {remedy} at the end."
            )
        self.width = end.size[0]

    def forward(self, batch: Batch) -> Features:
        x, mask = self.opening(batch)
        for step in self.steps:
            x, mask = step(x, mask)
        return Features(x)


class Layers(Architecture):
    """A network that the user spells out, on any form."""

    Settings = LayersSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> LayersSettings:
        form = next((form for form in ("grid", "tokens", "series") if form in inputs), "table")
        return LayersSettings(spec=EXAMPLES[form])

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        batch_size = 32 if num_rows < 2_000 else 128 if num_rows < 50_000 else 256
        # Four rows are fitted, not generalised from: a high constant rate leaves the plateaus of XOR soonest.
        if num_rows < 50:
            return Recipe(learning_rate=1e-2, schedule="constant", warmup=0.0, batch_size=batch_size)
        rate = 3e-3 if "vector" in inputs or "codes" in inputs else 2e-3
        return Recipe(learning_rate=rate, schedule="onecycle", warmup=0.2, batch_size=batch_size, weight_decay=1e-2)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return LayersTrunk(inputs, settings.spec)
