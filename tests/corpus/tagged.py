"""Words with tags, and what is none."""

from __future__ import annotations

import json
from pathlib import Path

from corpus.build import file
from corpus.case import Case, Make
from corpus.folders import FINE, case

PLACES = ("Oslo", "Rome", "Lima", "Kyiv", "Bern")
SENTENCES = [f"He\tO\nlived\tO\nin\tO\n{PLACES[i % 5]}\tB-place\n{1900 + i}\tO\n.\tO\n" for i in range(60)]
NAMES, SOME, OTHERS = ("\n".join(part) + "\n" for part in (SENTENCES, SENTENCES[:20], SENTENCES[20:40]))
LONG = "".join(f"w{i}\tO\n" for i in range(10_000))


def conll(content: str | bytes) -> Make:
    return file("names.conll", content)


def parts(**contents: str) -> Make:
    def make(folder: Path) -> Path:
        return [file(f"names/names.{part}.conll", content)(folder) for part, content in contents.items()][-1].parent

    return make


def lines(*rows: dict[str, list[str]]) -> Make:
    good = [{"tokens": ["in", PLACES[i % 5], f"{i}"], "ner_tags": ["O", "B-place", "O"]} for i in range(60)]
    return file("names.jsonl", "\n".join(map(json.dumps, [*good, *rows])) + "\n")


CASES: tuple[Case, ...] = (
    case("tagged", "control", conll(NAMES), 0, why=FINE),
    case("tagged", "a mark of the encoding", conll(b"\xef\xbb\xbf" + NAMES.encode()), 0, why="it is no word"),
    case("tagged", "ends of lines of other systems", conll(NAMES.replace("\n", "\r\n")), 0, why="they are one"),
    case("tagged", "parted by blanks", conll(NAMES.replace("\t", "  ")), 0, why="columns may be"),
    case("tagged", "UTF-16", conll(NAMES.encode("utf-16")), 0, why="it has its mark"),
    case("tagged", "empty", conll(b""), 2, "names.conll"),
    case("tagged", "blank lines only", conll("\n" * 90), 2, "names.conll", "no word"),
    case("tagged", "NULs", conll(NAMES.replace("1930", "19\x0030")), 2, "names.conll", "zero byte"),
    case("tagged", "a word without its tag", conll(NAMES.replace("1930\tO", "1930")), 2, "names.conll", "line 215", "1 column"),
    case("tagged", "one column more", conll(NAMES.replace("1930\tO", "1930\tX\tO")), 2, "names.conll", "line 215", "3 columns"),
    case("tagged", "words alone", conll("a\nb\n\n" * 60), 2, "names.conll", "a word and its tag"),
    case("tagged", "one tag", conll(NAMES.replace("B-place", "O")), 2, "only 'O'"),
    case("tagged", "tags that no scheme allows", conll(NAMES.replace("B-place", "I-place", 7)), 0, why="they are read as conlleval does"),
    case("tagged", "a sentence of 10,000 words", conll(NAMES + LONG + "\n"), 0, why="it is read in pieces"),
    case("tagged", "no blank line", conll(NAMES.replace("\n\n", "\n")), 0, why="it is one sentence, in pieces"),
    case("tagged", "many blank lines", conll(NAMES.replace("\n\n", "\n\n\n \n\n")), 0, why="they hold nothing"),
    case("tagged", "a word of a megabyte", conll(NAMES + "x" * 1_000_000 + "\tO\n\n"), 0, why="its ends are read"),
    case("tagged", "control letters", conll(NAMES.replace("Oslo", "\x1b[2JOslo\x07")), 0, why="letters are letters"),
    case("tagged", "parts", parts(train=NAMES, dev=SOME, test=OTHERS), (0, 3), "D0", why=FINE),
    case("tagged", "parts of other columns", parts(train=NAMES, test=NAMES.replace("\tO", "\tX\tO")), 2, "names.test.conll", "column"),
    case("tagged", "lists", lines(), 0, why=FINE),
    case("tagged", "lists of unequal numbers", lines({"tokens": ["in", "Oslo"], "ner_tags": ["O"]}), 2, "row 61", "2 tokens and 1 tags"),
    case("tagged", "an empty list", lines({"tokens": [], "ner_tags": []}), 0, why="it holds nothing"),
    case("tagged", "a target that is none", conll(NAMES), 2, "place", target="place"),
    case("tagged", "other tasks", conll(NAMES), 2, "names", task="forecast"),
)  # fmt: skip
