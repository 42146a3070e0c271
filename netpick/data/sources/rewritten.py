"""Tables as programs draw and escape them, brought to plain cells: quotes behind backslashes, two colons between cells, tabs among
blanks, quotes around whole rows, cells lined up by blanks, and the bars and lines that consoles of databases and Markdown draw."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from netpick.data.sources.base import ReadOptions
from netpick.data.sources.fixed_width import find_columns, parted

DOUBLED = "\x1f"  # stands for two colons between cells
BACKSLASHED = ('\\"', '""')
COLONS = ("::", DOUBLED)
TABS = ("\t", " ")
RULE = r"[ \t]*[|+]?[ \t]*:?[-=]{2,}[-=+:| \t]*"  # a line of strokes
RULES = re.compile(rf"(?m)^{RULE}$\n?")
BARS = re.compile(r"(?m)^[ \t]*\|[ \t]?|[ \t]?\|[ \t]*$")
LINED_UP = DOUBLED  # stands between cells that are lined up
MARKS = (",", ";", "\t", "|")
LOOKED_AT, MOST_LINES = 200, 500  # lines
FEWEST_ROWS = 3  # that are quoted whole
MOST = 0.9  # share of the lines in which a mark comes as often as in the others
HEAD = 5  # lines in which the stroke below a header stands
WHOLE_ROW = re.compile(r'(?m)^"((?:[^"\n]|"")*)"[ \t]*$')
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What is drawn around the cells of every line."""

    ruled: bool = False  # lines and bars around the cells
    wrapped: bool = False  # quotes around whole rows
    cuts: tuple[int, ...] = ()  # characters before which lines are cut into cells that are lined up

    def __bool__(self) -> bool:
        return self.ruled or self.wrapped or bool(self.cuts)


PLAIN = Drawn()


def drawn_around(text: str, options: ReadOptions) -> Drawn:
    """How the lines of a text that starts a file are drawn."""
    if is_ruled(text):
        return Drawn(ruled=True)
    lines = [line for line in text.split("\n", MOST_LINES)[:MOST_LINES] if line.strip()]
    if options.quote in (None, '"') and _are_wrapped(lines[:LOOKED_AT], options):
        return Drawn(wrapped=True)
    if options.separator is None and not _are_parted(lines[:LOOKED_AT]):
        return Drawn(cuts=find_columns([line for line in lines if not RULES.fullmatch(line)]))
    return PLAIN


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


def written_plainly(text: str, rewritten: tuple[tuple[str, str], ...], drawn: Drawn) -> str:
    """The text without what is drawn around cells, and with what stands for what."""
    for old, new in rewritten:
        text = text.replace(old, new)
    if drawn.ruled or drawn.cuts:
        text = RULES.sub("", text)
    if drawn.wrapped:
        text = WHOLE_ROW.sub(lambda row: row[1].replace('""', '"'), text)
    if drawn.cuts:
        text = parted(text, drawn.cuts, LINED_UP)
    return BARS.sub("", text) if drawn.ruled else text


def _are_wrapped(lines: Sequence[str], options: ReadOptions) -> bool:
    """Whether rows are one quoted cell each, with the cells of a row inside, as many as in the header."""
    if len(lines) < FEWEST_ROWS or not all(WHOLE_ROW.fullmatch(line) for line in lines[1:]):
        return False
    plain = WHOLE_ROW.sub(lambda row: row[1].replace('""', '"'), "\n".join(lines))
    return any(_pairs_up(plain, separator) for separator in _separators(options))


def _are_parted(lines: Sequence[str]) -> bool:
    """Whether a mark parts the cells of nearly all lines, or blanks part all of them alike."""
    if not lines:
        return True
    counts = [Counter(line.count(mark) for line in lines).most_common(1)[0] for mark in MARKS]
    if any(usual > 0 and times >= MOST * len(lines) for usual, times in counts):
        return True
    return len({len(line.split()) for line in lines}) == 1


def _escapes_quotes(text: str, options: ReadOptions) -> bool:
    """Whether rows divide alike once a backslash keeps a quote from ending its cell, and do not without."""
    lines = "\n".join(text.split("\n")[:LOOKED_AT])
    plain = lines.replace(*BACKSLASHED)
    return any(_pairs_up(plain, sep) and not _pairs_up(lines, sep) for sep in _separators(options))


def _separators(options: ReadOptions) -> Sequence[str]:
    return (options.separator,) if options.separator and len(options.separator) == 1 else MARKS


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
