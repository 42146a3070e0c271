"""Contests in folds, from raw data to a used model."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import command_here
from report_again import check_report_again
from sklearn.datasets import load_iris

import netpick


@pytest.fixture(scope="module")
def iris() -> pl.DataFrame:
    loaded = load_iris()
    columns = {f"x{i}": loaded.data[:, i] for i in range(4)}
    return pl.DataFrame({**columns, "species": [str(loaded.target_names[i]) for i in loaded.target]})


@pytest.fixture(scope="module")
def run(iris: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder = tmp_path_factory.mktemp("iris") / "run"
    return netpick.fit(iris, models="mlp", steps=60, folds=3, out=folder)


def test_every_row_is_tested_once_and_the_model_learned_from_all(run: netpick.Run, iris: pl.DataFrame) -> None:
    table = pl.read_parquet(run.folder / "predictions.parquet")
    assert table["row"].to_list() == list(range(150))
    assert table["truth"].to_list() == iris["species"].to_list()
    report = json.loads((run.folder / "report.json").read_text())
    assert report["split"]["folds"] == 3
    assert report["test_openings"] == 1
    for entry in (*report["candidates"], *report["baselines"]):
        assert entry["test"]["accuracy"]["n"] == 150
    found = report["candidates"][0]["test"]["accuracy"]
    decided = table["mlp: prediction"].to_list()
    assert found["value"] == pytest.approx(np.mean([a == b for a, b in zip(decided, table["truth"], strict=True)]))
    assert found["value"] > 0.6
    assert "trained again on training and validation rows" in report["candidates"][0]["reason"]
    seen = run.model.score(iris).overlap
    assert seen is not None
    assert seen.seen == 150
    assert "Every row is tested once, in 3 folds" in (run.folder / "report.html").read_text()
    assert "each tested once, in 3 folds" in run.model.card
    check_report_again(run.folder)
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    assert [e["data"]["fold"] for e in events if e["stage"] == "folds"] == [1, 2, 3]
    looks = [e["data"]["step"] for e in events if e["data"].get("candidate") == "mlp" and e["data"].get("step")]
    assert looks == sorted(set(looks)), "curves show one training"


def test_the_same_steps_give_the_same_bytes(run: netpick.Run, iris: pl.DataFrame, tmp_path: Path) -> None:
    again = netpick.fit(iris, models="mlp", steps=60, folds=3, out=tmp_path / "again")
    for name in ("predictions.parquet",):
        assert (run.folder / name).read_bytes() == (again.folder / name).read_bytes()
    archives = [zipfile.ZipFile(r.folder / "model.netpick") for r in (run, again)]
    assert len({archive.read("weights.safetensors") for archive in archives}) == 1


def test_labels_of_chance_are_not_found_again(tmp_path: Path) -> None:
    """Each row comes twice: whoever learned from one of them knows the other, unless both are in one fold."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(120, 3)), generator.integers(0, 2, 120)
    frame = pl.DataFrame({**{f"x{i}": np.tile(x[:, i], 2) for i in range(3)}, "y": np.tile(y, 2)})
    made = netpick.fit(frame, "y", models="mlp", steps=30, folds=3, out=tmp_path / "run")
    assert all(c.test["accuracy"].high < 0.75 for c in (*made.results.candidates, *made.results.baselines))


def test_small_data_are_judged_in_folds_by_the_command(iris: pl.DataFrame, tmp_path: Path) -> None:
    iris.write_csv(tmp_path / "iris.csv")
    assert "Every row is tested once, in 5 folds" in netpick.look(tmp_path / "iris.csv").split.sentence
    assert "to test on" in netpick.look(tmp_path / "iris.csv", folds=1).split.sentence
    with pytest.raises(netpick.RequestError, match="2 to 20 are possible"):
        netpick.fit(iris, folds=1000)
    done = command_here("fit", "iris.csv", "--models", "mlp", "--steps", "5", "--folds", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "every row tested once, in 2 folds" in done.stdout
    assert "fold 2 of 2" in done.stderr


def test_folds_in_time_test_each_block_by_what_came_before(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2001, 1, 1), pl.date(2001, 12, 31), eager=True)
    x = np.random.default_rng(0).normal(size=len(days))
    frame = pl.DataFrame({"day": days, "x": x, "y": 3 * x + 1})
    made = netpick.fit(frame, "y", models="mlp", steps=30, folds=3, out=tmp_path / "run")
    split = made.results.split
    assert split.method == "time"
    assert len(split.test) == 273
    assert made.results.candidates[0].test["r2"].n == 273
    assert len(split.train) + len(split.validation) == 365


def test_what_some_folds_lack_stops_no_run(tmp_path: Path) -> None:
    """A class whose two rows are the same, so that the fold that tests them has never seen it; a target that is nearly constant."""
    generator = np.random.default_rng(0)
    x, labels = generator.normal(size=60), ["common", "usual"] * 29 + ["odd"] * 2
    x[-1] = x[-2]
    made = netpick.fit(pl.DataFrame({"x": x, "y": labels}), "y", models="mlp", steps=4, folds=2, out=tmp_path / "class")
    assert all(c.status == "ok" for c in (*made.results.candidates, *made.results.baselines))
    assert len(made.results.test_truth) == 60
    target = np.where(np.arange(60) < 2, 1.5, 0.25)
    made = netpick.fit(
        pl.DataFrame({"x": x, "y": target}),
        "y",
        task="regress",
        models="mlp",
        steps=4,
        folds=2,
        out=tmp_path / "number",
    )
    assert made.results.candidates[0].test["mae"].n == 60
