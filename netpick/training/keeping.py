"""What a run keeps in its folder so that it can go on after any interruption: the request, the plan, and every training.

Everything before the plan is a function of data, options and seed, and is done again; the plan and what was decided since
(decisions.jsonl) are read back, since a clock went into them; trainings that ended are read back, and the one that was under way
goes on from its last checkpoint. At the end the decisions become part of plan.json, from which the whole run can be replayed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick import __version__
from netpick.disk.files import append_lines, write_whole
from netpick.disk.strict import RefusedError, from_parsed, parse_json, read_as, read_file, require_plain
from netpick.errors import Interrupted, RequestError
from netpick.models.baseline_fits import read_decisions as baseline_decisions
from netpick.training.checkpoint import Checkpoints
from netpick.training.clock import Clock
from netpick.training.course import Record, Segment
from netpick.training.ended import TRAININGS, joined, keep_trainings, read_ended, read_learned, write_ended
from netpick.training.job import Job, Trained
from netpick.training.plan import Plan
from netpick.training.stop import Stop
from netpick.training.train import train
from netpick.types import STRICT, OnEvent

REQUEST, PLAN, EVENTS, FINISHED = "request.json", "plan.json", "events.jsonl", "report.json"
DECISIONS, LATENCIES = "decisions.jsonl", "latencies.jsonl"
CHECKPOINTS = "checkpoints"  # a folder for each training, gone when the run is finished
SEAL = "sha256"  # the key of a file's checksum
MOST_BYTES = 16 << 20
LAST_EVENTS = 1 << 20  # bytes of events.jsonl that are looked at
MOST_SECONDS = 1e9


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for, of which data, with which versions. `data` is None where it was no path."""

    data: str | None
    options: dict[str, Any]
    fingerprint: str
    versions: dict[str, str]


@strict_dataclass(config=STRICT, kw_only=True)
class Decision:
    """A line of decisions.jsonl. `replaces`: the training's last segment was cut short and is this one."""

    training: str
    segment: Segment
    replaces: bool = False
    sum: str = ""  # of the line without it

    def summed(self) -> Decision:
        """With the sum that belongs to it."""
        plain = TypeAdapter(Decision).dump_json(replace(self, sum=""))
        return replace(self, sum=hashlib.sha256(plain).hexdigest()[:16])


