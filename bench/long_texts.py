"""Makes documents of some 250 words from sst2's sentences, each of one label: `python -m bench.long_texts documents.csv`.

The sentences of a document are drawn from one label at random, with a seed; one sentence in three is of the other label, so
that a document is no easier than a long review. Sentences of the test part make test documents alone.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

from bench.measure import SHARED_DATA

DOCUMENTS, TEST_DOCUMENTS, WORDS = 20_000, 5_000, 250
MIXED = 1 / 3  # of the sentences of a document are of the other label


def sentences(part: str) -> dict[str, list[str]]:
    """Of each label."""
    made: dict[str, list[str]] = {}
    for line in (SHARED_DATA / "sst2" / f"{part}.tsv").read_text("utf-8").splitlines():
        text, _, label = line.rpartition("\t")
        if label in ("0", "1"):
            made.setdefault(label, []).append(text)
    return made


def documents(part: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Texts and labels, both labels alike often."""
    chance, known = random.Random(seed), sentences(part)
    made = []
    for number in range(count):
        label = str(number % 2)
        words: list[str] = []
        while len(words) < WORDS:
            other = "1" if label == "0" else "0"
            words += chance.choice(known[other if chance.random() < MIXED else label]).split()
        made.append((" ".join(words[:WORDS]), label))
    chance.shuffle(made)
    return made


def main(path: Path) -> None:
    """Writes text, label and part."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["text", "label", "part"])
        for part, count, seed in (("train", DOCUMENTS, 0), ("test", TEST_DOCUMENTS, 1)):
            out.writerows((text, label, part) for text, label in documents(part, count, seed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
