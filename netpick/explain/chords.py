"""Pieces of music, explained: what each chord of a block cost, which voices do, and how far back the network looks."""

from __future__ import annotations

import numpy as np

from netpick.explain.streams import reach, reach_figure
from netpick.explain.subject import Subject, Target
from netpick.tasks.text.levels import FIRST
from netpick.types import Array
from netpick.types.drawings import Bar, Bars, Figure, Stack, Words
from netpick.types.words import counted

MOST_LISTED = 10


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One block."""
    chords, costs = block_costs(subject, row, name)
    return (_chords_figure(chords, costs), _voices_figure(costs)) if len(chords) else ()


def network_figures(subject: Subject, name: str) -> tuple[Figure, ...]:
    """All blocks together."""
    reached = reach(subject, name)
    return () if reached is None else (reach_figure(*reached, step="chord", unit="nats"),)


def block_costs(subject: Subject, row: int, name: str) -> tuple[Array, Array]:
    """The chords (n, V) of a block as notes, and the nats (n, V) of each note."""
    spec = subject.inputs[name]
    block, voices = spec.ahead[1], spec.shape[1]
    answers = subject.answers(subject.batch([row]))[0].astype(np.float64)
    logs = answers[: block * voices].reshape(block, voices)
    chords = subject.arrays[name][row][-block:]
    whole = (chords >= FIRST).all(axis=1)
    return chords[whole] - FIRST, -logs[whole]


def _chords_figure(chords: Array, costs: Array) -> Figure:
    names = [" ".join(map(str, chord)) for chord in chords.tolist()]
    totals = costs.sum(axis=1)
    order = np.argsort(-totals, kind="stable")[:MOST_LISTED]
    named = "; ".join(f"chord {i + 1} ({names[i]}): {totals[i]:.1f} nats" for i in order.tolist())
    listed = Bars(
        heads=("chord", "nats"),
        caption="The chords that cost the most",
        shown=[
            Bar(name=f"{i + 1}: {names[i]}", value=float(totals[i]), text=f"{totals[i]:.1f}") for i in order.tolist()
        ],
    )
    return Figure(
        title="What each chord cost",
        sentence=f"{counted(len(names), 'chord')} of the block cost {totals.sum():.0f} nats together. Dark ones surprised the network more than the mean "
        f"chord did ({totals.mean():.1f} nats), the others less.",
        caution="as how good a chord is: where the harmony turns, every listener is surprised.",
        alt=f"Chords by what they cost: {named}.",
        drawing=Stack(parts=(Words(words=names, weights=totals - totals.mean()), listed)),
    )


def _voices_figure(costs: Array) -> Figure:
    means = costs.mean(axis=0)
    told = ", ".join(f"voice {voice + 1}: {mean:.2f}" for voice, mean in enumerate(means.tolist()))
    return Figure(
        title="What each voice cost",
        sentence="The nats of a note, by its voice. The first is told the chords before alone; each later one is also told the voices before it.",
        caution="as which voice is the plainest: in another order, other voices would be told more.",
        alt=f"Nats of a note by voice: {told}.",
        drawing=Bars(
            heads=("voice", "nats a note"),
            caption="Nats of a note",
            shown=[Bar(name=f"voice {v + 1}", value=mean, text=f"{mean:.2f}") for v, mean in enumerate(means.tolist())],
        ),
    )
