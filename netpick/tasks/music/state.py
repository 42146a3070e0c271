"""The task of the next chord, and what it learned of pieces: how many voices they have.

A piece is a chord a step, and a chord a note for each voice. Its notes are said one after another, those of a chord from the first voice on, and
each from all chords before and the voices before it. Notes are numbers as symbols of texts are: 0 is none, 2 the end of a piece (in the
first voice, behind the last chord), and from 3 on silence and the 127 notes of MIDI.

An example is a block: some chords that follow each other. Its truth is (2, T, V): the numbers of the notes, 0 behind the end of the
piece; and what each is for scores: 0 no note, 1 one of a chord that was there already, 2 one of a chord that is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field as PydanticField
from pydantic.dataclasses import dataclass

from netpick.answers.notes import NOTES
from netpick.columns.kinds.cells import as_text
from netpick.data.notes import HIGHEST, MOST_VOICES, chords_of, text_of_chords
from netpick.errors import DataError
from netpick.tasks.base import Task
from netpick.tasks.text.levels import END, FIRST, PADDING, UNKNOWN
from netpick.types import STRICT, Array, Field, Inputs, InputSpec, Rows, TableColumn

BAR = 16  # steps; networks are told where in a bar a chord stands
BLOCK, CONTEXT = 4 * BAR, 4 * BAR  # chords that are answered together, and those before them that a network sees
NUM_NOTES = FIRST + HIGHEST + 1  # numbers that notes can have, with those that are none
MOST_BARS = 64
NONE, SAME, NEW = 0, 1, 2  # what a place of a block is for scores


@dataclass(config=STRICT, kw_only=True)
class MusicState:
    """What pieces are made of."""

    column: str
    voices: int = PydanticField(ge=1, le=MOST_VOICES)
    block: int = PydanticField(default=BLOCK, ge=BAR, le=MOST_BARS * BAR)  # chords
    context: int = PydanticField(default=CONTEXT, ge=BAR, le=MOST_BARS * BAR)

    def __post_init__(self) -> None:
        if self.block % BAR or self.context % BAR:
            raise ValueError(f"a block and what goes before it of whole bars ({BAR} chords)")

    @property
    def num_symbols(self) -> int:
        """Numbers that notes can have, with those that are none."""
        return NUM_NOTES

    # --- going on: see GoesOn ---

    @property
    def nouns(self) -> tuple[str, str]:
        return "note", "notes"

    @property
    def most_read(self) -> int:
        return (self.context + self.block) * self.voices

    @property
    def read_again(self) -> int:
        return self.context * self.voices

    @property
    def ends(self) -> bool:
        return True

    @property
    def whole(self) -> bool:
        return True

    @property
    def never(self) -> tuple[int, ...]:
        return (PADDING, UNKNOWN)

    @property
    def shown(self) -> tuple[int, int]:
        return BAR * self.voices, 4 * BAR * self.voices

    def prompt(self, text: str) -> Array:
        if not text.strip():
            return np.zeros(0, dtype=np.int32)
        return np.asarray(chords_of(text, self.voices).reshape(-1) + FIRST, dtype=np.int32)

    def text_of(self, numbers: Sequence[int]) -> str:
        """The last chord may be a part of one; behind the end of a piece an empty line begins the next."""
        return "\n\n".join(self._piece(piece) for piece in _pieces(numbers))

    def recent(self, numbers: Sequence[int], most: int) -> list[int]:
        """From the beginning of the piece where it is short, else from that of a bar."""
        ends = [place for place, number in enumerate(numbers) if number == END]
        start = ends[-1] if ends else 0
        if self.taken(numbers[start:]) <= most:
            return list(numbers[start:])
        first = start + len(ends[-1:])  # of the piece's notes
        bar = BAR * self.voices
        return list(numbers[first + -(-(len(numbers) - most - first) // bar) * bar :])

    def taken(self, numbers: Sequence[int]) -> int:
        """Before a beginning there are as many empty chords as a window has before a block."""
        begins = len(numbers) > 0 and numbers[0] == END
        return len(numbers) + begins * (self.context * self.voices - 1)

    def writer(self, before: Array) -> NoteWriter:
        return NoteWriter(len(before), self.voices)

    def _piece(self, numbers: Sequence[int]) -> str:
        notes = [max(number - FIRST, 0) for number in numbers]
        return text_of_chords(notes[start : start + self.voices] for start in range(0, len(notes), self.voices))


class NoteWriter:
    """Notes as they are written, chord by chord."""

    def __init__(self, written: int, voices: int) -> None:
        self._written, self._voices = written, voices

    def added(self, number: int, *, last: bool) -> str:
        """See Writer."""
        if number < FIRST:
            return ""
        before = "" if self._written == 0 else " " if self._written % self._voices else "\n"
        self._written += 1
        return f"{before}{number - FIRST}"


def _pieces(numbers: Sequence[int]) -> list[list[int]]:
    pieces: list[list[int]] = [[]]
    for number in numbers:
        if number == END:
            pieces.append([])
        elif number != PADDING:
            pieces[-1].append(number)
    return [piece for piece in pieces if piece]


class Music(Task):
    """The next chord of a piece."""

    name: ClassVar[str] = "music"
    State = MusicState
    answer = NOTES
    examples = "pieces"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # layouts of pieces say it: examples.py

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> MusicState:
        texts = as_text(columns[0].values)
        first = next((text for row in rows.tolist() if (text := texts[row]) and text.strip()), "")
        chords = parsed(columns[0].name, [first])[0]
        return MusicState(column=columns[0].name, voices=max(1, chords.shape[1]))

    def encode(self, columns: Sequence[TableColumn], state: MusicState) -> Array:
        """The first block of each row."""
        pieces = parsed(state.column, as_text(columns[0].values).fill_null("").to_list(), state.voices)
        truth = np.zeros((len(pieces), 2, state.block, state.voices), dtype=np.int32)
        for row, chords in enumerate(pieces):
            if len(chords):
                truth[row] = cut_piece(chords, state)[1][0]
        return truth


MUSIC = Music()


def parsed(
    column: str, texts: Sequence[str], voices: int | None = None, names: Sequence[str] | None = None
) -> list[Array]:
    """The chords (n, V) of pieces. Raises DataError for one that is none."""
    pieces = []
    for row, text in enumerate(texts):
        try:
            pieces.append(chords_of(text, voices))
        except ValueError as error:
            where = f"row {row + 1:,} of column '{column}'" if names is None else names[row]
            raise DataError(
                f"In {where}, {error}. A piece is a chord a line, and a chord a note for each voice: 67 62 59 43"
            ) from None
    return pieces


def cut_piece(chords: Array, state: MusicState) -> tuple[Array, Array]:
    """Windows (n, C + T, V) and truth (n, 2, T, V) of a piece (N, V), block by block; its end is answered too."""
    block, context, voices = state.block, state.context, state.voices
    count = -(-(len(chords) + 1) // block)
    whole = np.full((context + count * block, voices), PADDING, dtype=np.int32)
    kinds = np.zeros((count * block, voices), dtype=np.int32)
    whole[context - 1, -1] = END  # the piece before ends
    whole[context : context + len(chords)] = chords + FIRST
    whole[context + len(chords), 0] = END
    stays = np.zeros(len(chords), dtype=bool)
    stays[1:] = (chords[1:] == chords[:-1]).all(axis=1)
    kinds[: len(chords)] = np.where(stays, SAME, NEW)[:, None]
    numbers = whole[context:].reshape(count, block, voices)
    views = np.lib.stride_tricks.sliding_window_view(whole, context + block, axis=0)[::block]
    windows = np.ascontiguousarray(views.transpose(0, 2, 1))
    return windows, np.stack([numbers, kinds.reshape(count, block, voices)], axis=1)


def text_of_block(numbers: Array) -> str:
    """The chords of a block (T, V) of numbers as text, without the end of a piece and what is behind it."""
    whole = (numbers >= FIRST).all(axis=1)
    return text_of_chords((numbers[whole] - FIRST).tolist())


def chord_inputs(state: MusicState) -> Inputs:
    """What a network reads of a block: the chords before it and its own, as numbers."""
    shape = (state.context + state.block, state.voices)
    return {"chords": InputSpec(form="chords", shape=shape, cardinalities=(NUM_NOTES,), ahead=(1, state.block))}
