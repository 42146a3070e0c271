"""D030: long passages of a test text that stand word for word in the text that was learned from."""

from __future__ import annotations

import numpy as np

from netpick.checks.base import LISTED, Check, CheckContext, rows_named
from netpick.types import Array, Finding, Rows, Severity

WORDS, CHARACTERS = 13, 60  # symbols of a passage that is no chance
FEW_SYMBOLS = 1_000  # different ones; so few are characters
SOME, MANY = 0.01, 0.05  # of the test text
FACTOR = np.uint64(0x9E3779B97F4A7C15)


class CopiedPassages(Check):
    """Looks for runs of symbols that come on both sides."""

    code = "D030"
    title = "Test passages stand in the text that was learned from"
    most_severe = "warning"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not context.of_text:
            return None
        length = CHARACTERS if len(np.unique(context.target)) < FEW_SYMBOLS else WORDS
        learned, test = (_text(context, rows) for rows in (context.learned, context.test))
        if len(learned) < length or len(test) < length:
            return []
        known = np.isin(_hashes(test, length), _hashes(learned, length))
        inside = np.convolve(known, np.ones(length, dtype=np.int64)) > 0  # symbols of the passages
        share = float(inside.mean())
        if share < SOME:
            return []
        severity: Severity = "warning" if share >= MANY else "info"
        blocks = context.test[np.unique(np.flatnonzero(inside) // context.target.shape[1])]
        return [
            self.finding(
                severity=severity,
                evidence=(
                    f"{share:.1%} of the test text stand in passages of {length} symbols and more that the text to learn from holds too: "
                    f"{rows_named(context, blocks)}."
                ),
                advice=(
                    "What was read before is remembered, not understood. Leave out headers, licences and quotations that come again, or give "
                    "parts that share none (files named train, valid and test)."
                ),
                rows=tuple(blocks[:LISTED].tolist()),
            )
        ]


def _text(context: CheckContext, rows: Rows) -> Array:
    """The symbols of these blocks, one after another."""
    symbols = context.target[rows].ravel()
    return np.asarray(symbols[symbols > 0])


def _hashes(text: Array, length: int) -> Array:
    """(n - length + 1,) a number for each run of so many symbols; those that differ have the same one by a chance of 2^-64."""
    hashes = np.zeros(len(text) - length + 1, dtype=np.uint64)
    symbols = text.astype(np.uint64)
    for place in range(length):
        hashes = hashes * FACTOR + symbols[place : place + len(hashes)]
    return hashes
