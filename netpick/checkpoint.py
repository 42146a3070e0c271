"""Checkpoints: all that the next training step depends on, as data only, written so that no moment is a bad one to stop.

A checkpoint is a folder of three files: `tensors.safetensors`, `state.json`, and last `manifest.json` with the SHA-256 and
size of both. It is written under another name, every file flushed to the disk, and then renamed: a folder with a number
for its name is whole, or the disk has damaged it since, which its checksums tell. Two are kept; a damaged one is passed
over for the one before, and that is said.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from netpick.errors import Interrupted

FORMAT = 1
KEPT = 2
MOST_STATE = 64 << 20  # bytes of state.json; a history of a million looks takes less
OVERHEAD = 0.04  # of the training time that writing may take
LEAST_SECONDS = 2.0  # between checkpoints


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Named tensors and JSON."""

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


@dataclass
class Checkpoints:
    """The checkpoints of one training in a folder of its own.

    `due` says when the next one pays: writing takes at most a twenty-fifth of the time. `stop` is asked before every step;
    once it is true, training writes a checkpoint and ends with Interrupted.
    """

    folder: Path
    remarks: list[str] = field(default_factory=list)  # damaged ones that were passed over
    spent: float = 0.0  # seconds that the last one took
    wrote: float = field(default_factory=time.perf_counter)

    def due(self) -> bool:
        """Whether enough time has gone by since the last one; $NETPICK_CHECKPOINT_SECONDS sets it, for tests."""
        asked = os.environ.get("NETPICK_CHECKPOINT_SECONDS")
        least = max(LEAST_SECONDS, self.spent / OVERHEAD) if asked is None else float(asked)
        return time.perf_counter() - self.wrote >= least

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Writes the next one and drops all but the last two. Raises Interrupted when the disk refuses."""
        before = time.perf_counter()
        number = max(_numbers(self.folder), default=0) + 1
        partial = self.folder / f".{number:08d}.partial"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            contents = {
                "tensors.safetensors": save_tensors(
                    {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
                ),
                "state.json": json.dumps(state, allow_nan=False).encode(),
            }
            members = {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                for name, content in contents.items()
            }
            contents["manifest.json"] = json.dumps({"format": FORMAT, "members": members}).encode()
            for name, content in contents.items():
                write_through(partial / name, content)
            partial.rename(self.folder / f"{number:08d}")
            flush_folder(self.folder)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise Interrupted(
                f"A checkpoint could not be written to {self.folder} ({error.strerror or error}); the one before it is whole."
            ) from None
        for old in sorted(_numbers(self.folder))[:-KEPT]:
            shutil.rmtree(self.folder / f"{old:08d}", ignore_errors=True)
        self.wrote = time.perf_counter()
        self.spent = self.wrote - before

    def load(self) -> Checkpoint | None:
        """The newest whole one; None where there is none."""
        for number in sorted(_numbers(self.folder), reverse=True):
            path = self.folder / f"{number:08d}"
            try:
                return read_checkpoint(path)
            except DamagedError as error:
                self.remarks.append(f"checkpoint {path.name} is damaged ({error}); the one before it was used")
        return None

    def remove(self) -> None:
        """Drops all of them: the training is over, and its result is kept elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)


class DamagedError(Exception):
    """Why a checkpoint cannot be used."""


def read_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint, proved against its manifest. Raises DamagedError."""
    manifest = _json(_bytes(path / "manifest.json", 1 << 16))
    if (
        not isinstance(manifest, dict)
        or manifest.get("format") != FORMAT
        or not isinstance(manifest.get("members"), dict)
    ):
        raise DamagedError("its manifest is of another format")
    members = manifest["members"]
    if sorted(members) != ["state.json", "tensors.safetensors"]:
        raise DamagedError("its manifest names other files")
    contents: dict[str, bytes] = {}
    for name, expected in members.items():
        size = expected.get("bytes") if isinstance(expected, dict) else None
        if not isinstance(size, int) or (name == "state.json" and size > MOST_STATE):
            raise DamagedError(f"its manifest has no size for {name}")
        contents[name] = _bytes(path / name, size)
        if len(contents[name]) != size or hashlib.sha256(contents[name]).hexdigest() != expected.get("sha256"):
            raise DamagedError(f"{name} does not have the checksum that the manifest states")
    try:
        tensors = load_tensors(contents["tensors.safetensors"])
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise DamagedError(f"its tensors cannot be read: {error}") from None
    state = _json(contents["state.json"])
    if not isinstance(state, dict):
        raise DamagedError("its state is no object")
    return Checkpoint(tensors=tensors, state=state)


def write_through(path: Path, content: bytes) -> None:
    """Writes a file and waits until it lies on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Waits until the names in a folder lie on the disk."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit() and entry.is_dir()]


def _bytes(path: Path, most: int) -> bytes:
    try:
        if path.is_symlink() or path.stat().st_size > most:
            raise DamagedError(f"{path.name} is not the file that was written")
        return path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path.name} cannot be read: {error.strerror}") from None


def _json(content: bytes) -> Any:
    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(content, object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its JSON cannot be read: {error}") from None
