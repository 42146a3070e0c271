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
    r"(?i)(?:grand |sub)?(?:totals?|sums?|sub-?total|summe|gesamt|insgesamt|total général|totale?|suma|average|mean|count|mittelwert|durchschnitt|moyenne|promedio|media)\b[ :]*"
)
STATISTIC = re.compile(
    r"(?i)(?:std|stdev|std\.? ?dev\.?|min|minimum|max|maximum|median|variance|25 ?%|50 ?%|75 ?%)\.?[ :]*"
)
COUNTED = re.compile(r"\(?[\d,.]+ rows?(?: in set.*)?\)?|\(?[\d,.]+ rows? affected\)?")  # as consoles of databases end
YEAR = re.compile(r"(?:1[6-9]|20|21)\d\d")
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
    words = [cell for cell in named if not YEAR.fullmatch(cell)]  # years may be names, beside words
    if not words or any(map(NUMBERLIKE.fullmatch, words)):
        return False
    return len(named) > len(cells) / 2 and len(set(named)) == len(named)


def _padded_above(rows: Sequence[Sequence[str]]) -> int:
    """Rows with empty cells above a full row of words, as spreadsheets pad what stands above a table."""
    for start, row in enumerate(rows[: MOST_ABOVE // 3]):
        cells = [cell.strip() for cell in row]
        if all(cells):
            groups = [cell.strip() for cell in rows[0]]
            if start == 1 and sum(map(bool, groups)) > 1 and not groups[0]:
                return 0  # a header of two rows
            return start if start and _heads(cells, rows[start + 1 :]) else 0
        if sum(map(bool, cells)) > max(1, len(cells) - 2) and start == 0:
            return 0  # a header that lacks a name
    return 0


def _heads(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    if not _are_names(cells) or len(below) < ALIKE:
        return False
    return any(_mostly_numbers([row[place] for row in below if place < len(row)]) for place in range(len(cells)))


MOST_HEADERS = 3


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many of the first rows are a header: two or three where the first one alone does not tell columns apart.

    Spreadsheets and pandas write columns of several levels so: groups above, repeated or in their first column alone, names
    below, and a row of nothing but the index's name. Only where columns of numbers show that the rows are none of data.
    """
    first = [cell.strip() for cell in rows[0]] if rows else []
    named = [cell for cell in first if cell]
    if len(rows) <= MOST_HEADERS + ALIKE or len(rows[0]) < 2:
        return 1
    of_index = [number for number in (1, 2) if _is_index_name(rows, number)]
    if len(set(named)) == len(first) and not of_index:
        return 1
    numbers = [
        place
        for place in range(len(first))
        if _mostly_numbers([row[place] for row in rows[MOST_HEADERS:] if place < len(row)])
    ]
    if not numbers:
        return 1
    count = 1
    while count < MOST_HEADERS and len(rows[count]) == len(first):
        cells = [cell.strip() for cell in rows[count]]
        below = [cells[place] for place in numbers]
        if any(NUMBERLIKE.fullmatch(cell) for cell in below) or not any(cells):
            break
        if not any(below) and count not in of_index:
            break
        count += 1
    tells_more = len(set(joined_names(rows[:count]))) > len(set(named))
    return count if tells_more or any(number < count for number in of_index) else 1


def joined_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of columns from several rows: "Sales" above "2020" is "Sales 2020"; groups reach to the next one."""
    filled = []
    for row in rows[:-1]:
        group, cells = "", []
        several = len({cell.strip() for cell in row if cell.strip()}) > 1
        for cell in row:
            group = cell.strip() or (group if several or group else "")
            cells.append(group)
        filled.append(cells)
    filled.append([cell.strip() for cell in rows[-1]])
    names = []
    for place in range(len(rows[0])):
        parts = dict.fromkeys(cells[place] for cells in filled if cells[place])
        names.append(" ".join(parts))
    return names


def _is_index_name(rows: Sequence[Sequence[str]], number: int) -> bool:
    """Whether only the first cell of a row is filled, with a word above dates or numbers: the name of the index."""
    cells = [cell.strip() for cell in rows[number]]
    if len(cells) < 3 or not cells[0] or any(cells[1:]) or any(map(str.isdigit, cells[0])):
        return False
    below = [row[0] for row in rows[MOST_HEADERS:] if row]
    return sum(any(map(str.isdigit, cell)) for cell in below) >= 0.9 * max(1, len(below))


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
        is_statistic = STATISTIC.fullmatch(cells[0]) is not None and not all(cells)
        if (
            _is_total(cells)
            or _is_total_of_dates(cells, rows[:-number])
            or (is_statistic and foot)
            or _is_remark(cells, above, padded=len(row) == width)
        ):
            foot = number
        elif not is_statistic:  # one above a mean belongs to the foot; one alone may be a row
            break
    return foot


def _is_total(cells: Sequence[str]) -> bool:
    first = next((cell for cell in cells if cell), "")
    return TOTAL.fullmatch(first) is not None and (len(cells) == 1 or sum(map(bool, cells)) < len(cells))


def _is_total_of_dates(cells: Sequence[str], above: Sequence[Sequence[str]]) -> bool:
    """Whether "Total" stands where all rows above hold figures, such as dates."""
    first = [row[0] for row in above[1:][-MOST_BELOW:] if row and row[0].strip()]  # the first one may be the header
    if TOTAL.fullmatch(cells[0]) is None or len(cells) < 2 or len(first) <= ALIKE:
        return False
    return all(any(map(str.isdigit, cell)) for cell in first)


def _is_remark(cells: Sequence[str], above: Sequence[str], *, padded: bool) -> bool:
    """One cell of words below an empty row or a total: nothing that a broken row leaves behind.

    padded: with empty cells up to the width of the table, as spreadsheets write it.
    """
    texts = [cell for cell in cells if cell]
    if len(texts) != 1 or (padded and (len(cells) < 3 or not cells[0])):
        return False
    if not padded and COUNTED.fullmatch(texts[0]):
        return True
    alone = not NUMBERLIKE.fullmatch(texts[0])
    blank = not any(cell.strip() for cell in above)
    below = blank or _is_total([cell.strip() for cell in above])
    return alone and (below or (not padded and texts[0][0] in "(*#\u00a9"))
