"""Which rows are learned from, chosen on and tested on, and why, in one sentence.

Given parts are honoured; a time order splits by time; a repeated entity splits by group; else rows are drawn at random,
stratified by class. Test rows are sealed: only SealedRows.open gives them, and it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from netpick.columns.kinds.calendar import calendar_columns, calendar_days
from netpick.columns.kinds.cells import series_of
from netpick.columns.kinds.datetime import format_of, to_days
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.grouped import grouped
from netpick.types import TEST, TRAIN, VALIDATION, Array, Rows, Schema, Source, Split

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.15
MAX_TEST, MAX_VALIDATION = 100_000, 6_000  # more rows narrow no interval that matters; they train better
MOST_OF_PART = 0.25  # that one row with all its copies may fill; one that comes more often is learned from
TOO_FEW = 20  # rows; below, nothing can be held out

NEAR_COPIES = "near-copies"  # --split: at random, with near copies kept together

Rule = Literal["time", "group", "random"]


@dataclass
class SealedRows:
    """The test rows, and a record of every time that they were opened."""

    rows: Rows
    openings: list[str] = field(default_factory=list)

    def open(self, reason: str) -> Rows:
        """Gives the rows and records why."""
        self.openings.append(reason)
        return self.rows


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """What a split is made from: rows with a target, their classes where there are any, and rows that belong together."""

    labelled: Array  # (N,) bool
    classes: Array | None  # (N,) int64
    groups: Array | None  # (N,) int64: equal numbers stay on one side (identical rows)
    rule: str | None = None  # "random", "time:COL", "time:year,month,day", "group:COL", "near-copies"
    seed: int = 0


def make_split(source: Source, schema: Schema, request: SplitRequest) -> Split:
    """Divides the labelled rows. Raises RequestError for a rule that does not fit the data."""
    rule, column = parse_rule(request.rule, source)
    if rule is None and source.given_split is not None:
        if (source.given_split == TEST).any():
            return _given(source, request)
        if (source.given_split == VALIDATION).any():
            return _given_validation(source, schema, request)
    usable = np.flatnonzero(request.labelled)
    if len(usable) < TOO_FEW:
        sentence = (
            f"No rows were held out: {len(usable)} are too few to test on. Scores are those of the training rows and "
            "say nothing about new data."
        )
        return Split(train=usable, validation=usable, test=usable, sentence=sentence, method="none")
    if rule is None:
        rule, column = infer_rule(source, schema)
    return _by_rule(source, usable, (rule, column), request)


def _by_rule(source: Source, usable: Rows, rule: tuple[Rule, str], request: SplitRequest) -> Split:
    name, column = rule
    if name == "time":
        return _by_time(source, usable, column)
    if name == "group":
        return _by_group(source, usable, column, request)
    return _at_random(usable, request)


def parse_rule(rule: str | None, source: Source) -> tuple[Rule | None, str]:
    if rule is None:
        return None, ""
    name, _, column = rule.partition(":")
    if rule == NEAR_COPIES:
        return "random", ""
    if name not in ("time", "group", "random"):
        raise RequestError(
            f"There is no split '{rule}'. Pass --split random, --split time:COLUMN, --split group:COLUMN or "
            f"--split {NEAR_COPIES}."
        )
    for part in [column] if name == "group" or column in source.columns else column.split(","):
        if name != "random" and part not in source.columns:
            raise RequestError(f"There is no column '{part}' to split by.{near_matches(part, source.columns)}")
    return name, column  # type: ignore[return-value]


def infer_rule(source: Source, schema: Schema) -> tuple[Rule, str]:
    for f in schema.fields:
        if f.role == "group":
            return "group", f.name
    dates = [f for f in schema.features if f.kind == "datetime"]
    if len(dates) == 1:
        days = _days(source, dates[0].name)
        steps = np.diff(days[~np.isnan(days)])
        if len(steps) and ((steps >= 0).all() or (steps <= 0).all()):
            return "time", dates[0].name
    parts = calendar_columns(source.columns, [f.name for f in schema.fields if f.role != "target"])
    if parts and not dates:
        steps = np.diff(calendar_days(source.columns, parts))
        # A year and a month alone do not make a time order of rows that merely were sorted by them: most must differ.
        if (steps >= 0).all() and (steps > 0).mean() > 0.5:
            return "time", ",".join(parts)
    return "random", ""


def _given(source: Source, request: SplitRequest) -> Split:
    """The test part is given, and the validation part where there is one."""
    assert source.given_split is not None
    given = source.given_split
    learn = np.flatnonzero(request.labelled & (given != TEST) & (given != VALIDATION))
    test = np.flatnonzero(request.labelled & (given == TEST))
    validation = np.flatnonzero(request.labelled & (given == VALIDATION))
    _require_rows(source, {"test": test, "training": learn})
    if len(validation):
        sentence = f"The given parts are used as they are: {counted_parts(learn, validation, test)}."
        return Split(
            train=learn, validation=validation, test=test, sentence=sentence, method="given", validation_given=True
        )
    size = part_size(len(learn), VALIDATION_SHARE, MAX_VALIDATION)
    learn, validation = draw_rows(learn, size, request, stream=1)
    sentence = (
        f"The given test rows are used as they are; validation rows were drawn from the given training rows at "
        f"random{', by class' if request.classes is not None else ''}: {counted_parts(learn, validation, test)}."
    )
    return Split(train=learn, validation=validation, test=test, sentence=sentence, method="given")


def _given_validation(source: Source, schema: Schema, request: SplitRequest) -> Split:
    """The validation part is given and no test part: test rows come from the given training rows, by the usual rules."""
    assert source.given_split is not None
    is_validation = source.given_split == VALIDATION
    learn = np.flatnonzero(request.labelled & ~is_validation)
    validation = np.flatnonzero(request.labelled & is_validation)
    _require_rows(source, {"validation": validation, "training": learn})
    if len(learn) < TOO_FEW:
        raise DataError(
            f"{source.name} has a validation part, no test part and {len(learn)} training rows, which are too few to take "
            "test rows from. Pass --test FILE, or ignore the given parts with --split random."
        )
    rule, column = infer_rule(source, schema)
    drawn = _by_rule(source, learn, (rule, column), request)
    train = np.sort(np.concatenate([drawn.train, drawn.validation]))
    how = {
        "time": f"by time (the newest by '{column}')",
        "group": f"by group (no {column} is in both)",
        "random": f"at random{' by class' if request.classes is not None else ''} (seed {request.seed})",
    }
    sentence = (
        "The given validation rows are used as they are and are never learned from; no test rows are given, so they were "
        f"taken from the given training rows {how[rule]}: {counted_parts(train, validation, drawn.test)}."
    )
    return Split(
        train=train, validation=validation, test=drawn.test, sentence=sentence, method="given", validation_given=True
    )


def _require_rows(source: Source, parts: Mapping[str, Rows]) -> None:
    for part, rows in parts.items():
        if len(rows) == 0:
            raise DataError(
                f"The given {part} part of {source.name} has no row with a target, but it needs some. "
                "Check the target column there, or ignore the given parts with --split random."
            )


def in_time_order(source: Source, usable: Rows, column: str) -> Rows:
    """The rows from the oldest to the newest; those without a date count as the newest."""
    days = _days(source, column)[usable]
    if np.isnan(days).all():
        raise RequestError(
            f"Column '{column}' holds no dates or numbers to order rows by. Pass --split random, or another column."
        )
    return usable[np.argsort(days, kind="stable")]


def _by_time(source: Source, usable: Rows, column: str) -> Split:
    order = in_time_order(source, usable, column)
    num_test = part_size(len(order), TEST_SHARE, MAX_TEST)
    num_validation = part_size(len(order) - num_test, VALIDATION_SHARE, MAX_VALIDATION)
    train, validation, test = np.split(order, [len(order) - num_test - num_validation, len(order) - num_test])
    several = column not in source.columns
    orders = f"columns '{column}' order" if several else f"column '{column}' orders"
    sentence = (
        f"By time, because {orders} the rows: the newest are for testing, those before them for "
        f"validation: {counted_parts(train, validation, test)}."
    )
    return Split(
        train=np.sort(train), validation=np.sort(validation), test=np.sort(test), sentence=sentence, method="time"
    )


def group_numbers(source: Source, usable: Rows, column: str) -> Array:
    """Numbers (N,) that are equal for rows of one group."""
    series = series_of(source.columns[column])
    if series is None:
        raise RequestError(
            f"Column '{column}' holds no names to group rows by. Pass --split random, or another column."
        )
    groups = series.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    if len(np.unique(groups[usable])) < 3:
        raise RequestError(f"Column '{column}' has fewer than three groups, too few to split by. Pass --split random.")
    return groups


def _by_group(source: Source, usable: Rows, column: str, request: SplitRequest) -> Split:
    groups = group_numbers(source, usable, column)
    parts = _draw_groups(usable, groups, request.seed)
    sentence = (
        f"By group, because column '{column}' names things that come again: no {column} is in two parts: "
        f"{counted_parts(*parts)}."
    )
    return Split(train=parts[0], validation=parts[1], test=parts[2], sentence=sentence, method="group", by=column)


def _draw_groups(usable: Rows, groups: Array, seed: int) -> tuple[Rows, Rows, Rows]:
    """Whole groups in random order until the test part, then the validation part, is full."""
    names, counts = np.unique(groups[usable], return_counts=True)
    order = generator_of(seed, 0).permutation(len(names))
    tests, validates = _filled(counts[order], len(usable))
    if not tests < validates < len(order):  # a huge group filled a part beyond its size: it is learned from instead
        order = np.append(order[order != counts.argmax()], counts.argmax())
        tests, validates = _filled(counts[order], len(usable))
        tests = min(tests, len(order) - 2)
        validates = min(max(validates, tests + 1), len(order) - 1)
    part = np.full(len(names), TRAIN)
    part[order[:validates]] = VALIDATION
    part[order[:tests]] = TEST
    row_part = part[np.searchsorted(names, groups[usable])]
    return usable[row_part == TRAIN], usable[row_part == VALIDATION], usable[row_part == TEST]


def column_of(rule: str | None, folds: int | str | None) -> str | None:
    """The column that --split group:COLUMN or --folds COLUMN names."""
    if isinstance(folds, str):
        return folds
    name, _, column = (rule or "").partition(":")
    return column if name == "group" else None


def _filled(counts: Array, total: int) -> tuple[int, int]:
    """How many groups of these sizes, from the first on, fill the test part, and how many that and the validation part."""
    before = np.cumsum(counts) - counts
    test_size = TEST_SHARE * total
    validation_size = test_size + VALIDATION_SHARE * (1 - TEST_SHARE) * total
    return int((before < test_size).sum()), int((before < validation_size).sum())


def _at_random(usable: Rows, request: SplitRequest) -> Split:
    rest, test = draw_rows(usable, part_size(len(usable), TEST_SHARE, MAX_TEST), request, stream=0)
    train, validation = draw_rows(rest, part_size(len(rest), VALIDATION_SHARE, MAX_VALIDATION), request, stream=1)
    how = "At random, by class" if request.classes is not None else "At random"
    together = kept_together(usable, request)
    sentence = f"{how}{together} (seed {request.seed}), because nothing orders or groups the rows: {counted_parts(train, validation, test)}."
    return Split(train=train, validation=validation, test=test, sentence=sentence, method="random")


def apart(groups: Array, alone: Array) -> Array:
    """Group numbers (N,) 0..G-1 in which the rows that are marked in `alone` (N,) stand for themselves."""
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    numbers[alone] = len(groups) + np.arange(int(alone.sum()))
    return numbers


def draw_rows(rows: Rows, size: int, request: SplitRequest, *, stream: int) -> tuple[Rows, Rows]:
    """Takes `size` rows at random, by class, identical rows together; returns (rest, taken), sorted.

    One row that comes so often that it would fill a quarter of what is taken stays among the rest, unless all do.
    """
    groups = np.arange(len(rows)) if request.groups is None else request.groups[rows]
    found = grouped(groups)
    first, sizes = found.first, found.sizes
    keys = generator_of(request.seed, stream).random(len(first))
    # Identical rows may have different labels: the first one speaks for all of them.
    classes = np.zeros(len(first), dtype=np.int64) if request.classes is None else request.classes[rows][first]
    taken = np.zeros(len(first), dtype=bool)
    most = max(MOST_OF_PART * size, np.median(sizes))
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        wanted = max(1, round(sizes[members].sum() * size / len(rows)))
        if sizes[members].max() == 1 <= most and wanted < len(members):  # which they are needs no order
            taken[members[np.argpartition(keys[members], wanted)[:wanted]]] = True
            continue
        members = members[np.lexsort((keys[members], sizes[members] > most))]
        before = np.cumsum(sizes[members]) - sizes[members]
        chosen = members[(before < wanted) & ((sizes[members] <= most) | (before == 0))]
        taken[chosen if len(chosen) < len(members) else members[:-1]] = True  # every class keeps something
    mask = taken[found.unit]
    return np.sort(rows[~mask]), np.sort(rows[mask])


def kept_together(rows: Rows, request: SplitRequest) -> str:
    """What is said of identical rows."""
    if request.groups is None:
        return ""
    sizes = grouped(request.groups[rows]).sizes
    if len(sizes) == len(rows):
        return ""
    outsized = sizes.max() > max(MOST_OF_PART * part_size(len(rows), TEST_SHARE, MAX_TEST), np.median(sizes))
    learned = f" (one that comes {sizes.max():,} times is learned from)" if outsized else ""
    what = "identical rows and near copies" if request.rule == NEAR_COPIES else "identical rows"
    return f" and with {what} kept together{learned}"


def part_size(count: int, share: float, most: int) -> int:
    return max(1, min(round(count * share), most))


def _days(source: Source, column: str) -> Array:
    """When each row happened, in days; `column` is one column, or several joined by commas (year,month,day)."""
    if column not in source.columns:
        parts = calendar_columns(source.columns, column.split(","))
        if not parts:
            raise RequestError(
                f"Columns '{column}' do not make a time. Expected whole numbers called year, month, day, hour and minute, "
                "from the year down, or one column of dates."
            )
        return calendar_days(source.columns, parts)
    series = series_of(source.columns[column])
    if series is None:
        return np.full(source.num_rows, np.nan)
    if series.dtype.is_numeric():
        return series.cast(float).fill_null(float("nan")).to_numpy()
    return to_days(series, (format_of(series) or "") if series.dtype == pl.String else "")


def generator_of(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)))


def counted_parts(train: Rows, validation: Rows, test: Rows) -> str:
    return f"{len(train):,} to learn from, {len(validation):,} to choose on, {len(test):,} to test on"
