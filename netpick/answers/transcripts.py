"""What was said in a recording: symbols frame by frame, of which most say nothing, and the text that is left when these go.

Connectionist temporal classification (Graves et al. 2006): a network says of each frame how likely every symbol is, and 0, the blank, that none
begins there. A text is what remains of the likeliest symbols once neighbours that are the same are one, and blanks are gone. Its
chance is the sum over all ways to lay it along the frames, and that is what is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netpick.answers.answered import AnsweredTranscripts, codes_of, texts_of
from netpick.answers.metrics.texts import ExactMatch, WordErrorRate
from netpick.answers.texts import Texts
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

BLANK = 0  # the symbol that is none
NEVER = -30.0  # log-probability of what a baseline does not say


class Transcripts(Texts):
    """Outputs are log-probabilities (B, T, V) of V symbols in T frames; frames behind the end of a row are 0 throughout, which no
    log-probabilities are. Answers are the same, flat (n, T * V)."""

    name: ClassVar[str] = "transcript"
    typed = AnsweredTranscripts
    noun, plural = "transcript", "transcripts"
    fallback = ExactMatch.name

    def num_outputs(self, state: Any) -> int:
        return int(state.num_symbols)

    def target(self, truth: Array, state: Any) -> Array:
        """(N, S) numbers of symbols, 0 behind the end."""
        return padded([state.numbers_of(text) for text in texts_of(truth)])

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {"ctc": _unlikelihood}

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float().flatten(1)

    def decode(self, answers: Array, state: Any) -> AnsweredTranscripts:
        frames = answers.reshape(len(answers), -1, state.num_symbols)
        return AnsweredTranscripts(codes=codes_of([state.spelled(row) for row in state.heard(frames)]))

    def standardised(self, answers: Array, state: Any) -> Array:
        """Texts as code points (n, L) as a network would answer them that is sure of each symbol, with a blank before it."""
        rows = [state.numbers_of(text) for text in texts_of(answers)]
        frames = np.zeros((len(rows), 2 * max([0, *map(len, rows)]) + 1, state.num_symbols))
        for frame_rows, numbers in zip(frames, rows, strict=True):
            length = 2 * len(numbers) + 1
            path = np.full(length, BLANK)
            path[1::2] = numbers
            frame_rows[:length] = NEVER
            frame_rows[np.arange(length), path] = 0.0
        return frames.reshape(len(rows), -1)

    def calibration_words(self, state: Any) -> str:
        """That transcripts are searched, where they are."""
        if state.language is None:
            return ""
        return (
            f"transcripts are searched with n-grams of the training transcripts (weight {state.language.weight:g}), which made fewer errors on "
            "validation rows than the likeliest symbols alone"
        )

    def primary(self, num_outputs: int, balance: float) -> str:
        return WordErrorRate.name

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import FrameSymbols

        return FrameSymbols(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            (
                "answers",
                "log-probabilities of all symbols, frame by frame, float32 (rows, frames x symbols); 0 behind a sound's end",
            ),
            ("prediction", "the likeliest symbol of each frame, int64 (rows, frames); 0 is none"),
        )

    def purpose(self, count: int) -> str:
        return f"write down what is said, {counted(count, 'transcript')} a recording"

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The mean over frames of the largest log-probability: how sure the network is of what it says."""
        return outputs.amax(dim=-1).mean(dim=1)


TRANSCRIPTS = Transcripts()


def collapsed(frames: Array) -> list[list[int]]:
    """The symbols that are left of the likeliest ones of frames (n, T, V): neighbours that are the same are one, blanks are gone."""
    likeliest = frames.argmax(axis=2)
    likeliest[~frames.any(axis=2)] = BLANK  # behind the end
    begins = np.ones_like(likeliest, dtype=bool)
    begins[:, 1:] = likeliest[:, 1:] != likeliest[:, :-1]
    kept = begins & (likeliest != BLANK)
    return [row[keep].tolist() for row, keep in zip(likeliest, kept, strict=True)]


def padded(rows: Sequence[Sequence[int]]) -> Array:
    """Numbers of symbols (n, S), 0 behind the end; one column at least."""
    made = np.zeros((len(rows), max([1, *map(len, rows)])), dtype=np.int32)
    for row, numbers in zip(made, rows, strict=True):
        row[: len(numbers)] = numbers
    return made


def frames_needed(numbers: Sequence[int]) -> int:
    """Frames that a text of these symbols takes at least: one each, and a blank between two that are the same."""
    return len(numbers) + sum(a == b for a, b in pairwise(numbers))


def _unlikelihood(outputs: Tensor, target: Tensor) -> Tensor:
    """(B,) of -log of the chance of the target (B, S), a symbol of it; 0 where its frames are too few."""
    from torch.nn import functional

    logs = outputs.float()
    frames = (logs != 0).any(dim=2).sum(dim=1).clamp(min=1)
    symbols = (target > 0).sum(dim=1)
    losses = functional.ctc_loss(
        logs.transpose(0, 1), target.long(), frames, symbols, blank=BLANK, reduction="none", zero_infinity=True
    )
    return losses / symbols.clamp(min=1)
