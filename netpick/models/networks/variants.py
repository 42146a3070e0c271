"""Variants are data: `rnn`, `rnn[cell=gru,layers=2]`, `mlp[activation=sigmoid,optimizer=sgd]`.

One bracket sets both the architecture's settings and the recipe. Values become what the setting says: numbers, words,
true or false, and lists joined by `+` or `|` (`augment=flip+shift`). In `layers[...]` the network itself stands in the
bracket: `layers[dense 8 relu, dense 4 relu, optimizer=sgd]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from netpick.errors import RequestError, near_matches
from netpick.models.backbones import BACKBONES
from netpick.models.backbones.folder import read_encoder
from netpick.models.backbones.found import best_here, recognised, unknown_weights
from netpick.models.networks import MODELS, families_for, main_form
from netpick.types import Inputs
from netpick.types.recipe import Recipe

Settings = TypeVar("Settings")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A family with what its bracket sets; `text` is its name in the contest."""

    family: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    text: str
    weights: Path | None = None  # of the user's own, that it begins with


def parse_models(text: str, inputs: Inputs | None = None) -> list[Variant]:
    """Variants from a comma-separated list; with `inputs`, settings are those of the data's main form.

    Raises RequestError for an unknown family, setting or value, naming the near matches.
    """
    form = None if inputs is None else main_form(inputs)
    parts = split_list(text, text)
    if not parts:
        raise RequestError("--models is empty, but needs at least one family. Type for example --models mlp,cnn,rnn.")
    families = tuple(dict.fromkeys(family for family, _ in MODELS))
    variants = []
    for part in parts:
        family, bracket, rest = part.partition("[")
        family = family.strip()
        if family not in families:
            known = families_for(inputs) if inputs is not None else families
            raise RequestError(
                f"There is no model family '{family}' (in --models {text}).{near_matches(family, known)}"
            )
        if bracket and not rest.rstrip().endswith("]"):
            raise RequestError(
                f"'{part}' opens a bracket that does not end with it. Write it like rnn[cell=gru,layers=2]."
            )
        inside = rest.rstrip()[:-1] if bracket else ""
        if family == "imported" and inputs is not None:
            variants.append(_imported(form or "", inside, part))
            continue
        begun = re.search(r"(?:^|,)\s*pretrained\s*=\s*([^,]+)", inside)
        if begun is None or not _has_pretrained(family, form):
            variants.append(_variant(family, form, inside, part))
            continue
        named, weights = begun[1].strip(), None
        if named not in BACKBONES:
            weights = Path(named)
            inside, part = inside.replace(named, _of_the_users_own(weights, family)), part.replace(named, weights.name)
        variants.append(replace(_variant(f"{family}_pretrained", form, inside, part), weights=weights))
    return variants


def _imported(form: str, inside: str, part: str) -> Variant:
    """A network that `netpick import` wrote to a file, as `weights=FILE` says."""
    from netpick.models.networks.imported_file import imported_settings

    named = re.search(r"(?:^|,)\s*weights\s*=\s*([^,]+)", inside)
    if named is None:
        return _variant("imported", form, inside, part)
    path = Path(named[1].strip())
    rest = (inside[: named.start()] + inside[named.end() :]).strip(", ")
    variant = _variant("imported", form, rest, part.replace(named[1].strip(), path.name))
    return replace(variant, settings={**imported_settings(path, form), **variant.settings}, weights=path)


def _of_the_users_own(weights: Path, family: str) -> str:
    """What a file or folder of the user's own sets, as it would stand in a bracket. Raises RequestError, with what to type."""
    if family == "transformer" and weights.is_dir():
        folder = read_encoder(weights)
        shape = {"width": folder.shape.width, "layers": folder.shape.layers, "heads": folder.shape.heads}
        shape |= {"hidden": folder.shape.hidden, "places": folder.shape.places}
        return ",".join(["folder", *(f"{name}={value}" for name, value in shape.items())])
    if weights.suffix == ".safetensors":
        return recognised(weights)
    raise RequestError(unknown_weights(str(weights)))


def _has_pretrained(family: str, form: str | None) -> bool:
    return any(name == f"{family}_pretrained" and form in (None, read) for name, read in MODELS)


