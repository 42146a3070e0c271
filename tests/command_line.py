"""The `netpick` command: in a process of its own, or in this one, which spares two seconds of imports."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netpick.cli.commands import main

Done = subprocess.CompletedProcess[str]


def command(*arguments: str, cwd: Path, **environment: str) -> Done:
    """`netpick` with these arguments, run in that folder, with further environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "netpick.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        text=True,
        capture_output=True,
        timeout=200,
    )


def command_here(*arguments: str, cwd: Path, encoding: str = "utf-8", **environment: str) -> Done:
    """The same in this process, writing to pipes of that encoding."""
    out, told = io.BytesIO(), io.BytesIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(io.TextIOWrapper(out, encoding, errors="strict", write_through=True)),
        contextlib.redirect_stderr(io.TextIOWrapper(told, encoding, errors="backslashreplace", write_through=True)),
    ):
        patch.setattr(sys, "argv", ["netpick", *arguments])
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as stop:
            main()
        said = [written.getvalue().decode(encoding) for written in (out, told)]
    return Done(arguments, int(stop.value.code or 0), *said)
