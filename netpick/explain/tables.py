"""Tables explained: what each column adds, how the answer follows a column, and what a single row owes to its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from netpick.compare import Contender, Resampler, paired_difference
from netpick.encode import JOINED, Encoder, input_names
from netpick.explain import attention
from netpick.explain.drawing import Bar, Line, bars, curves
from netpick.explain.subject import Subject, Target, batch_of
from netpick.kinds import KINDS
from netpick.metrics import METRICS
from netpick.report.components import fold
from netpick.report.markup import Html, element
from netpick.report.standings import metric_word
from netpick.report.words import counted, significant
from netpick.types import Array, Figure, Predictions, TableColumn

ORDERS = 256  # random orders in which columns are put in, for a row's own attributions
MOST_BACKGROUND, FEW_BACKGROUND = 64, 16  # other rows that stand for "not known"; few where rows hold texts or pictures
MOST_SHOWN = 12  # columns in a figure
MOST_ROWS = 1_000  # of permutation importance
CURVE_ROWS, CURVE_POINTS, MOST_CURVES = 200, 21, 4


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a column lies in the encoded row: an input, and the numbers of its values there (None: all of it)."""

    column: str
    kind: str
    input: str
    values: tuple[int, ...] | None


def places(encoders: Sequence[Encoder]) -> tuple[Place, ...]:
    """Every column's place, in the order of the columns."""
    filled: dict[str, int] = {}
    made = []
    for encoder, name in zip(encoders, input_names(encoders), strict=True):
        kind = KINDS[encoder.kind]
        values = None
        if kind.form in JOINED:
            start = filled.get(name, 0)
            count = len(kind.outputs(encoder.column, encoder.state))
            values, filled[name] = tuple(range(start, start + count)), start + count
        made.append(Place(column=encoder.column, kind=encoder.kind, input=name, values=values))
    return tuple(made)


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
    return all(spec.form in JOINED for spec in subject.inputs.values())


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
        if spec.form == "vector":
            made[name] = np.zeros((MOST_BACKGROUND, *spec.shape), np.float32)
        elif spec.form == "codes":
            made[name] = np.stack(
                [generator.integers(min(1, size - 1), size, MOST_BACKGROUND) for size in spec.cardinalities], axis=1
            ).astype(np.int32)
    for place in places(subject.encoders):
        if place.input == "vector" and place.values:  # a flag for missing cells, behind the number, stays 0
            middle = (np.arange(MOST_BACKGROUND) + 0.5) / MOST_BACKGROUND
            from scipy.special import ndtri

            made["vector"][:, place.values[0]] = generator.permutation(ndtri(middle)).astype(np.float32)
    return made


def shares_figure(subject: Subject, row: int, target: Target) -> Figure:
    background, whence = background_of(subject, row)
    found = row_shares(subject, row, target, background)
    order = np.argsort(-np.abs(found.values), kind="stable")
    shown = [
        Bar(
            name=f"{found.columns[int(i)]} = {cell(subject, found.columns[int(i)], row)}",
            value=float(found.values[i]),
            text=_signed(float(found.values[i])),
            low=float(found.values[i] - 1.96 * found.error[i]),
            high=float(found.values[i] + 1.96 * found.error[i]),
        )
        for i in order
    ]
    unit = "its units" if subject.task.name == "regress" else "log-odds"
    table = bars(f"What each cell of this row adds, in {unit}", ("Cell", "Adds"), shown[:MOST_SHOWN])
    rest = shown[MOST_SHOWN:]
    more = (
        fold(f"{counted(len(rest), 'more column')}", bars("Further columns", ("Cell", "Adds"), rest)) if rest else None
    )
    return Figure(
        title="What each cell adds",
        sentence=f"From {significant(found.base, 3)}, what the network says on average, to {significant(found.score, 3)} for this "
        f"row: how much each cell moves {target.words} ({unit}; Shapley values, which sum up exactly).",
        caution="where columns depend on each other: cells are replaced one by one by those of other rows, and some of these "
        f"rows cannot exist. Compared with {whence}.",
        alt="; ".join(f"{b.name}: {b.text}" for b in shown[:5]),
        drawing=element("div", table, more),
    )


def _signed(value: float) -> str:
    text = significant(value, 3)
    return f"+{text}" if value > 0 and text != "0" else text


