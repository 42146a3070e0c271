"""Going on: with an interrupted run, which ends as if nothing had happened, and with a finished one, which becomes another."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netpick.api.watching import Watching
from netpick.contest.earlier import Earlier
from netpick.contest.prepare import FitOptions, prepare, silent
from netpick.contest.quantities import parse_duration
from netpick.disk.files import append_lines, locked, refused_write
from netpick.errors import Interrupted, RequestError
from netpick.training.clock import WorkClock
from netpick.training.stop import Stop
from netpick.types import OnEvent

if TYPE_CHECKING:
    from netpick.api import Run

OPENED = "continued.jsonl"  # in the folder of a run that was continued: a line each time


def run_resume(
    folder: Path,
    on_event: OnEvent = silent,
    *,
    data: object | None = None,
    modules: Sequence[Any] = (),
    stop: Stop | None = None,
) -> Run:
    """Goes on where an interrupted run stopped. `data` and `modules` where those of the run were no paths but objects.

    Raises RequestError when there is nothing to resume, or when data or versions have changed since.
    """
    from netpick.api import Run
    from netpick.training.keeping import PLAN, read_request, refuse_changes, spent_seconds

    began = time.perf_counter()
    request = read_request(folder)
    with locked(folder):
        pass  # the contest holds it once its candidates are known; this says so before anything takes long
    if data is None and request.data is None:
        raise RequestError(
            f"The run in {folder} was given a table or arrays from Python, which it does not keep. Hand them over again: "
            "netpick.resume(folder, data=...)."
        )
    started = began - spent_seconds(folder)
    options = replace(FitOptions.from_json(request.options), modules=modules, started=started)
    budget = options.seconds
    replay = None
    if options.plan is not None and not (folder / PLAN).is_file():
        from netpick.contest.replay import read_replay

        replay = read_replay(Path(options.plan))
    try:
        prepared = prepare(request.data if data is None else data, options, on_event)
    except OSError as error:
        if said := refused_write(error):
            raise Interrupted(f"{said} Go on with: netpick resume {folder}") from None
        raise
    refuse_changes(folder, request, prepared.source.fingerprint)
    from netpick.contest.run import run_contest
    from netpick.contest.start import Start

    start = Start(
        prepared=prepared,
        options=options,
        started=started,
        budget=budget,
        on_event=on_event,
        clock=WorkClock(started=began),
        replay=replay,
        folder=folder,
        stop=stop or Stop(),
    )
    results = run_contest(start).results
    seconds = time.perf_counter() - started
    return Run(folder=folder, results=results, seconds=seconds, data=data, modules=modules)


def resume(
    run: str | os.PathLike[str],
    *,
    data: object | None = None,
    modules: Sequence[Any] = (),
    on_event: OnEvent | None = None,
) -> Run:
    """Goes on with an interrupted run, and ends with the weights that it would have had without the interruption.

    data: only for runs of frames or arrays, which a run folder does not keep; modules: networks of your own, likewise.
    Raises RequestError when there is nothing to resume, or when data or versions have changed since.
    """
    with Watching(on_event) as told:
        return run_resume(Path(run), told, data=data, modules=modules)


@dataclass(frozen=True, kw_only=True)
class Further:
    """How a finished run is continued. data and modules: where those of the run were no paths but objects."""

    budget: float | None = None  # seconds
    steps: int | None = None
    out: Path | None = None
    data: object | None = field(default=None, repr=False)
    modules: Sequence[Any] = ()
    command: str = "run.continue_(...)"


def run_continue(folder: Path, asked: Further, on_event: OnEvent = silent, stop: Stop | None = None) -> Run:
    """Trains the networks of a finished run further, in a run of its own. The finished one stays as it is.

    Raises RequestError where it kept no trainings, or where its data are others now.
    """
    from netpick import __version__
    from netpick.api import run_prepared
    from netpick.training.ended import sum_of_trainings
    from netpick.training.keeping import read_finished

    started = time.perf_counter()
    request, openings = read_finished(folder)
    data = request.data if asked.data is None else asked.data
    if data is None:
        raise RequestError(
            f"The run in {folder} does not keep its data: they came from Python, or it was private. Hand them over again: "
            "netpick.continue_(folder, data=...)."
        )
    if (made_with := request.versions.get("netpick")) != __version__:
        raise RequestError(
            f"The run in {folder} was made by netpick {made_with}, this is {__version__}, which may read data otherwise. Start a new run "
            "with `netpick fit`."
        )
    before = FitOptions.from_json(request.options)
    sized = before.as_sized
    earlier = Earlier(
        run=str(folder.absolute()),
        budget=sized.budget,
        steps=sized.steps,
        openings=openings + _continued_since(folder),
        trainings=sum_of_trainings(folder),
    )
    options = replace(
        before,
        budget=asked.budget,
        steps=asked.steps,
        out=asked.out,
        modules=asked.modules,
        plan=None,
        command=asked.command,
        started=started,
        earlier=earlier,
    )
    prepared = prepare(data, options, on_event)
    if prepared.source.fingerprint != request.fingerprint:
        raise RequestError(
            f"The data have changed since the run in {folder} (fingerprint {request.fingerprint[:12]}, now "
            f"{prepared.source.fingerprint[:12]}): its test rows could be among those that are learned from now. Put the data back, or start "
            "a new run with `netpick fit`."
        )
    line = json.dumps({"test_openings": earlier.openings + 1})
    append_lines(folder / OPENED, [line + "\n"])
    return run_prepared(data, prepared, options, on_event, stop)


def _continued_since(folder: Path) -> int:
    """How often a finished run was continued already: each time its test rows are opened again."""
    try:
        return sum(bool(line.strip()) for line in (folder / OPENED).read_bytes().splitlines())
    except OSError:
        return 0


def continue_(
    run: str | os.PathLike[str],
    *,
    budget: str | float | None = None,
    steps: int | None = None,
    out: str | os.PathLike[str] | None = None,
    data: object | None = None,
    modules: Sequence[Any] = (),
    on_event: OnEvent | None = None,
) -> Run:
    """Trains the networks of a finished run further, from the weights that they had, and gives a new run.

    Rows, split and sizes of networks stay. Each learning rate rises and falls once more (warm restarts, Loshchilov and Hutter
    2017); where that makes no validation score better, the weights stay. The test rows are opened once more, which the new run counts.
    budget: seconds, or text such as "5m" (default 60s); steps: for each network, instead. data: only for runs of frames
    or arrays; modules: networks of your own, likewise. Raises RequestError where the run kept no trainings (keep="best"), or its data
    have changed.
    """
    seconds = None if budget is None else parse_duration(budget)
    further = Further(budget=seconds, steps=steps, out=None if out is None else Path(out), data=data, modules=modules)
    with Watching(on_event) as told:
        return run_continue(Path(run), further, told)
