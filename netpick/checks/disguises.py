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
SURE_ROWS = (
    73  # rows on the smaller side that are all told: 95 % of further ones will be, too (Wilson); fewer stop no run
)
SLIPS = 0.01  # of the rows may lie on the wrong side of a bin's border, or be of another value than their class
MOST_BINS = 0.1  # of the rows; more different values are no bins
WORDS = 1 << 18  # places that words are hashed to
TOLD = 0.99  # of a class's rows and of nobody else, as a share of that class's size
MOST_CELLS = 4_096  # of a picture, series or sound
SPREADS_APART = 3.0  # between the means of a class and of the others, for a cell to be looked at closely
MOST_CLOSE = 30  # cells looked at closely, a class


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """What gives the target away, in words that go on "Column 'x' ...", and how severe that is."""

    said: str
    severe: bool


def bins_of_numbers(codes: Array, target: Array) -> Disguise | None:
    """Whether a column of few values cuts the target into pieces that do not overlap. codes, target (n,).

    A feature never does: its values' targets overlap. Where a piece is a single number, as a tip of 0 for all who pay in cash,
    the column may as well be its reason: that is worth a word, and stops nobody.
    """
    known = ~np.isnan(target)
    codes, target = codes[known], target[known]
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) < 2 or len(counts) > MOST_BINS * len(codes) or np.sort(counts)[-2] < FEWEST_EACH:
        return None
    if len(np.unique(target)) <= len(counts):
        return None
    slips = SLIPS * np.sort(counts)[:-1].sum()
    values = codes[np.argsort(target, kind="stable")]
    untied = np.diff(np.sort(target)) > 0
    if int(((np.diff(values) != 0) & untied).sum()) > len(counts) - 1 + 2 * slips:
        return None  # each row out of place changes the value twice at most
    if _out_of_place(codes, target, len(counts)) > slips:
        return None
    single = any(np.ptp(target[codes == code]) == 0 for code in np.flatnonzero(counts >= FEWEST_EACH).tolist())
    return Disguise(
        said=f"cuts the target into {len(counts):,} pieces that do not overlap, on {len(codes):,} training rows",
        severe=not single and int(np.sort(counts)[:-1].sum()) >= SURE_ROWS,
    )


def _out_of_place(codes: Array, target: Array, pieces: int) -> int:
    """Rows beyond the borders of their value's piece; each border lies where fewest do, and never between equal targets."""
    values, at = np.unique(target, return_inverse=True)
    middles = np.array([np.median(target[codes == code]) for code in range(pieces)])
    place = np.empty(pieces, np.int64)
    place[np.argsort(middles, kind="stable")] = np.arange(pieces)
    rank = place[codes]
    counts = np.zeros((pieces, len(values)), np.int64)
    np.add.at(counts, (rank, at), 1)
    below = np.concatenate(
        [np.zeros((pieces, 1), np.int64), np.cumsum(counts, axis=1)], axis=1
    )  # rows left of a border
    kept = below[0]  # most rows in place, by where the piece ends
    for piece in range(1, pieces):
        kept = below[piece] + np.maximum.accumulate(kept - below[piece])
    return int(len(codes) - kept[-1])


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
            severe=size >= SURE_ROWS,
        )
    return None


def _word_at(cells: list[str], found: object, place: int, maker: object) -> str:
    rows = found.indices[found.indptr[place] : found.indptr[place + 1]]  # type: ignore[attr-defined]
    for word in cells[int(rows[0])].lower().split():
        if place in maker.transform([word]).indices:  # type: ignore[attr-defined]
            return word[:40]
    return "a word"


def telling_cell(column: ArrayColumn, rows: Array, target: Array, labels: tuple[str, ...]) -> Disguise | None:
    """A pixel, or a value at one step, that one class has and no other has: a mark, a border, a counter.

    rows are in random order: the value is found in all of them, and stops a run only where one that was found in the first half
    tells the second, too. Of thousands of values, some tell a few dozen rows apart by chance, or by their nature.
    """
    values = column.values[rows]
    known = target >= 0
    flat = values.reshape(len(rows), -1)[known]
    target = target[known].astype(np.int64)
    stride = -(-flat.shape[1] // MOST_CELLS)
    cells = np.nan_to_num(np.asarray(flat[:, ::stride], np.float32))
    best = _best_cell(cells, target)
    if best is None:
        return None
    told, label, cell = best
    place = ", ".join(str(i + 1) for i in np.unravel_index(cell * stride, values.shape[1:]))
    axes = {"image": "channel, line, column", "clip": "frame, channel, line, column"}.get(column.kind, "step, channel")
    name = labels[label] if label < len(labels) else str(label)
    return Disguise(
        said=(
            f"tells '{name}' from the other classes by a single value, that at {place} ({axes}): {100 * told:.4g} % of the "
            f"{len(target):,} training rows looked at"
        ),
        # Of two classes a single pixel may tell by its nature: the middle of a 0 and of a 1.
        severe=(len(np.unique(target)) > 2 or told >= 0.9999) and _tells_others(cells, target),
    )


def _best_cell(cells: npt.NDArray[np.float32], target: Array) -> tuple[float, int, int] | None:
    """What the best cell tells, of which class, and which it is."""
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
                best = (told, label, cell)
    return best


def _tells_others(cells: npt.NDArray[np.float32], target: Array) -> bool:
    """Whether the cell that is best in the first half of the rows tells the second half as well, and whether these are enough."""
    half = len(cells) // 2
    found = _best_cell(cells[:half], target[:half])
    if found is None:
        return False
    _, label, cell = found
    own = target[half:] == label
    size = int(min(own.sum(), (~own).sum()))
    first = target[:half] == label
    wrong = _mistakes(
        cells[:half][first, cell], cells[:half][~first, cell], cells[half:][own, cell], cells[half:][~own, cell]
    )
    return size >= SURE_ROWS and wrong <= (1 - TOLD) * size


def _mistakes(
    mine: npt.NDArray[np.float32],
    others: npt.NDArray[np.float32],
    asked: npt.NDArray[np.float32] | None = None,
    asked_others: npt.NDArray[np.float32] | None = None,
) -> int:
    """Rows outside the best interval around the class, or others inside it; `asked` ones, where other rows are asked."""
    best: tuple[int, float, float] | None = None
    for low, high in ((0.0, 1.0), (0.005, 0.995)):
        a, b = np.quantile(mine, [low, high])
        inside = _outside(mine, others, a, b)
        if best is None or inside < best[0]:
            best = (inside, float(a), float(b))
    assert best is not None
    if asked is None or asked_others is None:
        return best[0]
    # Between the class and the others there is room on both sides.
    margin = 0.25 * float(mine.std() + 1e-6)
    return _outside(asked, asked_others, best[1] - margin, best[2] + margin)


def _outside(mine: npt.NDArray[np.float32], others: npt.NDArray[np.float32], low: float, high: float) -> int:
    return int(((others >= low) & (others <= high)).sum()) + int(((mine < low) | (mine > high)).sum())