def cell(subject: Subject, column: str, row: int) -> str:
    """A cell as people wrote it."""
    found = subject.columns.get(column)
    if not isinstance(found, TableColumn):
        return f"({found.kind})" if found is not None else "?"
    value = found.values[int(subject.rows[row])]
    if value is None:
        return "missing"
    return significant(value) if isinstance(value, float) else str(value)[:40]


# --- all rows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much worse the metric gets when a column's cells are exchanged between rows, with its 95 % interval."""

    column: str
    value: float
    low: float
    high: float


def permutation_importance(subject: Subject, seed: int = 0) -> tuple[Importance, ...]:
    """Of every column, the most important first (Breiman 2001; Fisher et al. 2019). Empty without labels or with one column."""
    metric = METRICS[subject.primary]
    if subject.truth is None or len(subject.encoders) < 2:
        return ()
    rows = np.flatnonzero(subject.task.labelled(subject.truth))
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    truth = subject.truth[rows]
    whole = subject.predictions(rows)
    if len(rows) < 2 or not metric.applies(truth, whole):
        return ()
    full = Contender(name="all", predictions=whole, decided=subject.decided(whole))
    resampler = Resampler(len(rows), seed)
    made = []
    for number, place in enumerate(places(subject.encoders)):
        exchanged = _exchanged(subject, rows, place, np.random.default_rng((seed, number)))
        without = Contender(name=place.column, predictions=exchanged, decided=subject.decided(exchanged))
        pair = paired_difference(metric, truth, full, without, resampler)
        made.append(Importance(column=place.column, value=pair.difference, low=pair.low, high=pair.high))
    return tuple(sorted(made, key=lambda one: -one.value))


def _exchanged(subject: Subject, rows: Array, place: Place, generator: np.random.Generator) -> Predictions:
    """Predictions for the rows with another row's cells in one column; no row keeps its own."""
    order = generator.permutation(len(rows))
    partner = np.empty(len(rows), np.int64)
    partner[order] = np.roll(order, 1)
    answers = []
    for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // 256)):
        batch = subject.batch(rows[part])
        other = subject.batch(rows[partner[part]])
        for name in (place.input, f"{place.input}.mask"):
            if name in batch:
                batch[name] = _mixed(batch[name], other[name], place)
        answers.append(subject.answers(batch))
    return subject.task.decode(np.concatenate(answers), subject.state)


def _mixed(own: torch.Tensor, other: torch.Tensor, place: Place) -> torch.Tensor:
    if place.values is None:
        return other
    mixed = own.clone()
    columns = list(place.values)
    mixed[:, columns] = other[:, columns]
    return mixed


def importance_figure(subject: Subject) -> Figure | None:
    found = permutation_importance(subject)
    if not found:
        return None
    metric = METRICS[subject.primary]
    shown = [Bar(name=one.column, value=one.value, low=one.low, high=one.high, text=_interval(one)) for one in found]
    rest = shown[MOST_SHOWN:]
    heads = ("Column", "Loss, 95\u00a0% interval")
    table = bars(f"Loss of {metric.label} when a column is exchanged between rows", heads, shown[:MOST_SHOWN])
    more = fold(counted(len(rest), "more column"), bars("Further columns", heads, rest)) if rest else None
    sure = [one.column for one in found if one.low > 0]
    return Figure(
        title="What each column adds",
        sentence=f"How much worse {metric_word(subject.primary)} gets on these rows when a column's cells are exchanged between rows; "
        f"{counted(len(sure), 'column')} {'makes' if len(sure) == 1 else 'make'} a difference that the interval tells from none.",
        caution="where two columns say the same: each alone then seems to add nothing. On rows that the network learned from, it "
        "also counts what was learned by heart.",
        alt="; ".join(f"{one.column} {significant(one.value, 3)}" for one in found[:5]),
        drawing=element("div", table, more),
    )


def _interval(one: Importance) -> str:
    return f"{significant(one.value, 3)} ({significant(one.low, 2)} to {significant(one.high, 2)})"


# --- partial dependence ----------------------------------------------------------------------------------------------


