"""Pairs of texts explained: where the network looked in the source while it wrote each symbol of its answer."""

from __future__ import annotations

import numpy as np

from netpick.explain.subject import Subject, Target
from netpick.models.networks.pair_network import PairNetwork
from netpick.report.drawing import heat_map
from netpick.report.explained import drawing_html
from netpick.report.markup import Html, element
from netpick.tasks.pairs.state import PairState
from netpick.types import Array
from netpick.types.drawings import Bar, Bars, Figure
from netpick.types.words import counted, percent

MOST_SYMBOLS = 60  # of a side that is drawn
END_WORD = "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    """One pair."""
    network, state = subject.network, subject.state
    assert isinstance(network, PairNetwork)
    batch = subject.batch([row])
    written = subject.answers(batch)[0].astype(np.int64)
    written = written[written > 0]
    if not len(written):
        return ()
    looked = network.looked_at(batch[name], written)[:MOST_SYMBOLS, :MOST_SYMBOLS]
    source = subject.arrays[name][row][: state.sides[0]]
    read, said = (_names(numbers, state)[:MOST_SYMBOLS] for numbers in (source[source > 0], written))
    return (_figure(read, said, looked),)


def _figure(read: list[str], said: list[str], looked: Array) -> Figure:
    """looked: (T, S) of what was said, symbol by symbol, at what was read."""
    most = looked.argmax(axis=1)
    pairs = [
        Bar(name=f"{word} \N{LEFTWARDS ARROW} {read[place]}", value=float(share), text=percent(float(share)))
        for word, place, share in zip(said, most.tolist(), looked.max(axis=1).tolist(), strict=True)
    ]
    told = "; ".join(f"{word}: {read[place]}" for word, place in zip(said, most.tolist(), strict=True))
    listed = Bars(caption="Where it looked most", heads=("said \N{LEFTWARDS ARROW} read", "share"), shown=pairs)
    return Figure(
        title="Where it looked",
        sentence=f"A line for each of the {counted(len(said), 'symbol')} that it wrote, from the top; a column for each of the {len(read)} that it read. Dark is "
        "where it looked while it wrote. The lines of the table name the symbol that it looked at most.",
        caution="as a reason: the mean over heads of the last layer is shown, and what a network looks at is not all that it goes by.",
        alt=f"What it wrote, and what it looked at most: {told}.",
        drawing=_drawn(read, said, looked, listed),
    )


def _drawn(read: list[str], said: list[str], looked: Array, listed: Bars) -> Html:
    axis = element(
        "div",
        [element("span", word) for word in read],
        class_="axis-names",
        style=f"grid-template-columns:repeat({len(read)},minmax(0,1fr))",
    )
    lines = element("p", "Written, from the top: ", " \N{MIDDLE DOT} ".join(said))
    shown = Figure(title="", sentence="", caution="", alt="", drawing=listed)
    return element("div", heat_map(looked), axis, lines, drawing_html(shown))


def _names(numbers: Array, state: PairState) -> list[str]:
    """Each symbol as it is spelled."""
    return [state.spelled([number]).strip() or END_WORD for number in numbers.tolist()]
