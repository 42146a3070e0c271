"""Decoding: every kind of image, sizes, unreadable files, threads and processes alike, files beyond memory."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from netpick.data import decode_work
from netpick.data.decode import start_decoding
from netpick.data.decode_worker import UnreadableImageError, decode
from netpick.data.decoders.base import DecodeRequest
from netpick.data.decoders.image import choose_size
from netpick.data.sources import open_files, open_source
from netpick.errors import DataError, RequestError
from netpick.types import ArrayColumn, Source, TableColumn

PROCESSES = pytest.mark.parametrize("in_processes", [False, True], ids=["threads", "processes"])


def pixels_of(source: Source, name: str = "image") -> np.ndarray:
    column = source.columns[name]
    assert isinstance(column, ArrayColumn)
    assert column.kind == "image"
    assert column.values.dtype == np.uint8
    return column.values


def route(monkeypatch: pytest.MonkeyPatch, in_processes: bool) -> None:
    monkeypatch.setattr(decode_work, "PROCESSES_FROM", 1 if in_processes else 10**9)
    monkeypatch.setattr(decode_work, "PIECE", 4)


def make_folder(root: Path, count: int = 12, size: tuple[int, int] = (10, 8)) -> np.ndarray:
    """`count` grey images, half in each of two classes, and their pixels in the order of reading."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, size[1], size[0]), dtype=np.uint8)
    for row in range(count):
        path = root / ("cat" if row < count // 2 else "dog") / f"{row:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[row]).save(path)
    return pixels


def decode_images(source: Source, **settings: Any) -> Source:
    return start_decoding(source, DecodeRequest(**settings)).finish()


def decode_one(image: bytes | Path, size: tuple[int, int], channels: int) -> np.ndarray:
    content = image if isinstance(image, bytes) else image.read_bytes()
    return np.frombuffer(decode(content, channels, *size).pixels, np.uint8).reshape(channels, *size)


def labels_of(source: Source) -> list[str]:
    column = source.columns["label"]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


# --- routes ----------------------------------------------------------------------------------------------------------


@PROCESSES
def test_pixels_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_processes: bool) -> None:
    route(monkeypatch, in_processes)
    pixels = make_folder(tmp_path)
    source = open_source(tmp_path)
    decoded = decode_images(source)
    np.testing.assert_array_equal(pixels_of(decoded), pixels[:, None])
    assert decoded.notes[-1].text == "12 images of 10 x 8 pixels, grey, kept at their size."
    assert decoded.notes[-1].override == "--image-size"
    assert decoded.num_rows == 12
    assert decoded.fingerprint == source.fingerprint
    assert list(decoded.columns) == ["image", "label"]


@PROCESSES
def test_unreadable_rows_leave_every_column_and_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_processes: bool
) -> None:
    route(monkeypatch, in_processes)
    root = tmp_path / "train"
    pixels = make_folder(root)
    make_folder(tmp_path / "test", count=4)
    (root / "cat" / "0001.png").write_bytes(b"")
    damaged = (root / "dog" / "0007.png").read_bytes()
    (root / "dog" / "0007.png").write_bytes(damaged[:-30])
    (root / "dog" / "0009.png").write_text("no image at all")
    source = decode_images(open_source(tmp_path))
    assert [(row.row, row.path) for row in source.unreadable] == [
        (1, "train/cat/0001.png"),
        (7, "train/dog/0007.png"),
        (9, "train/dog/0009.png"),
    ]
    assert source.unreadable[0].reason == "the file is empty (0 bytes)"
    assert "truncated" in source.unreadable[1].reason or "broken" in source.unreadable[1].reason
    assert source.unreadable[2].reason == "it is no PNG, JPEG, GIF, BMP, WebP, TIFF or PPM by its first bytes"
    kept = np.delete(np.arange(12), [1, 7, 9])
    assert source.num_rows == 13
    np.testing.assert_array_equal(pixels_of(source)[:9, 0], pixels[kept])
    assert labels_of(source) == ["cat"] * 5 + ["dog"] * 4 + ["cat"] * 2 + ["dog"] * 2
    assert source.given_split is not None
    assert source.given_split.tolist() == [0] * 9 + [2] * 4
    assert source.row_names is not None
    assert source.row_names[1] == "train/cat/0002.png"


