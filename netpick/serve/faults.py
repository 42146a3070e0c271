"""What a request got wrong: a status, a code for programs, and a sentence that a person can act on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import islice
from typing import Any, NoReturn

from pydantic_core import to_json

from netpick.serve.options import Limits

# Every code that a client can meet, with its status. docs/serving.md lists them; a test keeps the two together.
CODES: Mapping[str, int] = {
    "invalid_request": 400,  # the request cannot be read at all: broken HTTP, broken headers
    "invalid_json": 400,
    "invalid_form": 400,  # a multipart body that is none
    "unauthorized": 401,
    "forbidden": 403,  # another site's page, or a Host that this server does not answer for
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "too_large": 413,
    "too_long_address": 414,
    "too_many_headers": 431,
    "unsupported_type": 415,
    "missing_field": 422,
    "invalid_value": 422,
    "too_long": 422,  # more rows, characters or steps than one request may have
    "unreadable_file": 422,
    "invalid_data": 422,  # rows that do not fit the model as a whole
    "too_busy": 429,
    "bug": 500,
    "not_supported": 501,
    "stopping": 503,
    "out_of_time": 503,
    "too_many_texts": 503,  # are continued already
}


MOST_WORDS = 2_000  # letters of a message
COUNTED_AT_ONCE = 1 << 20  # bytes


@dataclasses.dataclass
class Fault(Exception):
    """An answer that is a refusal."""

    code: str
    message: str
    field: str | None = None
    row: int | None = None  # counted from 0, as in the request
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def status(self) -> int:
        return CODES[self.code]

    @property
    def content(self) -> dict[str, Any]:
        """The body as data."""
        message = self.message if len(self.message) <= MOST_WORDS else f"{self.message[: MOST_WORDS - 1]}…"
        error: dict[str, Any] = {"code": self.code, "message": message}
        if self.field is not None:
            error["field"] = self.field[:MOST_WORDS]
        if self.row is not None:
            error["row"] = self.row
        return {"error": error}

    @property
    def body(self) -> bytes:
        """{"error": {"code", "message", "field"?, "row"?}}"""
        return to_json(self.content)

    @property
    def v2_body(self) -> bytes:
        """The same in the Open Inference Protocol's form, where an error is a text: {"error", "code", "field"?, "row"?}"""
        error = self.content["error"]
        return to_json({"error": error.pop("message"), **error})


def refuse(code: str, message: str, *, field: str | None = None, row: int | None = None) -> NoReturn:
    raise Fault(code=code, message=message, field=field, row=row)


def require_few(body: bytes, limits: Limits) -> None:
    """Refuses JSON of too many values before it is parsed, which holds up everybody. Texts may make it count too many."""
    containers = _counted(body, (b"{", b"["), limits.containers)
    items = _counted(body, (b",",), limits.items)
    if containers > limits.containers or items > limits.items:
        refuse(
            "too_large",
            f"The body holds more than {limits.items:,} values, or {limits.containers:,} lists and objects. Send less at once.",
        )


def _counted(body: bytes, marks: tuple[bytes, ...], most: int) -> int:
    """How often they stand there, at least where it is more than that."""
    count = 0
    for start in range(0, len(body), COUNTED_AT_ONCE):
        count += sum(body.count(mark, start, start + COUNTED_AT_ONCE) for mark in marks)
        if count > most:
            break
    return count


def shown(value: object, most: int = 40) -> str:
    """A value from a request as it stands in a sentence: short, and on one line. Costs no more than what is shown of it."""
    text = " ".join(_beginning(value, most).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _beginning(value: object, most: int, depth: int = 4) -> str:
    """How a value's text begins."""
    if isinstance(value, str):
        return repr(value[: most + 1])
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length():,} bits"
    if depth == 0 and isinstance(value, (list, dict)):
        return "…"
    if isinstance(value, list):
        return f"[{', '.join(_beginning(part, most, depth - 1) for part in value[:most])}]"
    if isinstance(value, dict):
        pairs = islice(value.items(), most)
        return f"{{{', '.join(f'{key!r:.{most}}: {_beginning(part, most, depth - 1)}' for key, part in pairs)}}}"
    return str(value)
