"""JSON that is data and nothing else: UTF-8, no duplicate keys, no NaN or infinity, bounded in every direction.

Bytes are parsed once, here; pydantic then sees what this parser saw, so that no two parsers can disagree.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from netpick.disk.strict.files import RefusedError

MOST_DEPTH = 32
MOST_CONTAINERS = 1_000_000  # lists and objects
MOST_ITEMS = 16_000_000
MOST_QUOTES = 8_000_000
MOST_TEXT = 1 << 18  # bytes of one text as it stands in the file
MOST_DIGITS = 40  # of one number: 17 tell every float64 apart
LARGEST_INTEGER = 1 << 63

T = TypeVar("T")

_ODD_NUMBERS = re.compile(rb"[0-9]{19}|[eE][+-]?[0-9]{3}")  # others fit into 64 bits, or are finite
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"', re.DOTALL)


def parse_json(content: bytes | bytearray, most: int, *, containers: int = MOST_CONTAINERS) -> Any:
    """The value that these bytes say. Raises RefusedError when they are no strict JSON or pass a limit."""
    if len(content) > most:
        raise RefusedError(f"its JSON has {len(content):,} bytes, and at most {most:,} are possible")
    if (
        content.count(b'"') > MOST_QUOTES
        or content.count(b"[") + content.count(b"{") > containers
        or content.count(b",") > MOST_ITEMS
    ):
        raise RefusedError("its JSON holds more values than are ever written")
    _require_shallow(content)
    odd = _ODD_NUMBERS.search(content) is not None  # looking at every number takes as long as all the rest
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite if odd else None,
            parse_int=_bounded if odd else None,
        )
    except UnicodeDecodeError:
        raise RefusedError("its JSON is no UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"its JSON cannot be read ({error})") from None


def read_as(kind: type[T], content: bytes | bytearray, most: int) -> T:
    """These bytes as a strict pydantic dataclass. Raises RefusedError that names the field."""
    return from_parsed(kind, parse_json(content, most))


def from_parsed(kind: type[T], value: Any) -> T:
    """A parsed value as a strict pydantic dataclass. Raises RefusedError that names the field."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:60] for part in first["loc"][:8])
        raise RefusedError(f"{where or 'top'}: {first['msg'][:200]}") from None


def _require_shallow(content: bytes | bytearray) -> None:
    """Refuses deep nesting and long texts before anything is built from them."""
    letters = np.frombuffer(content, np.uint8)
    if b'\\"' in content:  # quotation marks inside of texts
        quotes = np.array([place for text in _TEXTS.finditer(content) for place in _ends(text)], np.int64)
    else:
        quotes = np.flatnonzero(letters == ord('"'))
    if len(quotes) % 2:
        raise RefusedError("its JSON holds a text that does not end")
    if len(quotes) and int((quotes[1::2] - quotes[::2]).max()) > MOST_TEXT:
        raise RefusedError(f"its JSON holds a text of more than {MOST_TEXT:,} bytes")
    opens, closes = ((letters == ord(pair[0])) | (letters == ord(pair[1])) for pair in ("[{", "]}"))
    places = np.flatnonzero(opens | closes)
    steps = np.where(opens[places], 1, -1)[np.searchsorted(quotes, places) % 2 == 0]  # brackets in texts do not count
    if len(steps) and int(np.cumsum(steps).max()) > MOST_DEPTH:
        raise RefusedError(f"its JSON is nested more than {MOST_DEPTH} deep")


def _ends(text: re.Match[bytes]) -> tuple[int, ...]:
    """Where a text begins and ends."""
    if text.end() - text.start() == 1:  # looking on from here would take time quadratic in the length
        raise RefusedError("its JSON holds a text that does not end")
    return text.start(), text.end() - 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    if len(text) > MOST_DIGITS or not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:MOST_DIGITS]} is no number that is ever written")
    return number


def _bounded(text: str) -> int:
    if len(text) > MOST_DIGITS or not -LARGEST_INTEGER <= (number := int(text)) < LARGEST_INTEGER:
        raise ValueError(f"{text[:MOST_DIGITS]} is no number that is ever written")
    return number
