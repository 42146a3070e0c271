"""What a run keeps in its folder so that it can go on after any interruption: the request, the plan, and every training.

Everything before the plan is a function of data, options and seed, and is done again; the plan is read back, since a clock
went into it; trainings that ended are read back, and the one that was under way goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from netpick import __version__
from netpick.checkpoint import Checkpoints, flush_folder, write_through
from netpick.errors import RequestError
from netpick.plan import Plan
from netpick.stop import Stop
from netpick.train import Job, Trained, new_network, train
from netpick.types import HistoryPoint, OnEvent

REQUEST, PLAN, FINISHED = "request.json", "plan.json", "report.html"
MOST_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for, of which data, with which versions. `data` is None where it was no path."""

    data: str | None
    options: dict[str, Any]
    fingerprint: str
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """What a run's numbers depend on besides its data and plan."""
    return {
        "netpick": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The run folder of a contest. Training asks `stop` before every step."""

    folder: Path
    stop: Stop

    def begin(self, request: Request) -> None:
        """Keeps the request; from here on the run can be resumed."""
        self._write(REQUEST, json.dumps(asdict(request), indent=1))

    def keep_plan(self, plan: Plan) -> None:
        self._write(PLAN, json.dumps(plan.to_json(), indent=1, allow_nan=False))

    def plan(self) -> Plan | None:
        """The plan of an earlier start; None when the run did not come so far. Raises RequestError when it is damaged."""
        path = self.folder / PLAN
        return Plan.from_json(read_json(path)) if path.is_file() else None

    def trained(self, key: str, job: Job, on_event: OnEvent) -> Trained:
        """Trains, or takes up what was trained. `key` names the training within the run."""
        base = self.folder / "checkpoints" / key
        ended, steps = Checkpoints(base / "ended"), Checkpoints(base / "steps")
        if (found := ended.load()) is not None:
            network = new_network(job)
            network.load_state_dict(found.tensors)
            network.eval()
            history = tuple(HistoryPoint(**point) for point in found.state["history"])
            rest = {name: found.state[name] for name in ("best_step", "steps", "seconds")}
            return Trained(network=network, history=history, remarks=tuple(found.state["remarks"]), **rest)
        self.stop.training = True
        try:
            trained = train(replace(job, checkpoints=steps, interrupted=lambda: self.stop.asked), on_event)
        finally:
            self.stop.training = False
        trained = replace(trained, remarks=(*trained.remarks, *steps.remarks))
        state = {
            "history": [asdict(point) for point in trained.history],
            "best_step": trained.best_step,
            "steps": trained.steps,
            "seconds": trained.seconds,
            "remarks": list(trained.remarks),
        }
        ended.save(trained.network.state_dict(), state)
        steps.remove()
        return trained

    def finish(self) -> None:
        """The run is over: nothing is left to resume."""
        shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        partial = self.folder / f".{name}.partial"
        write_through(partial, text.encode())
        partial.replace(self.folder / name)
        flush_folder(self.folder)


def spent_seconds(folder: Path) -> float:
    """Seconds of the budget that earlier starts have used: the time of the last event."""
    path = folder / "events.jsonl"
    if not path.is_file():
        return 0.0
    last = 0.0
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            last = max(last, float(json.loads(line)["seconds"]))
        except (ValueError, KeyError, TypeError):
            continue  # the last line may be cut short
    return last


def read_request(folder: Path) -> Request:
    """What an unfinished run was asked for. Raises RequestError when there is nothing to resume."""
    if not folder.is_dir():
        raise RequestError(f"There is no run folder {folder}. `netpick fit DATA` makes one.")
    if (folder / FINISHED).is_file():
        raise RequestError(
            f"The run in {folder} is finished: there is nothing to resume. Its report is {folder / FINISHED}."
        )
    if not (folder / REQUEST).is_file():
        raise RequestError(
            f"{folder} holds no run that can be resumed: it has no {REQUEST}. Start it anew with `netpick fit`."
        )
    data = read_json(folder / REQUEST)
    try:
        return TypeAdapter(Request).validate_json(json.dumps(dict(data)))
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(
            f"{folder / REQUEST} is damaged ({'.'.join(map(str, first['loc']))}: {first['msg']}). Start anew with `netpick fit`."
        ) from None


def refuse_changes(folder: Path, kept: Request, fingerprint: str) -> None:
    """Raises RequestError when data or versions are others than those that the run began with."""
    changed = [f"{name} was {kept.versions.get(name)} and is {now}" for name, now in versions().items()
               if kept.versions.get(name) != now]  # fmt: skip
    if kept.fingerprint != fingerprint:
        changed.insert(
            0, f"the data of {kept.data} have changed (fingerprint {kept.fingerprint[:12]}, now {fingerprint[:12]})"
        )
    if changed:
        raise RequestError(
            f"The run in {folder} cannot go on as it began: {'; '.join(changed)}. Its numbers would no longer be those of one "
            "run. Put back what changed, or start anew with `netpick fit`."
        )


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object of the run folder. Raises RequestError when it is damaged."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        data = json.loads(path.read_bytes())
        if not isinstance(data, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"{path} cannot be read ({error}). Start the run anew with `netpick fit`.") from None
    return data
