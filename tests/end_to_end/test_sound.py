"""The main job on sounds: a folder whose names say class and speaker, from files to a used model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from report_again import check_report_again

import netpick
from netpick.api import Run, run_fit
from netpick.api.pages import write_export
from netpick.contest.prepare import FitOptions, prepare
from netpick.data.sources import ReadOptions
from netpick.errors import DataError
from netpick.saved.events import find_events
from netpick.saved.export.samples import filled_up

PATTERN = "{label}_{speaker}_{index}.wav"
RATE = 4_000
RISING, FALLING, STEADY = (300, 900), (900, 300), (600, 600)
CALLS = {"up": RISING, "down": FALLING, "flat": STEADY}
SPEAKERS = ("ann", "bob", "cid", "dee", "eva")


def call(kind: str, voice: int, take: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A whistle that rises, falls or stays, in the voice of a speaker: the direction tells, no single moment does."""
    start, stop = CALLS[kind]
    generator = np.random.default_rng([voice, take])
    hertz = np.linspace(start, stop, RATE // 4 + 40 * take) * (0.8 + 0.1 * voice)
    wave = np.sin(2 * np.pi * np.cumsum(hertz) / RATE) + 0.05 * generator.normal(size=len(hertz))
    return (0.3 * wave).astype(np.float32)


def write_calls(folder: Path, takes: int = 8) -> Path:
    folder.mkdir(parents=True)
    for kind in CALLS:
        for voice, speaker in enumerate(SPEAKERS):
            for take in range(takes):
                soundfile.write(folder / f"{kind}_{speaker}_{take}.wav", call(kind, voice, take), RATE)
    return folder


def options(**more: object) -> FitOptions:
    return FitOptions(read=ReadOptions(label_from=PATTERN), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calls(tmp_path_factory.mktemp("calls") / "calls")


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return run_fit(str(folder), options(models="cnn_rnn", steps=60, split="random", prefer="network", out=out))


def test_networks_tell_rising_from_falling(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    scores = {c["name"]: c["test"]["accuracy"]["value"] for c in report["candidates"]}
    assert scores["cnn_rnn"] >= 0.9
    assert {b["name"] for b in report["baselines"]} >= {"majority", "linear"}
    html = (run.folder / "report.html").read_text()
    assert "log-mel frames" in html
    assert "D011" in html
    check_report_again(run.folder)


def test_a_random_split_says_that_speakers_are_known_and_a_group_split_that_they_are_new(folder: Path) -> None:
    findings = {}
    for split in ("random", "group:speaker", None):
        prepared = prepare(str(folder), options(split=split))
        (findings[split],) = [f for f in prepared.findings if f.code == "D011"]
        assert prepared.split.method == ("random" if split == "random" else "group")
    assert findings["random"].severity == "warning"
    assert "24 of 24 test rows (100%) share their 'speaker' with rows to learn from" in findings["random"].evidence
    assert findings["random"].advice.endswith("pass --split group:speaker.")
    assert findings["group:speaker"].severity == findings[None].severity == "info"
    assert "the score is for a speaker never met before" in findings[None].evidence


def test_the_model_reads_files_folders_and_tables_of_any_format(run: Run, folder: Path, tmp_path: Path) -> None:
    model = run.model
    kept = pl.read_parquet(run.folder / "predictions.parquet")
    winner = run.results.verdict.winner
    files = [folder / name for name in kept["name"].to_list()]
    assert (
        model.predict([str(file) for file in files])["prediction"].to_list() == kept[f"{winner}: prediction"].to_list()
    )
    assert model.predict(str(folder)).height == 120
    other = tmp_path / "stereo.flac"
    wave = np.repeat(call("up", 1, 3), 4)  # the same sound at four times the rate, without a filter
    soundfile.write(other, np.stack([wave, wave], axis=1), 4 * RATE)
    assert model.predict(str(other)).height == 1
    table = folder.parent / "calls.csv"
    pl.DataFrame({"sound": [f"other_{file.name}" for file in files]}).write_csv(table)
    with pytest.raises(DataError):
        model.predict(str(table))  # no such files there
    for names in ([file.name for file in files], [f"{folder.name}/{file.name}" for file in files]):
        pl.DataFrame({"sound": names}).write_csv(table)
        assert model.predict(str(table))["prediction"].to_list() == kept[f"{winner}: prediction"].to_list()


def test_scoring_reads_the_names_as_training_did(run: Run, folder: Path) -> None:
    scores = run.model.score(str(folder))
    assert scores["accuracy"].n == 120
    assert scores["accuracy"].value >= 0.9


def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("no sound")
    with pytest.raises(
        DataError, match=r"notes\.wav cannot be read: it is no sound that can be read \(Format not recognised\)"
    ):
        run.model.predict(str(path))


def test_damaged_files_stop_a_run_until_they_are_accepted(tmp_path: Path) -> None:
    folder = write_calls(tmp_path / "calls", takes=4)
    for index, name in enumerate(("up_ann_90.wav", "down_bob_91.wav")):
        (folder / name).write_bytes(b"" if index else b"RIFF????WAVE")
    with pytest.raises(netpick.NetpickError, match="D006") as caught:
        prepare(str(folder), options())
    assert "down_bob_91.wav (it is empty (0 bytes))" in str(caught.value)
    prepared = prepare(str(folder), options(accept=("D006",)))
    assert prepared.source.num_rows == 60


def test_a_class_with_a_format_of_its_own_stops_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    for kind, ending in (("up", "flac"), ("down", "wav")):
        (folder / kind).mkdir(parents=True)
        for take in range(20):
            soundfile.write(folder / kind / f"{take}.{ending}", call(kind, 0, take), RATE)
    with pytest.raises(netpick.NetpickError, match="D010") as caught:
        prepare(str(folder), FitOptions())
    assert "files of 'up' are FLAC 16 bit, 4,000 Hz, but 0 of" in str(caught.value)
    assert "--accept D010" in str(caught.value)


def test_spoken_digits_are_read_by_name_and_split_by_speaker(shared_data: Path) -> None:
    prepared = prepare(str(shared_data / "spoken_digits"), options())
    assert prepared.source.num_rows == 3_000
    assert prepared.target.labels == tuple("0123456789")
    assert "no speaker is in two parts" in prepared.split.sentence
    said = " ".join(note.text for note in prepared.source.notes)
    assert "3,000 sounds of 0.14 to 2.28 s (median 0.42 s), all at 8,000 Hz." in said
    assert "speaker names 6 that come again" in said


def test_an_exported_model_takes_samples(folder: Path, run: Run, tmp_path: Path) -> None:
    import onnxruntime

    exported = write_export(run.folder, out=tmp_path / "graph", samples=True)
    session = onnxruntime.InferenceSession(exported / "samples.onnx", providers=["CPUExecutionProvider"])
    paths = sorted(folder.iterdir())[::7]
    sounds = [soundfile.read(path, dtype="float32")[0] for path in paths]
    label, probabilities = session.run(["label", "probabilities"], filled_up(sounds))
    said = run.model.predict([str(path) for path in paths])
    np.testing.assert_allclose(probabilities[:, 0], said[f"probability_{run.model.labels[0]}"], atol=0.01)
    assert [str(word) for word in label] == said["prediction"].to_list()
    assert "`samples` float32 (rows, n), one channel at 4,000 Hz" in (exported / "README.md").read_text()
    assert netpick.load(exported).predict(str(paths[0])).height == 1


def write_recordings(folder: Path) -> Path:
    """One long recording a speaker, and a table that says what is heard from when to when."""
    folder.mkdir(parents=True)
    rows = []
    for voice, speaker in enumerate(SPEAKERS):
        pieces, place = [np.zeros(RATE // 2, np.float32)], RATE // 2
        for kind in sorted(CALLS) * 6:
            sound = call(kind, voice, len(pieces))
            rows.append((f"{speaker}.wav", place / RATE, (place + len(sound)) / RATE, kind))
            pieces += [sound, np.zeros(RATE // 8, np.float32)]
            place += len(sound) + RATE // 8
        soundfile.write(folder / f"{speaker}.wav", np.concatenate(pieces), RATE)
    table = folder / "events.csv"
    pl.DataFrame(rows, schema=["file", "start", "end", "label"], orient="row").write_csv(table)
    return table


def test_parts_of_long_recordings_are_learned_and_answered(tmp_path: Path) -> None:
    table = write_recordings(tmp_path / "recordings")
    made = run_fit(str(table), FitOptions(models="mlp", steps=40, prefer="network", out=tmp_path / "run"))
    said = " ".join(note.text for note in made.results.source.notes)
    assert "Rows are parts of 5 recordings: columns 'start' and 'end'" in said
    assert made.results.split.by == "recording"
    answers = made.model.predict(str(table))
    assert answers.height == 90
    kept = pl.read_parquet(made.folder / "predictions.parquet")
    assert answers["prediction"].gather(kept["row"]).to_list() == kept["mlp: prediction"].to_list()
    assert (answers["prediction"] == pl.read_csv(table)["label"]).mean() > 0.6
    found = find_events(made.model, tmp_path / "recordings" / "ann.wav")
    assert 12 <= found.height <= 24
