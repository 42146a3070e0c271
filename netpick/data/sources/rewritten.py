"""Tables as programs draw and escape them, brought to plain cells: quotes behind backslashes, two colons between cells, tabs among
blanks, and the bars and lines that consoles of databases and Markdown draw around cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from netpick.data.sources.base import ReadOptions

DOUBLED = "\x1f"  # stands for two colons between cells
BACKSLASHED = ('\\"', '""')
COLONS = ("::", DOUBLED)
TABS = ("\t", " ")
RULE = r"[ \t]*[|+]?[ \t]*:?[-=]{2,}[-=+:| \t]*"  # a line of strokes
RULES = re.compile(rf"(?m)^{RULE}$\n?")
BARS = re.compile(r"(?m)^[ \t]*\|[ \t]?|[ \t]?\|[ \t]*$")
LOOKED_AT = 200  # lines
HEAD = 5  # lines in which the stroke below a header stands
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def rewriting(text: str, options: ReadOptions) -> tuple[tuple[str, str], ...]:
    """What stands for what in a text that starts a file; () for most."""
    lines = [line for line in text.split("\n", LOOKED_AT)[:LOOKED_AT] if line.strip()]
    found = []
    if options.quote in (None, '"') and BACKSLASHED[0] in text and _escapes_quotes(text, options):
        found.append(BACKSLASHED)
    if options.separator in (None, "::") and len(lines) > 1 and _alike([line.count("::") for line in lines]):
        found.append(COLONS)
    if options.separator in (None, " ") and "\t" in text and _is_spaced(lines):
        found.append(TABS)
    return tuple(found)


def is_ruled(text: str) -> bool:
    """Whether bars stand between cells, and a line of strokes below the header."""
    lines = [line for line in text.split("\n", HEAD)[:HEAD] if line.strip()]
    drawn = [line for line in lines if re.fullmatch(RULE, line)]
    return bool(drawn) and any("|" in line or "+" in line for line in drawn) and any("|" in line for line in lines)


def strokes_above(text: str) -> int:
    """How many lines of strokes stand above the header of a ruled table."""
    lines = text.lstrip("\n").split("\n", HEAD)[:HEAD]
    return next((number for number, line in enumerate(lines) if not re.fullmatch(RULE, line)), 0)


def written_plainly(text: str, rewritten: tuple[tuple[str, str], ...], *, ruled: bool) -> str:
    """The text without strokes and bars around cells, and with what stands for what."""
    for old, new in rewritten:
        text = text.replace(old, new)
    return BARS.sub("", RULES.sub("", text)) if ruled else text


def _escapes_quotes(text: str, options: ReadOptions) -> bool:
    """Whether rows divide alike once a backslash keeps a quote from ending its cell, and do not without."""
    lines = "\n".join(text.split("\n")[:LOOKED_AT])
    plain = lines.replace(*BACKSLASHED)
    separators = (options.separator,) if options.separator and len(options.separator) == 1 else (",", ";", "\t", "|")
    return any(_pairs_up(plain, sep) and not _pairs_up(lines, sep) for sep in separators)


def _pairs_up(text: str, separator: str) -> bool:
    """Whether quotes enclose whole cells in every row, and the rows have the same number of cells, at least two."""
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        if "unexpected end" not in str(error):
            return False
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))[:-1]
    return _alike([len(row) - 1 for row in rows if row])


def _alike(counts: list[int]) -> bool:
    return bool(counts) and counts[0] > 0 and len(set(counts)) == 1


def _is_spaced(lines: list[str]) -> bool:
    """Whether cells are lined up by blanks and tabs together: as many in each row, mostly numbers, and not so by tabs alone."""
    by_tab = Counter(line.count("\t") for line in lines)
    inner = sum("  " in cell.strip() for line in lines for cell in line.split("\t"))
    if len(by_tab) == 1 and not inner:
        return False
    try:
        rows = list(csv.reader((re.sub(r"[ \t]+", " ", line.strip()) for line in lines), delimiter=" "))
    except csv.Error:
        return False
    cells = [cell for row in rows for cell in row]
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in cells)
    return _alike([len(row) - 1 for row in rows]) and numbers > 0.5 * len(cells)
