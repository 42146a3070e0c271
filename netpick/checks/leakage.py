"""D002: a column that gives the target away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netpick.checks.base import Check, CheckContext
from netpick.checks.disguises import SURE_ROWS, Disguise, bins_of_numbers, groups_of_classes, telling_cell, telling_word
from netpick.checks.features import days_of, times_of
from netpick.columns.kinds.cells import as_numbers, as_text
from netpick.types import Array, ArrayColumn, Column, Field, Finding, Rows, Severity, TableColumn
from netpick.types.words import quoted

Floats = npt.NDArray[np.float64]

MOST_ROWS, FEWEST_ROWS = 20_000, 100
MOST_CELLS = 2_000_000  # rows times columns looked at
MOST_TEXTS, MOST_MEDIA = 5_000, 2_000  # rows that words, and pixels, are looked at
MOST_CHARACTERS = 10_000_000  # of texts whose words are looked at
EXTREME = 0.01  # of the rows
RAREST = 10  # rows outside the commonest class, among those that are predicted
# How much of what is left to know after guessing a column must tell (1: all), for a warning and for a stop. Petal width
# tells 0.93 of iris, and is what iris is about.
WARN_CLASSES, STOP_CLASSES = 0.97, 0.99
WARN_NUMBERS, STOP_NUMBERS = 0.99, 0.9999


@dataclass(frozen=True, kw_only=True)
class _Halves:
    """Training rows in two halves: one is looked up in, the other is predicted."""

    known: Rows
    asked: Rows


class LeakingColumn(Check):
    """Predicts the target from every column alone, by the nearest known value in it; and looks for disguises of it."""

    code = "D002"
    title = "A column gives the target away"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if len(context.train) < FEWEST_ROWS:
            return None
        if context.windowed:
            return self._known_ahead(context)
        tables = [f for f in context.schema.features if isinstance(context.source.columns[f.name], TableColumn)]
        fields = [f for f in tables if f.kind in ("number", "category", "boolean", "datetime")]
        others = [f for f in context.schema.features if f not in fields]
        if not fields and not _has_disguises(context, others):
            return None
        findings = []
        halves = _halves(context.train, max(1, len(fields)))
        by_time = _told_by_time(context, halves) if context.of_numbers else 0.0
        for field in fields:
            told = _told(context, field, halves)
            severity = _severity(context, field, told, halves)
            if severity == "severe" and not _beyond(told, by_time):
                severity = "warning"
            if severity is not None:
                findings.append(self._finding(field.name, told, severity, len(halves.asked)))
        said = {f.columns[0] for f in findings}
        for field in (*fields, *others):
            disguise = None if field.name in said else _disguise(context, field, halves)
            if disguise is not None:
                findings.append(self._disguised(field.name, disguise))
        return findings

    def _known_ahead(self, context: CheckContext) -> list[Finding] | None:
        """Of a forecast only what is known for the horizon can tell: the target's past is given to all."""
        fields = [f for f in context.schema.features if f.name in context.known and f.kind == "number"]
        if not fields:
            return None
        findings = []
        rows = _halves(context.train, len(fields)).asked
        targets = [context.target[rows, k] for k in range(context.target.shape[1])]
        places = _places(context)[rows]
        by_time = max(_straight_line(places[~np.isnan(one)], one[~np.isnan(one)]) for one in targets)
        for field in fields:
            column = context.source.columns[field.name]
            assert isinstance(column, TableColumn)
            values = as_numbers(column.values.gather(rows)).fill_null(float("nan")).to_numpy()
            both = [(values, one) for one in targets]
            told = max(_straight_line(*(side[~np.isnan(a) & ~np.isnan(b)] for side in (a, b))) for a, b in both)
            if told >= WARN_NUMBERS:
                severity: Severity = "severe" if told >= STOP_NUMBERS and _beyond(told, by_time) else "warning"
                findings.append(self._finding(field.name, told, severity, len(rows)))
        return findings

    def _disguised(self, name: str, disguise: Disguise) -> Finding:
        return self.finding(
            severity="severe" if disguise.severe else "warning",
            evidence=f"Column {quoted([name])} {disguise.said}.",
            advice=(
                "If this is not known at the time of prediction, or was put there with the target in mind, take it out of the "
                f"data, or leave the column out with --drop {name!r}."
            ),
            clause=f"column {quoted([name])} gives the target away",
            columns=(name,),
        )

    def _finding(self, name: str, share: float, severity: Severity, rows: int) -> Finding:
        return self.finding(
            severity=severity,
            evidence=(
                f"Column '{name}' alone tells {_percent(share)} of the target beyond guessing, on {rows:,} training rows."
            ),
            advice=(
                f"If '{name}' is not known at the time of prediction, or is another form of the target, leave it out "
                f"with --drop {name!r}."
            ),
            clause=f"column '{name}' alone tells {_percent(share)} of the target",
            columns=(name,),
        )