@PROCESSES
def test_inside_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_processes: bool) -> None:
    route(monkeypatch, in_processes)
    pixels = make_folder(tmp_path / "pets")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for file in sorted((tmp_path / "pets").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path).as_posix())
    np.testing.assert_array_equal(pixels_of(decode_images(open_source(tmp_path / "pets.zip"))), pixels[:, None])


@PROCESSES
@pytest.mark.parametrize("with_cache", [False, True])
def test_beyond_the_memory_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_processes: bool, with_cache: bool
) -> None:
    route(monkeypatch, in_processes)
    pixels = make_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "0000.png").write_bytes(b"")
    cache = tmp_path / "cache" if with_cache else None
    source = decode_images(open_source(tmp_path / "pets"), memory_limit=100, cache=cache)
    np.testing.assert_array_equal(pixels_of(source), pixels[1:, None])
    assert any(isinstance(base, np.memmap) for base in bases(pixels_of(source)))
    if cache is not None:
        assert [file.stat().st_size for file in cache.iterdir()] == [12 * 80]


def bases(array: np.ndarray) -> list[object]:
    found: list[object] = []
    base: object = array
    while isinstance(base, np.ndarray):
        found.append(base)
        base = base.base
    return found


def test_processes_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, True)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(decode_work, "SHARED_MEMORY", work)
    make_folder(tmp_path / "pets")
    decoding = start_decoding(open_source(tmp_path / "pets"), DecodeRequest(workers=2))
    assert len(list(work.iterdir())) == 1
    decoding.finish()
    assert list(work.iterdir()) == []
    decoding = start_decoding(open_source(tmp_path / "pets"), DecodeRequest(workers=2))
    decoding.cancel()
    assert list(work.iterdir()) == []


def test_user_modules_are_not_imported_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, True)
    make_folder(tmp_path / "pets")
    for name in ("types.py", "json.py", "PIL.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert decode_images(open_source("pets")).num_rows == 12


CRASHING = """
import os, sys
import netpick.data.decode_worker as worker
read = worker.FileBytes.read
def dying(self, path):
    if path.endswith(("0005.png", "0010.png")):
        os.kill(os.getpid(), 9)
    return read(self, path)
worker.FileBytes.read = dying
worker.main(sys.stdin, sys.stdout)
"""


def test_a_decoder_that_crashes_costs_one_row_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, True)
    pixels = make_folder(tmp_path / "pets")
    (tmp_path / "worker.py").write_text(CRASHING)
    monkeypatch.setattr(decode_work, "COMMAND", ("-P", str(tmp_path / "worker.py")))
    source = decode_images(open_source(tmp_path / "pets"), workers=2)
    assert [row.row for row in source.unreadable] == [5, 10]
    assert source.unreadable[0].reason == "its decoder crashed (exit code -9)"
    np.testing.assert_array_equal(pixels_of(source), np.delete(pixels, [5, 10], axis=0)[:, None])


def test_a_broken_helper_is_our_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, True)
    make_folder(tmp_path / "pets")
    monkeypatch.setattr(decode_work, "COMMAND", ("-c", "raise KeyError('x')"))
    with pytest.raises(RuntimeError, match="KeyError"):
        decode_images(open_source(tmp_path / "pets"))


def test_no_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    route(monkeypatch, True)
    make_folder(tmp_path / "pets")
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RequestError, match="There is no room for 0 MB of decoded images"):
        decode_images(open_source(tmp_path / "pets"))


def test_nothing_to_decode_is_nothing_done() -> None:
    source = open_source(pl.DataFrame({"a": [1], "b": [2]}))
    assert decode_images(source) is source