def dependence_figure(subject: Subject, order: Sequence[str]) -> Figure | None:
    """How the answer follows each of the first columns, all else as it is (Friedman 2001)."""
    spots = {place.column: place for place in places(subject.encoders)}
    wanted = [spots[name] for name in order if name in spots and spots[name].kind in ("number", "category", "boolean")]
    if subject.count < 10 or not wanted:
        return None
    target = _whole_target(subject)
    drawn = [
        element("div", element("p", element("b", p.column)), _dependence(subject, p, target))
        for p in wanted[:MOST_CURVES]
    ]
    words = "the predicted value" if subject.task.name == "regress" else f"the probability of {target.name}"
    names = ", ".join(place.column for place in wanted[:MOST_CURVES])
    return Figure(
        title="How the answer follows a column",
        sentence=f"Partial dependence: {words}, averaged over rows, when everybody gets the same value in one column; the shade "
        "holds the middle half of the rows.",
        caution="where no row has such a value together with its other cells, and at the ends, where training rows were few.",
        alt=f"Curves or bars for {names}.",
        drawing=element("div", drawn, class_="panels"),
    )


def _whole_target(subject: Subject) -> Target:
    """The class to follow over all rows: the second of two, else the commonest answer."""
    if subject.task.name == "regress":
        return Target(index=0, name=subject.labels[0], words="")
    if len(subject.labels) == 2:
        return Target(index=1, name=subject.labels[1], words="")
    probabilities = subject.predictions().probabilities
    assert probabilities is not None
    index = int(np.bincount(probabilities.argmax(axis=1)).argmax())
    return Target(index=index, name=subject.labels[index], words="")


def dependence(subject: Subject, place: Place, target: Target, values: Array) -> Array:
    """(V, n) answers for the target when all of some rows get each of the encoded values (V, width of the column)."""
    rows = np.arange(subject.count)[:: -(-subject.count // CURVE_ROWS)]
    batch = subject.batch(rows)
    assert place.values is not None
    found = []
    for value in values:
        changed = batch[place.input].clone()
        changed[:, list(place.values)] = torch.as_tensor(value).to(changed.dtype)
        decoded = subject.task.decode(subject.answers({**batch, place.input: changed}), subject.state)
        answers = decoded.values if decoded.probabilities is None else decoded.probabilities
        assert answers is not None
        found.append(answers[:, target.index])
    return np.stack(found)


def _dependence(subject: Subject, place: Place, target: Target) -> Html:
    import polars as pl

    encoder = next(e for e in subject.encoders if e.column == place.column)
    kind, column = KINDS[place.kind], subject.columns[place.column]
    assert isinstance(column, TableColumn)
    if place.kind == "number":
        from netpick.kinds.cells import as_numbers

        known = as_numbers(column.values).drop_nulls().to_numpy()
        points = np.unique(np.quantile(known, np.linspace(0.02, 0.98, CURVE_POINTS))) if len(known) else np.zeros(1)
        cells = pl.Series(place.column, points.astype(np.float64))
    else:
        counts = column.values.drop_nulls().cast(pl.String).value_counts(sort=True)
        cells = pl.Series(place.column, counts[counts.columns[0]].head(MOST_SHOWN).to_list())
    encoded = kind.encode(TableColumn(name=place.column, values=cells), encoder.state)
    found = dependence(subject, place, target, encoded)
    mean = found.mean(axis=1)
    if place.kind != "number":
        shown = [Bar(name=str(c), value=float(v)) for c, v in zip(cells.to_list(), mean, strict=True)]
        return bars(f"Mean answer by {place.column}", (place.column, "Mean answer"), shown)
    low, high = np.quantile(found, 0.25, axis=1), np.quantile(found, 0.75, axis=1)
    x = cells.to_numpy().astype(np.float64)
    return curves([Line(x=x, y=mean)], (place.column, target.name), band=(x, low, high), extent=_extent(subject, high))


def _extent(subject: Subject, high: Array) -> tuple[float, float] | None:
    """Probabilities from 0 on, up to a round tenth; numbers as they come."""
    if subject.task.name == "regress":
        return None
    return 0.0, float(min(1.0, np.ceil(10 * high.max()) / 10)) or 0.1


# --- what the page shows ---------------------------------------------------------------------------------------------


def data_figures(subject: Subject) -> tuple[Figure, ...]:
    """What is true of all rows together."""
    importance = importance_figure(subject)
    order = [one.column for one in permutation_importance(subject)] or [e.column for e in subject.encoders]
    made = [importance, dependence_figure(subject, order)]
    return tuple(figure for figure in made if figure is not None)


def row_figures(subject: Subject, row: int, name: str, target: Target) -> tuple[Figure, ...]:
    names = [*subject.inputs["vector"].names] if "vector" in subject.inputs else []
    names += subject.inputs["codes"].names if "codes" in subject.inputs else ()
    looks = attention.table_figures(subject, subject.batch([row]), subject.trunk(name), target, names)
    return (shares_figure(subject, row, target), *looks)
