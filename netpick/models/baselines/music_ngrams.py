"""The baselines of pieces of music: the same chord again, and Kneser-Ney over the notes of all voices in turn."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.models.baselines.base import Baseline, Decision, Fitted, Given, Limit, Problem
from netpick.models.baselines.text_ngrams import ngram_arrays, ngrams_of, require_ngrams
from netpick.tasks.text.ngrams import END, fit_ngrams
from netpick.types import STRICT, Array, Inputs, InputSpec

CHORDS = 2  # that n-grams take in, and the note that comes: of four voices 9 notes
LONGEST = 10  # notes of an n-gram
MOST_LEARNED = 10_000_000  # notes
LEAST = 1e-4  # probability that a voice moves, or stays, at least
PARTS_OF_BLOCK = 2_048  # chords that are guessed at a time


@strict_dataclass(config=STRICT, kw_only=True)
class VoicesState:
    """How many voices there are, and numbers of notes; how long blocks are, and n-grams."""

    voices: int = Field(ge=1, le=64)
    symbols: int = Field(ge=4, le=1 << 12)
    block: int = Field(ge=1, le=1 << 16)
    order: int = Field(ge=1, le=LONGEST)


class OfMusic(Baseline):
    """Something that says the next note from the notes before it."""

    State = VoicesState

    def applies(self, problem: Problem) -> bool:
        return "chords" in problem.inputs

    def answer(self, fitted: Fitted, given: Given) -> Array:
        """(n, 3 T V): log-probabilities of what came, their ranks, and what is guessed untold."""
        state: VoicesState = fitted.state
        windows = np.asarray(given.arrays["chords"])
        came = windows[:, -state.block :]
        before = windows[:, -state.block - CHORDS : -1]
        sliding = np.lib.stride_tricks.sliding_window_view(before, CHORDS, axis=1)  # (n, T, V, CHORDS)
        context = sliding.transpose(0, 1, 3, 2).reshape(-1, CHORDS * state.voices)
        own = came.reshape(-1, state.voices)
        found = np.zeros((3, *own.shape))
        present = np.flatnonzero((own > 0).any(axis=1))
        for start in range(0, len(present), PARTS_OF_BLOCK):
            part = present[start : start + PARTS_OF_BLOCK]
            found[:, part] = self._judged(fitted, context[part], own[part])
        found[:, own == 0] = 0.0
        return found.reshape(3, *came.shape).swapaxes(0, 1).reshape(len(came), -1)

    def _judged(self, fitted: Fitted, context: Array, came: Array) -> Array:
        """(3, n, V) of chords (n, V) behind the notes of the chords before (n, K V)."""
        told, guessed = context, context
        found = np.zeros((3, *came.shape))
        for voice in range(came.shape[1]):
            chances = self.chances(fitted, told, voice)
            own = np.take_along_axis(chances, came[:, voice, None], axis=1)
            found[0, :, voice] = np.log(np.maximum(own[:, 0].astype(np.float64), 1e-300))
            found[1, :, voice] = 1 + (chances > own).sum(axis=1)
            best = self.chances(fitted, guessed, voice).argmax(axis=1) if voice else chances.argmax(axis=1)
            found[2, :, voice] = best
            told = np.concatenate([told, came[:, voice, None]], axis=1)
            guessed = np.concatenate([guessed, best[:, None].astype(came.dtype)], axis=1)
        return found

    def following(self, fitted: Fitted, symbols: Array) -> Array:
        """See Baseline. A piece begins behind its last END, or with the first symbol."""
        state: VoicesState = fitted.state
        ends = np.flatnonzero(symbols[0] == END)
        notes = symbols[:, ends[-1] + 1 :] if len(ends) else symbols
        voice = notes.shape[1] % state.voices
        before = np.zeros((1, CHORDS * state.voices), dtype=np.int64)
        before[:, -1] = END if len(ends) else 0
        whole = np.concatenate([before, notes], axis=1)[:, -(CHORDS * state.voices + voice) :]
        return self.chances(fitted, whole, voice)

    @abstractmethod
    def chances(self, fitted: Fitted, notes: Array, voice: int) -> Array:
        """(n, N) of the next note of that voice, behind notes (n, K V + voice)."""

    def _require_state(self, fitted: Fitted, inputs: Inputs) -> VoicesState:
        spec, state = chords_of(inputs), fitted.state
        if (state.voices, state.symbols, state.block) != (spec.shape[1], spec.cardinalities[0], spec.ahead[1]):
            raise ValueError("the state is not that of such pieces")
        return state  # type: ignore[no-any-return]


class SameAgain(OfMusic):
    """Each voice keeps its note, as often as voices did; else any note, as often as it came."""

    name = "the same again"
    definition = "Repeats the last chord, as sure of each voice as chords stayed the same; what else may come is by how often each note comes."
    costs_time = False

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        spec = chords_of(problem.inputs)
        (numbers,), block, voices = spec.cardinalities, spec.ahead[1], spec.shape[1]
        windows = np.asarray(problem.arrays["chords"][np.sort(problem.train)])[:, -block - 1 :]
        before, came = windows[:, :-1], windows[:, 1:]
        known, stays = came > 0, (came == before) & (came > 0)
        moved = known & ~stays
        often = np.stack([np.bincount(came[:, :, v][moved[:, :, v]], minlength=numbers) for v in range(voices)]) + LEAST
        often[:, 0] = 0
        stay = stays.sum(axis=(0, 1)) / np.maximum(known.sum(axis=(0, 1)), 1)
        return Fitted(
            baseline=self.name,
            state=VoicesState(voices=voices, symbols=numbers, block=block, order=1),
            arrays={
                "stay": np.clip(stay, LEAST, 1 - LEAST),
                "often": often / often.sum(axis=1, keepdims=True),
            },
            decision=Decision(rows=len(problem.train), iterations=1, full=True),
        )

    def chances(self, fitted: Fitted, notes: Array, voice: int) -> Array:
        stay, often = fitted.arrays["stay"][voice], fitted.arrays["often"][voice]
        last = notes[:, -fitted.state.voices]
        held = last > END  # behind the end of a piece nothing stays
        made = np.where(held, 1 - stay, 1.0)[:, None] * often[None, :]
        made[np.arange(len(last)), last] += np.where(held, stay, 0.0)
        return np.asarray(made)

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state = self._require_state(fitted, inputs)
        arrays = fitted.arrays
        if set(arrays) != {"stay", "often"}:
            raise ValueError("arrays that this baseline does not have")
        stay, often = arrays["stay"], arrays["often"]
        if stay.shape != (state.voices,) or often.shape != (state.voices, state.symbols):
            raise ValueError("shares of other voices")
        if not ((stay >= 0).all() and (stay <= 1).all() and (often >= 0).all() and np.allclose(often.sum(axis=1), 1)):
            raise ValueError("shares that are none")


class VoicesKneserNey(OfMusic):
    """Kneser-Ney over the notes of all voices in turn, in the keys that pieces are in."""

    name = "kneser-ney over voices"
    holds_rows = True  # n-grams are pieces of the music
    definition = "Counts what came after the last few notes, all voices in turn, and mixes it with what came after fewer of them (Kneser-Ney)."

    def fit(self, problem: Problem, limit: Limit, decided: Decision | None = None) -> Fitted:
        spec = chords_of(problem.inputs)
        block, voices = spec.ahead[1], spec.shape[1]
        most = MOST_LEARNED // (block * voices) if decided is None else decided.rows
        rows = np.sort(problem.train)[-most:]
        text = np.asarray(problem.arrays["chords"][rows])[:, -block:].reshape(-1)
        order = min(LONGEST, CHORDS * voices + 1)
        state = VoicesState(voices=voices, symbols=spec.cardinalities[0], block=block, order=order)
        made = fit_ngrams(text[text > 0], state.symbols, order, restarts=True)
        return Fitted(
            baseline=self.name,
            state=state,
            arrays=dict(ngram_arrays(made)),
            decision=Decision(rows=len(rows), iterations=len(made.orders), full=len(rows) == len(problem.train)),
            remark="" if len(rows) == len(problem.train) else f"on the last {len(rows):,} blocks",
        )

    def chances(self, fitted: Fitted, notes: Array, voice: int) -> Array:
        made = ngrams_of(fitted, restarts=True)
        return made.chances(made.starts(notes[:, -(fitted.state.order - 1) :])[:, :, -1])

    def require(self, fitted: Fitted, inputs: Inputs, num_outputs: int) -> None:
        state = self._require_state(fitted, inputs)
        require_ngrams(fitted.arrays, state.order, state.symbols)


def chords_of(inputs: Inputs) -> InputSpec:
    """The pieces among the inputs. Raises ValueError where there are none."""
    if "chords" not in inputs or len(inputs["chords"].ahead) != 2:
        raise ValueError("an input of pieces of music")
    return inputs["chords"]
