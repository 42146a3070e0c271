"""What Python shows of a run and a model: short texts, the contest in a notebook, the layers of a network."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sklearn.datasets import load_iris

import netpick


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
