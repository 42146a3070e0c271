"""Every reader: reads its sample, keeps columns equally long, has a stable fingerprint, and refuses damaged files."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
from PIL import Image
from workbooks import write_workbook

from netpick.data.sources import READERS, ReadOptions
from netpick.errors import DataError
from netpick.types import FileColumn, Source, TableColumn
from tests.labelled_pictures import (
    box_table_sample,
    coco_sample,
    labelme_sample,
    voc_sample,
    with_file,
    yolo_sample,
)

OPTIONS = ReadOptions()
Make = Callable[[Path, int], Path]
FRAME = pl.DataFrame({"size": [1.5, None, 3.0], "colour": ["red", "blue", None]})


def csv_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "table.csv"
    path.write_text(f"size,colour\n1.5,red\n,blue\n{3 + change},\n")
    return path


def parquet_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "table.parquet"
    FRAME.with_columns(pl.col("size") + change).write_parquet(path)
    return path


def arrow_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "table.arrow"
    FRAME.with_columns(pl.col("size") + change).write_ipc(path)
    return path


def npz_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "arrays.npz"
    np.savez(path, x=np.arange(12.0).reshape(4, 3) + change, y=np.array([0, 1, 0, 1]))
    return path


def npy_sample(folder: Path, change: int = 0) -> Path:
    np.save(folder / "y.npy", np.array([0, 1, 0, 1]))
    np.save(folder / "X.npy", np.arange(12.0).reshape(4, 3) + change)
    return folder / "X.npy"


def idx_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "small-images-idx3-ubyte"
    pixels = bytes((value + change) % 256 for value in range(3 * 4 * 5))
    path.write_bytes(b"\0\0\x08\x03" + b"".join(n.to_bytes(4) for n in (3, 4, 5)) + pixels)
    (folder / "small-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + (3).to_bytes(4) + bytes([0, 1, 1]))
    return path


def ts_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "steps.ts"
    path.write_text(f"# made up\n@problemName steps\n@classLabel true up down\n@data\n1,2,{3 + change}:up\n3,?:down\n")
    return path


def image_folder_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "pets"
    for name in ("cat/1.png", "cat/2.PNG", "dog/a/3.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8 + change, 6), 100).save(root / name)
    return root


def image_zip_sample(folder: Path, change: int = 0) -> Path:
    root = image_folder_sample(folder, change)
    path = folder / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(folder).as_posix())
    shutil.rmtree(root)
    return path


def sound_folder_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "calls"
    for name in ("owl/1.wav", "owl/2.WAV", "wren/a/3.flac"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, np.zeros(200 + change), 8000)
    return root


def transcribed_folder_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "said"
    root.mkdir(parents=True)
    for number in range(3):
        soundfile.write(root / f"{number}.wav", np.zeros(200 + change), 8000)
        (root / f"{number}.txt").write_text(f"\ufeffnumber {number}\r\n")
    return root


def mask_folder_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "cells"
    for name in ("1", "2", "10"):
        for place, value in (("images", 100), ("masks", 1)):
            (root / place).mkdir(parents=True, exist_ok=True)
            Image.new("L", (8 + 400 * change, 6), value).save(root / place / f"{name}.png")
    return root


def chord_folder_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "songs"
    for name in ("train/1.csv", "train/2.csv", "test/3.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("note0,note1\n67,43\n67,43\n" + f"6{change},0\n")
    return root


def chords_with(content: str) -> Make:
    def write(folder: Path, change: int = 0) -> Path:
        root = chord_folder_sample(folder, change)
        (root / "train" / "2.csv").write_text(content)
        return root

    return write


def transcripts_of_other_sounds(folder: Path, change: int = 0) -> Path:
    root = folder / "LJ"
    (root / "wavs").mkdir(parents=True)
    soundfile.write(root / "wavs" / "a.wav", np.zeros(200 + change), 8000)
    (root / "metadata.csv").write_text("b|Two|two\n")
    return root


def clip_folder_sample(folder: Path, change: int = 0) -> Path:
    """Folders of frames: a bright spot that moves on from frame to frame."""
    root = folder / "moves"
    for name in ("left/1", "left/2", "right/1", "right/2"):
        (root / name).mkdir(parents=True)
        for moment in range(6 + change):
            pixels = np.zeros((24, 24), np.uint8)
            pixels[10:15, 2 + 2 * moment : 9 + 2 * moment] = 200
            Image.fromarray(pixels).save(root / name / f"frame_{moment:02d}.png")
    return root


def json_lines_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "table.jsonl"
    path.write_text(
        f'{{"size": 1.5, "colour": "red"}}\n{{"colour": "blue"}}\n\n{{"size": {3 + change}, "colour": null}}\n'
    )
    return path


def text_folder_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "letters"
    for name in ("glad/1.txt", "glad/2.TXT", "sad/a/3.txt", "README.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"Dear {name}, {change}")
    return root


def text_lines_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "words"
    root.mkdir()
    (root / "one.txt").write_text(f"uno\neins {change}\n")
    (root / "two.txt").write_text("dos\n\nzwei")
    return root


def running_text_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "story.txt"
    lines = [
        f"It was day {day}, {'and it rained' if day % 3 else 'a long one, but the sun came out'}." for day in range(30)
    ]
    path.write_text("\n".join([*lines, f"The end, {change}."]) + "\n")
    return path


def parallel_lines_sample(folder: Path, change: int = 0) -> Path:
    root = folder / "pairs"
    root.mkdir()
    for part, count in (("train", 6), ("test", 3)):
        for language, word in (("en", "dog"), ("de", "Hund")):
            lines = [f"{word} {part} {number + change}" for number in range(count)]
            (root / f"{part}.{language}").write_text("\n".join(lines) + "\n")
    return root


def tatoeba_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "fra.txt"
    path.write_text(f"Go.\tVa !\tCC-BY 2.0 (France) {change}\nI see {change}.\tJe vois {change}.\tCC-BY 2.0 (France)\n")
    return path


def conll_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "names.conll"
    path.write_text(f"-DOCSTART- O\n\nParis\tB-place\nin\tO\n{1984 + change}\tO\n\nJane\tB-person\nAusten\tI-person\n")
    return path


def workbook_sample(folder: Path, change: int = 0) -> Path:
    rows = [("size", "colour"), (1.5, "red"), (None, "blue"), (3 + change, "red")]
    return write_workbook(folder / "table.xlsx", {"Sizes": rows})


def arff_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "table.arff"
    head = "% made up\n@relation x\n@attribute size numeric\n@attribute 'the colour' {red, 'light blue'}\n@data\n"
    path.write_text(f"{head}1.5,red\n?,'light blue'\n{{0 {3 + change}, 1 red}}\n")
    return path


def ucr_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "Waves_TRAIN.tsv"
    rows = [[label, *(0.1 * step * label + change for step in range(12))] for label in (1, 2, 1, 2)]
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def libsvm_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "rows.libsvm"
    path.write_text(f"+1 1:0.5 3:{2 + change}\n-1 2:1 # a remark\n+1\n")
    return path


def fasttext_sample(folder: Path, change: int = 0) -> Path:
    path = folder / "mails.txt"
    path.write_text(f"__label__spam Win a prize {change}\n__label__ham __label__work See you, at ten\n")
    return path


SAMPLES: dict[str, Make] = {
    "workbook": workbook_sample,
    "arff": arff_sample,
    "ucr": ucr_sample,
    "libsvm": libsvm_sample,
    "fasttext": fasttext_sample,
    "json_lines": json_lines_sample,
    "text_folder": text_folder_sample,
    "text_lines": text_lines_sample,
    "running_text": running_text_sample,
    "parallel_lines": parallel_lines_sample,
    "tatoeba": tatoeba_sample,
    "conll": conll_sample,
    "csv": csv_sample,
    "parquet": parquet_sample,
    "arrow": arrow_sample,
    "npz": npz_sample,
    "npy": npy_sample,
    "idx": idx_sample,
    "ts": ts_sample,
    "sound_folder": sound_folder_sample,
    "transcribed_folder": transcribed_folder_sample,
    "chord_folder": chord_folder_sample,
    "mask_folder": mask_folder_sample,
    "voc_folder": voc_sample,
    "coco_json": coco_sample,
    "yolo_folder": yolo_sample,
    "labelme_folder": labelme_sample,
    "box_table": box_table_sample,
    "clip_folder": clip_folder_sample,
    "image_folder": image_folder_sample,
    "image_zip": image_zip_sample,
}


def halved(make: Make) -> Make:
    def write(folder: Path, change: int = 0) -> Path:
        path = make(folder, change)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        return path

    return write


def text_named(name: str, text: str) -> Make:
    def write(folder: Path, change: int = 0) -> Path:
        path = folder / name
        path.write_text(text)
        return path

    return write


def bytes_named(name: str, data: bytes) -> Make:
    def write(folder: Path, change: int = 0) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return write


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def only_folders(folder: Path, change: int = 0) -> Path:
    (folder / "empty" / "cat").mkdir(parents=True)
    return folder / "empty"


ARFF = "@relation r\n@attribute a numeric\n@attribute b {x, y}\n"
SERIES = "1\t" + "\t".join(["0.5"] * 9)
HEADER = "@classLabel true a b\n@data\n"


def parallel_with(de: bytes, en: bytes) -> Make:
    """The file of one side, its partner beside it."""

    def make(folder: Path, change: int = 0) -> Path:
        (folder / "train.de").write_bytes(de)
        (folder / "train.en").write_bytes(en)
        return folder / "train.en"

    return make


MALFORMED: list[tuple[str, str, Make]] = [
    ("workbook", "halved", halved(workbook_sample)),
    ("workbook", "text", text_named("x.xlsx", "PK no workbook")),
    ("arff", "no data", text_named("x.arff", ARFF)),
    ("arff", "no rows", text_named("x.arff", ARFF + "@data\n")),
    ("arff", "no attribute", text_named("x.arff", "@relation r\n@data\n1\n")),
    ("arff", "odd attribute", text_named("x.arff", "@attribute a complex\n@data\n1\n")),
    ("arff", "relational", text_named("x.arff", "@attribute a relational\n@data\n1\n")),
    ("arff", "ragged", text_named("x.arff", ARFF + "@data\n1,x\n2\n")),
    ("arff", "no number", text_named("x.arff", ARFF + "@data\none,x\n")),
    ("arff", "unlisted value", text_named("x.arff", ARFF + "@data\n1,z\n")),
    ("arff", "odd sparse row", text_named("x.arff", ARFF + "@data\n{7 1}\n")),
    ("arff", "binary", bytes_named("x.arff", bytes(range(256)))),
    ("ucr", "no number", text_named("x_TRAIN.tsv", f"{SERIES}\n1\tx\n")),
    ("libsvm", "no pair", text_named("x.libsvm", "1 1:2\n1 x\n")),
    ("libsvm", "too wide", text_named("x.libsvm", "1 1:2\n1 999999999:1\n")),
    ("fasttext", "no label", text_named("x.txt", "__label__a text\nmore text\n")),
    ("json_lines", "scalar", text_named("x.json", "3\n")),
    ("json_lines", "list of numbers", text_named("x.json", "[1, 2]")),
    ("json_lines", "cut", text_named("x.json", '[{"a": 1}, {"a"')),
    ("csv", "broken bzip2", bytes_named("x.csv.bz2", b"BZh9rubbish")),
    ("csv", "broken xz", bytes_named("x.csv.xz", b"\xfd7zXZ\0rubbish")),
    ("csv", "ragged", text_named("x.csv", "a,b\n1,2\n3\n")),
    ("csv", "header only", text_named("x.csv", "a,b\n")),
    ("csv", "blank", text_named("x.csv", "\n\n")),
    ("csv", "binary", bytes_named("x.csv", bytes(range(256)))),
    ("csv", "open quote", text_named("x.csv", 'a,b\n1,"x\n2,y,z\n"3\n')),
    ("csv", "broken gzip", bytes_named("x.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0rubbish")),
    ("parquet", "halved", halved(parquet_sample)),
    ("parquet", "text", text_named("x.parquet", "a,b\n1,2\n")),
    ("arrow", "halved", halved(arrow_sample)),
    ("arrow", "text", text_named("x.arrow", "a,b\n1,2\n")),
    ("npz", "halved", halved(npz_sample)),
    ("npz", "text", text_named("x.npz", "a,b\n1,2\n")),
    ("npy", "halved", halved(npy_sample)),
    ("npy", "text", text_named("x.npy", "a,b\n1,2\n")),
    ("npy", "alone", bytes_named("x.npy", npy_bytes(np.arange(6.0)))),
    ("npy", "objects", bytes_named("x.npy", npy_bytes(np.array([{}, "a"], dtype=object)))),
    ("idx", "halved", halved(idx_sample)),
    ("json_lines", "text", text_named("x.jsonl", "a,b\n1,2\n")),
    ("json_lines", "halved", halved(json_lines_sample)),
    ("json_lines", "no objects", text_named("x.jsonl", "[1, 2]\n")),
    ("json_lines", "blank", text_named("x.ndjson", "\n\n")),
    ("json_lines", "binary", bytes_named("x.jsonl", bytes(range(256)))),
    ("json_lines", "broken gzip", bytes_named("x.jsonl.gz", b"\x1f\x8b\x08\0\0\0\0\0rubbish")),
    ("running_text", "zero byte", bytes_named("x.txt", b"Once upon a time\n\0 there was\n")),
    ("running_text", "no text", bytes_named("x.txt", b"\n \n\n")),
    ("parallel_lines", "no partner", text_named("train.en", "a dog\n")),
    ("parallel_lines", "zero byte", parallel_with(b"ein Hund\neine Katze\n", b"a dog\n\0\n")),
    ("parallel_lines", "fewer lines", parallel_with(b"ein Hund\n", b"a dog\na cat\n")),
    ("parallel_lines", "no text", parallel_with(b"\n\n", b"\n\n")),
    ("tatoeba", "one side", text_named("fra.txt", "Go.\tVa !\tCC-BY\nStop.\n")),
    ("tatoeba", "blank", text_named("fra.txt", "\n\n")),
    ("conll", "a word without its tag", text_named("x.conll", "Paris\tB-place\nin\n\n")),
    ("conll", "words alone", text_named("x.conll", "Paris\nin\n\n")),
    ("conll", "no word", text_named("x.conllu", "# text = none\n\n")),
    ("conll", "zero byte", bytes_named("x.bio", b"Paris O\n\0 O\n")),
    ("text_folder", "no texts", only_folders),
    ("text_lines", "no texts", only_folders),
    ("ts", "no data", text_named("x.ts", "@classLabel true a b\n")),
    ("ts", "no classes", text_named("x.ts", "@data\n1,2:a\n")),
    ("ts", "no rows", text_named("x.ts", HEADER)),
    ("ts", "unlisted class", text_named("x.ts", HEADER + "1,2:c\n")),
    ("ts", "no number", text_named("x.ts", HEADER + "1,x:a\n")),
    ("ts", "channels", text_named("x.ts", HEADER + "1,2:a\n1,2:3,4:b\n")),
    ("ts", "no colon", text_named("x.ts", HEADER + "1,2,a\n")),
    ("sound_folder", "no sounds", only_folders),
    ("transcribed_folder", "other sounds", transcripts_of_other_sounds),
    ("chord_folder", "a chord of other length", chords_with("note0,note1\n67,43\n67\n")),
    ("chord_folder", "a note out of range", chords_with("note0,note1\n67,128\n")),
    ("chord_folder", "no number", chords_with("note0,note1\n67,c\n")),
    ("chord_folder", "more voices", chords_with("note0,note1,note2\n67,60,43\n")),
    ("chord_folder", "fewer notes than names", chords_with("note0,note1\n67\n")),
    ("voc_folder", "cut off", with_file(voc_sample, "Annotations/1.xml", "<annotation><object>")),
    ("coco_json", "cut off", with_file(coco_sample, "instances.json", '{"images": [], "annotations": [{"bbox"')),
    ("yolo_folder", "a class out of range", with_file(yolo_sample, "labels/1.txt", "3 0.5 0.5 0.1 0.1")),
    ("labelme_folder", "no list of shapes", with_file(labelme_sample, "1.json", '{"shapes": 3}')),
    ("box_table", "no number", with_file(box_table_sample, "boxes.csv", "image,xmin,ymin,xmax,ymax\n1.png,1,2,x,4\n")),
    ("clip_folder", "no clips", only_folders),
    ("mask_folder", "no images", only_folders),
    ("image_folder", "no images", only_folders),
    ("image_zip", "halved", halved(image_zip_sample)),
    ("image_zip", "text", text_named("x.zip", "PK no zip")),
]


def read(name: str, path: Path) -> Source:
    return READERS[name].read(path, OPTIONS)


def test_every_reader_has_a_sample_and_a_damaged_file() -> None:
    assert set(SAMPLES) == set(READERS)
    assert {name for name, _, _ in MALFORMED} == set(READERS)


@pytest.mark.parametrize("name", SAMPLES)
def test_recognised_by_its_reader_first(name: str, tmp_path: Path) -> None:
    path = SAMPLES[name](tmp_path, 0)
    assert next(reader.name for reader in READERS.values() if reader.recognises(path)) == name


@pytest.mark.parametrize("name", SAMPLES)
def test_recognises_never_raises(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    bytes_named("noise", bytes(range(256)))(tmp_path, 0)
    for path in (tmp_path / "empty", tmp_path / "folder", tmp_path / "noise", tmp_path / "absent"):
        assert READERS[name].recognises(path) in (True, False)


@pytest.mark.parametrize("name", SAMPLES)
def test_columns_are_equally_long_and_named(name: str, tmp_path: Path) -> None:
    path = SAMPLES[name](tmp_path, 0)
    source = read(name, path)
    assert source.layout == name
    assert source.origin == str(path)
    assert source.columns
    for key, column in source.columns.items():
        assert column.name == key
        assert len(column) == source.num_rows
        if isinstance(column, TableColumn):
            assert column.values.dtype != pl.Null
        if isinstance(column, FileColumn) and column.kind != "mask":
            assert source.row_names == column.paths
    assert source.target is None or source.target in source.columns
    assert source.given_split is None or len(source.given_split) == source.num_rows
    assert READERS[name].description


@pytest.mark.parametrize("name", SAMPLES)
def test_fingerprint_is_the_contents(name: str, tmp_path: Path) -> None:
    for place in ("one", "two", "three"):
        (tmp_path / place).mkdir()
    first = read(name, SAMPLES[name](tmp_path / "one", 0))
    again = read(name, tmp_path / "one" / Path(first.origin).name)
    elsewhere = read(name, SAMPLES[name](tmp_path / "two", 0))
    changed = read(name, SAMPLES[name](tmp_path / "three", 1))
    assert first.fingerprint == again.fingerprint == elsewhere.fingerprint
    assert changed.fingerprint != first.fingerprint
    assert len(first.fingerprint) == 64


@pytest.mark.parametrize(("name", "what", "make"), MALFORMED, ids=[f"{name} {what}" for name, what, _ in MALFORMED])
def test_damaged_files_are_named(name: str, what: str, make: Make, tmp_path: Path) -> None:
    path = make(tmp_path, 0)
    with pytest.raises(DataError) as caught:
        read(name, path)
    assert path.name in str(caught.value)
    assert str(caught.value).endswith(".")
