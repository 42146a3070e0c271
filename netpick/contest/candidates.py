"""From what the user asked for to candidates: a plan for each, and how to build its network.

`--models` names families or variants of them, `--layers` spells a network out, and Python users hand over modules. Without
any of these, every family that reads the data's main form competes.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import nn

from netpick.columns.forms import FORMS
from netpick.columns.own_encoding import OwnEncoding
from netpick.errors import RequestError
from netpick.models.blueprint import TooLargeError, build_fitting
from netpick.models.infer import supports_bfloat16
from netpick.models.networks import MODELS, NO_SUCH_FAMILY, families_for, main_form, main_input
from netpick.models.networks.base import FEWEST_PASSES, Architecture, Size
from netpick.models.networks.layers import Layers
from netpick.models.networks.module import UserModule
from netpick.models.networks.network import Network, begun, build_network
from netpick.models.networks.pair_network import PairNetwork
from netpick.models.networks.rnn import RecurrentLayer
from netpick.models.networks.text_network import ReadOn
from netpick.models.networks.variants import (
    Variant,
    apply,
    fields_of,
    parse_models,
    parse_recipe,
    pretrained_twins,
)
from netpick.training.augment import default_augment
from netpick.training.optimizers import following_optimizer
from netpick.training.plan import CandidatePlan
from netpick.training.words import require_known
from netpick.types import Inputs
from netpick.types.recipe import Recipe

LARGE_RECURRENT = 25_000  # weights from state to state; below, bf16 gains nothing
LARGE_MATRIX = 100_000  # weights; below, converting costs what computing in bf16 saves
TRAINING_BYTES = 16  # of a weight: itself, its gradient, and two averages that the optimizer keeps
MOST_SPELLED = 80  # letters of a network spelled out that an error repeats


@dataclass(frozen=True, kw_only=True)
class Tunable:
    """What a search may change of a candidate."""

    presets: Mapping[str, Any]  # its settings, and its recipe, by name
    fixed: frozenset[str]  # names that the user gave values for
    known: Mapping[str, Any]  # types of both, with their bounds
    varied: Callable[
        [Mapping[str, Any]], Candidate
    ]  # the same with other values; raises RequestError for what cannot be


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A plan, and a function that builds its network from torch's current generator."""

    plan: CandidatePlan
    build: Callable[[], nn.Module]
    passes: float = FEWEST_PASSES  # over the training rows that its share must afford, or `smaller` is taken
    fewest: float = FEWEST_PASSES  # passes below which the network is not judged
    smaller: Callable[[], Candidate] | None = None  # the next size of the same family; None: this is the smallest
    encoding: OwnEncoding | None = None  # that it reads the rows by; None: as all do
    weights: Path | None = None  # of the user's own, that it begins with
    tunable: Tunable | None = None  # None: of a network that is spelled out


@dataclass(frozen=True, kw_only=True)
class Contestants:
    """What the user asked for, and the data that it is for."""

    inputs: Inputs
    num_outputs: int
    num_rows: int  # to learn from
    labels: tuple[str, ...]
    device: str
    seed: int
    own_inputs: Callable[[OwnEncoding], Inputs] | None = (
        None  # as an architecture with an encoding of its own gets them
    )
    models: str | None = None
    pretrained: bool = False  # every family that has such competes from the weights of others, too
    layers: Sequence[str] = ()
    modules: Sequence[nn.Module] = ()
    recipe: str | None = None
    geometry: str = "pooled"  # of the features that the answer's head reads
    image_augment: bool = True
    seconds: float | None = None  # of the budget, for each candidate; None: sizes do not depend on it


