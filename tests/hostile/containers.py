"""Hostile containers: other formats under our name, and zips whose headers lie."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tests.hostile.forge import Entry, entries_of, sealed, sha, with_manifest, zipped
from tests.hostile.samples import Sample

Case = tuple[str, bytes]


class Shell:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return (os.system, ("touch /tmp/netpick-was-here",))


PICKLE = pickle.dumps(Shell())


def other_formats(good: Sample) -> Iterator[Case]:
    """Files that other loaders would run, open or unpack (torch.load, joblib, Keras, MLflow, ONNX, GGUF, numpy)."""
    yield "nothing at all", b""
    yield "one byte", b"P"
    yield "a pickle", PICKLE
    yield "a pickle in protocol 0", b"cos\nsystem\n(S'touch /tmp/netpick-was-here'\ntR."
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("archive/data.pkl", PICKLE)
        archive.writestr("archive/version", "3")
    yield "torch.save: a zip of a pickle", inner.getvalue()
    yield "joblib: a compressed pickle", zlib.compress(PICKLE)
    yield "gzip of a good file", gzip.compress(good.content)
    yield "a tar with a link out", _tar(tarfile.SYMTYPE)
    yield "a tar with a path out", _tar(tarfile.REGTYPE)
    yield "Keras: the older format that is checked less", b"\x89HDF\r\n\x1a\n" + b"\0" * 2_000 + PICKLE
    yield "Keras: a zip with a Lambda layer", _zip({"config.json": json.dumps({
        "class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None]}, "module": "builtins"}).encode(),
        "metadata.json": b"{}", "model.weights.h5": b"\x89HDF\r\n\x1a\n"})  # fmt: skip
    yield "YAML that makes an object", b"!!python/object/apply:os.system ['touch /tmp/netpick-was-here']\n"
    yield "JSON alone", json.dumps(good.record).encode()
    yield "a script", b"#!/bin/sh\ntouch /tmp/netpick-was-here\n"
    yield "a module", b"import os\nos.system('touch /tmp/netpick-was-here')\n"
    yield "a program", b"\x7fELF\x02\x01\x01" + b"\0" * 4_000
    yield "a page", b"<!doctype html><script>fetch('http://127.0.0.1:9')</script>"
    yield (
        "ONNX with weights in another file",
        b"\x08\x08\x3a\x40\x2a\x3e\x42\x01w\x6a\x1c\x0a\x08location\x12\x10../../etc/passwd" + b"\0" * 40,
    )
    yield "GGUF that counts 2^64 - 1 tensors", b"GGUF\x03\0\0\0" + b"\xff" * 16 + b"\0" * 64
    objects = io.BytesIO()
    np.save(objects, np.array([Shell()], dtype=object), allow_pickle=True)
    yield "numpy: an array of objects", objects.getvalue()
    archive_of_objects = io.BytesIO()
    np.savez(archive_of_objects, weights=np.array([Shell()], dtype=object))
    yield "numpy: a zip of arrays of objects", archive_of_objects.getvalue()
    yield "a reference to a hub", b"hf://somebody/model\n"
    yield "Windows' line ends", good.content.replace(b"\n", b"\r\n")
    yield "every byte of 0", b"\0" * 4_096


def zips(good: Sample) -> Iterator[Case]:
    """Zip slip, bombs, overlaps, two truths in one file, and everything that is not written."""
    entries = entries_of(good.members)
    names = list(good.members)
    card, weights = names.index("card.md"), names.index("weights.safetensors")

    def one(index: int, **changes: Any) -> bytes:
        return zipped([replace(e, **changes) if i == index else e for i, e in enumerate(entries)])

    yield "compressed", _zip(good.members, zipfile.ZIP_DEFLATED)
    yield "compressed by bzip2", _zip(good.members, zipfile.ZIP_BZIP2)
    yield "compressed by lzma", _zip(good.members, zipfile.ZIP_LZMA)
    yield (
        "a bomb: 100 MB of zeros in 100 kB",
        _zip({**good.members, "weights.safetensors": b"\0" * 100_000_000}, zipfile.ZIP_DEFLATED),
    )
    yield "said to be stored, but compressed", one(weights, content=zlib.compress(good.members["weights.safetensors"]))
    yield "encrypted", one(card, local={"flags": 1}, central={"flags": 1})
    for what, name in {
        "one member more": b"run.py", "a path upwards": b"../card.md", "a path from the root": b"/etc/cron.d/netpick",
        "a Windows path": b"..\\..\\card.md", "a drive": b"C:\\card.md", "a NUL in a name": b"card.md\0.py",
        "a Cyrillic letter in a name": "саrd.md".encode(), "full-width letters": "ｃａｒｄ.md".encode(),
        "capitals": b"Card.md", "a trailing dot": b"card.md.", "a right-to-left mark": "card\u202e.md".encode(),
        "a folder": b"card.md/", "no name": b"", "a very long name": b"a" * 60_000,
    }.items():  # fmt: skip
        if what == "one member more":
            yield what, zipped([*entries, Entry(name=name, content=b"import os")])
        else:
            yield what, one(card, name=name)
    yield "a member twice", zipped([*entries, entries[card]])
    yield "a member twice, with other content", zipped([*entries, replace(entries[card], content=b"<script>")])
    yield "a member missing", zipped(entries[:-1])
    yield "another order", zipped(entries[::-1])
    yield "a member that is a link", one(card, content=b"/etc/passwd", central={"external": 0o120777 << 16})
    yield "a nested zip", zipped(entries_of(sealed({**good.members, "model.json": good.content})))
    yield "entries that overlap", zipped([*entries[:-1], replace(entries[-1], central={"start": 0})])
    yield "all entries in one place", zipped([replace(e, central={"start": 0}) for e in entries])
    kernel = good.members["card.md"]
    quoted = [
        Entry(
            name=e.name,
            content=b"",
            local={"size": 1 << 20, "packed": 1 << 20, "extra": b"\x99\x99\x1e\0" + b"\0" * 30},
        )
        for e in entries
    ]
    yield "quoted overlaps (Fifield 2019)", zipped([*quoted, Entry(name=b"kernel", content=kernel)])
    yield "another name in the directory", one(card, central={"name": b"care.md"})
    yield "another size in the directory", one(card, central={"size": 3, "packed": 3})
    yield "another place in the directory", one(card, central={"start": 12})
    yield "another CRC in the directory", one(card, central={"crc": 1})
    yield "another CRC", one(card, local={"crc": 1}, central={"crc": 1})
    yield "sizes behind the data", one(card, local={"flags": 8, "size": 0, "packed": 0, "crc": 0}, central={"flags": 8})
    yield "an extra field", one(card, local={"extra": b"ux\x0b\0\x01\x04\0\0\0\0\x04\0\0\0\0"})
    yield "an extra field of other names (0x7075)", one(card, central={"extra": b"up\x0a\0\x01\0\0\0\0evil!"})
    yield (
        "64-bit sizes",
        one(card, local={"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "extra": b"\x01\0\x10\0" + b"\xff" * 16}),
    )
    yield (
        "4 GB claimed",
        one(
            weights,
            local={"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF},
            central={"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF},
        ),
    )
    yield "one byte too many claimed", one(weights, local={"size": len(entries[weights].content) + 1})
    yield "a size of 0", one(weights, local={"size": 0, "packed": 0})
    yield "a comment on the archive", zipped(entries, end={"comment": b"PK\5\6" + b"\0" * 18})
    yield "a comment on a member", one(card, central={"comment": b"x" * 500})
    yield "something in front", zipped(entries, before=b"#!/usr/bin/env python3\n")
    yield "something behind", zipped(entries, after=b"\0")
    yield "another zip behind", good.content + _zip({"__main__.py": b"import os"})
    yield "another zip in front", _zip({"__main__.py": b"import os"}) + good.content
    yield "a wrong count", zipped(entries, end={"count": 4})
    yield "65,535 members claimed", zipped(entries, end={"count": 0xFFFF})
    yield "a directory elsewhere", zipped(entries, end={"start": 0})
    yield "on another disk", zipped(entries, end={"disk": 1})
    yield "another date", one(card, local={"date": 34}, central={"date": 34})
    yield "another time", one(card, local={"time": 1}, central={"time": 1})
    yield "a flag that changes nothing", one(card, local={"flags": 0x800}, central={"flags": 0x800})
    yield "executable", one(card, central={"external": 0o100755 << 16})
    yield "text, says an internal flag", one(card, central={"internal": 1})
    yield "made on another system", one(card, central={"made": 20})
    yield "no directory", good.content[: good.content.rindex(b"PK\1\2")]
    yield "only a directory", good.content[good.content.index(b"PK\1\2") :]
    yield "half of it", good.content[: len(good.content) // 2]
    yield "all but the last byte", good.content[:-1]
    yield "65,535 empty members", zipped([Entry(name=b"%d" % i, content=b"") for i in range(65_535)])


def manifests(good: Sample) -> Iterator[Case]:
    """A manifest is what its members make it, and nothing else."""
    members = good.members

    def key(m: Any, **changes: Any) -> Any:
        return {**m, **changes}

    def member(m: Any, **changes: Any) -> Any:
        return key(m, members={**m["members"], "card.md": {**m["members"]["card.md"], **changes}})

    cases: dict[str, Any] = {
        "a format to come": lambda m: key(m, format=2),
        "a format in words": lambda m: key(m, format="1"),
        "a format that is true": lambda m: key(m, format=True),
        "a format with a point": lambda m: key(m, format=1.0),
        "a format without end": lambda m: b'{"format": ' + b"9" * 5_000 + b', "members": {}}',
        "no members": lambda m: key(m, members={}),
        "members as a list": lambda m: key(m, members=list(m["members"].items())),
        "a member of elsewhere": lambda m: key(
            m, members={**m["members"], "../../etc/passwd": {"sha256": sha(b""), "bytes": 0}}
        ),
        "another checksum": lambda m: member(m, sha256=sha(b"x")),
        "a checksum in capitals": lambda m: member(m, sha256=m["members"]["card.md"]["sha256"].upper()),
        "a checksum that is no text": lambda m: member(m, sha256=None),
        "a short checksum": lambda m: member(m, sha256=""),
        "another size": lambda m: member(m, bytes=1),
        "a negative size": lambda m: member(m, bytes=-1),
        "a size with a point": lambda m: member(m, bytes=float(m["members"]["card.md"]["bytes"])),
        "one key more": lambda m: key(m, url="http://127.0.0.1:9/weights"),
        "a member with a reference": lambda m: member(m, path="/etc/passwd"),
        "a key twice": lambda m: members["manifest.json"].replace(b'"format": 1', b'"format": 2, "format": 1'),
        "other spaces": lambda m: json.dumps(m).encode(),
        "spaces behind": lambda m: members["manifest.json"] + b" " * 100,
        "NaN": lambda m: b'{"format": NaN, "members": {}}',
        "deeper than any parser": lambda m: b"[" * 30_000 + b"]" * 30_000,
        "longer than it can be": lambda m: b" " * 100_000 + members["manifest.json"],
        "a byte-order mark": lambda m: b"\xef\xbb\xbf" + members["manifest.json"],
        "UTF-16": lambda m: json.dumps(m, indent=1).encode("utf-16"),
        "a list": lambda m: [m],
        "nothing": lambda m: b"",
    }
    for name, change in cases.items():
        yield f"manifest: {name}", with_manifest(members, change)


def _tar(kind: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("../../tmp/netpick-was-here")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return out.getvalue()


def _zip(members: Any, method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()
