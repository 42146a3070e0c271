"""D001: rows or images that are learned from and tested on alike, and the numbering of identical rows behind it."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import FEW, Check, CheckContext
from netpick.checks.repeats import among
from netpick.columns.row_hashes import Hashes, as_words, mix, num_words
from netpick.types import Array, ArrayColumn, FileColumn, Finding, Schema, Severity, Source

ROWS_AT_ONCE = 1024  # of pixels, so that a chunk stays in the processor's cache
FEW_COPIES, SEVERE_MEDIA, SEVERE_TABLE = 0.01, 0.2, 0.5  # shares of the test rows


def row_groups(source: Source, schema: Schema) -> Array:
    """Numbers (N,) int64 that are equal for rows whose features are identical in every column.

    Tables are hashed by polars (64 bits: a chance of 1 in 10^6 of any mistake in 5 million rows), texts without regard to
    case and blanks; images and series by a sum of products, and rows of equal hash are compared in full. Files that are not decoded count as identical
    when their paths are.
    """
    import polars as pl

    tables, total = [], np.zeros(source.num_rows, dtype=np.uint64)
    for number, field in enumerate(schema.features):
        column = source.columns[field.name]
        if isinstance(column, ArrayColumn):
            total = mix(total) + _hash_arrays(column) * np.uint64(2 * number + 1)
        elif isinstance(column, FileColumn):
            tables.append(pl.Series(field.name, list(column.paths), dtype=pl.String))
        elif field.kind == "text" and column.values.dtype == pl.String:
            text = column.values.str.to_lowercase().str.replace_all(r"\s+", " ")
            tables.append(text.str.strip_chars().alias(field.name))
        else:
            tables.append(column.values.alias(field.name))
    if tables:
        total = mix(total) + pl.DataFrame(tables).hash_rows(seed=0).to_numpy()
    return total.view(np.int64)


def _hash_arrays(column: ArrayColumn) -> Hashes:
    """A hash per row (N,) that is equal if, and only if, values and length are equal."""
    n = len(column.values)
    if n == 0:
        return np.zeros(0, dtype=np.uint64)
    hashes = np.empty(n, dtype=np.uint64)
    keys = np.random.default_rng(0).integers(0, 2**64 - 1, num_words(column.values), dtype=np.uint64) | np.uint64(1)
    for start in range(0, n, ROWS_AT_ONCE):
        words = as_words(column.values[start : start + ROWS_AT_ONCE])
        hashes[start : start + len(words)] = words @ keys
    if column.lengths is not None:
        hashes = mix(hashes) + column.lengths.astype(np.uint64)
    _tell_apart(hashes, column)
    return mix(hashes)


def _tell_apart(hashes: Hashes, column: ArrayColumn) -> None:
    """Gives rows that differ in spite of an equal hash another one (rows that differ in few high bits may collide)."""
    order = np.argsort(hashes)
    equal = hashes[order][1:] == hashes[order][:-1]
    suspects = np.union1d(order[1:][equal], order[:-1][equal])
    seen: dict[tuple[int, bytes, int], int] = {}
    variants: dict[int, int] = {}
    number = np.zeros(len(suspects), dtype=np.uint64)
    for i, row in enumerate(suspects):
        length = 0 if column.lengths is None else int(column.lengths[row])
        key = (int(hashes[row]), np.ascontiguousarray(column.values[row]).tobytes(), length)
        if key not in seen:
            seen[key] = variants.get(key[0], 0)
            variants[key[0]] = seen[key] + 1
        number[i] = seen[key]
    hashes[suspects] = np.where(number > 0, mix(hashes[suspects] + mix(number)), hashes[suspects])


class DuplicateRows(Check):
    """Test rows that are also among the rows to learn from."""

    code = "D001"
    title = "Identical rows on both sides of the split"
    gravest = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if context.windowed:
            from netpick.checks.stretches import repeated_stretches

            return repeated_stretches(context, self.code, self.title)
        if context.row_groups is None or not context.holds_out or not len(context.test):
            return None
        groups = context.row_groups
        alike = context.test[among(groups[context.test], groups[context.learned])]
        if not len(alike):
            return self._media_alone(context)
        copies = context.copied
        if not len(copies):
            return [self._alike_by_chance(context, alike)]
        share = len(copies) / len(context.test)
        media = any(isinstance(context.source.columns[f.name], ArrayColumn) for f in context.schema.features)
        severity: Severity = "warning"
        if share < FEW_COPIES:
            severity = "info"
        elif share >= (SEVERE_MEDIA if media else SEVERE_TABLE):
            severity = "severe"
        thing = "images or series" if media else "rows"
        evidence = (
            f"{len(copies):,} of {len(context.test):,} test {thing} ({share:.1%}) are also among those to learn from"
            f"{_names(context, copies)}."
        )
        if len(alike) > len(copies):
            evidence += f" {len(alike) - len(copies):,} more are identical by chance, as their values are common."
        if share < FEW_COPIES:
            advice = "Too few to change a score; pass --split random to keep identical rows on one side."
        else:
            advice = (
                "Scores may flatter: remove the copies, or pass --split random, which keeps identical rows on one side."
            )
        return [
            Finding(
                code=self.code,
                severity=severity,
                title=self.title,
                evidence=evidence,
                advice=advice,
                clause=f"{share:.0%} of the test {thing} are also among those that were learned from",
                rows=copies[:20].tolist(),
            )
        ]

    def _alike_by_chance(self, context: CheckContext, alike: Array) -> Finding:
        return Finding(
            code=self.code,
            severity="info",
            title=self.title,
            evidence=(
                f"{len(alike):,} of {len(context.test):,} test rows ({len(alike) / len(context.test):.1%}) are also among those to "
                f"learn from{_names(context, alike)}."
            ),
            advice=(
                "The features take so few values that rows repeat. If new rows will repeat them as often, the score holds for "
                "them; if not, it is better than theirs will be: then remove the repeated rows."
            ),
            rows=alike[:20].tolist(),
        )

    def _media_alone(self, context: CheckContext) -> list[Finding]:
        """The same picture, sound or series in rows that differ in other columns."""
        fields = context.schema.features
        columns = [context.source.columns[f.name] for f in fields]
        media = [column for column in columns if isinstance(column, ArrayColumn)]
        if len(fields) < 2:
            return []
        for column in media:
            hashes = _hash_arrays(column).view(np.int64)
            copies = context.test[among(hashes[context.test], hashes[context.learned])]
            share = len(copies) / len(context.test)
            if share < FEW_COPIES:
                continue
            return [
                Finding(
                    code=self.code,
                    severity="warning",
                    title=self.title,
                    evidence=(
                        f"{len(copies):,} of {len(context.test):,} test rows ({share:.1%}) have the same '{column.name}' as a row "
                        f"that is learned from, with other columns that differ{_names(context, copies)}."
                    ),
                    advice="If such rows show one thing, keep them on one side: --split group:COLUMN, by what names it.",
                    columns=(column.name,),
                    rows=copies[:20].tolist(),
                )
            ]
        return []


def _names(context: CheckContext, rows: Array) -> str:
    names = context.source.row_names
    shown = [str(names[row]) if names is not None else f"row {row + 1}" for row in rows[: min(3, FEW)]]
    return f": {', '.join(shown)}{', …' if len(rows) > len(shown) else ''}"
