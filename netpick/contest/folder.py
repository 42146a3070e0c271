"""The run folder while a contest works in it: made, held, told of every event, and left so that the run can go on."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from netpick.contest.start import Start
from netpick.disk.files import locked, refused_write
from netpick.errors import Interrupted, NetpickError, RequestError
from netpick.training.ended import sum_of_trainings
from netpick.training.keeping import PLAN, Keeper, Request, versions
from netpick.types import Event, OnEvent

LEAST_DISK = 30_000_000  # bytes: a report takes 5 MB, a model and its predictions a few more


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """Passes progress on, and keeps it in events.jsonl."""

    keeper: Keeper
    started: float
    listener: OnEvent

    def __call__(self, event: Event, /) -> None:
        seconds = round(time.perf_counter() - self.started, 3)
        self.keeper.keep_events([json.dumps({"seconds": seconds, **asdict(event)}) + "\n"])
        try:
            self.listener(event)
        except OSError as error:  # what it prints to may lie on a full disk, too
            raise Interrupted(f"Progress could not be shown ({error.strerror}).") from None


@contextmanager
def opened(start: Start) -> Iterator[Keeper]:
    """The run folder, held for this process: made now, with what was asked for in it, or that of an earlier start."""
    earlier = _continued(start)
    folder = start.folder or _make_folder(start)
    keeper = Keeper(folder=folder, stop=start.stop, clock=start.clock, earlier=earlier)
    if start.folder is None:
        try:
            keeper.begin(_request(start))
        except OSError:  # nothing was done yet, and nothing stays
            shutil.rmtree(folder, ignore_errors=True)
            raise
    with locked(folder):
        try:
            yield keeper
        except BaseException as error:
            _leave(error, folder, start)
            raise


def _continued(start: Start) -> Path | None:
    """The folder of the run that is continued. Raises RequestError where what it had trained is not there any more."""
    earlier = start.options.earlier
    if earlier is None:
        return None
    if sum_of_trainings(Path(earlier.run)) != earlier.trainings:
        raise RequestError(
            f"This run continues the one in {earlier.run}, whose trainings are not there any more, or are others. Put that folder back, or "
            "start a new run with `netpick fit`."
        )
    return Path(earlier.run)


def _make_folder(start: Start) -> Path:
    name = "private" if start.options.private else start.prepared.source.name
    numbered = (Path("runs") / f"{name}-{number}" for number in count(1))
    folder = start.options.out or next(path for path in numbered if not path.exists())
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    free = shutil.disk_usage(above).free
    if free < LEAST_DISK:
        raise RequestError(
            f"The disk of {above} has {free / 1e6:.1f} MB free, but a run needs at least {LEAST_DISK / 1e6:.0f} MB for "
            "the model and the report. Free some space, or pass --out on another disk."
        )
    folder.mkdir(parents=True)
    return folder


def _request(start: Start) -> Request:
    return Request(
        data=None if start.data is None else str(start.data),
        options=start.options.to_json(),
        fingerprint=start.prepared.source.fingerprint,
        versions=versions(),
    )


def _leave(error: BaseException, folder: Path, start: Start) -> None:
    """A run that was refused before its plan stood leaves nothing; an interrupted one says how to go on."""
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        what = str(error) or "The run was interrupted."
        raise Interrupted(f"{what} Go on with: netpick resume {folder}") from None
    if isinstance(error, OSError) and (reason := refused_write(error)):
        raise Interrupted(f"{reason} Nothing that was trained is lost. Go on with: netpick resume {folder}") from None
    if isinstance(error, NetpickError) and start.folder is None and not (folder / PLAN).exists():
        shutil.rmtree(folder, ignore_errors=True)
        if start.options.out is None:  # runs/ goes too, unless it holds other runs
            with suppress(OSError):
                folder.parent.rmdir()
