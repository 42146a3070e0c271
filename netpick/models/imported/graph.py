"""A network as data: layers by name, each with its settings and where its inputs come from; and the module that it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain
from functools import cached_property
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported import LAYERS
from netpick.models.imported.base import KerasLayer, Shape, Weight, require_moderate
from netpick.models.networks.base import Trained
from netpick.types import STRICT

MOST_LAYERS = 5_000
MOST_IN_ALL = 1 << 29  # values of a row between all layers together


@dataclass(config=STRICT, kw_only=True)
class Node:
    """One layer. Inputs are numbers of nodes before it, from 1; 0 is what the network reads."""

    name: str = Field(max_length=200)
    kind: str = Field(max_length=60)
    inputs: tuple[int, ...] = Field(max_length=1_000)
    mask: int | None = None  # the node that says which steps count, where the graph itself does
    options: dict[str, Any] = Field(default_factory=dict)


@plain(frozen=True)
class Placed:
    """A layer that is read, with the shapes that it gets and gives."""

    node: Node
    layer: KerasLayer
    shapes: tuple[Shape, ...]
    shape: Shape

    @cached_property
    def weights(self) -> Sequence[Weight]:
        with naming(self.node):
            return self.layer.weights(self.shapes)


class naming:
    """Puts the layer's name before what is wrong with it."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RefusedError):
            raise RefusedError(f"its layer '{self.node.name[:80]}' ({self.node.kind[:60]}) {error}") from None


def layer_of(node: Node) -> KerasLayer:
    """The layer with its settings. Raises RefusedError."""
    if node.kind not in LAYERS:
        raise RefusedError("is of a kind that this version does not know")
    try:
        layer: KerasLayer = TypeAdapter(LAYERS[node.kind]).validate_json(json.dumps(node.options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))[:60] or "settings"
        raise RefusedError(f"has '{name}' = {first.get('input')!r:.80}: {first['msg'][:120].lower()}") from None
    return layer


def placed(nodes: Sequence[Node], shape: Shape) -> list[Placed]:
    """Every layer with its shapes, of rows of this shape. Raises RefusedError that names the layer."""
    if not 1 <= len(nodes) <= MOST_LAYERS:
        raise RefusedError(f"it has {len(nodes):,} layers, and 1 to {MOST_LAYERS:,} are read")
    shapes, made, left = [require_moderate(shape)], list[Placed](), MOST_IN_ALL
    for number, node in enumerate(nodes, 1):
        with naming(node):
            layer = layer_of(node)
            fewest, most = layer.inputs
            if not fewest <= len(node.inputs) <= most:
                raise RefusedError(f"has {len(node.inputs)} inputs")
            if any(not 0 <= one < number for one in (*node.inputs, node.mask or 0)):
                raise RefusedError("reads a layer that does not come before it")
            given = tuple(shapes[one] for one in node.inputs)
            if not all(given):
                raise RefusedError("reads rows without any axis")
            out = require_moderate(layer.shape(given))
            left -= max(1, *out) if len(out) == 1 else _values(out)
            if left < 0:
                raise RefusedError("and those before it make more values than any network does")
        shapes.append(out)
        made.append(Placed(node, layer, given, out))
    return made


def _values(shape: Shape) -> int:
    product = 1
    for extent in shape:
        product *= extent
    return product


def module_name(number: int, name: str) -> str:
    """What a layer is called in the state of the network: its place, and the name without what a path could be."""
    plain_name = "".join(c if (c.isalnum() and c.isascii()) or c == "_" else "_" for c in name)[:60]
    return f"{number:03d}_{plain_name}"


class GraphNetwork(Trained):
    """Rows as Keras has them (B, ...) to what the last layer gives."""

    def __init__(self, nodes: Sequence[Node], shape: Shape) -> None:
        super().__init__()
        self.placed = placed(nodes, shape)
        self.parts = nn.ModuleDict()
        self.names: list[str] = []
        last_use = dict.fromkeys(range(len(nodes) + 1), len(nodes) + 1)
        for number, one in enumerate(self.placed, 1):
            with naming(one.node):
                self.names.append(module_name(number, one.node.name))
                self.parts[self.names[-1]] = one.layer.module(one.shapes)
            for read in (*one.node.inputs, *([] if one.node.mask is None else [one.node.mask])):
                last_use[read] = number
        self.done: list[list[int]] = [[] for _ in range(len(nodes) + 2)]  # what is not read any more behind each layer
        for read, number in last_use.items():
            self.done[number].append(read)
        self.shape = self.placed[-1].shape

    def forward(self, x: Tensor) -> Tensor:
        values: dict[int, Tensor] = {0: x}
        masks: dict[int, Tensor | None] = {0: None}
        for number, (one, name) in enumerate(zip(self.placed, self.names, strict=True), 1):
            rows = [values[read] for read in one.node.inputs]
            given = [masks[read] for read in one.node.inputs]
            if one.node.mask is not None:
                given[0] = values[one.node.mask]
            module = self.parts[name]
            if one.layer.mask == "own":
                values[number], masks[number] = module(*rows, *given)
            else:
                values[number] = module(*rows)
                masks[number] = given[0] if one.layer.mask == "pass" else None
            for read in self.done[number]:
                values.pop(read, None)
                masks.pop(read, None)
        return values[len(self.placed)]

    def weights(self) -> Mapping[str, Sequence[Weight]]:
        """By the name of each layer in the state."""
        return {name: one.weights for name, one in zip(self.names, self.placed, strict=True)}
