"""The commands that go on with a run: an interrupted one, or one that is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netpick.cli import arguments as arg


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of an interrupted run.", metavar="RUN")],
) -> None:
    """Go on where an interrupted run stopped; what comes out is what it would have been without the interruption."""
    from netpick.api.continuing import run_resume
    from netpick.cli.console import Progress, show_run
    from netpick.training.stop import Stop

    stop = Stop()
    with stop.listening(), Progress() as progress:
        finished = run_resume(run, progress, stop=stop)
    show_run(finished)


def continue_(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.", metavar="RUN")],
    budget: arg.Budget = None,
    steps: arg.Steps = None,
    out: arg.Out = None,
) -> None:
    """Train the networks of a finished run further, in a new run; the test rows are opened once more, and that is counted."""
    from netpick.api.continuing import Further, run_continue
    from netpick.cli.console import Progress, show_run
    from netpick.cli.parsing import command_line
    from netpick.contest.quantities import parse_duration
    from netpick.training.stop import Stop

    seconds = None if budget is None else parse_duration(budget)
    further = Further(budget=seconds, steps=steps, out=out, command=command_line())
    stop = Stop()
    with stop.listening(), Progress(budget=seconds if steps is None else None) as progress:
        finished = run_continue(run, further, progress, stop)
    show_run(finished)
