"""What Python shows of a run and a model: short texts, the contest in a notebook, the layers of a network."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_iris

import netpick
from netpick.errors import RequestError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    flowers = load_iris(as_frame=True).frame.rename(columns={"target": "<kind>"})
    out = tmp_path_factory.mktemp("shown") / "run"
    return netpick.fit(flowers, "<kind>", layers="dense 16 relu, dense 8 relu", steps=20, folds=1, out=out)


def test_texts_of_a_run_and_a_model_are_short(run: netpick.Run) -> None:
    assert repr(run).startswith(f"<Run {run.folder}: ")
    assert run.results.verdict.headline in repr(run)
    assert re.fullmatch(
        r"<Model layers, classify '<kind>': accuracy 0\.\d+ \(0\.\d+ to 0\.\d+, n = 30\)>",
        repr(run.models["layers"]),
    )


def test_a_notebook_shows_the_contest_with_its_chart(run: netpick.Run) -> None:
    page = ElementTree.fromstring(run._repr_html_())
    rows = page.findall(".//tbody/tr")
    assert len(rows) == len([entry for entry in run.results.entries if entry.status == "ok"])
    assert all(row.find(".//svg") is not None for row in rows)
    (winner,) = page.findall(".//td/strong")
    assert (winner.text or "").startswith(run.results.verdict.winner or "")
    assert "&lt;kind&gt;" in run.models["layers"]._repr_html_()


def test_the_summary_lists_layers_shapes_and_weights(run: netpick.Run) -> None:
    summary = run.models["layers"].summary()
    lines = str(summary).splitlines()
    dense = [layer for layer in summary.layers if layer.kind == "Linear"]
    assert [(layer.shape, layer.weights) for layer in dense] == [("(N, 16)", 80), ("(N, 8)", 136)]
    assert summary.weights == 80 + 136 + 27
    assert lines[-1] == "243 weights, all trained (0.00 MB as float32)"
    assert max(map(len, lines)) < 100
    assert repr(summary) == str(summary)
    assert str(run.models["majority"].summary()).endswith("a baseline: it has no layers")


def test_the_report_shows_the_layers(run: netpick.Run, tmp_path: Path) -> None:
    text = (run.folder / "report.html").read_text()
    assert "Layers: 243 weights; N stands for the rows" in text
    (run.folder / "report.html").unlink()
    assert "Layers: 243 weights" in run.report(tmp_path / "again.html").read_text()


def test_probabilities_and_thresholds(run: netpick.Run, tmp_path: Path) -> None:
    flowers = load_iris(as_frame=True).frame.drop(columns="target")
    model = run.models["layers"]
    chances = model.predict_proba(flowers)
    assert chances.shape == (150, 3)
    assert np.abs(chances.sum(axis=1) - 1).max() < 1e-6
    likeliest = np.array(model.labels)[chances.argmax(axis=1)]
    assert (likeliest == model.predict(flowers)["prediction"].cast(pl.String).to_numpy()).all()
    with pytest.raises(RequestError, match="is not decided by a threshold: only two classes, or labels"):
        model.predict(flowers, threshold=0.5)

    x = np.random.default_rng(0).normal(size=400).round(3)
    table = pl.DataFrame({"x": x, "y": x > 0})
    two = netpick.fit(table, "y", models="mlp", steps=20, folds=1, out=tmp_path / "two").models["mlp"]
    certain = two.predict_proba(table)[:, 1]
    for threshold in (0.0, 0.3, 0.7, 1.0):
        answers = two.predict(table, threshold=threshold)["prediction"]
        assert answers.dtype == pl.Boolean
        assert (answers.to_numpy() == (certain >= threshold)).all()
    with pytest.raises(RequestError, match=r"A threshold of 1\.5 cannot be used"):
        two.predict(table, threshold=1.5)
    doubled = table.with_columns(y=pl.Series(x * 2))
    numbers = netpick.fit(doubled, "y", models="mlp", steps=5, folds=1, out=tmp_path / "n").models["mlp"]
    with pytest.raises(
        RequestError, match=r"gives no probabilities of classes\. Use predict: its columns are prediction"
    ):
        numbers.predict_proba(table)
