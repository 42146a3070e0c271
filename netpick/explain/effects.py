"""Tables explained over all rows: what each column adds, and how the answer follows a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from netpick.answers.compare import Resampler
from netpick.answers.metrics import metric_of
from netpick.columns.kinds import KINDS
from netpick.columns.kinds.cells import as_numbers, counts_of
from netpick.explain.ablation import Exchange, exchange_losses
from netpick.explain.subject import Subject, Target
from netpick.explain.tables import MOST_SHOWN, Place, places
from netpick.report.components import fold
from netpick.report.drawing import bars, curves
from netpick.report.markup import Html, element
from netpick.report.standings import metric_word
from netpick.types import Array, Rows, TableColumn
from netpick.types.drawings import Bar, Figure, Line
from netpick.types.results import Answered
from netpick.types.words import counted, significant

MOST_ROWS = 1_000  # of permutation importance
CURVE_ROWS, CURVE_POINTS, MOST_CURVES = 200, 21, 4


# --- what each column adds -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much worse the metric gets when a column's cells are exchanged between rows, with its 95 % interval."""

    column: str
    value: float
    low: float
    high: float


def permutation_importance(subject: Subject, seed: int = 0) -> tuple[Importance, ...]:
    """Of every column, the most important first (Breiman 2001; Fisher et al. 2019). Empty without labels or with one column."""
    metric = metric_of(subject.primary, subject.rule.costs)
    if subject.truth is None or len(subject.encoders) < 2:
        return ()
    rows = np.flatnonzero(subject.answer.labelled(subject.truth))
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    if len(rows) < 2:
        return ()

    def answered(number: int | None, partner: Rows) -> Answered:
        return subject.predictions(rows) if number is None else subject.exchanged(rows, number, partner)

    asked = Exchange(
        metric=metric,
        truth=subject.truth[rows],
        answer=subject.answer,
        rule=subject.rule,
        resampler=Resampler(len(rows), seed),
    )
    losses = exchange_losses(asked, [encoder.column for encoder in subject.encoders], answered)
    importances = [
        Importance(column=one.name, value=pair.difference, low=pair.low, high=pair.high) for one, pair in losses
    ]
    return tuple(sorted(importances, key=lambda one: -one.value))


def importance_figure(subject: Subject) -> Figure | None:
    importances = permutation_importance(subject)
    if not importances:
        return None
    metric = metric_of(subject.primary, subject.rule.costs)
    shown = [
        Bar(name=one.column, value=one.value, low=one.low, high=one.high, text=_interval(one)) for one in importances
    ]
    rest = shown[MOST_SHOWN:]
    heads = ("Column", "Loss, 95\u00a0% interval")
    table = bars(f"Loss of {metric.label} when a column is exchanged between rows", heads, shown[:MOST_SHOWN])
    more = fold(counted(len(rest), "more column"), bars("Further columns", heads, rest)) if rest else None
    sure = [one.column for one in importances if one.low > 0]
    return Figure(
        title="What each column adds",
        sentence=f"How much worse {metric_word(subject.primary)} gets on these rows when a column's cells are exchanged between rows; "
        f"{counted(len(sure), 'column')} {'makes' if len(sure) == 1 else 'make'} a difference that the interval tells from none.",
        caution="where two columns say the same: each alone then seems to add nothing. On rows that were learned from, it also "
        "counts what was learned by heart.",
        alt="; ".join(f"{one.column} {significant(one.value, 3)}" for one in importances[:5]),
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
    words = "the predicted value" if subject.answer.quantities else f"the probability of {target.name}"
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
    if subject.answer.quantities:
        return Target(index=0, name=subject.labels[0], words="")
    if len(subject.labels) == 2:
        return Target(index=1, name=subject.labels[1], words="")
    index = int(np.bincount(subject.predictions().stated.argmax(axis=1)).argmax())
    return Target(index=index, name=subject.labels[index], words="")


def dependence(subject: Subject, place: Place, target: Target, values: Array) -> Array:
    """(V, n) answers for the target when all of some rows get each of the encoded values (V, width of the column)."""
    rows = np.arange(subject.count)[:: -(-subject.count // CURVE_ROWS)]
    batch = subject.batch(rows)
    assert place.values is not None
    answers = []
    for value in values:
        changed = batch[place.input].clone()
        changed[:, list(place.values)] = torch.as_tensor(value).to(changed.dtype)
        decoded = subject.decoded(subject.answers({**batch, place.input: changed}))
        answers.append(decoded.stated[:, target.index])
    return np.stack(answers)


def _dependence(subject: Subject, place: Place, target: Target) -> Html:
    import polars as pl

    encoder = next(e for e in subject.encoders if e.column == place.column)
    kind, column = KINDS[place.kind], subject.columns[place.column]
    assert isinstance(column, TableColumn)
    if place.kind == "number":
        known = as_numbers(column.values).drop_nulls().to_numpy()
        points = np.unique(np.quantile(known, np.linspace(0.02, 0.98, CURVE_POINTS))) if len(known) else np.zeros(1)
        cells = pl.Series(place.column, points.astype(np.float64))
    else:
        counts = counts_of(column.values.cast(pl.String))
        cells = pl.Series(place.column, counts["value"].head(MOST_SHOWN).to_list())
    encoded = kind.encode(TableColumn(name=place.column, values=cells), encoder.state)
    answers = dependence(subject, place, target, encoded)
    mean = answers.mean(axis=1)
    if place.kind != "number":
        shown = [Bar(name=str(c), value=float(v)) for c, v in zip(cells.to_list(), mean, strict=True)]
        return bars(f"Mean answer by {place.column}", (place.column, "Mean answer"), shown)
    low, high = np.quantile(answers, 0.25, axis=1), np.quantile(answers, 0.75, axis=1)
    x = cells.to_numpy().astype(np.float64)
    return curves([Line(x=x, y=mean)], (place.column, target.name), band=(x, low, high), extent=_extent(subject, high))


def _extent(subject: Subject, high: Array) -> tuple[float, float] | None:
    """Probabilities from 0 on, up to a round tenth; numbers as they come."""
    if subject.answer.quantities:
        return None
    return 0.0, float(min(1.0, np.ceil(10 * high.max()) / 10)) or 0.1


# --- what the page shows ---------------------------------------------------------------------------------------------


def data_figures(subject: Subject) -> tuple[Figure, ...]:
    """What is true of all rows together."""
    importance = importance_figure(subject)
    order = [one.column for one in permutation_importance(subject)] or [e.column for e in subject.encoders]
    made = [importance, dependence_figure(subject, order)]
    return tuple(figure for figure in made if figure is not None)
