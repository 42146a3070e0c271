"""Sentences with tagged names, drawn anew from a fixed seed: most are known by the words around them, some by how they are written."""

from __future__ import annotations

import numpy as np

FIRST = ("Anna", "Ben", "Cleo", "Dora", "Emil")
LAST = ("Archer", "Baker", "Cooper", "Dyer")
PLACES = ("Oslo", "Paris", "Rome", "New York", "Lima")
DOES = ("lives", "works", "sings", "sleeps")


def tagged_sentences(count: int, seed: int = 0) -> list[list[tuple[str, str]]]:
    """Words with IOB2 tags."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        name = [(str(generator.choice(FIRST)), "B-person")]
        if generator.random() < 0.5:
            name.append((str(generator.choice(LAST)), "I-person"))
        place = [(word, f"{'I' if n else 'B'}-place") for n, word in enumerate(str(generator.choice(PLACES)).split())]
        year = [("in", "O"), (str(generator.integers(1900, 2000)), "O")] if generator.random() < 0.3 else []
        made.append([*name, (str(generator.choice(DOES)), "O"), ("in", "O"), *place, *year, (".", "O")])
    return made


def as_conll(sentences: list[list[tuple[str, str]]]) -> str:
    return "".join("".join(f"{word}\t{tag}\n" for word, tag in sentence) + "\n" for sentence in sentences)
