"""Forms of the target that the nearest value in a column does not show: its bins, words that only one class has, and single
pixels or steps. D002 asks for them beside its own question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from netpick.types import Array, ArrayColumn

FEWEST_EACH = 10  # rows of a value, or of a class
SLIPS = 0.01  # of the rows may lie on the wrong side of a bin's border, or be of another value than their class
MOST_BINS = 0.1  # of the rows; more different values are no bins
WORDS = 1 << 18  # places that words are hashed to
TOLD = 0.99  # of a class's rows and of nobody else, as a share of that class's size
MOST_CELLS = 4_096  # of a picture, series or sound
SPREADS_APART = 3.0  # between the means of a class and of the others, for a cell to be looked at closely
MOST_CLOSE = 30  # cells looked at closely, a class


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """What gives the target away, in words that go on "Column 'x' ...", and how grave that is."""

    said: str
    severe: bool


def bins_of_numbers(codes: Array, target: Array) -> Disguise | None:
    """Whether a column of few values cuts the target into pieces that do not overlap. codes, target (n,).

    A feature never does: its values' targets overlap.
    """
    known = ~np.isnan(target)
    codes, target = codes[known], target[known]
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) < 2 or len(counts) > MOST_BINS * len(codes) or np.sort(counts)[-2] < FEWEST_EACH:
        return None
    order = np.lexsort((codes, target))
    ordered, value = codes[order], target[order]
    change = ordered[1:] != ordered[:-1]
    tied = value[1:] == value[:-1]  # a border may go through equal targets
    changes = int((change & ~tied).sum()) + int((change & tied).sum() > len(counts))
    if changes - (len(counts) - 1) > SLIPS * np.sort(counts)[:-1].sum() or len(np.unique(target)) <= len(counts):
        return None
    return Disguise(
        said=f"cuts the target into {len(counts):,} pieces that do not overlap, on {len(codes):,} training rows",
        severe=True,
    )


def groups_of_classes(codes: Array, target: Array) -> Disguise | None:
    """Whether every class has one value of the column, and the values more than one: a coarser form of the target."""
    known = target >= 0
    codes, target = codes[known], target[known].astype(np.int64)
    names, codes = np.unique(codes, return_inverse=True)
    classes, target, counts = np.unique(target, return_inverse=True, return_counts=True)
    if len(classes) < 3 or not 2 <= len(names) <= len(classes) or counts.min() < FEWEST_EACH:
        return None
    table = np.bincount(target * len(names) + codes, minlength=len(classes) * len(names)).reshape(len(classes), -1)
    if (table.max(axis=1) < (1 - SLIPS) * counts).any() or len(np.unique(table.argmax(axis=1))) < 2:
        return None
    return Disguise(
        said=(
            f"has one value for each class, {len(names)} values for {len(classes)} classes, on {len(codes):,} training rows: it is "
            "a coarser form of the target"
        ),
        severe=False,
    )


def telling_word(texts: pl.Series, target: Array, labels: tuple[str, ...]) -> Disguise | None:
    """A word that all texts of one class have, and no other (or the other way round)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    known = target >= 0
    target = target[known].astype(np.int64)
    cells = texts.fill_null("").to_list()
    cells = [cell for cell, keep in zip(cells, known.tolist(), strict=True) if keep]
    maker = HashingVectorizer(
        n_features=WORDS, binary=True, norm=None, alternate_sign=False, dtype=np.float32, token_pattern=r"[^\s]+"
    )
    found = maker.transform(cells).tocsc()
    total = np.diff(found.indptr)
    for label in np.unique(target).tolist():
        own = target == label
        size = int(min(own.sum(), (~own).sum()))
        if size < FEWEST_EACH:
            continue
        with_word = np.asarray(found.T @ own.astype(np.float32)).ravel()
        wrong = (own.sum() - with_word) + (total - with_word)  # own texts without it, others with it
        best = int(wrong.argmin())
        if wrong[best] > (1 - TOLD) * size:
            continue
        word = _word_at(cells, found, best, maker)
        name = labels[label] if label < len(labels) else str(label)
        return Disguise(
            said=(
                f"holds '{word}' in {with_word[best]:,.0f} of {own.sum():,} texts of '{name}' and in "
                f"{total[best] - with_word[best]:,.0f} of {(~own).sum():,} others"
            ),
            severe=True,
        )
    return None


def _word_at(cells: list[str], found: object, place: int, maker: object) -> str:
    rows = found.indices[found.indptr[place] : found.indptr[place + 1]]  # type: ignore[attr-defined]
    for word in cells[int(rows[0])].lower().split():
        if place in maker.transform([word]).indices:  # type: ignore[attr-defined]
            return word[:40]
    return "a word"


def telling_cell(column: ArrayColumn, rows: Array, target: Array, labels: tuple[str, ...]) -> Disguise | None:
    """A pixel, or a value at one step, that one class has and no other has: a mark, a border, a counter."""
    values = column.values[rows]
    known = target >= 0
    flat = values.reshape(len(rows), -1)[known]
    target = target[known].astype(np.int64)
    stride = -(-flat.shape[1] // MOST_CELLS)
    cells = np.nan_to_num(np.asarray(flat[:, ::stride], np.float32))
    best: tuple[float, int, int] | None = None
    for label in np.unique(target).tolist():
        own = target == label
        size = int(min(own.sum(), (~own).sum()))
        if size < FEWEST_EACH:
            continue
        mine, others = cells[own], cells[~own]
        spread = np.sqrt(mine.var(axis=0) + others.var(axis=0))
        apart = np.abs(mine.mean(axis=0) - others.mean(axis=0)) / np.maximum(spread, 1e-6)
        close = np.argsort(-apart)[:MOST_CLOSE]
        for cell in close[apart[close] > SPREADS_APART].tolist():
            told = 1 - _mistakes(mine[:, cell], others[:, cell]) / size
            if told >= TOLD and (best is None or told > best[0]):
                best = (told, label, cell * stride)
    if best is None:
        return None
    told, label, cell = best
    place = ", ".join(str(i + 1) for i in np.unravel_index(cell, values.shape[1:]))
    axes = {"image": "channel, line, column", "clip": "frame, channel, line, column"}.get(column.kind, "step, channel")
    name = labels[label] if label < len(labels) else str(label)
    return Disguise(
        said=(
            f"tells '{name}' from the other classes by a single value, that at {place} ({axes}): {100 * told:.4g} % of the "
            f"{len(target):,} training rows looked at"
        ),
        # Of two classes a single pixel may tell by its nature: the middle of a 0 and of a 1.
        severe=len(np.unique(target)) > 2 or told >= 0.9999,
    )


def _mistakes(mine: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> int:
    """Rows on the wrong side of the best border, or outside the best interval around the class."""
    fewest = len(mine) + len(others)
    for low, high in ((0.0, 1.0), (0.005, 0.995)):
        a, b = np.quantile(mine, [low, high])
        inside = int(((others >= a) & (others <= b)).sum()) + int(((mine < a) | (mine > b)).sum())
        fewest = min(fewest, inside)
    return fewest
