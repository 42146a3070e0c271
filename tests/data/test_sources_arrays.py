"""Arrays: what shapes and values mean, labels, `.npz`, IDX and `.ts` files."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netpick.data.sources import ReadOptions, open_source
from netpick.data.sources.idx import read_idx
from netpick.errors import DataError, RequestError
from netpick.types import TEST, TRAIN, VALIDATION, ArrayColumn, Source, TableColumn

Y4 = np.array([0, 1, 0, 1])


def image_of(source: Source) -> np.ndarray:
    column = source.columns["image"]
    assert isinstance(column, ArrayColumn)
    assert column.kind == "image"
    assert column.values.dtype == np.uint8
    assert column.values.flags.c_contiguous
    return column.values


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((4, 9, 6), (4, 1, 9, 6)),
        ((4, 9, 6, 3), (4, 3, 9, 6)),
        ((4, 3, 9, 6), (4, 3, 9, 6)),
        ((4, 9, 6, 1), (4, 1, 9, 6)),
        ((4, 1, 9, 6), (4, 1, 9, 6)),
    ],
)
def test_bytes_are_images(shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pixels = image_of(open_source((x, Y4)))
    assert pixels.shape == wanted
    assert pixels.sum() == x.sum()


def test_grey_bytes_are_not_copied() -> None:
    x = np.zeros((4, 8, 8), np.uint8)
    assert np.shares_memory(image_of(open_source((x, Y4))), x)


@pytest.mark.parametrize(
    ("x", "highest"),
    [
        (np.linspace(0, 1, 4 * 64).reshape(4, 8, 8), 255),
        (np.tile(np.arange(17.0), 16)[: 4 * 64].reshape(4, 8, 8), 16),
        (np.tile(np.arange(256), 1).reshape(4, 8, 8), 255),
        (np.linspace(-1, 1, 4 * 64 * 3).reshape(4, 8, 8, 3), 255),
        (np.eye(8, dtype=bool)[None].repeat(4, 0), 255),
    ],
)
def test_numbers_that_look_like_pixels_are_images(x: np.ndarray, highest: int) -> None:
    assert image_of(open_source((x, Y4))).max() == highest


def test_other_floats_are_series() -> None:
    source = open_source((np.random.default_rng(0).normal(size=(4, 20, 3)), Y4))
    column = source.columns["series"]
    assert isinstance(column, ArrayColumn)
    assert column.values.shape == (4, 20, 3)
    assert column.values.dtype == np.float32
    assert column.lengths is None


def test_rows_of_numbers_are_a_table() -> None:
    source = open_source((np.array([[1.0, np.nan], [3, 4], [5, 6], [7, 8]]), Y4))
    assert list(source.columns) == ["x1", "x2", "label"]
    column = source.columns["x2"]
    assert isinstance(column, TableColumn)
    assert column.values.to_list() == [None, 4, 6, 8]
    assert source.target == "label"


@pytest.mark.parametrize(
    ("y", "target", "names", "values"),
    [
        (np.array([[0], [1], [0], [1]], np.uint8), "label", ["label"], [0, 1, 0, 1]),
        (np.array([0.5, 1, 2, 3]), "target", ["target"], [0.5, 1, 2, 3]),
        (np.array(["a", "b", "a", "c"]), "label", ["label"], ["a", "b", "a", "c"]),
        (np.array(["a", None, 3, "c"], dtype=object), "label", ["label"], ["a", None, "3", "c"]),
        (np.array([True, False, True, True]), "label", ["label"], [True, False, True, True]),
        (np.eye(4), "label", ["label"], [0, 1, 2, 3]),
        (np.array([[1, 1], [0, 1], [0, 0], [1, 0]]), "y1,y2", ["y1", "y2"], [1, 0, 0, 1]),
    ],
)
def test_labels(y: np.ndarray, target: str, names: list[str], values: list[object]) -> None:
    source = open_source((np.zeros((4, 2)), y))
    assert source.target == target
    assert list(source.columns) == ["x1", "x2", *names]
    column = source.columns[names[0]]
    assert isinstance(column, TableColumn)
    assert column.values.to_list() == values


def test_lists_and_torch_like_arrays_are_accepted() -> None:
    assert open_source(([[1, 2], [3, 4]], ["a", "b"])).num_rows == 2


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ((np.zeros((3, 2)), Y4), "X has 3 rows and y has 4"),
        ((np.zeros((4, 2, 2, 2, 2)), Y4), "X has shape"),
        ((np.full((4, 8, 8, 3), 300.0), Y4), "values from 300 to 300"),
        ((np.zeros((4, 2)), np.zeros((4, 2, 2))), "y has shape"),
        ((np.zeros((0, 2)), np.zeros(0)), "no values"),
    ],
)
def test_arrays_that_do_not_fit(data: object, match: str) -> None:
    with pytest.raises(DataError, match=match):
        open_source(data)


@pytest.mark.parametrize("data", [np.zeros((3, 2)), 5, None, {"a": 1}, (1, 2), ("a", "b")])
def test_things_that_are_no_data(data: object) -> None:
    with pytest.raises(RequestError):
        open_source(data)


# --- npz -------------------------------------------------------------------------------------------------------------


def images(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 8, 8), dtype=np.uint8)


def test_npz_with_parts(tmp_path: Path) -> None:
    path = tmp_path / "med.npz"
    arrays = {}
    for part, count in (("train", 5), ("val", 2), ("test", 3)):
        arrays |= {f"{part}_images": images(count), f"{part}_labels": np.zeros((count, 1), np.uint8)}
    np.savez(path, **arrays)
    source = open_source(path)
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN] * 5 + [VALIDATION] * 2 + [TEST] * 3
    assert image_of(source).shape == (10, 1, 8, 8)
    assert open_source(path, test="none").given_split is None


def test_npz_as_keras_names_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", x_train=images(4), y_train=Y4, x_test=images(2), y_test=Y4[:2])
    assert open_source(tmp_path / "m.npz").num_rows == 6


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("x_dev", "y_dev"), ("validation_x", "validation_y")])
def test_npz_with_a_validation_part_alone(tmp_path: Path, names: tuple[str, str]) -> None:
    validation = {names[0]: images(2), names[1]: Y4[:2]}
    np.savez(tmp_path / "m.npz", x_train=images(4), y_train=Y4, **validation)
    source = open_source(tmp_path / "m.npz")
    assert source.given_split is not None
    assert source.given_split.tolist() == [TRAIN] * 4 + [VALIDATION] * 2


@pytest.mark.parametrize(
    "header", ["{'descr': '<f8', 'shape': (3,", "{'descr': '<f8'}", "0x", "{'descr': [()], 'shape': (1,)}"]
)
def test_npz_whose_header_is_none_is_refused(tmp_path: Path, header: str) -> None:
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr(
            "x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)
        )
    with pytest.raises(DataError, match="does not begin like a numpy array"):
        open_source(tmp_path / "m.npz")


def test_npz_with_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", x=np.array([{"a": 1}], dtype=object), y=np.array([1]))
    with pytest.raises(DataError, match="it holds Python objects"):
        open_source(tmp_path / "m.npz")


# --- idx -------------------------------------------------------------------------------------------------------------


def idx_bytes(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + b"".join(n.to_bytes(4) for n in array.shape) + array.tobytes()


@pytest.mark.parametrize("given", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "."])
def test_idx_any_member_finds_the_other_three(tmp_path: Path, given: str) -> None:
    for part, count in (("train", 6), ("t10k", 4)):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images(count))))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(idx_bytes(np.arange(count, dtype=np.uint8)))
        )
    source = open_source(tmp_path / given)
    assert image_of(source).shape == (10, 1, 8, 8)
    assert (image_of(source)[:6, 0] == images(6)).all()
    column = source.columns["label"]
    assert isinstance(column, TableColumn)
    assert column.values.to_list() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert source.given_split is not None
    assert (source.given_split == TEST).sum() == 4


def test_idx_of_no_values_is_refused_whatever_its_other_sides(tmp_path: Path) -> None:
    path = tmp_path / "x-images-idx3-ubyte"
    path.write_bytes(bytes.fromhex("00000804" + "010008ff" + "00000000" + "007b0014" + "ff000008"))
    with pytest.raises(DataError, match="which is none"):
        read_idx(path)


def test_idx_header_that_lies_reserves_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + b"\xff\xff\xff\xff" * 3 + b"\0" * 100)
    (tmp_path / "x-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match="but 100 bytes follow"):
        open_source(path)


# --- ts --------------------------------------------------------------------------------------------------------------


def test_ts_channels_lengths_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "s.ts"
    path.write_text("# hi\n@classLabel true up down\n@data\n1,2,3:4,5,6:up\n7,?:8:down\n")
    source = open_source(path)
    column = source.columns["series"]
    assert isinstance(column, ArrayColumn)
    assert column.lengths is not None
    assert column.lengths.tolist() == [3, 2]
    np.testing.assert_array_equal(column.values[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(column.values[1], [[7, 8], [np.nan, np.nan], [0, 0]])
    labels = source.columns["label"]
    assert isinstance(labels, TableColumn)
    assert labels.values.to_list() == ["up", "down"]
    assert labels.values.dtype == pl.String


def test_ts_with_numbers_as_targets(tmp_path: Path) -> None:
    path = tmp_path / "s.ts"
    path.write_text("@targetLabel true\n@data\n1,2:0.5\n3,4:1.5\n")
    source = open_source(path)
    assert source.target == "target"
    column = source.columns["target"]
    assert isinstance(column, TableColumn)
    assert column.values.to_list() == [0.5, 1.5]


def test_a_model_reads_arrays_as_those_of_its_training() -> None:
    generator = np.random.default_rng(0)
    series = generator.normal(
        size=(4, 3, 5)
    )  # three channels, as the model knows, though the other side is longer in training
    column = open_source((series, Y4), options=ReadOptions(channels=3)).columns["series"]
    assert isinstance(column, ArrayColumn)
    assert column.values.shape == (4, 5, 3)
    pictures = np.full((4, 8, 8, 3), 0.25)
    pictures[0, 0, 0, 0] = 0.5
    kept = image_of(open_source((pictures, Y4), options=ReadOptions(pixels=(-1.0, 1.0))))
    assert kept.max() == round(1.5 * 127.5)  # -1..1 in training, though these lie in 0..1
    assert image_of(open_source((pictures, Y4))).max() == 128


def test_walks_are_series_and_pictures_are_pictures() -> None:
    generator = np.random.default_rng(0)
    walks = np.cumsum(generator.normal(size=(40, 32, 32)), axis=1)
    walks = (walks - walks.min()) / np.ptp(walks)
    assert open_source((walks, np.arange(40) % 2)).columns["series"]
    rows = np.arange(24)[:, None] + np.arange(32)[None, :]
    smooth = (rows[None] + generator.normal(size=(40, 24, 32))) / 60 + 0.1
    assert open_source((smooth, np.arange(40) % 2)).columns["image"]
    across = open_source((walks.transpose(0, 2, 1)[:, :20], np.arange(40) % 2)).columns["series"]
    assert isinstance(across, ArrayColumn)
    assert across.values.shape == (40, 32, 20)


def test_npy_files_side_by_side(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.arange(12.0).reshape(4, 3))
    np.save(tmp_path / "y.npy", np.array(["a", "b", "a", "b"]))
    for given in (tmp_path, tmp_path / "X.npy", tmp_path / "y.npy"):
        source = open_source(given)
        assert (source.num_rows, source.target, list(source.columns)) == (4, "label", ["x1", "x2", "x3", "label"])
        assert any("X.npy with y.npy" in note.text for note in source.notes)


def test_npy_files_of_parts(tmp_path: Path) -> None:
    for part, rows in (("train", 6), ("test", 3)):
        np.save(tmp_path / f"X_{part}.npy", np.full((rows, 2), rows))
        np.save(tmp_path / f"y_{part}.npy", np.arange(rows) % 2)
    for given in (tmp_path, tmp_path / "X_train.npy"):
        source = open_source(given)
        assert source.given_split is not None
        assert np.bincount(source.given_split).tolist() == [6, 0, 3]
    alone = open_source(tmp_path / "X_test.npy", options=ReadOptions(find_test=False))
    assert (alone.num_rows, alone.given_split) == (3, None)


def test_a_model_takes_inputs_without_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", np.arange(6.0).reshape(2, 3))
    np.savez(tmp_path / "new.npz", x=np.arange(6.0).reshape(2, 3))
    for name in ("new.npy", "new.npz"):
        source = open_source(tmp_path / name, options=ReadOptions(find_formats=False, find_test=False))
        assert (list(source.columns), source.target) == (["x1", "x2", "x3"], None)
        with pytest.raises(DataError, match=r"labels|y_train"):
            open_source(tmp_path / name)
