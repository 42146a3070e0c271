"""D021: the same thing on both sides of the split, though no column is known to name it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netpick.checks.base import Check, CheckContext
from netpick.checks.statistics import neighbours_alike
from netpick.columns.kinds.cells import as_text
from netpick.tasks.dividers import ENTITY_WORDS
from netpick.tasks.schema import ID_WORDS
from netpick.types import Array, ArrayColumn, Finding, Rows, TableColumn

FEWEST_ROWS = 100
FEWEST_NAMES, ROWS_A_NAME = 20, 1.2  # different names, and rows to each of them at least
FEWEST_IN_FILES = 4  # names in the names of files
MOST_ROWS_A_NAME = 100  # more rows share a category than an entity
SHARED = 0.1  # of the test rows have a name that is learned from, too
PROOF, TOLD = 6.0, 0.1  # standard errors; how much more alike rows of one name are than any two
MORE_ALIKE = 0.25  # share of chances missed, by which a row's nearest row has its name
SEPARATOR = re.compile(r"[_\-. ]+")  # between the parts of a file's name
NAMING = (
    ENTITY_WORDS | ID_WORDS | {"code", "serial", "device", "machine", "site", "house", "ticket", "account", "plate"}
)


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What may name things: a column, or a part of the files' names."""

    what: str
    column: str | None
    codes: Array  # (N,) -1 where there is no name


class SameThingOnBothSides(Check):
    """Looks for names that come again, on both sides, and whose rows are more alike than others."""

    code = "D021"
    title = "The same things on both sides of the split"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if context.windowed or not context.holds_out or len(context.learned) < FEWEST_ROWS:
            return None
        if any(f.role == "group" for f in context.schema.fields):
            return None  # named already: D011
        findings, looked = [], 0
        for names in (*_columns(context), *_file_parts(context)):
            looked += 1
            codes = names.codes
            tested = codes[context.test]
            shared = (tested >= 0) & np.isin(tested, codes[context.learned])
            if shared.mean() < SHARED:
                continue
            told = _targets_alike(context, codes) if names.column else _media_alike(context, codes)
            if told is None:
                continue
            findings.append(self._finding(context, names, shared, told))
        return findings if looked else None

    def _finding(self, context: CheckContext, names: _Names, shared: Array, told: str) -> Finding:
        group = f"--split group:{names.column}" if names.column else "--label-from with a field such as {speaker}"
        return self.finding(
            severity="warning",
            evidence=(
                f"{int(shared.sum()):,} of {len(shared):,} test rows ({shared.mean():.0%}) share their {names.what} with rows "
                f"that are learned from ({len(np.unique(names.codes[names.codes >= 0])):,} different ones), and {told}."
            ),
            advice=f"If new rows will be of new ones, keep those of one on one side: {group}.",
            columns=(names.column,) if names.column else (),
            rows=tuple(context.test[shared][:20].tolist()),
        )


def _columns(context: CheckContext) -> Iterator[_Names]:
    """Left-out columns whose cells come again, and features that are called a name and have hundreds of values."""
    for field in context.schema.fields:
        column = context.source.columns[field.name]
        if not isinstance(column, TableColumn) or field.role not in ("left_out", "feature"):
            continue
        if field.kind in ("text", "datetime", "boolean") or column.values.dtype.is_float() or field.explicit:
            continue
        words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", field.name).lower()))
        if field.role == "feature" and not words & NAMING:
            continue
        cells = as_text(column.values)
        counts = cells.drop_nulls().n_unique()
        filled = len(cells) - cells.null_count()
        if counts < FEWEST_NAMES or not ROWS_A_NAME * counts <= filled <= MOST_ROWS_A_NAME * counts:
            continue
        codes = cells.rank("dense").cast(int).fill_null(0).to_numpy().astype(np.int64) - 1
        yield _Names(what=f"'{field.name}'", column=field.name, codes=codes)


def _file_parts(context: CheckContext) -> Iterator[_Names]:
    """Parts of file names that come again: person07_03.jpg."""
    if not context.files or not context.one_class:
        return
    column = next(iter(context.files.values()))
    stems = [os.path.splitext(path)[0].rpartition("/")[2] for path in column.paths]
    split = [SEPARATOR.split(stem) for stem in stems]
    if len({len(parts) for parts in split}) != 1:
        return
    labels = [str(name).lower() for name in context.labels]
    for place in range(len(split[0])):
        texts = [parts[place] for parts in split]
        different = set(texts)
        if not FEWEST_IN_FILES <= len(different) <= len(texts) / 2 or {n.lower() for n in different} <= set(labels):
            continue
        names, codes, counts = np.unique(texts, return_inverse=True, return_counts=True)
        if counts.max() > 0.5 * len(texts):
            continue
        yield _Names(what=f"'{names[0]}', '{names[1]}', … in file names", column=None, codes=codes.astype(np.int64))


def _targets_alike(context: CheckContext, codes: Array) -> str | None:
    """Whether rows of one name have like targets, in words."""
    target = context.target if context.target.ndim == 2 else context.target[:, None]
    rows = context.learned[codes[context.learned] >= 0]
    rows = np.random.default_rng(0).permutation(rows)  # within a name, the file's order must not help
    rows = rows[np.argsort(codes[rows], kind="stable")]
    same = codes[rows][1:] == codes[rows][:-1]
    for k in range(target.shape[1]):
        alike = neighbours_alike(target[rows, k], same)
        if alike.z >= PROOF and alike.effect >= TOLD:
            return f"rows of one have targets that are {alike.effect:.0%} more alike than chance allows"
    return None


def _media_alike(context: CheckContext, codes: Array) -> str | None:
    """Whether a file's nearest file of its own class has its name more often than chance allows, in words."""
    sample = context.sample
    features = [f.name for f in context.schema.features]
    if not any(isinstance(context.source.columns[name], ArrayColumn) for name in features):
        return None
    rows: Rows = np.concatenate([sample.learned, sample.test])
    values, label, name = sample.values, context.target[rows], codes[rows]
    hits = expected = variance = 0.0
    for one in np.unique(label[label >= 0]).tolist():
        own = np.flatnonzero(label == one)
        if len(own) < 20:
            continue
        part = values[own]
        distance = np.square(part).sum(axis=1) - 2 * part @ part.T
        np.fill_diagonal(distance, np.inf)
        hits += float((name[own][distance.argmin(axis=1)] == name[own]).sum())
        share = np.bincount(name[own])[name[own]] - 1
        chance = share / (len(own) - 1)
        expected += float(chance.sum())
        variance += float((chance * (1 - chance)).sum())
    total = int((label >= 0).sum())
    if variance <= 0 or total <= expected:
        return None
    effect, z = (hits - expected) / (total - expected), (hits - expected) / np.sqrt(variance)
    if z < PROOF or effect < MORE_ALIKE:
        return None
    return f"the nearest file of the same class has the same name in {hits / total:.0%} of all cases (by chance {expected / total:.0%})"
