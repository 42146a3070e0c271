"""What is said, explained: when the network heard each word, how sure it was of it, and which moments of the sound it goes by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from netpick.answers.transcripts import BLANK, collapsed
from netpick.explain.images import float_images
from netpick.explain.sounds import frame_seconds, upright
from netpick.explain.subject import Subject, Target
from netpick.report.drawing import overlaid, pictured
from netpick.tasks.speech.state import TranscribeState
from netpick.types import Array
from netpick.types.drawings import Bar, Bars, Figure, Stack, Tile, Tiles
from netpick.types.words import counted, percent

MOST_STRETCHES = 64  # of a recording, hidden one by one
SHORTEST = 5  # frames of a stretch
MOST_LISTED = 40  # words
WIDE, TALLER = 960, 4  # pixels of a recording, and pixels of a band


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A word that was written: its steps, the last not included, and the chance of its least likely symbol."""

    text: str
    begin: int
    end: int
    chance: float


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One recording."""
    batch = float_images(subject.batch([row]), name)
    frames = int(batch[f"{name}.mask"][0].sum())
    steps = subject.answers(batch).reshape(1, -1, subject.state.num_symbols)
    words = heard_words(steps[0], subject.state)
    if not words:
        return ()
    seconds = frame_seconds(subject, name)
    numbers = collapsed(steps)[0]
    stretches, fallen = hidden_stretches(subject, batch, name, numbers)
    image = _taller(upright(batch[name][0, :frames].numpy()))[None]
    weights = np.broadcast_to(np.repeat(fallen, np.diff(stretches))[:, None], batch[name][0, :frames].shape)
    tiles = [
        Tile(pixels=pictured(image, WIDE), label="the sound: time to the right, low tones below"),
        Tile(
            pixels=overlaid(image, _taller(upright(weights)), WIDE),
            label="where hiding a moment changes what is written",
        ),
    ]
    stride = subject.inputs[name].ahead[1]
    return (_figure(words, seconds * stride, tiles),)


def heard_words(steps: Array, state: TranscribeState) -> list[Heard]:
    """The words of the likeliest symbols of steps (T, V), with the steps that they were written in."""
    likeliest = np.where(steps.any(axis=1), steps.argmax(axis=1), BLANK)
    chances = np.exp(steps.max(axis=1))
    borders = np.flatnonzero(np.diff(likeliest, prepend=-1, append=-1)).tolist()
    runs = [(int(likeliest[begin]), begin, end) for begin, end in pairwise(borders)]
    symbols = [(n, begin, end, float(chances[begin:end].max())) for n, begin, end in runs if n != BLANK]
    made: list[Heard] = []
    before = ""
    for count in range(1, len(symbols) + 1):
        text = state.spelled([number for number, *_ in symbols[:count]])
        _, begin, end, chance = symbols[count - 1]
        if len(text.split()) > len(before.split()):
            made.append(Heard(text=text.split()[-1], begin=begin, end=end, chance=chance))
        elif made and text != before:
            last = made[-1]
            made[-1] = Heard(text=text.split()[-1], begin=last.begin, end=end, chance=min(last.chance, chance))
        before = text
    return made


def hidden_stretches(subject: Subject, batch: dict[str, Tensor], name: str, numbers: list[int]) -> tuple[Array, Array]:
    """Borders (S + 1,) of stretches of frames, and how much the log-likelihood of these symbols falls when each is hidden behind the
    recording's own mean, by which no band stands out."""
    sound, mask = batch[name], batch[f"{name}.mask"]
    frames = int(mask[0].sum())
    size = max(SHORTEST, -(-frames // MOST_STRETCHES))
    borders = np.append(np.arange(0, frames, size), frames)
    mean = sound[0, :frames].mean(dim=0)
    variants = sound.repeat(len(borders), 1, 1)
    for place, (begin, end) in enumerate(pairwise(borders.tolist())):
        variants[place + 1, begin:end] = mean
    logs = np.concatenate(
        [
            subject.answers({name: part, f"{name}.mask": mask.expand(len(part), -1)})
            for part in torch.split(variants, 32)
        ]
    ).reshape(len(variants), -1, subject.state.num_symbols)
    outputs = torch.from_numpy(np.ascontiguousarray(logs, dtype=np.float32))
    valid = (outputs != 0).any(dim=2).sum(dim=1).clamp(min=1)
    symbols = torch.tensor(numbers).repeat(len(outputs), 1)
    lengths = torch.full((len(outputs),), len(numbers))
    costs = functional.ctc_loss(
        outputs.transpose(0, 1), symbols, valid, lengths, blank=BLANK, reduction="none", zero_infinity=True
    ).numpy()
    return borders, np.asarray(costs[1:] - costs[0], dtype=np.float64)


def _taller(picture: Array) -> Array:
    """Recordings are much longer than they have bands."""
    return np.repeat(picture, TALLER, axis=0)


def _figure(words: list[Heard], step: float, tiles: list[Tile]) -> Figure:
    shown = [
        Bar(
            name=f"{word.text} ({step * word.begin:.2f} to {step * word.end:.2f} s)" if step else word.text,
            value=word.chance,
            text=percent(word.chance, 1),
        )
        for word in words[:MOST_LISTED]
    ]
    unsure = min(words, key=lambda word: word.chance)
    told = "; ".join(f"{bar.name} {bar.text}" for bar in shown)
    return Figure(
        title="When it heard each word",
        sentence=f"{counted(len(words), 'word')} with the steps in which they were written, and how sure the network was of each: of the "
        f"least likely of its symbols. It was least sure of \N{LEFT DOUBLE QUOTATION MARK}{unsure.text}\N{RIGHT DOUBLE QUOTATION MARK} "
        f"({percent(unsure.chance, 1)}). Orange moments speak for what was written: without them it is less likely.",
        caution="as the borders of words: a network trained without them writes a word somewhere within or just behind it, and one moment is hidden at a time.",
        alt=f"Words, when they were written, and how sure the network was: {told}.",
        drawing=Stack(
            parts=(
                *(Tiles(shown=[tile], size="wide") for tile in tiles),
                Bars(caption="Words in order", heads=("Word", "Probability"), shown=shown),
            )
        ),
    )


__all__ = ["Heard", "heard_words", "hidden_stretches", "row_figures"]
