"""Pairs of a toy language: words and their order are its own, so that a source has one target."""

from __future__ import annotations

import numpy as np

WORDS = {"the": "le", "a": "un", "old": "vieux", "sees": "voit", "likes": "aime", "hears": "entend"}
WORDS |= {"cat": "chat", "dog": "chien", "tree": "arbre", "bird": "oiseau", "man": "homme"}


def small_pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Sentences that all differ, of the 480 that there are, and the same with other words, adjectives behind their nouns."""
    assert count <= 480, "there are no more"
    generator = np.random.default_rng(seed)
    made: dict[tuple[str, str], None] = {}
    while len(made) < count:
        who, whom = generator.choice(["cat", "dog", "tree", "bird", "man"], 2, replace=False)
        old = "old " if generator.random() < 0.5 else ""
        first, verb, second = (
            generator.choice(part) for part in (["the", "a"], ["sees", "likes", "hears"], ["the", "a"])
        )
        behind = f" {WORDS['old']}" if old else ""
        target = f"{WORDS[first]} {WORDS[who]}{behind} {WORDS[verb]} {WORDS[second]} {WORDS[whom]}."
        made[f"{first} {old}{who} {verb} {second} {whom}.", target] = None
    return list(made)


def dates(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Days written in some ways, and as ISO has them."""
    generator = np.random.default_rng(seed)
    days = np.datetime64("1950-01-01") + generator.integers(0, 36_500, count)
    ways = ("%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%d.%m.%y")
    return [(day.item().strftime(ways[generator.integers(len(ways))]), str(day)) for day in days]
