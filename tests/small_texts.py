"""A text of a small grammar, drawn anew from a fixed seed: what comes next can partly be known."""

from __future__ import annotations

import numpy as np

WHO = ("the cat", "a dog", "the old man", "my aunt", "nobody")
DOES = ("sees", "hears", "likes", "forgets")


def small_text(sentences: int, seed: int = 0) -> str:
    """Two sentences a line."""
    generator = np.random.default_rng(seed)
    made = []
    for number in range(sentences):
        first, second = generator.choice(WHO, 2, replace=False)
        made.append(f"{first} {generator.choice(DOES)} {second}." + ("\n" if number % 2 else " "))
    return "".join(made)