@strict_dataclass(config=STRICT, kw_only=True)
class Latency:
    """A line of latencies.jsonl: what answering one row took. Of equals the fastest is recommended, so a run made again needs the
    times of the first one."""

    name: str  # of the round and the candidate or baseline
    ms: float = Field(ge=0, le=1000 * MOST_SECONDS)
    sum: str = ""  # of the line without it

    def summed(self) -> Latency:
        """With the sum that belongs to it."""
        plain = TypeAdapter(Latency).dump_json(replace(self, sum=""))
        return replace(self, sum=hashlib.sha256(plain).hexdigest()[:16])


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
    clock: Clock
    earlier: Path | None = None  # the folder of the run that is continued

    def begin(self, request: Request) -> None:
        """Keeps the request; from here on the run can be resumed."""
        self._write(REQUEST, sealed(asdict(request)))

    def keep_plan(self, plan: Plan) -> None:
        self._write(PLAN, sealed(plan.to_json()))

    def plan(self) -> Plan | None:
        """The plan of an earlier start; None when the run did not come so far. Raises RequestError when it is damaged."""
        path = self.folder / PLAN
        return Plan.from_json(read_sealed(path)) if path.is_file() else None

    def plan_before(self) -> Plan | None:
        """The plan of the run that is continued; None where none is."""
        return None if self.earlier is None else Plan.from_json(read_json(self.earlier / PLAN))

    def record(self, training: str) -> Record:
        """What was decided for a training so far; each further decision is on the disk before it is carried out."""
        kept = read_decisions(self.folder).get(training, [])
        return Record(segments=kept, keep=lambda segment, replaces: self._decided(training, segment, replaces))

    def _decided(self, training: str, segment: Segment, replaces: bool) -> None:
        decision = Decision(training=training, segment=segment, replaces=replaces).summed()
        line = TypeAdapter(Decision).dump_json(decision)
        try:
            append_lines(self.folder / DECISIONS, [line.decode() + "\n"], through=True)
        except OSError as error:
            raise Interrupted(f"{self.folder / DECISIONS} could not be written to ({error.strerror}).") from None

    def latency(self, name: str, measured: Callable[[], float]) -> float:
        """Milliseconds for one row, as an earlier start measured them, or measured now and kept."""
        known = read_latencies(self.folder)
        if name not in known:
            known[name] = measured()
            self._keep_latency(name, known[name])
        return known[name]

    def keep_latencies(self, known: Mapping[str, float]) -> None:
        """Takes over what a run measured that is replayed."""
        (self.folder / LATENCIES).unlink(missing_ok=True)
        for name, ms in known.items():
            self._keep_latency(name, ms)

    def _keep_latency(self, name: str, ms: float) -> None:
        line = TypeAdapter(Latency).dump_json(Latency(name=name, ms=ms).summed())
        append_lines(self.folder / LATENCIES, [line.decode() + "\n"])

    def trained(self, key: str, job: Job, on_event: OnEvent) -> Trained:
        """Trains, or takes up what was trained. `key` names the training within the run."""
        base = self.folder / CHECKPOINTS / key
        ended, steps = Checkpoints(base / "ended"), Checkpoints(base / "steps")
        if (kept := read_ended(ended, job)) is not None:
            self.clock.set(max(self.clock.seconds(), kept.used))  # others may have ended later
            return kept.trained
        before = self.learned_before(key, job)
        if before is not None:
            job = replace(job, start=before.network.state_dict())
        self.stop.training = True
        try:
            trained = train(replace(job, checkpoints=steps, interrupted=lambda: self.stop.asked), on_event)
        finally:
            self.stop.training = False
        trained = replace(trained, remarks=(*trained.remarks, *steps.remarks))
        if before is not None:
            trained = joined(before, trained)
        write_ended(ended, trained, self.clock.seconds())
        steps.remove()
        return trained

    def trained_until(self, key: str, job: Job, step: int, on_event: OnEvent) -> Trained:
        """Trains up to a step of its schedule, or takes up what was trained; from there it goes on when a later step is asked for."""
        base = self.folder / CHECKPOINTS / key
        ended, steps = Checkpoints(base / f"until-{step}"), Checkpoints(base / "steps")
        if (kept := read_ended(ended, job)) is not None:
            self.clock.set(max(self.clock.seconds(), kept.used))
            return kept.trained
        self.stop.training = True
        try:
            going_on = replace(job, checkpoints=steps, pauses=True, interrupted=lambda: self.stop.asked)
            trained = train(going_on, on_event)
        finally:
            self.stop.training = False
        write_ended(ended, trained, self.clock.seconds())
        return trained

    def learned_before(self, key: str, job: Job) -> Trained | None:
        """What the run that is continued had trained under this key; a training that it did not have goes on from the first one."""
        if self.earlier is None:
            return None
        return read_learned(self.earlier, [key, key.removesuffix("-again").removesuffix("-newest")], job)

    def repeat(self, plan: Plan, decisions: Mapping[str, Sequence[Segment]]) -> None:
        """Keeps a plan that is replayed, with all that was decided along it."""
        (self.folder / DECISIONS).unlink(missing_ok=True)
        for training, segments in decisions.items():
            for segment in segments:
                self._decided(training, segment, replaces=False)
        self.keep_plan(plan)

    def finish(self, *, trainings: bool) -> None:
        """The run is over: nothing is left to resume, and plan.json holds all that it takes to make it again.

        trainings: what was trained is kept too, so that another run can go on from there.
        """
        if trainings:
            keep_trainings(self.folder, self.folder / CHECKPOINTS)
        shutil.rmtree(self.folder / CHECKPOINTS, ignore_errors=True)
        for half in self.folder.glob(".netpick-*.partial"):  # of writes that a kill broke off
            half.unlink(missing_ok=True)
        try:
            request = self._kept_request(read_request_file(self.folder / REQUEST))
            decided = {name: [asdict(s) for s in kept] for name, kept in read_decisions(self.folder).items()}
            kept = {"options": request.options, "fingerprint": request.fingerprint, "versions": request.versions}
            baselines = {name: asdict(decision) for name, decision in baseline_decisions(self.folder).items()}
            whole = {**read_json(self.folder / PLAN), "request": kept, "decisions": decided, "baselines": baselines}
            self._write(PLAN, sealed({**whole, "latencies": read_latencies(self.folder)}))
            (self.folder / DECISIONS).unlink(missing_ok=True)
            (self.folder / LATENCIES).unlink(missing_ok=True)
        except (RequestError, OSError):
            pass  # what was decided still lies in its own file

    def _kept_request(self, request: Request) -> Request:
        """What stays of the request: of a private run no path, title or command, which only resuming needed."""
        if request.options.get("private") is not True:
            return request
        earlier = request.options.get("earlier")
        if earlier:  # a replay then refuses, instead of beginning with other weights
            earlier = {**earlier, "run": Path(earlier["run"]).name}
        left_out = {"command": "", "name": None, "plan": None, "test": None, "earlier": earlier}
        request = replace(request, data=None, options={**request.options, **left_out})
        (self.folder / REQUEST).unlink()  # first: a full disk may not keep it
        self._write(REQUEST, sealed(asdict(request)))
        return request

    def keep_events(self, lines: list[str]) -> None:
        """Adds to events.jsonl. Raises Interrupted when the disk refuses, unless the run is over and only its log is short."""
        try:
            append_lines(self.folder / EVENTS, lines)
        except OSError as error:
            if not (self.folder / FINISHED).is_file():
                raise Interrupted(f"{self.folder} could not be written to ({error.strerror}).") from None

    def _write(self, name: str, text: str) -> None:
        write_whole(self.folder / name, text.encode())


