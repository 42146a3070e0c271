"""Recordings and what is said in them, and what is neither."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile

from corpus.build import file
from corpus.case import Case, Make
from corpus.folders import FINE, case

WORDS = ("yes", "no")
NAMED = "{transcript}.wav"


def recording(seed: int, seconds: float = 0.4) -> bytes:
    target = io.BytesIO()
    noise = np.random.default_rng(seed).normal(0, 0.1, int(seconds * 4_000))
    soundfile.write(target, noise, 4_000, format="WAV")
    return target.getvalue()


def said(number: int) -> str:
    return " ".join(WORDS[number >> bit & 1] for bit in range(5))


def beside(change: Mapping[str, bytes | None] | None = None) -> Make:
    """24 recordings with their transcripts beside them, some files changed or left out."""

    def make(folder: Path) -> Path:
        contents: dict[str, bytes | None] = {}
        for number in range(24):
            contents |= {f"{number:02}.wav": recording(number), f"{number:02}.txt": said(number).encode()}
        for name, content in {**contents, **(change or {})}.items():
            if content is not None:
                file(f"said/{name}", content)(folder)
        return folder / "said"

    return make


def in_names(seconds: Callable[[int], float] = lambda number: 0.4) -> Make:
    def make(folder: Path) -> Path:
        for number in range(24):
            file(f"said/{said(number).replace(' ', '_')}.wav", recording(number, seconds(number)))(folder)
        return folder / "said"

    return make


def listed(content: bytes, name: str = "metadata.csv", sounds: str = "wavs") -> Make:
    def make(folder: Path) -> Path:
        for number in range(24):
            file(f"said/{sounds}/{number:02}.wav", recording(number))(folder)
        return file(f"said/{name}", content)(folder).parent

    return make


BARS = "\n".join(f"{number:02}|{said(number).upper()}|{said(number)}" for number in range(24))
TABS = "\n".join(["client_id\tpath\tsentence", *(f"{n % 4}\t{n:02}.wav\t{said(n)}" for n in range(24))])

CASES: tuple[Case, ...] = (
    case("spoken", "control", beside(), 0, why=FINE),
    case("spoken", "a mark of the encoding and ends of lines of other systems",
         beside({"03.txt": b"\xef\xbb\xbf" + said(3).encode() + b"\r\n"}), 0, why="they are no symbols"),
    case("spoken", "a transcript without its sound, and the reverse", beside({"04.wav": None, "05.txt": None}), 0,
         why="they are left out by name"),
    case("spoken", "an empty transcript", beside({"06.txt": b"\n"}), 0, why="it is left out by name"),
    case("spoken", "a zero byte", beside({"07.txt": b"yes\0no"}), 2, "07.txt", "zero"),
    case("spoken", "letters that training has once", beside({"08.txt": "ЖЖ ☃".encode()}), 0, why="they are counted"),
    case("spoken", "no words at all", beside({f"{n:02}.txt": b"?!" for n in range(24)}), 2, "no words"),
    case("spoken", "a recording that is none", beside({"09.wav": b"RIFF"}), 3, "D006", "09.wav"),
    case("spoken", "names", in_names(), 0, why=FINE, label_from=NAMED),
    case("spoken", "some too short", in_names(lambda number: 0.4 if number else 0.01), 0, why="they are left out by name",
         label_from=NAMED),
    case("spoken", "all too short", in_names(lambda number: 0.01), 2, "too short for their transcripts", label_from=NAMED),
    case("spoken", "a pattern of both", in_names(), 2, "both fields", label_from="{label}_{transcript}.wav"),
    case("spoken", "a level that is none", beside(), 2, "syllables", level="syllables"),
    case("spoken", "windows", beside(), 2, "--cut", cut="2"),
    case("spoken", "bars", listed(BARS.encode()), 0, why=FINE),
    case("spoken", "bars, of other sounds", listed(BARS.replace("\n", "\nx").encode()[3:]), 2, "Check the names"),
    case("spoken", "too many bars", listed(BARS.replace("|", "|||").encode()), 2, "metadata.csv, line 1"),
    case("spoken", "tabs", listed(TABS.encode(), "validated.tsv", "clips"), 0, why=FINE),
    case("spoken", "tabs without a sentence", listed(TABS.replace("sentence", "mood").encode(), "validated.tsv", "clips"), 2,
         "validated.tsv", "sentence"),
)  # fmt: skip
