"""The blend's model file: which kept models of its run it averages, and with which weights.

The same members as every model file, with no arrays of its own. It names candidates, never files, and the SHA-256 of the model
file of each, so it is used in its run folder, and only with the very models that it was weighed with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as strict_dataclass
from safetensors.numpy import save as save_arrays

from netpick.answers.answered import averaged
from netpick.disk.files import write_whole
from netpick.disk.members import CARD, CHECK, MEMBERS, RECORD, WEIGHTS
from netpick.disk.strict import RefusedError, from_parsed, manifest_of, open_archive, write_archive
from netpick.disk.strict.bundle import MANIFEST
from netpick.errors import NetpickError
from netpick.saved.engines import FORECASTS, Engine, encoded_only
from netpick.saved.kept_models import FOLDER, candidate_path
from netpick.saved.parts import ModelParts, peek_record, read_parts, refuse
from netpick.saved.readers import BlendReader, Reader
from netpick.saved.record import BLEND, FORMAT, ModelRecord
from netpick.tasks.forecast.windows import Windows
from netpick.types import STRICT, Array, Rows

MOST_MEMBERS = 100
CHUNK = 1 << 20  # bytes of a file that are hashed at a time


@strict_dataclass(config=STRICT, kw_only=True)
class BlendMember:
    """A candidate or baseline of the run."""

    name: str
    weight: float = Field(gt=0, le=1)
    sha256: str  # of its model file


@strict_dataclass(config=STRICT, kw_only=True)
class BlendSettings:
    """The settings of a blend in model.json."""

    members: tuple[BlendMember, ...] = Field(min_length=1, max_length=MOST_MEMBERS)

    def __post_init__(self) -> None:
        if len({member.name for member in self.members}) != len(self.members):
            raise ValueError("members that are all different")
        if abs(sum(member.weight for member in self.members) - 1) > 1e-6:
            raise ValueError("weights that sum to 1")


class Loaded(Protocol):
    """A model in memory."""

    @property
    def parts(self) -> ModelParts: ...

    @property
    def engine(self) -> Engine: ...


@dataclass(frozen=True, kw_only=True)
class Part:
    """A member as it is used."""

    model: Loaded
    weight: float


@dataclass(frozen=True, kw_only=True)
class BlendEngine:
    """The weighted average of what several models say, each with its own calibration. See Engine."""

    parts: ModelParts
    members: tuple[Part, ...]
    name: str = "blend"

    @property
    def raw(self) -> Sequence[str]:
        return list(dict.fromkeys(key for member in self.members for key in member.model.engine.raw))

    @property
    def reads_history(self) -> bool:
        return any(member.model.engine.reads_history for member in self.members)

    def outputs(self, arrays: Mapping[str, Array]) -> Array:
        if FORECASTS in arrays:
            return arrays[FORECASTS]
        plain = encoded_only(arrays)
        return self._averaged([m.model.engine.outputs(arrays if m.model.engine.raw else plain) for m in self.members])

    def reader(self) -> Reader:
        """See Engine."""
        return BlendReader([m.model.engine.reader() for m in self.members], [m.weight for m in self.members])

    def forecasts(self, windows: Windows, rows: Rows) -> Array:
        return self._averaged([m.model.engine.forecasts(windows, rows) for m in self.members])

    def _averaged(self, answers: Sequence[Array]) -> Array:
        """(n, O) that decode, before the blend's own calibration, to the average of what these decode to."""
        answer, state = self.parts.task.answer, self.parts.task_state
        said = [
            answer.decode(one, member.model.parts.task_state) for one, member in zip(answers, self.members, strict=True)
        ]
        return answer.restated(averaged(said, [member.weight for member in self.members]), answers[0], state)


def blend_settings(weights: Mapping[str, float], files: Mapping[str, Path]) -> dict[str, Any]:
    """What model.json says of a blend of kept models. Raises OSError."""
    members = tuple(BlendMember(name=name, weight=weight, sha256=_sum(files[name])) for name, weight in weights.items())
    settings: dict[str, Any] = TypeAdapter(BlendSettings).dump_python(BlendSettings(members=members), mode="json")
    return settings


def save_blend(path: Path, record: ModelRecord, card: str) -> None:
    """Writes the model file, whole or not at all."""
    members = {
        RECORD: TypeAdapter(ModelRecord).dump_json(record, indent=1),
        WEIGHTS: save_arrays({"weight": np.array([m["weight"] for m in record.settings["members"]])}),
        CHECK: save_arrays({}),
        CARD: card.encode(),
    }
    write_whole(path, partial(write_archive, members={MANIFEST: manifest_of(FORMAT, members), **members}))


def load_blend(path: Path, load: Callable[[Path], Loaded]) -> BlendEngine:
    """Reads a blend and its members, each proved by `load`. Raises ModelFileError for anything wrong with them."""
    try:
        with open_archive(path, MEMBERS, FORMAT) as bundle:
            parts = read_parts(bytes(bundle.read(RECORD)), bundle.read(CARD).decode("utf-8", "replace"), path)
        settings = from_parsed(BlendSettings, parts.record.settings)
    except RefusedError as error:
        refuse(path, str(error).rstrip(".")[:400])
    return BlendEngine(parts=parts, members=tuple(_member(path, parts, member, load) for member in settings.members))


def _member(path: Path, parts: ModelParts, member: BlendMember, load: Callable[[Path], Loaded]) -> Part:
    if path.parent.name != FOLDER:
        refuse(
            path,
            f"it averages models that lie beside it in the folder {FOLDER} of its run, and that is not where it is",
        )
    try:
        file = candidate_path(path.parent.parent, member.name, _candidate)
    except NetpickError as error:
        refuse(path, f"it needs the model of '{member.name[:60]}'. {str(error).rstrip('.')[:300]}")
    if peek_record(file).family == BLEND:
        refuse(path, "it names a blend as one of its members")
    if _sum(file) != member.sha256:
        refuse(path, f"the model of '{member.name[:60]}' is not the one that it was weighed with")
    found = load(file)
    own, its = parts.record, found.parts.record
    if (its.task, its.targets, its.labels, dict(its.inputs)) != (own.task, own.targets, own.labels, dict(own.inputs)):
        refuse(path, f"the model of '{member.name[:60]}' answers something else")
    return Part(model=found, weight=member.weight)


def _candidate(file: Path) -> str:
    return peek_record(file).candidate


def _sum(file: Path) -> str:
    """SHA-256 of a file."""
    total = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK):
            total.update(piece)
    return total.hexdigest()
