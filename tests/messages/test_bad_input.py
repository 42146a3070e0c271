"""Everything a user can get wrong ends in one paragraph, exit code 2 or 3, and nothing left behind."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from moving_digits import drawn_digits, moving_digits, write_video, write_videos
from PIL import Image

from netpick.cli.commands import main

Outcome = tuple[int, str]
Make = Callable[[Path], list[str]]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Outcome:
    monkeypatch.setattr(sys, "argv", ["netpick", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return int(stop.value.code or 0), captured.err


def table(folder: Path, text: str | bytes, name: str = "data.csv") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def rows(count: int, line: Callable[[int], str], header: str = "x,y") -> str:
    return "\n".join([header, *(line(i) for i in range(count))]) + "\n"


def picture(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), shade, dtype=np.uint8)).save(path)
    return path


def class_folders(folder: Path, per_class: int = 12) -> Path:
    for label in ("cat", "dog"):
        for i in range(per_class):
            picture(folder / label / f"{i}.png", i * 10 + (label == "dog"))
    return folder


def zip_that_leaves(folder: Path) -> list[str]:
    path = folder / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../outside/cat/1.png", b"x")
        archive.writestr("dog/1.png", b"x")
    return [str(path)]


def short_idx(folder: Path) -> list[str]:
    (folder / "train-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">IIII", 2051, 100, 28, 28) + b"\0" * 999)
    )
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(struct.pack(">II", 2049, 100) + b"\0" * 100))
    return [str(folder / "train-images-idx3-ubyte.gz")]


def one_image(folder: Path) -> list[str]:
    picture(folder / "photos" / "cat" / "1.png")
    return [str(folder / "photos")]


def no_class_folders(folder: Path) -> list[str]:
    for i in range(5):
        picture(folder / "photos" / f"{i}.png", i)
    return [str(folder / "photos")]


def broken_images(folder: Path, content: bytes) -> list[str]:
    photos = class_folders(folder / "photos")
    (photos / "cat" / "broken.png").write_bytes(content)
    return [str(photos)]


def huge_image(folder: Path) -> list[str]:
    photos = class_folders(folder / "photos")
    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 0, 0, 0, 0)
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 20_001))
        + chunk(b"IEND", b"")
    )
    (photos / "dog" / "huge.png").write_bytes(png)
    return [str(photos)]


def existing_out(folder: Path) -> list[str]:
    (folder / "run").mkdir()
    return [table(folder, good), "--out", str(folder / "run")]


good = rows(60, lambda i: f"{i * 7 % 13},{'ab'[i % 2]}")


# name: (what is typed, exit code, words that the message must hold)
def clips(folder: Path, content: bytes) -> list[str]:
    for label in ("a", "b"):
        (folder / "moves" / label).mkdir(parents=True)
        for i in range(12):
            (folder / "moves" / label / f"{i}.mp4").write_bytes(content)
    return [str(folder / "moves")]


def clips_by_format(folder: Path) -> list[str]:
    made, _ = moving_digits(drawn_digits(12), 120, directions=2, frames=3, side=24)
    write_videos(made[:60], ["a"] * 60, folder / "moves")
    write_videos(made[60:], ["b"] * 60, folder / "moves", ".avi")
    return [str(folder / "moves")]


def cut_video(folder: Path) -> bytes:
    write_video(np.zeros((20, 32, 32), np.uint8), folder / "whole.mp4")
    content = (folder / "whole.mp4").read_bytes()
    return content[: len(content) // 2]


CASES: dict[str, tuple[Make, int, tuple[str, ...]]] = {
    "no such path": (lambda f: [table(f, good)[:-4] + "x.csv"], 2, ("datax.csv", "data.csv")),
    "empty file": (lambda f: [table(f, "")], 2, ("data.csv", "empty")),
    "binary named csv": (lambda f: [table(f, bytes(range(256)) * 40)], 2, ("data.csv",)),
    "header only": (lambda f: [table(f, "a,b,c\n")], 2, ("data.csv", "row")),
    "ragged rows": (lambda f: [table(f, good + "1,2,3,4\n" + good[4:])], 2, ("line 62", "2", "4")),
    "wrong encoding": (
        lambda f: [table(f, good.encode() + "7,M\xfcnchen\n".encode("latin-1")), "--encoding", "utf-8"],
        2,
        ("--encoding",),
    ),
    "missing target": (lambda f: [table(f, good), "--target", "yy"], 2, ("no column 'yy'", "Known: x, y")),
    "one class": (lambda f: [table(f, rows(60, lambda i: f"{i % 7},a"))], 2, ("only 'a'", "two classes", "--target")),
    "a class with one row": (
        lambda f: [table(f, rows(60, lambda i: f"{i % 7},{'b' if i == 3 else 'ac'[i % 2]}"))],
        2,
        ("Class 'b'", "one row", "Add rows"),
    ),
    "all target values missing": (
        lambda f: [table(f, rows(60, lambda i: f"{i % 7},"))],
        2,
        ("'y'", "60 rows", "--target"),
    ),
    "all feature values missing": (
        lambda f: [table(f, rows(60, lambda i: f",{'ab'[i % 2]}"))],
        2,
        ("no column left to learn from", "'x'"),
    ),
    "infinite numbers": (
        lambda f: [table(f, rows(60, lambda i: f"{'inf' if i == 8 else i * 0.5 % 3},{'ab'[i % 2]}"))],
        2,
        ("'x' (row 9) holds inf", "--missing"),
    ),
    "clips that do not decode": (
        lambda f: clips(f, b"rubbish"),
        2,
        ("None of the 24 clips", "a/0.mp4", "first bytes", "a whole MP4"),
    ),
    "clips cut off": (lambda f: clips(f, cut_video(f)), 2, ("None of the 24 clips", "a/0.mp4")),
    "clips of another format each class": (clips_by_format, 3, ("D010", "AVI 24 x 24", "--accept D010")),
    "clips without classes": (
        lambda f: [clips(f, b"rubbish")[0] + "/a"],
        2,
        ("12 clips but no class folders", "CLASS/clip.mp4"),
    ),
    "no class folders": (no_class_folders, 2, ("photos", "class")),
    "one image": (one_image, 2, ("photos",)),
    "truncated image": (
        lambda f: broken_images(f, picture(f / "whole.png").read_bytes()[:40]),
        3,
        ("D006", "broken.png", "--accept D006"),
    ),
    "0-byte image": (lambda f: broken_images(f, b""), 3, ("D006", "broken.png", "--accept D006")),
    "image of 200 million pixels": (huge_image, 3, ("D006", "huge.png", "--accept D006")),
    "zip that leaves its folder": (zip_that_leaves, 2, ("photos.zip", "../outside/cat/1.png")),
    "short IDX": (short_idx, 2, ("train-images-idx3-ubyte.gz", "78,400")),
    "ts without classes": (
        lambda f: [table(f, "@problemName x\n@classLabel false\n@data\n1,2,3\n3,2,1\n", "a.ts")],
        2,
        ("a.ts", "class"),
    ),
    "unknown command option": (lambda f: [table(f, good), "--budgt", "3"], 2, ("--budgt", "--budget")),
    "unknown family": (lambda f: [table(f, good), "--models", "mpl"], 2, ("mpl", "mlp")),
    "unknown setting": (lambda f: [table(f, good), "--models", "mlp[widht=3]"], 2, ("widht", "width")),
    "larger than the memory": (
        lambda f: [table(f, good), "--models", "mlp[width=1000000000000]"],
        2,
        ("'width' is 1,000,000,000,000", "GB of memory", "mlp[width="),
    ),
    "unknown value": (lambda f: [table(f, good), "--models", "mlp[activation=rleu]"], 2, ("rleu", "relu")),
    "unknown optimizer": (lambda f: [table(f, good), "--recipe", "optimizer=adamm"], 2, ("adamm", "adam")),
    "family that does not fit": (lambda f: [table(f, good), "--models", "rnn"], 2, ("rnn", "mlp")),
    "unknown layer": (lambda f: [table(f, good), "--layers", "dens 8"], 2, ("dens", "dense")),
    "unknown split": (lambda f: [table(f, good), "--split", "tme:x"], 2, ("tme:x", "--split time:COLUMN")),
    "unknown task": (lambda f: [table(f, good), "--task", "clasify"], 2, ("clasify", "classify")),
    "unknown device": (lambda f: [table(f, good), "--device", "tpu"], 2, ("tpu", "cpu")),
    "unreadable budget": (lambda f: [table(f, good), "--budget", "soon"], 2, ("soon", "60s")),
    "unreadable cost": (lambda f: [table(f, good), "--cost", "fx=3"], 2, ("fx=3", "fn=NUMBER")),
    "cost of a class that is not there": (
        lambda f: [table(f, good), "--cost", "a>z=3"],
        2,
        ("'a>z' names 'z'", "no such class", "Known: a, b"),
    ),
    "metric of another task": (
        lambda f: [table(f, good), "--metric", "perplexity"],
        2,
        ("'perplexity' cannot decide this contest", "Known:", "--metric"),
    ),
    "margin below zero": (
        lambda f: [table(f, good), "--margin", "-0.1"],
        2,
        ("A margin of -0.1 cannot be used", "0 or more", "--margin 0.01"),
    ),
    "unknown preference": (
        lambda f: [table(f, good), "--prefer", "trees"],
        2,
        ("'trees' cannot be preferred", "--prefer network"),
    ),
    "existing output": (existing_out, 2, ("run", "--out")),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, code, words = CASES[case]
    data = tmp_path / "data"
    data.mkdir()
    arguments = make(data)
    before = sorted(p for p in tmp_path.rglob("*"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    found, message = run(["fit", *arguments], capsys, monkeypatch)
    said = message.split("netpick: ")[-1]
    assert found == code, message
    assert all(word in said for word in words), said
    assert len(said) < 1200
    assert said.strip().endswith((".", "`", "?", ")")), said
    assert sorted(p for p in tmp_path.rglob("*") if p != work) == before, "something was left behind"


def mounted(folder: Path, size: str) -> bool:
    if os.geteuid() != 0 or sys.platform != "linux":
        return False
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    return done.returncode == 0


def test_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted(disk, "64k"):
        pytest.skip("no permission to mount a small disk here")
    try:
        data = table(tmp_path, good)
        code, message = run(["fit", data, "--steps", "3", "--out", str(disk / "run")], capsys, monkeypatch)
        assert code == 2
        assert "MB free" in message
        assert "--out" in message
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_disk_that_fills_while_the_run_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted(disk, "40m"):
        pytest.skip("no permission to mount a small disk here")
    try:
        data = table(tmp_path, good)
        import netpick.contest.write_models

        real = netpick.contest.write_models.save_model

        def fill_first(*arguments: object) -> None:  # another program takes the rest of the disk meanwhile
            with (disk / "other").open("wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 65_536)
                        file.flush()
                except OSError:
                    pass
            real(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(netpick.contest.write_models, "save_model", fill_first)
        code, message = run(
            ["fit", data, "--steps", "3", "--prefer", "network", "--out", str(disk / "run")], capsys, monkeypatch
        )
        assert code == 4
        assert "netpick resume" in message
        left = [p.name for p in (disk / "run").iterdir()]
        assert "model.netpick" not in left
        assert not [name for name in left if name.endswith(".partial")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
