"""Folders of clips: videos, folders of frames, and folders of pictures that are neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_digits import drawn_digits, moving_digits, write_frames, write_videos
from PIL import Image

from netpick.data.sources import ReadOptions, open_source
from netpick.data.sources.clip_folder import numbered_in_a_row
from netpick.types import TEST, TRAIN, VALIDATION, Array, FileColumn, Note, Source, TableColumn


def clips(count: int = 8, frames: int = 6) -> tuple[Array, list[str]]:
    return moving_digits(drawn_digits(), count, directions=2, frames=frames, seed=3)


def save(folder: Path, pictures: Sequence[Array], names: str = "{:02d}.png", start: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures, start=start):
        Image.fromarray(picture).save(folder / names.format(number), compress_level=1)


def column(source: Source) -> FileColumn:
    found = source.columns["clip" if "clip" in source.columns else "image"]
    assert isinstance(found, FileColumn)
    return found


def labels(source: Source) -> list[str]:
    found = source.columns["label"]
    assert isinstance(found, TableColumn)
    return found.values.to_list()  # type: ignore[no-any-return]


def note_on_frames(source: Source) -> Note:
    return next(note for note in source.notes if note.override in ("--frames", "--no-frames"))


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".webm"])
def test_videos_in_class_folders(ending: str, tmp_path: Path) -> None:
    write_videos(*clips(4, 3), tmp_path / "clips", ending)
    source = open_source(tmp_path / "clips")
    assert source.layout == "clip_folder"
    assert column(source).kind == "clip"
    assert list(column(source).paths) == [f"down/00001{ending}", f"down/00003{ending}", f"right/00000{ending}", f"right/00002{ending}"]  # fmt: skip
    assert labels(source) == ["down", "down", "right", "right"]
    assert source.target == "label"
    assert source.given_split is None


def test_given_parts_are_honoured(tmp_path: Path) -> None:
    made, names = clips(8, 3)
    for part, rows in (("train", slice(0, 4)), ("val", slice(4, 6)), ("test", slice(6, 8))):
        write_videos(made[rows], names[rows], tmp_path / "clips" / part)
    source = open_source(tmp_path / "clips")
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN] * 4 + [VALIDATION] * 2 + [TEST] * 2
    assert source.num_rows == 8


def test_folders_of_frames_are_clips_and_that_is_said(tmp_path: Path) -> None:
    write_frames(*clips(), tmp_path / "clips")
    source = open_source(tmp_path / "clips")
    assert source.layout == "clip_folder"
    assert column(source).paths[0] == "down/00001"
    assert source.row_names == column(source).paths
    assert source.num_rows == 8
    note = note_on_frames(source)
    assert note.text == (
        "Each of 8 folders is a clip: 6 pictures each, of one size, numbered in a row, neighbours alike."
    )
    assert note.override == "--no-frames"


def test_folders_of_frames_in_given_parts(tmp_path: Path) -> None:
    made, names = clips(12)
    write_frames(made[:8], names[:8], tmp_path / "clips" / "train")
    write_frames(made[8:], names[8:], tmp_path / "clips" / "test")
    source = open_source(tmp_path / "clips")
    assert source.given_split is not None
    assert (source.given_split == TEST).sum() == 4
    assert set(labels(source)) == {"right", "down"}


def test_either_reading_can_be_asked_for(tmp_path: Path) -> None:
    write_frames(*clips(), tmp_path / "clips")
    as_images = open_source(tmp_path / "clips", options=ReadOptions(frames=False))
    assert column(as_images).kind == "image"
    assert as_images.num_rows == 8 * 6
    assert note_on_frames(as_images).text.endswith("not frames of clips: as asked.")
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (6, 24, 24)).astype(np.uint8)
        save(tmp_path / "noise" / "ab"[number % 2] / str(number), noise)
    assert column(open_source(tmp_path / "noise")).kind == "image"
    asked = open_source(tmp_path / "noise", options=ReadOptions(frames=True))
    assert column(asked).kind == "clip"
    assert asked.num_rows == 4


def images_in_class_folders(root: Path) -> None:
    for label in ("cat", "dog"):
        save(root / label, clips(1, 8)[0][0], "{}.png")


def images_by_patient(root: Path) -> None:
    """class/patient/scan.png: several pictures a patient, without numbers that count on."""
    for label in ("ill", "well"):
        for patient in ("p1", "p2"):
            for scan, picture in zip((12, 40, 41, 77, 90), clips(1, 5)[0][0], strict=True):
                save(root / label / patient, [picture], f"{patient}_{{}}.png", scan)


def drawings_by_character(root: Path) -> None:
    """alphabet/character/0001_01.png ...: numbered in a row, but every drawing is another hand's."""
    generator = np.random.default_rng(0)
    for label in ("greek", "latin"):
        for character in ("one", "two"):
            drawings = [drawn_digits()[generator.integers(50)] for _ in range(8)]
            save(root / label / character, [np.roll(d, generator.integers(-6, 6, 2), (0, 1)) for d in drawings])


