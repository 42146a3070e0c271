"""What `--tune` asks for: how many trials, how they are proposed, and which settings of which families.

`--tune` alone, `--tune grid`, `--tune random`, `--tune 40`, `--tune "mlp[width=64..512,dropout=0..0.5,activation=relu|silu]"`, and these
together, separated by commas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from netpick.contest.search.words import AUTOMATIC
from netpick.errors import RequestError, near_matches
from netpick.models.networks import MODELS, families_for, main_form
from netpick.models.networks.spaces import Domain, Options, Range
from netpick.models.networks.variants import fields_of, split_list, typed_value
from netpick.types import Inputs
from netpick.types.recipe import Recipe

Method = Literal["tpe", "grid", "random"]
FEWEST, MOST = 8, 1_000  # trials of a family
WRITE = 'Write it like --tune "mlp[width=64..512,dropout=0..0.5,activation=relu|silu]".'


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A search as it was asked for."""

    method: Method = "tpe"
    trials: int | None = None  # of each family; None: as many as the budget can pay for
    spaces: Mapping[str, Mapping[str, Domain]] = field(default_factory=dict)  # by family, of those that were named

    def of(self, family: str) -> Mapping[str, Domain] | None:
        """The ranges that were named for a family; empty: its own; None: it is not searched."""
        if not self.spaces:
            return {}
        return self.spaces.get(family)


def parse_tune(text: str, inputs: Inputs | None = None) -> Wanted:
    """What the text asks for; with `inputs`, settings are those of the data's main form. Raises RequestError."""
    method: Method = "tpe"
    trials: int | None = None
    spaces: dict[str, Mapping[str, Domain]] = {}
    for part in split_list(text, text):
        if part in ("tpe", "grid", "random"):
            method = part  # type: ignore[assignment]
        elif part == AUTOMATIC:
            continue
        elif part.lstrip("-").isdecimal():
            trials = _count(int(part))
        else:
            family, space = _family(part, inputs)
            spaces[family] = space
    return Wanted(method=method, trials=trials, spaces=spaces)


def _count(trials: int) -> int:
    if not FEWEST <= trials <= MOST:
        raise RequestError(
            f"--tune {trials} cannot be: a search of fewer than {FEWEST} trials says little, and {MOST:,} are the most. "
            f"Pass --tune {min(max(trials, FEWEST), MOST)}."
        )
    return trials


def _family(part: str, inputs: Inputs | None) -> tuple[str, Mapping[str, Domain]]:
    name, bracket, rest = part.partition("[")
    family, form = name.strip(), None if inputs is None else main_form(inputs)
    families = tuple(dict.fromkeys(family for family, _ in MODELS)) if inputs is None else families_for(inputs)
    if all(family != other for other, _ in MODELS) or (form is not None and (family, form) not in MODELS):
        raise RequestError(
            f"--tune names '{family}', which is no family here.{near_matches(family, families)} Or pass a number of trials, grid or random."
        )
    if not bracket:
        return family, {}
    if not rest.rstrip().endswith("]"):
        raise RequestError(f"'{part}' opens a bracket that does not end with it. {WRITE}")
    known = known_settings(family, form)
    return family, dict(_range(item, known, part, family) for item in split_list(rest.rstrip()[:-1], part))


def known_settings(family: str, form: str | None) -> dict[str, Any]:
    """The settings and the recipe of a family by name, with their types and bounds."""
    known = dict(fields_of(Recipe))
    for other, other_form in MODELS:
        if other == family and form in (None, other_form):
            known |= fields_of(MODELS[other, other_form].Settings)
    return known


def _range(item: str, known: Mapping[str, Any], part: str, family: str) -> tuple[str, Domain]:
    name, equals, text = (piece.strip() for piece in item.partition("="))
    if not equals or not text:
        raise RequestError(f"'{item}' (in --tune {part}) names no range. {WRITE}")
    if name not in known:
        others = sorted({f for f, form in MODELS if f != family and name in fields_of(MODELS[f, form].Settings)})
        of_others = f" {', '.join(others)} {'has' if len(others) == 1 else 'have'} it." if others else ""
        raise RequestError(
            f"{family} has no setting '{name}' to search (in --tune {part}).{of_others}{near_matches(name, list(known))}"
        )
    if ".." in text:
        return name, _between(name, text, known[name], part)
    values = tuple(typed_value(name, value.strip(), known[name], f"--tune {part}") for value in text.split("|"))
    return name, Options(values=tuple(dict.fromkeys(values)))


def _between(name: str, text: str, annotation: Any, part: str) -> Range:
    ends = [typed_value(name, end.strip(), annotation, f"--tune {part}") for end in text.split("..", 1)]
    if any(isinstance(end, bool) or not isinstance(end, (int, float)) for end in ends):
        words = _words(annotation)
        raise RequestError(
            f"Setting '{name}' has no numbers to range over (in --tune {part}). Name its values: {name}={'|'.join(words) or 'a|b'}."
        )
    low, high = (float(end) for end in ends)
    if low >= high:
        raise RequestError(
            f"The range {name}={text} (in --tune {part}) holds nothing: its first number must be the smaller one."
        )
    whole = isinstance(ends[0], int)
    return Range(low=low, high=high, log=low > 0 and high / low >= 4, whole=whole)


def _words(annotation: Any) -> Sequence[str]:
    plain = (get_args(annotation) or (annotation,))[0] if get_origin(annotation) is not Literal else annotation
    return get_args(plain) if get_origin(plain) is Literal else ("true", "false") if plain is bool else ()
