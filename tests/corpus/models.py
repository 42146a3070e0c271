"""Small trained models, and hostile rows and files for `netpick predict`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from corpus.build import (
    clips,
    cut,
    file,
    lines,
    load_table,
    photos,
    png,
    sounds,
    table,
    texts,
    ts,
    video,
    wav,
)
from corpus.case import Case, family

GOOD = table()
FINE = "every row gets an answer"

# What each model is trained on, and how.
TRAINED: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "table": (file("data.csv", GOOD), ()),
    "numbers": (file("data.csv", "x,z,y\n" + "".join(f"{i % 7},{i * 3 % 11},{i * 0.37:.2f}\n" for i in range(60))), ("--target", "y")),
    "mixed": (
        file(
            "data.csv",
            "size,day,colour,y\n"
            + "".join(f"{i % 7},2024-{1 + i % 12:02d}-{1 + i % 28:02d},{['red', 'blue', 'green'][i % 3]},{'ab'[i % 2]}\n" for i in range(90)),
        ),
        (),
    ),
    "images": (photos, ("--accept", "D001,D002,D016")),
    "sounds": (sounds, ("--accept", "D001,D002,D016,D018")),
    "clips": (clips, ("--accept", "D001,D002,D010,D016")),
    "texts": (texts, ("--accept", "D001,D002,D017")),
    "lines": (lines, ("--accept", "D001,D002,D017")),
    "series": (file("data.ts", ts()), ("--accept", "D001,D002")),
    "forecast": (file("load.csv", load_table()), ("--horizon", "6")),
}  # fmt: skip


def train_models(folder: Path, names: Collection[str]) -> dict[str, Path]:
    """Trains the small models that were asked for."""
    made = {}
    for name in sorted(names):
        make, options = TRAINED[name]
        data = folder / name
        data.mkdir(parents=True)
        command = [
            sys.executable,
            "-m",
            "netpick.cli",
            "fit",
            str(make(data)),
            "--steps",
            "2",
            "--models",
            family(name),
        ]
        done = subprocess.run(
            [*command, "--out", str(data / "run"), *options], capture_output=True, text=True, check=False, cwd=folder
        )
        if done.returncode:
            raise RuntimeError(f"The model '{name}' could not be trained: {done.stderr[-1500:]}")
        made[name] = data / "run" / "model.netpick"
    return made


def ask(
    model: str, name: str, make: Callable[[Path], Any], code: int | tuple[int, ...] = 2, *words: str, why: str = ""
) -> Case:
    return Case(
        name=f"predict: {model}, {name}",
        make=make,
        code=code if isinstance(code, tuple) else (code,),
        words=words,
        why=why,
        model=model,
    )


def typed(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda folder: [argument.replace("FOLDER", str(folder)) for argument in arguments]


def csv(content: str | bytes) -> Callable[[Path], Path]:
    return file("new.csv", content)


TABLES = (
    ask("table", "control", csv("x,z\n1,2\n3,4\n"), 0, why=FINE),
    ask("table", "control, a row typed", typed("x=1", "z=2"), 0, why=FINE),
    ask("table", "empty", csv(b""), 2, "new.csv"),
    ask("table", "header only", csv("x,z\n"), 2, "new.csv"),
    ask("table", "a column is missing", csv("x\n1\n2\n"), 2, "'z'"),
    ask("table", "all columns are missing", csv("a,b\n1,2\n2,3\n"), 2, "'x'"),
    ask("table", "further columns", csv("x,z,more\n1,2,3\n3,4,5\n"), 0, why="they do not count"),
    ask("table", "columns in another order", csv("z,x\n1,2\n3,4\n"), 0, why="names count"),
    ask("table", "words for numbers", csv("x,z\nhello,2\nthere,4\n"), (0, 2), "x", why="they are missing"),
    ask("table", "missing numbers", csv("x,z\n,\n,\n"), 0, why="missing cells are read as such"),
    ask("table", "infinity", csv("x,z\ninf,1\n-inf,2\n"), (0, 2), "x", why="as missing"),
    ask("table", "numbers beyond float64", csv("x,z\n1e999,1\n3,2\n"), (0, 2), "x", why="as missing"),
    ask("table", "numbers near the end", csv("x,z\n1.7e308,1\n-1.7e308,2\n"), 0, why="finite numbers are numbers"),
    ask("table", "integers of 400 digits", csv(f"x,z\n{'9' * 400},1\n3,2\n"), (0, 2), "x", why="as missing"),
    ask("table", "ragged", csv("x,z\n1,2,3\n3\n"), 2, "line 2"),
    ask("table", "binary", csv(bytes(range(256)) * 9), 2, "new.csv"),
    ask("table", "no such file", typed("FOLDER/nothing.csv"), 2, "nothing.csv"),
    ask("table", "an empty value typed", typed("x=", "z="), 0, why="an empty cell is missing"),
    ask("table", "a value typed without a name", typed("=5"), 2, "x"),
    ask("table", "a NaN typed", typed("x=nan", "z=1"), 0, why="NaN is missing"),
    ask("table", "an infinity typed", typed("x=inf", "z=1"), (0, 2), "x", why="as missing"),
    ask("table", "a name typed that is not there", typed("q=1", "z=2"), 2, "'x'"),
    ask("table", "markup typed", typed("x=[bold]", "z=<b>"), (0, 2), "x", why="as missing"),
    ask("table", "an escape sequence typed", typed("x=\x1b[31m", "z=1"), (0, 2), "x", why="as missing"),
    ask("table", "half a letter typed", typed("x=\udcff", "z=1"), (0, 2), "x", why="as missing"),
    ask("table", "two files", lambda f: [str(csv("x,z\n1,2\n")(f)), str(file("b.csv", "x,z\n1,2\n")(f))], 2, "list"),
    ask("table", "a folder", lambda f: f, 2, "data"),
    ask("table", "a picture", file("a.png", png()), 2, "a.png"),
    ask("table", "a model file", lambda f: file("model.netpick", b"PK\x03\x04 no model")(f), 2, "model.netpick"),
    ask("table", "100,000 columns", lambda f: csv(",".join(f"c{i}" for i in range(100_000)) + "\n" + "1," * 99_999 + "1\n")(f), 2, "new.csv"),
    ask("numbers", "control", csv("x,z\n1,2\n3,4\n"), 0, why=FINE),
    ask("numbers", "numbers near the end", csv("x,z\n1.7e308,-1.7e308\n-1.7e308,1e-320\n"), 0, why="finite numbers are numbers"),
    ask("mixed", "control", csv("size,day,colour\n1,2024-01-01,red\n2,2024-02-02,blue\n"), 0, why=FINE),
    ask("mixed", "never seen, missing and odd cells", csv("size,day,colour\nx,9999-99-99,pink\n,,\n1e400,0000-00-00,\u202e\n"), 0, why="they are read as missing or never seen"),
    ask("mixed", "cells of a megabyte", csv(f"size,day,colour\n{'x' * 1_000_000},{'2' * 1_000_000},{'r' * 1_000_000}\n1,2024-01-01,red\n"), 0, why="they are never seen"),
    ask("mixed", "numbers for dates", csv("size,day,colour\n1,5,7\n2,6,8\n"), 0, why="they are read as missing or never seen"),
    ask("forecast", "control", csv(load_table(60)), 0, why=FINE),
    ask("forecast", "another step", csv(load_table(60, [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d} 00:00" for i in range(60)])), 2),
    ask("forecast", "too short", csv(load_table(2)), (0, 2), "2", why="what is missing is filled"),
    ask("forecast", "a time that is none", csv(load_table(60).replace("05:00", "25:00", 1)), 2, "row"),
    ask("forecast", "no column of the target", csv(load_table(60).replace("load", "lod")), 2, "load"),
    ask("forecast", "all missing", csv("time,load\n" + "".join(f"{line.split(',')[0]},\n" for line in load_table(60).split("\n")[1:-1])), 2, "'load'", "no known value"),
    ask("forecast", "infinity", csv(load_table(60).replace("\n2024-03-01 05:00,", "\n2024-03-01 05:00,inf\n2024-03-01 05:30,", 1)), 2),
)  # fmt: skip


def many_photos(folder: Path) -> Path:
    root = photos(folder)
    (root / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    return root


MEDIA = (
    ask("images", "control", file("a.png", png()), 0, why=FINE),
    ask("images", "control, a folder", photos, 0, why=FINE),
    ask("images", "another size", file("a.png", png(40, 9)), 0, why="it is brought to size"),
    ask("images", "empty", file("a.png", b""), 2, "a.png"),
    ask("images", "no picture", file("a.png", b"hello"), 2, "a.png"),
    ask("images", "200 million pixels", file("a.png", png(claimed=(20_000, 10_000))), 2, "a.png"),
    ask("images", "one of a folder is broken", many_photos, 2, "broken.png"),
    ask("images", "a folder without pictures", lambda f: file("x/a.txt", b"x")(f).parent, 2, "x"),
    ask("images", "a table", csv(GOOD), 2, "'image'"),
    ask("images", "a sound", file("a.wav", wav()), 2, "a.wav"),
    ask("images", "no such file", typed("FOLDER/nothing.png"), 2, "nothing.png"),
    ask("images", "a row typed", typed("image=FOLDER/nothing.png"), 2, "nothing.png"),
    ask("sounds", "control", file("a.wav", wav(900)), 0, why=FINE),
    ask("sounds", "empty", file("a.wav", b""), 2, "a.wav"),
    ask("sounds", "no sound", file("a.wav", b"RIFFhello"), 2, "a.wav"),
    ask("sounds", "another rate", file("a.wav", wav(900, rate=44_100)), 0, why="it is resampled"),
    ask("sounds", "a picture", file("a.png", png()), 2, "a.png"),
    ask("sounds", "claims 4 GB", file("a.wav", wav()[:40] + b"\xff\xff\xff\xff" + b"\0" * 99), 0, why="so says a program that wrote into a pipe and did not know the length"),
    ask("clips", "control", file("a.mp4", video), 0, why=FINE),
    ask("clips", "empty", file("a.mp4", b""), 2, "a.mp4"),
    ask("clips", "no film", file("a.mp4", b"hello"), 2, "a.mp4"),
    ask("clips", "cut", file("a.mp4", cut(lambda: video(frames=30, side=64), 0.6)), 2, "a.mp4"),
    ask("texts", "control", file("a.txt", "a happy day"), 0, why=FINE),
    ask("texts", "control, typed", typed("a happy day it was"), 0, why=FINE),
    ask("texts", "empty", file("a.txt", b""), (0, 2), "a.txt", why="an empty text is a missing one"),
    ask("texts", "binary", file("a.txt", bytes(range(256))), 2, "a.txt"),
    ask("texts", "20 MB", file("a.txt", b"word " * 4_000_000), 0, why="a text is cut where networks stop reading"),
    ask("texts", "half a letter typed", typed("a happy \udcff day"), (0, 2), "text", why="as an unknown letter"),
    ask("texts", "control letters typed", typed("a \x1b[31m happy \x07 day"), 0, why="letters are letters"),
    ask("texts", "no such file", typed("nothing.txt"), 2, "nothing.txt"),
    ask("lines", "control", file("a.txt", "Nameoy\nNameski\n"), 0, why=FINE),
    ask("lines", "a line of a megabyte", file("a.txt", "x" * 1_000_000), 0, why="a text is cut where networks stop reading"),
    ask("series", "control", file("new.ts", ts(8)), 0, why=FINE),
    ask("series", "other lengths", file("new.ts", ts(8, steps=5)), (0, 2), "12", why="they are padded"),
    ask("series", "other channels", file("new.ts", "@classLabel true up down\n@data\n1,2,3:4,5,6:up\n1,2,3:4,5,6:down\n"), 2, "3 steps", "12"),
    ask("series", "infinity", file("new.ts", ts(8).replace("1.0", "inf", 1)), 2, "new.ts"),
)  # fmt: skip


CASES = (*TABLES, *MEDIA)
