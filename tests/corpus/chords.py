"""Pieces of music as files of chords and MIDI, and what is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from corpus.build import file
from corpus.case import Case, Make
from corpus.folders import FINE, case
from netpick.data.sources.midi import midi_bytes

HEAD = "soprano,alto,tenor,bass\n"
LEFT = "it is left out by name"


def steps(seed: int, count: int = 24) -> list[tuple[int, ...]]:
    """Chords of four voices, each held for two steps."""
    roots = np.random.default_rng(seed).choice([48, 50, 53, 55], count // 2)
    return [(root + 24, root + 16, root + 7, root) for root in roots.tolist() for _ in range(2)]


def written(chords: list[tuple[int, ...]], head: str = HEAD) -> str:
    return head + "".join(",".join(map(str, chord)) + "\n" for chord in chords)


def midi(seed: int) -> bytes:
    return midi_bytes(np.array(steps(seed), dtype=np.int32))


def folder(change: Mapping[str, str | bytes | None] | None = None, *, ending: str = "csv") -> Make:
    """24 pieces, some files changed, added or left out."""

    def make(root: Path) -> Path:
        good = {f"{n:02}.{ending}": midi(n) if ending == "mid" else written(steps(n)) for n in range(24)}
        for name, content in {**good, **(change or {})}.items():
            if content is not None:
                file(f"songs/{name}", content)(root)
        return root / "songs"

    return make


def in_parts(**parts: int) -> Make:
    def make(root: Path) -> Path:
        for part, first in parts.items():
            for n in range(first, first + 8):
                file(f"songs/{part}/{n}.csv", written(steps(n)))(root)
        return root / "songs"

    return make


def with_one(content: str | bytes) -> Make:
    return folder({"03.csv": content})


HEADERS = b"MThd\x00\x00\x00\x06\x00\x01\x00\x01"
CASES: tuple[Case, ...] = (
    case("chords", "control", folder(), 0, why=FINE),
    case("chords", "control, MIDI", folder(ending="mid"), 0, why=FINE),
    case("chords", "parts", in_parts(train=0, valid=20, test=40), 0, why=FINE),
    case("chords", "a mark of the encoding", with_one("\ufeff" + written(steps(3))), 0, why="it is no note"),
    case("chords", "ends of lines of other systems", with_one(written(steps(3)).replace("\n", "\r\n")), 0, why="they are one"),
    case("chords", "no names of voices", folder({f"{n:02}.csv": written(steps(n), "") for n in range(24)}), 0, why=FINE),
    case("chords", "a word for a note", with_one(written(steps(3)).replace("55", "G3")), 2, "03.csv", "chord", "'G3'"),
    case("chords", "a note above the highest", with_one(written([*steps(3), (200, 60, 50, 40)])), 2, "03.csv", "200"),
    case("chords", "a negative note", with_one(written([*steps(3), (-1, 60, 50, 40)])), 2, "03.csv", "-1"),
    case("chords", "a fraction", with_one(written(steps(3)).replace("55", "55.5")), 2, "03.csv", "55.5"),
    case("chords", "an empty cell", with_one(written(steps(3)) + "60,,50,40\n"), 2, "03.csv", "chord 25"),
    case("chords", "a chord of three notes", with_one(written([*steps(3), (60, 50, 40)])), 2, "03.csv", "3 notes"),
    case("chords", "another number of voices", with_one("soprano,alto\n" + "60,50\n" * 24), 2, "03.csv", "2 voices"),
    case("chords", "names of other voices", with_one(written(steps(3), "soprano,alto,tenor\n")), 2, "03.csv", "3 voices"),
    case("chords", "an empty file", with_one(b""), 0, why=LEFT),
    case("chords", "names alone", with_one(HEAD), 0, why=LEFT),
    case("chords", "binary", with_one(bytes(range(256)) * 9), 2, "03.csv"),
    case("chords", "silence alone", with_one(written([(0, 0, 0, 0)] * 24)), 0, why="silence is music"),
    case("chords", "a piece of one chord", with_one(written([(60, 55, 50, 40)])), 0, why="its first chord has no context"),
    case("chords", "all pieces of one chord", folder({f"{n:02}.csv": written(steps(n)[:1]) for n in range(24)}), 2, "songs"),
    case("chords", "all pieces are one", folder({f"{n:02}.csv": written(steps(0)) for n in range(24)}), (0, 2, 3), "songs",
         why="a piece that is there twice is kept together, and that is said"),
    case("chords", "one chord throughout", folder({f"{n:02}.csv": written([(60, 55, 50, 40)] * 24) for n in range(24)}), (0, 2, 3), "songs",
         why="there is nothing to learn, and no baseline is beaten"),
    case("chords", "a million chords", with_one(written([(60, 55, 50, 40)] * 200_000)), 2, "03.csv", "100,000"),
    case("chords", "a file of 5 MB", with_one(written([(60, 55, 50, 40)] * 500_000)), 0, why=LEFT),
    case("chords", "seventeen voices", folder({f"{n:02}.csv": "\n".join(",".join(["60"] * 17) for _ in range(24)) for n in range(24)}), 2, "songs"),
    case("chords", "MIDI, cut", folder({"03.mid": midi(3)[:60]}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, empty", folder({"03.mid": b""}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, a picture", folder({"03.mid": b"\x89PNG\r\n\x1a\n" + bytes(99)}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, no beats", folder({"03.mid": HEADERS + b"\x00\x00MTrk\x00\x00\x00\x04\x00\xff\x2f\x00"}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, times of films", folder({"03.mid": HEADERS + b"\xe7\x28MTrk\x00\x00\x00\x04\x00\xff\x2f\x00"}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, a track that claims 4 GB", folder({"03.mid": HEADERS + b"\x01\xe0MTrk\xff\xff\xff\xff\x00\xff\x2f\x00"}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, an end after years",
         folder({"03.mid": HEADERS + b"\x01\xe0MTrk\x00\x00\x00\x10\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x00\x00\xff\x2f\x00"}, ending="mid"), 0, why=LEFT),
    case("chords", "MIDI, none that can be read", folder({f"{n:02}.mid": b"MThd" for n in range(24)}, ending="mid"), 2, "songs", "no piece"),
    case("chords", "two pieces", folder({f"{n:02}.csv": None for n in range(2, 24)}), 2, "songs"),
    case("chords", "another task", folder(), 2, "songs", task="forecast"),
    case("chords", "folds", folder(), 2, "--folds", folds="3"),
)  # fmt: skip