def _severity(context: CheckContext, field: Field, told: float, halves: _Halves) -> Severity | None:
    """How severe it is that a column tells so much; None when it is not worth a word."""
    columns = len(context.schema.features)
    regress = context.of_numbers
    warn, stop = (WARN_NUMBERS, STOP_NUMBERS) if regress else (WARN_CLASSES, STOP_CLASSES)
    if told < warn or (regress and field.kind == "datetime" and told < stop):
        return None  # what changes slowly is alike at neighbouring times
    # The only column there is may well be what the question is about.
    return "severe" if told >= stop and columns > 1 and (regress or _many_told(context, halves)) else "warning"


def _many_told(context: CheckContext, halves: _Halves) -> bool:
    """Whether so many rows were there to be mistaken about that a few more could not change the picture: petal width gets
    all of fifty irises right in one draw of twenty.
    """
    target = context.target[halves.asked]
    target = target if target.ndim == 2 else target[:, None]
    others = []
    for column in target.T:
        counts = np.bincount(column[column >= 0].astype(np.int64), minlength=1)
        others.append(int(counts.sum() - counts.max()))
    return max(others) >= SURE_ROWS


def _told_by_time(context: CheckContext, halves: _Halves) -> float:
    """What is told of numbers by when a row was: the null of what grows or turns slowly, and so goes along with all that does."""
    shares = [0.0]
    for _, times in times_of(context):
        values = np.where(np.isnan(times), np.nanmin(times, initial=0.0) - 1, times)
        shares.append(_told_by_values(context, values[halves.known], values[halves.asked], halves))
    return max(shares)


def _beyond(told: float, by_time: float) -> bool:
    """Whether a column tells nearly all that the time of a row leaves open, however much that is."""
    return by_time < WARN_NUMBERS or 1 - told < (1 - WARN_NUMBERS) * (1 - by_time)


def _places(context: CheckContext) -> Floats:
    """Of each step of a forecast, how many of its series stand before it."""
    assert context.order is not None
    assert context.series is not None
    series = context.series[context.order]
    first = np.maximum.accumulate(np.where(np.diff(series, prepend=-1) != 0, np.arange(len(series)), 0))
    places = np.empty(len(context.series))
    places[context.order] = np.arange(len(series)) - first
    return places


def _has_disguises(context: CheckContext, fields: list[Field]) -> bool:
    return context.one_class and any(
        f.kind == "text" or isinstance(context.source.columns[f.name], ArrayColumn) for f in fields
    )


