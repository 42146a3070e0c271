"""D010: a class whose files have a format of their own."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import Check, CheckContext
from netpick.types import Array, ArrayColumn, Finding, Rows, Severity

FEWEST = 10  # files of a class, and of the others, from where on chance explains nothing
WARN, STOP = 0.5, 0.95  # how far apart the formats of a class and of the others are; 1: no format in common
MOST_FORMATS = 0.1  # of the files; with more different formats every class has some of its own by chance
LEAST = 0.4  # below, nobody asks what chance would do
DRAWS = 200  # of a class's files among all, for what chance makes of it
SHOWN = 3


class FormatTellsClass(Check):
    """Compares the files' formats (endings; for sounds also bits and sample rates) of each class with all others."""

    code = "D010"
    title = "The file format gives the class away"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        columns = [context.source.columns[field.name] for field in context.schema.features]
        files = [column for column in columns if isinstance(column, ArrayColumn) and column.formats is not None]
        if not files or context.target.ndim != 1 or not context.one_class:
            return None
        rows = context.learned
        rows = rows[context.target[rows] >= 0]
        return [finding for column in files for finding in self._of_column(context, column, rows)]

    def _of_column(self, context: CheckContext, column: ArrayColumn, rows: Rows) -> list[Finding]:
        formats = np.asarray(column.formats, dtype=object)[rows].astype(str)
        names, codes = np.unique(formats, return_inverse=True)
        if len(names) < 2 or len(names) > max(2, MOST_FORMATS * len(rows)):
            return []
        classes = context.target[rows].astype(np.int64)
        counts = np.zeros((int(classes.max()) + 1, len(names)), dtype=np.int64)
        np.add.at(counts, (classes, codes), 1)
        told = sorted(((distance_from_others(counts, label), label) for label in range(len(counts))), reverse=True)
        told = [(distance, label) for distance, label in told if distance >= WARN]
        if not told:
            return []
        severity: Severity = "severe" if told[0][0] >= STOP else "warning"
        said = "; ".join(_evidence(context, names, counts, label) for _, label in told[:SHOWN])
        more = f"; and {len(told) - SHOWN} more classes" if len(told) > SHOWN else ""
        return [
            self.finding(
                severity=severity,
                evidence=f"{said}{more}.",
                advice=(
                    "A network can learn the format in place of what is in the files, and then fails on new ones: bring files "
                    "of all classes from the same source, in the same format and at the same rate."
                ),
                clause="the file format gives the class away",
                columns=(column.name,),
            )
        ]


def distance_from_others(counts: Array, label: int) -> float:
    """Half the sum of differences between the shares of the formats in a class and in all others: 0 equal, 1 apart.

    What classes of this size are apart by chance is taken off: ten files have nothing in common with a thousand others where
    there are hundreds of formats.
    """
    own, others = counts[label], counts.sum(axis=0) - counts[label]
    if own.sum() < FEWEST or others.sum() < FEWEST:
        return 0.0
    seen = float(np.abs(own / own.sum() - others / others.sum()).sum() / 2)
    if seen < LEAST:
        return seen
    total = own + others
    drawn = np.random.default_rng(0).multivariate_hypergeometric(total, int(own.sum()), DRAWS, method="marginals")
    shares = drawn / own.sum() - (total - drawn) / others.sum()
    chance = np.abs(shares).sum(axis=1) / 2
    if seen <= chance.max():
        return 0.0
    return max(0.0, (seen - float(chance.mean())) / (1 - float(chance.mean())))


def _evidence(context: CheckContext, names: Array, counts: Array, label: int) -> str:
    own, others = counts[label], counts.sum(axis=0) - counts[label]
    most = int((own / own.sum() - others / others.sum()).argmax())
    name = context.labels[label] if label < len(context.labels) else str(label)
    format_name = str(names[most]) or "without an ending"
    return (
        f"{own[most]:,} of {own.sum():,} files of '{name}' are {format_name}, but {others[most]:,} of {others.sum():,} of the "
        "other classes"
    )
