"""The main job, from raw data to a used model, on small data of every kind; the command line in a real process."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from command_line import command, command_here
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, load_iris
from torch import nn

import netpick
from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.types import ArrayColumn

FILES = {
    "request.json",
    "plan.json",
    "events.jsonl",
    "baselines.jsonl",
    "models",
    "model.netpick",
    "report.html",
    "report.json",
    "results.zip",
    "predictions.parquet",
    "trainings",
}


@pytest.fixture(scope="module")
def iris() -> pl.DataFrame:
    loaded = load_iris()
    columns = {
        name: loaded.data[:, i] for i, name in enumerate(["sepal_length", "sepal_width", "petal_length", "petal_width"])
    }
    return pl.DataFrame({**columns, "species": [str(loaded.target_names[i]) for i in loaded.target]})


@pytest.fixture(scope="module")
def run(iris: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder = tmp_path_factory.mktemp("iris") / "run"
    return netpick.fit(
        iris, models="mlp[activation=relu],mlp[activation=sigmoid]", steps=300, prefer="network", out=folder
    )


def test_a_run_folder_holds_what_it_promises(run: netpick.Run) -> None:
    assert {p.name for p in run.folder.iterdir()} == FILES
    report = json.loads((run.folder / "report.json").read_text())
    assert [c["name"] for c in report["candidates"]] == ["mlp[activation=relu]", "mlp[activation=sigmoid]"]
    assert report["test_openings"] == 1
    assert {"majority", "linear", "boosted trees"} <= {b["name"] for b in report["baselines"]}
    scores = report["candidates"][0]["test"]["accuracy"]
    assert scores["n"] == 30
    assert scores["low"] <= scores["value"] <= scores["high"]
    events = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    assert [e["stage"] for e in events][-1] == "done"
    assert run.results.verdict.headline in (run.folder / "report.html").read_text().replace("&#x27;", "'")
    assert run.scores.height > 10


def test_the_model_predicts_in_a_new_process_what_the_run_predicted(
    run: netpick.Run, iris: pl.DataFrame, tmp_path: Path
) -> None:
    iris.write_csv(tmp_path / "iris.csv")
    done = command("predict", str(run.folder / "model.netpick"), "iris.csv", "--out", "answers.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = pl.read_parquet(tmp_path / "answers.parquet")
    kept = pl.read_parquet(run.folder / "predictions.parquet")
    winner = run.results.verdict.winner
    again = answers[kept["row"].to_list()]
    assert again["prediction"].to_list() == kept[f"{winner}: prediction"].to_list()
    for label in ("setosa", "versicolor", "virginica"):
        np.testing.assert_allclose(
            again[f"probability_{label}"].to_numpy(), kept[f"{winner}: probability_{label}"].to_numpy(), atol=1e-6
        )


def model_or_refusal(path: Path) -> netpick.Model | str:
    try:
        return netpick.load(path)
    except netpick.ModelFileError as error:
        return str(error)


def test_a_flipped_bit_is_refused(run: netpick.Run, tmp_path: Path) -> None:
    content = bytearray((run.folder / "model.netpick").read_bytes())
    for position in range(100, len(content), len(content) // 23):
        damaged = bytearray(content)
        damaged[position] ^= 4
        path = tmp_path / "model.netpick"
        path.write_bytes(damaged)
        loaded = model_or_refusal(path)
        if isinstance(loaded, str):
            assert "Nothing was loaded" in loaded
        else:  # a bit in a zip header that nothing reads; all that is read must be as it was
            assert loaded.loaded.record == run.model.loaded.record


def test_one_row_by_its_values(run: netpick.Run, tmp_path: Path) -> None:
    row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    assert run.model.predict(row)["prediction"].to_list() == ["setosa"]
    pairs = [f"{name}={value}" for name, value in row.items()]
    done = command_here("predict", str(run.folder), *pairs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("setosa,")
    with pytest.raises(netpick.DataError, match="no column 'petal_width'"):
        run.model.predict({name: value for name, value in row.items() if name != "petal_width"})


def test_score_needs_the_target_and_gives_intervals(run: netpick.Run, iris: pl.DataFrame) -> None:
    scores = run.model.score(iris)
    assert scores["accuracy"].n == 150
    assert scores["accuracy"].value > 0.9
    split = run.results.split
    seen = scores.overlap
    assert seen is not None
    assert seen.exact
    assert (seen.trained, seen.validated) == (len(split.train), len(split.validation))
    unseen = run.model.score(iris[split.test.tolist()]).overlap
    assert unseen is not None
    assert unseen.seen == 0
    with pytest.raises(netpick.DataError, match="no column 'species'"):
        run.model.score(iris.drop("species"))


def test_the_command_says_first_what_was_learned_from(run: netpick.Run, iris: pl.DataFrame, tmp_path: Path) -> None:
    iris[run.results.split.train.tolist()].write_csv(tmp_path / "seen.csv")
    done = command_here("score", str(run.folder), "seen.csv", cwd=tmp_path)
    count = len(run.results.split.train)
    assert done.stdout.splitlines()[0] == f"{count} of {count} rows were learned from: this score is too optimistic."
    done = command_here("score", str(run.folder), "seen.csv", "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)["rows"]
    assert (rows["scored"], rows["learned_from"], rows["validation"]) == (count, count, 0)


def test_same_plan_and_seed_give_byte_identical_weights(iris: pl.DataFrame, tmp_path: Path) -> None:
    weights = []
    for name in ("a", "b"):
        made = netpick.fit(iris, models="mlp,transformer", steps=15, seed=7, out=tmp_path / name)
        with zipfile.ZipFile(made.folder / "model.netpick") as archive:
            weights.append(archive.read("weights.safetensors"))
    assert weights[0] == weights[1]


def test_xor_is_fitted_exactly(tmp_path: Path) -> None:
    (tmp_path / "xor.csv").write_text("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    done = command_here(
        "fit", "xor.csv", "--layers", "dense 8 relu, dense 4 relu", "--steps", "500", "--out", "run", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["candidates"][0]["test"]["accuracy"]["value"] == 1.0
    assert "say nothing about new data" in done.stdout


def test_digits_as_images_with_every_family(tmp_path: Path) -> None:
    digits = load_digits()
    images, labels = np.round(digits.images[:600] * (255 / 16)).astype(np.uint8), digits.target[:600]
    made = netpick.fit((images, labels), steps=40, folds=1, out=tmp_path / "run")
    assert {c.family for c in made.results.candidates} == {"mlp", "cnn", "rnn", "transformer"}
    assert all(c.status == "ok" for c in made.results.candidates), [c.reason for c in made.results.candidates]
    assert max(c.test["accuracy"].value for c in made.results.candidates) > 0.9
    again = made.model.predict(images[:50])
    assert again["prediction"].to_list()[:3] == [0, 1, 2]


def test_a_folder_of_images_from_the_command_line(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for label, shade in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(30):
            pixels = np.clip(generator.normal(shade, 30, (20, 24, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{i}.png")
    done = command_here("fit", "photos", "--models", "cnn", "--steps", "30", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = command_here("predict", "run", "photos/light/3.png", "photos/dark/3.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert rows[0][:2] == ["name", "prediction"]
    assert [row[1] for row in rows[1:]] == ["light", "dark"]
    done = command_here("score", "run", "photos", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["accuracy"]["value"] > 0.9


def test_series_of_unequal_lengths(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lines = [
        "@problemName waves",
        "@timeStamps false",
        "@univariate true",
        "@equalLength false",
        "@classLabel true slow fast",
        "@data",
    ]
    for i in range(80):
        steps = generator.integers(20, 32)
        curve = np.sin(np.arange(steps) * (0.3 if i % 2 else 0.9)) + generator.normal(0, 0.1, steps)
        lines.append(",".join(f"{v:.4f}" for v in curve) + (":slow" if i % 2 else ":fast"))
    (tmp_path / "waves.ts").write_text("\n".join(lines) + "\n")
    made = netpick.fit(tmp_path / "waves.ts", steps=40, out=tmp_path / "run")
    assert {c.family for c in made.results.candidates} == {"mlp", "cnn", "rnn", "transformer"}
    assert all(c.status == "ok" for c in made.results.candidates), [c.reason for c in made.results.candidates]
    assert made.results.candidates[1].test["accuracy"].value > 0.8
    scored = made.model.score(tmp_path / "waves.ts")
    assert scored["accuracy"].n == 80


def test_regression_and_several_targets(tmp_path: Path) -> None:
    loaded = load_diabetes()
    frame = pl.DataFrame({name: loaded.data[:, i] for i, name in enumerate(loaded.feature_names)})
    frame = frame.with_columns(progress=pl.Series(loaded.target), double=pl.Series(loaded.target * 2 + 5))
    made = netpick.fit(frame, ["progress", "double"], models="mlp", steps=150, accept=("D002",), out=tmp_path / "run")
    assert made.results.target.task == "regress"
    assert made.results.candidates[0].test["r2"].value > 0.2
    said = made.model.predict(frame.head(3))
    assert said.columns == [
        f"{what}_{name}" for name in ("progress", "double") for what in ("prediction", "low", "high")
    ]
    assert (said["low_double"] < said["prediction_double"]).all()
    assert (said["high_double"] > said["prediction_double"]).all()
    scores = made.model.score(frame)
    assert scores["coverage_90"].value > 0.8
    assert scores["width_90"].value > 0


def test_multilabel(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 4))
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(4)})
    frame = frame.with_columns(warm=pl.Series(x[:, 0] > 0), wet=pl.Series(x[:, 1] + x[:, 2] > 0))
    made = netpick.fit(frame, ["warm", "wet"], models="mlp", steps=150, out=tmp_path / "run", accept=("D002",))
    assert made.results.target.task == "multilabel"
    assert made.results.candidates[0].test["auc"].value > 0.9
    assert {"warm", "wet", "probability_warm"} <= set(made.model.predict(frame.head(3)).columns)


class Own(nn.Module):
    """A network as a user would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_a_users_own_module_is_recorded_by_name_and_handed_over_again(iris: pl.DataFrame, tmp_path: Path) -> None:
    made = netpick.fit(iris, models=["mlp", Own()], steps=20, prefer="network", out=tmp_path / "run")
    assert [c.name for c in made.results.candidates] == ["mlp", "Own"]
    alone = netpick.fit(iris, models=[Own()], steps=20, prefer="network", out=tmp_path / "alone")
    with pytest.raises(netpick.RequestError, match="module=YourNetwork"):
        netpick.load(alone.folder)
    model = netpick.load(alone.folder, module=Own())
    assert model.predict(iris.head(2))["prediction"].len() == 2


