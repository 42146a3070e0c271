"""Texts that go on, explained: what each word of a block cost, and how far back the network looks."""

from __future__ import annotations

import math
from math import prod

import numpy as np
import torch

from netpick.explain.subject import Subject, Target
from netpick.tasks.text.levels import UNKNOWN
from netpick.tasks.text.state import NextState, text_of
from netpick.types import Array
from netpick.types.drawings import Bar, Bars, Figure, Stack, Words
from netpick.types.words import counted, grouped

MOST_BLOCKS = 64  # whose past is exchanged
MOST_LISTED = 10
NATS = 1 / math.log(2)  # bits


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One block."""
    words, costs = block_words(subject, row, name)
    return (_costs_figure(words, costs),) if words else ()


def network_figures(subject: Subject, name: str) -> tuple[Figure, ...]:
    """All blocks together."""
    reached = reach(subject, name)
    return () if reached is None else (reach_figure(reached[0], NATS * reached[1], step="symbol", unit="bits"),)


def block_words(subject: Subject, row: int, name: str) -> tuple[list[str], Array]:
    """The words of a block, and the bits of each: its symbols together, with the blank or the end of the line before it."""
    state: NextState = subject.state
    logs, ranks = np.split(subject.answers(subject.batch([row]))[0].astype(np.float64), 2)
    symbols = subject.arrays[name][row][-len(logs) :]
    words: list[str] = []
    costs: list[float] = []
    for symbol, log, rank in zip(symbols.tolist(), logs.tolist(), ranks.tolist(), strict=True):
        if rank == 0:
            continue
        text = text_of([symbol], state)
        begins = not words or state.of.sentences or text[:1].isspace() or words[-1][-1:].isspace()
        if begins:
            words.append("")
            costs.append(0.0)
        words[-1] += text
        costs[-1] -= log * NATS
    return words, np.array(costs)


def _costs_figure(words: list[str], costs: Array) -> Figure:
    shown = ["\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}" if word == "\n" else word.strip() or word for word in words]
    order = np.argsort(-costs, kind="stable")[:MOST_LISTED]
    named = "; ".join(f"{shown[i]}: {costs[i]:.1f} bits" for i in order.tolist())
    listed = Bars(
        heads=("word", "bits"),
        caption="The words that cost the most",
        shown=[Bar(name=shown[i], value=float(costs[i]), text=f"{costs[i]:.1f}") for i in order.tolist()],
    )
    return Figure(
        title="What each word cost",
        sentence=f"{counted(len(words), 'word')} of the block cost {costs.sum():.0f} bits together. Dark ones surprised the network more than the mean "
        f"word did ({costs.mean():.1f} bits), the others less.",
        caution="as how good a word is: names, numbers and the first words of a new subject surprise every reader.",
        alt=f"Words by what they cost: {named}.",
        drawing=Stack(parts=(Words(words=shown, weights=costs - costs.mean()), listed)),
    )


def reach(subject: Subject, name: str) -> tuple[Array, Array] | None:
    """How many steps back are its own, (k,), and what the first step of a block costs then, in nats, (k,): the others are those of
    another block. A step is a symbol, or a chord. None for too few blocks."""
    spec = subject.inputs[name]
    block, width = spec.ahead[1], prod(spec.shape[1:])
    windows = subject.arrays[name]
    whole = np.flatnonzero((windows[:, :-block] > 0).reshape(len(windows), -1).all(axis=1))
    rows = whole[:: max(1, -(-len(whole) // MOST_BLOCKS))]
    if len(rows) < 8:
        return None
    own = windows[rows].astype(np.int64)
    own[own == 0] = UNKNOWN  # behind the end of a text; it costs nothing here
    past = own.shape[1] - block
    kept = [0, *(2**power for power in range(past.bit_length()) if 2**power < past), past]
    costs = []
    for back in kept:
        changed = own.copy()
        changed[:, : past - back] = np.roll(own, 1, axis=0)[:, : past - back]
        answers = subject.answers({name: torch.from_numpy(changed)})
        costs.append(float(-answers[:, :width].sum(axis=1).mean()))
    return np.array(kept), np.array(costs)


def reach_figure(kept: Array, costs: Array, *, step: str, unit: str) -> Figure:
    """What `reach` found, in words; costs in that unit."""
    gain = costs[0] - costs[-1]
    enough = int(kept[np.flatnonzero(costs - costs[-1] <= 0.05 * max(gain, 1e-9))[0]])
    told = ", ".join(f"{back}: {cost:.2f}" for back, cost in zip(kept.tolist(), costs.tolist(), strict=True))
    return Figure(
        title="How far back it looks",
        sentence=f"The {unit} of the first {step} of a block when only so many {step}s before it are its own, and the others those of another block: "
        f"{costs[0]:.2f} with none, {costs[-1]:.2f} with all. From {counted(enough, step)} on, all but a twentieth of what it gains is there.",
        caution="as what a longer past could tell: the network saw none longer in evaluation.",
        alt=f"{unit.capitalize()} by {step}s that are its own: {told}.",
        drawing=Bars(
            caption=f"The first {step} of a block, in {unit}",
            heads=(f"{step}s before it that are its own", unit),
            shown=[
                Bar(name=grouped(back), value=cost, text=f"{cost:.2f}")
                for back, cost in zip(kept.tolist(), costs.tolist(), strict=True)
            ],
        ),
    )
