"""Texts that are near copies of others: but for case, punctuation, some words."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_text, ends_of
from netpick.tasks.near.compare import Copies
from netpick.types import Array, Rows

HASHES = 1 << 18
COMMON = (
    0.1  # of the texts; a word or pair of words in more of them tells no two texts apart, and costs most of the time
)
LEAST_WORDS = 5  # shorter texts are alike by chance
LEAST_ALIKE = 0.7  # cosine of weighted words and pairs of words: two changed words in twenty leave about 0.8
PIECE = 200
MOST_CHARACTERS = 20_000  # of a text that are compared
MOST_TOGETHER = 20_000_000  # of all texts of a side; of longer ones the two ends


def copied_texts(cells: pl.Series, test: Rows, learned: Rows) -> Copies:
    """Which texts are near copies of learned ones (of others than themselves)."""
    known, known_words = _texts(cells, learned)
    asked, asked_words = _texts(cells, test)
    learned, known = learned[known_words >= LEAST_WORDS], known[known_words >= LEAST_WORDS]
    rows, asked = test[asked_words >= LEAST_WORDS], asked[asked_words >= LEAST_WORDS]
    none = Copies(looked=len(test), test=test[:0], learned=test[:0])
    if not len(rows) or not len(learned):
        return none
    left, right = _weighted(asked, known)
    best, partner = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    columns = right.T.tocsr()
    for start in range(0, len(rows), PIECE):
        similar = (left[start : start + PIECE] @ columns).tocsr()
        _without_itself(similar, rows[start : start + PIECE], learned)
        best[start : start + PIECE] = similar.max(axis=1).toarray()[:, 0]
        partner[start : start + PIECE] = np.asarray(similar.argmax(axis=1)).ravel()
    copied = best >= LEAST_ALIKE
    return Copies(looked=len(test), test=rows[copied], learned=learned[partner[copied]])


def _without_itself(similar: Any, rows: Rows, learned: Rows) -> None:
    """No text is a copy of itself. similar (n, k): sparse, changed in place."""
    at = np.repeat(np.arange(similar.shape[0]), np.diff(similar.indptr))
    similar.data[learned[similar.indices] == rows[at]] = 0


def _texts(cells: pl.Series, rows: Rows) -> tuple[Array, Array]:
    """Plain texts and how many words each has."""
    texts = (
        ends_of(as_text(cells.gather(rows)).fill_null("").str.head(MOST_CHARACTERS), MOST_TOGETHER)
        .str.to_lowercase()
        .str.replace_all(r"[^\w\s]+", " ")
    )
    words = texts.str.count_matches(r"\w+").to_numpy()
    return np.asarray(texts.to_list(), dtype=object), words


def _weighted(asked: Array, known: Array) -> tuple[Any, Any]:
    """Unit rows of weighted words and pairs of words, sparse, of both sides."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.feature_extraction.text import HashingVectorizer

    maker = HashingVectorizer(
        n_features=HASHES, ngram_range=(1, 2), binary=True, norm=None, alternate_sign=False, lowercase=False,
        dtype=np.float32, token_pattern=r"\w+",
    )  # fmt: skip
    left, right = maker.transform(asked), maker.transform(known)
    counts = np.bincount(right.indices, minlength=HASHES) + np.bincount(left.indices, minlength=HASHES)
    total = left.shape[0] + right.shape[0]
    weight = np.log((1 + total) / (1 + counts))
    rare = np.where(counts <= max(COMMON * total, 3), weight, 0).astype(np.float32)
    # Lengths are those of all words: texts that share their few rare words alone are not alike.
    lengths = [np.sqrt(np.asarray(side.multiply(weight**2).sum(axis=1)).ravel()) for side in (left, right)]
    scaled = []
    for side, length in zip((left, right), lengths, strict=True):
        kept = csr_matrix(side @ diags(rare))
        kept.eliminate_zeros()
        scaled.append(csr_matrix(diags(1 / np.maximum(length, 1e-6)) @ kept))
    return scaled[0], scaled[1]
