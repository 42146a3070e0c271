"""What a Keras model says of itself, as layers in an order: sequences and graphs, models within models, of Keras 1 to 3.

Only layers of a closed table are read, and only settings that this version knows: one that it does not know could change the answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from netpick.disk.strict import RefusedError
from netpick.errors import near_matches
from netpick.models.imported import LAYERS
from netpick.models.imported.activations import ACTIVATIONS
from netpick.models.imported.base import IGNORED, IGNORED_ENDINGS, KerasLayer
from netpick.models.imported.graph import MOST_LAYERS, Node
from netpick.models.imported.wrappers import INNER
from netpick.saved.imported.calls import calls, in_order, named, neutral

MODELS = ("Sequential", "Functional", "Model")
OPERATIONS = ("NotEqual", "LogicalOr", "LogicalAnd", "Add", "Subtract", "Multiply", "Maximum", "Minimum")
OLD_NAMES = {"LeakyReLU": {"alpha": "negative_slope"}}
MOST_NESTED = 8


@dataclass(frozen=True)
class Place:
    """Where a layer's arrays are: the groups of a .keras file, the group of an .h5 file, and its own name."""

    groups: tuple[str, ...]
    top: str
    name: str


@dataclass
class Described:
    """A model of one input and one output. Nodes count from 1; 0 is the input."""

    shape: tuple[int | None, ...]
    nodes: list[Node] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    output: int = 0
    loss: Mapping[str, Any] = field(default_factory=dict)  # "name", "from_logits"
    name: str = ""


def read_config(config: Any, version: str) -> Described:
    """Raises RefusedError that names the layer."""
    if not isinstance(config, dict) or config.get("class_name") not in MODELS:
        kind = config.get("class_name") if isinstance(config, dict) else None
        raise RefusedError(
            f"it is a model of the kind {str(kind)[:60]!r}, which is made by code of its own. Only Sequential and Functional models are read; "
            "build the same layers as one of these and save it again"
        )
    reader = _Reader(version)
    return reader.whole(config)


@dataclass(frozen=True)
class _Level:
    """Where the layers of one model are, within others."""

    groups: tuple[str, ...] = ()
    top: str = ""
    depth: int = 0


