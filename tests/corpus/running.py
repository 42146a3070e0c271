"""Texts that go on, and what is none."""

from __future__ import annotations

from pathlib import Path

from corpus.build import file
from corpus.case import Case, Make
from corpus.folders import FINE, case

LINES = [
    f"It was day {day}, {'and it rained' if day % 3 else 'a long one, but the sun came out'}." for day in range(60)
]
STORY = "\n".join(LINES) + "\n"


def story(content: str | bytes) -> Make:
    return file("story.txt", content)


def parts(**contents: str | bytes) -> Make:
    """Files of one text, by part."""

    def make(folder: Path) -> Path:
        return [file(f"tale/tale.{part}.txt", content)(folder) for part, content in contents.items()][-1].parent

    return make


CASES: tuple[Case, ...] = (
    case("story", "control", story(STORY), 0, why=FINE),
    case("story", "a mark of the encoding", story(b"\xef\xbb\xbf" + STORY.encode()), 0, why="it is no symbol"),
    case("story", "ends of lines of other systems", story(STORY.replace("\n", "\r\n")), 0, why="they are one"),
    case("story", "mixed ends of lines", story(STORY.replace("day 3", "day\r3").replace("\n", "\r\n", 20)), 0, why="they are one"),
    case("story", "UTF-16", story(STORY.encode("utf-16")), 0, why="it has its mark"),
    case("story", "Latin-1", story(STORY.replace("sun", "Süd").encode("latin-1")), 0, why="guessed, and that is said"),
    case("story", "empty", story(b""), 2, "story.txt"),
    case("story", "blanks only", story(" \n" * 90), 2, "story.txt"),
    case("story", "NULs", story(STORY.replace("day 30", "day\0 30")), 2, "story.txt", "line 31", "zero byte"),
    case("story", "too short", story("A short text, and no more of it.\n" * 12), 2, "at least 500", task="next"),
    case("story", "one symbol", story(("a" * 90 + "\n") * 30), 2, "'a', again and again", task="next"),
    case("story", "one word", story("again again again again again again again again again again again again\n" * 50), 2, "'again'",
         level="words"),
    case("story", "one line of a megabyte", story("word after word, " * 60_000), 0, why="it is cut at blanks"),
    case("story", "a level that is none", story(STORY), 2, "syllables", level="syllables"),
    case("story", "folds", story(STORY), 2, "--folds", folds="3"),
    case("story", "as classes", story(STORY), 2, "story", task="classify"),
    case("story", "letters of all scripts", story("".join(chr(0x400 + i * 7919 % 2_900) for i in range(90_000))), 0,
         why="letters are letters"),
    case("story", "control letters", story(STORY.replace("rained", "\x1b[2Jrained\x07")), 0, why="letters are letters"),
    case("story", "parts", parts(train=STORY, valid=STORY[:1_000], test=STORY[1_000:2_000]), 0, why=FINE),
    case("story", "an empty part", parts(train=STORY, valid=b"", test=STORY[:900]), 0, why="what is missing is taken from the training part"),
    case("story", "a test part of other letters", parts(train=STORY, test="ΑΒΓ ΔΕΖ ΗΘΙ, ΚΛΜ ΝΞΟ ΠΡΣ.\n" * 40), 0, why="they are counted as unknown"),
)  # fmt: skip