def pretrained_twins(variants: Sequence[Variant], inputs: Inputs) -> list[Variant]:
    """The same families from the weights of others, where the family has such for these data and they are on this machine.

    Raises RequestError where there are none, with what to type.
    """
    form = main_form(inputs)
    able = [v.family for v in variants if (f"{v.family}_pretrained", form) in MODELS]
    if not able:
        raise RequestError(
            f"--pretrained was asked for, but there is no pretrained network for data of this form ({form}) among the ones that compete, only "
            "for images (cnn) and texts (transformer). Leave it out, or add one of these with --models."
        )
    name = best_here(form)
    texts = dict.fromkeys(f"{family}[pretrained={name}]" for family in able)
    return [
        variant for text in texts for variant in parse_models(text, inputs) if text not in {v.text for v in variants}
    ]


def parse_recipe(text: str) -> dict[str, Any]:
    """Recipe settings from `optimizer=sgd,learning_rate=0.1`. Raises RequestError for unknown names and values."""
    known = fields_of(Recipe)
    return dict(_assignment(item, known, "--recipe") for item in split_list(text, text))


def apply(value: Settings, overrides: Mapping[str, Any], label: str = "") -> Settings:
    """`value` (settings or a recipe) with some fields replaced, checked as strictly as it was built.

    Raises RequestError for an unknown field or a value out of range; `label` says where it was asked for.
    """
    if not overrides:
        return value
    kind = type(value)
    known = fields_of(kind)
    where = f" (in {label})" if label else ""
    for name in overrides:
        if name not in known:
            raise RequestError(f"There is no setting '{name}' here{where}.{near_matches(name, known)}")
    current = {name: getattr(value, name) for name in known}
    try:
        return kind(**(current | dict(overrides)))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise RequestError(
            f"Setting '{name}' is {first['input']!r}{where}, but: {_plain(first['msg'])}. Give another value."
        ) from None


def _variant(family: str, form: str | None, inside: str, text: str) -> Variant:
    settings_known: dict[str, Any] = {}
    for other, other_form in MODELS:
        if other == family and form in (None, other_form):
            settings_known |= fields_of(MODELS[other, other_form].Settings)
    recipe_known = fields_of(Recipe)
    settings: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    spelled: list[str] = []  # the layers of a network spelled out
    for item in split_list(inside, text):
        name = item.partition("=")[0].strip()
        if family == "layers" and name not in recipe_known and name != "spec":
            spelled.append(item)
        elif name in settings_known:
            settings |= [_assignment(item, settings_known, text)]
        else:
            recipe |= [_assignment(item, {**recipe_known, **settings_known}, text)]
    if spelled:
        settings["spec"] = ", ".join(spelled)
    return Variant(family=family, settings=settings, recipe=recipe, text=text)


def _assignment(item: str, known: Mapping[str, Any], label: str) -> tuple[str, Any]:
    name, equals, value = (part.strip() for part in item.partition("="))
    if not equals:
        raise RequestError(f"'{item}' (in {label}) sets nothing. Write name=value, for example learning_rate=0.01.")
    if name not in known:
        raise RequestError(f"There is no setting '{name}' (in {label}).{near_matches(name, known)}")
    return name, typed_value(name, value, known[name], label)


def typed_value(name: str, text: str, annotation: Any, label: str) -> Any:
    """The text as the setting's type; words of a Literal are listed when none fits."""
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    words: tuple[Any, ...] = get_args(plain) if get_origin(plain) is Literal else ()
    value: Any = text
    if get_origin(plain) is tuple:
        value = tuple(part.strip() for part in re.split(r"[+|]", text) if part.strip() and part.strip() != "none")
        inner = get_args(plain)[0]
        words = get_args(inner) if get_origin(inner) is Literal else ()
    for word in value if isinstance(value, tuple) else (value,):
        if words and word not in words:
            raise RequestError(f"Setting '{name}' cannot be '{word}' (in {label}).{near_matches(word, words)}")
    try:
        return TypeAdapter(annotation).validate_python(value, strict=False)
    except ValidationError as error:
        message = _plain(error.errors()[0]["msg"])
        raise RequestError(f"Setting '{name}' is '{text}' (in {label}), but: {message}. Give another value.") from None


def _plain(message: str) -> str:
    """Pydantic's sentence in lower case, without its full stop and its technical tail."""
    return (message[:1].lower() + message[1:]).split(", unable to parse")[0].rstrip(".")


def fields_of(kind: Any) -> dict[str, Any]:
    """Names of the fields with their types, limits included."""
    made: dict[str, Any] = {}
    for name, info in kind.__pydantic_fields__.items():
        made[name] = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return made


def split_list(text: str, label: str) -> list[str]:
    """Parts between commas outside of brackets and parentheses, without blanks."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if depth < 0:
            break
        if letter == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth != 0:
        raise RequestError(f"The brackets of '{label}' do not match. Write it like mlp,rnn[cell=gru,layers=2].")
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]
