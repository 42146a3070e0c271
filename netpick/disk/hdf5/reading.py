"""Groups, arrays and attributes of an HDF5 file (format specification 3.0, with object headers and groups of version 1).

Every offset is looked at before it is followed, no object is read twice, and there are limits to how many there are, so that no file
can make the reader run, ask for memory, or reach outside of its bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from netpick.disk.hdf5.types import Type, read_space, read_type
from netpick.disk.strict.files import RefusedError
from netpick.types import Array

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOWHERE = 0xFFFF_FFFF_FFFF_FFFF
MOST_OBJECTS = 100_000
MOST_MESSAGES = 2_000  # of one object
MOST_DEPTH = 40
MOST_ATTRIBUTE = 64 << 20  # bytes of one attribute: the description of a model
REFUSED_MESSAGES = {
    0x0007: "keeps numbers in other files (external storage)",
    0x000B: "keeps compressed or filtered numbers",
    0x0002: "is laid out in HDF5's newer way",
    0x0006: "is laid out in HDF5's newer way",
    0x0015: "is laid out in HDF5's newer way",
}
SAVE_AGAIN = "Save the model again with Keras, which writes plain files: model.save('model.keras')"


@dataclass(frozen=True)
class Dataset:
    """An array in a file: what it is, and its bytes there."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    content: memoryview

    def array(self) -> Array:
        """Its numbers, as a copy."""
        return np.frombuffer(self.content, self.dtype).reshape(self.shape).copy()


@dataclass(frozen=True)
class Group:
    """Members by name, and attributes: texts, lists of texts, or arrays."""

    members: Mapping[str, Group | Dataset]
    attributes: Mapping[str, str | list[str] | Array]

    def group(self, *names: str) -> Group | None:
        """A group below it; None where there is none."""
        found: Group | Dataset | None = self
        for name in names:
            found = found.members.get(name) if isinstance(found, Group) else None
        return found if isinstance(found, Group) else None


def read_hdf5(content: bytes | bytearray) -> Group:
    """The whole tree of a file. Numbers are views of its bytes until they are asked for. Raises RefusedError."""
    try:
        return _File(memoryview(content)).root()
    except (struct.error, UnicodeDecodeError, IndexError, OverflowError) as error:
        raise RefusedError(f"its HDF5 structure is damaged ({str(error)[:80]})") from None


