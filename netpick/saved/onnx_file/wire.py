"""Protobuf's wire format, read and written one way only: what one reader takes for a field, every reader takes for it.

Runtimes keep 32 bits of a field's key, the last of two values of a field, and skip fields that they do not know; another reader may
not. So keys of more than 32 bits, numbers longer than they need be, unknown fields, a singular field given twice, and two fields of
one choice are refused. `write` makes bytes of what was understood, in the order of field numbers, and a runtime is given those alone.

https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Union

MOST_NUMBER = (1 << 29) - 1  # of a field
MOST_FIELDS = 500_000  # of one file, which is as many objects while it is read
VARINT, FIXED_64, DELIMITED, FIXED_32 = 0, 1, 2, 5
WIRES = {"int32": VARINT, "int64": VARINT, "float": FIXED_32}  # the others are length-delimited

Value = Union[int, float, str, memoryview, "Message"]


class WireError(Exception):
    """What is wrong with the bytes, in words that stand behind a colon."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a kind of message.

    kind: int32, int64, float, text (UTF-8), bytes, or the name of a kind of message. choice: of the fields that share one, a message
    holds at most one. refused: why a message with this field is not read at all.
    """

    name: str
    kind: str = "text"
    repeated: bool = False
    choice: str = ""
    refused: str = ""


Fields = Mapping[int, Field]
Kinds = Mapping[str, Fields]


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as it was understood: its values by field name, each in the order of the file."""

    kind: str
    values: Mapping[str, list[Value]]

    def messages(self, name: str) -> list[Message]:
        return [value for value in self.values.get(name, ()) if isinstance(value, Message)]

    def texts(self, name: str) -> list[str]:
        return [value for value in self.values.get(name, ()) if isinstance(value, str)]

    def integers(self, name: str) -> list[int]:
        return [value for value in self.values.get(name, ()) if isinstance(value, int)]

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")

    def integer(self, name: str) -> int:
        return next(iter(self.integers(name)), 0)

    def raw(self, name: str) -> memoryview:
        return next((value for value in self.values.get(name, ()) if isinstance(value, memoryview)), memoryview(b""))


def read(content: memoryview, kind: str, kinds: Kinds) -> Message:
    """The message of these bytes. Bytes of weights are not copied. Raises WireError."""
    return _Reader(kinds).message(content, kind)


class _Reader:
    def __init__(self, kinds: Kinds) -> None:
        self.kinds, self.count = kinds, 0

    def message(self, content: memoryview, kind: str) -> Message:
        fields = self.kinds[kind]
        values: dict[str, list[Value]] = {}
        chosen: set[str] = set()
        for number, wire, found in parts_of(content):
            self.count += 1
            if self.count > MOST_FIELDS:
                raise WireError(f"it has more than {MOST_FIELDS:,} fields")
            field = fields.get(number)
            if field is None:
                raise WireError(f"it holds the unknown field {number} of {kind}")
            if field.refused:
                raise WireError(field.refused)
            if wire != WIRES.get(field.kind, DELIMITED):
                raise WireError(f"the field {field.name} of {kind} is written in another way")
            if field.choice in chosen or (field.name in values and not field.repeated):
                raise WireError(f"{kind} gives {field.choice or field.name} twice")
            if field.choice:
                chosen.add(field.choice)
            values.setdefault(field.name, []).append(self._value(found, field))
        return Message(kind=kind, values=values)

    def _value(self, found: int | memoryview, field: Field) -> Value:
        if isinstance(found, int):
            number = found - (1 << 64) if found >> 63 else found
            if field.kind == "int32" and not -(1 << 31) <= number < 1 << 31:
                raise WireError(f"{field.name} is a number of more than 32 bits")
            return number
        if field.kind == "float":
            value: float = struct.unpack("<f", found)[0]
            return value
        if field.kind == "bytes":
            return found
        if field.kind == "text":
            try:
                return str(found, "utf-8")
            except UnicodeDecodeError:
                raise WireError(f"{field.name} is no UTF-8 text") from None
        return self.message(found, field.kind)


def write(message: Message, kinds: Kinds) -> bytes:
    """The bytes of a message, in the one order that this module writes."""
    pieces: list[bytes | memoryview] = []
    _append(message, kinds, pieces)
    return b"".join(pieces)


def parts_of(content: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """(field number, wire type, value): an integer, or the bytes of what is length-delimited or of fixed size."""
    place, end = 0, len(content)
    while place < end:
        key, place = _varint(content, place)
        number, wire = key >> 3, key & 7
        if not 1 <= number <= MOST_NUMBER:
            raise WireError("a field has a number that none can have")
        if wire == VARINT:
            value, place = _varint(content, place)
            yield number, wire, value
            continue
        if wire == DELIMITED:
            size, place = _varint(content, place)
        elif wire in (FIXED_64, FIXED_32):
            size = 8 if wire == FIXED_64 else 4
        else:
            raise WireError("it holds a group, or an unknown kind of field")
        if size > end - place:
            raise WireError("a field ends behind its message")
        yield number, wire, content[place : place + size]
        place += size


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(content):
            raise WireError("it is cut short")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise WireError("a number is longer than it need be")
            if value >> 64:
                raise WireError("a number has more than 64 bits")
            return value, place
        shift += 7
        if shift > 63:
            raise WireError("a number has more than 64 bits")


def _append(message: Message, kinds: Kinds, pieces: list[bytes | memoryview]) -> int:
    """Adds the pieces of a message, and gives their length. Weights stay views of the file until all is joined."""
    length = 0
    for number, field in sorted(kinds[message.kind].items()):
        key = varint_bytes(number << 3 | WIRES.get(field.kind, DELIMITED))
        for value in message.values.get(field.name, ()):
            if isinstance(value, int):
                parts: list[bytes | memoryview] = [key, varint_bytes(value & ((1 << 64) - 1))]
            elif isinstance(value, float):
                parts = [key, struct.pack("<f", value)]
            elif isinstance(value, Message):
                inner: list[bytes | memoryview] = []
                parts = [key, varint_bytes(_append(value, kinds, inner)), *inner]
            else:
                content = value.encode() if isinstance(value, str) else value
                parts = [key, varint_bytes(len(content)), content]
            pieces += parts
            length += sum(map(len, parts))
    return length


def varint_bytes(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
