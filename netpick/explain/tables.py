"""A row of a table explained: what it owes to each of its cells. What holds of all rows is in effects.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netpick.columns.encode import Encoder, input_places
from netpick.columns.forms import FORMS, stored_as
from netpick.explain import attention
from netpick.explain.subject import Subject, Target, batch_of
from netpick.types import Array, TableColumn
from netpick.types.drawings import Bar, Bars, Figure, Fold, Stack
from netpick.types.words import counted, significant

ORDERS = 256  # random orders in which columns are put in, for a row's own attributions
MOST_BACKGROUND, FEW_BACKGROUND = 64, 16  # other rows that stand for "not known"; few where rows hold texts or pictures
MOST_SHOWN = 12  # columns in a figure


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a column lies in the encoded row: an input, and the numbers of its values there (None: all of it)."""

    column: str
    kind: str
    input: str
    values: tuple[int, ...] | None


def places(encoders: Sequence[Encoder]) -> tuple[Place, ...]:
    """Every column's place, in the order of the columns."""
    return tuple(
        Place(
            column=encoder.column,
            kind=encoder.kind,
            input=name,
            values=None if part is None else tuple(range(part.start, part.stop)),
        )
        for encoder, (name, part) in zip(encoders, input_places(encoders), strict=True)
    )


# --- a row's own attributions ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What each column adds to the score of one row, from `base`, the mean score of the background; they sum up exactly."""

    columns: tuple[str, ...]
    values: Array  # (K,)
    error: Array  # (K,) standard error from the random orders
    base: float
    score: float


