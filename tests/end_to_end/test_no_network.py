"""The whole main job makes no socket, starts no program and unpickles nothing: an audit hook ends the process if it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

GUARD = """
import json
import sys

FORBIDDEN = ("socket.", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class", "urllib.Request")

def guard(event, arguments):
    if event.startswith(FORBIDDEN):
        print("FORBIDDEN", event, arguments[:1], file=sys.stderr)
        sys.stderr.flush()
        import os
        os._exit(77)

import netpick.cli
sys.addaudithook(guard)
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["netpick", *arguments]
    try:
        netpick.cli.main()
    except SystemExit as stop:
        if stop.code:
            raise
"""


def guarded(*commands: tuple[str, ...]) -> None:
    """The commands one after another in one process, which ends at what is forbidden."""
    asked = [sys.executable, "-c", GUARD, json.dumps(commands)]
    finished = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]


def test_fit_score_and_predict_stay_on_this_machine(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(120, 2)).round(3)
    words = np.where(x[:, 0] > 0, "a good long day it was", "a bad short night it is")
    frame = pl.DataFrame({"a": x[:, 0], "text": words, "label": np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")})
    frame.write_csv(tmp_path / "rows.csv")
    run, data, answers = tmp_path / "run", str(tmp_path / "rows.csv"), tmp_path / "answers.csv"
    guarded(
        ("look", data),
        ("fit", data, "--models", "mlp", "--steps", "5", "--out", str(run)),
        ("score", str(run / "model.netpick"), data),
        ("predict", str(run / "model.netpick"), data, "--out", str(answers)),
    )
    assert pl.read_csv(answers).height == 120
    assert "</html>" in (run / "report.html").read_text()


@pytest.mark.slow
def test_pictures_and_series_stay_on_this_machine(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for index in range(40):
        kind = ("dark", "light")[index % 2]
        (tmp_path / "pictures" / kind).mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 100, (12, 12)) + 100 * (index % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "pictures" / kind / f"{index}.png")
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 5, 1), eager=True)
    pl.DataFrame({"day": days, "sales": 10 + generator.random(len(days)).round(3)}).write_csv(tmp_path / "sales.csv")
    for data, more in (("pictures", ("--models", "cnn")), ("sales.csv", ("--models", "mlp", "--horizon", "3"))):
        run = tmp_path / f"run of {data}"
        guarded(
            ("fit", str(tmp_path / data), *more, "--steps", "3", "--out", str(run)),
            ("predict", str(run / "model.netpick"), str(tmp_path / data)),
        )


def test_the_guard_would_notice() -> None:
    code = GUARD.replace("import netpick.cli\n", "").replace("netpick.cli.main()", "import socket; socket.socket()")
    assert subprocess.run([sys.executable, "-c", code, "[[]]"], capture_output=True, check=False).returncode == 77
