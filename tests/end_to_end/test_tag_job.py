"""The main job on tokens with tags: fit, report, models that tag, score and are exported; on the command line too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import command_here
from small_tags import as_conll, tagged_sentences

import netpick
from netpick.api import Run
from netpick.errors import DataError, RequestError
from netpick.explain import explain
from netpick.explain.reading import read_subject
from netpick.explain.tags import influence
from netpick.saved.export import export_model
from netpick.saved.tag_files import as_marked_text
from netpick.serve.calls import tasks_of
from netpick.serve.describe import schema_of
from netpick.serve.models import served_model
from netpick.serve.options import Limits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tagged")
    (made / "names").mkdir()
    for part, count, seed in (("train", 150, 0), ("dev", 40, 1), ("test", 60, 2)):
        (made / "names" / f"names.{part}.conll").write_text(as_conll(tagged_sentences(count, seed)))
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return netpick.fit(folder / "names", steps=25, out=folder / "run")


def test_the_contest_has_networks_baselines_and_a_verdict(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    assert report["task"]["name"] == "tag"
    assert report["task"]["primary_metric"] == "entity_f1"
    assert {entry["name"] for entry in report["candidates"]} == {"mlp", "cnn", "rnn", "transformer"}
    assert {entry["name"] for entry in report["baselines"]} == {"majority tag", "linear of a window"}
    for entry in [*report["candidates"], *report["baselines"]]:
        assert entry["status"] == "ok", entry["reason"]
        assert {"entity_f1", "entity_precision", "entity_recall", "token_accuracy"} == set(entry["test"])
    scores = {entry["name"]: entry["test"]["entity_f1"]["value"] for entry in report["baselines"]}
    assert scores["linear of a window"] > 0.9
    notes = " ".join(note["text"] for note in report["data"]["notes"])
    assert "IOB2: each entity begins with B-" in notes
    page = (run.folder / "report.html").read_text()
    for words in ("By type of entity", "Tokens by tag", "Sentences that went wrong"):
        assert words in page


def test_every_model_scores_the_test_part_as_the_contest_did(run: Run, folder: Path) -> None:
    results = run.results
    for entry in results.entries:
        scores = run.models[entry.name].score(folder / "names" / "names.test.conll")
        assert scores.keys() == entry.test.keys()
        for name, score in scores.items():
            assert score.value == pytest.approx(entry.test[name].value, abs=1e-6), (entry.name, name)
    table = pl.read_parquet(run.folder / "predictions.parquet")
    assert len(table) == 60
    assert table["truth"][0].split()[0] == "B-person"


def test_text_goes_in_and_tags_come_out(run: Run, folder: Path) -> None:
    model = run.models["linear of a window"]
    said = model.predict("Anna Baker lives in New York.")
    assert said["token"].to_list() == ["Anna", "Baker", "lives", "in", "New", "York", "."]
    assert said["prediction"].to_list() == ["B-person", "I-person", "O", "O", "B-place", "I-place", "O"]
    assert said["sentence"].to_list() == [1] * 7
    assert said["probability"].min() > 0.3
    (folder / "lines.txt").write_text("Zoe works in Lima .\r\n\r\nBen sings in Rome .\r\n")
    lines = model.predict(folder / "lines.txt")
    assert lines["sentence"].to_list() == [1] * 5 + [2] * 5
    assert lines.filter(pl.col("prediction") == "B-place")["token"].to_list() == ["Lima", "Rome"]
    long = model.predict(pl.DataFrame({"token": [" ".join(["Anna lives in Oslo ."] * 40)]}))
    assert len(long) == 200
    assert (long["prediction"] == "B-place").sum() == 40
    with pytest.raises(DataError, match="holds no token, but some were expected"):
        model.predict(pl.DataFrame({"token": ["", None]}))


@pytest.mark.parametrize(
    "name", ["rnn", *(pytest.param(n, marks=pytest.mark.slow) for n in ("mlp", "cnn", "transformer"))]
)
def test_an_exported_folder_tags_without_torch_as_torch_does(run: Run, folder: Path, name: str) -> None:
    path = run.folder / "models" / f"{name}.netpick"
    path = path if path.is_file() else run.folder / "model.netpick"
    made = export_model(path, out=folder / f"{name}-onnx")
    exported = netpick.load(made.folder)
    assert exported.engine.name == "onnx"
    one, other = (m.predict(folder / "names" / "names.test.conll") for m in (run.models[name], exported))
    assert one["prediction"].equals(other["prediction"])
    np.testing.assert_allclose(one["probability"], other["probability"], atol=1e-5)


def test_marked_text_is_written(run: Run, folder: Path) -> None:
    (folder / "two.txt").write_text("Anna Baker lives in New York .\nBen sings in <Rome> .\n")
    made = {}
    for ending in ("txt", "html", "conll"):
        out = folder / f"marked.{ending}"
        asked = ("predict", str(run.folder), "two.txt", "--candidate", "linear of a window", "--out", str(out))
        done = command_here(*asked, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "2 sentences with their tags" in done.stderr
        made[ending] = out.read_text()
    first = made["txt"].splitlines()[0]
    assert first == "[Anna Baker](person) lives in [New York](place) ."
    assert made["conll"].startswith("Anna\tB-person\nBaker\tI-person\nlives\tO\n")
    assert made["conll"].count("\n\n") == 2
    assert ">Anna Baker<small>person</small></mark> lives in <mark" in made["html"]
    assert "<Rome>" not in made["html"]
    table = pl.DataFrame(
        {"sentence": [1, 1], "token": ["a", "dog"], "prediction": ["DET", "O"], "probability": [1.0, 1]}
    )
    assert as_marked_text(table, ("DET", "NOUN", "O")) == "a/DET dog\n"


def test_a_server_answers_texts_with_their_tokens_and_tags(run: Run) -> None:
    served = served_model("tags", run.folder / "model.netpick", run.models["linear of a window"], Limits())
    tasks = tasks_of(served, lambda rows: served.answer([rows]))
    body = json.dumps({"rows": [{"token": "Anna lives in New York."}, {"token": ""}]}).encode()
    first, second = json.loads(tasks.json(body).content)["predictions"]
    assert first["tokens"] == ["Anna", "lives", "in", "New", "York", "."]
    assert first["prediction"] == ["B-person", "O", "O", "B-place", "I-place", "O"]
    assert len(first["probability"]) == 6
    assert second == {"tokens": [], "prediction": [], "probability": [], "warnings": []}
    table = tasks.table(b"token\nBen sings in Rome .\n", written="csv").content.decode().splitlines()
    assert table[:2] == ["sentence,token,prediction,probability", table[1]]
    assert table[1].startswith("1,Ben,B-person,")
    described = schema_of(served)
    assert described["given_as"] == "text"
    assert described["examples"][0]["token"].split()


def test_on_the_command_line(run: Run, folder: Path) -> None:
    done = command_here("predict", str(run.folder), "Emil sleeps in Paris .", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "sentence,token,prediction,probability"
    scored = command_here("score", str(run.folder), "names/names.test.conll", cwd=folder)
    assert "Entity F1" in scored.stdout or "entity_f1" in scored.stdout


def test_folds_of_sentences_and_files_that_hold_none(folder: Path) -> None:
    data = folder / "names" / "names.train.conll"
    made = netpick.fit(data, test="none", folds=3, steps=3, models="mlp", private=True, out=folder / "folds")
    assert made.results.split.folds == 3
    assert {entry.test["entity_f1"].n for entry in made.results.entries} == {150}
    assert not (made.folder / "predictions.parquet").exists()
    assert "Archer" not in (made.folder / "report.html").read_text()


def test_what_each_tag_hangs_on_is_explained(run: Run, folder: Path) -> None:
    made = explain(run.models["rnn"], folder / "names" / "names.test.conll", rows=2)
    assert next(part.title for part in made.parts) == "The network"
    titles = [figure.title for part in made.parts for figure in part.figures]
    assert titles.count("What it goes by") == 1
    assert titles.count("Which words each tag hangs on") == 2
    with pytest.raises(RequestError, match="this needs a network"):
        explain(run.models["majority tag"], folder / "names" / "names.test.conll")


def test_a_word_counts_for_its_own_tag(run: Run, folder: Path) -> None:
    subject = read_subject(run.models["rnn"], folder / "names" / "names.test.conll")
    count = int(subject.arrays["words.lengths"][0])
    tags, moved = influence(subject, 0, "words", count)
    assert moved.shape == (count, count)
    assert np.isfinite(moved).all()
    raw = subject.answers(subject.batch([0]))[0, :count]
    assert tags.tolist() == raw.argmax(axis=1).tolist()
    assert np.abs(np.diag(moved)).max() > 0


def test_unequal_numbers_of_tokens_and_tags_are_named(folder: Path) -> None:
    lines = [{"tokens": ["Anna", "sings"], "ner_tags": ["B-person", "O"]}] * 30
    lines.append({"tokens": ["Anna", "sings", "."], "ner_tags": ["B-person", "O"]})
    path = folder / "uneven.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(DataError, match="row 31: 3 tokens and 2 tags were found, but as many of both were expected"):
        netpick.look(path)
