"""Checkpoints: all that the next training step depends on, as data only, written so that no moment is a bad one to stop.

A checkpoint is a folder of three files: `tensors.safetensors`, `state.json`, and last `manifest.json` with the SHA-256 and
size of both, read back by `strict/`. It is written under another name, every file flushed to the disk, and then renamed: a folder with a number
for its name is whole, or the disk has damaged it since, which its checksums tell. Two are kept; a damaged one is passed
over for the one before, and that is said.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save as save_tensors
from torch import Tensor

from netpick.disk.files import flush_folder, write_through
from netpick.disk.strict import RefusedError, from_parsed, manifest_of, open_folder, parse_json
from netpick.disk.strict.bundle import MANIFEST
from netpick.disk.strict.tensors import TensorSpec, header_of, tensors_of
from netpick.errors import Interrupted

FORMAT = 1
KEPT = 2
TENSORS, STATE = "tensors.safetensors", "state.json"
MEMBERS = {TENSORS: 64 << 30, STATE: 64 << 20}  # and how many bytes each may have; a million evaluations take less
OVERHEAD = 0.04  # of the training time that writing may take
LEAST_SECONDS = 2.0  # between checkpoints
BYTES_A_SECOND = 100e6  # that a slow disk takes: what the first checkpoint is expected to cost


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Named tensors and JSON."""

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must be in a checkpoint, and what may be. `state` is a strict dataclass that state.json must be one of."""

    tensors: Mapping[str, TensorSpec]
    optional: Mapping[str, TensorSpec] = field(default_factory=dict)
    state: type[Any]


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

    def expect(self, weights: int) -> None:
        """Tells what the first checkpoint will cost: so many bytes of weights, as many for the best ones, more to train them."""
        self.spent = 4 * weights / BYTES_A_SECOND

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any], began: float | None = None) -> None:
        """Writes the next one and drops all but the last two; `began` is when gathering it began, which counts as its cost.

        Raises Interrupted when the disk refuses.
        """
        before = time.perf_counter() if began is None else began
        number = max(_numbers(self.folder), default=0) + 1
        partial = self.folder / f".{number:08d}.partial"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            contents = {
                TENSORS: save_tensors({name: t.detach().cpu().contiguous() for name, t in tensors.items()}),
                STATE: json.dumps(state, allow_nan=False).encode(),
            }
            for name, content in {**contents, MANIFEST: manifest_of(FORMAT, contents)}.items():
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

    def load(self, expected: Callable[[], Expected] | None = None) -> Checkpoint | None:
        """The newest whole one that holds what is expected; None where there is none."""
        for number in sorted(_numbers(self.folder), reverse=True):
            path = self.folder / f"{number:08d}"
            try:
                return read_checkpoint(path, None if expected is None else expected())
            except RefusedError as error:
                self.remarks.append(f"checkpoint {path.name} is damaged ({error}); the one before it was used")
        return None

    def remove(self) -> None:
        """Drops all of them: the training is over, and its result is kept elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)


def read_checkpoint(path: Path, expected: Expected | None = None) -> Checkpoint:
    """A checkpoint, proved against its manifest and against what it must hold. Raises RefusedError."""
    with open_folder(path, MEMBERS, FORMAT) as bundle:
        state = parse_json(bundle.read(STATE), MEMBERS[STATE])
        if not isinstance(state, dict):
            raise RefusedError("its state is no object")
        content = bundle.read(TENSORS)
    header = header_of(content)
    if expected is not None:
        from_parsed(expected.state, state)
        header.require(expected.tensors, optional=expected.optional)
    return Checkpoint(tensors=tensors_of(content, header, finite=False), state=state)


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit() and entry.is_dir()]