def make_candidates(asked: Contestants) -> list[Candidate]:
    """The candidates in the order of the contest. Raises RequestError for names and settings that do not exist."""
    made: list[Candidate] = []
    variants = parse_models(asked.models, asked.inputs) if asked.models is not None else []
    if not variants and not asked.layers and not asked.modules:
        variants = [Variant(family=f, text=f) for f in families_for(asked.inputs)]
    if asked.pretrained:
        variants += pretrained_twins(variants, asked.inputs)
    count = len(variants) + len(asked.layers) + len(asked.modules)
    asked = replace(asked, seconds=None if asked.seconds is None else asked.seconds / count)
    made += [_from_variant(variant, asked) for variant in variants]
    made += [_from_layers(text, asked) for text in asked.layers]
    made += [_from_module(module, asked) for module in asked.modules]
    names = [candidate.plan.name for candidate in made]
    for i, name in enumerate(names):
        if names.index(name) != i:  # asked for twice: told apart by a number
            made[i] = replace(made[i], plan=replace(made[i].plan, name=f"{name} #{names[:i].count(name) + 1}"))
    return made


def _from_variant(variant: Variant, asked: Contestants, rung: int = 0) -> Candidate:
    form = main_form(asked.inputs)
    if (variant.family, form) not in MODELS:
        fitting = ", ".join(families_for(asked.inputs))
        reason = f": {NO_SUCH_FAMILY[key]}" if (key := (variant.family, form)) in NO_SUCH_FAMILY else ""
        spelled = ", or spell a network out with --layers" if ("layers", form) in MODELS else ""
        raise RequestError(
            f"There is no {variant.family} for data of this form ({form}){reason}. Choose from: {fitting}{spelled}."
        )
    architecture = MODELS[variant.family, form]
    encoding = architecture.encoding(variant.settings, variant.weights)
    shared, asked = asked, asked
    if encoding is not None and asked.own_inputs is not None:
        asked = replace(asked, inputs=asked.own_inputs(encoding))
    sizes = _sizes(architecture, asked)
    size, presets = sizes[rung], sizes[rung].settings
    settings = apply(presets, variant.settings, variant.text)
    recipe = architecture.recipe(asked.inputs, asked.num_rows, asked.num_outputs)
    recipe = _overridden(recipe, {**_default_augment(asked, recipe), **_shared(asked), **variant.recipe}, variant.text)

    def build() -> nn.Module:
        return build_network(variant.family, settings, asked.inputs, asked.num_outputs, asked.geometry)

    def start() -> nn.Module:
        return begun(build(), variant.family, settings, asked.inputs, variant.weights)

    try:
        made = _candidate(variant.text, variant.family, _as_json(settings), recipe, build, asked, start)
    except TooLargeError as error:
        raise RequestError(_too_large(error, *_largest_setting(variant, presets), asked.device)) from None
    remarks = tuple(remark for remark in (size.remark, architecture.origin(settings)) if remark)
    smaller = partial(_from_variant, variant, shared, rung + 1) if rung + 1 < len(sizes) else None
    return replace(
        made,
        plan=replace(made.plan, remarks=remarks),
        passes=size.passes,
        fewest=architecture.fewest_passes,
        smaller=smaller,
        encoding=encoding,
        weights=variant.weights,
        tunable=Tunable(
            presets={**vars(recipe), **vars(settings)},
            fixed=frozenset({*variant.settings, *variant.recipe, *_shared(asked)}),
            known={**fields_of(Recipe), **fields_of(architecture.Settings)},
            varied=partial(_varied, variant, asked, rung),
        ),
    )


def _varied(variant: Variant, asked: Contestants, rung: int, values: Mapping[str, Any]) -> Candidate:
    """The candidate of that size with other values of some settings."""
    own = fields_of(MODELS[variant.family, main_form(asked.inputs)].Settings)
    settings = {name: value for name, value in values.items() if name in own}
    recipe = {name: value for name, value in values.items() if name not in own}
    changed = replace(variant, settings={**variant.settings, **settings}, recipe={**variant.recipe, **recipe})
    return _from_variant(changed, asked, rung)


def _sizes(architecture: Architecture, asked: Contestants) -> Sequence[Size]:
    """Largest first for a budget; what the data alone suggest, for a fixed number of steps."""
    of_data = (asked.inputs, asked.num_rows, asked.num_outputs)
    if asked.seconds is None:
        return [Size(settings=architecture.presets(*of_data), passes=architecture.fewest_passes)]
    return architecture.sizes(*of_data, asked.seconds)


