"""Groups and arrays of float32 as an HDF5 file that every reader opens: the oldest layout of the format, without attributes."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

from netpick.disk.hdf5.reading import NOWHERE, SIGNATURE
from netpick.types import Array

LEAF, FEWEST_CHILDREN = 8, 32  # members of a list, and lists of a group
FLOAT32 = struct.pack("<B3BI2H4BI", 0x11, 0x20, 31, 0, 4, 0, 32, 23, 8, 0, 23, 127)

Tree = Mapping[str, "Tree | Array"]


def write_hdf5(tree: Tree) -> bytes:
    """The file: groups as mappings, arrays as float32."""
    return _Writer(tree).whole()


class _Writer:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.children = max(FEWEST_CHILDREN, 2 * -(-_widest(tree) // LEAF // 2) + 2)
        self.parts: list[bytes] = [bytes(96)]  # the superblock comes last
        self.size = 96

    def whole(self) -> bytes:
        root = self.group(self.tree)
        start = struct.pack("<8s8B2HI", SIGNATURE, 0, 0, 0, 0, 0, 8, 8, 0, LEAF // 2, self.children // 2, 0)
        places = struct.pack("<4Q", 0, NOWHERE, self.size, NOWHERE)
        entry = struct.pack("<2Q2I16x", 0, root, 0, 0)
        return b"".join([start + places + entry, *self.parts[1:]])

    def put(self, content: bytes) -> int:
        """Appends a block, its size rounded up to 8; its address."""
        place = self.size
        content += bytes(-len(content) % 8)
        self.parts.append(content)
        self.size += len(content)
        return place

    def header(self, *messages: tuple[int, bytes]) -> int:
        body = b""
        for kind, content in messages:
            content += bytes(-len(content) % 8)
            body += struct.pack("<HHB3x", kind, len(content), 0) + content
        return self.put(struct.pack("<BBHII4x", 1, 0, len(messages), 1, len(body)) + body)

    def array(self, array: Array) -> int:
        content = np.asarray(array, dtype="<f4", order="C")
        place = self.put(content.tobytes()) if content.size else NOWHERE
        space = struct.pack(f"<BBB5x{content.ndim}Q", 1, content.ndim, 0, *content.shape)
        fill = struct.pack("<4BI", 2, 1, 0, 1, 0)  # early allocation, written never, none defined but zero
        layout = struct.pack("<BB2Q", 3, 1, place, content.nbytes)
        return self.header((0x0001, space), (0x0003, FLOAT32), (0x0005, fill), (0x0008, layout))

    def group(self, members: Tree) -> int:
        """Its header's address, with all below it."""
        placed = {name: self.array(m) if isinstance(m, np.ndarray) else self.group(m) for name, m in members.items()}
        names = sorted(placed, key=lambda name: name.encode())
        heap, at = bytearray(8), dict[str, int]()
        for name in names:
            at[name] = len(heap)
            text = name.encode() + b"\0"
            heap += text + bytes(-len(text) % 8)
        data = self.put(bytes(heap))
        heap_place = self.put(struct.pack("<4sB3x3Q", b"HEAP", 0, len(heap), 1, data))
        keys, lists = [0], list[int]()
        for start in range(0, len(names), LEAF):
            some = names[start : start + LEAF]
            entries = b"".join(struct.pack("<2Q2I16x", at[name], placed[name], 0, 0) for name in some)
            filled = entries + bytes(40 * (LEAF - len(some)))
            lists.append(self.put(struct.pack("<4sBxH", b"SNOD", 1, len(some)) + filled))
            keys.append(at[some[-1]])
        body = b"".join(struct.pack("<2Q", key, child) for key, child in zip(keys, lists, strict=False))
        body += struct.pack("<Q", keys[-1])
        whole = 8 * (2 * self.children + 1)
        node = struct.pack("<4sBBH2Q", b"TREE", 0, 0, len(lists), NOWHERE, NOWHERE) + body + bytes(whole - len(body))
        return self.header((0x0011, struct.pack("<2Q", self.put(node), heap_place)))


def _widest(tree: Tree) -> int:
    """Members of the largest group."""
    return max([len(tree), *(_widest(member) for member in tree.values() if not isinstance(member, np.ndarray))])
