"""The job of making up rows: contest, verdict that weighs copies, report, model files that draw rows, given values, and what is refused."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from forked import Forked

import netpick
from netpick.api import Run
from netpick.cli.commands import app
from netpick.errors import DataError, RequestError

ROWS = 400
FAMILIES = ("mlp", "transformer", "vae")
BASELINES = ("real rows", "columns shuffled", "gaussian copula", "chain of trees", "smoothed chain of trees")


def people(rows: int = ROWS) -> pl.DataFrame:
    """Half of them buy; those who do are older and mostly from the coast. Each has a number and writes something."""
    random = np.random.default_rng(0)
    buys = random.random(rows) < 0.5
    age = (random.normal(35, 8, rows) + 15 * buys).round().clip(18, 90).astype(int)
    day = pl.Series([f"2024-{month:02}-{day:02}" for month, day in random.integers(1, 13, (rows, 2)).tolist()])
    return pl.DataFrame(
        {
            "id": [f"K{number:05}" for number in random.permutation(rows)],
            "age": age,
            "spent": (random.lognormal(2, 1, rows) * (1 + buys)).round(2),
            "place": np.where(random.random(rows) < 0.3 + 0.5 * buys, "coast", random.choice(["hill", "town"], rows)),
            "since": day,
            "note": [" ".join(random.choice(["tea", "milk", "cup", "hot", "new", "old"], 6)) for _ in range(rows)],
            "label": np.where(buys, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return netpick.fit(people(), task="generate", steps=12, seed=3, out=tmp_path_factory.mktemp("runs") / "run")


def test_everyone_is_judged_by_held_out_rows_and_copies_are_not_recommended(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    assert report["task"]["primary_metric"] == "useful_auc"
    assert {one["name"] for one in report["candidates"]} == set(FAMILIES)
    by_name = {one["name"]: one for one in report["baselines"]}
    assert set(by_name) == set(BASELINES)
    real = by_name["real rows"]
    assert real["test"]["copies"]["value"] == 1
    assert "exact copies" in real["barred"]
    assert run.results.verdict.winner != "real rows"
    assert real["test"]["told_apart"]["value"] < 0.6
    shuffled = by_name["columns shuffled"]["test"]
    assert shuffled["useful_auc"]["value"] < real["test"]["useful_auc"]["value"] - 0.1
    assert shuffled["alike_columns"]["value"] > 0.75
    assert all(score["n"] == len(run.results.split.test) for score in shuffled.values())


def test_what_rows_cannot_be_made_up_of_is_left_out_by_name(run: Run) -> None:
    left = {field.name: field for field in run.results.schema.fields if field.role == "left_out"}
    assert set(left) == {"id", "note"}
    assert any("'id'" in note.text and "'note'" in note.text for note in run.results.schema.notes)


def test_the_page_shows_likeness_beside_what_was_remembered(run: Run) -> None:
    page = (run.folder / "report.html").read_text()
    assert "How alike the rows are" in page
    assert "no promise of anonymity" in page


@pytest.mark.parametrize("candidate", [*FAMILIES, *BASELINES])
def test_every_model_file_draws_rows_like_those_of_training(run: Run, candidate: str) -> None:
    model = netpick.load(run.folder, candidate=candidate)
    table = model.draw(60, seed=1)
    real = people()
    assert table.columns == ["age", "spent", "place", "since", "label"]
    assert [table[name].dtype for name in table.columns] == [real[name].dtype for name in table.columns]
    assert table.equals(model.draw(60, seed=1))
    assert not table.equals(model.draw(60, seed=2))
    assert set(table["place"]) <= {"coast", "hill", "town"}
    assert table.null_count().sum_horizontal()[0] == 0
    assert table["age"].is_between(int(real["age"].min()), int(real["age"].max())).all()  # type: ignore[arg-type]
    assert (table["spent"].round(2) == table["spent"]).all()
    given = model.draw(20, given={"label": "yes", "place": "coast"})
    assert set(given["label"]) == {"yes"}
    assert set(given["place"]) == {"coast"}
    assert set(model.draw(5, given={"since": "2024-03-07"})["since"].str.slice(0, 5)) == {"2024-"}


def test_the_command_writes_rows_and_refuses_values_that_were_never_seen(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.csv"
    model = str(run.folder / "model.netpick")
    app(["generate", model, "--rows", "50", "--given", "label=yes", "--out", str(out)], standalone_mode=False)
    assert len(pl.read_csv(out)) == 50
    assert "no promise of anonymity" in capsys.readouterr().err
    for given, words in (
        ("label=maybe", "no row that was learned from has this value"),
        ("colour=red", "no column 'colour'"),
        ("age=900", "no row that was learned from has this value"),
        ("age=old", "holds numbers"),
        ("since=soon", "holds dates"),
        ("label", "COLUMN=VALUE"),
    ):
        with pytest.raises(RequestError, match=words):
            app(["generate", model, "--given", given], standalone_mode=False)
    for option in ("--prompt", "--output"):
        with pytest.raises(RequestError, match=f"{option} was given, but this model makes up rows"):
            app(["generate", model, option, "hello"], standalone_mode=False)
    with pytest.raises(RequestError, match="cannot be"):
        app(["generate", model, "--rows", "0"], standalone_mode=False)


def test_other_uses_are_refused_with_what_to_do(run: Run, tmp_path: Path) -> None:
    model = netpick.load(run.folder, candidate="mlp")
    with pytest.raises(RequestError, match="makes up rows"):
        model.predict(people())
    with pytest.raises(RequestError, match="scored by rows that were held out"):
        model.score(people())
    from netpick.api.pages import write_export

    with pytest.raises(RequestError, match="cannot be exported yet"):
        write_export(run.folder, "onnx", tmp_path / "onnx", candidate="mlp")


def test_a_killed_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """A generator's noise is torch's, which checkpoints keep, and what is drawn is of the seed."""
    people().write_csv(tmp_path / "people.csv")
    asked: dict[str, Any] = {"task": "generate", "models": "vae", "steps": 40, "seed": 1}
    whole = netpick.fit(tmp_path / "people.csv", **asked, out=tmp_path / "whole")
    words = (
        "fit",
        str(tmp_path / "people.csv"),
        "--task",
        "generate",
        "--models",
        "vae",
        "--steps",
        "40",
        "--seed",
        "1",
    )
    run = tmp_path / "run"
    process = Forked(*words, "--out", str(run), OMP_NUM_THREADS="1", NETPICK_CHECKPOINT_SECONDS="0")
    while not list(run.glob("checkpoints/0/steps/0000001?")):
        assert process.poll() is None, process.finish()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.finish()
    resumed = netpick.resume(run)
    assert (run / "predictions.parquet").read_bytes() == (whole.folder / "predictions.parquet").read_bytes()
    one, other = (netpick.load(folder, candidate="vae").draw(30, seed=5) for folder in (run, whole.folder))
    assert one.equals(other)
    assert resumed.results.verdict.sentence == whole.results.verdict.sentence


def test_few_rows_and_options_that_mean_nothing_here_are_refused() -> None:
    with pytest.raises(DataError, match="at least 200"):
        netpick.fit(people(150), task="generate", steps=1)
    with pytest.raises(RequestError, match="--folds"):
        netpick.fit(people(), task="generate", steps=1, folds=3)
    with pytest.raises(RequestError, match="--private"):
        netpick.fit(people(), task="generate", steps=1, private=True)


def test_a_number_can_be_what_rows_are_useful_for(tmp_path: Path) -> None:
    frame = people().select(
        "age", "place", "label", spent=pl.col("age") * 2.5 + pl.Series(np.random.default_rng(1).normal(size=ROWS))
    )
    run = netpick.fit(frame, task="generate", target="spent", models="vae", steps=3, out=tmp_path / "run")
    assert run.results.primary_metric == "useful_r2"
    real = next(one for one in run.results.baselines if one.name == "real rows")
    assert real.test["useful_r2"].value > 0.7


def test_made_up_rows_beside_real_ones_are_weighed_in_pairs(run: Run, tmp_path: Path) -> None:
    model = run.folder / "model.netpick"
    tried = netpick.fit(
        people(), target="label", synthetic=model, models="mlp", steps=3, seed=3, folds=1, out=tmp_path / "run"
    )
    (note,) = [note for note in tried.results.schema.notes if note.subject == "made-up rows"]
    assert "real rows alone" in note.text
    assert note.text.count("made-up rows") >= 3
    assert "help" in note.text or "harm" in note.text
    assert tried.results.test_openings == 2
    for asked, words in (
        ({"target": "label", "seed": 4}, r"learned from about .* test rows"),
        ({"target": "place"}, "was judged by 'label'"),
        ({"target": "label", "synthetic": tried.folder}, "makes up no rows"),
        ({"target": "label", "drop": "age", "synthetic": model, "folds": 3}, "--folds 1"),
    ):
        with pytest.raises(RequestError, match=words):
            netpick.fit(
                people(), **{"synthetic": model, "steps": 1, "seed": 3, "folds": 1, **asked}, out=tmp_path / "refused"
            )  # type: ignore[arg-type]