def photos_of_many_sizes(root: Path) -> None:
    for label in ("cat", "dog"):
        for owner in ("a", "b"):
            pictures = [np.pad(clips(1, 5)[0][0][moment], (0, 3 * moment)) for moment in range(5)]
            save(root / label / owner, pictures)


def few_to_a_folder(root: Path) -> None:
    for label in ("cat", "dog"):
        for owner in range(9):
            save(root / label / str(owner), clips(1, 3 if owner else 6)[0][0])


def one_folder_a_class(root: Path) -> None:
    for label in ("cat", "dog"):
        save(root / label / "images", clips(1, 8)[0][0])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (images_in_class_folders, None),
        (images_by_patient, "the pictures of 4 of 4 folders are not numbered in a row"),
        (drawings_by_character, "neighbours in the row look no more alike than pictures far apart"),
        (photos_of_many_sizes, "their sizes differ"),
        (few_to_a_folder, None),
        (one_folder_a_class, "most classes have a single folder of pictures"),
    ],
)
def test_pictures_that_are_no_frames_stay_images(make, why: str | None, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "pictures")
    source = open_source(tmp_path / "pictures")
    assert column(source).kind == "image"
    assert column(source).name == "image"
    if why is not None:
        note = note_on_frames(source)
        assert why in note.text
        assert note.override == "--frames"


def test_a_thumbnail_beside_the_clips_does_not_matter(tmp_path: Path) -> None:
    write_frames(*clips(), tmp_path / "clips")
    save(tmp_path / "clips" / "right", clips(1, 1)[0][0], "cover.png")
    source = open_source(tmp_path / "clips")
    assert column(source).kind == "clip"
    assert any("1 other file is left out" in note.text for note in source.notes)


def test_a_column_of_paths_to_clips(tmp_path: Path) -> None:
    write_videos(*clips(4, 3), tmp_path)
    lines = [f"{label}/{number:05d}.mp4,{number},{label}" for number, label in enumerate(clips(4)[1])]
    (tmp_path / "table.csv").write_text("\n".join(["film,number,direction", *lines]) + "\n")
    found = open_source(tmp_path / "table.csv").columns["film"]
    assert isinstance(found, FileColumn)
    assert found.kind == "clip"


def test_names_that_count_up() -> None:
    assert numbered_in_a_row(["f_08.png", "f_09.png", "f_10.png"])
    assert numbered_in_a_row(["1.jpg", "3.jpg", "5.jpg"])
    assert not numbered_in_a_row(["1.jpg", "2.jpg", "4.jpg"])
    assert not numbered_in_a_row(["a1.jpg", "b2.jpg"])
    assert not numbered_in_a_row(["a.jpg", "b.jpg"])
    assert replace(ReadOptions(), frames=True).frames