def _disguise(context: CheckContext, field: Field, halves: _Halves) -> Disguise | None:
    """The target in a form that the nearest value does not show."""
    column = context.source.columns[field.name]
    classify = context.one_class
    if classify and field.kind == "text" and isinstance(column, TableColumn):
        rows = halves.asked[:MOST_TEXTS]
        texts = as_text(column.values.gather(rows))
        fewer = max(FEWEST_ROWS, int(MOST_CHARACTERS / max(1.0, float(texts.str.len_chars().mean() or 0.0))))  # type: ignore[arg-type]
        return telling_word(texts.head(fewer), context.target[rows[:fewer]], context.labels)
    if classify and isinstance(column, ArrayColumn):
        rows = halves.asked[: max(200, min(MOST_MEDIA, MOST_CELLS * 10 // max(1, column.values[0].size)))]
        return telling_cell(column, rows, context.target[rows], context.labels)
    if field.kind not in ("number", "category", "boolean") or not (context.one_class or context.of_numbers):
        return None
    target = context.target[halves.asked]
    if target.ndim == 2 and target.shape[1] > 1:
        return None
    codes, _ = _cells(column, field, _Halves(known=halves.asked, asked=halves.known[:1]))
    if classify:
        return groups_of_classes(codes, target) if field.kind != "number" else None
    return bins_of_numbers(codes, target[:, 0])


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %" if share < 0.99995 else "all"


def _halves(train: Rows, num_columns: int) -> _Halves:
    size = min(len(train), MOST_ROWS, max(MOST_CELLS // num_columns, 1000))
    rows = np.random.default_rng(0).permutation(train)[:size]
    return _Halves(known=rows[: size // 2], asked=rows[size // 2 :])


def _told(context: CheckContext, field: Field, halves: _Halves) -> float:
    """The largest share of any target that the column tells; 1 is all of it, 0 or less no more than guessing."""
    known, asked = _cells(context.source.columns[field.name], field, halves)
    return _told_by_values(context, known, asked, halves, exact=field.kind not in ("number", "datetime"))


def _told_by_values(
    context: CheckContext, known: Floats, asked: Floats, halves: _Halves, *, exact: bool = False
) -> float:
    nearest, found = _nearest(known, asked, exact)
    target = context.target if context.target.ndim == 2 else context.target[:, None]
    shares = []
    for k in range(target.shape[1]):
        truth_known, truth_asked = target[halves.known, k], target[halves.asked, k]
        if context.of_numbers:
            # One number far beyond all others must not tell the whole variance.
            plain = ~_extreme(truth_asked) & ~_extreme(asked)
            sides = [np.ones(len(plain), dtype=bool), plain]
            shares.append(min(_variance_told(truth_known, truth_asked[s], nearest[s], found[s]) for s in sides))
            if not exact:
                shares.append(min(_straight_line(asked[s], truth_asked[s]) for s in sides))
        else:
            shares.append(_classes_told(truth_known, truth_asked, nearest, found))
    return max(shares)


def _cells(column: Column, field: Field, halves: _Halves) -> tuple[Floats, Floats]:
    """The column's cells as numbers: values, or a number for every category; missing ones get one far off."""
    assert isinstance(column, TableColumn)
    rows = np.concatenate([halves.known, halves.asked])
    series = column.values.gather(rows)
    if field.kind == "datetime":
        values = days_of(column.values)[rows]
    else:
        numbers = as_numbers(series) if field.kind == "number" else as_text(series).rank("dense").cast(float)
        values = numbers.fill_null(float("nan")).to_numpy().astype(np.float64)
    filled = values[~np.isnan(values)]
    far = 2 * filled.min() - filled.max() - 1 if len(filled) else 0.0
    values = np.where(np.isnan(values), far, values)
    return values[: len(halves.known)], values[len(halves.known) :]


def _nearest(known: Floats, asked: Floats, exact: bool) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """For each asked value the position of the nearest known one, and whether it counts (categories must be equal)."""
    order = np.argsort(known, kind="stable")
    ordered = known[order]
    right = np.clip(np.searchsorted(ordered, asked), 0, len(ordered) - 1)
    left = np.maximum(right - 1, 0)
    nearer = np.where(np.abs(ordered[left] - asked) < np.abs(ordered[right] - asked), left, right)
    return order[nearer], (ordered[nearer] == asked) if exact else np.ones(len(asked), dtype=bool)


def _classes_told(known: Array, asked: Array, nearest: Rows, found: npt.NDArray[np.bool_]) -> float:
    commonest = np.bincount(asked[asked >= 0].astype(np.int64)).argmax() if (asked >= 0).any() else 0
    others = int((asked != commonest).sum())
    if others < RAREST:
        return 0.0
    guessed = np.where(found, known[nearest], commonest)
    return 1 - float((guessed != asked).sum()) / others


def _variance_told(known: Array, asked: Array, nearest: Rows, found: npt.NDArray[np.bool_]) -> float:
    mean = float(np.nanmean(known))
    guessed = np.where(found, known[nearest], mean)
    spread = float(np.nansum((asked - asked.mean()) ** 2))
    return 1 - float(np.nansum((guessed - asked) ** 2)) / spread if spread > 0 else 0.0


def _extreme(values: Floats) -> npt.NDArray[np.bool_]:
    """The hundredth of the values that lies furthest from the middle."""
    far = np.abs(np.nan_to_num(values - np.nanmedian(values)))
    return np.asarray(far > np.quantile(far, 1 - EXTREME))


def _straight_line(values: Floats, truth: Array) -> float:
    """Squared correlation: 1 when the target is the column in other units."""
    if values.std() == 0 or truth.std() == 0:
        return 0.0
    return float(np.corrcoef(values, truth)[0, 1] ** 2)
