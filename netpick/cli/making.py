"""`netpick generate MODEL --rows N`: rows that are made up, as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from netpick.errors import RequestError
from netpick.saved.drawing import draw_rows
from netpick.saved.use import Model

USUAL = 100  # rows


def make_rows(model: Model, rows: int | None, given: Sequence[str], out: Path | None, seed: int) -> None:
    """Writes them, or prints them as CSV."""
    from netpick.cli.console import require_writable, write_table

    require_writable(out)
    table = draw_rows(model, USUAL if rows is None else rows, values_given(given), seed)
    sys.stderr.write(f"{len(table):,} made-up rows: no real ones, and no promise of anonymity.\n")
    write_table(table, out, "rows")


def values_given(texts: Sequence[str]) -> dict[str, str]:
    """COLUMN=VALUE, several of them. Raises RequestError for anything else."""
    values = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise RequestError(f"--given {text} cannot be read. Pass COLUMN=VALUE, such as --given label=yes.")
        values[name] = value
    return values
