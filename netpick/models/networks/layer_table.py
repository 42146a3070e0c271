"""What each layer of a spelled-out network takes, does, and makes of the shape it gets.

A layer is one builder function and one line in LAYERS. Builders get the layer as written and the shape before it, and
return a module and the shape behind it; the modules themselves are in layer_steps.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass as settings_dataclass
from torch import nn

from netpick.errors import RequestError
from netpick.models.networks import layer_steps as steps
from netpick.models.networks.blocks import ACTIVATIONS, Activation, Dropout
from netpick.types import STRICT

ShapeKind = Literal["row", "steps", "map"]


@settings_dataclass(config=STRICT, kw_only=True)
class LayerSpec:
    """One layer as written: `conv 64 3 same stride=2 relu`."""

    name: str
    numbers: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    options: dict[str, float] = Field(default_factory=dict)
    activation: Activation = "none"
    inner: tuple[LayerSpec, ...] = ()
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What lies between two layers, without the batch: row (D,), steps (T, C), map (C, H, W)."""

    kind: ShapeKind
    size: tuple[int, ...]

    def __str__(self) -> str:
        if self.kind == "row":
            return f"one row of {self.size[0]} numbers"
        if self.kind == "steps":
            return f"{self.size[0]} steps of {self.size[1]} numbers"
        return f"a map of {self.size[1]} x {self.size[2]} with {self.size[0]} channels"

    @property
    def features(self) -> int:
        return self.size[0] if self.kind == "map" else self.size[-1]


@dataclass(frozen=True, kw_only=True)
class Built:
    """A layer's module and the shape behind it."""

    step: nn.Module
    shape: Shape


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a layer stands: the shape before it, its name in messages, and what follows it."""

    shape: Shape
    where: str
    all_steps: bool = False  # a later layer reads steps, so a recurrent layer passes all of them on


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a layer is written, and which shapes it reads."""

    build: Callable[[LayerSpec, Site], Built]
    reads: tuple[ShapeKind, ...]
    example: str
    numbers: tuple[int, int] = (0, 0)  # how many positional numbers: at least, at most
    words: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    activation: bool = False
    holds_layers: bool = False
    whole: bool = True  # its numbers are whole and positive

    def check(self, spec: LayerSpec, where: str) -> None:
        """Raises RequestError when the numbers are too few, too many, or of the wrong sort."""
        least, most = self.numbers
        if not least <= len(spec.numbers) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise RequestError(f"{where}: needs {wanted} numbers, but has {len(spec.numbers)}. Write {self.example}.")
        values = [*spec.numbers, *spec.options.values()]
        if self.whole and any(value != int(value) or not 1 <= value <= 1_000_000 for value in values):
            raise RequestError(f"{where}: its numbers must be whole and at least 1. Write {self.example}.")
        if not self.whole and any(not 0 <= value < 1 for value in values):
            raise RequestError(f"{where}: its number must be a share from 0 to below 1. Write {self.example}.")


def build_layers(
    layers: tuple[LayerSpec, ...], shape: Shape, skip: int = 0, prefix: str = ""
) -> tuple[nn.ModuleList, Shape]:
    """Modules for the layers from number `skip` on, and the shape at the end. Raises RequestError naming the layer."""
    modules = nn.ModuleList()
    for index in range(skip, len(layers)):
        spec = layers[index]
        where = f"Layer {prefix}{index + 1} '{spec.text}'"
        rule = LAYERS[spec.name]
        if shape.kind not in rule.reads:
            raise RequestError(_misfit(where, rule, shape))
        site = Site(shape=shape, where=where, all_steps=_steps_are_read(layers[index + 1 :]))
        built = rule.build(spec, site)
        modules.append(built.step)
        shape = built.shape
    return modules, shape


def _steps_are_read(later: tuple[LayerSpec, ...]) -> bool:
    for spec in later:
        if spec.name in READS_STEPS:
            return True
        if spec.name not in KEEPS_SHAPE:
            return False
    return False


def _misfit(where: str, rule: Rule, shape: Shape) -> str:
    kinds = {"row": "one row of numbers", "steps": "steps", "map": "a map (image)"}
    needs = " or ".join(kinds[kind] for kind in rule.reads)
    remedy = "Leave it out, or use dense layers."
    if shape.kind == "map":
        remedy = "Add 'flatten' before it."
    elif shape.kind == "steps":
        remedy = "Add 'globalpool' or 'flatten' before it."
    return f"{where} needs {needs}, but gets {shape}. {remedy}"


