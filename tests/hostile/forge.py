"""Tools to forge model files: zips and tensors put together by hand, with checksums that fit unless they are not to."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from netpick.disk.strict import manifest_of
from netpick.disk.strict.bundle import MANIFEST
from netpick.saved.record import FORMAT

Members = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One member as its headers tell it. `local` and `central` change fields of one header only."""

    name: bytes
    content: bytes
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)


PLAIN = {"version": 20, "flags": 0, "method": 0, "time": 0, "date": 33, "extra": b"", "comment": b"", "made": 20 | 3 << 8,
         "disk": 0, "internal": 0, "external": 0o600 << 16}  # fmt: skip


def entries_of(members: Members) -> list[Entry]:
    return [Entry(name=name.encode(), content=content) for name, content in members.items()]


def zipped(
    entries: list[Entry], *, before: bytes = b"", after: bytes = b"", end: Mapping[str, Any] | None = None
) -> bytes:
    """A zip of these entries, whatever they claim."""
    out, starts = bytearray(before), []
    for entry in entries:
        starts.append(len(out))
        f = _fields(entry, entry.local)
        out += struct.pack("<4s5H3I2H", b"PK\3\4", f["version"], f["flags"], f["method"], f["time"], f["date"], f["crc"],
                           f["packed"], f["size"], len(f["name"]), len(f["extra"]))  # fmt: skip
        out += f["name"] + f["extra"] + entry.content
    directory = bytearray()
    for entry, start in zip(entries, starts, strict=True):
        f = _fields(entry, entry.central)
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", f["made"], f["version"], f["flags"], f["method"], f["time"],
                                 f["date"], f["crc"], f["packed"], f["size"], len(f["name"]), len(f["extra"]),
                                 len(f["comment"]), f["disk"], f["internal"], f["external"], f.get("start", start))  # fmt: skip
        directory += f["name"] + f["extra"] + f["comment"]
    last = {"disk": 0, "count": len(entries), "size": len(directory), "start": len(out), "comment": b"", **(end or {})}
    out += directory + struct.pack("<4s4H2IH", b"PK\5\6", last["disk"], last["disk"], last["count"], last["count"],
                                   last["size"], last["start"], len(last["comment"])) + last["comment"]  # fmt: skip
    return bytes(out + after)


def _fields(entry: Entry, changed: Mapping[str, Any]) -> dict[str, Any]:
    size = len(entry.content)
    own = {"name": entry.name, "crc": zlib.crc32(entry.content), "packed": size, "size": size}
    return {**PLAIN, **own, **changed}


def sealed(members: Members) -> dict[str, bytes]:
    """The members behind a manifest that fits them."""
    contents = {name: content for name, content in members.items() if name != MANIFEST}
    return {MANIFEST: manifest_of(FORMAT, contents), **contents}


def packed(members: Members) -> bytes:
    """A model file of these members with a manifest that fits."""
    return zipped(entries_of(sealed(members)))


def changed_entry(members: Members, name: str, **changes: Any) -> bytes:
    """The model file with one entry's headers changed: local=..., central=..., content=..., name=..."""
    return zipped([replace(e, **changes) if e.name == name.encode() else e for e in entries_of(members)])


def with_manifest(members: Members, change: Callable[[Any], Any]) -> bytes:
    """The model file with another manifest: `change` gets the parsed one and returns bytes, or data to be written."""
    changed = change(json.loads(members[MANIFEST]))
    content = changed if isinstance(changed, bytes) else json.dumps(changed, indent=1).encode()
    return zipped(entries_of({**members, MANIFEST: content}))


def with_json(members: Members, content: bytes | Any) -> bytes:
    """The model file with another model.json and sums that fit."""
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return packed({**members, "model.json": content})


def tensors(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    """A safetensors file of this header, padded to eight bytes as they are."""
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    content += b" " * (-len(content) % 8)
    return struct.pack("<Q", len(content) if length is None else length) + content + data


def parsed_tensors(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(members: Members, member: str, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The model file with another header of its tensors: `change` works in place, or returns what takes its place."""
    header, data = parsed_tensors(members[member])
    changed = change(header)
    return packed({**members, member: tensors(header if changed is None else changed, data)})


def with_numbers(members: Members, member: str, change: Callable[[dict[str, np.ndarray[Any, Any]]], Any]) -> bytes:
    """The model file with other numbers in its tensors."""
    from safetensors.numpy import load, save

    arrays = {name: array.copy() for name, array in load(members[member]).items()}
    change(arrays)
    return packed({**members, member: save(arrays)})


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
