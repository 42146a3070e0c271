"""Named members with a manifest of their SHA-256 and sizes: what model files and checkpoints have in common.

A manifest is proved first: it must be, byte for byte, what would be written for what it says. So no byte of a bundle is left
that could change without notice: members have checksums, and everything else has one possible content.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from netpick.disk.strict.documents import parse_json
from netpick.disk.strict.files import RefusedError, open_regular, read_exactly

MANIFEST = "manifest.json"
MOST_MANIFEST = 1 << 16


class Bundle(ABC):
    """An open bundle. `sizes` are those of all members but the manifest, known before anything is read."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.sums: dict[str, str] = {}

    @abstractmethod
    def raw(self, name: str) -> bytearray:
        """The bytes of a member as they lie there. Raises RefusedError."""

    def prove_manifest(self, version: int) -> None:
        """Raises RefusedError when the manifest is not that of these members in this version of the format."""
        content = self.raw(MANIFEST)
        manifest = parse_json(content, MOST_MANIFEST)
        if not isinstance(manifest, dict) or not isinstance(manifest.get("members"), dict):
            raise RefusedError("its manifest is of another format")
        if manifest.get("format") != version:
            raise RefusedError(
                f"its format is {manifest.get('format')!r:.20}, and this version of netpick reads {version}"
            )
        if list(manifest["members"]) != list(self.sizes):
            raise RefusedError("its manifest names other members")
        for name, size in self.sizes.items():
            stated = manifest["members"][name]
            if not isinstance(stated, dict) or stated.get("bytes") != size or not isinstance(stated.get("sha256"), str):
                raise RefusedError(f"its manifest states another size of {name}")
            self.sums[name] = stated["sha256"]
        if content != _manifest(version, {name: (self.sums[name], size) for name, size in self.sizes.items()}):
            raise RefusedError("its manifest is not written as manifests are")

    def read(self, name: str) -> bytearray:
        """A member's bytes, proved against the manifest. Raises RefusedError."""
        content = self.raw(name)
        if hashlib.sha256(content).hexdigest() != self.sums[name]:
            raise RefusedError(f"member {name} does not have the checksum that the manifest states")
        return content


def manifest_of(version: int, contents: Mapping[str, bytes]) -> bytes:
    """The manifest of these members."""
    return _manifest(version, {name: (hashlib.sha256(c).hexdigest(), len(c)) for name, c in contents.items()})


def _manifest(version: int, members: Mapping[str, tuple[str, int]]) -> bytes:
    listed = {name: {"sha256": digest, "bytes": size} for name, (digest, size) in members.items()}
    return json.dumps({"format": version, "members": listed}, indent=1).encode()


class _Folder(Bundle):
    def __init__(self, files: Mapping[str, tuple[BinaryIO, int]]) -> None:
        super().__init__({name: size for name, (_, size) in files.items() if name != MANIFEST})
        self.files = files

    def raw(self, name: str) -> bytearray:
        file, size = self.files[name]
        return read_exactly(file, 0, size, name)


@contextmanager
def open_folder(path: Path, limits: Mapping[str, int], version: int) -> Iterator[Bundle]:
    """A folder of exactly these members and a manifest; `limits` says how large each may be. Raises RefusedError."""
    with ExitStack() as stack:
        try:
            found: Any = sorted(entry.name for entry in path.iterdir()) if not path.is_symlink() else "a link"
        except OSError as error:
            raise RefusedError(f"{path.name} cannot be read ({error.strerror})") from None
        if found != sorted([*limits, MANIFEST]):
            raise RefusedError(f"it holds {str(found)[:120]} instead of {', '.join(limits)} and {MANIFEST}")
        sizes = {**limits, MANIFEST: MOST_MANIFEST}
        bundle = _Folder({name: stack.enter_context(open_regular(path / name, most)) for name, most in sizes.items()})
        bundle.prove_manifest(version)
        yield bundle