def _from_layers(text: str, asked: Contestants) -> Candidate:
    form = main_form(asked.inputs)
    if ("layers", form) not in MODELS:
        raise RequestError(
            f"Networks that are spelled out do not read data of this form ({form}). Choose from: {', '.join(families_for(asked.inputs))}."
        )
    architecture = MODELS["layers", form]
    settings = architecture.Settings(spec=text)
    recipe = _overridden(
        architecture.recipe(asked.inputs, asked.num_rows, asked.num_outputs), _shared(asked), "--recipe"
    )

    def build() -> nn.Module:
        return build_network("layers", settings, asked.inputs, asked.num_outputs, asked.geometry)

    try:
        return _candidate("layers", "layers", _as_json(settings), recipe, build, asked)
    except TooLargeError as error:
        raise RequestError(_too_large(error, *_spelled_out(text), asked.device)) from None


def _from_module(module: nn.Module, asked: Contestants) -> Candidate:
    if main_form(asked.inputs) == "window":
        raise RequestError(
            f"Your module {type(module).__name__} was handed over for a forecast, but only the families and networks spelled "
            'out can forecast. Pass models="mlp,cnn,rnn,transformer" or layers="lstm 64, lstm 64".'
        )
    if asked.geometry != "pooled":
        raise RequestError(
            f"Your module {type(module).__name__} was handed over for an answer for each step of a row, but only the families give such. "
            'Pass models="mlp,cnn,rnn,transformer".'
        )
    if any(FORMS[spec.form].goes_on for spec in asked.inputs.values()):
        raise RequestError(
            f"Your module {type(module).__name__} was handed over for a text that goes on, but only the families say its next symbol. "
            'Pass models="mlp,cnn,rnn,transformer".'
        )
    if any(FORMS[spec.form].two_sided for spec in asked.inputs.values()):
        raise RequestError(
            f"Your module {type(module).__name__} was handed over for pairs of texts, but only the families generate texts. Pass "
            'models="cnn,rnn,transformer".'
        )
    recipe = _overridden(Layers().recipe(asked.inputs, asked.num_rows, asked.num_outputs), _shared(asked), "recipe")
    start = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    def build() -> nn.Module:
        own = copy.deepcopy(module)  # a second training must not change what the first one answers
        own.load_state_dict(start)  # every training starts from the weights that were handed over
        return UserModule(own, asked.inputs, asked.num_outputs)

    return replace(
        _candidate(type(module).__name__, "module", {}, recipe, build, asked),
        plan=replace(_candidate(type(module).__name__, "module", {}, recipe, build, asked).plan, module=True),
    )