# --- builders --------------------------------------------------------------------------------------------------------


def _same(shape: Shape, features: int | None = None) -> Shape:
    """The same shape, with other features where given."""
    if features is None:
        return shape
    size = (features, *shape.size[1:]) if shape.kind == "map" else (*shape.size[:-1], features)
    return Shape(kind=shape.kind, size=size)


def _lengths(spec: LayerSpec, site: Site, window: int, stride: int) -> tuple[int, ...]:
    """Extents behind a sliding window, for `same` or valid borders."""
    shape = site.shape
    extents = shape.size[1:] if shape.kind == "map" else shape.size[:1]
    if "same" in spec.words:
        return tuple((extent - 1) // stride + 1 for extent in extents)
    if min(extents) < window:
        raise RequestError(
            f"{site.where} looks at {window} neighbours, but gets {shape}. Use a smaller window, or 'same', or fewer "
            "pooling layers before it."
        )
    return tuple((extent - window) // stride + 1 for extent in extents)


def _window(spec: LayerSpec, site: Site, features: int, window: int, stride: int) -> Shape:
    extents = _lengths(spec, site, window, stride)
    if site.shape.kind == "map":
        return Shape(kind="map", size=(features, *extents))
    return Shape(kind="steps", size=(extents[0], features))


def _conv(spec: LayerSpec, site: Site) -> Built:
    channels, window = int(spec.numbers[0]), int(spec.numbers[1]) if len(spec.numbers) > 1 else 3
    stride = int(spec.options.get("stride", 1))
    shape = _window(spec, site, channels, window, stride)
    convolution = steps.Conv2d if site.shape.kind == "map" else steps.Conv1d
    step = convolution(
        site.shape.features, steps.Window(window, stride, "same" in spec.words), channels, spec.activation
    )
    return Built(step=step, shape=shape)


def _pool(spec: LayerSpec, site: Site) -> Built:
    window = int(spec.numbers[0]) if spec.numbers else 2
    stride = int(spec.options.get("stride", window))
    shape = _window(spec, site, site.shape.features, window, stride)
    pool = steps.Pool2d if site.shape.kind == "map" else steps.Pool1d
    return Built(step=pool(steps.Window(window, stride, "same" in spec.words), spec.name == "maxpool"), shape=shape)


def _globalpool(spec: LayerSpec, site: Site) -> Built:
    return Built(step=steps.GlobalPool("max" in spec.words), shape=Shape(kind="row", size=(site.shape.features,)))


def _dense(spec: LayerSpec, site: Site) -> Built:
    units = int(spec.numbers[0])
    return Built(step=steps.Dense(site.shape.features, units, spec.activation), shape=_same(site.shape, units))


def _dropout(spec: LayerSpec, site: Site) -> Built:
    return Built(step=steps.Plain(Dropout(spec.numbers[0])), shape=site.shape)


def _norm(spec: LayerSpec, site: Site) -> Built:
    norm = steps.BatchNorm if spec.name == "batchnorm" else steps.LayerNorm
    return Built(step=norm(site.shape.features, site.shape.kind == "map"), shape=site.shape)


def _flatten(spec: LayerSpec, site: Site) -> Built:
    size = 1
    for extent in site.shape.size:
        size *= extent
    length = site.shape.size[0] if site.shape.kind == "steps" else 0
    return Built(step=steps.Flatten(length), shape=Shape(kind="row", size=(size,)))


def _embedding(spec: LayerSpec, site: Site) -> Built:
    raise RequestError(
        f"{site.where} turns categories or words into numbers, so it can only be the first layer, on texts or a table with category columns; "
        f"here it gets {site.shape}. Leave it out."
    )


def _as_steps(site: Site) -> tuple[Shape, bool]:
    """Images are read row by row."""
    if site.shape.kind != "map":
        return site.shape, False
    channels, height, width = site.shape.size
    return Shape(kind="steps", size=(height, channels * width)), True


def _recurrent(spec: LayerSpec, site: Site) -> Built:
    shape, rows = _as_steps(site)
    units, both = int(spec.numbers[0]), "bidirectional" in spec.words
    all_steps = site.all_steps or "sequences" in spec.words
    step = steps.Recurrent(spec.name, shape.features, units, steps.RecurrentMode(both, all_steps, rows))
    width = units * (2 if both else 1)
    return Built(step=step, shape=_same(shape, width) if all_steps else Shape(kind="row", size=(width,)))


def _attention(spec: LayerSpec, site: Site) -> Built:
    shape, rows = _as_steps(site)
    heads = int(spec.numbers[0]) if spec.numbers else 4
    if shape.features % heads:
        raise RequestError(
            f"{site.where} splits its numbers over {heads} heads, but gets {shape}, which {heads} does not divide. "
            f"Put 'dense {heads * 16}' before it, or use another number of heads."
        )
    return Built(step=steps.Attention(shape.features, heads, rows), shape=shape)


def _residual(spec: LayerSpec, site: Site) -> Built:
    prefix = site.where.split("'")[0].removeprefix("Layer ").strip() + "."
    inner, end = build_layers(spec.inner, site.shape, prefix=prefix)
    same_extent = end.size[1:] == site.shape.size[1:] if end.kind == "map" else end.size[:-1] == site.shape.size[:-1]
    if end.kind != site.shape.kind or not same_extent:
        raise RequestError(
            f"{site.where} adds its input, {site.shape}, to what its layers make of it, {end}; only the number of "
            "channels may differ. Write 'same' in its conv layers, and pool outside of it."
        )
    return Built(
        step=steps.Residual(inner, site.shape.features, end.features, end.kind == "map", spec.activation), shape=end
    )


def _activation(spec: LayerSpec, site: Site) -> Built:
    return Built(step=steps.ActivationStep(spec.activation, site.shape.kind == "map"), shape=site.shape)


_ANY: tuple[ShapeKind, ...] = ("row", "steps", "map")
_WINDOWED: tuple[ShapeKind, ...] = ("map", "steps")
_RECURRENT_WORDS = ("bidirectional", "sequences")

LAYERS: dict[str, Rule] = {
    "conv": Rule(
        build=_conv, reads=_WINDOWED, numbers=(1, 2), words=("same",), options=("stride",), activation=True,
        example="conv 32 3 same relu (channels, window)",
    ),
    "maxpool": Rule(build=_pool, reads=_WINDOWED, numbers=(0, 1), words=("same",), options=("stride",), example="maxpool 2"),
    "avgpool": Rule(build=_pool, reads=_WINDOWED, numbers=(0, 1), words=("same",), options=("stride",), example="avgpool 2"),
    "globalpool": Rule(build=_globalpool, reads=_WINDOWED, words=("max", "avg"), example="globalpool max"),
    "dense": Rule(build=_dense, reads=("row", "steps"), numbers=(1, 1), activation=True, example="dense 64 relu"),
    "dropout": Rule(build=_dropout, reads=_ANY, numbers=(1, 1), whole=False, example="dropout 0.3"),
    "batchnorm": Rule(build=_norm, reads=_ANY, example="batchnorm"),
    "layernorm": Rule(build=_norm, reads=_ANY, example="layernorm"),
    "flatten": Rule(build=_flatten, reads=_ANY, example="flatten"),
    "embedding": Rule(build=_embedding, reads=_ANY, numbers=(1, 1), example="embedding 8"),
    "rnn": Rule(build=_recurrent, reads=_WINDOWED, numbers=(1, 1), words=_RECURRENT_WORDS, example="rnn 64"),
    "lstm": Rule(build=_recurrent, reads=_WINDOWED, numbers=(1, 1), words=_RECURRENT_WORDS, example="lstm 64 bidirectional"),
    "gru": Rule(build=_recurrent, reads=_WINDOWED, numbers=(1, 1), words=_RECURRENT_WORDS, example="gru 64 sequences"),
    "attention": Rule(build=_attention, reads=_WINDOWED, numbers=(0, 1), example="attention 4 (heads)"),
    "residual": Rule(
        build=_residual, reads=_ANY, holds_layers=True, activation=True,
        example="residual(conv 64 3 same relu, conv 64 3 same) relu",
    ),
    **{name: Rule(build=_activation, reads=_ANY, example=name) for name in ACTIVATIONS if name != "none"},
}  # fmt: skip

READS_STEPS = {"rnn", "lstm", "gru", "attention", "conv", "maxpool", "avgpool", "globalpool"}
KEEPS_SHAPE = {"dropout", "batchnorm", "layernorm", "dense", "residual", *ACTIVATIONS}
