"""What stands above the header of a delimited text: remarks, the number of rows, a line that names the separator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from netpick.data.sources.base import ReadOptions
from netpick.data.sources.cutting import (
    SAMPLE_ROWS,
    SEPARATORS,
    csv_rows,
    detect_quote,
    given_quote,
    is_number,
    rank_of,
    sample_rows,
    separator_and_quote,
)
from netpick.data.sources.headers import has_header
from netpick.data.sources.surroundings import SEPARATOR_LINE, rows_above

BLANK_CELLS = ' ,;\t|"\ufeff'  # what a line of empty cells is made of
FIRST_LINES = 300  # that show what stands above a header
REMARK = ("#", "%")
COUNT = re.compile(r"#?\d+")  # alone in the first line
FEWEST_LINES = 5  # below the number of rows


def without_lines_above(text: str, options: ReadOptions) -> tuple[list[str], str, ReadOptions]:
    """The lines above the header, the text without them, and the separator that such a line names."""
    if options.header is False:
        return [], text, options
    lines = text.split("\n")
    named = SEPARATOR_LINE.fullmatch(lines[0])
    if named is not None:
        given = options if options.separator is not None else replace(options, separator=named[1])
        return lines[:1], "\n".join(lines[1:]), given
    if len(lines) > FEWEST_LINES and _counts_rows(lines, options):
        return lines[:1], "\n".join(lines[1:]), options
    if (commented := _commented_names(lines, options)) is not None:
        place, names = commented
        return lines[:place], "\n".join([names, *lines[place + 1 :]]), options
    head = "\n".join(lines[:FIRST_LINES])
    separator, quote = separator_and_quote(head, options)
    whole = rank_of(head, separator, quote)
    divides = whole[0] and whole[2] == 1.0
    candidates = [separator] if divides or options.separator is not None else [s for s in SEPARATORS if s != " "]
    for candidate in candidates:
        quote = given_quote(options) if options.quote is not None else detect_quote(head, candidate)
        rows, ends = _rows_and_ends(head, candidate, quote)
        count = rows_above(rows)
        if not count:
            continue
        stop = ends[count - 1]
        while stop < len(lines) and not lines[stop].strip(BLANK_CELLS):
            stop += 1
        if rank_of("\n".join(lines[stop:FIRST_LINES]), candidate, quote)[0]:
            return lines[:stop], "\n".join(lines[stop:]), options
    return [], text, options


def _counts_rows(lines: Sequence[str], options: ReadOptions) -> bool:
    """Whether the first line is the number of rows, alone or before the number of columns and the names of classes."""
    if not lines[0].lstrip(" #")[:1].isdigit():
        return False
    rest = "\n".join(lines[1:FIRST_LINES])
    separator, quote = separator_and_quote(rest, options)
    if COUNT.fullmatch(lines[0].strip()):
        return rank_of(rest, separator, quote)[0]
    first, rows = sample_rows(lines[0], separator, quote), sample_rows(rest, separator, quote)
    if not rows or len(first[0]) < 3 or not all(map(str.isdigit, first[0][:2])):
        return False
    count = sum(bool(line.strip()) for line in lines[1:])
    return (int(first[0][0]), int(first[0][1])) == (count, len(rows[0]) - 1)


def _commented_names(lines: Sequence[str], options: ReadOptions) -> tuple[int, str] | None:
    """The line of remarks that names the columns of rows without a header, as numpy writes it, and the names."""
    count = next((n for n, line in enumerate(lines[:FIRST_LINES]) if not line.startswith(REMARK)), 0)
    if not count:
        return None
    rest = "\n".join(lines[count:FIRST_LINES])
    separator, quote = separator_and_quote(rest, options)
    rows, names = sample_rows(rest, separator, quote), lines[count - 1].lstrip("#% \t")
    named = sample_rows(names, separator, quote)
    if len(rows) < 2 or len(rows[0]) < 2 or not named or len(named[0]) != len(rows[0]) or any(map(is_number, named[0])):
        return None
    return None if has_header(rows) else (count - 1, names)


def _rows_and_ends(text: str, separator: str, quote: str | None) -> tuple[list[list[str]], list[int]]:
    """The first rows that are not blank, and the number of the line that each ends on."""
    reader = csv_rows(text, separator, quote, strict=False, blanks=True)
    rows, ends = [], []
    for row in reader:
        if row and any(cell.strip() for cell in row):
            rows.append(row)
            ends.append(reader.line_num)
        if len(rows) == SAMPLE_ROWS:
            break
    return rows, ends
