"""Metrics of pieces of music, note by note: what a note costs, and how much of the chords is guessed right.

Guesses are made without being told any note of the chord, each voice behind the model's own guesses: told the voices above, a model seems better than
it is for who wants the next chord. Most chords stay as they were, so what is right where the chord changes stands by itself.
"""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredNotes
from netpick.answers.metrics.sums import Floats, RatioMetric
from netpick.types import Array

LEAST = 1e-300
NEW = 2  # of a note of a chord that is another than the one before: see tasks/music/state.py


class NatsPerNote(RatioMetric[AnsweredNotes]):
    """What a note costs, told all chords before it and the voices before it; ends of pieces are not counted."""

    name = "nats_per_note"
    label = "Nats per note"
    better = "lower"
    reads = AnsweredNotes
    lowest = 0.0
    definition = "The surprise at a note, -log p, told all that went before and the voices before it in its chord."

    def applies(self, truth: Array, predictions: AnsweredNotes) -> bool:
        return bool((truth[:, 1] > 0).any())

    def parts(self, truth: Array, predictions: AnsweredNotes, decided: Array | None) -> tuple[Array, Array | None]:
        known = truth[:, 1] > 0
        costs = np.where(known, -np.log(np.maximum(predictions.chances, LEAST)), 0.0)
        return _of_rows(costs), _of_rows(known)


class Guessed(RatioMetric[AnsweredNotes]):
    """A share of what is guessed: of notes or whole chords, of all or of new ones."""

    better = "higher"
    reads = AnsweredNotes
    share = True
    lowest, highest = 0.0, 1.0
    whole: bool = False  # a chord is right where all its notes are
    new: bool = False  # chords that change alone

    def applies(self, truth: Array, predictions: AnsweredNotes) -> bool:
        return predictions.guesses is not None and bool(self._asked(truth).any())

    def parts(self, truth: Array, predictions: AnsweredNotes, decided: Array | None) -> tuple[Array, Array | None]:
        assert predictions.guesses is not None
        asked, right = self._asked(truth), np.asarray(predictions.guesses == truth[:, 0])
        if self.whole:
            asked, right = (np.asarray(part.all(axis=2, keepdims=True)) for part in (asked, right))
        return _of_rows(asked & right), _of_rows(asked)

    def _asked(self, truth: Array) -> Array:
        return np.asarray(truth[:, 1] == NEW if self.new else truth[:, 1] > 0)


class NotesRight(Guessed):
    """Of all notes."""

    name, label = "notes_right", "Notes right"
    definition = "The share of notes that are guessed right when none of the chord is told."


class ChordsRight(Guessed):
    """Of all chords."""

    name, label, whole = "chords_right", "Chords right", True
    definition = "The share of chords of which all notes are guessed right."


class NewNotesRight(Guessed):
    """Of the notes of chords that change."""

    name, label, new = "new_notes_right", "Notes right, new chords", True
    definition = "The share of notes guessed right in chords that are not the same as before."


class NewChordsRight(Guessed):
    """Of the chords that change."""

    name, label, whole, new = "new_chords_right", "New chords right", True, True
    definition = "The share of chords guessed right, of those that are not the same as before."


class NotesRightTold(RatioMetric[AnsweredNotes]):
    """Share of the notes that were held the likeliest, told the voices before."""

    name, label = "told_notes_right", "Notes right, told the voices above"
    better = "higher"
    reads = AnsweredNotes
    share = True
    lowest, highest = 0.0, 1.0
    definition = (
        "The share of notes that were held the likeliest, told the true voices before; easier than guessing a chord."
    )

    def applies(self, truth: Array, predictions: AnsweredNotes) -> bool:
        return predictions.ranks is not None and bool((truth[:, 1] > 0).any())

    def parts(self, truth: Array, predictions: AnsweredNotes, decided: Array | None) -> tuple[Array, Array | None]:
        assert predictions.ranks is not None
        known = truth[:, 1] > 0
        return _of_rows(known & (predictions.ranks == 1)), _of_rows(known)


def _of_rows(values: Array) -> Floats:
    """(n, 1) sums of (n, T, V)."""
    return np.asarray(values.sum(axis=(1, 2), dtype=np.float64)[:, None])
