"""Texts as counts of words, or of short runs of characters, weighted by how rare they are (TF-IDF).

As scikit-learn's TfidfVectorizer counts them with sublinear_tf, tokens being words and single marks. What was learned, the
terms and their weights, is data; new texts are counted by it alone.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.types import STRICT, Array

MOST_TERMS = 300_000  # the most frequent ones
SEVERAL_ROWS = 500  # with more, a term has to come in two texts
ONE_WORD_SHARE = 0.5  # of the texts; where more have a single word, characters are counted
TOKENS = re.compile(r"\w+|[^\w\s]")
# Of scripts that part no words, each letter stands for itself: kana, Han, Thai, Lao, Tibetan, Burmese, Khmer.
UNPARTED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
LETTER = re.compile(f"[{UNPARTED}]")
TOKENS_OR_LETTERS = re.compile(rf"[{UNPARTED}]|[^\W{UNPARTED}]+|[^\w\s]")
SOME_TEXTS = 0.02  # hold such letters, from which on they are counted
SPACED = re.compile(r"\S\s+\S")
SPACES = re.compile(r"\s\s+")
NOTHING = "\x00"

Analyzer = Literal["words", "words and letters", "characters", "whole texts"]
WHAT = {
    "words": "counts of up to 2 words in a row",
    "words and letters": "counts of up to 2 words in a row, or letters of scripts that part no words",
    "characters": "counts of up to 3 characters in a row",
    "whole texts": "whole texts",
}


@strict_dataclass(config=STRICT, kw_only=True)
class CountsState:
    """A column of texts, and what is counted of it."""

    column: str
    analyzer: Analyzer


def words(text: str) -> list[str]:
    """Words and marks in lower case, and pairs of them."""
    tokens = TOKENS.findall(text.lower())
    return tokens + [f"{first} {second}" for first, second in pairwise(tokens)]


def words_and_letters(text: str) -> list[str]:
    """The same, where letters of scripts that part no words are words."""
    tokens = TOKENS_OR_LETTERS.findall(text.lower())
    return tokens + [f"{first} {second}" for first, second in pairwise(tokens)]


def characters(text: str) -> list[str]:
    """Characters, pairs and triples of them; blanks in a row are one."""
    text = SPACES.sub(" ", text)
    pairs = [text[i : i + 2] for i in range(len(text) - 1)]
    return [*text, *pairs, *(text[i : i + 3] for i in range(len(text) - 2))]


def whole(text: str) -> list[str]:
    """The text itself."""
    return [text or "-"]


TERMS: Mapping[Analyzer, Callable[[str], list[str]]] = {
    "words": words,
    "words and letters": words_and_letters,
    "characters": characters,
    "whole texts": whole,
}


def fit_counts(column: str, texts: Array, prefix: str, fewest: int = 1) -> tuple[CountsState, dict[str, Array], Any]:
    """State, arrays, and the weighted counts (n, terms) of these training texts, sparse. fewest: texts that a term must come in."""
    spaced = sum(SPACED.search(text) is not None for text in texts) / max(1, len(texts))
    analyzer: Analyzer = "characters"
    if spaced >= ONE_WORD_SHARE:
        lettered = sum(LETTER.search(text) is not None for text in texts) / len(texts)
        analyzer = "words" if lettered < SOME_TEXTS else "words and letters"
    terms, counts = _counted(texts, analyzer, max(fewest, 2 if len(texts) > SEVERAL_ROWS else 1))
    if not terms:
        analyzer = "whole texts"
        terms, counts = _counted(texts, analyzer, fewest)
    if not terms:  # all too rare to be kept: one term that no text is
        terms, counts = [NOTHING], _matrix([], [0] * (len(texts) + 1), 1)
    rarity = np.log((1 + len(texts)) / (1 + np.bincount(counts.indices, minlength=len(terms)))) + 1
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    arrays: dict[str, Array] = {
        f"{prefix}terms": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{prefix}ends": np.cumsum([len(term) for term in encoded], dtype=np.int64),
        f"{prefix}rarity": rarity,
    }
    return CountsState(column=column, analyzer=analyzer), arrays, _weighted(counts, rarity)


def read_terms(arrays: Mapping[str, Array], prefix: str) -> dict[str, int]:
    """The number of each term. Raises ValueError where the bytes are no terms."""
    content, ends = arrays[f"{prefix}terms"], arrays[f"{prefix}ends"]
    if content.dtype != np.uint8 or content.ndim != 1 or ends.dtype != np.int64 or ends.ndim != 1 or not len(ends):
        raise ValueError("the terms of texts are no terms")
    if ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] != len(content) or len(ends) > MOST_TERMS:
        raise ValueError("the terms of texts do not end where they say")
    rarity = arrays[f"{prefix}rarity"]
    if rarity.shape != ends.shape or rarity.dtype != np.float64 or not (rarity > 0).all():
        raise ValueError("the terms of texts have no weights")
    data, starts = content.tobytes(), [0, *ends[:-1].tolist()]
    numbers = {
        data[start:end].decode("utf-8", "surrogatepass"): number
        for number, (start, end) in enumerate(zip(starts, ends.tolist(), strict=True))
    }
    if len(numbers) != len(ends):
        raise ValueError("a term stands twice")
    return numbers


def count(state: CountsState, terms: Mapping[str, int], rarity: Array, texts: Iterable[str]) -> Any:
    """Weighted counts (n, terms) of new texts, sparse."""
    split = TERMS[state.analyzer]
    indices: list[int] = []
    starts = [0]
    for text in texts:
        indices.extend([number for term in split(text) if (number := terms.get(term)) is not None])
        starts.append(len(indices))
    return _weighted(_matrix(indices, starts, len(terms)), rarity)


def _counted(texts: Array, analyzer: Analyzer, fewest: int) -> tuple[list[str], Any]:
    """Terms that come in at least so many texts, sorted, and their counts (n, terms)."""
    split = TERMS[analyzer]
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    indices, starts = array("i"), [0]
    for text in texts:
        indices.extend([numbers[term] for term in split(text)])
        starts.append(len(indices))
    counts = _matrix(indices, starts, len(numbers))
    names = np.array(list(numbers), dtype=object)
    if not len(names):
        return [], counts
    kept = np.flatnonzero(np.bincount(counts.indices, minlength=len(names)) >= fewest)
    if len(kept) > MOST_TERMS:
        often = np.bincount(counts.indices, weights=counts.data, minlength=len(names))[kept]
        kept = kept[np.argsort(-often, kind="stable")[:MOST_TERMS]]
    kept = kept[np.argsort(names[kept], kind="stable")]
    place = np.full(len(names), -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    used = place[counts.indices] >= 0
    before = np.concatenate([[0], np.cumsum(used)])
    counts = _csr(counts.data[used], place[counts.indices[used]], before[counts.indptr], len(kept))
    counts.sort_indices()
    return list(names[kept]), counts


def _matrix(indices: Any, starts: list[int], width: int) -> Any:
    """How often each number stands in each row."""
    counts = _csr(np.ones(len(indices)), np.array(indices, dtype=np.int32), np.array(starts), width)
    counts.sum_duplicates()
    return counts


def _csr(data: Array, indices: Array, starts: Array, width: int) -> Any:
    from scipy import sparse

    return sparse.csr_matrix((data, indices, starts), shape=(len(starts) - 1, max(1, width)))


def _weighted(counts: Any, rarity: Array) -> Any:
    """(1 + log count) * rarity, each row of length 1."""
    data = (1 + np.log(counts.data)) * rarity[counts.indices] if len(counts.data) else counts.data
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(row, weights=np.square(data), minlength=counts.shape[0]))
    return _csr(data / lengths[row], counts.indices, counts.indptr, counts.shape[1])
