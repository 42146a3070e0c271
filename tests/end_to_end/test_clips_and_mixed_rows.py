"""From clips and from mixed rows to a used model; what each column group adds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import command_here
from mixed_table import write_mixed_table
from moving_digits import drawn_digits, moving_digits, write_frames, write_video, write_videos

import netpick
from netpick.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of two directions, one of which does not decode."""
    folder = tmp_path_factory.mktemp("clips")
    clips, labels = moving_digits(drawn_digits(12), 181, directions=2, frames=6, side=24, seed=0)
    write_videos(clips, labels, folder / "moves")
    (folder / "moves" / labels[180] / "00180.mp4").write_bytes(b"not a video")
    new, _ = moving_digits(drawn_digits(12), 4, directions=2, frames=6, side=24, seed=9)
    write_video(new[1], folder / "down.mp4")
    write_frames(new[:2], ["right", "down"], folder / "frames")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> netpick.Run:
    return netpick.fit(folder / "moves", models="cnn_rnn", steps=60, out=folder / "run")


def test_motion_is_learned_and_single_frames_say_nothing(run: netpick.Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    (hybrid,) = report["candidates"]
    assert hybrid["test"]["accuracy"]["value"] > 0.8
    frames = next(b for b in report["baselines"] if b["name"] == "frame average")
    assert frames["test"]["accuracy"]["low"] < 0.6
    assert report["data"]["layout"] == "clip_folder"
    assert [row["path"] for row in report["data"]["unreadable"]] == ["right/00180.mp4"]
    assert report["ablation"] == []
    assert any("6 frames of 24 x 24 pixels, grey" in note["text"] for note in report["data"]["notes"])
    assert "What each column group adds" not in (run.folder / "report.html").read_text()


def test_new_clips_are_answered(run: netpick.Run, folder: Path) -> None:
    model = netpick.load(run.folder / "model.netpick")
    alone = model.predict(folder / "down.mp4")
    assert alone["prediction"].to_list() == ["down"]
    frames = model.predict(folder / "frames")
    assert sorted(frames["prediction"].to_list()) == ["down", "right"]
    one = model.predict(folder / "frames" / "down" / "00001")
    assert one["prediction"].to_list() == ["down"]
    scores = model.score(folder / "frames")
    assert scores["accuracy"].value == 1.0
    with pytest.raises(DataError, match="00180"):
        model.predict(folder / "moves" / "right" / "00180.mp4")


def test_on_the_command_line(run: netpick.Run, folder: Path) -> None:
    done = command_here("predict", str(run.folder / "model.netpick"), "down.mp4", "--out", "said.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(folder / "said.csv")["prediction"].to_list() == ["down"]


def test_a_picture_and_a_number_are_both_needed(tmp_path: Path) -> None:
    digits = drawn_digits(16)
    table = write_mixed_table(digits, np.repeat(np.arange(10), 5), tmp_path / "data", 600)
    run = netpick.fit(table, target="verdict", models="cnn", steps=110, out=tmp_path / "run")
    report = json.loads((run.folder / "report.json").read_text())
    assert report["candidates"][0]["test"]["accuracy"]["value"] > 0.85
    assert [(one["group"], one["verdict"]) for one in report["ablation"]] == [
        ("picture (image)", "helps"),
        ("reading (number)", "helps"),
    ]
    for one in report["ablation"]:
        assert one["low"] > 0.2
        assert one["score"]["n"] == report["split"]["rows"]["test"]
    page = (run.folder / "report.html").read_text()
    assert "What each column group adds" in page
    assert "Without any one of them accuracy is worse" in page
    assert "## What each column group adds" in run.model.card
    answers = run.model.predict(table)
    right = (answers["prediction"] == pl.read_csv(table)["verdict"]).mean()
    assert right is not None
    assert right > 0.85


def test_a_table_of_one_kind_of_column_has_no_groups(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] + x[:, 2] > 0, "up", "down")})
    run = netpick.fit(frame, target="y", models="mlp", steps=30, out=tmp_path / "run")
    assert list(run.results.ablation) == []


def test_passengers_have_words_numbers_and_categories(shared_data: Path, tmp_path: Path) -> None:
    table = shared_data / "tables" / "titanic.csv"
    run = netpick.fit(table, target="Survived", models="cnn", steps=120, out=tmp_path / "run")
    groups = {one.group: one for one in run.results.ablation}
    assert set(groups) == {"number columns", "category columns", "Name (text)"}
    assert "Sex" in groups["category columns"].columns
    assert run.results.candidates[0].test["accuracy"].value > 0.7
