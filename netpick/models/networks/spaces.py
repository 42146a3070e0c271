"""What a search may change of a network: one table of settings, each with its range around the preset.

A setting that an architecture declares (`Settings`) and that stands in this table is searched; so is one of the recipe. A new architecture
is searched without a line of its own. Whoever names a range (`--tune "mlp[width=64..512]"`) searches that one instead, of any setting,
within the setting's own bounds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

DIGITS = 3  # of a number that is proposed


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False  # evenly on the scale of logarithms
    whole: bool = False
    step: int = 1  # of which whole numbers are multiples

    def fitted(self, value: float) -> float | int:
        """The nearest number that can be proposed: of few digits, or a multiple of the step."""
        if self.whole:
            multiple = self.step * round(value / self.step)
            return int(min(max(multiple, self.low), self.high))
        return float(min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high))

    def levels(self, count: int) -> tuple[float | int, ...]:
        """So many numbers, evenly from end to end."""
        if count == 1 or self.low == self.high:
            return (self.fitted(self.low),)
        shares = [number / (count - 1) for number in range(count)]
        if self.log:
            ratio = self.high / self.low
            return tuple(dict.fromkeys(self.fitted(self.low * ratio**share) for share in shares))
        return tuple(dict.fromkeys(self.fitted(self.low + share * (self.high - self.low)) for share in shares))


@dataclass(frozen=True, kw_only=True)
class Options:
    """Values to choose from."""

    values: tuple[Any, ...]


Domain = Range | Options
Space = Mapping[str, Domain]

LEVELS = 3  # of a range in a grid
IN_A_GRID = ("learning_rate", "dropout", "width")  # where nobody names what a grid is of


def _times(factor: float) -> Callable[[Any, Mapping[str, Any]], Domain | None]:
    def around(value: Any, settings: Mapping[str, Any]) -> Domain | None:
        if not isinstance(value, float) or value <= 0:
            return None
        low, high = (float(f"{end:.{DIGITS}g}") for end in (value / factor, value * factor))
        return Range(low=low, high=high, log=True)

    return around


def _share(most: float) -> Callable[[Any, Mapping[str, Any]], Domain | None]:
    def around(value: Any, settings: Mapping[str, Any]) -> Domain | None:
        return Range(low=0.0, high=max(most, value)) if isinstance(value, float) else None

    return around


def _wide(value: Any, settings: Mapping[str, Any]) -> Domain | None:
    """From half of a width to twice as much; heads divide it."""
    if not isinstance(value, int) or value < 4:
        return None
    heads = settings.get("heads", 1)
    step = next(step for step in (2 * heads * 4, 2 * heads, heads, 1) if value % step == 0)
    low, high = step * math.ceil(value / 2 / step), step * (2 * value // step)
    return Range(low=low, high=high, log=True, whole=True, step=step)


def _deep(value: Any, settings: Mapping[str, Any]) -> Domain | None:
    """From half as many layers to twice as many."""
    if not isinstance(value, int) or value < 1:
        return None
    return Range(low=max(1, value // 2), high=min(2 * value, value + 4), whole=True)


def _words(*words: str) -> Callable[[Any, Mapping[str, Any]], Domain | None]:
    def around(value: Any, settings: Mapping[str, Any]) -> Domain | None:
        return Options(values=tuple(dict.fromkeys((value, *words)))) if isinstance(value, str) else None

    return around


SEARCHED: dict[str, Callable[[Any, Mapping[str, Any]], Domain | None]] = {  # by setting: the range around its preset
    "learning_rate": _times(5),
    "weight_decay": _times(10),
    "width": _wide,
    "hidden": _wide,
    "channels": _wide,
    "layers": _deep,
    "blocks": _deep,
    "depth": _deep,
    "dropout": _share(0.5),
    "embedding_dropout": _share(0.3),
    "input_dropout": _share(0.3),
    "recurrent_dropout": _share(0.4),
    "activation": _words("relu", "gelu", "silu", "tanh"),
    "cell": _words("gru", "lstm"),
}


def space_of(presets: Mapping[str, Any], known: Mapping[str, Any], fixed: Collection[str] = ()) -> dict[str, Domain]:
    """What is searched of a network with these presets, settings and recipe together.

    known: types of the settings, with their bounds, as declared. fixed: settings that the user gave, which stay.
    """
    made: dict[str, Domain] = {}
    for name, around in SEARCHED.items():
        if name not in presets or name in fixed:
            continue
        domain = _within(around(presets[name], presets), known[name])
        if domain is not None:
            made[name] = domain
    return made


def _within(domain: Domain | None, annotation: Any) -> Domain | None:
    """The part of a domain that the setting allows; None where no choice is left."""
    plain, *metadata = get_args(annotation) if _has_limits(annotation) else (annotation,)
    if isinstance(domain, Options):
        words = get_args(plain) if get_origin(plain) is Literal else domain.values
        left = tuple(value for value in domain.values if value in words)
        return Options(values=left) if len(left) > 1 else None
    if domain is None:
        return None
    lows = [float(ge) for limit in metadata if (ge := getattr(limit, "ge", None)) is not None]
    highs = [float(le) for limit in metadata if (le := getattr(limit, "le", None)) is not None]
    low, high = max([domain.low, *lows]), min([domain.high, *highs])
    if low >= high:
        return None
    return Range(low=low, high=high, log=domain.log, whole=domain.whole, step=domain.step)


def _has_limits(annotation: Any) -> bool:
    """Whether a type is annotated with limits."""
    return bool(getattr(annotation, "__metadata__", ()))


def grid_of(space: Space) -> list[dict[str, Any]]:
    """Every point of a space, ranges at three levels."""
    levels: list[Sequence[Any]] = [
        domain.values if isinstance(domain, Options) else domain.levels(LEVELS) for domain in space.values()
    ]
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*levels)]
