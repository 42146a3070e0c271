"""Objects in pictures: Pascal VOC files with their traps, what is learned from them, and a small contest from end to end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import netpick
from netpick.answers.box_losses import assigned, detection, generalised
from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.saved.box_files import write_coco
from netpick.training.augment.objects import ObjectAugmenter
from netpick.types import TEST, TRAIN, InputSpec, Source
from netpick.types.objects import Thing, read_cell, write_cell
from netpick.types.recipe import Recipe

Box = tuple[str, int, int, int, int]


def voc(folder: Path, stem: str, boxes: Sequence[Box], size: tuple[int, int] = (40, 30), extra: str = "") -> Path:
    objects = "".join(
        f"<object><name>{name}</name>{extra}<bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for name, a, b, c, d in boxes
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{stem}.xml"
    sizes = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    file.write_text(f"<annotation><filename>{stem}.png</filename>{sizes}{objects}</annotation>")
    Image.new("RGB", (40, 30), (120, 90, 60)).save(folder / f"{stem}.png")
    return file


def things(source: Source, row: int) -> list[Thing]:
    column = source.columns["objects"]
    return read_cell(column.values[row]) or []  # type: ignore[union-attr]


def said(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


def test_the_first_pixel_is_one_and_the_last_one_belongs_to_the_box(tmp_path: Path) -> None:
    voc(tmp_path, "a", [("cell", 1, 1, 10, 30), ("cell", 31, 11, 40, 20)])
    source = open_source(str(tmp_path))
    assert source.layout == "voc_folder"
    assert things(source, 0) == [
        Thing(label="cell", left=0, top=0, right=10, bottom=30),
        Thing(label="cell", left=30, top=10, right=40, bottom=20),
    ]
    assert "The first pixel is 1" in said(source)


def test_a_set_that_counts_from_zero_is_read_so_and_said(tmp_path: Path) -> None:
    voc(tmp_path, "a", [("cell", 0, 0, 10, 30), ("cell", 5, 0, 9, 9)])
    source = open_source(str(tmp_path))
    assert things(source, 0)[0] == Thing(label="cell", left=0, top=0, right=10, bottom=30)
    assert "The first pixel is 0" in said(source)


def test_an_empty_file_says_that_nothing_is_there_and_a_missing_one_nothing(tmp_path: Path) -> None:
    voc(tmp_path, "a", [("cell", 2, 2, 9, 9)])
    voc(tmp_path, "b", [])
    Image.new("RGB", (40, 30)).save(tmp_path / "c.png")
    source = open_source(str(tmp_path))
    assert source.row_names == ["a.png", "b.png"]
    assert things(source, 1) == []
    assert "1 pictures with nothing" in said(source)
    assert "1 picture has no Pascal VOC file" in said(source)


def test_boxes_without_area_and_difficult_objects(tmp_path: Path) -> None:
    voc(tmp_path, "a", [("cell", 5, 5, 5, 5), ("cell", 9, 9, 3, 3), ("cell", 2, 2, 9, 9)])
    voc(tmp_path, "b", [("cell", 2, 2, 9, 9)], extra="<difficult>1</difficult>")
    source = open_source(str(tmp_path))
    assert len(things(source, 0)) == 1
    assert things(source, 1)[0].aside
    assert "2 boxes have no area and are left out (a.png)" in said(source)


def test_parts_are_given_by_image_sets(tmp_path: Path) -> None:
    for stem in "abc":
        voc(tmp_path / "Annotations", stem, [("cell", 2, 2, 9, 9)])
    sets = tmp_path / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("a\nb\n")
    (sets / "test.txt").write_text("c\n")
    (sets / "cell_train.txt").write_text("a 1\nb -1\nc 1\n")
    assert open_source(str(tmp_path)).given_split.tolist() == [TRAIN, TRAIN, TEST]  # type: ignore[union-attr]


def test_a_picture_of_another_size_than_its_file_says(tmp_path: Path) -> None:
    voc(tmp_path, "a", [("cell", 1, 1, 40, 60)], size=(80, 60))
    source = open_source(str(tmp_path))
    assert things(source, 0) == [Thing(label="cell", left=0, top=0, right=20, bottom=30)]
    assert "the boxes are scaled to it" in said(source)


def test_a_picture_that_exif_turns_while_its_boxes_are_not_is_left_out(tmp_path: Path) -> None:
    voc(tmp_path, "a", [("cell", 2, 2, 9, 9)])
    voc(tmp_path, "b", [("cell", 2, 2, 9, 9)])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "b.png", exif=exif)
    source = open_source(str(tmp_path))
    assert source.row_names == ["a.png"]
    assert "turned by EXIF data" in said(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<annotation><object><name>cell</name></object></annotation>", "four numbers were expected"),
        ("<annotation><object>", "no whole XML file"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation></annotation>", "declares entities"),
        (
            "<annotation><object><name> </name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
            "without a name",
        ),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    voc(tmp_path, "a", [("cell", 2, 2, 9, 9)])
    (tmp_path / "a.xml").write_text(content)
    with pytest.raises(DataError, match=message):
        open_source(str(tmp_path))


def test_a_box_of_no_numbers_has_no_area(tmp_path: Path) -> None:
    file = voc(tmp_path, "a", [("cell", 2, 2, 9, 9), ("cell", 3, 3, 9, 9)])
    file.write_text(file.read_text().replace("<xmin>3", "<xmin>nan"))
    assert len(things(open_source(str(tmp_path)), 0)) == 1


def test_files_of_no_picture_and_too_many_boxes_are_refused(tmp_path: Path) -> None:
    voc(tmp_path / "one", "a", [("cell", 2, 2, 9, 9)])
    (tmp_path / "one" / "a.png").rename(tmp_path / "one" / "other.png")
    with pytest.raises(DataError, match="none of them belongs to a picture"):
        open_source(str(tmp_path / "one"))
    voc(tmp_path / "two", "a", [("cell", 2, 2, 9, 9)] * 1_001)
    with pytest.raises(DataError, match="1,001 boxes, but at most 1,000"):
        open_source(str(tmp_path / "two"))


def test_cells_come_back_and_others_are_refused() -> None:
    many = [
        Thing(label="a b", left=0, top=0.5, right=2, bottom=3),
        Thing(label="c", left=1, top=1, right=2, bottom=2, aside=True),
    ]
    assert read_cell(write_cell(many)) == many
    assert read_cell(write_cell(None)) is None
    for cell in ("no list", "[1]", '[["a", 1, 2, 3]]', '[["a", 1, 2, 3, "x"]]', '[["a", NaN, 2, 3, 4]]'):
        with pytest.raises(ValueError, match="JSON list"):
            read_cell(cell)


# --- learning --------------------------------------------------------------------------------------------------------


def test_an_object_is_answered_for_by_places_within_it_and_by_nobody_else() -> None:
    across, down = torch.meshgrid(torch.arange(8) * 8.0 + 4, torch.arange(8) * 8.0 + 4, indexing="xy")
    places = torch.stack([across, down, torch.full_like(down, 8)], dim=2).reshape(-1, 3)
    boxes = torch.cat([places[:, :2] - 12, places[:, :2] + 12], dim=1)[None]
    target = torch.tensor([[[8.0, 8, 40, 40], [50, 50, 53, 53], [0, 0, 9, 9]]])
    what, label = torch.tensor([[1.0, 1, 2]]), torch.tensor([[0, 1, 0]])
    share, owner, hidden = assigned(torch.zeros(1, 64, 2), boxes, places, target, label, what)
    inside = (places[:, 0] > 8) & (places[:, 0] < 40) & (places[:, 1] > 8) & (places[:, 1] < 40)
    first = (share[0] > 0) & (owner[0] == 0)
    assert 0 < first.sum() <= 9
    assert (inside | ~first).all()
    assert ((share[0] > 0) & (owner[0] == 1)).any()  # a speck that no place lies in has a place all the same
    assert hidden[0].sum() == 1
    assert not ((share[0] > 0) & (owner[0] == 2)).any()


def test_generalised_overlap() -> None:
    one = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1]])
    other = torch.tensor([[0.0, 0, 2, 2], [3, 0, 4, 1]])
    assert generalised(one, other).tolist() == pytest.approx([1.0, -0.5])
    apart = torch.tensor([[0.0, 0.1, 2.3, 2.2], [0.2, 0, 1.1, 1.4]], dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda boxes: generalised(boxes, other.double() + 0.05), (apart,))


def test_the_loss_falls_to_where_boxes_are_right() -> None:
    places = torch.tensor([[4.0, 4, 8], [12, 4, 8], [4, 12, 8], [12, 12, 8]])
    target = torch.zeros(2, 1, 8)
    target[:, 0, :6] = torch.tensor([0.0, 0, 8, 8, 1, 1])
    outputs = torch.zeros(2, 4, 3 + 7)
    outputs[..., -3:] = places
    outputs[..., 3:7] = torch.cat([places[:, :2] - 5, places[:, :2] + 5], dim=1)
    outputs.requires_grad_()
    optimiser, loss = torch.optim.Adam([outputs], 0.1), detection(Recipe())
    first = loss(outputs, target).mean().item()
    for _ in range(90):
        optimiser.zero_grad()
        loss(outputs, target).mean().backward()
        assert outputs.grad is not None
        outputs.grad[..., -3:] = 0
        optimiser.step()
    assert loss(outputs, target).shape == (2,)
    assert loss(outputs, target).mean().item() < 0.2 * first
    assert outputs[0, 0, 3:7].tolist() == pytest.approx([0, 0, 8, 8], abs=0.5)


def test_boxes_move_with_their_pictures() -> None:
    spec = InputSpec(form="objects", shape=(1, 32, 48), mean=(0.5,), std=(0.2,))
    pictures = torch.zeros(6, 1, 32, 48, dtype=torch.uint8)
    pictures[:, :, 10:18, 20:32] = 255
    target = torch.zeros(6, 2, 8)
    target[:, 0, :6] = torch.tensor([20.0, 10, 32, 18, 0, 1])
    augmenter = ObjectAugmenter(("flip", "flip_down", "zoom", "colour"), spec, 3)
    sizes = torch.tensor([[32, 48]] * 6)
    moved, boxes = augmenter.moved(pictures, target, sizes, torch.arange(6), 1)
    assert (boxes[:, 1, 5] == 0).all()
    for picture, box in zip(moved[:, 0], boxes[:, 0], strict=True):
        if box[5] != 1:
            continue
        down, across = torch.nonzero(picture > 0.5, as_tuple=True)
        found = [float(across.min()), float(down.min()), float(across.max()) + 1, float(down.max()) + 1]
        assert box[:4].tolist() == pytest.approx(found, abs=1.01)
    again = augmenter.moved(pictures, target, sizes, torch.arange(6), 1)
    assert torch.equal(again[0], moved)


def squares(folder: Path, count: int) -> Path:
    """Pictures of light and dark squares on grey; every fifth has none."""
    generator = np.random.default_rng(0)
    for row in range(count):
        pixels = np.full((48, 64, 3), 128, np.uint8)
        boxes: list[Box] = []
        for number in range(0 if row % 5 == 4 else 2):
            side = int(generator.integers(12, 20))
            left, top = (
                int(generator.integers(32 * number, 32 * number + 32 - side)),
                int(generator.integers(0, 48 - side)),
            )
            light = bool(generator.random() < 0.5)
            pixels[top : top + side, left : left + side] = 230 if light else 20
            boxes.append(("light" if light else "dark", left + 1, top + 1, left + side, top + side))
        pixels = (pixels + generator.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)
        voc(folder, f"p{row:03}", boxes, size=(64, 48))
        Image.fromarray(pixels).save(folder / f"p{row:03}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> netpick.Run:
    folder = squares(tmp_path_factory.mktemp("squares"), 60)
    return netpick.fit(
        str(folder), models="cnn[width=8,blocks=1,pyramid=16]", steps=70, out=tmp_path_factory.mktemp("out") / "run"
    )


def test_squares_are_found(run: netpick.Run) -> None:
    assert run.results.target.task == "detect"
    scores = {entry.name: entry.test["ap50"].value for entry in run.results.entries if "ap50" in entry.test}
    assert set(scores) >= {"lattice of mean boxes", "most frequent places"}
    network = next(value for name, value in scores.items() if name.startswith("cnn"))
    assert network > 0.5
    assert network > scores["most frequent places"]


def test_a_kept_model_says_a_row_an_object(run: netpick.Run, tmp_path: Path) -> None:
    folder = squares(tmp_path / "new", 6)
    model = netpick.load(str(run.folder / "model.netpick"))
    table = model.predict(str(folder))
    assert table.columns == ["name", "prediction", "score", "left", "top", "right", "bottom"]
    assert set(table["prediction"].unique()) <= {"light", "dark"}
    assert (table["right"] <= 64).all()
    assert (table["bottom"] <= 48).all()
    assert {"ap50", "coco_ap", "count_error"} <= set(model.score(str(folder)))
    assert write_coco(model, model.read(str(folder)), tmp_path / "boxes.json") == len(table)
    made = json.loads((tmp_path / "boxes.json").read_text())
    assert [one["name"] for one in made["categories"]] == ["dark", "light"]
    assert [(one["width"], one["height"]) for one in made["images"]] == [(64, 48)] * 6
    first = made["annotations"][0]["bbox"]
    assert first[0] + first[2] == pytest.approx(table["right"][0], abs=0.11)


def test_what_cannot_be_done_with_boxes_is_refused_in_words(tmp_path: Path) -> None:
    folder = squares(tmp_path / "new", 6)
    with pytest.raises(RequestError, match="Leave --drop out"):
        netpick.look(str(folder), drop=("image",))
    table = pl.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "a"]})
    with pytest.raises(DataError, match="holds no boxes"):
        netpick.look(table, task="detect")


def test_scoring_boxes_of_classes_that_the_model_does_not_know_is_refused(run: netpick.Run, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "1.png")
    (tmp_path / "1.txt").write_text("7 0.5 0.5 0.5 0.5\n")
    with pytest.raises(
        DataError, match=r"are of '7', but the model knows .* put data\.yaml or classes\.txt beside them"
    ):
        run.model.score(tmp_path)