def read_decisions(folder: Path) -> dict[str, list[Segment]]:
    """The segments of each training that decisions.jsonl holds. Raises RequestError when it is damaged."""
    path = folder / DECISIONS
    decided: dict[str, list[Segment]] = {}
    if not path.is_file():
        return decided
    try:
        *lines, rest = bytes(read_file(path, MOST_BYTES)).split(b"\n")
        if _is_whole(rest[:-1]):
            raise RefusedError("its last line does not end as lines do")
        for line in lines:  # what stands behind the last line end was cut short, and never carried out
            decision = read_as(Decision, line, MOST_BYTES)
            if decision != decision.summed():
                raise RefusedError("a line is not as it was written")
            segments = decided.setdefault(decision.training, [])
            if decision.replaces and segments:
                segments.pop()
            segments.append(decision.segment)
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read ({error}). Start the run anew with `netpick fit`.") from None
    return decided


def read_latencies(folder: Path) -> dict[str, float]:
    """What latencies.jsonl holds. Raises RequestError when it is damaged."""
    path = folder / LATENCIES
    if not path.is_file():
        return {}
    try:
        *lines, _ = bytes(read_file(path, MOST_BYTES)).split(b"\n")  # a last line that was cut short is measured again
        read = [read_as(Latency, line, MOST_BYTES) for line in lines]
        if any(latency != latency.summed() for latency in read):
            raise RefusedError("a line is not as it was written")
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read ({error}). Start the run anew with `netpick fit`.") from None
    return {latency.name: latency.ms for latency in read}


def _is_whole(line: bytes) -> bool:
    try:
        decision = read_as(Decision, line, MOST_BYTES)
    except RefusedError:
        return False
    return decision == decision.summed()


