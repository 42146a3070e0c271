"""Folders of sounds: class folders, given parts, labels and groups in the names of files, and tables of paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from netpick.data.sources import ReadOptions, open_source
from netpick.data.sources.name_pattern import parse_pattern, suggested_pattern
from netpick.errors import DataError, RequestError
from netpick.tasks.schema import infer_schema
from netpick.types import TEST, TRAIN, FileColumn, Source, TableColumn


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            Image.new("L", (4, 4)).save(path)
        else:
            path.write_bytes(b"RIFF")
    return root


def cells(source: Source, name: str) -> list[str]:
    column = source.columns[name]
    return list(column.paths) if isinstance(column, FileColumn) else column.values.to_list()  # type: ignore[union-attr]


def texts(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


def named(root: Path, pattern: str, **options: bool) -> Source:
    return open_source(root, options=ReadOptions(label_from=pattern, **options))


def recordings(root: Path) -> Path:
    """Three digits by four speakers, five times each."""
    names = [f"{d}_{s}_{i}.wav" for d in "012" for s in ("ann", "bob", "cid", "dee") for i in range(5)]
    return make(root, *(f"all/{name}" for name in names))


def test_class_folders(tmp_path: Path) -> None:
    root = make(tmp_path / "calls", "owl/1.wav", "owl/2.MP3", "wren/deep/3.flac", "wren/4.ogg", "wren/notes.txt")
    source = open_source(root)
    assert source.layout == "sound_folder"
    assert list(source.columns) == ["sound", "label"]
    column = source.columns["sound"]
    assert isinstance(column, FileColumn)
    assert column.kind == "audio"
    assert cells(source, "sound") == ["owl/1.wav", "owl/2.MP3", "wren/4.ogg", "wren/deep/3.flac"]
    assert cells(source, "label") == ["owl", "owl", "wren", "wren"]
    assert source.target == "label"
    assert "1 other file is left out: no sounds by their endings." in texts(source)


def test_given_parts_are_honoured(tmp_path: Path) -> None:
    root = make(
        tmp_path / "calls", *(f"{part}/{label}/1.wav" for part in ("train", "test") for label in ("owl", "wren"))
    )
    source = open_source(root)
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN, TRAIN, TEST, TEST]
    assert "train 2, test 2 sounds" in texts(source)
    assert open_source(root, options=ReadOptions(find_test=False)).given_split is None


def test_a_few_pictures_among_sounds_do_not_make_it_a_folder_of_images(tmp_path: Path) -> None:
    root = make(
        tmp_path / "songs", "owl/1.mp3", "owl/2.mp3", "owl/cover.png", "wren/1.mp3", "wren/2.mp3", "wren/cover.png"
    )
    assert open_source(root).layout == "sound_folder"
    other = make(tmp_path / "photos", "cat/1.png", "cat/2.png", "dog/1.png", "dog/meow.wav")
    assert open_source(other).layout == "image_folder"


def test_names_say_label_and_group(tmp_path: Path) -> None:
    source = named(recordings(tmp_path / "digits"), "{label}_{speaker}_{index}.wav")
    assert list(source.columns) == ["sound", "speaker", "index", "label"]
    assert source.aside == ("index",)
    assert source.groups == ("speaker",)
    assert source.num_rows == 60
    assert cells(source, "sound")[0] == "all/0_ann_0.wav"
    assert cells(source, "label")[:1] == ["0"]
    assert set(cells(source, "speaker")) == {"ann", "bob", "cid", "dee"}
    assert source.given_split is None
    assert "The names say the label (3 classes); speaker names 4 that come again" in texts(source)
    assert "index counts 5 and is no feature; --split group:index keeps those of one together" in texts(source)
    roles = {field.name: field.role for field in infer_schema(source).fields}
    assert roles == {"sound": "feature", "speaker": "group", "index": "left_out", "label": "target"}


def test_a_group_that_is_a_number_or_of_any_name(tmp_path: Path) -> None:
    names = [
        f"{d}-{s:02d}-{room}-{i}.wav" for d in "ab" for s in range(4) for room in ("hall", "lab") for i in range(3)
    ]
    source = named(make(tmp_path / "digits", *names), "{label}-{speaker}-{room}-{take}.wav")
    assert source.groups == ("speaker", "room")
    roles = {field.name: field.role for field in infer_schema(source).fields}
    assert roles["speaker"] == "group"
    assert roles["room"] == "left_out"  # two rooms are too few to split by


def test_fields_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    names = [f"rec_{d}_{i}_x{i}{d}.flac" for d in ("yes", "no") for i in range(6)]
    source = named(make(tmp_path / "words", *names), "{set}_{label}_{}_{code}.wav")
    assert list(source.columns) == ["sound", "label"]
    assert "set is left out, as always 'rec'" in texts(source)
    assert "code is left out, as telling single files apart" in texts(source)


def test_folders_in_the_pattern_and_parts_above(tmp_path: Path) -> None:
    names = [
        f"{part}/{s}/{d}_{i}.wav"
        for part in ("train", "test")
        for s in ("ann", "bob", "cid")
        for d in "01"
        for i in "12"
    ]
    source = named(make(tmp_path / "words", *names), "{speaker}/{label}_{index}.wav")
    assert source.groups == ("speaker",)
    assert source.given_split is not None
    assert (source.given_split == TEST).sum() == 12


def test_names_that_do_not_fit_or_are_unclear_are_said(tmp_path: Path) -> None:
    root = make(
        tmp_path / "words", "dog_ann_1.wav", "dog_ann_2.wav", "cat_ann_1.wav", "big_cat_ann_1.wav", "readme.wav"
    )
    source = named(root, "{label}_{speaker}_{index}.wav")
    assert source.num_rows == 4
    assert "1 of 5 sounds are left out: their names do not fit (readme.wav)." in texts(source)
    words = "One name can be read in more than one way; big_cat_ann_1.wav is read as label 'big', speaker 'cat', index 'ann_1'."
    assert words in texts(source)


def test_images_may_be_named_by_class_too(tmp_path: Path) -> None:
    root = make(tmp_path / "pets", *(f"{pet}.{i}.png" for pet in ("cat", "dog") for i in range(3)))
    source = named(root, "{label}.{index}.png")
    assert source.layout == "image_folder"
    assert cells(source, "label") == ["cat"] * 3 + ["dog"] * 3


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{speaker}_{index}.wav", "has no field {label}, but it has to say where the class stands."),
        ("{label}_{a}_{a}.wav", "has the field {a} twice"),
        ("{label}{speaker}.wav", "has two fields with nothing between them"),
        ("{label_{speaker}.wav", "has no field {label}"),
        ("{label}_{two words}.wav", "cannot be read"),
        ("{label}_}.wav", "cannot be read"),
    ],
)
def test_patterns_that_cannot_be_used(pattern: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_pattern(pattern)
    assert words in str(caught.value)
    assert '--label-from "{label}_{speaker}_{index}.wav"' in str(caught.value)


def test_a_pattern_that_fits_no_name_suggests_one(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        named(recordings(tmp_path / "digits"), "{label}-{index}.wav")
    assert "None of the 60 sounds in" in str(caught.value)
    assert "the first is all/0_ann_0.wav" in str(caught.value)
    assert "for example --label-from '{label}_{part2}_{index}'" in str(caught.value)


def test_a_flat_folder_of_sounds_says_how_to_read_names(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_source(recordings(tmp_path / "digits"))
    assert "holds 60 sounds in one folder (0_ann_0.wav, ...), but one folder per class was expected" in str(
        caught.value
    )
    assert '--label-from "{label}_{part2}_{index}.wav"' in str(caught.value)
    assert '--label-from "{transcript}.wav"' in str(caught.value)


def test_suggested_patterns() -> None:
    assert suggested_pattern(["a_1.wav", "b_2.wav"]) == "{label}_{index}"
    assert suggested_pattern(["a-x-1.wav", "b-y-2.wav"]) == "{label}-{part2}-{index}"
    assert suggested_pattern(["a_1.wav", "b.wav"]) is None


def test_a_pattern_with_signs_of_its_own_is_taken_as_it_is(tmp_path: Path) -> None:
    pattern = parse_pattern("{label}.(take {n}).wav")
    assert pattern.values("dog.(take 3).wav") == ("dog", "3")
    assert pattern.values("dogx(take 3).wav") is None


def test_a_table_of_paths(tmp_path: Path) -> None:
    root = make(tmp_path / "data", *(f"clips/{i}.wav" for i in range(6)))
    pl.DataFrame({"file": [f"clips/{i}.wav" for i in range(6)], "mood": list("ababab")}).write_csv(root / "moods.csv")
    source = open_source(root / "moods.csv")
    column = source.columns["file"]
    assert isinstance(column, FileColumn)
    assert column.kind == "audio"
    assert isinstance(source.columns["mood"], TableColumn)
    assert np.all([(column.root / path).is_file() for path in column.paths])


def test_lists_of_the_parts_and_folders_that_are_no_class(tmp_path: Path) -> None:
    names = [f"{label}/{i}_nohash_0.wav" for label in ("no", "yes") for i in range(6)]
    make(tmp_path, *names, "_background_noise_/hum.wav")
    (tmp_path / "testing_list.txt").write_text("no/0_nohash_0.wav\nyes/0_nohash_0.wav\n")
    (tmp_path / "validation_list.txt").write_text("no/1_nohash_0.wav\nyes/1_nohash_0.wav\n")
    source = open_source(tmp_path)
    assert source.given_split is not None
    assert np.bincount(source.given_split).tolist() == [8, 2, 2]
    assert "The split is given by validation_list.txt and testing_list.txt: train 8, validation 2, test 2." in texts(
        source
    )
    assert "1 sounds in _background_noise_/ are left out: its name begins with _" in texts(source)
    together = open_source(tmp_path, options=ReadOptions(find_test=False))
    assert together.given_split is None