class _File:
    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.seen: set[int] = set()
        self.left = MOST_OBJECTS

    def at(self, offset: int, size: int) -> memoryview:
        """Bytes of the file. Raises RefusedError where it has none."""
        if not 0 <= offset <= offset + size <= len(self.content):
            raise RefusedError("its HDF5 structure points outside of the file")
        return self.content[offset : offset + size]

    def numbers(self, layout: str, offset: int) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.at(offset, struct.calcsize(f"<{layout}")))

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise RefusedError(f"it holds more than {MOST_OBJECTS:,} HDF5 objects")

    def root(self) -> Group:
        if bytes(self.at(0, 8)) != SIGNATURE:
            raise RefusedError("it is not an HDF5 file")
        (version,) = self.numbers("B", 8)
        if version > 1:
            raise RefusedError(f"it is laid out in HDF5's newer way (superblock {version}). {SAVE_AGAIN}")
        if self.numbers("BB", 13) != (8, 8):
            raise RefusedError("its HDF5 offsets are not of 8 bytes")
        start = 24 if version == 0 else 28
        (base,) = self.numbers("Q", start)
        if base != 0:
            raise RefusedError("its HDF5 structure does not start with the file")
        (header,) = self.numbers("Q", start + 32 + 8)
        found = self.object(header, "the file", 0)
        if not isinstance(found, Group):
            raise RefusedError("its HDF5 root is no group")
        return found

    def object(self, address: int, name: str, depth: int) -> Group | Dataset:
        """A group or an array by the address of its header."""
        self.spend()
        if depth > MOST_DEPTH:
            raise RefusedError(f"its HDF5 groups are nested more than {MOST_DEPTH} deep")
        if address in self.seen:
            raise RefusedError(f"its HDF5 object '{name[:60]}' is linked to twice")
        self.seen.add(address)
        table, layout, attributes = None, None, dict[str, Any]()
        space: tuple[int, ...] | None = None
        kind: Type | None = None
        for message, body in self.messages(address):
            if message in REFUSED_MESSAGES:
                raise RefusedError(f"its HDF5 object '{name[:60]}' {REFUSED_MESSAGES[message]}. {SAVE_AGAIN}")
            if message == 0x0011:
                table = struct.unpack("<QQ", body[:16])
            elif message == 0x0001:
                space = read_space(body)
            elif message == 0x0003:
                kind = read_type(body)
            elif message == 0x0008:
                layout = body
            elif message == 0x000C:
                key, value = self.attribute(body)
                attributes[key] = value
        if table is not None:
            members: dict[str, Group | Dataset] = {}
            for member, header in self.entries(*table):
                if member in members:
                    raise RefusedError(f"its HDF5 group '{name[:60]}' holds '{member[:60]}' twice")
                members[member] = self.object(header, member, depth + 1)
            return Group(members, attributes)
        if space is None or kind is None or layout is None:
            raise RefusedError(f"its HDF5 object '{name[:60]}' is neither a group nor an array")
        return self.dataset(name, space, kind, layout)

    def dataset(self, name: str, shape: tuple[int, ...], kind: Type, layout: memoryview) -> Dataset:
        version, way = layout[0], layout[1]
        if kind.dtype is None:
            raise RefusedError(f"its HDF5 array '{name[:60]}' holds {kind.words}, not numbers")
        if version not in (3, 4) or way not in (0, 1):
            ways = {2: "in chunks", 3: "in other files (a virtual dataset)"}
            said = ways.get(way, "in a way that is not known") if version in (3, 4) else "in an old way"
            raise RefusedError(f"its HDF5 array '{name[:60]}' is stored {said}. {SAVE_AGAIN}")
        size = prod(shape) * kind.dtype.itemsize
        if way == 0:
            (stored,) = struct.unpack("<H", layout[2:4])
            content = layout[4 : 4 + stored]
        else:
            address, stored = struct.unpack("<QQ", layout[2:18])
            content = layout[:0] if address == NOWHERE else self.at(address, stored)
        if len(content) != size:
            raise RefusedError(f"its HDF5 array '{name[:60]}' has {len(content):,} bytes where {size:,} are stated")
        return Dataset(shape, kind.dtype, content)

    def messages(self, address: int) -> Iterator[tuple[int, memoryview]]:
        """The messages of an object header."""
        if bytes(self.at(address, 4)) == b"OHDR":
            raise RefusedError(f"it is laid out in HDF5's newer way. {SAVE_AGAIN}")
        version, _, count, _, size = self.numbers("BBHII", address)
        if version != 1 or count > MOST_MESSAGES:
            raise RefusedError("an HDF5 header of it is damaged")
        blocks, blocks_seen = [(address + 16, size)], 0
        while blocks and count > 0:
            start, length = blocks.pop(0)
            blocks_seen += 1
            if blocks_seen > MOST_MESSAGES:
                raise RefusedError("an HDF5 header of it has no end")
            block, place = self.at(start, length), 0
            while place + 8 <= length and count > 0:
                message, stored, flags = struct.unpack("<HHB", block[place : place + 5])
                body = block[place + 8 : place + 8 + stored]
                if len(body) != stored:
                    raise RefusedError("an HDF5 header of it is damaged")
                if flags & 2:
                    raise RefusedError(f"an HDF5 header of it shares parts with another. {SAVE_AGAIN}")
                place, count = place + 8 + stored, count - 1
                if message == 0x0010:
                    blocks.append(struct.unpack("<QQ", body[:16]))
                elif message:
                    yield message, body

    def entries(self, tree: int, heap: int) -> Iterator[tuple[str, int]]:
        """Names and header addresses of a group's members."""
        if bytes(self.at(heap, 4)) != b"HEAP":
            raise RefusedError("a list of names in its HDF5 structure is damaged")
        size, _, data = self.numbers("QQQ", heap + 8)
        names = self.at(data, size)
        for node in self.leaves(tree, 0):
            if bytes(self.at(node, 4)) != b"SNOD":
                raise RefusedError("a list of members in its HDF5 structure is damaged")
            (count,) = self.numbers("H", node + 6)
            for number in range(count):
                place, header, cached, _ = self.numbers("QQII", node + 8 + 40 * number)
                text = bytes(names[place : place + 1_000])
                name = text[: text.index(0)].decode() if 0 in text else ""
                if not name:
                    raise RefusedError("a name in its HDF5 structure is damaged")
                if cached == 2 or header == NOWHERE:
                    raise RefusedError(f"its HDF5 member '{name[:60]}' is a soft link, which is never followed")
                yield name, header

    def leaves(self, node: int, depth: int) -> Iterator[int]:
        """Addresses of the lists of members below a node of a tree."""
        self.spend()
        if node in self.seen or depth > 8:
            raise RefusedError("a tree in its HDF5 structure has no end")
        self.seen.add(node)
        if bytes(self.at(node, 4)) != b"TREE":
            raise RefusedError("a tree in its HDF5 structure is damaged")
        kind, level, used = self.numbers("BBH", node + 4)
        if kind != 0:
            raise RefusedError("a tree in its HDF5 structure is damaged")
        for number in range(used):
            (child,) = self.numbers("Q", node + 24 + 8 + 16 * number)
            if level:
                yield from self.leaves(child, depth + 1)
            else:
                yield child

    def attribute(self, body: memoryview) -> tuple[str, str | list[str] | Array]:
        """Name and value of an attribute."""
        version, flags, name_size, type_size, space_size = struct.unpack("<BBHHH", body[:8])
        if version not in (1, 3) or (version == 3 and flags):
            raise RefusedError(f"an HDF5 attribute of it is written in another way. {SAVE_AGAIN}")
        place, step = (8, 8) if version == 1 else (9, 1)
        parts = []
        for size in (name_size, type_size, space_size):
            parts.append(body[place : place + size])
            place += -(-size // step) * step
        name = bytes(parts[0]).split(b"\0")[0].decode()
        kind, shape = read_type(parts[1]), read_space(parts[2])
        count = prod(shape)
        if count * kind.size > min(MOST_ATTRIBUTE, len(body) - place):
            raise RefusedError(f"its HDF5 attribute '{name[:60]}' is larger than its bytes")
        stored = body[place : place + count * kind.size]
        if kind.dtype is not None:
            return name, np.frombuffer(stored, kind.dtype).reshape(shape).copy()
        if kind.words == "texts":
            pieces = [bytes(stored[i * kind.size : (i + 1) * kind.size]) for i in range(count)]
        else:
            pieces = [self.heap_text(stored[i * kind.size : (i + 1) * kind.size]) for i in range(count)]
        texts = [piece.split(b"\0")[0].decode() for piece in pieces]
        return name, texts if shape else texts[0]

    def heap_text(self, reference: memoryview) -> bytes:
        """A text of any length, which lies elsewhere in the file."""
        length, address, index = struct.unpack("<IQI", reference)
        if length == 0:
            return b""
        if bytes(self.at(address, 4)) != b"GCOL":
            raise RefusedError("a text in its HDF5 structure is damaged")
        (whole,) = self.numbers("Q", address + 8)
        place, end = address + 16, address + whole
        while place + 16 <= end:
            self.spend()
            number, _, _, size = self.numbers("HHIQ", place)
            if number == index:
                if not length <= min(size, MOST_ATTRIBUTE):
                    break
                return bytes(self.at(place + 16, length))
            if number == 0:
                break
            place += 16 + -(-size // 8) * 8
        raise RefusedError("a text in its HDF5 structure is damaged")
