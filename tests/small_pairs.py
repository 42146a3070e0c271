"""Pairs of a toy language: words and their order are its own, so that a source has one target."""

from __future__ import annotations

import numpy as np

WORDS = {
    "the": "le",
    "cat": "chat",
    "dog": "chien",
    "old": "vieux",
    "sees": "voit",
    "a": "un",
    "tree": "arbre",
    "likes": "aime",
}


def small_pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """A sentence, and the same with other words, adjectives behind their nouns."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        who, whom = generator.choice(["cat", "dog", "tree"], 2, replace=False)
        old = "old " if generator.random() < 0.5 else ""
        first, verb, second = (generator.choice(part) for part in (["the", "a"], ["sees", "likes"], ["the", "a"]))
        behind = f" {WORDS['old']}" if old else ""
        target = f"{WORDS[first]} {WORDS[who]}{behind} {WORDS[verb]} {WORDS[second]} {WORDS[whom]}."
        made.append((f"{first} {old}{who} {verb} {second} {whom}.", target))
    return made


def dates(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Days written in some ways, and as ISO has them."""
    generator = np.random.default_rng(seed)
    days = np.datetime64("1950-01-01") + generator.integers(0, 36_500, count)
    ways = ("%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%d.%m.%y")
    return [(day.item().strftime(ways[generator.integers(len(ways))]), str(day)) for day in days]
