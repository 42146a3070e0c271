"""What the arguments of `netpick.fit` and `netpick.look` mean: every default stands in FitOptions and ReadOptions, or with the argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from netpick.answers.compare.costs import as_costs
from netpick.contest.prepare import FitOptions
from netpick.contest.quantities import parse_bytes, parse_duration, parse_size
from netpick.contest.search.words import AUTOMATIC
from netpick.data.sources.base import ReadOptions

NAMED_OTHERWISE = {"time_column": "time", "id_column": "ids"}  # what would hide Python's own names


def given_options(given: Mapping[str, Any]) -> tuple[object, FitOptions]:
    """The data, and the options that stand beside them in a call. Raises RequestError for what cannot be read."""
    data, columns = told_apart(given["data"], given["target"])
    values = {NAMED_OTHERWISE.get(name, name): _read(name, value) for name, value in given.items()}
    values["cost"] = as_costs(given["cost"])
    models = values["models"]
    texts = [models] if isinstance(models, str) else [one for one in models or () if isinstance(one, str)]
    values["modules"] = [] if isinstance(models, str) else [one for one in models or () if not isinstance(one, str)]
    values |= {"models": ",".join(texts) or None, "target": columns}
    return data, FitOptions(**_those_of(FitOptions, values), read=ReadOptions(**_those_of(ReadOptions, values)))


def told_apart(data: object, target: object) -> tuple[object, tuple[str, ...]]:
    """The data and the names of target columns; labels that stand beside the rows, as scikit-learn has them, become part of the data."""
    if target is None or isinstance(target, str):
        return data, () if target is None else (target,)
    if isinstance(target, (list, tuple)) and all(isinstance(name, str) for name in target):
        return data, tuple(target)
    return (data, target), ()


def _those_of(record: type[FitOptions | ReadOptions], values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a record; of what is None its own default holds."""
    return {field.name: values[field.name] for field in fields(record) if values.get(field.name) is not None}


def _read(name: str, value: Any) -> Any:
    return value if value is None or name not in PARSERS else PARSERS[name](value)


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _pairs(value: Mapping[str, str] | Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict(value).items())


def _tune(value: bool | int | str | Mapping[str, str]) -> str | None:
    """As --tune has it."""
    if isinstance(value, bool):
        return AUTOMATIC if value else None
    if isinstance(value, Mapping):
        return ",".join(f"{family}[{ranges}]" for family, ranges in value.items())
    return str(value)


NAMES = ("layers", "known", "time_column", "id_column", "accept", "drop", "missing", "not_missing", "merge")
PARSERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(NAMES, _names),
    **dict.fromkeys(("kinds", "formats"), _pairs),
    "budget": parse_duration,
    "tune": _tune,
    "quantiles": lambda shares: tuple(map(float, shares)),
    "memory_limit": parse_bytes,
    "image_size": parse_size,
    "out": Path,
    "plan": lambda path: str(Path(path).absolute()),
    "synthetic": lambda path: str(Path(path).absolute()),
}
