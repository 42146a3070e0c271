"""The main job on pairs of texts: fit, report, models that answer and score, resume; on the command line too."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from command_line import command_here
from small_pairs import small_pairs

import netpick
from netpick.answers.answered import texts_of
from netpick.api import Run
from netpick.errors import RequestError
from netpick.explain import explain
from netpick.saved.export import export_model
from netpick.saved.use import candidate_of
from netpick.serve.describe import schema_of
from netpick.serve.models import served_model
from netpick.serve.options import Limits

STEPS = 4
ALL = small_pairs(214)
PARTS = {"train": ALL[:160], "val": ALL[160:184], "test": ALL[184:]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    for part, pairs in PARTS.items():
        for side, language in enumerate(("en", "fr")):
            (folder / f"{part}.{language}").write_text("\n".join(pair[side] for pair in pairs) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return netpick.fit(folder, steps=STEPS, out=folder / "run")


def test_the_contest_has_networks_baselines_and_scores_of_what_was_generated(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    assert report["task"]["name"] == "translate"
    assert report["task"]["primary_metric"] == "bleu"
    assert {entry["name"] for entry in report["candidates"]} == {"cnn", "rnn", "transformer"}
    assert {"copy", "nearest source", "word by word"} <= {entry["name"] for entry in report["baselines"]}
    for entry in [*report["candidates"], *report["baselines"]]:
        assert entry["status"] == "ok", entry["reason"]
        assert {"bleu", "chrf", "exact_match"} <= set(entry["test"])
    scores = {entry["name"]: entry["test"]["bleu"]["value"] for entry in report["baselines"]}
    assert scores["copy"] < scores["nearest source"]
    assert scores["word by word"] > 30
    assert run.verdict
    page = (run.folder / "report.html").read_text()
    assert "How they were generated" in page
    assert "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp" in page


def test_predictions_are_those_that_were_scored(run: Run) -> None:
    table = pl.read_parquet(run.folder / "predictions.parquet")
    assert table["truth"].to_list() == [target for _, target in PARTS["test"]]
    for result in run.results.entries:
        assert result.test_predictions is not None
        assert table[f"{result.name}: prediction"].to_list() == result.test_predictions.texts  # type: ignore[attr-defined]


def test_every_model_answers_and_scores_as_the_contest_did(run: Run, folder: Path) -> None:
    sources = [source for source, _ in PARTS["test"]]
    (folder / "lines.txt").write_text("\n".join(sources) + "\n")
    for name, model in run.models.items():
        result = next(entry for entry in run.results.entries if entry.name == name)
        said = model.predict(folder / "lines.txt")
        assert said["en"].to_list() == sources
        assert said["prediction"].to_list() == texts_of(result.test_predictions.codes), name  # type: ignore[union-attr]
        assert model.predict(sources[:2])["prediction"].to_list() == said["prediction"].to_list()[:2]
    model = run.models["word by word"]
    frame = pl.DataFrame(PARTS["test"], schema=["en", "fr"], orient="row")
    expected = next(entry for entry in run.results.baselines if entry.name == "word by word").test["bleu"].value
    assert model.score(frame)["bleu"].value == pytest.approx(expected)


def test_on_the_command_line(run: Run, folder: Path) -> None:
    (folder / "two.txt").write_text("a dog sees the cat.\n\nthe zebra likes a tree.\n")
    done = command_here("predict", str(run.folder), "two.txt", "--candidate", "word by word", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "un chien voit le chat." in done.stdout
    assert "zebra aime un arbre." in done.stdout


@pytest.mark.parametrize("family", ["transformer", "rnn", "cnn"])
def test_an_exported_folder_generates_the_same_texts(run: Run, folder: Path, family: str) -> None:
    model = run.models[family]
    out = folder / f"{family}-onnx"
    exported = export_model(candidate_of(run.folder, family), out=out)
    assert exported.difference < 1e-5
    sources = [source for source, _ in PARTS["test"]]
    loaded = netpick.load(out)
    assert loaded.predict(sources)["prediction"].to_list() == model.predict(sources)["prediction"].to_list()
    for beam in (1, 7):
        texts = [one.with_beam(beam).predict(sources)["prediction"].to_list() for one in (loaded, model)]
        assert texts[0] == texts[1]
    assert "memory.0" in (out / "README.md").read_text()


def test_a_beam_that_was_asked_for_is_the_model_s_own(folder: Path, tmp_path: Path) -> None:
    run = netpick.fit(folder, models="rnn[hidden=16,embedding=16]", steps=4, beam=1, out=tmp_path / "run")
    sources = [source for source, _ in PARTS["test"]]
    (model,) = (one for one in run.models.values() if one.parts.record.is_network)
    said = model.predict(sources)["prediction"].to_list()
    assert model.parts.task_state.beam == 1
    assert model.with_beam(1).predict(sources)["prediction"].to_list() == said
    assert model.with_beam(8).predict(sources)["prediction"].to_list() != said
    assert "with a beam of 1" in (run.folder / "report.json").read_text()


@pytest.mark.parametrize(
    ("beam", "candidate", "said"),
    [
        (0, "rnn", "A beam of 0 cannot be followed. Pass 1 to 32"),
        (3, "copy", "searches for no text, so it has no beam"),
    ],
)
def test_beams_that_cannot_be_are_refused(run: Run, beam: int, candidate: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        run.models[candidate].with_beam(beam)


def test_a_beam_belongs_to_texts(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [n % 7 / 3 for n in range(200)], "b": [f"{n % 2}" for n in range(200)]})
    with pytest.raises(RequestError, match="--beam was given, but classes are answered here"):
        netpick.fit(frame, "b", beam=4, out=tmp_path / "run")


def test_a_served_model_answers_and_says_what_is_unusual(run: Run) -> None:
    for name in ("transformer", "word by word"):
        served = served_model("m", candidate_of(run.folder, name), run.models[name], Limits())
        asked = served.rows_of_json(json.dumps({"rows": [{"en": "a dog sees the cat."}, {"en": None}]}).encode())
        first, second = json.loads(served.body(served.answer([asked]), 0, 2))["predictions"]
        assert first["prediction"] == run.models[name].predict(["a dog sees the cat."])["prediction"][0]
        assert first["warnings"] == []
        assert second["warnings"] == ["En is empty; there is nothing to answer."]
        schema = schema_of(served)
        assert schema["given_as"] == "text"
        assert schema["examples"][0]["en"] == PARTS["train"][0][0]


def test_a_network_is_explained_by_where_it_looked(run: Run) -> None:
    page = explain(run.models["transformer"], ["a dog sees the cat.", "the tree likes a dog."]).html()
    assert "Where it looked" in page
    with pytest.raises(RequestError, match="this needs a network"):
        explain(run.models["copy"], ["a dog sees the cat."])


def test_an_mlp_is_refused_with_its_reason(folder: Path) -> None:
    with pytest.raises(
        RequestError, match=r"reads and writes a fixed number of symbols.*Choose from: cnn, rnn, transformer\.$"
    ):
        netpick.fit(folder, models="mlp", steps=1, out=folder / "mlp")
