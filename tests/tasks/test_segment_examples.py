"""Pictures with masks: layouts that people have, what values mean, and masks that cannot be right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netpick.contest.prepare import FitOptions, inspect
from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.errors import DataError, RequestError
from netpick.tasks.segment.examples import PreparedMasks
from netpick.types import TEST, TRAIN, Array

N, SIDE = 24, 32
Change = Callable[[Array, int], Array]


def picture(row: int, side: int = SIDE, channels: int = 1) -> Array:
    shape = (side, side) if channels == 1 else (side, side, channels)
    return np.random.default_rng(row).integers(0, 256, shape).astype(np.uint8)


def mask(row: int, side: int = SIDE) -> Array:
    made = np.zeros((side, side), np.uint8)
    made[4 : 12 + row % 5, 6:20] = 1
    made[20:28, 2 : 10 + row % 7] = 2
    return made


def written(folder: Path, change: Change = lambda values, row: values, *, count: int = N, ending: str = "png") -> Path:
    for place in ("images", "masks"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for row in range(count):
        name = f"{row * 7 % 23}x{row}"
        Image.fromarray(picture(row)).save(folder / "images" / f"{name}.png")
        Image.fromarray(change(mask(row), row)).save(folder / "masks" / f"{name}.{ending}")
    return folder


def prepared(folder: Path, **options: object) -> PreparedMasks:
    made = inspect(folder, FitOptions(**options))  # type: ignore[arg-type]
    assert isinstance(made, PreparedMasks)
    return made


def words(made: PreparedMasks) -> str:
    return " ".join(note.text for note in (*made.source.notes, *made.schema.notes))


def test_a_folder_of_images_and_masks_is_read_without_being_asked(tmp_path: Path) -> None:
    made = prepared(written(tmp_path))
    assert made.task.name == "segment"
    assert made.state.labels == ("0", "1", "2")
    assert made.truth.shape == (N, SIDE, SIDE)
    order = [int(name.split("x")[1].split(".")[0]) for name in made.source.row_names or ()]
    assert all(np.array_equal(made.truth[place], mask(row)) for place, row in enumerate(order))
    assert made.split.train.size + made.split.validation.size + made.split.test.size == N


def test_endings_of_names_and_parts_say_what_belongs_together(tmp_path: Path) -> None:
    for part, rows in (("train", range(14)), ("val", range(14, 18)), ("test", range(18, N))):
        (tmp_path / part).mkdir()
        for row in rows:
            Image.fromarray(picture(row, channels=3)).save(tmp_path / part / f"c{row}.jpg")
            Image.fromarray(mask(row)).save(tmp_path / part / f"c{row}_mask.png")
    source = open_source(tmp_path)
    assert source.layout == "mask_folder"
    assert source.given_split is not None
    assert [(source.given_split == part).sum() for part in (TRAIN, TEST)] == [14, 6]
    assert prepared(tmp_path).split.method == "given"


def test_pictures_and_masks_in_folders_of_parts_as_camvid_has_them(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for row in range(12):
            for folder, values in ((part, picture(row)), (f"{part}annot", mask(row))):
                (tmp_path / folder).mkdir(exist_ok=True)
                Image.fromarray(values).save(tmp_path / folder / f"{row}.png")
    source = open_source(tmp_path)
    assert source.num_rows == 24
    assert source.given_split is not None
    assert (source.given_split == TEST).sum() == 12


def test_a_folder_a_class(tmp_path: Path) -> None:
    written(tmp_path)
    for name, value in (("nucleus", 1), ("wall", 2)):
        (tmp_path / "masks" / name).mkdir()
        for file in sorted((tmp_path / "masks").glob("*.png")):
            there = np.asarray(Image.open(file)) == value
            if there.sum() > 70:  # a class that is not in a picture has no file
                Image.fromarray((there * 255).astype(np.uint8)).save(tmp_path / "masks" / name / file.name)
    whole = {file.name: np.asarray(Image.open(file)) for file in (tmp_path / "masks").glob("*.png")}
    for file in (tmp_path / "masks").glob("*.png"):
        file.unlink()
    made = prepared(tmp_path)
    assert made.state.labels == ("background", "nucleus", "wall")
    for place, name in enumerate(made.source.row_names or ()):
        expected = whole[Path(name).name].copy()
        if (expected == 2).sum() <= 70:
            expected[expected == 2] = 0
        assert np.array_equal(made.truth[place], expected)


def test_a_palette_counts_by_its_entries_and_colours_by_a_legend(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 64]], np.uint8)
    written(tmp_path / "colour", lambda values, row: colours[values])
    (tmp_path / "colour" / "class_dict.csv").write_text("name,r,g,b\nsky,0,0,0\nroad,128,0,0\ntree,0,128,64\n")
    made = prepared(tmp_path / "colour")
    assert made.state.labels == ("sky", "tree", "road")  # in the order of their colours
    assert (made.truth == 2).sum() == sum((mask(row) == 1).sum() for row in range(N))
    folder = written(tmp_path / "palette")
    for file in (folder / "masks").glob("*.png"):
        image = Image.fromarray(np.asarray(Image.open(file)), mode="P")
        image.putpalette(colours.ravel().tolist())
        image.save(file)
    (folder / "classes.txt").write_text("ground\ncell\nwall\n")
    assert prepared(folder).state.labels == ("ground", "cell", "wall")


def test_255_beside_small_numbers_is_no_class(tmp_path: Path) -> None:
    def edged(values: Array, row: int) -> Array:
        values = values.copy()
        values[:, :3] = 255
        return values

    made = prepared(written(tmp_path, edged))
    assert made.state.labels == ("0", "1", "2")
    assert (made.truth == 255).sum() == N * SIDE * 3
    assert "belong to no class" in words(made)


def test_black_and_white_are_two_classes(tmp_path: Path) -> None:
    assert prepared(written(tmp_path, lambda values, row: (values > 0) * np.uint8(255))).state.labels == ("0", "255")


def test_a_value_an_object_is_objects_against_background(tmp_path: Path) -> None:
    def objects(values: Array, row: int) -> Array:
        made = np.zeros_like(values)
        for number in range(3 + row % 4):
            made[2 + 4 * number : 5 + 4 * number, 3:9] = number + 1
        return made

    made = prepared(written(tmp_path, objects))
    assert made.state.labels == ("background", "object")
    assert "value of its own" in words(made)


def test_values_between_two_come_from_a_jpeg_and_are_read_as_the_nearest(tmp_path: Path) -> None:
    made = prepared(written(tmp_path, lambda values, row: (values > 0) * np.uint8(255), ending="jpg"))
    assert len(made.state.labels) == 2
    order = [int(name.split("x")[1].split(".")[0]) for name in made.source.row_names or ()]
    there = np.stack([mask(row) > 0 for row in order])
    assert ((made.truth == 1) == there).mean() > 0.99
    assert "lie between them" in words(made)


def test_masks_that_are_pictures_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, lambda values, row: picture(100 + row))
    with pytest.raises(DataError, match="look like pictures, or like masks that were blurred"):
        inspect(folder, FitOptions())


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path)
    file = sorted((folder / "masks").glob("*.png"))[3]
    Image.fromarray(mask(3)[:20]).save(file)
    with pytest.raises(
        DataError, match=rf"The mask of images/{file.stem}.png has 32 x 20 pixels, but its picture has 32 x 32"
    ):
        inspect(folder, FitOptions())


def test_a_picture_that_its_exif_turns_and_its_mask_does_not_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path)
    file = sorted((folder / "images").glob("*.png"))[2]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(2)[:24]).save(file, exif=exif)
    Image.fromarray(mask(2)[:24]).save(folder / "masks" / file.name)
    with pytest.raises(DataError, match="It looks turned"):
        inspect(folder, FitOptions())


def test_what_stands_alone_and_what_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    folder = written(tmp_path)
    masks, pictures = sorted((folder / "masks").glob("*.png")), sorted((folder / "images").glob("*.png"))
    masks[0].unlink()
    pictures[1].unlink()
    masks[2].write_bytes(masks[2].read_bytes()[:60])
    made = prepared(folder)
    assert made.source.num_rows == N - 3
    assert "1 image has no mask" in words(made)
    assert "1 mask has no image" in words(made)
    assert [failed.path for failed in made.source.unreadable] == [f"masks/{masks[2].name}"]


def test_numbered_slices_are_split_by_stretches(tmp_path: Path) -> None:
    for place in ("images", "masks"):
        (tmp_path / place).mkdir()
    generator = np.random.default_rng(0)
    coarse = generator.normal(0, 40, (8, 8))
    for row in range(30):  # each much like the one before
        coarse = 0.9 * coarse + generator.normal(0, 17, (8, 8))
        smooth = 128 + np.kron(coarse, np.ones((4, 4)))
        Image.fromarray(smooth.clip(0, 255).astype(np.uint8)).save(tmp_path / "images" / f"{row}.png")
        Image.fromarray((smooth > 140).astype(np.uint8)).save(tmp_path / "masks" / f"{row}.png")
    made = prepared(tmp_path)
    names = [int(Path(name).stem) for name in made.source.row_names or ()]
    assert sorted(names[row] for row in made.split.test) == list(range(24, 30))
    assert "By stretches" in made.split.sentence
    assert prepared(tmp_path, split="random").split.method == "random"


def test_pictures_of_many_pixels_shrink_to_what_the_budget_pays_for(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert prepared(folder, image_size=(16, 16)).truth.shape == (N, 16, 16)
    assert "brought to 16 x 16" in words(prepared(folder, image_size=(16, 16)))


def test_masks_that_are_asked_for_and_not_there(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with pytest.raises(RequestError, match="no such folder with images"):
        open_source(folder, options=ReadOptions(masks="annotations"))
    with pytest.raises(RequestError, match=r"--classes nowhere\.txt was given"):
        open_source(folder, options=ReadOptions(classes="nowhere.txt"))
    for file in (folder / "masks").glob("*.png"):
        file.unlink()
    (folder / "masks").rmdir()
    with pytest.raises(DataError, match=r"holds no masks|no images with masks"):
        inspect(folder, FitOptions(task="segment"))
