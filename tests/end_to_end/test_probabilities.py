"""Calibration, costs of mistakes and the blend, from fit to the model file: one small run, everything that reads it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.answers.classes import least_cost
from netpick.errors import RequestError
from netpick.serve.models import served_model
from netpick.serve.options import Limits

LABELS = ("cat", "dog", "eel")
COST = {"cat>dog": 8.0}


def animals(rows: int, seed: int) -> pl.DataFrame:
    """Three classes that overlap, with a curve that a linear model does not see and a line that few steps do not learn."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4))
    scores = np.stack([2 * x[:, 0], np.abs(x[:, 1]) * 2 - 1, x[:, 2] - x[:, 0]], axis=1)
    truth = (scores + random.gumbel(size=scores.shape)).argmax(axis=1)
    return pl.DataFrame({**{f"x{i}": x[:, i] for i in range(4)}, "animal": [LABELS[t] for t in truth]})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder = tmp_path_factory.mktemp("probabilities") / "run"
    return netpick.fit(animals(1500, 0), "animal", models="mlp", steps=80, cost=COST, out=folder)


def test_costs_decide_in_the_run_and_in_the_model(run: netpick.Run) -> None:
    results, fresh = run.results, animals(800, 1)
    assert results.primary_metric == "cost"
    assert results.costs is not None
    assert results.costs[0][1] == 8
    said = run.model.predict(fresh)
    probabilities = said.select(f"probability_{label}" for label in LABELS).to_numpy()
    wanted = least_cost(probabilities, np.asarray(results.costs))
    assert said["prediction"].to_list() == [LABELS[place] for place in wanted]
    assert (wanted != probabilities.argmax(axis=1)).any()
    score = run.model.score(fresh)["cost"]
    truth = np.array([LABELS.index(label) for label in fresh["animal"]])
    assert score.value == pytest.approx(float(np.asarray(results.costs)[truth, wanted].mean()))
    assert score.low < score.value < score.high
    assert score.value < np.asarray(results.costs)[truth, probabilities.argmax(axis=1)].mean()


def test_the_kept_predictions_and_the_server_decide_alike(run: netpick.Run) -> None:
    winner = run.results.verdict.winner
    table = pl.read_parquet(run.folder / "predictions.parquet")
    probabilities = table.select(f"{winner}: probability_{label}" for label in LABELS).to_numpy()
    costs = np.asarray(run.results.costs)
    assert table[f"{winner}: prediction"].to_list() == [LABELS[place] for place in least_cost(probabilities, costs)]
    model, fresh = run.model, animals(50, 2).drop("animal")
    served = served_model("animals", run.folder / "model.netpick", model, Limits())
    answered = served.answer([served.rows_of(fresh.to_dicts())])
    expected = model.predict(fresh)
    assert [one["prediction"] for one in answered.rows[:50]] == expected["prediction"].to_list()
    assert answered.predictions.probabilities == pytest.approx(
        expected.select(f"probability_{label}" for label in LABELS).to_numpy(), abs=1e-6
    )


def test_calibration_is_in_the_model_and_in_the_report(run: netpick.Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    entries = [*report["candidates"], *report["baselines"]]
    changed = [entry for entry in entries if entry["calibration"]]
    assert changed
    for entry in changed:
        assert entry["stated"]["log_loss"]["n"] == entry["test"]["log_loss"]["n"]
        assert entry["test"]["log_loss"]["value"] < entry["stated"]["log_loss"]["value"] + 0.02
    assert all(not entry["stated"] for entry in entries if not entry["calibration"])
    page = (run.folder / "report.html").read_text()
    assert "Calibration of every candidate" in page


def test_the_blend_is_a_row_of_its_own(run: netpick.Run) -> None:
    blend = run.results.blend
    assert blend is not None
    assert blend.result.family == "blend"
    assert blend.result.name not in {c.name for c in (*run.results.candidates, *run.results.baselines)}
    assert sum(blend.weights.values()) == pytest.approx(1)
    assert blend.sentence.startswith("The blend (")
    assert blend.against is not None
    members = [c for c in run.results.entries if c.name in blend.weights]
    assert blend.result.bytes == sum(member.bytes for member in members)
    table = pl.read_parquet(run.folder / "predictions.parquet")
    names = [f"{{}}: probability_{label}" for label in LABELS]
    whole = table.select(name.format(blend.result.name) for name in names).to_numpy()
    average = sum(
        weight * table.select(name.format(member) for name in names).to_numpy()
        for member, weight in blend.weights.items()
    )
    assert whole.sum(axis=1) == pytest.approx(np.ones(len(whole)))
    assert (whole.argmax(axis=1) == np.asarray(average).argmax(axis=1)).all()


def test_costs_that_cannot_be_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="names 'cow', but there is no such class"):
        netpick.fit(animals(100, 3), "animal", cost={"cow>dog": 2}, out=tmp_path / "run")
    with pytest.raises(RequestError, match=r"The costs '.*costs\.csv' cannot be read as a file"):
        netpick.fit(animals(100, 3), "animal", cost=tmp_path / "costs.csv", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
