"""Frozen values to JSON and arrays, and back: dataclasses by their declared types, nothing by a name that stands in the file.

The types say what may be there: dataclasses, texts, numbers, literals, sequences, mappings, optional values, numpy arrays, and unions
of dataclasses that tell each other apart by a literal `kind`. Whatever else stands in the file is refused.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from netpick.disk.strict.files import RefusedError

T = TypeVar("T")
ODD_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # JSON knows none of them
ARRAY = "array"  # the only key of what stands for an array, beside its number


def to_parts(value: Any) -> tuple[Any, dict[str, Any]]:
    """JSON of a value, and the arrays that it refers to by number."""
    arrays: dict[str, Any] = {}
    return _plain(value, arrays), arrays


def from_parts(kind: type[T], plain: Any, arrays: Mapping[str, Any]) -> T:
    """The value of this type that `to_parts` gave. Raises RefusedError that names the place."""
    made: T = _made(kind, plain, arrays, "top")
    return made


def _plain(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[str(len(arrays))] = np.ascontiguousarray(value)
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), arrays) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item, arrays) for item in value]
    raise TypeError(f"a {type(value).__name__} is no data")


def _made(kind: Any, plain: Any, arrays: Mapping[str, Any], where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return plain
    if origin in (Union, types.UnionType):
        return _one_of(inner, plain, arrays, where)
    if origin is np.ndarray:
        return _array(plain, arrays, where)
    if origin is Literal:
        return _checked(plain, any(plain == one and type(plain) is type(one) for one in inner), where)
    if is_dataclass(kind):
        return _dataclass(kind, plain, arrays, where)
    if origin is tuple and Ellipsis not in inner:
        _checked(plain, isinstance(plain, list) and len(plain) == len(inner), where)
        return tuple(_made(one, item, arrays, where) for one, item in zip(inner, plain, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(inner, plain, arrays, where)
    if origin is not None and issubclass(origin, Sequence):
        _checked(plain, isinstance(plain, list), where)
        return tuple(_made(inner[0], item, arrays, f"{where}.{i}") for i, item in enumerate(plain))
    return _number_or_text(kind, plain, where)


def _number_or_text(kind: Any, plain: Any, where: str) -> Any:
    if kind is float and isinstance(plain, str):
        return ODD_FLOATS[_checked(plain, plain in ODD_FLOATS, where)]
    return _checked(plain, type(plain) is kind or (kind is float and type(plain) is int), where)


def _one_of(kinds: Sequence[Any], plain: Any, arrays: Mapping[str, Any], where: str) -> Any:
    """Of None, texts, and dataclasses that say their kind."""
    if plain is None:
        return _checked(plain, types.NoneType in kinds, where)
    others = [kind for kind in kinds if kind is not types.NoneType]
    if len(others) == 1:
        return _made(others[0], plain, arrays, where)
    kind_said = plain.get("kind") if isinstance(plain, dict) else None
    for kind in others:
        if is_dataclass(kind) and get_args(get_type_hints(kind)["kind"]) == (kind_said,):
            return _dataclass(kind, plain, arrays, where)
    raise RefusedError(f"{where} is none of what may stand there")


def _array(plain: Any, arrays: Mapping[str, Any], where: str) -> Any:
    number = plain.get(ARRAY) if isinstance(plain, dict) and set(plain) == {ARRAY} else None
    if type(number) is not int or str(number) not in arrays:
        raise RefusedError(f"{where} is no array of this file")
    return arrays[str(number)]


def _mapping(inner: Sequence[Any], plain: Any, arrays: Mapping[str, Any], where: str) -> dict[Any, Any]:
    _checked(plain, isinstance(plain, dict), where)
    values = {key: _made(inner[1], item, arrays, f"{where}.{key[:40]}") for key, item in plain.items()}
    if inner[0] is not int:
        return values
    _checked(plain, all(key.isascii() and key.isdigit() and len(key) < 19 for key in values), where)
    return {int(key): item for key, item in values.items()}


def _dataclass(kind: Any, plain: Any, arrays: Mapping[str, Any], where: str) -> Any:
    known: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}
    _checked(plain, isinstance(plain, dict) and set(plain) <= set(known), where)
    missing = [n for n, f in known.items() if n not in plain and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise RefusedError(f"{where} has no {missing[0]}")
    hints = _hints(kind)
    values = {name: _made(hints[name], item, arrays, f"{where}.{name}") for name, item in plain.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise RefusedError(f"{where} is impossible ({str(error)[:120]})") from None


def _checked(plain: Any, fits: bool, where: str) -> Any:
    if not fits:
        raise RefusedError(f"{where} is not of the type that stands there")
    return plain


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
