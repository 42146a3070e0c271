"""Trainings that have ended: their weights and history as data, while the run goes on and, in RUN/trainings, behind it.

A run that continues another one takes each training up from there. The model files cannot serve for that: what they hold may have
learned from the validation rows, too, or from all rows of a contest in folds.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.disk.strict.bundle import MANIFEST
from netpick.disk.strict.tensors import specs_of
from netpick.training.checkpoint import Checkpoints, Expected
from netpick.training.job import Job, Trained, new_network
from netpick.training.training_state import KeptPoint, history_from_json, history_to_json
from netpick.types import STRICT
from netpick.types.results import HalfTime

TRAININGS = "trainings"  # a folder for each, in that of a finished run


@strict_dataclass(config=STRICT, kw_only=True)
class Halves:
    """A HalfTime in JSON."""

    step: int = Field(ge=0)
    validation_loss: float
    validation_score: float
    end_step: int = Field(ge=0)
    end_loss: float
    end_score: float
    loss_error: float


@strict_dataclass(config=STRICT, kw_only=True)
class Ended:
    """state.json of a training that has ended."""

    history: tuple[KeptPoint, ...]
    best_step: int = Field(ge=0)
    steps: int = Field(ge=0)
    before: int = Field(ge=0, default=0)  # of these steps, made by the run that is continued
    seconds: float = Field(ge=0)
    used: float = Field(ge=0)  # of the run's budget, when it ended
    remarks: tuple[str, ...]
    half_time: Halves | None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A training that was read back, and the seconds of the run's budget that were used when it ended."""

    trained: Trained
    used: float


def write_ended(checkpoints: Checkpoints, trained: Trained, used: float) -> None:
    """Keeps a training that has ended. Raises Interrupted when the disk refuses."""
    state = {
        "history": history_to_json(trained.history),
        "best_step": trained.best_step,
        "steps": trained.steps,
        "before": trained.before,
        "seconds": trained.seconds,
        "used": used,
        "remarks": list(trained.remarks),
        "half_time": None if trained.half_time is None else asdict(trained.half_time),
    }
    checkpoints.save(trained.network.state_dict(), state)


def read_ended(checkpoints: Checkpoints, job: Job) -> Kept | None:
    """A training that has ended; None where there is none that is whole."""
    stored = checkpoints.load(lambda: Expected(tensors=specs_of(new_network(job).state_dict()), state=Ended))
    if stored is None:
        return None
    network, state = new_network(job), stored.state
    network.load_state_dict(stored.tensors)
    network.eval()
    trained = Trained(
        network=network,
        history=history_from_json(state["history"]),
        best_step=state["best_step"],
        steps=state["steps"],
        before=state.get("before", 0),
        seconds=state["seconds"],
        remarks=tuple(state["remarks"]),
        half_time=HalfTime(**state["half_time"]) if state["half_time"] else None,
    )
    return Kept(trained=trained, used=float(state["used"]))


def joined(before: Trained, trained: Trained) -> Trained:
    """One training from the steps of an earlier run and those that were made since."""
    points = [
        replace(point, step=point.step + before.steps, seconds=point.seconds + before.seconds)
        for point in trained.history
    ]
    half = trained.half_time
    if half is not None:
        half = replace(half, step=half.step + before.steps, end_step=half.end_step + before.steps)
    return replace(
        trained,
        history=(*before.history, *points),
        best_step=before.steps + trained.best_step if trained.best_step else before.best_step,
        steps=before.steps + trained.steps,
        before=before.steps,
        seconds=before.seconds + trained.seconds,
        half_time=half or before.half_time,
    )


def keep_trainings(run: Path, checkpoints: Path) -> None:
    """Moves what was trained to where the next run looks for it; where the disk refuses, the run cannot be continued."""
    with suppress(OSError):
        for ended in sorted(checkpoints.glob("*/ended")):
            (run / TRAININGS).mkdir(exist_ok=True)
            shutil.rmtree(run / TRAININGS / ended.parent.name, ignore_errors=True)
            ended.rename(run / TRAININGS / ended.parent.name)


def read_learned(run: Path, keys: Sequence[str], job: Job) -> Trained | None:
    """The first of these trainings that a finished run has kept for such a network."""
    for key in keys:
        kept = read_ended(Checkpoints(run / TRAININGS / key), job)
        if kept is not None:
            return kept.trained
    return None


def sum_of_trainings(run: Path) -> str:
    """SHA-256 over the manifests of all trainings that a run has kept; empty where there are none."""
    manifests = sorted((run / TRAININGS).glob(f"*/*/{MANIFEST}"))
    told = hashlib.sha256()
    for path in manifests:
        told.update(path.relative_to(run).as_posix().encode() + b"\0" + path.read_bytes())
    return told.hexdigest() if manifests else ""
