"""A table of ratings: users who like some things more than others, and things that are liked more."""

from __future__ import annotations

import numpy as np
import polars as pl


def ratings_table(rows: int = 4_000, users: int = 130, items: int = 150, seed: int = 0) -> pl.DataFrame:
    """Each pair at most once; a user's taste and an item's kind meet in a product, beside a bias of each."""
    generator = np.random.default_rng(seed)
    pairs = generator.choice(users * items, rows, replace=False)
    user, item = pairs // items, pairs % items
    taste, kind = generator.normal(size=(users, 2)), generator.normal(size=(items, 2))
    generous, liked = generator.normal(0, 0.4, users), generator.normal(0, 0.4, items)
    rating = 3.2 + generous[user] + liked[item] + 0.8 * (taste[user] * kind[item]).sum(axis=1)
    rating = (rating + generator.normal(0, 0.3, rows)).round().clip(1, 5).astype(np.int64)
    return pl.DataFrame({"userId": 100 + user, "movieId": 7_000 + 3 * item, "rating": rating})