def test_a_failed_candidate_is_a_result(iris: pl.DataFrame, tmp_path: Path) -> None:
    made = netpick.fit(iris, models="mlp,mlp[learning_rate=1e30,optimizer=sgd,clip=0]", steps=40, out=tmp_path / "run")
    failed = made.results.candidates[1]
    assert failed.status == "failed"
    assert "Lower the rate" in failed.reason
    assert "T001" in {f.code for f in made.results.findings}
    with pytest.raises(netpick.TrainingError, match="No network could be trained"):
        netpick.fit(iris, models="mlp[learning_rate=1e30,optimizer=sgd,clip=0]", steps=40, out=tmp_path / "none")


def test_a_budget_bounds_the_command(iris: pl.DataFrame, tmp_path: Path) -> None:
    made = netpick.fit(iris, models="mlp", budget="2s", out=tmp_path / "run")
    assert made.results.plan["budget_seconds"] == 2.0
    assert made.results.candidates[0].steps > 20


def test_costs_move_the_threshold_and_say_so(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(600, 3))
    ill = x[:, 0] + generator.normal(0, 1.2, 600) > 0.9
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(3)}).with_columns(
        ill=pl.Series(["yes" if v else "no" for v in ill])
    )
    plain = netpick.fit(frame, models="mlp", steps=60, out=tmp_path / "plain")
    careful = netpick.fit(frame, models="mlp", steps=60, cost={"fn": 10}, out=tmp_path / "careful")
    assert careful.results.threshold is not None
    assert plain.results.threshold is not None
    assert careful.results.threshold.value < plain.results.threshold.value
    assert careful.results.candidates[0].test["recall"].value > plain.results.candidates[0].test["recall"].value


