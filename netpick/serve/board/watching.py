"""The runs of a folder as they are now: which are finished, which go on, and what the ones in progress said last."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from netpick.disk.strict import RefusedError, parse_json
from netpick.disk.strict.files import open_regular
from netpick.errors import RequestError
from netpick.serve.board.runs import REPORT, REQUEST, FinishedRun, read_run

State = Literal["running", "finished", "failed", "interrupted"]
EVENTS, FAILED, PAGE = "events.jsonl", "failed.json", "report.html"
QUIET_SECONDS = 300.0  # without an event, after which a run that is not finished counts as interrupted
MOST_RUNS = 500
MOST_READ = 1 << 20  # bytes of events in one answer
MOST_LINE = 1 << 16
MOST_EVENTS = 1 << 40  # bytes of a file of events; it is read in pieces
SHOWN = ("candidate", "step", "steps", "validation_score", "metric", "seconds", "failed")  # of an event's data


@dataclass(frozen=True, kw_only=True)
class RunSeen:
    """One run folder."""

    name: str
    folder: Path
    state: State
    changed: float  # seconds since 1970
    finished: FinishedRun | None = None


@dataclass
class Watcher:
    """Looks at a folder of runs, or at a single run. Names come from the folder alone, never from a request."""

    folder: Path
    _read: dict[Path, tuple[float, FinishedRun | None]] = field(default_factory=dict)

    def runs(self) -> list[RunSeen]:
        """All runs, those in progress first, then the newest."""
        found = [self._seen(folder) for folder in self._folders()]
        return sorted(found, key=lambda run: (run.state != "running", -run.changed))

    def run(self, name: str) -> RunSeen | None:
        """The run of that name."""
        folder = next((folder for folder in self._folders() if _name(folder) == name), None)
        return None if folder is None else self._seen(folder)

    def _folders(self) -> list[Path]:
        here = self.folder.resolve()
        if _is_run(here):
            return [here]
        try:
            inside = [path for path in here.iterdir() if path.is_dir() and not path.is_symlink() and _is_run(path)]
        except OSError:
            return []
        return sorted(inside, key=_changed, reverse=True)[:MOST_RUNS]

    def _seen(self, folder: Path) -> RunSeen:
        changed = _changed(folder)
        finished = self._finished(folder)
        if finished is not None:
            state: State = "finished"
        elif (folder / FAILED).is_file():
            state = "failed"
        else:
            state = "running" if time.time() - changed < QUIET_SECONDS else "interrupted"
        return RunSeen(name=_name(folder), folder=folder, state=state, changed=changed, finished=finished)

    def _finished(self, folder: Path) -> FinishedRun | None:
        """Read once for every time that it was written."""
        try:
            written = (folder / REPORT).stat().st_mtime
        except OSError:
            return None
        kept = self._read.get(folder)
        if kept is None or kept[0] != written:
            try:
                kept = (written, read_run(folder))
            except RequestError:
                kept = (written, None)
            self._read[folder] = kept
        return kept[1]


def new_events(folder: Path, start: int) -> tuple[list[Mapping[str, Any]], int]:
    """The events behind byte `start`, and where the next ones will begin. Half a line waits for its rest."""
    try:
        with open_regular(folder / EVENTS, MOST_EVENTS) as (file, size):
            file.seek(start if 0 <= start <= size else 0)
            content = file.read(MOST_READ)
            begin = file.tell() - len(content)
    except RefusedError:
        return [], 0
    whole = content[: content.rfind(b"\n") + 1]
    if not whole and len(content) == MOST_READ:
        return [], begin + MOST_READ  # a line that long is none of ours
    events = [event for line in whole.splitlines() if (event := _event(line)) is not None]
    return events, begin + len(whole)


def _event(line: bytes) -> Mapping[str, Any] | None:
    try:
        said = parse_json(line, MOST_LINE)
    except RefusedError:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("data"), dict):
        return None
    data = {key: said["data"][key] for key in SHOWN if isinstance(said["data"].get(key), (str, int, float))}
    seconds = said.get("seconds")
    return {
        "stage": str(said.get("stage", ""))[:40],
        "text": str(said.get("text", ""))[:500],
        "seconds": seconds if isinstance(seconds, (int, float)) else 0.0,
        "data": data,
    }


def _name(folder: Path) -> str:
    """As a page can show it; names of folders need not be UTF-8."""
    return folder.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (REPORT, REQUEST, EVENTS))


def _changed(folder: Path) -> float:
    times = []
    for name in (EVENTS, REPORT, REQUEST):
        try:
            times.append((folder / name).stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