def spent_seconds(folder: Path) -> float:
    """Seconds of the budget that earlier starts have used: the time of the last event."""
    try:
        with (folder / EVENTS).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_EVENTS))
            lines = file.read(LAST_EVENTS).splitlines()
    except OSError:
        return 0.0
    last = 0.0
    for line in lines:
        try:
            event = parse_json(line, LAST_EVENTS)
        except RefusedError:
            continue  # the first and the last line may be cut short
        seconds = event.get("seconds") if isinstance(event, dict) else None
        if isinstance(seconds, (int, float)) and 0 <= seconds < MOST_SECONDS:
            last = max(last, float(seconds))
    return last


def read_finished(folder: Path) -> tuple[Request, int]:
    """What a finished run was asked for, and how often its test rows were opened. Raises RequestError where it cannot be continued."""
    if not folder.is_dir():
        raise RequestError(f"There is no run folder {folder}. `netpick fit DATA` makes one.")
    if not (folder / FINISHED).is_file():
        raise RequestError(f"The run in {folder} is not finished. Go on with: netpick resume {folder}")
    if not (folder / TRAININGS).is_dir() or not (folder / REQUEST).is_file():
        raise RequestError(
            f"The run in {folder} kept no trainings to go on from: it was made with --keep best, or by an older version. Start a new run: "
            "netpick fit DATA --budget 5m"
        )
    try:
        require_plain(folder)
    except RefusedError as error:
        raise RequestError(
            f"{folder} is not as a run leaves it: {error}. Start a new run with `netpick fit`."
        ) from None
    read_sealed(folder / REQUEST)
    openings = read_json(folder / FINISHED).get("test_openings")
    if not isinstance(openings, int) or openings < 0:
        raise RequestError(f"{folder / FINISHED} is damaged. Start a new run with `netpick fit`.")
    return read_request_file(folder / REQUEST), openings


def read_request(folder: Path) -> Request:
    """What an unfinished run was asked for. Raises RequestError when there is nothing to resume."""
    if not folder.is_dir():
        raise RequestError(f"There is no run folder {folder}. `netpick fit DATA` makes one.")
    if (folder / FINISHED).is_file():
        raise RequestError(
            f"The run in {folder} is finished: there is nothing to resume. Its report is {folder / 'report.html'}; where that is "
            f"missing, `netpick report {folder}` writes it again."
        )
    if not (folder / REQUEST).is_file():
        raise RequestError(
            f"{folder} holds no run that can be resumed: it has no {REQUEST}. Start it anew with `netpick fit`."
        )
    try:
        require_plain(folder)
    except RefusedError as error:
        raise RequestError(f"{folder} is not as a run leaves it: {error}. Start anew with `netpick fit`.") from None
    read_sealed(folder / REQUEST)
    return read_request_file(folder / REQUEST)


def read_request_file(path: Path) -> Request:
    """A request.json. Raises RequestError when it is damaged."""
    try:
        return from_parsed(Request, dict(read_json(path)))
    except RefusedError as error:
        raise RequestError(f"{path} is damaged ({error}). Start anew with `netpick fit`.") from None


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


def sealed(data: Mapping[str, Any]) -> str:
    """JSON with a checksum of all the rest in it."""
    return json.dumps({**_plain(data), SEAL: _sum_of(_plain(data))}, indent=1, allow_nan=False)


def read_sealed(path: Path) -> Mapping[str, Any]:
    """A JSON object whose checksum is there. Raises RequestError when it is damaged."""
    data = read_json(path)
    if SEAL not in data:
        raise RequestError(f"{path} is damaged (its checksum is missing). Start the run anew with `netpick fit`.")
    return data


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != SEAL}


def _sum_of(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object of the run folder. Raises RequestError when it is damaged."""
    try:
        data = parse_json(read_file(path, MOST_BYTES), MOST_BYTES)
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read ({error}). Start the run anew with `netpick fit`.") from None
    if not isinstance(data, dict):
        raise RequestError(f"{path} cannot be read (it is no object). Start the run anew with `netpick fit`.")
    if SEAL in data and data[SEAL] != _sum_of(_plain(data)):
        raise RequestError(
            f"{path} is not as it was written: its checksum differs. Start the run anew with `netpick fit`; or, where you changed it "
            f"yourself for --plan, take the line '{SEAL}' out."
        )
    return data
