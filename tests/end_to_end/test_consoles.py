"""Every console and pipe: letters that it lacks, a reader that has had enough, forty columns; never a traceback."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import command_here

ROOT = Path(__file__).resolve().parents[2]


def shop(folder: Path) -> Path:
    chance = random.Random(40)
    rows = [
        f"{chance.random():.3f},{chance.choice(['東京', '大阪'])},{chance.choice(['✓ да', '✗ нет'])}"
        for _ in range(100)
    ]
    path = folder / "shop.csv"
    path.write_text("\n".join(["größe €,日本,label", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("encoding", "settings"), [("cp1252", {}), ("ascii", {"NO_COLOR": "1", "COLUMNS": "40"})])
def test_letters_that_a_console_lacks(tmp_path: Path, encoding: str, settings: dict[str, str]) -> None:
    done = command_here("look", str(shop(tmp_path)), cwd=tmp_path, encoding=encoding, **settings)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "\\u65e5" in done.stdout


def test_a_closed_pipe_is_no_failure(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    asked = [sys.executable, "-m", "netpick.cli", "look", str(shop(tmp_path))]
    with subprocess.Popen(asked, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(100) == 0, said
    assert b"Traceback" not in said
    assert b"Exception" not in said
