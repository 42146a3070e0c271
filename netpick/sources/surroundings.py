"""What stands around the rows of a table: lines above its header, a row of units below, totals and remarks at its foot.

Everything that is found is left out and said. A line counts as one above the header only where the header is plain: the first of
several rows that divide alike, or a full row of words above columns of numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

MOST_ABOVE = 60  # lines above a header
MOST_BELOW = 40  # lines at the foot
ALIKE = 3  # rows that divide alike, where a table begins
NUMBERLIKE = re.compile(r"[-+(]?[$€£]?[-+]?[\d.,' \u00a0\u202f]*\d[\d.,' \u00a0\u202f]*[%)]?")
UNIT = re.compile(r"[\[(<]?[^\d\s\])>]{1,12}(?:[ /·*^-][^\s\])>]{1,8})*[\])>]?")
TOTAL = re.compile(
    r"(?i)(?:grand |sub)?(?:totals?|sums?|sub-?total|summe|gesamt|insgesamt|total général|totale?|suma|average|mean|count)\b[ :]*"
)
SEPARATOR_LINE = re.compile(r"(?i)\ufeff?sep=(.)\s*")


def rows_above(rows: Sequence[Sequence[str]]) -> int:
    """How many of the first rows (blank ones left out) stand above the header; 0 where the first one may be it."""
    widths = [len(row) for row in rows]
    if not widths:
        return 0
    usual, times = Counter(widths).most_common(1)[0]
    if usual < 2 or times < ALIKE:
        return 0
    for start in range(min(MOST_ABOVE, len(rows) - ALIKE) + 1):
        if all(width == usual for width in widths[start : start + ALIKE]):
            break
    else:
        return 0
    if start == 0:
        return _padded_above(rows)
    above, names = rows[:start], [cell.strip() for cell in rows[start]]
    # A header of one cell less than its rows lacks the name of the row names; one of as many cells as a row is a header.
    if any(len(row) > usual for row in above) or (start == 1 and len(above[0]) == usual - 1):
        return 0
    return start if _are_names(names) else 0


def _are_names(cells: Sequence[str]) -> bool:
    named = [cell for cell in cells if cell]
    return len(named) > len(cells) / 2 and len(set(named)) == len(named) and not any(map(NUMBERLIKE.fullmatch, named))


def _padded_above(rows: Sequence[Sequence[str]]) -> int:
    """Rows with empty cells above a full row of words, as spreadsheets pad what stands above a table."""
    for start, row in enumerate(rows[: MOST_ABOVE // 3]):
        cells = [cell.strip() for cell in row]
        if all(cells):
            return start if start and _heads(cells, rows[start + 1 :]) else 0
        if sum(map(bool, cells)) > max(1, len(cells) - 2) and start == 0:
            return 0  # a header that lacks a name
    return 0


def _heads(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    if not _are_names(cells) or len(below) < ALIKE:
        return False
    return any(_mostly_numbers([row[place] for row in below if place < len(row)]) for place in range(len(cells)))


def is_row_of_units(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row below the header holds units: short words where all rows below hold numbers."""
    if len(rows) < ALIKE + 1 or len(rows[0]) != len(header):
        return False
    units, numbers = 0, 0
    for place, cell in enumerate(rows[0]):
        text = cell.strip()
        if not _mostly_numbers([row[place] for row in rows[1:] if place < len(row)]):
            continue
        numbers += 1
        if text and not UNIT.fullmatch(text):
            return False
        units += bool(text)
    return numbers > 0 and units > 0 and units >= numbers / 2


def _mostly_numbers(cells: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) >= ALIKE and sum(NUMBERLIKE.fullmatch(cell) is not None for cell in filled) >= 0.9 * len(filled)


def rows_below(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many of the last rows, blank ones included, are a foot: totals with cells left empty, and remarks below them."""
    foot = 0
    for number, row in enumerate(reversed(rows[-MOST_BELOW:]), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        above = rows[-number - 1] if number < len(rows) else []
        if _is_total(cells) or (len(row) != width and _is_remark(cells, above)):
            foot = number
        else:
            break
    return foot


def _is_total(cells: Sequence[str]) -> bool:
    first = next((cell for cell in cells if cell), "")
    return TOTAL.fullmatch(first) is not None and (len(cells) == 1 or sum(map(bool, cells)) < len(cells))


def _is_remark(cells: Sequence[str], above: Sequence[str]) -> bool:
    """One cell of words below an empty row or a total: nothing that a broken row leaves behind."""
    texts = [cell for cell in cells if cell]
    alone = len(texts) == 1 and not NUMBERLIKE.fullmatch(texts[0])
    blank = not any(cell.strip() for cell in above)
    return alone and (blank or _is_total([cell.strip() for cell in above]) or texts[0][0] in "(*#\u00a9")