def test_all_unreadable(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("text")
    with pytest.raises(DataError, match="None of the 2 images"):
        decode_images(open_source(tmp_path))


def test_table_with_two_image_columns(tmp_path: Path) -> None:
    make_folder(tmp_path)
    (tmp_path / "t.csv").write_text(
        "left,right,y\ncat/0000.png,dog/0006.png,1\ncat/gone.png,dog/0007.png,2\n,dog/0008.png,3\ncat/0003.png,dog/0009.png,4\n"
    )
    source = decode_images(open_source(tmp_path / "t.csv"))
    assert pixels_of(source, "left").shape == pixels_of(source, "right").shape == (2, 1, 8, 10)
    assert [(row.row, row.reason) for row in source.unreadable] == [
        (1, "there is no such file"),
        (2, "the row names no file"),
    ]


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([(28, 28)] * 3, (28, 28)),
        ([(128, 100)] * 3, (100, 128)),
        ([(512, 512)] * 3, (64, 64)),
        ([(640, 480)] * 3, (56, 72)),
        ([(640, 480), (320, 240), (1280, 960)], (56, 72)),
        ([(500, 375), (300, 400), (499, 499)], (64, 64)),
        ([(30, 31), (29, 33), (35, 28)], (32, 32)),
        ([(3, 2), (2, 3)], (8, 8)),
    ],
)
def test_choose_size(sizes: list[tuple[int, int]], wanted: tuple[int, int]) -> None:
    assert choose_size(sizes, photo_side=64) == wanted


def test_other_sizes_are_resized_and_said(tmp_path: Path) -> None:
    make_folder(tmp_path)
    Image.new("L", (40, 40), 99).save(tmp_path / "cat" / "0001.png")
    source = decode_images(open_source(tmp_path), image_size=(8, 10))
    assert pixels_of(source).shape == (12, 1, 8, 10)
    assert (pixels_of(source)[1] == 99).all()
    assert source.notes[-1].text == "12 images of 10 x 8 to 40 x 40 pixels, grey, are resized to 10 x 8, as given."
    assert pixels_of(decode_images(open_source(tmp_path), image_size=16)).shape == (12, 1, 16, 16)


def test_size_and_colour_found_late_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netpick.data.decoders.image.SAMPLE", 3)
    make_folder(tmp_path)
    Image.new("RGB", (20, 20), "red").save(tmp_path / "cat" / "0001.png")
    source = decode_images(open_source(tmp_path))
    assert [note.text for note in source.notes[-2:]] == [
        "1 image of other sizes became 10 x 8.",
        "1 colour image became grey, as those looked at first are grey.",
    ]


def test_impossible_sizes(tmp_path: Path) -> None:
    make_folder(tmp_path)
    with pytest.raises(RequestError, match="An image size of"):
        decode_images(open_source(tmp_path), image_size=0)


# --- kinds of images -------------------------------------------------------------------------------------------------

RED = (200, 10, 30)


def saved(folder: Path, image: Image.Image, suffix: str, **options: object) -> Path:
    path = folder / f"x{suffix}"
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".webp", ".tif", ".ppm", ".jpg"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == ".webp" else {"quality": 95} if suffix == ".jpg" else {}
    path = saved(tmp_path, Image.new("RGB", (9, 7), RED), suffix, **options)
    pixels = decode_one(path, (7, 9), 3)
    assert pixels.shape == (3, 7, 9)
    assert np.abs(pixels.astype(int).mean(axis=(1, 2)) - RED).max() < 4


@pytest.mark.parametrize(
    ("image", "suffix", "expected"),
    [
        (Image.new("1", (4, 4), 1), ".png", (255, 255, 255)),
        (Image.new("P", (4, 4), 0), ".png", (0, 0, 0)),
        (Image.new("RGBA", (4, 4), (*RED, 255)), ".png", RED),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), ".png", (255, 255, 255)),
        (Image.new("LA", (4, 4), (0, 127)), ".png", (128, 128, 128)),
        (Image.new("CMYK", (4, 4), (0, 0, 0, 255)), ".jpg", (0, 0, 0)),
        (Image.new("CMYK", (4, 4), (0, 0, 0, 0)), ".tif", (255, 255, 255)),
        (Image.fromarray(np.full((4, 4), 0x8001, np.uint16)), ".png", (128, 128, 128)),
        (Image.fromarray(np.full((4, 4), 0x8001, np.uint16)), ".tif", (128, 128, 128)),
        (Image.fromarray(np.full((4, 4), 0.5, np.float32)), ".tif", (127, 127, 127)),
        (Image.fromarray(np.full((4, 4), 77, np.int32)), ".tif", (77, 77, 77)),
    ],
)
def test_modes(tmp_path: Path, image: Image.Image, suffix: str, expected: tuple[int, int, int]) -> None:
    path = saved(tmp_path, image, suffix)
    pixels = decode_one(path, (4, 4), 3)
    assert np.abs(pixels.astype(int).reshape(3, -1).mean(axis=1) - expected).max() <= 1
    grey = decode_one(path, (4, 4), 1)
    assert grey.shape == (1, 4, 4)


