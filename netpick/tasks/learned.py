"""Which rows a model learned from: a compact fingerprint of them in the model file, and rows compared with it.

It holds no row: of each, some 26 bits of a hash of its encoded features, so few that one row in four thousand which the model
never saw matches too. It can say how many of many rows were learned from, not whether one was.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.columns.row_hashes import hash_rows
from netpick.disk.strict import RefusedError
from netpick.types import Array, LearnedRows, PartOfRows, Rows
from netpick.types.results import Score

MOST_KEPT = 16_384  # rows of each part; of more, some are drawn: four bytes each
MATCH_BITS = 12  # one row in 2^12 that was never seen matches
NOISE = 3.0  # standard errors that matches must be above those of chance


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How many of some rows the model has seen before, in training and as validation rows."""

    rows: int
    trained: int
    validated: int
    exact: bool  # counted, not estimated from a part of the rows that were learned from

    @property
    def seen(self) -> int:
        return self.trained + self.validated

    @property
    def sentence(self) -> str:
        """What this means for a score of the rows."""
        if self.seen == 0:
            return f"None of the {self.rows:,} rows was learned from."
        about = "" if self.exact else "About "
        if not self.trained:
            return f"{about}{self.validated:,} of {self.rows:,} rows are validation rows of this model: its score is too optimistic."
        chosen = f" and {self.validated:,} more are its validation rows" if self.validated else ""
        return f"{about}{self.trained:,} of {self.rows:,} rows were learned from{chosen}: this score is too optimistic."


class Scores(dict[str, Score]):
    """Scores by metric, and how many of the scored rows the model has seen before (None: its file does not say)."""

    def __init__(self, scores: Mapping[str, Score], overlap: Overlap | None) -> None:
        super().__init__(scores)
        self.overlap = overlap


def learned_rows(arrays: Mapping[str, Array], train: Rows, validation: Rows, unseen: Rows) -> LearnedRows:
    """The fingerprint of what was learned from and chosen on; arrays: encoded rows by input name.

    unseen: rows that were neither, nor are copies of such: as many of them as match do so by chance. Where there are none, as
    all rows were learned from, validation rows tell how many match training rows.
    """
    unseen = unseen if len(unseen) else validation
    parts = {"train": _part(arrays, train), "validation": _part(arrays, validation)}
    known = _found(hash_rows(arrays, _some(unseen)), parts["train"]) if len(unseen) else np.zeros(0, dtype=bool)
    return LearnedRows(**parts, by_chance=float(known.mean()) / _share(parts["train"]) if len(known) else 0.0)


def overlap(learned: LearnedRows, arrays: Mapping[str, Array], rows: Rows) -> Overlap:
    """How many of the rows were learned from, beyond those that match by chance."""
    hashes = hash_rows(arrays, rows)
    known = _found(hashes, learned.train)
    trained = _beyond_chance(known, learned.train, learned.by_chance)
    validated = _beyond_chance(_found(hashes, learned.validation) & ~known, learned.validation, learned.by_chance)
    exact = all(part.rows <= MOST_KEPT for part in (learned.train, learned.validation))
    return Overlap(
        rows=len(rows), trained=trained, validated=min(validated, len(rows) - trained), exact=exact
    )  # fmt: skip


def _beyond_chance(found: npt.NDArray[np.bool_], part: PartOfRows, by_chance: float) -> int:
    share = _share(part)
    expected = (min(1.0, by_chance * share) + 2.0**-MATCH_BITS) * len(found)
    count = int(found.sum())
    if count <= expected + NOISE * math.sqrt(expected):
        return 0
    return min(len(found), round(count / share))


def _share(part: PartOfRows) -> float:
    """Of the part's rows that are kept."""
    return min(1.0, MOST_KEPT / max(1, part.rows))


def _some(rows: Rows) -> Rows:
    return rows if len(rows) <= MOST_KEPT else np.sort(np.random.default_rng(0).choice(rows, MOST_KEPT, replace=False))


def _part(arrays: Mapping[str, Array], rows: Rows) -> PartOfRows:
    kept = _some(rows)
    bits = min(32, MATCH_BITS + max(1, len(kept)).bit_length())
    values = np.unique(_cut(hash_rows(arrays, kept), bits)) if len(kept) else np.zeros(0, dtype="<u4")
    return PartOfRows(rows=len(rows), bits=bits, hashes=base64.b64encode(values.tobytes()).decode())


def _cut(hashes: Array, bits: int) -> Array:
    return (hashes >> np.uint64(64 - bits)).astype("<u4")


def require_readable(learned: LearnedRows) -> None:
    """Raises RefusedError when the hashes are not what is written."""
    for part in (learned.train, learned.validation):
        try:
            count = len(_values(part))
        except (binascii.Error, ValueError):
            raise RefusedError("its hashes of rows cannot be read") from None
        if count > min(MOST_KEPT, part.rows):
            raise RefusedError("it has more hashes than rows that it learned from")


def _values(part: PartOfRows) -> Array:
    return np.frombuffer(base64.b64decode(part.hashes, validate=True), dtype="<u4")


def _found(hashes: Array, part: PartOfRows) -> npt.NDArray[np.bool_]:
    return np.isin(_cut(hashes, part.bits), _values(part))


__all__ = ["Overlap", "Scores", "learned_rows", "overlap", "require_readable"]
