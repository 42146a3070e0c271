"""Progress in Python: one line where a person looks, nothing elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import numpy as np
import netpick
x = np.random.default_rng(0).normal(size=(60, 3))
netpick.fit(x, (x[:, 0] > 0).astype(int), models="mlp[width=8,layers=1]", steps=20, folds=1, out="run"{})
print("done")
"""


def at_a_terminal(script: str, folder: Path) -> str:
    """What a script writes to the terminal that is its standard error."""
    parent, child = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=child) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        assert process.stdout is not None
        assert process.stdout.read() == b"done\n"
    os.close(parent)
    assert process.returncode == 0
    return shown.decode()


def test_a_terminal_gets_one_line_that_is_gone_at_the_end(tmp_path: Path) -> None:
    shown = at_a_terminal(SCRIPT.format(""), tmp_path)
    assert "\n" not in shown
    assert "rows" in shown
    assert shown.endswith("\r")
    last = shown.rstrip("\r").split("\r")[-1]
    assert last.strip() == ""  # written over


def test_who_asks_for_silence_and_a_file_get_nothing(tmp_path: Path) -> None:
    assert at_a_terminal(SCRIPT.format(", on_event=netpick.silent"), tmp_path) == ""
    (tmp_path / "piped").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format("")], cwd=tmp_path / "piped", capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"done\n", b"")
