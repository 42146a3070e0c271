"""The main job on pieces of music: fit, report, models that score and continue pieces, MIDI and WAV; what is said of broken files."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.api import Run
from netpick.api.pages import write_export
from netpick.cli.commands import app
from netpick.data.notes import chords_of, text_of_chords
from netpick.data.sources import open_source
from netpick.data.sources.midi import MOST_MIDI, midi_bytes
from netpick.errors import DataError, RequestError
from netpick.explain import explain
from netpick.saved.generating import Sampling, generate, read_prompt
from netpick.saved.playing import RATE, sound_of, wav_bytes
from netpick.tasks.music.state import MusicState, cut_piece
from netpick.types import TEST, TRAIN, Array


def piece(seed: int, steps: int = 70) -> Array:
    """Two voices in a key of their own: the upper one goes up or down every fourth step, the lower one follows."""
    generator = np.random.default_rng(seed)
    moves = np.repeat(np.cumsum(generator.choice([-2, -1, 1, 2], -(-steps // 4))) % 12, 4)[:steps]
    low = np.concatenate([moves[:2], moves[:-2]])
    return np.stack([64 + moves, 48 + low], axis=1).astype(np.int32)


def write(folder: Path, pieces: dict[str, Array], *, midi: bool = False) -> Path:
    for name, chords in pieces.items():
        file = folder / (f"{name}.mid" if midi else f"{name}.csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        if midi:
            file.write_bytes(midi_bytes(chords))
        else:
            file.write_text("note0,note1\n" + text_of_chords(chords.tolist()).replace(" ", ",") + "\n")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pieces = {f"{part}/{n}": piece(n) for n in range(14) for part in [("train", "valid", "test")[max(0, n - 11)]]}
    return write(tmp_path_factory.mktemp("songs"), pieces)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return netpick.fit(folder, steps=2, out=tmp_path_factory.mktemp("runs") / "run")


def test_the_contest_has_all_families_and_baselines_and_guesses_are_told_apart(run: Run) -> None:
    report = json.loads((run.folder / "report.json").read_text())
    assert (report["task"]["name"], report["task"]["primary_metric"]) == ("music", "nats_per_note")
    assert {entry["name"] for entry in report["candidates"]} == {"mlp", "cnn", "rnn", "transformer"}
    assert {entry["name"] for entry in report["baselines"]} == {"the same again", "kneser-ney over voices"}
    for entry in [*report["candidates"], *report["baselines"]]:
        assert entry["status"] == "ok", entry["reason"]
        shares = {"notes_right", "chords_right", "new_notes_right", "new_chords_right", "told_notes_right"}
        assert shares <= set(entry["test"])
    again = next(entry for entry in report["baselines"] if entry["name"] == "the same again")["test"]
    tested = piece(13)
    stays = np.concatenate([[[False, False]], tested[1:] == tested[:-1]])
    assert again["notes_right"]["value"] == pytest.approx(stays.mean(), abs=0.02)
    assert again["new_chords_right"]["value"] == 0
    assert run.results.split.method == "given"
    assert "How the piece goes on" in (run.folder / "report.html").read_text()


def test_every_model_scores_pieces_and_continues_them_alike_for_the_same_seed(run: Run, folder: Path) -> None:
    for name, model in run.models.items():
        assert 0 < model.score(folder / "test")["nats_per_note"].value < 10, name
        said = model.predict(folder / "test")
        assert said["notes"].sum() == 140
        assert "\n".join(said["piece"].to_list()) == text_of_chords(piece(13).tolist())
        drawn = ["".join(model.generate("60 48 / 62 50", tokens=12, seed=seed)) for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1]
        assert chords_of("60 48\n62 50" + drawn[0], 2).shape[1] == 2


@pytest.mark.slow  # two graphs are traced
def test_an_exported_folder_scores_and_continues_as_torch_does(run: Run, folder: Path, tmp_path: Path) -> None:
    model = run.models["rnn"]
    plant = netpick.load(write_export(run.folder, out=tmp_path / "plant", candidate="rnn"))
    assert plant.engine.name == "onnx"
    mine, its = ("".join(one.generate("60 48 / 62 50", tokens=150, seed=4)) for one in (model, plant))
    assert mine == its
    own, other = (one.predict(folder / "test")["nats"].to_list() for one in (model, plant))
    assert own == pytest.approx(other, rel=1e-4)


def test_what_was_made_is_written_as_midi_and_wav(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(run.folder / "model.netpick")
    asked = [
        "generate",
        model,
        "--prompt",
        str(folder / "test" / "13.csv"),
        "--tokens",
        "8",
        "--output",
        str(tmp_path / "made"),
    ]
    app(args=asked, standalone_mode=False)
    lines = capsys.readouterr().out.strip().split("\n")
    assert lines[:70] == text_of_chords(piece(13).tolist()).split("\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["made.mid", "made.wav"]
    read = netpick.look(write(tmp_path, {"train/a": piece(1), "train/b": piece(2), "train/c": piece(3)}, midi=True))
    assert read.schema.task == "music"
    with wave.open(str(tmp_path / "made.wav")) as sound:
        assert sound.getframerate() == RATE
        assert sound.getnframes() > 70 * RATE / 6
    for wrong, said in (("x.mp3", "ends with .mp3, but .mid or .wav"),):
        with pytest.raises(RequestError, match=said):
            app(args=["generate", model, "--output", wrong], standalone_mode=False)
    for prompt, said in (
        ("60", "chord 1 has 1 note, but 2 notes"),
        ("60 200", "holds 200, but a note from 0"),
        ("none.mid", "no file none.mid"),
    ):
        with pytest.raises(RequestError, match=said):
            app(args=["generate", model, "--prompt", prompt], standalone_mode=False)


def test_a_network_is_explained_by_what_chords_and_voices_cost(run: Run, folder: Path) -> None:
    page = explain(run.models["rnn"], folder).html()
    assert "What each chord cost" in page
    assert "What each voice cost" in page
    assert "How far back it looks" in page
    with pytest.raises(RequestError, match="this needs a network"):
        explain(run.models["the same again"], folder)


def test_a_note_sounds_at_its_frequency_and_silence_is_none() -> None:
    chords = np.array([[69, 0]] * 12, dtype=np.int32)
    samples = sound_of(chords)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()] == pytest.approx(440, abs=1)
    assert np.abs(samples).max() < 1
    assert not sound_of(np.zeros((4, 2), dtype=np.int32)).any()
    with wave.open(io.BytesIO(wav_bytes(chords))) as sound:
        assert sound.getnframes() == len(samples)


def test_midi_comes_back_as_it_was_written(tmp_path: Path) -> None:
    chords = {str(n): piece(n) for n in range(4)}
    chords["3"][5:9, 0] = 0
    source = netpick.look(write(tmp_path, chords, midi=True)).source
    assert source.row_names is None  # a row is a block there
    texts = open_source(tmp_path).columns["piece"]
    for number, text in enumerate(texts.values.to_list()):  # type: ignore[union-attr]
        np.testing.assert_array_equal(chords_of(text), chords[str(number)])


def test_broken_midi_is_left_out_by_name_and_long_ones_are_not_read(tmp_path: Path) -> None:
    good = write(tmp_path, {str(n): piece(n) for n in range(3)}, midi=True)
    (good / "4.mid").write_bytes((good / "0.mid").read_bytes()[:60])
    (good / "5.mid").write_bytes(b"MThd" + b"\0" * 300)
    (good / "6.mid").write_bytes(b"MThd" + b"\0" * MOST_MIDI)
    (good / "7.mid").write_bytes(midi_bytes(np.zeros((9, 2), dtype=np.int32)))
    (good / "8.mid").write_bytes(midi_bytes(np.concatenate([piece(8), piece(9)], axis=1)))
    source = open_source(good)
    assert source.num_rows == 4
    said = " ".join(note.text for note in source.notes)
    assert "4 files left out (4.mid: it is no MIDI file that can be read" in said
    assert "3 pieces with fewer than 4 voices" in said
    assert {one.path for one in source.unreadable} == {"4.mid", "5.mid", "6.mid", "7.mid"}
    assert "at most 1,048,576" in source.unreadable[2].reason


def test_pieces_that_begin_alike_in_any_key_stay_on_one_side(tmp_path: Path) -> None:
    pieces = {f"{n}{key}": piece(n, 120) + step for n in range(8) for key, step in (("a", 0), ("b", 5))}
    prepared = netpick.look(write(tmp_path, pieces))
    texts = {TRAIN: prepared.split.train, TEST: prepared.split.test}
    assert len(texts[TEST]) == 4  # blocks: both keys of one tune
    assert "equal beginnings of the melody" in prepared.split.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"0": np.zeros((0, 2), np.int32), "1": np.zeros((0, 2), np.int32)}, "holds no piece that can be read"),
        ({"0": piece(0), "1": piece(1)}, "holds 2 pieces of 140 chords in all, but at least 3"),
        ({str(n): piece(n, 5) for n in range(4)}, "of 20 chords in all"),
    ],
)
def test_too_little_is_refused(change: dict[str, Array], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        netpick.look(write(tmp_path, change))


def test_a_piece_ends_and_a_prompt_is_read_from_the_beginning_of_a_bar(run: Run) -> None:
    state = MusicState(column="piece", voices=2)
    windows, truth = cut_piece(piece(3, 64), state)
    assert windows.shape == (2, 128, 2)  # the end of the piece is said in a block of its own
    assert truth[1, 0, 0].tolist() == [2, 0]
    assert (truth[1, 1] == 0).all()
    numbers = [2, *(piece(3, 150).ravel() + 3).tolist()]
    recent = state.recent(numbers, state.read_again)
    assert len(recent) <= state.read_again
    assert recent == numbers[-len(recent) :]
    assert (len(numbers) - 1 - len(recent)) % (16 * 2) == 0
    prompt = read_prompt(run.model, "\n".join(["60 48"] * 300))
    assert prompt.remarks == ("Only the last 256 of the 600 notes of the prompt are read.",)
    assert "".join(generate(run.model, prompt, Sampling(tokens=4, seed=1)))


def test_a_column_of_pieces_in_a_table_is_read_where_it_is_asked_for() -> None:
    frame = pl.DataFrame({"song": [text_of_chords(piece(n).tolist()) for n in range(5)], "name": list("abcde")})
    assert netpick.look(frame, "song", task="music").schema.task == "music"
    with pytest.raises(DataError, match="row 1 of column 'name', chord 1 holds 'a'"):
        netpick.look(frame, "name", task="music")
    with pytest.raises(RequestError, match="--folds was given, but music"):
        netpick.look(frame, "song", task="music", folds=3)
