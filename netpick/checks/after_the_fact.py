"""D013: columns that are filled, or empty, only where the outcome is known."""

from __future__ import annotations

import math

import numpy as np

from netpick.checks.base import Check, CheckContext
from netpick.checks.features import times_of
from netpick.checks.statistics import CHANCE, order_share
from netpick.columns.kinds.cells import as_numbers
from netpick.types import Array, Field, Finding, Severity, TableColumn

FEWEST = 20  # missing cells, and filled ones
PURE = 0.995  # of the filled (or missing) rows are of one class; the rest may be slips of the pen
STOP_TOLD = 0.9  # of what is left to know after guessing
MOST_BORDERS = 6  # between filled and empty rows in the order of time; what is filled in afterwards has many
APART = 0.99  # of the pairs of a filled and a missing row have the larger number on the same side


class FilledAfterwards(Check):
    """Compares the targets of rows where a column is missing with those where it is filled."""

    code = "D013"
    title = "A column is filled only once the outcome is known"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not (context.one_class or context.any_labels or context.of_numbers):
            return None
        rows = context.train
        findings = []
        looked = 0
        for field in context.schema.features:
            column = context.source.columns[field.name]
            if not isinstance(column, TableColumn):
                continue
            cells = as_numbers(column.values) if field.kind == "number" else column.values
            if cells.null_count() < FEWEST:
                continue
            missing = cells.gather(rows).is_null().to_numpy()
            if min(int(missing.sum()), int((~missing).sum())) < FEWEST:
                continue
            looked += 1
            findings += self._of_field(context, field, missing)
        return findings if looked else None

    def _of_field(self, context: CheckContext, field: Field, missing: Array) -> list[Finding]:
        target = context.target[context.train]
        target = target if target.ndim == 2 else target[:, None]
        for k in range(target.shape[1]):
            if context.of_numbers:
                told_by = _numbers(target[:, k], missing)
            else:
                told_by = _classes(target[:, k].astype(np.int64), missing, context, k, len(context.schema.features))
            if told_by is None:
                continue
            sentence, told_share = told_by
            severity: Severity = "severe" if told_share >= STOP_TOLD and not _of_a_time(context, missing) else "warning"
            return [
                self.finding(
                    severity=severity,
                    evidence=f"Column '{field.name}' {sentence} (of {len(missing):,} training rows).",
                    advice=(
                        "Such a column is often filled in when the outcome is known, and empty on the day of prediction: leave it "
                        f"out with --drop {field.name!r}, unless it is known before."
                    ),
                    clause=f"the gaps of column '{field.name}' tell the target",
                    columns=(field.name,),
                )
            ]
        return []


def _of_a_time(context: CheckContext, missing: Array) -> bool:
    """Whether the gaps are a stretch of time or a few, as of a sensor that came late: what else is of that time, such as a
    target that grows, goes along with them."""
    for _, times in times_of(context):
        known = ~np.isnan(times[context.train])
        gaps = missing[known][np.argsort(times[context.train][known], kind="stable")]
        borders = int((np.diff(gaps.astype(np.int8)) != 0).sum())
        if borders <= MOST_BORDERS and min(int(gaps.sum()), int((~gaps).sum())) >= FEWEST:
            return True
    return False


def _classes(target: Array, missing: Array, context: CheckContext, k: int, columns: int) -> tuple[str, float] | None:
    """Words and the share that is told, when the filled or the missing rows are all of one class, and not by chance."""
    labelled = target >= 0
    target, missing = target[labelled], missing[labelled]
    counts = np.bincount(target)
    commonest = int(counts.argmax())
    others = int((target != commonest).sum())
    if not others:
        return None
    sides = {"filled": ~missing, "missing": missing}
    wrong = sum(int((target[side] != np.bincount(target[side]).argmax()).sum()) for side in sides.values())
    told_share = 1 - wrong / others
    for word, side in sides.items():
        own = np.bincount(target[side], minlength=len(counts))
        label = int(own.argmax())
        share, base = own[label] / side.sum(), counts[label] / len(target)
        chance = side.sum() * math.log10(max(base, 1e-12))  # all of them of that class, by chance
        if share < PURE or chance > math.log10(CHANCE / columns):
            continue
        if context.any_labels:
            name = f"'{[f.name for f in context.schema.targets][k]}' is {'set' if label else 'not set'}"
        else:
            name = f"'{context.labels[label] if label < len(context.labels) else label}'"
        where = f"are of {name}" if context.one_class else f"are rows where {name}"
        return (
            f"is {word} in {int(side.sum()):,} rows, {own[label]:,} of which {where} ({base:.1%} of all rows)",
            told_share,
        )
    return None


def _numbers(target: Array, missing: Array) -> tuple[str, float] | None:
    filled = target[~missing & ~np.isnan(target)]
    empty = target[missing & ~np.isnan(target)]
    if min(len(filled), len(empty)) < FEWEST:
        return None
    apart = order_share(filled, empty)
    if max(apart, 1 - apart) < APART:
        return None
    word = "larger" if apart > 0.5 else "smaller"
    return (
        f"is filled where the target is {word}: {np.median(filled):.4g} in the middle, {np.median(empty):.4g} where it is missing",
        STOP_TOLD,
    )