def _candidate(
    name: str,
    family: str,
    settings: dict[str, Any],
    recipe: Recipe,
    build: Callable[[], nn.Module],
    asked: Contestants,
    start: Callable[[], nn.Module] | None = None,
) -> Candidate:
    """start: makes the network with the weights that training starts from, where those are not drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(asked.seed)
        most = machine_memory(asked.device) // TRAINING_BYTES
        network = build() if family == "module" else build_fitting(build, most=most)
    plan = CandidatePlan(
        name=name,
        family=family,
        settings=settings,
        recipe=recipe,
        seed=asked.seed,
        parameters=sum(p.numel() for p in network.parameters()),
        precision=_precision(recipe, network, asked.device),
    )
    return Candidate(plan=plan, build=start or build)


def machine_memory(device: str) -> int:
    """Bytes that the machine has in all, and the GPU where it is to train there."""
    memory = 1 << 40
    with suppress(ValueError, OSError, AttributeError):  # no such figure on this system
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if device.startswith("cuda"):
        memory = min(memory, torch.cuda.get_device_properties(device).total_memory)
    return memory


def _too_large(error: TooLargeError, what: str, advice: str, device: str) -> str:
    more = "more than " if error.at_least else ""
    taken, there = TRAINING_BYTES * error.weights, machine_memory(device)
    if taken <= there:  # not too many weights, but layers without end
        return f"{what}, and the network would have so many layers that building it alone takes minutes. {advice}"
    return (
        f"{what}, and the network would have {more}{_counted(error.weights)} weights. To train them takes "
        f"{more}{_counted(taken // 10**9)} GB of memory, but there are {there / 1e9:,.1f} GB. {advice}"
    )


def _counted(count: int) -> str:
    return f"{count:,}" if count < 10**15 else f"{count:.1e}"


def _largest_setting(variant: Variant, presets: Any) -> tuple[str, str]:
    """The setting that was raised the most above its preset, and what to type instead."""
    if "spec" in variant.settings:
        return _spelled_out(str(variant.settings["spec"]))
    raised = {
        name: value / max(1, getattr(presets, name))
        for name, value in variant.settings.items()
        if isinstance(value, int) and isinstance(getattr(presets, name), int)
    }
    if not raised:
        return (
            f"{variant.text} was asked for",
            "Choose another family with --models, or use data of fewer columns or values.",
        )
    name = max(raised, key=lambda name: raised[name])
    return (
        f"Setting '{name}' is {variant.settings[name]:,} (in {variant.text})",
        f"Give a smaller one: its preset for these data is {variant.family}[{name}={getattr(presets, name)}].",
    )


def _spelled_out(text: str) -> tuple[str, str]:
    cut = text if len(text) <= MOST_SPELLED else f"{text[:MOST_SPELLED]}..."
    return f"The layers '{cut}' were asked for", "Spell out fewer or smaller ones, for example dense 64 relu."


def _precision(recipe: Recipe, network: nn.Module, device: str) -> str:
    """bf16 where the device computes faster in it: on a processor convolutions over images, large matrices, the members of
    a table's MLP, vectors of the many symbols of pairs (a quarter faster), all steps of texts and pieces of music at once (1.4 to 2.2 times
    as fast), LSTMs in torch's kernel and other recurrent layers that
    are wide (up to twice as fast), while narrow ones and small networks gain nothing.
    """
    if recipe.precision != "auto":
        return recipe.precision
    if not supports_bfloat16(device):
        return "float32"
    if device.startswith("cuda"):
        return "bfloat16"
    recurrent = [weights for m in network.modules() if (weights := _recurrent_weights(m))]
    if recurrent:
        kernels = any(isinstance(m, nn.LSTM) for m in network.modules())
        return "bfloat16" if kernels or max(recurrent) >= LARGE_RECURRENT else "float32"
    convolutional = any(isinstance(m, nn.Conv2d) for m in network.modules())
    members = isinstance(network, Network) and network.head.members > 1
    large = any(isinstance(m, nn.Linear) and m.weight.numel() >= LARGE_MATRIX for m in network.modules())
    tied = isinstance(network, PairNetwork) and network.embedding.weight.numel() >= LARGE_MATRIX
    going_on = isinstance(network, ReadOn) and sum(weights.numel() for weights in network.parameters()) >= LARGE_MATRIX
    return "bfloat16" if convolutional or members or large or tied or going_on else "float32"


def _recurrent_weights(module: nn.Module) -> int:
    """Weights from state to state of one direction; 0 for what is no recurrent layer."""
    if isinstance(module, nn.RNNBase):
        return int(module.state_dict()["weight_hh_l0"].numel())
    return module.recurrent_weight[0].numel() if isinstance(module, RecurrentLayer) and module.spelled_out else 0


def _default_augment(asked: Contestants, recipe: Recipe) -> dict[str, Any]:
    """What the data allow, unless the architecture brings its own."""
    main = main_input(asked.inputs)
    if main == "table" or recipe.augment or not asked.image_augment:
        return {}
    return {"augment": default_augment(asked.inputs[main], asked.num_rows, asked.labels).names}


def _overridden(recipe: Recipe, overrides: Mapping[str, Any], label: str) -> Recipe:
    require_known(overrides, label)
    return apply(recipe, {**following_optimizer(recipe, overrides), **overrides}, label)


def _shared(asked: Contestants) -> dict[str, Any]:
    return parse_recipe(asked.recipe) if asked.recipe else {}


def _as_json(settings: Any) -> dict[str, Any]:
    return json.loads(TypeAdapter(type(settings)).dump_json(settings))  # type: ignore[no-any-return]