def row_shares(subject: Subject, row: int, target: Target, background: dict[str, Array]) -> Shares:
    """Shapley values by sampling orders (Strumbelj & Kononenko 2014): the background row's cells are replaced by the row's own,
    one column after the other, and each column gets the mean of what its turn changed.

    background: arrays of rows that stand for "not known", by input. Every row of it serves equally often, and each order runs
    both ways, so for an additive network the values are exact.
    """
    spots = places(subject.encoders)
    count = len(next(iter(background.values())))
    # One batch for all, so that padded inputs are of one length; what the background lacks stays as it is.
    joined = {
        name: np.concatenate([array[[row]], background.get(name, array[[row]].repeat(count, axis=0))])
        for name, array in subject.arrays.items()
    }
    rows = batch_of(joined, subject.inputs, np.arange(1 + count))
    generator = np.random.default_rng(0)
    orders, rests = [], []
    for _ in range(max(1, -(-ORDERS // (2 * count))) if is_plain(subject) else 1):
        for rest in range(1, count + 1):
            order = generator.permutation(len(spots))
            orders += [order, order[::-1]]
            rests += [rest, rest]
    steps = len(spots) + 1
    batch = {name: value[rests].repeat_interleave(steps, dim=0) for name, value in rows.items()}
    for number, order in enumerate(orders):
        for turn, spot in enumerate(order, start=1):
            place = spots[int(spot)]
            later = slice(number * steps + turn, (number + 1) * steps)
            for name in (place.input, f"{place.input}.mask"):
                if name not in batch:
                    continue
                if place.values is None:
                    batch[name][later] = rows[name][0]
                else:
                    columns = list(place.values)
                    batch[name][later][:, columns] = rows[name][0, columns]
    scores = subject.scores(batch, target).reshape(len(orders), steps)
    gains = np.diff(scores, axis=1)
    each = np.zeros((len(orders), len(spots)))
    for number, order in enumerate(orders):
        each[number, order] = gains[number]
    # What an order and its reverse disagree on is the noise of drawing orders; what rows of the background differ in is not.
    pairs = each.reshape(-1, 2, len(spots))
    apart = (pairs[:, 0] - pairs[:, 1]) / 2
    return Shares(
        columns=tuple(place.column for place in spots),
        values=each.mean(axis=0),
        error=np.sqrt((apart**2).mean(axis=0) / len(pairs)),
        base=float(scores[:, 0].mean()),
        score=float(scores[:, -1].mean()),
    )


def is_plain(subject: Subject) -> bool:
    """Whether rows hold numbers and categories alone, so that thousands of them are asked about in no time."""
    return all(FORMS[spec.form].joined for spec in subject.inputs.values())


def background_of(subject: Subject, row: int) -> tuple[dict[str, Array], str]:
    """Rows that stand for "not known", and where they come from in words."""
    others = np.setdiff1d(np.arange(subject.count), [row])
    if len(others) >= 10:
        chosen = others[:: -(-len(others) // (MOST_BACKGROUND if is_plain(subject) else FEW_BACKGROUND))]
        arrays = {name: array[chosen] for name, array in subject.arrays.items()}
        return arrays, f"{counted(len(chosen), 'other row')} of the data"
    return typical_rows(
        subject
    ), "typical rows, put together column by column from what the model file keeps of training"


def typical_rows(subject: Subject) -> dict[str, Array]:
    """Rows made of each column's own distribution as the encoders know it: normal numbers, every category alike."""
    generator = np.random.default_rng(0)
    made: dict[str, Array] = {}
    for name, spec in subject.inputs.items():
        if FORMS[spec.form].joined:
            made[name] = np.zeros((MOST_BACKGROUND, *spec.shape), stored_as(spec))
            for column, size in enumerate(spec.cardinalities):
                made[name][:, column] = generator.integers(min(1, size - 1), size, MOST_BACKGROUND)
    for place in places(subject.encoders):
        if place.input == "vector" and place.values:  # a flag for missing cells, behind the number, stays 0
            middle = (np.arange(MOST_BACKGROUND) + 0.5) / MOST_BACKGROUND
            from scipy.special import ndtri

            made["vector"][:, place.values[0]] = generator.permutation(ndtri(middle)).astype(np.float32)
    return made


def shares_figure(subject: Subject, row: int, target: Target) -> Figure:
    background, whence = background_of(subject, row)
    shares = row_shares(subject, row, target, background)
    order = np.argsort(-np.abs(shares.values), kind="stable")
    shown = [
        Bar(
            name=f"{shares.columns[int(i)]} = {cell(subject, shares.columns[int(i)], row)}",
            value=float(shares.values[i]),
            text=signed(float(shares.values[i])),
            low=float(shares.values[i] - 1.96 * shares.error[i]),
            high=float(shares.values[i] + 1.96 * shares.error[i]),
        )
        for i in order
    ]
    unit = "its units" if subject.answer.quantities else "log-odds"
    heads, rest = ("Cell", "Adds"), shown[MOST_SHOWN:]
    parts: list[Bars | Fold] = [
        Bars(caption=f"What each cell of this row adds, in {unit}", heads=heads, shown=shown[:MOST_SHOWN])
    ]
    if rest:
        further = Bars(caption="Further columns", heads=heads, shown=rest)
        parts.append(Fold(title=counted(len(rest), "more column"), shown=further))
    return Figure(
        title="What each cell adds",
        sentence=f"From {significant(shares.base, 3)}, what the network says on average, to {significant(shares.score, 3)} for this "
        f"row: how much each cell moves {target.words} ({unit}; Shapley values, which sum up exactly).",
        caution="where columns depend on each other: cells are replaced one by one by those of other rows, and some of these "
        f"rows cannot exist. Compared with {whence}.",
        alt="; ".join(f"{b.name}: {b.text}" for b in shown[:5]),
        drawing=Stack(parts=parts),
    )


def signed(value: float) -> str:
    text = significant(value, 3)
    return f"+{text}" if value > 0 and text != "0" else text


def cell(subject: Subject, column: str, row: int) -> str:
    """A cell as people wrote it."""
    table_column = subject.columns.get(column)
    if not isinstance(table_column, TableColumn):
        return f"({table_column.kind})" if table_column is not None else "?"
    value = table_column.values[int(subject.rows[row])]
    if value is None:
        return "missing"
    return significant(value) if isinstance(value, float) else str(value)[:40]


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    names = [*subject.inputs["vector"].names] if "vector" in subject.inputs else []
    names += subject.inputs["codes"].names if "codes" in subject.inputs else ()
    looks = attention.table_figures(subject, subject.batch([row]), subject.trunk(name), target, names)
    return (shares_figure(subject, row, target), *looks)
