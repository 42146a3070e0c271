"""Candidates trained side by side in worker processes end with the bytes of one process, whatever becomes of the processes."""

from __future__ import annotations

import json
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import pytest
from forked import Forked

import netpick

MODELS, STEPS, SEED = "mlp[dropout=0.1],transformer,mlp[layers=1]", 40, 3
ASKED = ("--models", MODELS, "--steps", str(STEPS), "--threads", "1", "--seed", str(SEED))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "table.csv"
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 3)).round(3)
    kind = generator.choice(["red", "green"], 300)
    price = x[:, 0] * x[:, 1] + (kind == "red") + generator.normal(0, 0.1, 300)
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "kind": kind, "price": price.round(3)}).write_csv(path)
    return path


def start(*arguments: str) -> Forked:
    return Forked(*arguments, OMP_NUM_THREADS="1", NETPICK_CHECKPOINT_SECONDS="0")


def outcome(run: Path) -> tuple[dict[str, bytes], bytes]:
    """The weights of all networks, and the predictions."""
    weights = {}
    for file in (run / "model.netpick", *sorted((run / "models").glob("*.netpick"))):
        with zipfile.ZipFile(file) as archive:
            weights[file.name] = (
                archive.read("weights.safetensors") if "weights.safetensors" in archive.namelist() else b""
            )
    return weights, (run / "predictions.parquet").read_bytes()


@pytest.fixture(scope="module")
def alone(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], bytes]:
    run = tmp_path_factory.mktemp("alone") / "run"
    return outcome(netpick.fit(table, models=MODELS, steps=STEPS, seed=SEED, out=run).folder)


def workers_of(process: Forked) -> list[psutil.Process]:
    found = psutil.Process(process.pid).children()
    return [child for child in found if "netpick.contest.executors.worker" in child.cmdline()]


def wait_for(run: Path, pattern: str, process: Forked) -> None:
    """Until a path of this pattern is in the run folder."""
    while not list(run.glob(pattern)):
        assert process.poll() is None, process.finish()
        time.sleep(0.002)


def test_a_killed_worker_changes_no_byte(table: Path, alone: tuple[dict[str, bytes], bytes], tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("fit", str(table), *ASKED, "--workers", "2", "--out", str(run))
    wait_for(run, "checkpoints/1/steps/0000001?", process)
    (victim,) = [worker for worker in workers_of(process) if worker.cmdline()[-1] == "1"]
    victim.send_signal(signal.SIGKILL)
    told = process.finish()
    assert process.returncode == 0, told
    assert outcome(run) == alone
    assert not (run / "checkpoints").exists()


@pytest.mark.slow
def test_a_budget_is_shared_by_workers_and_replayed_from_the_plan(table: Path, tmp_path: Path) -> None:
    """Takes the seconds of its budget: how long each candidate trains is what the clock decides here."""
    run, again = tmp_path / "run", tmp_path / "again"
    asked = ("--models", "mlp[dropout=0.1],transformer", "--workers", "2", "--budget", "6s", "--seed", "3")
    process = start("fit", str(table), *asked, "--out", str(run))
    told = process.finish()
    assert process.returncode == 0, told
    netpick.fit(table, plan=run / "plan.json", out=again)
    decided = json.loads((run / "plan.json").read_text())["decisions"]
    assert {"0", "1"} <= set(decided)  # and, where there was time for it, their second trainings
    assert {segments[-1]["end"] for segments in decided.values()} == {1.0}
    assert outcome(again) == outcome(run)


@pytest.mark.slow
def test_a_run_whose_own_process_was_killed_goes_on_with_workers(
    table: Path, alone: tuple[dict[str, bytes], bytes], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start("fit", str(table), *ASKED, "--workers", "2", "--out", str(run))
    wait_for(run, "checkpoints/0/steps/0000001?", process)
    left = workers_of(process)
    process.send_signal(signal.SIGKILL)
    process.finish()
    process = start("resume", str(run))
    told = process.finish()
    assert process.returncode == 0, told
    assert outcome(run) == alone
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in left)


@pytest.mark.slow
def test_sigterm_keeps_what_every_worker_has_done(
    table: Path, alone: tuple[dict[str, bytes], bytes], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start("fit", str(table), *ASKED, "--workers", "2", "--out", str(run))
    wait_for(run, "checkpoints/0/steps/0000001?", process)
    process.send_signal(signal.SIGTERM)
    told = process.finish()
    assert process.returncode == 4, told
    assert f"Go on with: netpick resume {run}" in told
    process = start("resume", str(run))
    told = process.finish()
    assert process.returncode == 0, told
    assert outcome(run) == alone
