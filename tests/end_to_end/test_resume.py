"""Runs that were killed or stopped go on, and end with what an undisturbed run gives, byte for byte."""

from __future__ import annotations

import json
import re
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

ASKED = ("--models", "mlp[dropout=0.1],transformer", "--steps", "40", "--recipe", "average=0.9,patience=8")
GIVEN: dict[str, Any] = {"models": "mlp[dropout=0.1],transformer", "steps": 40, "recipe": "average=0.9,patience=8"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "table.csv"
    x = np.random.default_rng(0).normal(size=(300, 3)).round(3)
    labels = np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "label": labels}).write_csv(path)
    return path


def start(*arguments: str) -> Forked:
    return Forked(*arguments, OMP_NUM_THREADS="1", NETPICK_CHECKPOINT_SECONDS="0")


def outcome(run: Path) -> tuple[bytes, bytes, object]:
    """Weights, predictions and scores."""
    with zipfile.ZipFile(run / "model.netpick") as archive:
        weights = archive.read("weights.safetensors")
    report = json.loads((run / "report.json").read_text())
    scores = [(c["name"], c["validation"], c["test"]) for c in (*report["candidates"], *report["baselines"])]
    return weights, (run / "predictions.parquet").read_bytes(), scores


@pytest.fixture(scope="module")
def whole(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, object]:
    return outcome(netpick.fit(table, **GIVEN, out=tmp_path_factory.mktemp("whole") / "run").folder)


def wait_for(run: Path, pattern: str, process: Forked) -> None:
    """Until a path of this pattern is in the run folder."""
    while not list(run.glob(pattern)):
        assert process.poll() is None, process.finish()
        time.sleep(0.002)


def test_a_killed_run_ends_with_the_same_bytes(table: Path, whole: tuple[bytes, bytes, object], tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("fit", str(table), *ASKED, "--out", str(run))
    for pattern in ("checkpoints/0/steps/0000001?", "checkpoints/0-again/steps/.*", "checkpoints/1/steps/0000003?"):
        wait_for(run, pattern, process)
        process.send_signal(signal.SIGKILL)
        process.finish()
        if "/1/" not in pattern:
            process = start("resume", str(run))
    netpick.resume(run)
    assert outcome(run) == whole
    assert not (run / "checkpoints").exists()


def test_sigterm_saves_exits_4_and_says_how_to_go_on_with_unchanged_data(
    table: Path, whole: tuple[bytes, bytes, object], tmp_path: Path
) -> None:
    data, run = tmp_path / table.name, tmp_path / "run"
    data.write_bytes(table.read_bytes())
    process = start("fit", str(data), *ASKED, "--out", str(run))
    wait_for(run, "checkpoints/0/steps/0000001?", process)
    process.send_signal(signal.SIGTERM)
    told = process.finish()
    assert process.returncode == 4
    assert f"Go on with: netpick resume {run}" in told
    data.write_text(data.read_text() + "9,9,9,yes\n")
    with pytest.raises(RequestError, match=r"the data of .* have changed"):
        netpick.resume(run)
    with pytest.raises(RequestError, match="It is unfinished: go on with `netpick resume"):
        netpick.fit(data, steps=5, out=run)
    data.write_bytes(table.read_bytes())
    resumed = netpick.resume(run)
    assert resumed.folder == run
    assert outcome(run) == whole
    page = (run / "report.html").read_bytes()
    (run / "report.html").unlink()  # a page can be written again, so it says nothing about the run
    with pytest.raises(RequestError, match="is finished: there is nothing to resume"):
        netpick.resume(run)
    assert resumed.report(tmp_path / "again.html").read_bytes() == page


@pytest.mark.slow
def test_a_run_killed_in_a_fold_goes_on_in_it(table: Path, tmp_path: Path) -> None:
    asked = (str(table), "--models", "mlp[dropout=0.1]", "--steps", "60", "--folds", "2")
    process = start("fit", *asked, "--out", str(tmp_path / "whole"))
    told = process.finish()
    assert process.returncode == 0, told
    run = tmp_path / "run"
    process = start("fit", *asked, "--out", str(run))
    for pattern in ("checkpoints/fold1-0/steps/0000001?", "checkpoints/fold2-0-again/steps/.*"):
        wait_for(run, pattern, process)
        process.send_signal(signal.SIGKILL)
        process.finish()
        process = start("resume", str(run))
    told = process.finish()
    assert process.returncode == 0, told
    assert outcome(run) == outcome(tmp_path / "whole")


def test_what_cannot_be_resumed_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="There is no run folder"):
        netpick.resume(tmp_path / "none")
    with pytest.raises(RequestError, match=r"it has no request\.json"):
        netpick.resume(tmp_path)
    (tmp_path / "request.json").write_text('{"data": 3}')
    with pytest.raises(RequestError, match="is damaged"):
        netpick.resume(tmp_path)


