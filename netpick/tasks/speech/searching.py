"""Whether transcripts of a candidate are searched with n-grams of the training transcripts, and how much these weigh: as validation rows have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netpick.answers.answered import AnsweredTranscripts, codes_of
from netpick.answers.metrics.texts import WordErrorRate
from netpick.tasks.speech.language import fit_language
from netpick.tasks.speech.state import TranscribeState
from netpick.types import Array

MOST_TRIED = 40  # validation rows that weights are chosen on
CHOICES = ((0.3, 0.5), (0.6, 1.0), (1.0, 1.5))  # weight, and bonus of a symbol
WORTH = 0.98  # of the errors may be left, or the search is not worth its time


def searched_state(
    state: TranscribeState, frames: Array, truth: Sequence[str], learned: Sequence[str]
) -> TranscribeState:
    """The state with the language that makes fewest errors on these rows of steps (n, T, V), where that is fewer than without one.

    learned: the training transcripts. A baseline's steps leave no choice, and neither do those of a network that makes no error;
    with a beam of one nothing is searched.
    """
    some = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_TRIED)).astype(np.int64))
    if state.beam == 1 or not len(some) or not (frames.max(axis=2) < 0).any():
        return state
    tried, texts = frames[some], codes_of([truth[row] for row in some.tolist()])
    plain = _errors(state, tried, texts)
    if plain == 0:
        return state
    made = fit_language([state.numbers_of(text) for text in learned], state.num_symbols, long=state.of.long)
    if made is None:
        return state
    with_language = [replace(state, language=replace(made, weight=weight, bonus=bonus)) for weight, bonus in CHOICES]
    errors = [_errors(one, tried, texts) for one in with_language]
    best = int(np.argmin(errors))
    return with_language[best] if errors[best] < WORTH * plain else state


def _errors(state: TranscribeState, frames: Array, truth: Array) -> float:
    """Words that have to be changed."""
    said = AnsweredTranscripts(codes=codes_of([state.spelled(row) for row in state.heard(frames)]))
    wrong, _ = WordErrorRate().parts(truth, said, None)
    return float(wrong.sum())
