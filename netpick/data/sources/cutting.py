"""Where the cells of a delimited text begin and end: its separator and quotes, the best of a few, and the rows that they give."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING

from netpick.data.sources.base import ReadOptions
from netpick.data.sources.rewritten import DOUBLED
from netpick.errors import RequestError

if TYPE_CHECKING:
    import _csv

SEPARATORS = (
    DOUBLED,
    "\t",
    "|",
    ";",
    ",",
    " ",
)  # in this order where several would do: a comma may be a decimal comma or prose
SPOKEN = {
    "\t": "a tab",
    "|": "a vertical bar",
    ";": "a semicolon",
    ",": "a comma",
    " ": "a space",
    DOUBLED: "two colons",
    '"': 'double (")',
}
NO_QUOTES = ("", "none", "None")
FEWEST_NAMED = 5  # rows with one cell more than the header, where blanks part cells
CONSISTENT = 0.9  # share of the rows that must have the usual number of cells
SAMPLE_ROWS = 2_000
LONGEST_CELL = 1 << 27  # characters; blocks of rows are smaller
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def separator_and_quote(text: str, options: ReadOptions) -> tuple[str, str | None]:
    quotes = given_quote(options) if options.quote is not None else None
    separator = _given_separator(options) if options.separator is not None else None
    if separator is not None and separator == quotes:
        raise RequestError(
            f"The separator and the quote character are both {separator!r}, but they must differ. Leave one of --separator and "
            "--quote out to have it detected."
        )
    best: tuple[tuple[bool, float, float], str, str | None] | None = None
    for candidate in (separator,) if separator else SEPARATORS:
        quote = quotes if options.quote is not None else detect_quote(text, candidate)
        rank = rank_of(text, candidate, quote)
        if best is None or rank > best[0]:
            best = (rank, candidate, quote)
    assert best is not None
    if separator is None and not best[0][0]:  # nothing divides the lines: one column
        return ",", best[2]
    return best[1], best[2]


def rank_of(text: str, separator: str, quote: str | None) -> tuple[bool, float, float]:
    """How well a separator explains the rows: divides at all, consistently, the first row like the others."""
    counts = [len(row) for row in sample_rows(text, separator, quote)]
    if not counts:
        return False, 0.0, 0.0
    usual, times = Counter(counts).most_common(1)[0]
    share = times / len(counts)
    if separator == " ":  # prose has spaces too
        short = (
            counts[0] == usual - 1 and times == len(counts) - 1 >= FEWEST_NAMED
        )  # the header lacks a name for row names
        divides = usual > 1 and (share == 1.0 or short)
        share = 1.0 if short else share
    else:
        divides = usual > 1 and (share >= CONSISTENT or (counts[0] > 1 and share > 0.5))
    return divides, round(min(share, 0.99), 2), float(counts[0] == usual)


def detect_quote(text: str, separator: str) -> str | None:
    opening = re.escape(separator)
    for quote in ('"', "'"):
        if quote not in text:
            continue
        if not re.search(rf"(^|{opening}) ?{quote}", text, re.MULTILINE):
            continue
        opened = len(re.findall(rf"(?:^|{opening}) ?{quote}", text, re.MULTILINE))
        closed = len(re.findall(rf"{quote} ?(?:$|{opening})", text, re.MULTILINE))
        if quote == "'" and (opened != closed or opened < 0.5 * text.count("\n")):
            continue  # an apostrophe
        try:
            sample_rows(text, separator, quote, strict=True)
        except csv.Error as error:
            if "unexpected end" not in str(error) or opened != closed:
                continue
        return quote
    return None if '"' in text else '"'


def _given_separator(options: ReadOptions) -> str:
    given = options.separator or ""
    separator = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(given, given)
    if len(separator) != 1 or ord(separator) > 127 or separator in '\r\n"':
        raise RequestError(
            f"The separator {given!r} cannot be used; one character such as ',' or ';' or '\\t' was expected. "
            "Leave --separator out to have it detected."
        )
    return separator


def given_quote(options: ReadOptions) -> str | None:
    given = options.quote or ""
    if given in NO_QUOTES:
        return None
    if len(given) != 1 or ord(given) > 127 or given in "\r\n":
        raise RequestError(
            f"The quote character {given!r} cannot be used; one character or 'none' was expected. "
            "Leave --quote out to have it detected."
        )
    return given


def sample_rows(text: str, separator: str, quote: str | None, *, strict: bool = False) -> list[list[str]]:
    """The first rows, blank ones left out. Raises csv.Error when strict and the quotes do not pair up."""
    rows = csv_rows(
        squeeze(text) if separator == " " else text, separator, quote, strict=strict, blanks=separator != " "
    )
    sample: list[list[str]] = []
    for row in rows:
        if row and any(cell.strip() for cell in row):
            sample.append(row)
        if len(sample) == SAMPLE_ROWS:
            break
    return sample


def csv_rows(text: str, separator: str, quote: str | None, *, strict: bool, blanks: bool = False) -> _csv.Reader:
    """The csv module's reading of a text; `blanks` in front of cells are skipped."""
    csv.field_size_limit(LONGEST_CELL)  # its own limit of 128 kB would refuse long texts
    return csv.reader(
        io.StringIO(text, newline="\n"),
        delimiter=separator,
        quotechar=quote or '"',
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=blanks,
        strict=strict,
    )


def squeeze(text: str) -> str:
    """Columns that are lined up with several spaces become separated by one."""
    return re.sub(r"(?m)^ +| +$", "", re.sub(" {2,}", " ", text))


def is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell.strip()) is not None


def spoken_separator(separator: str) -> str:
    return SPOKEN.get(separator, repr(separator))