def test_a_run_with_a_budget_is_replayed_from_its_plan_whatever_stopped_it(table: Path, tmp_path: Path) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    asked = ("--models", "mlp[dropout=0.1]", "--budget", "3s", "--recipe", "average=0.9")
    process = start("fit", str(table), *asked, "--out", str(run))
    wait_for(run, "checkpoints/0/steps/0000001?", process)
    process.send_signal(signal.SIGKILL)
    process.finish()
    netpick.resume(run)
    assert (run / "report.html").is_file()
    plan = json.loads((run / "plan.json").read_text())
    assert plan["decisions"]["0"][-1]["end"] == 1.0
    assert not (run / "decisions.jsonl").exists()
    netpick.fit(table, plan=run / "plan.json", out=again)
    assert outcome(again) == outcome(run)
    first, second = (json.loads((folder / "report.json").read_text()) for folder in (run, again))
    for part in ("candidates", "baselines"):  # what is recommended hangs on them
        assert [c["latency_ms"] for c in first[part]] == [c["latency_ms"] for c in second[part]]
    assert not (run / "latencies.jsonl").exists()


def test_a_plan_of_other_data_or_other_options_is_refused(table: Path, tmp_path: Path) -> None:
    run = netpick.fit(table, models="mlp", steps=5, out=tmp_path / "run")
    plan = run.folder / "plan.json"
    other = tmp_path / "other.csv"
    other.write_text(table.read_text() + "9,9,9,yes\n")
    with pytest.raises(
        RequestError, match="is the plan of other data or another version: its data had the fingerprint"
    ):
        netpick.fit(other, plan=plan, out=tmp_path / "a")
    with pytest.raises(RequestError, match="A plan brings its own options, but --models was given too"):
        netpick.fit(table, plan=plan, models="transformer", out=tmp_path / "a")
    with pytest.raises(RequestError, match="There is no plan"):
        netpick.fit(table, plan=tmp_path / "none.json", out=tmp_path / "a")
    plan.write_text(plan.read_text().replace(str(netpick.__version__), "0.0.9", 1))
    with pytest.raises(RequestError, match=r"its checksum differs.*take the line 'sha256' out"):
        netpick.fit(table, plan=plan, out=tmp_path / "a")
    plan.write_text(json.dumps({name: said for name, said in json.loads(plan.read_text()).items() if name != "sha256"}))
    with pytest.raises(RequestError, match=r"netpick was 0\.0\.9 and is"):
        netpick.fit(table, plan=plan, out=tmp_path / "a")
    plan.write_text(plan.read_text()[:200])
    with pytest.raises(RequestError, match="cannot be read"):
        netpick.fit(table, plan=plan, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_budget_that_is_over_before_training_still_gives_a_model_and_says_what_took_the_time(
    table: Path, tmp_path: Path
) -> None:
    run = netpick.fit(table, models="mlp", budget=0.01, out=tmp_path / "run")
    assert run.results.candidates[0].steps >= 3
    # which parts are long enough to be named differs from machine to machine; what is named makes up most of the time
    used = float(run.results.spent.split(" s of a budget of 0.01 s: ")[0])
    named = [float(seconds) for seconds in re.findall(r" took ([\d.]+) s", run.results.spent)]
    assert named
    assert sum(named) == pytest.approx(used, abs=0.1 + 0.2 * used)  # each is rounded to 0.1 s


def test_where_the_time_can_judge_one_network_the_most_promising_one_is_trained(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(200) % 2
    pictures = (generator.integers(0, 100, (200, 8, 8)) + 100 * labels[:, None, None]).astype(np.uint8)
    run = netpick.fit((pictures, labels), budget=0.01, out=tmp_path / "run")
    assert {c.name: c.status for c in run.results.candidates} == {
        "mlp": "untried", "cnn": "ok", "rnn": "untried", "transformer": "untried",
    }  # fmt: skip
    assert "mlp (not trained)" in run.verdict
    assert "transformer (not trained); pass a larger --budget" in run.verdict
    page = (run.folder / "report.html").read_text()
    assert "the time that was left for training can judge 1 of 4 networks" in page
    again = netpick.fit((pictures, labels), plan=run.folder / "plan.json", out=tmp_path / "again")
    assert [c.status for c in again.results.candidates] == [c.status for c in run.results.candidates]
    assert (again.folder / "predictions.parquet").read_bytes() == (run.folder / "predictions.parquet").read_bytes()
