"""Which pieces are learned from, chosen by and tested on: those with the same tune on one side, whatever key they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netpick.errors import DataError
from netpick.types import TEST, TRAIN, VALIDATION, Array, Rows

TENTH = 0.1
BEGINNING = 20  # changes of pitch of the first voice that make two tunes the same
FEWEST_CHORDS = 100  # of all pieces together, below which nothing can be learned or tested
NAMES = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}


@dataclass(frozen=True, kw_only=True)
class Divided:
    """The pieces of each part, by number."""

    rows: Mapping[int, Rows]
    given: bool
    validation_given: bool
    tunes: int  # test pieces that begin with the melody of a training piece


def divided(pieces: Sequence[Array], given: Array | None, *, seed: int, origin: str) -> Divided:
    """given: (N,) parts, where the data say them; of two parts the second is tested. Raises DataError where there is too little."""
    some = np.array([row for row, chords in enumerate(pieces) if len(chords)], dtype=np.int64)
    total = sum(map(len, pieces))
    if len(some) < 3 or total < FEWEST_CHORDS:
        raise DataError(
            f"{origin} holds {len(some):,} pieces of {total:,} chords in all, but at least 3 of {FEWEST_CHORDS} together were expected: to learn "
            "from, to choose by and to test on. Add pieces."
        )
    tunes = np.array([_tune(chords) for chords in pieces], dtype=object)
    parts = (
        _drawn(tunes, some, seed)
        if given is None or not (given != TRAIN).any()
        else _as_given(given, some, tunes, seed)
    )
    empty = next((NAMES[part] for part in (TRAIN, VALIDATION, TEST) if not len(parts[part])), None)
    if empty is not None:
        raise DataError(
            f"The {empty} part of {origin} holds no piece, but some were expected in each. Add pieces to it."
        )
    known = set(tunes[parts[TRAIN]].tolist()) - {""}
    return Divided(
        rows=parts,
        given=given is not None and bool((given != TRAIN).any()),
        validation_given=given is not None and (given == VALIDATION).any() and bool((given == TEST).any()),
        tunes=sum(tune in known for tune in tunes[parts[TEST]].tolist()),
    )


def _as_given(given: Array, some: Rows, tunes: Array, seed: int) -> dict[int, Rows]:
    tested = TEST if (given == TEST).any() else VALIDATION
    train, chosen = some[given[some] == TRAIN], some[(given[some] == VALIDATION) & (tested != VALIDATION)]
    if not len(chosen) and len(train) > 1:
        order = _by_tune(tunes, train, seed)
        count = max(1, round(TENTH * len(order)))
        train, chosen = order[count:], order[:count]
    return {TRAIN: train, VALIDATION: chosen, TEST: some[given[some] == tested]}


def _drawn(tunes: Array, some: Rows, seed: int) -> dict[int, Rows]:
    """A tenth of the pieces each to choose by and to test on, tunes whole."""
    order = _by_tune(tunes, some, seed)
    count = max(1, round(TENTH * len(order)))
    ends = [count, 2 * count]
    for place in range(2):  # a tune that would be cut goes to the earlier part
        while (
            ends[place] < len(order) - 1
            and tunes[order[ends[place]]]
            and tunes[order[ends[place]]] == tunes[order[ends[place] - 1]]
        ):
            ends[place] += 1
        ends[1] = max(ends[1], ends[0] + 1)
    return {TEST: order[: ends[0]], VALIDATION: order[ends[0] : ends[1]], TRAIN: order[ends[1] :]}


def _by_tune(tunes: Array, rows: Rows, seed: int) -> Rows:
    """In a random order, the same tunes side by side."""
    order = np.random.default_rng(seed).permutation(rows)
    first: dict[str, int] = {}
    for place, row in enumerate(order.tolist()):
        first.setdefault(tunes[row] or f"#{row}", place)
    return order[np.argsort([first[tunes[row] or f"#{row}"] for row in order.tolist()], kind="stable")]


def _tune(chords: Array) -> str:
    """The first changes of pitch of the first voice; the same in any key and rhythm. "" of a piece that has too few."""
    if not len(chords):
        return ""
    voice = chords[:, 0][chords[:, 0] > 0].astype(np.int64)
    moves = np.diff(voice)
    moves = moves[moves != 0]
    return " ".join(map(str, moves[:BEGINNING].tolist())) if len(moves) >= BEGINNING else ""
