"""`netpick` in a process of its own that has its libraries from the start: forked from one that imported them, once a test session.

It is killed, stopped, waited for and talked to as any other process. That a start imports what it needs is what the processes of
tests/command_line.py are for; here it would take two to four seconds of a processor, each time.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from contextlib import chdir
from multiprocessing import forkserver, reduction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    *("pyarrow.parquet", "safetensors.torch", "sklearn.ensemble", "plotly"),
    *("netpick.api", "netpick.cli.commands", "netpick.cli.console", "netpick.contest.run", "netpick.explain"),
    *("netpick.report", "netpick.saved.use", "netpick.serve.app", "netpick.serve.run"),
)  # none of them starts a thread until it is used, so that forking is safe

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(list(LIBRARIES))


class Forked:
    """A running command. What it writes to standard output and standard error comes together in `output`."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        read, write = os.pipe()
        with chdir(ROOT):  # where the first one finds the package
            forkserver.ensure_running()
        given = (arguments, {**os.environ, **environment}, os.getcwd(), Handle(write))
        self._process = CONTEXT.Process(target=_run, args=given, daemon=True)
        self._process.start()
        os.close(write)
        self.output = os.fdopen(read, encoding="utf-8")

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; below 0 the signal that ended it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = 200) -> int:
        """What it exits with."""
        self._process.join(seconds)
        assert self.returncode is not None, f"It still runs after {seconds:g} s."
        return self.returncode

    def finish(self) -> str:
        """Waits for its end; what it wrote and nobody has read yet."""
        with self.output:
            said = self.output.read()
        self.wait()
        return said


class Handle:
    """A file descriptor that a forked process gets too."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getstate__(self) -> Any:
        return reduction.DupFd(self.number)

    def __setstate__(self, state: Any) -> None:
        self.number = state.detach()


def _run(arguments: tuple[str, ...], environment: Mapping[str, str], folder: str, output: Handle) -> None:
    """The forked process."""
    from netpick.cli import commands

    for number in (1, 2):
        os.dup2(output.number, number)
    os.close(output.number)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["netpick", *arguments]
    commands.STARTED = time.perf_counter()
    try:
        commands.main()
    finally:
        sys.stdout.flush()
        atexit._run_exitfuncs()
