"""What moves the answers of a model without gradients, as a baseline or a blend is: cells from other rows, and words left out.

Needs no labels. What an exchange costs the score, where labels are known, is in effects.py.
"""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredChances
from netpick.explain.ablation import partners_of
from netpick.explain.subject import Subject, Target
from netpick.explain.tables import MOST_SHOWN, cell, signed
from netpick.report.components import fold
from netpick.report.drawing import bars
from netpick.report.markup import element
from netpick.saved.engines import TEXTS
from netpick.types import Array
from netpick.types.drawings import Bar, Figure
from netpick.types.results import Answered
from netpick.types.words import counted, percent, significant

MOST_ROWS = 1_000  # whose cells are exchanged
OTHERS = 30  # rows that lend a row their cells
MOST_WORDS = 80  # of a text, left out one by one
TINY = 1e-4  # from 0 and 1: nearer, probabilities cannot be told apart


def movement_figure(subject: Subject) -> Figure | None:
    """How far answers move when a column's cells are exchanged between rows; None where there is nothing to exchange."""
    if subject.count < 2 or len(subject.encoders) < 2:
        return None
    rows = np.arange(subject.count)[:: -(-subject.count // MOST_ROWS)]
    own = subject.predictions(rows)
    moves = {
        encoder.column: float(_apart(own, subject.exchanged(rows, number, partners_of(len(rows), (0, number)))).mean())
        for number, encoder in enumerate(subject.encoders)
    }
    shown = [
        Bar(name=column, value=moves[column], text=_size(subject, moves[column]))
        for column in sorted(moves, key=lambda name: -moves[name])
    ]
    rest, heads = shown[MOST_SHOWN:], ("Column", "Moves the answer by")
    table = bars("Mean move of the answer when a column is exchanged between rows", heads, shown[:MOST_SHOWN])
    more = fold(counted(len(rest), "more column"), bars("Further columns", heads, rest)) if rest else None
    unit = "the probabilities" if isinstance(own, AnsweredChances) else subject.labels[0]
    return Figure(
        title="What moves the answers",
        sentence=f"By how much {unit} of a row {'move' if isinstance(own, AnsweredChances) else 'moves'} on average when the cells of "
        "one column come from another row. This needs no known answers, and does not say whether the column makes answers better.",
        caution="where columns depend on each other: some of these rows cannot exist.",
        alt="; ".join(f"{bar.name} {bar.text}" for bar in shown[:5]),
        drawing=element("div", table, more),
    )


def row_figures(subject: Subject, row: int, target: Target) -> tuple[Figure, ...]:
    """What cells, and words, of one row do for its answer."""
    made = [_cells_figure(subject, row, target), *_words_figures(subject, row, target)]
    return tuple(figure for figure in made if figure is not None)


def _cells_figure(subject: Subject, row: int, target: Target) -> Figure | None:
    """How far the answer is from what it would be on average with other rows' cells in one column."""
    if subject.count < 2 or len(subject.encoders) < 2:
        return None
    others = np.random.default_rng(0).permutation(np.delete(np.arange(subject.count), row))[:OTHERS]
    count = len(others)
    rows = np.concatenate([np.full(count, row), others])
    lenders = np.tile(np.arange(count, 2 * count), 2)
    own = float(_evidence(subject.predictions(np.array([row])), target)[0])
    adds = {
        encoder.column: own - float(_evidence(subject.exchanged(rows, number, lenders), target)[:count].mean())
        for number, encoder in enumerate(subject.encoders)
    }
    order = sorted(adds, key=lambda name: -abs(adds[name]))[:MOST_SHOWN]
    shown = [
        Bar(name=f"{name} = {cell(subject, name, row)}", value=adds[name], text=signed(adds[name])) for name in order
    ]
    return Figure(
        title="What each cell adds",
        sentence=f"How much higher {_asked(subject, target)} than it would be with cells of {count} other rows in this column, "
        "all else as it is.",
        caution="as parts of a sum: the effects of columns that work together do not add up.",
        alt="; ".join(f"{bar.name}: {bar.text}" for bar in shown[:5]),
        drawing=bars("What each cell of this row adds", ("Cell", "Adds"), shown),
    )


def _words_figures(subject: Subject, row: int, target: Target) -> list[Figure]:
    """Of each column of texts that is read as it stands: what its words add, each left out in turn."""
    columns = [encoder.column for encoder in subject.encoders if TEXTS + encoder.column in subject.raw]
    return [figure for name in columns if (figure := _words_figure(subject, row, target, name)) is not None]


def _words_figure(subject: Subject, row: int, target: Target, column: str) -> Figure | None:
    words = str(subject.raw[TEXTS + column][row]).split()
    looked = words[:MOST_WORDS]
    if len(words) < 2 or subject.engine is None:
        return None
    texts = np.empty(len(looked) + 1, dtype=object)
    texts[0] = subject.raw[TEXTS + column][row]
    texts[1:] = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(looked))]
    whole = {
        key: np.repeat(array[row : row + 1], len(texts), axis=0)
        for key, array in {**subject.arrays, **subject.raw}.items()
    }
    said = subject.decoded(subject.engine.outputs({**whole, TEXTS + column: texts}))
    stated = _evidence(said, target)
    adds = stated[0] - stated[1:]
    order = np.argsort(-np.abs(adds), kind="stable")[:MOST_SHOWN]
    shown = [Bar(name=looked[i], value=float(adds[i]), text=signed(float(adds[i]))) for i in order.tolist()]
    some = f" The first {MOST_WORDS} of {len(words):,} words." if len(words) > MOST_WORDS else ""
    return Figure(
        title=f"What the words of {column} add",
        sentence=f"How much higher {_asked(subject, target)} with a word than without it.{some}",
        caution="where words say the same twice: each alone then seems to add nothing.",
        alt="; ".join(f"{bar.name}: {bar.text}" for bar in shown[:5]),
        drawing=bars("What each word of this row adds", ("Word", "Adds"), shown),
    )


def _apart(own: Answered, moved: Answered) -> Array:
    """(n,) how far the answers moved: of classes the probability that went elsewhere, of labels their mean, of numbers the first."""
    moves = np.abs(moved.stated - own.stated)
    if not isinstance(own, AnsweredChances):
        return np.asarray(moves[:, 0])
    exclusive = np.allclose(own.stated.sum(axis=1), 1.0)
    return np.asarray(moves.sum(axis=1) / 2 if exclusive else moves.mean(axis=1))


def _evidence(said: Answered, target: Target) -> Array:
    """(n,) log-odds of the target, since a probability near 1 hardly moves whatever is taken from a row; or the number."""
    stated = said.stated[:, target.index]
    if not isinstance(said, AnsweredChances):
        return np.asarray(stated)
    chances = np.clip(stated, TINY, 1 - TINY)
    return np.asarray(np.log(chances) - np.log1p(-chances))


def _asked(subject: Subject, target: Target) -> str:
    if subject.answer.quantities:
        return f"the predicted {target.name} is"
    return f"its certainty of {target.name} (log-odds) is"


def _size(subject: Subject, value: float) -> str:
    return significant(value, 3) if subject.answer.quantities else percent(value)