def test_look_trains_nothing(iris: pl.DataFrame, tmp_path: Path) -> None:
    iris.write_csv(tmp_path / "iris.csv")
    done = command_here("look", "iris.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "species" in done.stdout
    assert "Networks that fit: mlp, transformer" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iris.csv"]


def test_arrays_of_images_keep_their_pixels(tmp_path: Path) -> None:
    prepared: Any = netpick.look(
        (np.zeros((40, 9, 7), dtype=np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None], np.arange(40) % 2)
    )
    column = prepared.source.columns[prepared.schema.features[0].name]
    assert isinstance(column, ArrayColumn)
    assert column.values.shape == (40, 1, 9, 7)


@pytest.mark.parametrize("target", ["count", "*"])
def test_names_that_libraries_give_a_meaning_are_only_names(target: str, tmp_path: Path) -> None:
    names = ["count", "*", "^.*$", "rows", "literal", "truth", "prediction", "len", "a,b", '"', "__proto__"]
    generator = np.random.default_rng(0)
    cells = {name: generator.choice(["left", "right", "up"], 120).tolist() for name in names}
    given = tmp_path / "odd.jsonl"
    pl.DataFrame({**cells, "x": generator.normal(size=120)}).write_ndjson(given)
    run = netpick.fit(given, target, models="mlp", steps=4, out=tmp_path / "run")
    assert (tmp_path / "run" / "report.html").is_file()
    answers = netpick.load(run.folder / "model.netpick").predict(given)
    assert answers.height == 120
    assert set(answers["prediction"]) <= {"left", "right", "up"}
    read = open_source(given, options=ReadOptions(missing=("up",)))
    assert all(set(read.columns[name].values) == {"left", "right", None} for name in names)


def test_a_given_validation_part_is_chosen_on_and_never_learned_from(tmp_path: Path) -> None:
    digits = load_digits()
    x, y = digits.images.astype(np.uint8) * 16, digits.target
    np.savez(tmp_path / "d.npz", x_train=x[:300], y_train=y[:300], x_val=x[300:400], y_val=y[300:400])
    run = netpick.fit(tmp_path / "d.npz", models="mlp", steps=20, out=tmp_path / "run")
    split = run.results.split
    assert np.array_equal(split.validation, np.arange(300, 400))
    assert max(split.train.max(), split.test.max()) < 300
    assert "trained again" not in run.results.candidates[0].reason
