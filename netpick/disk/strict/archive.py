"""An uncompressed zip whose every byte is determined by its members: one order, one date, no extras, nothing around it.

Other zip readers open it. This one reads nothing else: headers are compared with those that would have been written, so that
local and central headers cannot disagree, entries cannot overlap, nothing is compressed, and no name leads anywhere.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from netpick.disk.strict.bundle import MANIFEST, MOST_MANIFEST, Bundle
from netpick.disk.strict.files import RefusedError, open_regular, read_exactly

# APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16; values as Python's zipfile writes them on Unix.
LOCAL, CENTRAL, END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s2B5H3I5H2I"), struct.Struct("<4s4H2IH")
VERSION, UNIX, STORED, MIDNIGHT, FIRST_DAY = 20, 3, 0, 0, 33  # 1980-01-01
OWNER_MAY_READ_AND_WRITE = 0o600 << 16
MOST_BYTES = (1 << 32) - (1 << 24)  # what offsets of 32 bits reach; larger files would need zip64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One member: its name, where its header begins, its size, and its CRC-32."""

    name: str
    start: int
    size: int
    crc: int

    @property
    def data(self) -> int:
        return self.start + LOCAL.size + len(self.name)

    def local(self) -> bytes:
        fields = (VERSION, 0, STORED, MIDNIGHT, FIRST_DAY, self.crc, self.size, self.size, len(self.name), 0)
        return LOCAL.pack(b"PK\3\4", *fields) + self.name.encode()

    def central(self) -> bytes:
        fields = (VERSION, UNIX, VERSION, 0, STORED, MIDNIGHT, FIRST_DAY, self.crc, self.size, self.size)
        where = (len(self.name), 0, 0, 0, 0, OWNER_MAY_READ_AND_WRITE, self.start)
        return CENTRAL.pack(b"PK\1\2", *fields, *where) + self.name.encode()


def write_archive(file: BinaryIO, members: Mapping[str, bytes]) -> None:
    """Writes the members in their order. Raises ValueError when they are too large for such a file."""
    entries: list[Entry] = []
    start = 0
    for name, content in members.items():
        entry = Entry(name=name, start=start, size=len(content), crc=zlib.crc32(content))
        start = entry.data + entry.size
        if start > MOST_BYTES:
            raise ValueError(f"a model file holds at most {MOST_BYTES / 1e9:.1f} GB")
        file.write(entry.local())
        file.write(content)
        entries.append(entry)
    file.write(_ending(entries))


def _ending(entries: list[Entry]) -> bytes:
    central = b"".join(entry.central() for entry in entries)
    start = entries[-1].data + entries[-1].size
    return central + END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(central), start, 0)


class _Archive(Bundle):
    def __init__(self, file: BinaryIO, entries: list[Entry]) -> None:
        super().__init__({entry.name: entry.size for entry in entries if entry.name != MANIFEST})
        self.file, self.entries = file, {entry.name: entry for entry in entries}

    def raw(self, name: str) -> bytearray:
        entry = self.entries[name]
        content = read_exactly(self.file, entry.data, entry.size, name)
        if zlib.crc32(content) != entry.crc:
            raise RefusedError(f"member {name} does not have the checksum that its header states")
        return content


@contextmanager
def open_archive(path: Path, limits: Mapping[str, int], version: int) -> Iterator[Bundle]:
    """A zip of a manifest and exactly these members; `limits` says how large each may be. Raises RefusedError."""
    with open_regular(path, MOST_BYTES, links=True) as (file, size):
        entries: list[Entry] = []
        start = 0
        for name, most in {MANIFEST: MOST_MANIFEST, **limits}.items():
            entries.append(_entry(file, size, start, name, most))
            start = entries[-1].data + entries[-1].size
        ending = _ending(entries)
        if size - start != len(ending) or read_exactly(file, start, len(ending), "its directory") != ending:
            raise RefusedError("its directory is not that of its members, or something lies behind them")
        archive = _Archive(file, entries)
        archive.prove_manifest(version)
        yield archive


def _entry(file: BinaryIO, size: int, start: int, name: str, most: int) -> Entry:
    """The member that must begin here. Raises RefusedError."""
    length = LOCAL.size + len(name)
    if size - start < length:
        raise RefusedError("it is no complete zip file")
    header = bytes(read_exactly(file, start, length, name))
    signature, _, _, method, _, _, crc, _, told, _, _ = LOCAL.unpack(header[: LOCAL.size])
    if signature != b"PK\3\4":
        raise RefusedError(f"it is no zip file that begins with {name}" if start == 0 else f"it holds no {name}")
    if method != STORED:
        raise RefusedError(f"member {name} is compressed, which is never written")
    entry = Entry(name=name, start=start, size=told, crc=crc)
    if header != entry.local():
        written_name = header[LOCAL.size :].decode("ascii", "replace")
        what = f"is called {written_name!r}" if written_name != name else "has a header that is never written"
        raise RefusedError(f"its member {name} {what}")
    if told > min(most, size - entry.data):
        raise RefusedError(f"member {name} claims {told:,} bytes")
    return entry
