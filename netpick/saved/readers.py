"""A text that is read as it goes on: what has been read stays with its reader, so that each further symbol costs one step.

Every engine has a reader; each gives for the same symbols what the network, the baseline or the blend says of all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netpick.columns.forms import FORMS
from netpick.tasks.text.levels import END, PADDING
from netpick.types import Array, Inputs

if TYPE_CHECKING:
    from netpick.models.baselines import Baseline, Fitted
    from netpick.models.networks.text_network import ReadOn


class Reader(Protocol):
    """A text from its beginning on."""

    def read(self, symbols: Array) -> Array:
        """Reads on (S,), one symbol at least: probabilities (V,) of what comes behind these and all that were read before."""


class StateReader(Protocol):
    """A reader that keeps a state."""

    def read(self, symbols: Array, *, keep: bool = True) -> Array:
        """See Reader; keep: whether what comes later is read behind these symbols."""


class NetworkReader:
    """The text of a network, with the network's state behind it."""

    def __init__(self, network: ReadOn) -> None:
        self._network, self._state = network, network.start(1)

    def read(self, symbols: Array, *, keep: bool = True) -> Array:
        """See StateReader."""
        import torch

        with torch.no_grad():
            given = torch.from_numpy(symbols[None]).long().to(next(self._network.parameters()).device)
            logs, after = self._network.following(given, self._state)
        if keep:
            self._state = after
        return logs[0].exp().cpu().numpy()


class ChordReader:
    """What is read in steps of several symbols, chords of notes, by what reads whole chords and the notes of the next one so far.

    The last whole chord is read anew for each note behind it, as its state is not that behind the notes. Behind an END reading begins
    anew, with as many empty chords as stand before the beginning of a piece in training.
    """

    def __init__(self, begin: Callable[[], StateReader], voices: int, context: int) -> None:
        self._begin, self._voices, self._context = begin, voices, context
        self._reader = begin()
        self._chords: list[
            list[int]
        ] = []  # whole ones that are not in the reader's state; one at least behind the first read
        self._notes: list[int] = []  # of the next

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        empty = [PADDING] * self._voices
        for symbol in symbols.tolist():
            if symbol == END:
                self._reader, self._notes = self._begin(), []
                self._chords = [*[empty] * (self._context - 1), [*empty[1:], END]]
                continue
            self._notes.append(symbol)
            if len(self._notes) == self._voices:
                self._chords.append(self._notes)
                self._notes = []
        self._chords = self._chords or [empty]
        if len(self._chords) > 1:
            self._reader.read(_in_turn([*self._chords[:-1], empty]))
            self._chords = self._chords[-1:]
        told = [*self._notes, *empty[len(self._notes) :]]
        return self._reader.read(_in_turn([*self._chords, told]), keep=False)


def _in_turn(chords: Sequence[Sequence[int]]) -> Array:
    return np.array(chords, dtype=np.int32).reshape(-1)


def in_steps(inputs: Inputs, begin: Callable[[], StateReader]) -> Reader:
    """What reads such inputs on: `begin` itself, or chord by chord."""
    for spec in inputs.values():
        if FORMS[spec.form].together:
            return ChordReader(begin, spec.shape[1], spec.shape[0] - spec.ahead[1])
    return begin()


class BaselineReader:
    """The text of a baseline, which looks things up and keeps the symbols themselves."""

    def __init__(self, baseline: Baseline, fitted: Fitted) -> None:
        self._baseline, self._fitted = baseline, fitted
        self._read: list[Array] = []

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        self._read.append(symbols)
        return self._baseline.following(self._fitted, np.concatenate(self._read)[None])[0]  # type: ignore[no-any-return]


class BlendReader:
    """The text of several models, whose probabilities are averaged."""

    def __init__(self, readers: Sequence[Reader], weights: Sequence[float]) -> None:
        self._readers, self._weights = readers, weights

    def read(self, symbols: Array) -> Array:
        """See Reader."""
        said = [reader.read(symbols) for reader in self._readers]
        return np.asarray(np.sum([weight * one for weight, one in zip(self._weights, said, strict=True)], axis=0))
