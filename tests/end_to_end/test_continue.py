"""A finished run is trained further in a run of its own: from its weights, on its split, with every opening of the test rows counted."""

from __future__ import annotations

import json
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from forked import Forked

import netpick
from netpick.errors import RequestError

GIVEN: dict[str, Any] = {"models": "mlp[dropout=0.1],transformer", "steps": 30, "threads": 1}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "table.csv"
    x = np.random.default_rng(0).normal(size=(300, 3)).round(3)
    labels = np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": labels}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def first(table: Path, tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    return netpick.fit(table, **GIVEN, out=tmp_path_factory.mktemp("first") / "run")


@pytest.fixture(scope="module")
def further(first: netpick.Run, tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    return first.continue_(steps=40, out=tmp_path_factory.mktemp("further") / "run")


def contents(run: Path) -> dict[str, bytes]:
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def weights(run: Path) -> dict[str, bytes]:
    made = {}
    for file in (run / "model.netpick", *sorted((run / "models").glob("*.netpick"))):
        with zipfile.ZipFile(file) as archive:
            if "weights.safetensors" in archive.namelist():
                made[file.name] = archive.read("weights.safetensors")
    return made


def test_networks_go_on_from_their_weights(first: netpick.Run, further: netpick.Run) -> None:
    for before, after in zip(first.results.candidates, further.results.candidates, strict=True):
        assert after.name == before.name
        assert after.history[: len(before.history)] == before.history
        assert after.steps > before.steps
        assert after.history[-1].step == before.history[-1].step + 40
        assert f"trained further from step {before.history[-1].step}" in after.reason
        # At the first step that is scored a fresh network would be far from what 30 steps had brought.
        assert after.history[len(before.history)].validation_loss < before.history[0].validation_loss
    assert (further.results.split.test == first.results.split.test).all()
    assert weights(further.folder) != weights(first.folder)


def test_openings_of_the_test_rows_are_counted_and_said(
    first: netpick.Run, further: netpick.Run, tmp_path: Path
) -> None:
    assert (first.results.test_openings, further.results.test_openings) == (1, 2)
    assert json.loads((further.folder / "report.json").read_text())["test_openings"] == 2
    assert "opened 2 times" in (further.folder / "report.html").read_text()
    assert further.continue_(steps=1, out=tmp_path / "third").results.test_openings == 3
    assert first.continue_(steps=1, out=tmp_path / "sibling").results.test_openings == 3


def test_the_finished_run_stays_as_it_is(table: Path, tmp_path: Path) -> None:
    run = netpick.fit(table, **GIVEN, out=tmp_path / "run")
    before = contents(run.folder)
    run.continue_(steps=5, out=tmp_path / "further")
    after = contents(run.folder)
    assert after.pop("continued.jsonl") == b'{"test_openings": 2}\n'
    assert after == before


def test_a_killed_continuation_is_resumed_to_the_same_bytes(
    first: netpick.Run, further: netpick.Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    asked = ("continue", str(first.folder), "--steps", "40", "--out", str(run))
    process = Forked(*asked, OMP_NUM_THREADS="1", NETPICK_CHECKPOINT_SECONDS="0")
    while not list(run.glob("checkpoints/0/steps/0000001?")):
        assert process.poll() is None, process.finish()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.finish()
    netpick.resume(run)
    assert weights(run) == weights(further.folder)
    assert (run / "predictions.parquet").read_bytes() == (further.folder / "predictions.parquet").read_bytes()


def test_frames_and_folds(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(120, 2)).round(3)
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": (x[:, 0] + x[:, 1]).round(2)})
    run = netpick.fit(frame, "y", models="mlp", steps=20, folds=2, out=tmp_path / "a")
    assert sorted(path.name for path in (run.folder / "trainings").iterdir()) == [
        "0", "0-again", "fold1-0", "fold1-0-again", "fold2-0", "fold2-0-again",
    ]  # fmt: skip
    later = run.continue_(steps=60, out=tmp_path / "b")
    (before,), (after,) = run.results.candidates, later.results.candidates
    assert after.test["rmse"].value < before.test["rmse"].value
    with pytest.raises(RequestError, match=r"does not keep its data: .* netpick\.continue_\(folder, data=\.\.\.\)"):
        netpick.continue_(run.folder, steps=5)


def test_what_cannot_be_continued_is_refused(table: Path, tmp_path: Path) -> None:
    data = tmp_path / "table.csv"
    data.write_bytes(table.read_bytes())
    run = netpick.fit(data, models="mlp", steps=5, keep="best", out=tmp_path / "best")
    with pytest.raises(RequestError, match=r"kept no trainings to go on from: it was made with --keep best"):
        run.continue_(steps=5)
    run = netpick.fit(data, models="mlp", steps=5, out=tmp_path / "run")
    data.write_bytes(table.read_bytes() + b"1,2,3,yes\n")
    with pytest.raises(RequestError, match=r"The data have changed .* its test rows could be among those"):
        run.continue_(steps=5, out=tmp_path / "no")
    assert not (tmp_path / "no").exists()
    assert not (run.folder / "continued.jsonl").exists()
    (run.folder / "report.json").unlink()
    with pytest.raises(RequestError, match=r"is not finished\. Go on with: netpick resume"):
        run.continue_(steps=5)
    with pytest.raises(RequestError, match="There is no run folder"):
        netpick.continue_(tmp_path / "nowhere")


def test_a_private_run_is_continued_privately(table: Path, tmp_path: Path) -> None:
    run = netpick.fit(table, models="mlp", steps=5, private=True, out=tmp_path / "run")
    with pytest.raises(RequestError, match="does not keep its data: they came from Python, or it was private"):
        run.continue_(steps=5)
    later = netpick.continue_(run.folder, steps=5, data=table, out=tmp_path / "later")
    assert not (later.folder / "predictions.parquet").exists()
    kept = [path for path in later.folder.iterdir() if path.suffix in (".json", ".jsonl", ".html")]
    assert [path.name for path in kept if str(tmp_path) in path.read_text()] == []


def test_workers_continue_to_the_bytes_of_one_process(table: Path, further: netpick.Run, tmp_path: Path) -> None:
    run = netpick.fit(table, **GIVEN, workers=2, out=tmp_path / "run")
    assert weights(run.continue_(steps=40, out=tmp_path / "later").folder) == weights(further.folder)
