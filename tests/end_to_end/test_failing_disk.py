"""A disk that is full or broken stops a run so that it can go on; `make faults` lets every single operation fail."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from command_line import command, command_here
from served_models import table

from netpick.disk.files import append_lines, mapped, write_whole
from tests.conftest import ROOT
from tools.faults import outcome

ASKED = ("--models", "mlp[width=1500,layers=2],transformer", "--steps", "30")


@pytest.mark.slow
def test_runs_whose_disk_fails_go_on_as_if_nothing_had_been() -> None:
    """Some operations of a run, injected below Python: see tools/faults.py."""
    faults = [sys.executable, str(ROOT / "tools" / "faults.py"), "200", "60"]
    done = subprocess.run(faults, capture_output=True, text=True, timeout=170)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr[-3_000:]
    assert "2 failures tried: 2 runs stopped and went on" in done.stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 100 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_up_during_training_stops_the_run_and_it_goes_on(small_disk: Path, tmp_path: Path) -> None:
    data = tmp_path / "table.csv"
    rows = np.random.default_rng(0).normal(size=(200, 3)).round(3)
    data.write_text("a,b,c,y\n" + "".join(f"{a},{b},{c},{'no' if a * b > 0 else 'yes'}\n" for a, b, c in rows))

    netpick = partial(command, cwd=tmp_path, NETPICK_CHECKPOINT_SECONDS="0")
    whole = tmp_path / "whole"
    assert netpick("fit", str(data), *ASKED, "--out", str(whole)).returncode == 0
    run = small_disk / "run"
    stopped = netpick("fit", str(data), *ASKED, "--out", str(run))  # three checkpoints are too many
    assert stopped.returncode == 4, stopped.stderr
    assert "No space left on device" in stopped.stderr
    assert f"Go on with: netpick resume {run}" in stopped.stderr
    assert list(run.glob("checkpoints/*/steps/0*"))  # the last one is there
    again = netpick("resume", str(run))  # still too small
    assert again.returncode == 4, again.stderr
    subprocess.run(["mount", "-o", "remount,size=500m", str(small_disk)], check=True)
    finished = netpick("resume", str(run))
    assert finished.returncode == 0, finished.stderr
    assert outcome(run) == outcome(whole)


@pytest.mark.parametrize(
    "asked",
    [
        ("predict", "{model}", "{rows}", "--out", "made.parquet"),
        ("explain", "{model}", "{rows}", "--out", "made.html"),
        ("export", "{model}", "--out", "made"),
    ],
    ids=["parquet", "explain", "export"],
)
def test_what_does_not_fit_on_the_disk_leaves_no_half_file(
    served_folder: Path, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    """The system ends every write beyond some bytes."""
    table().drop("rich").head(300).write_csv(tmp_path / "rows.csv")
    names = {"model": served_folder / "table" / "model.netpick", "rows": tmp_path / "rows.csv"}
    with limited_files(2_000):
        done = command_here(*(word.format(**names) for word in asked), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@contextmanager
def limited_files(most: int) -> Iterator[None]:
    """In the block nothing writes files of more bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"before")

    def broken(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as error:
        write_whole(path, broken)
    assert error.value.filename == str(path)
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_lines_are_appended_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_lines(path, ["a\n"])
    append_lines(path, ["b\n", "c\n"])
    assert path.read_text() == "a\nb\nc\n"
    with pytest.raises(OSError, match="lines"):
        append_lines(tmp_path / "none" / "lines", ["x"])


def test_arrays_on_disk_have_their_space_and_no_name(tmp_path: Path) -> None:
    array = mapped(tmp_path / "array", (3, 4), "float32")
    assert isinstance(array, np.memmap)
    assert array.shape == (3, 4)
    assert not array.any()
    array[1] = 2.0
    assert list(tmp_path.iterdir()) == []
    assert mapped(tmp_path / "empty", (0, 4), "float32").shape == (0, 4)
    with pytest.raises(OSError, match="array"):
        mapped(tmp_path / "array", (1 << 40, 1 << 10), "float32")
    assert list(tmp_path.iterdir()) == []
