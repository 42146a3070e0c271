"""Pieces of music as chords: one a step, a note for each voice, as numbers of MIDI (60 is middle C, 0 is silence).

As text a chord is a line, its notes parted by blanks or commas, the highest voice first as a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from netpick.types import Array

HIGHEST = 127  # note
MOST_VOICES = 16
MOST_CHORDS = 100_000  # of a piece
APART = re.compile(r"[\s,;]+")
BREAKS = re.compile(r"[\n/|]")


def chords_of(text: str, voices: int | None = None) -> Array:
    """(n, V) int32 of a piece. voices: how many there must be; None: as many as the first chord has.

    Raises ValueError with what was found and what was expected.
    """
    lines = [line for line in BREAKS.split(text) if line.strip()]
    if len(lines) > MOST_CHORDS:
        raise ValueError(f"it has {len(lines):,} chords, but at most {MOST_CHORDS:,} were expected")
    rows = [chord_of(line, number, voices) for number, line in enumerate(lines, start=1)]
    if not rows:
        return np.zeros((0, voices or 0), dtype=np.int32)
    wanted = len(rows[0]) if voices is None else voices
    for number, row in enumerate(rows, start=1):
        if len(row) != wanted:
            raise ValueError(f"chord {number:,} has {_notes(len(row))}, but {_notes(wanted)} were expected")
    if wanted > MOST_VOICES:
        raise ValueError(f"its chords have {wanted} notes, but at most {MOST_VOICES} voices were expected")
    return np.array(rows, dtype=np.int32)


def chord_of(line: str, number: int, voices: int | None = None) -> list[int]:
    """The notes of one chord, which stands at this place. Raises ValueError."""
    notes = []
    for cell in APART.split(line.strip(" \t\r,;")):
        try:
            note = int(cell)
        except ValueError:
            note = None
        if note is None or not 0 <= note <= HIGHEST or not cell.isascii():
            shown = f"'{cell[:20]}'" if note is None else f"{cell[:20]}"
            raise ValueError(
                f"chord {number:,} holds {shown}, but a note from 0 (silence) to {HIGHEST} was expected (60 is middle C)"
            )
        notes.append(note)
    return notes


def text_of_chords(chords: Iterable[Iterable[int]]) -> str:
    """The inverse of `chords_of`."""
    return "\n".join(" ".join(map(str, chord)) for chord in chords)


def _notes(count: int) -> str:
    return "1 note" if count == 1 else f"{count:,} notes"
