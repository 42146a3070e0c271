"""Pictures in tables: all pixels in a cell, or a column a pixel; and new rows of them by every way."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from polars.testing import assert_frame_equal
from quick_models import quick_model

from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.picture_cells import picture_in
from netpick.errors import DataError
from netpick.serve.options import Limits
from netpick.serve.ports.media import ImagePort
from netpick.types import TEST, TRAIN, VALIDATION, Array, ArrayColumn, FileColumn, Source

PICTURES = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
PARTS = ["Training", "Training", "Training", "PublicTest", "PrivateTest"]


def faces(pictures: Array = PICTURES) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "emotion": [i % 3 for i in range(len(pictures))],
            "pixels": [" ".join(map(str, one.ravel())) for one in pictures],
            "Usage": [PARTS[i % 5] for i in range(len(pictures))],
        }
    )


def pixels(source: Source, name: str) -> Array:
    column = source.columns[name]
    assert isinstance(column, ArrayColumn)
    assert column.kind == "image"
    return column.values


def test_a_cell_of_pixels_is_a_picture(tmp_path: Path) -> None:
    faces().write_csv(tmp_path / "fer.csv")
    source = open_source(tmp_path / "fer.csv")
    assert (pixels(source, "pixels")[:, 0] == PICTURES).all()
    assert source.given_split is not None
    assert [int((source.given_split == part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [24, 8, 8]
    assert any("8 x 8 pixels, grey" in note.text for note in source.notes)


@pytest.mark.parametrize("form", ["[{}]", "({})", " {} "])
@pytest.mark.parametrize("mark", [" ", ",", ", ", "  "])
def test_lists_of_pixels_however_they_are_written(form: str, mark: str) -> None:
    cells = [form.format(mark.join(map(str, one.ravel()))) for one in PICTURES]
    source = open_source(pl.DataFrame({"img": cells, "label": [i % 2 for i in range(40)]}))
    assert (pixels(source, "img")[:, 0] == PICTURES).all()


def test_cells_stay_text_where_the_user_says_so() -> None:
    source = open_source(faces(), options=ReadOptions(words=("pixels",)))
    assert not isinstance(source.columns["pixels"], ArrayColumn)


@pytest.mark.parametrize("planes", [True, False])
def test_colours_side_by_side_or_behind_each_other(planes: bool) -> None:
    slope = np.linspace(0, 200, 8)
    colours = np.stack(
        [slope[:, None] + slope * 0.2, 90 - slope[:, None] * 0.4 + slope * 0.5, 0 * slope[:, None] + 30 + slope * 0.1]
    )
    rows = np.stack([colours + i for i in range(12)]).astype(np.uint8)  # (N, 3, 8, 8)
    flat = rows if planes else rows.transpose(0, 2, 3, 1)
    source = open_source(pl.DataFrame({"img": [" ".join(map(str, one.ravel())) for one in flat], "label": [0, 1] * 6}))
    assert (pixels(source, "img") == rows).all()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1 2 3", r"\(row 31\) of .* holds 3 numbers, but 64 pixels"),
        (None, r"\(row 31\) of .* holds nothing"),
        ("256 " * 64, "holds 256"),
    ],
)
def test_a_cell_that_is_no_such_picture_is_named(cell: str | None, message: str) -> None:
    cells = faces()["pixels"].to_list()
    cells[30] = cell
    with pytest.raises(DataError, match=message):
        open_source(pl.DataFrame({"pixels": cells, "label": [i % 2 for i in range(40)]}))


@pytest.mark.parametrize("name", ["pixel{}", "pixel_{}", "px{}"])
def test_a_column_a_pixel(name: str) -> None:
    columns = {name.format(place): PICTURES.reshape(40, 64)[:, place] for place in range(64)}
    source = open_source(pl.DataFrame({"label": [i % 3 for i in range(40)], **columns}))
    assert (pixels(source, "image")[:, 0] == PICTURES).all()
    assert list(source.columns) == ["label", "image"]
    kept = open_source(pl.DataFrame({**columns, "label": [0] * 40}), options=ReadOptions(numbers=(name.format(0),)))
    assert len(kept.columns) == 65


def test_numbered_features_are_no_pixels() -> None:
    columns = {f"f{place}": PICTURES.reshape(40, 64)[:, place] for place in range(64)}
    assert len(open_source(pl.DataFrame(columns)).columns) == 64
    words = [" ".join(map(str, range(n))) for n in range(50, 90)]
    assert not isinstance(open_source(pl.DataFrame({"t": words})).columns["t"], ArrayColumn)


def test_new_rows_get_the_same_answer_by_every_way(tmp_path: Path) -> None:
    model = quick_model(faces(), target=("emotion",), models="mlp")
    new = faces(PICTURES[:3]).drop("emotion", "Usage")
    new.write_csv(tmp_path / "new.csv")
    expected = model.predict(new)
    assert model.predict(str(tmp_path / "new.csv")).equals(expected)
    assert_frame_equal(model.predict({"pixels": new["pixels"][0]}), expected[:1])
    (encoder,) = model.parts.encoders
    sent = ImagePort(encoder, Limits()).read([new["pixels"][0]])
    assert (sent.values[0, 0] == PICTURES[0]).all()  # type: ignore[union-attr]


def test_a_text_of_pixels_of_another_size_is_none() -> None:
    assert picture_in(" ".join(["7"] * 64), (1, 8, 9)) is None
    assert picture_in("aGVsbG8=", (1, 8, 8)) is None


def files(count: int = 40) -> list[bytes]:
    written = []
    for one in PICTURES[:count]:
        held = io.BytesIO()
        Image.fromarray(one).save(held, "PNG")
        written.append(held.getvalue())
    return written


@pytest.mark.parametrize("objects", [True, False])
def test_whole_files_in_the_cells_of_a_table(tmp_path: Path, objects: bool) -> None:
    cells = [{"bytes": one, "path": None} for one in files()] if objects else files()
    table = pl.DataFrame({"image": cells, "label": ["a", "b"] * 20})
    table.write_parquet(tmp_path / "t.parquet")
    for data in (table, tmp_path / "t.parquet"):
        column = open_source(data).columns["image"]
        assert isinstance(column, FileColumn)
        assert (column.root / column.paths[3]).read_bytes() == files()[3]
    model = quick_model(table, target=("label",), models="mlp", image_size=(8, 8))
    new = table.head(3).drop("label")
    assert model.predict(new).height == 3
    other = table.with_columns(image=table["image"].reverse())
    assert open_source(other).fingerprint != open_source(table).fingerprint