class _Reader:
    def __init__(self, version: str) -> None:
        self.old = version.startswith(("1.", "2."))
        self.made = Described(shape=())

    def whole(self, config: Mapping[str, Any]) -> Described:
        inner = _inside(config)
        inputs = _ends(inner, "input_layers")
        if len(inputs) > 1:
            raise RefusedError(
                f"it reads {len(inputs)} inputs ({', '.join(inputs)[:100]}), and models of one input are read"
            )
        shape = _input_shape(config, inputs)
        self.made.shape = shape
        self.made.name = str(inner.get("name", "")) if isinstance(inner, dict) else ""
        self.made.output = self.model(config, 0, _Level())
        self.made.loss = _loss(config)
        return self.made

    def model(self, config: Mapping[str, Any], source: int, level: _Level) -> int:
        """Adds the layers of a model that reads the node `source`; the node of its output."""
        if level.depth > MOST_NESTED:
            raise RefusedError(f"it has models within models, more than {MOST_NESTED} deep")
        inner = _inside(config)
        layers = inner if isinstance(inner, list) else inner.get("layers")
        if not isinstance(layers, list) or not layers or not all(isinstance(layer, dict) for layer in layers):
            raise RefusedError("it has no list of layers")
        if len(layers) + len(self.made.nodes) > MOST_LAYERS:
            raise RefusedError(
                f"it has {len(layers) + len(self.made.nodes):,} layers, and at most {MOST_LAYERS:,} are read"
            )
        groups = group_names(layers)
        if config["class_name"] == "Sequential":
            for layer, group in zip(layers, groups, strict=True):
                if layer.get("class_name") != "InputLayer":
                    source = self.add(layer, [source], None, _below(level, layer, group))
            return source
        return self.graph(inner, layers, groups, source, level)

    def graph(self, inner: Any, layers: Sequence[Any], groups: Sequence[str], source: int, level: _Level) -> int:
        names = [str(layer.get("name") or _inside(layer).get("name")) for layer in layers]
        if len(set(names)) != len(names):
            raise RefusedError("two of its layers have one name")
        outputs = _ends(inner, "output_layers")
        if len(outputs) != 1 or outputs[0] not in names:
            raise RefusedError(
                f"it gives {len(outputs)} outputs ({', '.join(outputs)[:100]}), and models of one output are read"
            )
        inputs = _ends(inner, "input_layers")
        if len(inputs) != 1:
            raise RefusedError(f"its part '{str(inner.get('name'))[:60]}' reads {len(inputs)} inputs, and one is read")
        waiting = {
            name: (layer, group, *calls(layer, name)) for layer, group, name in zip(layers, groups, names, strict=True)
        }
        done: dict[str, int] = {}
        for name in in_order({name: reads for name, (_, _, reads, _) in waiting.items()}, outputs[0]):
            layer, group, reads, settings = waiting[name]
            if layer.get("class_name") == "InputLayer":
                done[name] = source
                continue
            if not reads:
                raise RefusedError(f"its layer '{name[:80]}' reads nothing")
            mask = settings.pop("mask", None)
            given = [
                done[read]
                for read in reads
                if read != mask or reads.count(read) > 1 or read in settings.get("args", ())
            ]
            settings.pop("args", None)
            done[name] = self.add(
                layer, given, None if mask is None else done[mask], _below(level, layer, group), settings
            )
        return done[outputs[0]]

    def add(
        self,
        layer: Mapping[str, Any],
        inputs: list[int],
        mask: int | None,
        place: tuple[_Level, Place],
        settings: Mapping[str, Any] | None = None,
    ) -> int:
        """Adds one layer, or the layers of a model; its node."""
        kind, (level, where) = str(layer.get("class_name")), place
        if kind in MODELS:
            if len(inputs) != 1:
                raise RefusedError(f"its part '{where.name[:80]}' reads {len(inputs)} inputs, and one is read")
            return self.model(layer, inputs[0], level)
        with named(where.name, kind):
            options = self.options(layer)
        options |= settings or {}
        self.made.nodes.append(Node(name=where.name[:200], kind=kind, inputs=tuple(inputs), mask=mask, options=options))
        self.made.places.append(where)
        return len(self.made.nodes)

    def options(self, layer: Mapping[str, Any]) -> dict[str, Any]:
        """Its settings under the names of the table. Raises RefusedError."""
        kind, config = str(layer.get("class_name")), layer.get("config")
        _require_of_keras(layer)
        if kind not in LAYERS:
            what = (
                "runs code that is kept in the file"
                if kind == "Lambda"
                else "is of a kind that this version does not read"
            )
            raise RefusedError(
                f"{what}.{near_matches(kind, LAYERS)} Replace it by layers of Keras that compute the same, and save the model again"
            )
        if not isinstance(config, dict):
            raise RefusedError("has no settings")
        config = {OLD_NAMES.get(kind, {}).get(name, name): value for name, value in config.items()}
        if kind in ("Bidirectional", "TimeDistributed"):
            config = self.wrapped(config)
        return self.known(LAYERS[kind], config)

    def wrapped(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a layer around another."""
        inner, back = config.get("layer"), config.get("backward_layer")
        kind = str(inner.get("class_name")) if isinstance(inner, dict) else ""
        if not isinstance(inner, dict) or kind not in INNER or not isinstance(inner.get("config"), dict):
            raise RefusedError(f"is around a layer of the kind {kind[:60]!r}, and {', '.join(INNER)} are read")
        _require_of_keras(inner)
        name, table = INNER[kind]
        read = self.known(table, inner["config"])
        if isinstance(back, dict):
            backwards = self.known(table, back.get("config") or {})
            if {**backwards, "go_backwards": False} != {**read, "go_backwards": False} or read.get("go_backwards"):
                raise RefusedError("reads with another layer backwards than forwards")
        return {**{k: v for k, v in config.items() if k not in ("layer", "backward_layer")}, "layer": {name: read}}

    def known(self, table: type[KerasLayer], config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that a layer of the table has. Raises RefusedError for one that is set and not known."""
        names = {one.name for one in fields(table)}  # type: ignore[arg-type]
        options: dict[str, Any] = {}
        for name, value in config.items():
            if name in names:
                options[name] = self.value(name, value)
            elif name == "data_format":
                if value not in (None, "channels_last"):
                    raise RefusedError(
                        "reads channels first. Make the model with data_format='channels_last' and copy its weights"
                    )
            elif name == "dtype":
                _require_floats(value)
            elif name not in IGNORED and not name.endswith(IGNORED_ENDINGS) and not neutral(name, value):
                raise RefusedError(f"sets {name[:60]} = {str(value)[:60]}, which this version does not know")
        return options

    def value(self, name: str, value: Any) -> Any:
        if name in ("activation", "recurrent_activation"):
            return self.activation(value)
        if name == "axis" and isinstance(value, list) and len(value) == 1:
            return value[0]
        if name in ("mean", "variance"):
            return _numbers(value)
        return value

    def activation(self, value: Any) -> str:
        if isinstance(value, dict):
            config = value.get("config")
            if (
                value.get("module") in ("keras.activations", "builtins")
                and value.get("registered_name") in (None, "")
                and isinstance(config, str)
            ):
                value = config
            else:
                said = config if isinstance(config, str) else value.get("class_name")
                raise RefusedError(
                    f"has the activation {str(said)[:60]!r}, a function of its own. Use a layer of Keras behind it instead"
                )
        name = "linear" if value is None else value
        if not isinstance(name, str) or name not in ACTIVATIONS:
            raise RefusedError(f"has the activation {str(name)[:60]!r}, which this version does not know")
        return "hard_sigmoid_2" if self.old and name == "hard_sigmoid" else name


# --- pieces of a description -----------------------------------------------------------------------------------------


def _inside(layer: Any) -> Any:
    inner = layer.get("config") if isinstance(layer, dict) else None
    if not isinstance(inner, (dict, list)):
        raise RefusedError("a layer or model of it has no settings")
    return inner


def _below(level: _Level, layer: Mapping[str, Any], group: str) -> tuple[_Level, Place]:
    inner = _inside(layer)
    name = str(layer.get("name") or (inner.get("name") if isinstance(inner, dict) else "") or group)
    groups, top = (*level.groups, group), level.top or name
    return _Level(groups, top, level.depth + 1), Place(groups, top, name)


def group_names(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a .keras file calls the groups of layers: their kind in snake case, numbered where it comes again."""
    counts: dict[str, int] = {}
    names: list[str] = []
    for layer in layers:
        name = _snake(str(layer.get("class_name")))
        if ".ops" in str(layer.get("module")):  # a step of the graph, not a layer
            names.append("")
            continue
        counts[name] = counts.get(name, -1) + 1
        names.append(f"{name}_{counts[name]}" if counts[name] else name)
    return names


def _snake(name: str) -> str:
    name = re.sub(r"\W+", "", name[:100])
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _ends(inner: Any, key: str) -> list[str]:
    """Names of the input or output layers of a graph."""
    ends = inner.get(key) if isinstance(inner, dict) else None
    if isinstance(ends, dict):
        ends = list(ends.values())
    if not isinstance(ends, list):
        return []
    if len(ends) == 3 and isinstance(ends[0], str):
        ends = [ends]
    return [str(end[0]) for end in ends if isinstance(end, list) and end]


def _input_shape(config: Mapping[str, Any], inputs: Sequence[str]) -> tuple[int | None, ...]:
    """Of a row, None where it may be any."""
    inner = _inside(config)
    layers = inner if isinstance(inner, list) else inner.get("layers")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, dict) for layer in layers):
        raise RefusedError("it has no list of layers")
    first = next(
        (layer for layer in layers if not inputs or (layer.get("name") or _inside(layer).get("name")) == inputs[0]),
        layers[0],
    )
    said = _inside(first)
    if isinstance(said, dict):
        for shape in (
            said.get("batch_shape"),
            said.get("batch_input_shape"),
            inner.get("build_input_shape") if isinstance(inner, dict) else None,
        ):
            if isinstance(shape, list) and shape and all(extent is None or type(extent) is int for extent in shape):
                return tuple(shape[1:])
    if first.get("class_name") in MODELS:
        return _input_shape(first, _ends(said, "input_layers"))
    raise RefusedError(
        "it does not say the shape of its input. Build it before saving, with keras.Input(shape) as its first layer"
    )


def _require_of_keras(layer: Mapping[str, Any]) -> None:
    """Raises RefusedError for a class of the maker's own."""
    module, registered = layer.get("module"), layer.get("registered_name")
    own = isinstance(registered, str) and ">" in registered
    plain = module is None or (
        isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras", "tensorflow", "keras_core")
    )
    if own or not plain:
        raise RefusedError(
            "is of the maker's own code (a custom object), which is never loaded. Replace it by layers of Keras"
        )
    if isinstance(module, str) and ".ops" in module and layer.get("class_name") not in OPERATIONS:
        raise RefusedError("is a computation outside of layers, which this version does not read. Use layers instead")


def _require_floats(policy: Any) -> None:
    name = policy.get("config", {}).get("name") if isinstance(policy, dict) else policy
    if policy is not None and not re.fullmatch(r"(mixed_)?b?float(16|32|64)|int32|int64|bool", str(name)):
        raise RefusedError(f"computes in {str(name)[:40]}, and float32 is read")


def _numbers(value: Any) -> Any:
    """Numbers as a flat list, out of the ways in which Keras writes arrays."""
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"].get("value")
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return value


def _loss(config: Mapping[str, Any]) -> dict[str, Any]:
    compiled = config.get("compile_config")
    loss = compiled.get("loss") if isinstance(compiled, dict) else None
    if isinstance(loss, str):
        return {"name": loss.lower()}
    inner = loss.get("config") if isinstance(loss, dict) else None
    if isinstance(loss, dict) and isinstance(inner, dict):
        return {"name": _snake(str(loss.get("class_name"))), "from_logits": bool(inner.get("from_logits"))}
    return {}
