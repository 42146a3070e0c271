"""What every column means, which one is the target, and which task follows.

Each kind in KINDS says how well it fits a column; the strongest claim wins. Identifiers and constants are left out with
a reason. Everything that is inferred becomes a Note with the option that overrides it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from netpick.columns.kinds import KINDS, Claim
from netpick.columns.kinds.cells import as_numbers, examples_of, series_of
from netpick.columns.kinds.codes import are_codes
from netpick.columns.kinds.text import described
from netpick.data.sources.media_names import names_files
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks import TASKS
from netpick.tasks.dividers import as_divider, as_group, names_entities
from netpick.tasks.label_columns import label_columns
from netpick.tasks.likely_targets import (
    LOOK_ALIKES,
    OUTCOME,
    SHOWN,
    TARGET_NAMES,
    is_strong,
    likely_targets,
    look_alikes,
)
from netpick.tasks.ratings import Ratings, find_ratings, holds_ids, words_of
from netpick.types import Array, ArrayColumn, Column, Field, Note, Role, Schema, Source, TableColumn

LARGEST_TARGET = 1e30  # float32, in which networks and trees reckon, ends at 3e38
TEXT_LAYOUTS = {
    "text_folder": "text",
    "text_lines": "text",
}  # layouts whose column of that name is text, whatever its cells look like
LONGEST_OPTION = 800  # characters of a --target that is proposed
FOLD_WORDS, MOST_FOLDS = {"fold", "folds", "kfold", "kfolds", "cv"}, 30
ID_WORDS = {"id", "ids", "uuid", "guid", "key", "index", "number", "no", "nr", "row"}


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """What the user may say about columns; empty means: infer it."""

    target: tuple[str, ...] = ()
    task: str | None = None
    drop: tuple[str, ...] = ()  # columns to leave out
    kinds: tuple[tuple[str, str], ...] = ()  # (column, kind)
    split_by: str | None = None  # the column that groups are kept together by, or that names folds


def infer_schema(source: Source, options: SchemaOptions = SchemaOptions()) -> Schema:
    """Infers kinds, roles, target and task.

    Raises RequestError for columns, kinds and tasks that do not exist, and DataError when nothing is left to learn from.
    """
    _check_names(source, options)
    said = dict(options.kinds)
    if TEXT_LAYOUTS.get(source.layout) in source.columns:
        said = {TEXT_LAYOUTS[source.layout]: "text", **said}
    claimed = {name: _claim(column, said.get(name)) for name, column in source.columns.items()}
    notes: list[Note] = []
    targets = options.target or _infer_target(source, claimed, notes)
    ratings = find_ratings(source.columns, targets, [*options.drop, *(n for n, k in said.items() if k != "category")])
    fields = []
    for name, column in source.columns.items():
        kind, claim = claimed[name]
        if name in targets:
            fields.append(_target_field(name, column, kind, claim, classes=name == source.target))
        elif name in options.drop:
            fields.append(_field(name, None, "left_out", "left out by --drop", claim))
        elif name == source.part_column:
            fields.append(_field(name, None, "left_out", "says which rows are for training and testing", claim))
        elif ratings is not None and name in ratings.ids:
            fields.append(_rating_ids(name, column))
        else:
            fields.append(_feature_field(name, column, kind, claim, forced=name in said))
    fields = [_as_written(f, source) for f in fields]
    inputs = {*dict(options.kinds), *(ratings.ids if ratings is not None else ())}  # and not merely groups of rows
    fields = [
        as_group(f, source.columns[f.name], said=f.name in source.groups, forced=f.name in inputs) for f in fields
    ]
    rated = ratings.ids if ratings is not None else ()
    fields = [as_divider(f, source, options.split_by) if f.name not in rated else f for f in fields]
    for f in fields:
        if f.role in ("feature", "target"):
            refuse_unbounded(f.name, source.columns[f.name], is_target=f.role == "target")
    task = options.task or _infer_task(source, [f for f in fields if f.role == "target"], ratings, notes)
    fields = _strings_as_texts(source, fields, notes)
    if not any(f.role == "feature" for f in fields):
        alone = source.columns[fields[0].name] if len(fields) == 1 else None
        if alone is not None and fields[0].kind == "number":
            raise DataError(
                f"{source.origin} has one column of numbers ('{fields[0].name}'), but a target and a column to learn from were expected. "
                "To forecast it from its own past, pass --horizon STEPS; else add columns."
            )
        reasons = "; ".join(f"'{f.name}': {f.reason}" for f in fields if f.role == "left_out")[:400]
        raise DataError(
            f"{source.origin} has no column left to learn from ({reasons or 'only the target'}), but at least one is "
            "needed. Add columns, or say what one means with --kind COLUMN=text or --kind COLUMN=number."
        )
    return Schema(fields=tuple(fields), task=task, notes=tuple(notes))


def refuse_unbounded(name: str, column: Column, *, is_target: bool) -> None:
    """Infinities poison means and networks alike, and only the user knows what they stand for."""
    series = series_of(column)
    if series is None or not series.dtype.is_float():
        return
    largest = _largest(series) if is_target else 0.0
    if LARGEST_TARGET < largest < math.inf:
        row = int(series.abs().arg_max() or 0)
        raise DataError(
            f"Target column '{name}' (row {row + 1}) holds {series[row]:.3g}, but numbers to predict must lie within "
            f"{LARGEST_TARGET:.0e} of zero. Rescale the column, or choose another with --target."
        )
    if np.isinf(series.to_numpy()).any():
        infinite = series.is_infinite().fill_null(False)
        row = int(infinite.arg_max() or 0)
        raise DataError(
            f"Column '{name}' (row {row + 1}) holds {series[row]}, and so do {int(infinite.sum()) - 1:,} other rows, "
            "but numbers must be finite. Pass --missing inf,-inf to read such cells as missing, or leave the column out "
            f"with --drop {name}."
        )


def _largest(series: pl.Series) -> float:
    largest = series.abs().max()
    return float(largest) if isinstance(largest, float) else 0.0


def _check_names(source: Source, options: SchemaOptions) -> None:
    asked = [*options.target, *options.drop, *(name for name, _ in options.kinds)]
    for name in asked:
        if name not in source.columns:
            if name in source.not_read:
                raise RequestError(
                    f"Column '{name}' holds {source.not_read[name]}, which no kind reads, but it was asked for. Make it a column of "
                    "plain cells."
                )
            raise RequestError(f"There is no column '{name}' in {source.name}.{near_matches(name, source.columns)}")
    for name, kind in options.kinds:
        if kind not in KINDS:
            raise RequestError(f"There is no kind '{kind}' (for column '{name}').{near_matches(kind, KINDS)}")
    if options.task is not None and options.task not in TASKS:
        raise RequestError(f"There is no task '{options.task}'.{near_matches(options.task, TASKS)}")


def _claim(column: Column, forced: str | None) -> tuple[str | None, Claim | None]:
    """The kind with the strongest claim on a column, and the claim."""
    claims = {name: kind.claim(column) for name, kind in KINDS.items() if forced in (None, name)}
    made = {name: claim for name, claim in claims.items() if claim is not None}
    if forced == "text" and forced not in made and (claim := described(column)) is not None:
        return forced, claim
    if (
        forced is not None
        and forced not in made
        and (KINDS[forced].cells is ArrayColumn) == isinstance(column, TableColumn)
    ):
        holds = "cells of a table that are none and name none" if isinstance(column, TableColumn) else "files or arrays"
        raise RequestError(
            f"--kind {column.name}={forced} was given, but column '{column.name}' holds {holds}. Leave the option out, or choose another "
            "kind."
        )
    if forced == "number" and forced not in made:
        return forced, _forced_number(column)
    if forced is not None and forced not in made:
        # The user knows better than our rules; the encoder reads what it can and the rest is missing.
        return forced, _as_said(column)
    if not made:
        return None, None
    best = max(made, key=lambda name: made[name].strength)
    series = series_of(column)
    if best == "number" and forced is None and series is not None:
        distinct = made[best].num_distinct
        if holds_ids(column.name, series, distinct):
            return "category", replace(made[best], reason=f"ids of {distinct:,} things that come again")
    return best, made[best]


def _as_said(column: Column) -> Claim:
    series = series_of(column)
    if series is None:
        return Claim(strength=1.0, reason="said by --kind")
    missing = series.null_count()
    return Claim(
        strength=1.0,
        reason="said by --kind",
        num_missing=missing,
        num_distinct=series.n_unique() - (missing > 0),
        examples=examples_of(series),
    )


def _rating_ids(name: str, column: Column) -> Field:
    """One side of a table of ratings."""
    claim = _as_said(column)
    reason = f"ids of {claim.num_distinct:,} things that come again in {len(column):,} rows"
    return _field(name, "category", "feature", reason, claim)


def _forced_number(column: Column) -> Claim:
    """What --kind COLUMN=number makes of cells that are not all numbers. Raises DataError when none is one."""
    series = series_of(column)
    assert series is not None
    numbers = as_numbers(series)
    odd = series.is_not_null() & numbers.is_null()
    rows = odd.arg_true().head(20).to_list()
    if rows and numbers.null_count() == len(numbers):
        raise DataError(
            f"Column '{column.name}' (row {rows[0] + 1}) holds {str(series[rows[0]])[:40]!r}, and no cell of it reads as a number, "
            f"but --kind {column.name}=number was given. Say how they are written, such as --format {column.name}=1.234,56, or "
            "choose another kind."
        )
    return Claim(
        strength=1.0,
        reason=f"said by --kind; {int(odd.sum()):,} cells that are no numbers are read as missing",
        stray=[(row, str(series[row])[:40]) for row in rows],
        num_missing=numbers.null_count(),
        num_distinct=numbers.n_unique() - (1 if numbers.null_count() else 0),
        examples=examples_of(series),
    )


def _infer_target(
    source: Source, claimed: dict[str, tuple[str | None, Claim | None]], notes: list[Note]
) -> tuple[str, ...]:
    if source.target is not None:  # arrays with several targets name them all
        return (source.target,) if source.target in source.columns else tuple(source.target.split(","))
    usable = [
        name
        for name, column in source.columns.items()
        if claimed[name][0] in ("category", "boolean", "number")
        and name != source.part_column
        and not _left_out_reason(name, column, *claimed[name])
        and not _is_entity(name, column, claimed[name][1])
        and not _mostly_missing(column)
    ]
    by_name = [name for name in source.columns if name.strip().lower() in TARGET_NAMES]
    likely = likely_targets(source.columns, claimed, list(dict.fromkeys([*usable, *by_name])))
    if not likely or likely[0].points < OUTCOME:
        dividing = (source.part_column, *source.groups, *source.aside)
        others = {name: column for name, column in source.columns.items() if name not in dividing}
        labels = label_columns(others, claimed, lambda name, column: _is_input(name, column, claimed[name]))
        if labels:
            text = f"columns {', '.join(repr(name) for name in labels)} (yes or no in each: several labels)"
            notes.append(Note(subject="target", text=text, override="--target"))
            return tuple(labels)
    if is_strong(likely):
        best = likely[0]
        notes.append(Note(subject="target", text=f"column '{best.name}' ({best.reason})", override="--target"))
        return (best.name,)
    said = "; ".join(f"'{one.name}' ({one.reason or 'it could be'}): --target {one.name}" for one in likely[:SHOWN])
    alike = look_alikes(source.columns)
    several = ""
    together = ",".join(alike)
    if len(alike) >= LOOK_ALIKES and len(together) <= LONGEST_OPTION and together.count(",") == len(alike) - 1:
        several = f"Where the last {len(alike)} are labels that may hold together: --target '{together}'. "
    raise RequestError(
        f"{source.origin} does not say which column to predict: none is called target, label, class or y, and no other stands out. "
        f"{f'The likeliest: {said}. ' if said else 'Pass --target COLUMN. '}{several}Known: {', '.join(source.columns)}."
    )


def _is_input(name: str, column: Column, claimed: tuple[str | None, Claim | None]) -> bool:
    """Whether a column would be learned from: it is not left out, and does not say who a row is of."""
    return not _is_entity(name, column, claimed[1]) and _left_out_reason(name, column, *claimed) is None


def _mostly_missing(column: Column) -> bool:
    series = series_of(column)
    return series is not None and series.null_count() > 0.5 * len(series)


def _is_entity(name: str, column: Column, claim: Claim | None) -> bool:
    """A column of people or things that come again tells rows apart; nobody predicts it."""
    series = series_of(column)
    return series is not None and names_entities(name, series, claim.num_distinct if claim else series.n_unique())


def _infer_task(source: Source, targets: Sequence[Field], ratings: Ratings | None, notes: list[Note]) -> str:
    if ratings is not None:
        ids = " and ".join(repr(name) for name in ratings.ids)
        text = (
            f"regress ('{targets[0].name}': a table of ratings; the ids {ids} are inputs, so the score holds for known ones; to be "
            f"scored on new ones, pass --split group:{ratings.ids[0]})"
        )
        notes.append(Note(subject="task", text=text, override="--task"))
        return "regress"
    columns = [source.columns[f.name] for f in targets]
    tables = [c for c in columns if isinstance(c, TableColumn)]
    for task in TASKS.values():
        reason = task.recognise(tables, targets) if len(tables) == len(columns) else None
        if reason:
            names = ", ".join(f.name for f in targets)
            notes.append(Note(subject="task", text=f"{task.name} ('{names}': {reason})", override="--task"))
            return task.name
    names = "', '".join(f.name for f in targets)
    found = "; ".join(f"{f.kind or 'no kind'}: {f.reason}" for f in targets)
    raise DataError(
        f"Column '{names}' cannot be predicted as it is ({found}). Expected classes, yes / no columns or numbers. "
        f"Choose another --target, or say what it is with --task. Known: {', '.join(sorted(TASKS))}."
    )


def _target_field(name: str, column: Column, kind: str | None, claim: Claim | None, *, classes: bool) -> Field:
    series = series_of(column)
    if series is not None and series.null_count() == len(series):
        raise DataError(
            f"Target column '{name}' is empty in all {len(series):,} rows, but every row to learn from needs a value. "
            "Choose another column with --target."
        )
    if (
        series is not None
        and series.dtype == pl.String
        and (kind in (None, "text") or (classes and kind != "category"))
    ):
        distinct = series.drop_nulls().n_unique()
        claim = Claim(
            strength=0.1,
            reason=f"text with {distinct} different values",
            num_distinct=distinct,
            num_missing=series.null_count(),
            examples=examples_of(series),
        )
        # Class folders may be called 0 to 9; and of one value or too many the task says clearly what is wrong.
        kind = "category"
    return _field(name, kind, "target", claim.reason if claim else "", claim)


def _feature_field(name: str, column: Column, kind: str | None, claim: Claim | None, *, forced: bool) -> Field:
    if not forced:
        reason = _left_out_reason(name, column, kind, claim)
        if reason:
            return _field(name, None, "left_out", reason, claim)
    return _field(name, kind, "feature", claim.reason if claim else "", claim)


def _left_out_reason(name: str, column: Column, kind: str | None, claim: Claim | None) -> str | None:
    """Why a column teaches nothing: constant, empty, an identifier, or free text."""
    series = series_of(column)
    if series is None:
        return _same_throughout(column.values) if isinstance(column, ArrayColumn) else None
    filled = len(series) - series.null_count()
    if filled == 0:
        return "every cell is missing"
    if series.dtype == pl.String and names_files(series):
        return "names of files, from which nothing is learned"
    distinct = claim.num_distinct if claim and claim.num_distinct else series.drop_nulls().n_unique()
    if distinct == 1 and series.null_count() == 0:
        return f"constant: every cell is {str(series[0])[:40]!r}"
    if distinct == 1 and kind != "number":
        return f"constant: every filled cell is {str(series.drop_nulls()[0])[:40]!r}"
    if kind is None:
        if series.dtype == pl.String and are_codes(series):
            return "identifier: codes, from whose letters nothing is learned"
        if distinct == filled:
            return "identifier: every cell is different"
        return f"text with {distinct:,} different values in {filled:,} cells: an identifier, or free text"
    words = words_of(name)
    if words and words <= FOLD_WORDS and series.dtype.is_integer() and distinct <= MOST_FOLDS:
        return "numbers the folds of a cross-validation"
    if series.dtype.is_integer() and distinct == filled and filled >= 20:
        steps = series.drop_nulls().cast(pl.Int64, strict=False).diff().drop_nulls()
        if len(steps) and steps.min() == steps.max() and steps.min() in (1, -1):
            return "identifier: it numbers the rows"
        if words & ID_WORDS:
            return "identifier: every cell is different"
    return None


def _same_throughout(values: Array) -> str | None:
    """Why pictures, sounds or series teach nothing: they are all the same, at every place of them."""
    first = values.reshape(-1)[0]
    for start in range(0, len(values), 1024):
        part = values[start : start + 1024]
        same = np.isnan(part).all() if first != first else (part == first).all()
        if not same:
            return None
    return "every value is missing" if first != first else f"constant: every value is {first:g}"


def _strings_as_texts(source: Source, fields: list[Field], notes: list[Note]) -> list[Field]:
    """Where nothing else is left to learn from, one column of strings that would be an identifier (names, DNA) is read by
    its characters.
    """
    if any(f.role == "feature" for f in fields):
        return fields
    strings = [f for f in fields if f.role == "left_out" and f.kind is None and _may_be_read(f, source.columns[f.name])]
    if len(strings) != 1:
        return fields
    name = strings[0].name
    claim = described(source.columns[name])
    reason = claim.reason if claim else ""
    notes.append(
        Note(
            subject="kind", text=f"column '{name}' is read as text ({reason}): nothing else is left", override="--kind"
        )
    )
    return [_field(name, "text", "feature", reason, claim) if f.name == name else f for f in fields]


def _may_be_read(field: Field, column: Column) -> bool:
    """Strings that differ, in a column that is not called an identifier and that nobody left out."""
    series = series_of(column)
    words = words_of(field.name)
    left_out = field.reason.startswith(("identifier", "text with"))
    if not left_out or series is None or series.dtype != pl.String:
        return False
    return not words & ID_WORDS and not are_codes(series)


def _field(name: str, kind: str | None, role: Role, reason: str, claim: Claim | None) -> Field:
    return Field(
        name=name,
        kind=kind,
        role=role,
        reason=reason,
        num_missing=claim.num_missing if claim else 0,
        num_distinct=claim.num_distinct if claim else 0,
        examples=tuple(claim.examples) if claim else (),
        stray=tuple(claim.stray) if claim else (),
    )


def _as_written(field: Field, source: Source) -> Field:
    """Says how the cells are written, and which of them are not."""
    kept = source.formats.get(field.name)
    if kept is None or field.kind not in ("number", "datetime"):
        return field
    return replace(field, reason=kept.words, stray=tuple(source.strays.get(field.name, field.stray)))
