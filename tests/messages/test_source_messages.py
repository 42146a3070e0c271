"""Every message that bad input can cause while data are opened: what we got, what we expected, what to type next."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from netpick.data.sources import READERS, ReadOptions, open_source
from netpick.errors import NetpickError

Case = Callable[[], object]


def write(name: str, data: str | bytes) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return name


def images(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(name)


def table(data: str | bytes, **options: object) -> object:
    return open_source(write("t.csv", data), options=ReadOptions(**options))  # type: ignore[arg-type]


def series(data: str) -> object:
    return open_source(write("s.ts", data))


def pair(images: bytes, labels: bytes) -> object:
    write("x-labels-idx1-ubyte", labels)
    return open_source(write("x-images-idx3-ubyte", images))


def missing_path() -> object:
    write("adult_train.csv", "a")
    write("adult_test.csv", "a")
    return open_source("adult_trian.csv")


def missing_path_unlike_any() -> object:
    write("one.csv", "a")
    return open_source("something.parquet")


def missing_in_empty_folder() -> object:
    Path("new").mkdir()
    return open_source("new/x.csv")


def unreadable_file() -> object:
    os.chmod(write("t.csv", "a,b\n1,2\n"), 0)
    return open_source("t.csv")


def damaged_gzip() -> object:
    return open_source(write("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 100)[:-20]))


def several_files() -> object:
    write("data/one.csv", "a,b\n1,2\n")
    write("data/two.csv", "a,b\n1,2\n")
    return open_source("data")


def single_image_folder() -> object:
    images("pets/cat/1.png")
    return open_source("pets")


def no_class_folders() -> object:
    images("pets/1.png", "pets/2.png")
    return open_source("pets")


def no_images() -> object:
    write("pets/cat/notes.txt", "x")
    return open_source("pets")


def parts_without_classes() -> object:
    images("pets/train/1.png", "pets/test/2.png")
    return open_source("pets")


def link_outside() -> object:
    images("pets/cat/1.png", "pets/dog/2.png", "other/3.png")
    Path("pets/dog/3.png").symlink_to(Path("other/3.png").absolute())
    return open_source(Path("pets"))


def zip_with(name: str, data: bytes = b"x") -> object:
    with zipfile.ZipFile("pets.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", b"x")
        archive.writestr(name, data)
    return open_source("pets.zip")


def npz(**arrays: np.ndarray) -> object:
    np.savez("a.npz", **arrays)
    return open_source("a.npz")


def columns_differ(target: str | None = None) -> object:
    return open_source(write("a.csv", "x,y\n1,2\n"), test=write("b.csv", "x,z\n1,2\n"), target=target)


def two_tests() -> object:
    write("x_test.csv", "a,b\n1,2\n")
    images("pets/train/cat/1.png", "pets/train/dog/2.png", "pets/test/cat/3.png")
    return open_source("pets", test="x_test.csv")


def shapes_differ() -> object:
    x = np.zeros((2, 8, 8), np.uint8)
    return open_source((x, [0, 1]), test=(x[:, :, :6], [0, 1]))


def all_unreadable() -> object:
    from netpick.data.decode import start_decoding
    from netpick.data.decoders.base import DecodeRequest

    write("pets/cat/1.png", "")
    write("pets/dog/2.png", "")
    return start_decoding(open_source("pets"), DecodeRequest()).finish()


HEAD = "@classLabel true a b\n@data\n"
IDX3 = b"\0\0\x08\x03"

CASES: dict[str, Case] = {
    "no such path": missing_path,
    "no such path, no near match": missing_path_unlike_any,
    "no such path, empty folder": missing_in_empty_folder,
    "may not be read": unreadable_file,
    "empty file": lambda: table(""),
    "blank lines": lambda: table("\n\n"),
    "binary named csv": lambda: table(b"\x89PNG\r\n\x1a\n\0\0"),
    "noise named csv": lambda: table(bytes(range(256))),
    "header only": lambda: table("age,city\n"),
    "row too short": lambda: table("a,b,c\n1,2,3\n4,5\n"),
    "row too long": lambda: table("1;2\n3;4;5\n6;7\n"),
    "quote in the wrong place": lambda: table('a,b\n1,"x\n2,y,z\n"3\n'),
    "wrong encoding": lambda: table("a,b\n1,x\n2,é\n".encode("latin-1"), encoding="utf-8"),
    "unknown encoding": lambda: table("a,b\n1,2\n", encoding="utf-99"),
    "bad separator": lambda: table("a,b\n1,2\n", separator="::"),
    "bad quote": lambda: table("a,b\n1,2\n", quote="<>"),
    "damaged gzip": damaged_gzip,
    "parquet that is none": lambda: open_source(write("t.parquet", "a,b\n1,2\n")),
    "unknown format": lambda: open_source(write("song.mp3", b"ID3\x04\0\0")),
    "several files": several_files,
    "no class folders": no_class_folders,
    "no images": no_images,
    "one image": single_image_folder,
    "parts without classes": parts_without_classes,
    "link outside": link_outside,
    "all unreadable": all_unreadable,
    "zip path escape": lambda: zip_with("../evil.png"),
    "zip bomb": lambda: zip_with("dog/1.png", bytes(40 * 1024 * 1024)),
    "zip that is none": lambda: open_source(write("pets.zip", "PK, or not")),
    "idx short": lambda: pair(IDX3 + b"\0\0\0\3" * 3 + b"12345", b""),
    "idx long": lambda: pair(IDX3 + b"\0\0\0\1" * 3 + b"12345", b"x"),
    "idx magic": lambda: pair(b"hello world", b"x"),
    "idx counts": lambda: pair(IDX3 + b"\0\0\0\1" * 3 + b"1", b"\0\0\x08\1\0\0\0\2ab"),
    "idx alone": lambda: open_source(write("x-images-idx3-ubyte", IDX3)),
    "ts without data": lambda: series("@classLabel true a b\n"),
    "ts without classes": lambda: series("@problemName s\n@data\n1,2:a\n"),
    "ts classes false": lambda: series("@classLabel false\n@data\n1,2\n"),
    "ts without rows": lambda: series(HEAD),
    "ts number": lambda: series(HEAD + "1,2:a\n1,two:b\n"),
    "ts class": lambda: series(HEAD + "1,2:a\n1,2:c\n"),
    "ts channels": lambda: series(HEAD + "1,2:a\n1,2:3,4:b\n"),
    "ts text": lambda: series("1,2:a\n"),
    "ts time stamps": lambda: series("@timeStamps true\n@classLabel true a\n@data\n1,2:a\n"),
    "npz names": lambda: npz(first=np.zeros(3), second=np.zeros((3, 2))),
    "npz objects": lambda: npz(x=np.array([{}], dtype=object), y=np.array([1])),
    "array lengths": lambda: open_source((np.zeros((3, 2)), np.zeros(4))),
    "array shape": lambda: open_source((np.zeros((3, 2, 2, 2, 2)), np.zeros(3))),
    "array range": lambda: open_source((np.full((3, 8, 8, 3), -5.0), np.zeros(3))),
    "array alone": lambda: open_source(np.zeros((3, 2))),
    "test columns": columns_differ,
    "test target": lambda: columns_differ("y"),
    "two tests": two_tests,
    "test shapes": shapes_differ,
    "no cells": lambda: open_source(pl.DataFrame({"a": [[[1]], [[2]]]})),
    "no rows": lambda: open_source(pl.DataFrame({"a": []})),
}

MESSAGES: dict[str, str] = {
    "no such path": (
        "There is no file or folder adult_trian.csv. Did you mean HERE/adult_train.csv or HERE/adult_test.csv?"
    ),
    "no such path, no near match": (
        "There is no file or folder something.parquet. The folder HERE holds: one.csv. Name one of these, or "
        "check the path."
    ),
    "no such path, empty folder": (
        "There is no file or folder new/x.csv. The folder HERE/new is empty. Check the path."
    ),
    "empty file": ("t.csv is empty (0 bytes), but data were expected. Check how it was written or copied."),
    "blank lines": ("t.csv holds only blank lines or cells, but rows were expected. Check how the file was written."),
    "binary named csv": (
        "t.csv looks like a PNG image, but a table of text was expected. Convert it to CSV or Parquet, or give "
        "the file its right ending."
    ),
    "noise named csv": (
        "t.csv looks like binary data, but a table of text was expected. Convert it to CSV or Parquet, or give "
        "the file its right ending."
    ),
    "header only": (
        "t.csv has a header (age, city) but no rows, and rows were expected. Pass --no-header if the first row is data."
    ),
    "row too short": (
        "t.csv, line 3: found 2 cells where the header has 3, separated by a comma. Every row needs the same "
        "number. Correct the line, or pass --separator or --quote if the file is read wrongly."
    ),
    "row too long": (
        "t.csv, line 2: found 3 cells where the first row has 2, separated by a semicolon. Every row needs the "
        "same number. Correct the line, or pass --separator or --quote if the file is read wrongly."
    ),
    "quote in the wrong place": (
        "t.csv, line 3: found 3 cells where the header has 2, separated by a comma. Every row needs the same "
        "number. Correct the line, or pass --separator or --quote if the file is read wrongly."
    ),
    "wrong encoding": (
        "t.csv, line 3: byte 10 (0xe9) is not utf-8 text, which was expected. Leave --encoding out to have it "
        "detected, or pass --encoding latin-1."
    ),
    "unknown encoding": (
        "There is no encoding 'utf-99' of texts, but one such as utf-8, utf-16, latin-1, cp1252 or shift_jis was expected. "
        "Leave --encoding out to have it detected."
    ),
    "bad separator": (
        "The separator '::' cannot be used; one character such as ',' or ';' or '\\t' was expected. Leave "
        "--separator out to have it detected."
    ),
    "bad quote": (
        "The quote character '<>' cannot be used; one character or 'none' was expected. Leave --quote out to "
        "have it detected."
    ),
    "damaged gzip": (
        "t.csv.gz cannot be decompressed to its end (Compressed file ended before the end-of-stream marker was "
        "reached), and a whole gzip file was expected. Copy or download it again."
    ),
    "parquet that is none": (
        "t.parquet cannot be read as Parquet (parquet: File out of specification: A Parquet file must contain a "
        "header and footer with at least 12 bytes), and a whole Parquet file was expected. Write or copy it "
        "again, or give it the ending of what it is."
    ),
    "unknown format": (
        f"song.mp3 is in no format that can be read, but one of these was expected: {'; '.join(r.description for r in READERS.values())}. "
        "Convert it to one of them, or give it the right ending."
    ),
    "several files": (
        "data holds several data files (one.csv, two.csv), but one was expected. Name the one to read, for "
        "example data/one.csv."
    ),
    "no class folders": (
        "pets holds 2 images but no class folders; pets/CLASS/image.png was expected. Move the images into one "
        "folder per class."
    ),
    "no images": (
        "pets holds no images (1 other files), but folders of .png, .jpg, .jpeg ... were expected, one per "
        "class. Name the folder that holds them, or one data file."
    ),
    "one image": (
        "pets holds one image (cat/1.png), but at least a few per class were expected. Add images, or name "
        "another folder."
    ),
    "parts without classes": (
        "The images in test/, train/ lie in no class folders; test/CLASS/image.png was expected. Move them, or name the folder "
        'to learn from; where the names say the class, pass how: --label-from "{label}_{index}.png".'
    ),
    "link outside": (
        "pets/dog/3.png is a link to HERE/other/3.png, outside of pets, but only files inside are read. Copy the "
        "file there, or name the folder that holds the real files."
    ),
    "all unreadable": (
        "None of the 2 images of pets can be read (cat/1.png: the file is empty (0 bytes)), but a whole PNG, "
        "JPEG, GIF, BMP, WebP, TIFF or PPM was expected in each. Check how they were copied."
    ),
    "zip path escape": (
        "pets.zip: its member '../evil.png' leaves the zip, but plain files below one folder were expected. Pack "
        "the zip anew without it."
    ),
    "zip bomb": (
        "pets.zip: its member 'dog/1.png' says it unpacks from 40,771 to 41,943,040 bytes, but an image of at "
        "most 512 MB, packed no more than 200 times, was expected. Pack the zip without it."
    ),
    "zip that is none": (
        "pets.zip cannot be read as a zip (File is not a zip file), and a whole zip was expected. Copy or "
        "download it again."
    ),
    "idx short": (
        "x-images-idx3-ubyte: its header says 3 x 3 x 3 values (27 bytes), but 5 bytes follow. The file is "
        "damaged or cut short: download it again."
    ),
    "idx long": (
        "x-images-idx3-ubyte: its header says 1 x 1 x 1 values (1 bytes), but more than that follow. The file is "
        "damaged or cut short: download it again."
    ),
    "idx magic": (
        "x-images-idx3-ubyte starts with the bytes 68 65 6c 6c, but an IDX file starts with 00 00, a type and "
        "the number of dimensions. Check that it is the file it is named after."
    ),
    "idx counts": (
        "x-images-idx3-ubyte holds 1 images and x-labels-idx1-ubyte 2 labels, but each image needs one label. "
        "Use files that belong together."
    ),
    "idx alone": (
        "x-images-idx3-ubyte has no labels file beside it; one called like x-labels-idx1-ubyte was expected. Put "
        "both into one folder."
    ),
    "ts without data": ("s.ts has no @data line, and rows were expected behind one. Check that the file is whole."),
    "ts without classes": (
        "s.ts says no classes (no @classLabel line), but a line such as '@classLabel true cat dog' was expected, "
        "and the class at the end of each row. Add them, or use a file that has labels."
    ),
    "ts classes false": (
        "s.ts says no classes (@classLabel false), but a line such as '@classLabel true cat dog' was expected, "
        "and the class at the end of each row. Add them, or use a file that has labels."
    ),
    "ts without rows": ("s.ts has no rows behind @data, and rows were expected. Check that the file is whole."),
    "ts number": (
        "s.ts, line 4: value 2 is 'two', but numbers below 3e38, divided by commas (or ? where missing), were expected. "
        "Correct the line."
    ),
    "ts class": ("s.ts, line 4: found the class 'c', but @classLabel lists a, b. Correct the row or that line."),
    "ts channels": ("s.ts, line 4: found 2 channels, but the rows before have 1. Correct the line."),
    "ts text": (
        "s.ts, line 1: found '1,2:a' before @data, but only lines with @ or # may come there. Check that the "
        "file is a .ts file of the UCR / UEA archives."
    ),
    "ts time stamps": (
        "s.ts, line 4: found '1,2:a', but values as (TIME,VALUE) were expected, since @timeStamps is true. Correct "
        "the line."
    ),
    "npz names": (
        "a.npz holds first (3,), second (3, 2), but arrays named x and y, or x_train, y_train, x_test, y_test, "
        "or train_images, train_labels were expected. Rename them with numpy.savez(path, x=..., y=...)."
    ),
    "npz objects": (
        "a.npz cannot be read (it holds Python objects), but an .npz file of plain arrays was expected. Write it "
        "with numpy.savez(path, x=..., y=...)."
    ),
    "array lengths": (
        "arrays (X, y): X has 3 rows and y has 4, but each row needs one label. Pass arrays of equal length."
    ),
    "array shape": (
        "arrays (X, y): X has shape (3, 2, 2, 2, 2), but rows (N, F), series (N, T, C), images (N, H, W), (N, H, "
        "W, C), (N, C, H, W) or clips (N, T, H, W, C) were expected. Reshape it."
    ),
    "array range": (
        "arrays (X, y): X of shape (3, 8, 8, 3) has values from -5 to -5, but pixels in 0..255, 0..1 or -1..1 "
        "were expected. Rescale it."
    ),
    "array alone": (
        "Got a value of type ndarray of shape (3, 2), but a path, a DataFrame (polars, pandas), a pyarrow Table, "
        "records, or arrays (X, y) were expected. Pass (X, y) when it is one array without labels."
    ),
    "test columns": (
        "The test data b.csv do not have the columns of a.csv: it lacks 'y' and it has 'z' besides. Both need "
        "the same column names. Rename or remove columns, or pass --test none."
    ),
    "test target": (
        "The test data b.csv have no target column 'y' (columns: 'x', 'z'), but scores need its labels. Pass "
        "--test with labelled rows, or --test none to hold out rows of a.csv."
    ),
    "two tests": (
        "pets has test rows of its own, and --test names others, but one of them was expected. Leave --test out, "
        "or name the training part alone."
    ),
    "test shapes": (
        "Column 'image' has different channels x height x width in the parts (arrays: 1 x 8 x 8, arrays: 1 x 8 x "
        "6), but one network reads both. Bring them to one shape, or pass --test none."
    ),
    "no cells": ("DataFrame has no column of plain cells, but at least one was expected. Flatten its nested columns."),
    "no rows": ("DataFrame has 1 column but no rows, and rows were expected. Check how it was written."),
    "may not be read": ("The file t.csv may not be read by this user. Change its permissions (chmod u+r), or copy it."),
}


@pytest.mark.parametrize("case", CASES)
def test_message(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if case == "may not be read" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetpickError) as caught:
        CASES[case]()
    assert str(caught.value).replace(str(tmp_path), "HERE") == MESSAGES[case]
    assert caught.value.exit_code == 2


def test_every_case_has_its_message() -> None:
    assert set(CASES) == set(MESSAGES)
