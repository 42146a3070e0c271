"""Makes documents of 3,000 words whose last sentence decides: `python -m bench.joined_texts FOLDER [WORDS [DOCUMENTS]]`.

Each sentence of sst2 is the end of one document and gives it its label; what stands before are sentences of the same part drawn
at random, of both labels. Writes train.csv and test.csv; then

    netpick fit FOLDER/train.csv --test FOLDER/test.csv --target label --models rnn,transformer --budget 10m
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

from bench.long_texts import sentences

WORDS = 3_000


def documents(part: str, words: int, most: int, seed: int) -> list[tuple[str, str]]:
    """Texts and labels in random order."""
    chance = random.Random(seed)
    known = [(text, label) for label, texts in sorted(sentences(part).items()) for text in texts]
    chance.shuffle(known)
    made = []
    for text, label in known[:most]:
        before: list[str] = []
        while len(before) < words:
            before += [*chance.choice(known)[0].split(), "."]
        made.append((" ".join([*before[: words - len(text.split())], text]), label))
    return made


def main(folder: Path, words: int = WORDS, most: int = 1 << 30) -> None:
    """Writes text and label of both parts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part, seed in (("train", "train", 0), ("test", "test", 1)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(["text", "label"])
            out.writerows(documents(part, words, most, seed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
