"""Texts in two languages, and what is none."""

from __future__ import annotations

from pathlib import Path

from small_pairs import small_pairs

from corpus.build import file
from corpus.case import Case, Make
from corpus.folders import FINE, case

PAIRS = small_pairs(90)
ENGLISH, FRENCH = ("\n".join(side) + "\n" for side in zip(*PAIRS, strict=True))
CREDIT = "CC-BY 2.0 (France) Attribution: tatoeba.org #1"


def beside(**sides: str | bytes) -> Make:
    """train.en beside train.fr, or other files by `part_language`."""

    def make(folder: Path) -> Path:
        contents = {"train_en": ENGLISH, "train_fr": FRENCH, **sides}
        for name, content in contents.items():
            file(f"talk/{name.replace('_', '.')}", content)(folder)
        return folder / "talk"

    return make


def tatoeba(*lines: str) -> Make:
    return file("fra.txt", "\n".join([*(f"{a}\t{b}\t{CREDIT}" for a, b in PAIRS), *lines]) + "\n")


def columns(content: str | bytes) -> Make:
    return file("talk.tsv", content)


TABLE = "en\tfr\n" + "".join(f"{a}\t{b}\n" for a, b in PAIRS)

CASES: tuple[Case, ...] = (
    case("pairs", "control", beside(), 0, why=FINE),
    case("pairs", "control, Tatoeba", tatoeba(), 0, why=FINE),
    case("pairs", "control, a table", columns(TABLE), 0, why=FINE, task="translate"),
    case("pairs", "a mark of the encoding", beside(train_en=b"\xef\xbb\xbf" + ENGLISH.encode()), 0, why="it is no symbol"),
    case("pairs", "ends of lines of other systems", beside(train_en=ENGLISH.replace("\n", "\r\n")), 0, why="they are one"),
    case("pairs", "UTF-16", beside(train_fr=FRENCH.encode("utf-16")), 0, why="it has its mark"),
    case("pairs", "a line more", beside(train_en=ENGLISH + "one more.\n"), 2, "train.en", "91", "train.fr"),
    case("pairs", "an empty side", beside(train_fr=b""), 2, "train.fr"),
    case("pairs", "both empty", beside(train_en=b"", train_fr=b""), 2, "talk"),
    case("pairs", "blank lines only", beside(train_en="\n" * 90, train_fr="\n" * 90), 2, "talk"),
    case("pairs", "some empty targets", beside(train_fr="\n" * 9 + "".join(f"{b}\n" for _, b in PAIRS[9:])), 0,
         why="what has no partner is left out, and counted"),
    case("pairs", "NULs", beside(train_fr=FRENCH.replace("chat", "ch\0t")), 2, "train.fr", "zero byte"),
    case("pairs", "binary", beside(train_fr=bytes(range(256)) * 9), 2, "train.fr"),
    case("pairs", "control letters", beside(train_fr=FRENCH.replace("chat", "\x1b[2Jchat\x07")), 0, why="letters are letters"),
    case("pairs", "a target of a megabyte", beside(train_en=ENGLISH + "long\n", train_fr=FRENCH + "mot " * 250_000 + "\n"), 0,
         why="what is too long is left out, and counted"),
    case("pairs", "all targets are one", beside(train_fr="oui.\n" * 90), 2, "choose on", "test on", "differ"),
    case("pairs", "targets that are their sources", beside(train_fr=ENGLISH), (0, 2, 3), "talk", why="copying is a baseline"),
    case("pairs", "two pairs", beside(train_en="a b\nc d\n", train_fr="e f\ng h\n"), 2, "talk"),
    case("pairs", "parts", beside(val_en="the cat sees a dog.\n" * 3, val_fr="le chat voit un chien.\n" * 3,
         test_en="a man sees a dog.\n" * 3, test_fr="un homme voit un chien.\n" * 3), 0, why=FINE),
    case("pairs", "a test part of other letters", beside(test_en="α β γ.\n" * 9, test_fr="δ ε ζ.\n" * 9), (0, 3), "D0", why="they are counted as unknown"),
    case("pairs", "a side that is not there", beside(), 2, "nl", target="nl"),
    case("pairs", "Tatoeba, a line without its tab", tatoeba("no tab here"), 2, "fra.txt, line 91", "no tab here"),
    case("pairs", "a table of one column", columns("en\n" + ENGLISH), 2, "talk", task="translate"),
    case("pairs", "a level that is none", beside(), 2, "syllables", level="syllables"),
    case("pairs", "another task", beside(), 2, "talk", task="forecast"),
    case("pairs", "folds", beside(), 2, "--folds", folds="3"),
)  # fmt: skip
