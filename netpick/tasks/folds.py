"""Small data are judged on all rows: k folds, in which every row is tested once by models that did not learn from it.

A fifth of a few hundred rows tells no two networks apart. Folds keep what a split keeps: classes in proportion, groups and
identical rows in one fold; where time orders the rows, each fold is tested by what came before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netpick.columns.kinds.cells import series_of
from netpick.errors import RequestError, near_matches
from netpick.tasks.split import (
    MAX_VALIDATION,
    TOO_FEW,
    VALIDATION_SHARE,
    Rule,
    SplitRequest,
    draw_rows,
    generator_of,
    group_numbers,
    in_time_order,
    infer_rule,
    kept_together,
    parse_rule,
    part_size,
)
from netpick.types import TEST, VALIDATION, Array, Rows, Schema, Source, Split

FOLDS = 5
FOLDS_BELOW = 1_000  # rows: a fifth of as many leaves an accuracy of 0.9 within 4 points, all of them within 2
FOLDS_SECONDS = 30.0  # of budget, below which networks would be trained too little in each
RICH = ("text", "image", "audio", "clip", "series")  # kinds that more and slower networks read than a table's
RICH_SECONDS = 120.0  # the same for them
MOST_FOLDS = 20
FEWEST_GIVEN = 3  # folds that a column names: one each to learn from, to choose on and to test on
STREAM = 100  # of random numbers; the split's own streams lie below


@dataclass(frozen=True, kw_only=True)
class Folds:
    """A split of all rows for the model that is handed over, and the splits that it is judged by."""

    whole: Split  # train and validation together are all rows, test is all rows that some fold tests
    parts: tuple[Split, ...]


def number_of_folds(
    asked: int | str | None, source: Source, request: SplitRequest, *, seconds: float | None, rich: bool = False
) -> int:
    """How many folds: as asked, else by size; 1 is a plain split.

    seconds: the budget, None for --steps; rich: a column holds more than numbers and categories. Networks of a short budget, or of fixed steps, learn more in one training than in six;
    so folds must be asked for there. Raises RequestError for what cannot be.
    """
    rows = int(request.labelled.sum())
    if isinstance(asked, str):
        return len(_folds_of(source, np.flatnonzero(request.labelled), asked)[0])
    given = source.given_split is not None and np.isin(source.given_split, (TEST, VALIDATION)).any()
    if asked is None:
        wanted = request.rule is None and not given and TOO_FEW <= rows < FOLDS_BELOW
        wanted = wanted and seconds is not None and seconds >= (RICH_SECONDS if rich else FOLDS_SECONDS)
        return FOLDS if wanted else 1
    if not 1 <= asked <= MOST_FOLDS:
        raise RequestError(
            f"--folds {asked} was passed, but 2 to {MOST_FOLDS} are possible, and 1 for a single test part. Pass --folds {FOLDS}."
        )
    if asked > 1 and given and request.rule is None:
        raise RequestError(
            f"--folds {asked} tests every row once, but {source.name} has given parts. Leave --folds out, or ignore the parts "
            "with --split random."
        )
    if asked > 1 and rows < max(TOO_FEW, 2 * asked):
        raise RequestError(
            f"--folds {asked} was passed, but there are {rows} rows with a target; at least {max(TOO_FEW, 2 * asked)} are needed. "
            "Add rows, or leave --folds out."
        )
    return asked


def make_folds(source: Source, schema: Schema, request: SplitRequest, count: int) -> Folds:
    """Folds of the labelled rows, drawn. Raises RequestError for a rule that does not fit the data."""
    rule, column = parse_rule(request.rule, source)
    if rule is None:
        rule, column = infer_rule(source, schema)
    usable = np.flatnonzero(request.labelled)
    if rule == "time":
        return _by_time(in_time_order(source, usable, column), column, count)
    groups = group_numbers(source, usable, column) if rule == "group" else request.groups
    if rule == "group" and len(np.unique(groups[usable])) < count:  # type: ignore[index]
        raise RequestError(
            f"Column '{column}' has {len(np.unique(groups[usable]))} groups, too few for {count} folds. "  # type: ignore[index]
            "Pass fewer --folds, or --split random."
        )
    request = replace(request, groups=groups, classes=None if rule == "group" else request.classes)
    fold = _drawn(usable, request, count)
    parts = []
    for number in range(count):
        train, validation = _learned(usable[fold != number], request, number)
        parts.append(_part(rule, number, count, (train, validation, usable[fold == number])))
    train, validation = _learned(usable, request, count)
    if rule == "group":
        how = f"by group, because column '{column}' names things that come again (no {column} is in two folds)"
    else:
        by_class = ", by class" if request.classes is not None else ""
        how = f"at random{by_class}{kept_together(usable, request)} (seed {request.seed})"
    sentence = (
        f"Every row is tested once, in {count} folds, by models that did not learn from it: {how}. {_then(usable)}"
    )
    whole = _part(rule, count, count, (train, validation, usable))
    return Folds(
        whole=replace(whole, sentence=sentence, by=column, override="--folds", folds=count), parts=tuple(parts)
    )


def folds_by(source: Source, request: SplitRequest, column: str) -> Folds:
    """The folds that a column names, each tested by models of all others. Raises RequestError where it names none."""
    if request.rule is not None:
        raise RequestError(
            f"--folds {column} and --split {request.rule} were both given, but a column of folds says what is tested with what. "
            "Leave one of them out."
        )
    usable = np.flatnonzero(request.labelled)
    names, fold = _folds_of(source, usable, column)
    count = len(names)
    numbers = np.full(source.num_rows, -1, np.int64)
    numbers[usable] = fold
    request = replace(request, groups=numbers, classes=None)  # what is chosen on is as new as what is tested on
    parts = []
    for number in range(count):
        train, validation = _learned(usable[fold != number], request, number)
        parts.append(_part("group", number, count, (train, validation, usable[fold == number])))
    train, validation = _learned(usable, request, count)
    sentence = (
        f"Every row is tested once, in the {count} folds that column '{column}' names ({_shown(names)}), by models that did not "
        f"learn from its fold; rows to choose on are whole folds, too. {_then(usable)}"
    )
    whole = replace(_part("group", count, count, (train, validation, usable)), sentence=sentence, by=column)
    return Folds(whole=replace(whole, override="--folds", folds=count), parts=tuple(parts))


def _folds_of(source: Source, usable: Rows, column: str) -> tuple[list[str], Array]:
    """The names of the folds, and the fold (n,) of each usable row."""
    if column not in source.columns:
        near = near_matches(column, source.columns)
        raise RequestError(
            f"There is no column '{column}' to make folds of.{near} Pass a number such as --folds {FOLDS}, or a column that says "
            "which fold each row is in."
        )
    series = series_of(source.columns[column])
    cells = None if series is None else series.gather(usable)
    if cells is None or cells.null_count():
        what = "holds files or arrays" if cells is None else f"is empty in {cells.null_count():,} rows"
        raise RequestError(f"--folds {column} was passed, but column '{column}' {what}: every row needs a fold.")
    names = cells.unique().sort()
    if not FEWEST_GIVEN <= len(names) <= MOST_FOLDS:
        raise RequestError(
            f"Column '{column}' has {len(names):,} different values, but {FEWEST_GIVEN} to {MOST_FOLDS} folds are possible. To keep the "
            f"rows of each together in fewer folds, pass --split group:{column} --folds {FOLDS}."
        )
    return [str(name) for name in names.to_list()], cells.rank("dense").to_numpy().astype(np.int64) - 1


def _shown(names: list[str]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")


def _by_time(order: Rows, column: str, count: int) -> Folds:
    """A window that grows: each block of rows is tested by models of all rows before it."""
    blocks = np.array_split(order, count + 1)
    parts = []
    for number in range(count):
        train, validation = _newest(np.concatenate(blocks[: number + 1]))
        parts.append(_part("time", number, count, (train, validation, np.sort(blocks[number + 1]))))
    tested = np.sort(np.concatenate(blocks[1:]))
    train, validation = _newest(order)
    whole = _part("time", count, count, (train, validation, tested))
    sentence = (
        f"By time ('{column}'): the newest {len(tested):,} of {len(order):,} rows are tested once, in {count} folds, each by models "
        f"of the rows before it. {_then(order)}"
    )
    return Folds(whole=replace(whole, sentence=sentence, override="--folds", folds=count), parts=tuple(parts))


def _then(rows: Rows) -> str:
    return f"The model that is handed over is trained on all {len(rows):,} rows."


def _part(rule: Rule, number: int, count: int, rows: tuple[Rows, Rows, Rows]) -> Split:
    train, validation, test = rows
    sentence = f"Fold {number + 1} of {count}."
    return Split(train=train, validation=validation, test=test, sentence=sentence, method=rule)


def _learned(rows: Rows, request: SplitRequest, number: int) -> tuple[Rows, Rows]:
    """Training and validation rows of one fold."""
    size = part_size(len(rows), VALIDATION_SHARE, MAX_VALIDATION)
    return draw_rows(rows, size, request, stream=STREAM + 1 + number)


def _newest(order: Rows) -> tuple[Rows, Rows]:
    """The newest of some rows in time order are chosen on; both parts sorted."""
    size = part_size(len(order), VALIDATION_SHARE, MAX_VALIDATION)
    return np.sort(order[:-size]), np.sort(order[-size:])


def _drawn(rows: Rows, request: SplitRequest, count: int) -> Array:
    """The fold (n,) of each row: units in random order, the largest first, each to the fold that has the fewest rows of its class."""
    groups = np.arange(len(rows)) if request.groups is None else request.groups[rows]
    _, first, unit, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    keys = generator_of(request.seed, STREAM).random(len(first))
    classes = np.zeros(len(first), dtype=np.int64) if request.classes is None else request.classes[rows][first]
    classes = np.unique(classes, return_inverse=True)[1]
    fold = np.empty(len(first), dtype=np.int64)
    if sizes.max() == 1:  # dealt like cards, one class after the other
        fold[np.lexsort((keys, classes))] = np.arange(len(first)) % count
        return np.asarray(fold[unit])
    held = np.zeros((int(classes.max()) + 1, count), dtype=np.int64)  # rows of each class in each fold
    for member in np.lexsort((keys, -sizes)).tolist():
        label = classes[member]
        emptiest = int(np.lexsort((held.sum(axis=0), held[label]))[0])
        fold[member] = emptiest
        held[label, emptiest] += sizes[member]
    return np.asarray(fold[unit])
