"""Recordings and their transcripts: how they are written, found, told apart, and left out where nothing can be learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from netpick.answers.answered import codes_of, joined, texts_of
from netpick.contest.prepare import FitOptions, inspect
from netpick.data.sources import ReadOptions, open_source
from netpick.errors import DataError, RequestError
from netpick.tasks.speech.examples import PreparedSpeech
from netpick.tasks.speech.state import TRANSCRIBE, new_state
from netpick.tasks.speech.writing import chosen_level, normalised
from netpick.types import TableColumn

RATE = 8_000
NAMED = FitOptions(read=ReadOptions(label_from="{transcript}.wav"))


def record(path: Path, seconds: float = 0.5, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(seed).normal(size=int(seconds * RATE)), RATE)


def named_folder(root: Path, count: int = 24) -> Path:
    for number in range(count):
        words = "_".join("yes" if number >> bit & 1 else "no" for bit in range(5))
        record(root / f"{words}.wav", 0.6 + 0.01 * number, number)
    return root


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("0_1_1", "0 1 1"),
        ("It’s 'Fine', he said—twice!", "it's fine he said twice"),
        ("Ça  va\t?\n", "ça va"),
        ("Cafe\u0301", "caf\u00e9"),
        ("रुको 3.5", "रुको 3 5"),
        ("...", ""),
    ],
)
def test_transcripts_have_one_spelling(text: str, plain: str) -> None:
    assert normalised(text) == plain
    assert normalised(plain) == plain


def test_few_words_are_symbols_and_many_are_spelled() -> None:
    assert chosen_level(["yes no no"] * 20, None).level == "words"
    assert chosen_level(["the quick brown fox"] * 3, None).level == "characters"
    assert chosen_level(["yes no"] * 20, "characters").given


def test_texts_become_numbers_and_back() -> None:
    state = new_state("words", ["yes no", "no"] * 12, None)
    assert state.symbols == ("no", "yes")
    assert state.numbers_of("yes maybe no") == [4, 1, 3]
    assert state.spelled([4, 1, 3]) == "yes no"
    letters = new_state("words", ["yes no"], None)
    assert letters.spelled(letters.numbers_of("no yes")) == "no yes"
    with pytest.raises(DataError, match="holds no words to learn from"):
        new_state("words", ["", ""], None)


def test_code_points_hold_any_text() -> None:
    texts = ["", "a", "é😀 x", None]
    assert texts_of(codes_of(texts)) == ["", "a", "é😀 x", ""]
    assert texts_of(np.array([[0xD800, 97], [-5, 0]])) == ["?a", "?"]
    answer = TRANSCRIBE.answer
    short, long = (answer.typed(codes=codes_of(part)) for part in (["a"], ["abcd"]))
    assert joined([short, long]).texts == ["a", "abcd"]


def test_names_of_files_say_what_is_said(tmp_path: Path) -> None:
    prepared = inspect(named_folder(tmp_path / "yn"), NAMED)
    assert isinstance(prepared, PreparedSpeech)
    assert prepared.schema.task == "transcribe"
    assert prepared.state.level == "words"
    assert set(prepared.state.symbols) == {"yes", "no"}
    (spec,) = prepared.inputs.values()
    assert (spec.form, spec.ahead, spec.shape[1]) == ("speech", (1, 4), 40)
    assert texts_of(prepared.truth)[0] == "no no no no no"
    told = " ".join(note.text for note in prepared.schema.notes)
    assert "in lower case, without punctuation" in told
    assert "2 different words" in told


def test_recordings_too_short_for_their_transcripts_are_left_out_by_name(tmp_path: Path) -> None:
    folder = named_folder(tmp_path / "yn")
    record(folder / f"{'no_yes_' * 6}no.wav", 0.05)
    prepared = inspect(folder, NAMED)
    (told,) = [note.text for note in prepared.source.notes if "too short" in note.text]
    assert told.startswith("1 recording is too short for what is said to be in it, and left out: no_yes_no_yes")
    assert told.endswith("(0.05 s for 44 characters).")
    assert prepared.state.stride == 4
    assert prepared.source.num_rows == 24
    short = tmp_path / "short"
    for number in range(24):
        record(short / f"{'no_yes_' * 6}{number}.wav", 0.05, number)
    with pytest.raises(DataError, match=r"24 of 24 recordings of .* are too short for their transcripts"):
        inspect(short, NAMED)


def test_symbols_that_training_never_had_are_counted(tmp_path: Path) -> None:
    folder = named_folder(tmp_path / "train")
    record(tmp_path / "test" / "yes_maybe.wav")
    prepared = inspect(folder, replace(NAMED, test=str(tmp_path / "test")))
    (told,) = [note.text for note in prepared.schema.notes if note.subject == "symbols"]
    assert told.startswith("1 of 2 words of the test transcripts (50.0%) never came in those of training: 'maybe'.")


def tables(tmp_path: Path) -> dict[str, Path]:
    """The same recordings in every layout."""
    lines = [(f"s{number % 4}-1-{number:04}", "no yes" if number % 2 else "yes") for number in range(24)]
    for name, _ in lines:
        record(tmp_path / "lj" / "wavs" / f"{name}.wav", seed=int(name[-4:]))
        record(tmp_path / "cv" / "clips" / f"{name}.wav", seed=int(name[-4:]))
        record(tmp_path / "libri" / "train-clean" / name[:2] / f"{name}.flac", seed=int(name[-4:]))
        record(tmp_path / "beside" / f"{name}.wav", seed=int(name[-4:]))
        (tmp_path / "beside" / f"{name}.txt").write_text(dict(lines)[name])
    (tmp_path / "lj" / "metadata.csv").write_text("\n".join(f"{name}|{text.upper()}|{text}" for name, text in lines))
    rows = [f"{name[:2]}\t{name}.wav\t{text}" for name, text in lines]
    (tmp_path / "cv" / "train.tsv").write_text("\n".join(["client_id\tpath\tsentence", *rows[:18]]))
    (tmp_path / "cv" / "test.tsv").write_text("\n".join(["client_id\tpath\tsentence", *rows[18:]]))
    for speaker in range(4):
        said = [f"{name} {text.upper()}" for name, text in lines if name.startswith(f"s{speaker}")]
        folder = tmp_path / "libri" / "train-clean" / f"s{speaker}"
        (folder / f"s{speaker}-1.trans.txt").write_text("\n".join(said))
    return {name: tmp_path / name for name in ("lj", "cv", "libri", "beside")}


def test_every_layout_gives_the_same_transcripts(tmp_path: Path) -> None:
    for name, folder in tables(tmp_path).items():
        source = open_source(folder)
        assert source.layout == "transcribed_folder", name
        assert source.spoken == source.target == "transcript"
        assert source.num_rows == 24
        column = source.columns["transcript"]
        assert isinstance(column, TableColumn)
        assert {text.lower() for text in column.values.to_list()} == {"yes", "no yes"}
        assert source.groups == (("speaker",) if name in ("cv", "libri") else ())
        assert (source.given_split is not None) == (name == "cv")


def test_intervals_are_over_speakers_in_given_parts_too_and_speakers_are_kept_apart_elsewhere(tmp_path: Path) -> None:
    folders = tables(tmp_path)
    given = inspect(folders["cv"], FitOptions())
    assert given.split.method == "given"
    speakers = given.test_groups(given.split.test)
    assert speakers is not None
    assert len(set(speakers.tolist())) == 4
    apart = inspect(folders["libri"], FitOptions())
    assert apart.split.method == "group"
    assert "speaker" in apart.split.sentence


def test_folders_that_are_no_parts_are_speakers(tmp_path: Path) -> None:
    for number in range(12):
        path = tmp_path / ("test" if number > 8 else "train") / f"voice{number % 3}" / f"{number}.wav"
        record(path, seed=number)
        path.with_suffix(".txt").write_text("yes")
    source = open_source(tmp_path)
    assert source.groups == ("speaker",)
    column = source.columns["speaker"]
    assert isinstance(column, TableColumn)
    assert set(column.values.to_list()) == {"voice0", "voice1", "voice2"}
    assert source.given_split is not None
    assert sorted(source.given_split.tolist()) == [0] * 9 + [2] * 3


def test_what_has_no_counterpart_is_named(tmp_path: Path) -> None:
    folder = tables(tmp_path)["beside"]
    record(folder / "alone.wav")
    (folder / "lost.txt").write_text("no sound")
    (folder / "s0-1-0000.txt").write_text(" \n")
    told = " ".join(note.text for note in open_source(folder).notes)
    assert "1 sound has no transcript and is left out: alone.wav." in told
    assert "1 transcript has no sound and is left out: lost." in told
    assert "1 sound has an empty transcript and is left out: s0-1-0000.wav." in told


def test_a_table_of_paths_and_words(tmp_path: Path) -> None:
    folder = named_folder(tmp_path / "yn")
    names = sorted(path.name for path in folder.iterdir())
    frame = pl.DataFrame({"file": names, "age": range(24), "said": [name.replace("_", " ") for name in names]})
    frame.write_csv(folder / "table.csv")
    prepared = inspect(folder / "table.csv", FitOptions(task="transcribe", target=("said",)))
    assert isinstance(prepared, PreparedSpeech)
    assert [f.name for f in prepared.schema.features] == ["file"]
    assert any(note.text.startswith("Not read: age.") for note in prepared.source.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cut": 3}, "--cut was given, but a transcript is one of a whole recording"),
        ({"level": "sounds"}, "There is no level 'sounds'"),
        ({"private": True}, "a model of speech holds words of its transcripts"),
        ({"target": ("sound",)}, "but a transcript is one column of texts"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=words):
        inspect(named_folder(tmp_path / "yn", 3), replace(NAMED, **options))  # type: ignore[arg-type]


def test_a_table_without_sounds_is_refused() -> None:
    with pytest.raises(DataError, match="holds no column of sounds"):
        inspect(pl.DataFrame({"text": ["a", "b"] * 20, "y": range(40)}), FitOptions(task="transcribe"))


def test_a_recording_of_hours_is_left_out_by_name(tmp_path: Path) -> None:
    folder = named_folder(tmp_path / "yn")
    record(folder / "no_no.wav", 61.0)
    prepared = inspect(folder, NAMED)
    (row,) = prepared.source.unreadable
    assert row.reason.startswith("it lasts 61.0 s, but at most")
