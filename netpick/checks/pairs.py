"""D031: pairs of texts that are no translations of each other: the same on both sides, far longer than their source, or the wrong way round."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from netpick.checks.base import LISTED, Check, CheckContext, rows_named
from netpick.columns.kinds.cells import as_text
from netpick.types import Array, Finding, Severity, TableColumn

FAR_LONGER = 50  # times the characters of the other side
SHORT = 4  # characters of a side, at least, that the other is compared with
FEWEST, MANY = 3, 0.05  # pairs that are said, and the share of all that is a warning
SAME_IS_USUAL = 0.5  # of the pairs, from which on equal sides are what the data are about: spelling that is mended
WORD = re.compile(r"\w+")
FREQUENT = 200  # words of each side that tell them apart
CLEAR = 1.0  # mean log-odds of a side's frequent words, from which on it is of the other side
FEWEST_FREQUENT = 2  # of them in a side that is judged


class NoTranslations(Check):
    """Looks at each pair by itself, and at which words are frequent on which side."""

    code = "D031"
    title = "Pairs that are no translations"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        sides = _sides(context)
        if sides is None:
            return None
        rows = np.sort(np.concatenate([context.learned, context.test])) if context.holds_out else np.sort(context.train)
        source, target = ([side[row] for row in rows.tolist()] for side in sides)
        return [
            finding
            for places, what, advice in (
                (
                    _same(source, target),
                    "have the same text on both sides",
                    "Leave them out, unless such texts shall stay as they are.",
                ),
                (
                    _far_longer(source, target),
                    f"have a side of more than {FAR_LONGER} times as many characters as the other",
                    "Look whether lines were joined or lost there, and leave them out.",
                ),
                (
                    _swapped(source, target),
                    "seem to have their sides swapped, by their frequent words",
                    "Swap them back, or leave them out.",
                ),
            )
            if (finding := self._found(context, rows[places], len(rows), what, advice)) is not None
        ]

    def _found(self, context: CheckContext, rows: Array, count: int, what: str, advice: str) -> Finding | None:
        if len(rows) < FEWEST:
            return None
        severity: Severity = "warning" if len(rows) >= MANY * count else "info"
        return self.finding(
            severity=severity,
            evidence=f"{len(rows):,} of {count:,} pairs {what}: {rows_named(context, rows)}.",
            advice=advice,
            rows=tuple(rows[:LISTED].tolist()),
        )


def _sides(context: CheckContext) -> tuple[list[str], list[str]] | None:
    """Sources and targets of all rows; None where rows are no pairs."""
    if not context.of_pairs:
        return None
    made = []
    for fields in (context.schema.features, context.schema.targets):
        column = context.source.columns[fields[0].name]
        assert isinstance(column, TableColumn)
        made.append(as_text(column.values).fill_null("").str.strip_chars().to_list())
    return made[0], made[1]


def _same(source: Sequence[str], target: Sequence[str]) -> Array:
    same = np.array([s == t for s, t in zip(source, target, strict=True)], dtype=bool)
    return np.flatnonzero(same) if same.mean() < SAME_IS_USUAL else np.zeros(0, dtype=np.int64)


def _far_longer(source: Sequence[str], target: Sequence[str]) -> Array:
    lengths = np.array([(len(s), len(t)) for s, t in zip(source, target, strict=True)], dtype=np.int64).reshape(-1, 2)
    short, long = lengths.min(axis=1), lengths.max(axis=1)
    return np.flatnonzero(long > FAR_LONGER * np.maximum(short, SHORT))


def _swapped(source: Sequence[str], target: Sequence[str]) -> Array:
    """Places of pairs whose source has the frequent words of targets, and the reverse."""
    words = [[WORD.findall(text.lower()) for text in side] for side in (source, target)]
    counts = [Counter(word for text in side for word in text) for side in words]
    frequent = {word for side in counts for word, _ in side.most_common(FREQUENT)}
    totals = [max(1, side.total()) for side in counts]
    odds = {
        word: float(np.log((counts[1][word] + 1) / totals[1]) - np.log((counts[0][word] + 1) / totals[0]))
        for word in frequent
    }
    means = np.array([[_mean(odds, text) for text in side] for side in words])
    return np.flatnonzero((means[0] > CLEAR) & (means[1] < -CLEAR))


def _mean(odds: dict[str, float], words: Sequence[str]) -> float:
    known = [odds[word] for word in words if word in odds]
    return sum(known) / len(known) if len(known) >= FEWEST_FREQUENT else 0.0