def test_transparent_colour_of_a_palette(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, *RED])
    assert decode_one(saved(tmp_path, image, ".png", transparency=1), (4, 4), 3).min() == 255
    assert tuple(decode_one(saved(tmp_path, image, ".gif"), (4, 4), 3)[:, 0, 0]) == RED


@pytest.mark.parametrize(("suffix", "turn"), [(s, t) for s in (".jpg", ".png", ".tif", ".webp") for t in range(1, 9)])
def test_exif_orientation(tmp_path: Path, suffix: str, turn: int) -> None:
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16] = 250  # bright in the upper left
    turns = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = turn
    path = saved(tmp_path, Image.fromarray(np.ascontiguousarray(turns[turn])).convert("RGB"), suffix, exif=exif)
    pixels = decode_one(path, (16, 32), 1)[0]
    assert pixels[:7, :15].mean() > 200
    assert pixels[9:].mean() < 40
    source = decode_images(open_files([path], column="image"))
    assert pixels_of(source).shape == (1, 3, 16, 32)


def test_jpeg_of_large_size_is_close_to_its_small_version(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 1024).astype(np.uint8)[None].repeat(800, 0)
    path = saved(tmp_path, Image.fromarray(ramp), ".jpg", quality=95)
    small = decode_one(path, (32, 32), 1)[0].astype(int)
    expected = np.linspace(0, 255, 1024).reshape(32, 32).mean(axis=1)
    assert np.abs(small - expected).max() <= 3


def test_two_hundred_million_pixels_are_refused(tmp_path: Path) -> None:
    make_folder(tmp_path)
    Image.new("1", (20_000, 10_000)).save(tmp_path / "cat" / "0001.png")
    Image.new("1", (10_500, 10_000)).save(tmp_path / "cat" / "0002.tif")
    source = decode_images(open_source(tmp_path))
    assert {row.path: row.reason for row in source.unreadable} == {
        "cat/0001.png": "20,000 x 10,000 are 200,000,000 pixels, and at most 100,000,000 are read",
        "cat/0002.tif": "10,500 x 10,000 are 105,000,000 pixels, and at most 100,000,000 are read",
    }


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_images_are_read_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    suffix = data.draw(st.sampled_from([".png", ".jpg", ".gif", ".bmp", ".webp", ".tif", ".ppm"]))
    content = bytearray(saved(folder, Image.new("RGB", (9, 7), RED), suffix).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        pixels = decode_one(bytes(content[:cut]), (8, 8), 3)
    except UnreadableImageError:
        return
    assert pixels.shape == (3, 8, 8)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".ppm"])
def test_truncated_images_are_never_completed(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    content = saved(tmp_path, Image.fromarray(noise), suffix).read_bytes()
    with pytest.raises(UnreadableImageError):
        decode_one(content[: int(len(content) * share)], (60, 60), 3)


def test_real_photos(shared_data: Path) -> None:
    source = open_source(shared_data / "cats_dogs")
    decoded = decode_images(source)
    assert pixels_of(decoded).shape == (1399, 3, 64, 64)
    one = decode_one(shared_data / "cats_dogs" / source.row_names[700], (64, 64), 3) if source.row_names else None
    np.testing.assert_array_equal(pixels_of(decoded)[700], one)


def test_large_pictures_are_unpacked_one_at_a_time_where_that_is_asked_for() -> None:
    entered: list[int] = []

    class Alone:
        def __enter__(self) -> None:
            entered.append(1)

        def __exit__(self, *_: object) -> None:
            entered.append(-1)

    def packed(side: int) -> bytes:
        file = io.BytesIO()
        Image.new("L", (side, side), 7).save(file, "PNG")
        return file.getvalue()

    assert decode(packed(2_001), 1, 8, 8, alone=Alone()).pixels == bytes([7] * 64)
    assert entered == [1, -1]
    decode(packed(1_999), 1, 8, 8, alone=Alone())
    assert entered == [1, -1]
