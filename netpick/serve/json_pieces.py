"""JSON of many rows, parsed some rows at a time: while a parser runs, nothing else in the process does.

A list is cut where one object ends and another begins. Such a place may lie within a text or a cell; but what stands before it
is a whole list, once closed, only where it lies between two rows: a text would not end there, nor would a bracket close. So a cut
is right exactly where the piece can be parsed.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

BEGIN = re.compile(rb'\s*(?:\{\s*"([a-z_]{1,32})"\s*:\s*)?\[')
CUT = re.compile(rb"\}\s{0,100},(?=\s{0,100}\{)")
PIECE = 256 << 10  # bytes; twice as many where no cut is found in so many, and so on


class TooManyRowsError(Exception):
    """A list is longer than was allowed; the rest of it was not read."""


def parsed(body: bytes, most_rows: int, piece: int = PIECE) -> Any:
    """What a JSON body holds. Raises ValueError, and TooManyRowsError where a list of objects that is read in pieces has more."""
    begin = BEGIN.match(body)
    if len(body) <= 2 * piece or begin is None:
        return _parse(body)
    head, name = body[: begin.end()], begin[1]
    rows: list[Any] = []
    place, size = begin.end(), piece
    while (cut := CUT.search(body, place + size)) is not None:
        try:
            more = _parse(b"[" + body[place : cut.end() - 1] + b"]")
        except ValueError:  # not between two rows, or no JSON
            size *= 2
            continue
        rows += more
        if len(rows) > most_rows:
            raise TooManyRowsError
        place, size = cut.end(), piece
    if not rows:
        return _parse(body)
    try:
        rest = _parse(head + b"null," + body[place:])
    except ValueError as error:  # its places are those of the piece
        raise ValueError(f"{str(error).partition(' at line')[0]}, behind {len(rows):,} rows") from None
    last = rest if name is None else rest[name.decode()]
    if not (isinstance(last, list) and last and last[0] is None):  # the name came a second time
        raise ValueError(f"the key {name!r} stands twice")
    rows += last[1:]
    return rows if name is None else {**rest, name.decode(): rows}


def _parse(content: bytes) -> Any:
    return from_json(content, allow_inf_nan=False, cache_strings="keys")
