"""The main job on a text: fit, report, models that score and continue texts, resume; on the command line too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import command_here
from small_texts import small_text

import netpick
from netpick.api import Run
from netpick.api.pages import write_export
from netpick.errors import DataError, ModelFileError, RequestError
from netpick.explain import explain
from netpick.saved.generating import Sampling, generate, longest_copy, read_prompt


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    (folder / "story.txt").write_text(small_text(400))
    return netpick.fit(folder / "story.txt", steps=3, out=folder / "run")


def test_the_contest_has_networks_ngrams_and_a_verdict(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    assert report["task"]["name"] == "next"
    assert report["task"]["primary_metric"] == "bits_per_character"
    assert {entry["name"] for entry in report["candidates"]} == {"mlp", "cnn", "rnn", "transformer"}
    assert {entry["name"] for entry in report["baselines"]} == {"unigram", "kneser-ney", "kneser-ney-cache"}
    for entry in [*report["candidates"], *report["baselines"]]:
        assert entry["status"] == "ok", entry["reason"]
        assert {"bits_per_character", "perplexity", "next_top_1", "next_top_5"} <= set(entry["test"])
    scores = {entry["name"]: entry["test"]["bits_per_character"]["value"] for entry in report["baselines"]}
    assert scores["kneser-ney"] < 1.0 < 3.0 < scores["unigram"]
    assert run.verdict
    page = (run.folder / "report.html").read_text()
    assert "How the text goes on" in page
    assert "model.generate(" in page


def test_every_model_scores_a_text_as_the_contest_did(run: Run, folder: Path) -> None:
    table = pl.read_parquet(run.folder / "predictions.parquet")
    tested = run.results.split.test
    assert len(table) == len(tested)
    (folder / "end.txt").write_text(small_text(400)[-3_000:])
    for name, model in run.models.items():
        scores = model.score(folder / "end.txt")
        assert 0 < scores["bits_per_character"].value < 8, name
        said = model.predict(folder / "end.txt")
        assert said["bits"].sum() / 3_000 == pytest.approx(scores["bits_per_character"].value, rel=1e-4), name
        assert said["symbols"].sum() == 3_000
        assert "".join(said["text"].to_list()) == small_text(400)[-3_000:]


def test_texts_are_continued_alike_for_the_same_seed(run: Run) -> None:
    for name, model in run.models.items():
        prompt = read_prompt(model, "the cat se")
        drawn = ["".join(generate(model, prompt, Sampling(tokens=30, seed=seed))) for seed in (1, 2)]
        drawn.insert(0, "".join(model.generate("the cat se", tokens=30, seed=1)))
        assert drawn[0] == drawn[1], name
        assert len(drawn[0]) == 30
        if name != "unigram":
            assert drawn[0] != drawn[2]
    model = run.models["kneser-ney"]
    greedy = "".join(generate(model, read_prompt(model, "the cat se"), Sampling(tokens=2, temperature=0.0)))
    assert greedy == "es"
    least = "".join(generate(model, read_prompt(model, "the cat se"), Sampling(tokens=2, top_k=1)))
    assert least == "".join(generate(model, read_prompt(model, "the cat se"), Sampling(tokens=2, top_p=1e-9))) == "es"


def test_unknown_characters_of_a_prompt_are_answered_and_said(run: Run) -> None:
    prompt = read_prompt(run.model, "the £ cat")
    assert prompt.remarks == ("1 character of the prompt did not occur in training and is read as unknown.",)
    assert len("".join(generate(run.model, prompt, Sampling(tokens=5)))) == 5


def test_on_the_command_line(run: Run, folder: Path) -> None:
    model = str(run.folder)
    done = command_here(
        "generate", model, "--prompt", "my aunt li", "--tokens", "12", "--candidate", "kneser-ney", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("my aunt likes ")
    assert len(done.stdout.rstrip("\n")) == 22
    refused = command_here("generate", model, "--temperature", "-1", cwd=folder)
    assert refused.returncode == 2
    assert "--temperature -1 cannot be" in refused.stderr
    refused = command_here("generate", model, "--out", "rows.csv", cwd=folder)
    assert refused.returncode == 2
    assert "--out was given, but this model goes on with a text" in refused.stderr


def test_a_network_is_explained_by_what_words_cost_and_how_far_back_it_looks(run: Run, folder: Path) -> None:
    page = explain(run.models["rnn"], folder / "story.txt").html()
    assert "What each word cost" in page
    assert "How far back it looks" in page
    assert "nobody" in page
    with pytest.raises(RequestError, match="this needs a network"):
        explain(run.models["kneser-ney"], folder / "story.txt")


def test_an_exported_folder_scores_and_continues_texts_without_torch(run: Run, folder: Path) -> None:
    model = run.models["rnn"]
    plant = write_export(run.folder, out=folder / "plant", candidate="rnn")
    (folder / "end.txt").write_text(small_text(60, seed=3))
    code = f"""
import json, sys
sys.modules["torch"] = None
import netpick
model = netpick.load({str(plant)!r})
text = "".join(model.generate("the cat se", tokens=210, temperature=0.8, seed=4))
bits = model.predict({str(folder / "end.txt")!r})["bits"].to_list()
print(json.dumps([model.engine.name, text, bits]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    engine, text, bits = json.loads(done.stdout)
    assert engine == "onnx"
    assert text == "".join(model.generate("the cat se", tokens=210, temperature=0.8, seed=4))
    assert bits == pytest.approx(model.predict(folder / "end.txt")["bits"].to_list(), rel=1e-5)
    assert "`before.0`" in (plant / "README.md").read_text()
    (plant / "model" / "step.onnx").unlink()
    with pytest.raises(ModelFileError, match="its manifest names other members"):
        netpick.load(plant)


def test_a_text_that_is_none_is_refused(run: Run) -> None:
    with pytest.raises(DataError, match="holds no text"):
        run.model.score(pl.DataFrame({"text": ["", None]}))


def test_a_table_s_model_generates_nothing(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({"x": generator.normal(size=80), "y": ["a", "b"] * 40})
    made = netpick.fit(frame, "y", models="mlp", steps=3, folds=1, out=tmp_path / "run")
    with pytest.raises(RequestError, match="but generating continues a text"):
        read_prompt(made.model, "a")


def test_the_longest_copy_is_found() -> None:
    assert longest_copy("xx the cat sat yy", "and the cat sat down") == " the cat sat "
    assert longest_copy("zzz", "abc") == ""
    assert longest_copy("abc", "xabcx") == "abc"
