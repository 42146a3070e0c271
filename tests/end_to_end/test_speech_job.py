"""The main job on recordings: fit, report, models that write down what is said, their exports and servers; on the command line too."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from command_line import command_here
from report_again import check_report_again
from small_sets import spoken

import netpick
from netpick.answers.metrics.texts import aligned
from netpick.api import Run
from netpick.api.pages import write_export
from netpick.data.decoders.silences import quiet_cuts
from netpick.data.decoders.sound_features import SoundSettings
from netpick.errors import RequestError
from netpick.explain import explain
from netpick.explain.reading import read_subject
from netpick.explain.speech import heard_words
from netpick.serve.models import served_model
from netpick.serve.options import Limits

SMALL = "cnn,rnn[width=8],transformer[width=8,layers=1]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(str(spoken(tmp_path_factory.mktemp("speech"))))


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return netpick.fit(folder, models=SMALL, steps=60, out=tmp_path_factory.mktemp("runs") / "run")


def test_the_contest_has_networks_baselines_and_a_verdict(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    assert report["task"]["name"] == "transcribe"
    assert report["task"]["primary_metric"] == "word_error_rate"
    assert [entry["family"] for entry in report["candidates"]] == ["cnn", "rnn", "transformer"]
    assert {entry["name"] for entry in report["baselines"]} == {"commonest text", "nearest recording"}
    for entry in [*report["candidates"], *report["baselines"]]:
        assert entry["status"] == "ok", entry["reason"]
        assert {"word_error_rate", "character_error_rate", "exact_match"} <= set(entry["test"])
    scores = {entry["name"]: entry["test"]["word_error_rate"]["value"] for entry in report["candidates"]}
    assert scores["cnn"] < 0.2
    assert report["blend"] is None
    assert run.verdict


def test_the_report_lays_what_was_said_beside_the_truth(run: Run) -> None:
    page = (run.folder / "report.html").read_text()
    assert "What was said" in page
    assert "in lower case, without punctuation" in page
    check_report_again(run.folder)


def test_what_was_said_is_aligned_word_by_word() -> None:
    pieces = aligned("the cat sat down", "a cat sat")
    assert [(p.change, p.truth, p.said) for p in pieces] == [
        ("replaced", "the", "a"),
        ("same", "cat sat", "cat sat"),
        ("missing", "down", ""),
    ]


def test_models_write_down_new_recordings_as_the_contest_did(run: Run, folder: Path) -> None:
    kept = pl.read_parquet(run.folder / "predictions.parquet")
    for name, model in run.models.items():
        said = model.predict(folder)
        assert said.columns == ["name", "prediction"]
        by_name = {Path(path).name: text for path, text in said.iter_rows()}
        before = dict(zip(kept["name"].to_list(), kept[f"{name}: prediction"].to_list(), strict=True))
        assert {path: by_name[Path(path).name] for path in before} == before, name
        scores = model.score(folder)
        assert set(scores) == {"word_error_rate", "character_error_rate", "exact_match"}
        assert scores["word_error_rate"].n == 48


def test_a_long_recording_is_cut_where_nobody_speaks_and_joined(run: Run, folder: Path, tmp_path: Path) -> None:
    files = sorted(folder.glob("speaker1-*.wav"))[:8]
    rate, pause = 4_000, np.zeros(2_000)
    soundfile.write(
        tmp_path / "long.wav", np.concatenate([part for f in files for part in (soundfile.read(f)[0], pause)]), rate
    )
    model = run.models["cnn"]
    said = model.predict([tmp_path / "long.wav", files[0]])
    assert len(said) == 2
    assert said["prediction"][1] == model.predict(files[0])["prediction"][0]
    truth = " ".join(f.with_suffix(".txt").read_text().lower().rstrip(".") for f in files)
    right = sum(len(piece.truth.split()) for piece in aligned(truth, said["prediction"][0]) if piece.change == "same")
    assert right > 0.6 * len(truth.split()) > 10


def test_cuts_are_made_in_pauses_and_no_piece_is_too_long() -> None:
    rate = 1_000
    settings = SoundSettings(sample_rate=rate, window=25, hop=10, frames=200, mels=4, whole=1)  # two seconds
    speech = np.random.default_rng(0).normal(size=7 * rate).astype(np.float32)
    pauses = (1.5, 3.2, 5.0)
    for second in pauses:
        speech[int(second * rate) : int((second + 0.2) * rate)] *= 0.01
    cuts = quiet_cuts(speech, settings)
    assert cuts[0][0] == 0.0
    assert cuts[-1][1] == pytest.approx(7.0)
    assert all(after[0] == before[1] for before, after in pairwise(cuts))
    assert all(end - start <= 2.0 for start, end in cuts)
    for second in pauses:
        assert any(second <= start <= second + 0.2 for start, _ in cuts)


def test_an_exported_folder_says_the_same_without_torch(run: Run, folder: Path, tmp_path: Path) -> None:
    name = "rnn[width=8]"
    graph = netpick.load(write_export(run.folder, out=tmp_path / "rnn", candidate=name))
    assert "rapidfuzz==" in (tmp_path / "rnn" / "requirements.txt").read_text()
    assert graph.predict(folder).equals(run.models[name].predict(folder))
    for beam in (1, 6):
        both = [model.with_beam(beam).predict(folder) for model in (graph, run.models[name])]
        assert both[0].equals(both[1])


def test_a_server_answers_with_the_transcript(run: Run, folder: Path) -> None:
    served = served_model("m", run.folder / "model.netpick", run.model, Limits())
    first = sorted(folder.glob("*.wav"))[0]
    answers = served.answer([served.rows_of_file(first.read_bytes())])
    (row,) = json.loads(served.body(answers, 0, 1))["predictions"]
    assert row["prediction"] == run.model.predict(first)["prediction"][0]
    assert set(row) == {"prediction", "warnings"}


def test_on_the_command_line(run: Run, folder: Path) -> None:
    first = sorted(folder.glob("*.wav"))[0]
    done = command_here("predict", str(run.folder), str(first), cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "name,prediction"
    scored = command_here("score", str(run.folder), str(folder), cwd=folder.parent)
    assert scored.returncode == 0, scored.stderr
    assert "Word error rate" in scored.stdout


def test_when_each_word_was_heard_is_explained(run: Run, folder: Path) -> None:
    model = run.models["cnn"]
    made = explain(model, folder, rows=2)
    figures = [figure for part in made.parts for figure in part.figures]
    assert [figure.title for figure in figures] == ["When it heard each word"] * 2
    assert "least sure of" in figures[0].sentence
    subject = read_subject(model, folder)
    steps = subject.answers(subject.batch([0])).reshape(-1, subject.state.num_symbols)
    heard = heard_words(steps, subject.state)
    assert [word.text for word in heard] == model.predict(folder)["prediction"][0].split()
    assert all(0 <= word.begin < word.end <= len(steps) and 0 < word.chance <= 1 for word in heard)
    with pytest.raises(RequestError, match="this needs a network"):
        explain(run.models["commonest text"], folder)


def test_only_texts_are_continued(run: Run) -> None:
    with pytest.raises(RequestError, match="but generating continues a text"):
        run.model.generate("a")
