"""How a delimited file is written: separator, quotes, header and number of columns, detected from its first megabyte.

Deliberately not csv.Sniffer, which guesses letters as separators; here every guess is one of a few, and is said.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netpick.data.formats.missing import MISSING
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.rewritten import DOUBLED, is_ruled, rewriting, strokes_above, written_plainly
from netpick.data.sources.surroundings import (
    COUNTED,
    SEPARATOR_LINE,
    header_rows,
    is_row_of_units,
    joined_names,
    rows_above,
    rows_below,
)
from netpick.errors import RequestError
from netpick.types import Note

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
FEWEST_LINES = 5  # of a column of numbers alone
CONSISTENT = 0.9  # share of the rows that must have the usual number of cells
BLANK_CELLS = ' ,;\t|"\ufeff'  # what a line of empty cells is made of
FIRST_LINES = 300  # that show what stands above a header
SAMPLE_ROWS = 2_000
LONGEST_CELL = 1 << 27  # characters; blocks of rows are smaller
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
YEAR = re.compile(r"(?:1[6-9]|20|21)\d\d")
FEWEST_YEARS = 5  # in a row, that are names of columns
NAME_LENGTH = 60  # characters; a longer cell in the first row is prose, not a name


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How to cut a text into cells. `names` are the columns' names; `blank_before_quote`: cells look like `1, "a"`."""

    encoding: str
    separator: str
    quote: str | None
    header: bool
    names: tuple[str, ...]
    blank_before_quote: bool = False
    mended: bool = False  # bytes that are not UTF-8 are read as cp1252
    above: int = 0  # lines above the header
    below: int = 0  # lines at the foot
    header_rows: int = 1  # the names, and a row of units
    rewritten: tuple[tuple[str, str], ...] = ()  # what stands for what, before the text is cut into cells
    ruled: bool = False  # lines and bars are drawn around the cells
    notes: tuple[Note, ...] = ()


def detect_dialect(text: str, encoding: str, options: ReadOptions) -> Dialect:
    """The dialect of a text that starts a file (line ends already are newlines, its last line is complete)."""
    rewritten, ruled = rewriting(text, options), is_ruled(text)
    given, text = text, written_plainly(text, rewritten, ruled=ruled)
    above, text, options = _without_lines_above(text, options)
    separator, quote = _separator_and_quote(text, options)
    blank = quote is not None and f"{separator} {quote}" in text and f"{separator}{quote}" not in text
    rows = sample_rows(text, separator, quote)
    header = options.header if options.header is not None else _has_header(rows)
    lines = header_rows(rows) if header and options.header is None and separator != " " else 1
    if lines > 1:
        rows = [joined_names(rows[:lines]), *rows[lines:]]
    names, remark = _column_names(rows, header)
    units = header and options.header is None and len(rows) > 1 and is_row_of_units(rows[0], rows[1:])
    return Dialect(
        encoding=encoding,
        separator=separator,
        quote=quote,
        header=header,
        names=tuple(names),
        blank_before_quote=blank,
        above=len(above) + (strokes_above(given) if ruled else 0),
        header_rows=lines + units,
        rewritten=rewritten,
        ruled=ruled,
        notes=(
            _separator_note(separator, len(names), options),
            _header_note(header, len(names), options, lines),
            *_quote_notes(text, quote, options),
            *remark,
            *_surroundings_notes(above, rows[1] if units else []),
        ),
    )


def _without_lines_above(text: str, options: ReadOptions) -> tuple[list[str], str, ReadOptions]:
    """The lines above the header, the text without them, and the separator that such a line names."""
    if options.header is False:
        return [], text, options
    lines = text.split("\n")
    named = SEPARATOR_LINE.fullmatch(lines[0])
    if named is not None:
        given = options if options.separator is not None else replace(options, separator=named[1])
        return lines[:1], "\n".join(lines[1:]), given
    head = "\n".join(lines[:FIRST_LINES])
    separator, quote = _separator_and_quote(head, options)
    whole = _rank(head, separator, quote)
    divides = whole[0] and whole[2] == 1.0
    candidates = [separator] if divides or options.separator is not None else [s for s in SEPARATORS if s != " "]
    for candidate in candidates:
        quote = _given_quote(options) if options.quote is not None else _detect_quote(head, candidate)
        rows, ends = _rows_and_ends(head, candidate, quote)
        count = rows_above(rows)
        if not count:
            continue
        stop = ends[count - 1]
        while stop < len(lines) and not lines[stop].strip(BLANK_CELLS):
            stop += 1
        if _rank("\n".join(lines[stop:FIRST_LINES]), candidate, quote)[0]:
            return lines[:stop], "\n".join(lines[stop:]), options
    return [], text, options


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


def foot_lines(text: str, dialect: Dialect) -> list[str]:
    """The lines at the foot of a table, from the text of its end: totals and remarks, with the blank lines between them."""
    if dialect.separator == " ":
        return []
    text = written_plainly(text, dialect.rewritten, ruled=dialect.ruled)
    reader = csv_rows(text, dialect.separator, dialect.quote, strict=False, blanks=True)
    rows, ends = [], [0]
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)
    count = rows_below(rows, len(dialect.names))
    return text.split("\n")[ends[-1 - count] :] if count else []


def _surroundings_notes(above: Sequence[str], units: Sequence[str]) -> list[Note]:
    notes = []
    filled = [line.strip()[:60] for line in above if line.strip(BLANK_CELLS)]
    if filled:
        shown = ", ".join(repr(line) for line in filled[:3]) + (", ..." if len(filled) > 3 else "")
        text = f"{len(above)} line{'s' if len(above) > 1 else ''} above the header {'are' if len(above) > 1 else 'is'} left out: {shown}."
        notes.append(Note(subject="lines above", text=text, override="--no-header"))
    if units:
        shown = ", ".join(repr(cell.strip()) for cell in units if cell.strip())[:80]
        notes.append(Note(subject="units", text=f"The second row holds units ({shown}) and is left out."))
    return notes


def without_quotes(dialect: Dialect, text: str, options: ReadOptions) -> Dialect:
    """The dialect again, quotes being plain text: the second try for a file whose quotes do not pair up."""
    return detect_dialect(text, dialect.encoding, replace(options, quote="", separator=dialect.separator))


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


def looks_tabular(text: str) -> bool:
    """Whether text of an unknown file is a table: every row divides alike; with blanks, most cells are numbers too."""
    text = written_plainly(text, rewriting(text, ReadOptions()), ruled=is_ruled(text)).rstrip("\n")
    body, _, last = text.rpartition("\n")
    text = body if COUNTED.fullmatch(last.strip()) else text
    _, text, _ = _without_lines_above(text, ReadOptions())
    if _is_one_column(text):
        return True
    for separator in SEPARATORS:
        quote = _detect_quote(text, separator)
        if _rank(text, separator, quote)[:2] == (True, 0.99):
            cells = [cell for row in sample_rows(text, separator, quote) for cell in row]
            if len(cells) > 3 and (separator != " " or sum(map(is_number, cells)) > 0.5 * len(cells)):
                return True
    return False


def _is_one_column(text: str) -> bool:
    """Whether every line but the first is a number."""
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) > FEWEST_LINES and all(map(is_number, lines[1:]))


def is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell.strip()) is not None


def spoken_separator(separator: str) -> str:
    return SPOKEN.get(separator, repr(separator))


def _separator_and_quote(text: str, options: ReadOptions) -> tuple[str, str | None]:
    quotes = _given_quote(options) if options.quote is not None else None
    separator = _given_separator(options) if options.separator is not None else None
    if separator is not None and separator == quotes:
        raise RequestError(
            f"The separator and the quote character are both {separator!r}, but they must differ. Leave one of --separator and "
            "--quote out to have it detected."
        )
    best: tuple[tuple[bool, float, float], str, str | None] | None = None
    for candidate in (separator,) if separator else SEPARATORS:
        quote = quotes if options.quote is not None else _detect_quote(text, candidate)
        rank = _rank(text, candidate, quote)
        if best is None or rank > best[0]:
            best = (rank, candidate, quote)
    assert best is not None
    if separator is None and not best[0][0]:  # nothing divides the lines: one column
        return ",", best[2]
    return best[1], best[2]


def _rank(text: str, separator: str, quote: str | None) -> tuple[bool, float, float]:
    """How well a separator explains the rows: divides at all, consistently, the first row like the others."""
    counts = [len(row) for row in sample_rows(text, separator, quote)]
    if not counts:
        return False, 0.0, 0.0
    usual, times = Counter(counts).most_common(1)[0]
    share = times / len(counts)
    if separator == " ":  # prose has spaces too
        divides = usual > 1 and share == 1.0
    else:
        divides = usual > 1 and (share >= CONSISTENT or (counts[0] > 1 and share > 0.5))
    return divides, round(min(share, 0.99), 2), float(counts[0] == usual)


def _detect_quote(text: str, separator: str) -> str | None:
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


def _given_quote(options: ReadOptions) -> str | None:
    given = options.quote or ""
    if given in NO_QUOTES:
        return None
    if len(given) != 1 or ord(given) > 127 or given in "\r\n":
        raise RequestError(
            f"The quote character {given!r} cannot be used; one character or 'none' was expected. "
            "Leave --quote out to have it detected."
        )
    return given


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Each column votes: a word above numbers says yes, a number above numbers no, a word that comes again below no."""
    if len(rows) < 2:
        return bool(rows) and not any(is_number(cell) for cell in rows[0])
    if _are_times_as_names(rows):
        return True
    votes = 0
    for position, cell in enumerate(rows[0]):
        below = [row[position].strip() for row in rows[1:] if position < len(row)]
        filled = [text for text in below if text not in MISSING]
        if filled and sum(map(is_number, filled)) >= CONSISTENT * len(filled):
            votes += -1 if is_number(cell) or cell.strip() in MISSING[1:] else 1
        elif cell.strip() and cell.strip() in filled:
            votes -= 1
    if votes:
        return votes > 0
    cells = [cell.strip() for cell in rows[0]]
    named = [cell for cell in cells if cell]
    if any(not cell and not _mostly_empty(rows[1:], place) for place, cell in enumerate(cells)):
        return False
    return len(set(named)) == len(named) >= min(2, len(cells)) and all(
        len(cell) <= NAME_LENGTH and not is_number(cell) and len(cell.split()) <= 5 for cell in named
    )


def _are_times_as_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names years that rise by one step, beside words or not, and the rows below do not."""

    def run(row: Sequence[str]) -> int:
        years = [int(cell) for cell in map(str.strip, row) if YEAR.fullmatch(cell)]
        steps = {after - before for before, after in itertools.pairwise(years)}
        return len(years) if len(steps) == 1 and steps.pop() > 0 else 0

    return run(rows[0]) >= FEWEST_YEARS and not any(run(row) for row in rows[1:20])


def _mostly_empty(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column without a name hardly holds anything either."""
    filled = sum(1 for row in rows if place < len(row) and row[place].strip())
    return filled <= 0.5 * len(rows)


def _column_names(rows: Sequence[Sequence[str]], header: bool) -> tuple[list[str], list[Note]]:
    if not rows:
        return [], []
    width = len(rows[0])
    if not header:
        return [f"column_{number}" for number in range(1, width + 1)], []
    names = [cell.strip() for cell in rows[0]]
    if len(rows) < 2 or any(len(row) != width + 1 for row in rows[1:]):
        return names, []
    if all(not row[-1].strip() for row in rows[1:]):  # every line ends in a separator
        text = "Every row ends in a separator that the header lacks; the empty last column has no name."
        return [*names, ""], [Note(subject="header", text=text, override="--no-header")]
    text = "Rows have one cell more than the header: the first holds row names, as R writes them; it is called 'row'."
    return ["row", *names], [Note(subject="header", text=text, override="--no-header")]


def _separator_note(separator: str, width: int, options: ReadOptions) -> Note:
    given = ", as given" if options.separator is not None else ""
    text = f"Cells are separated by {spoken_separator(separator)}{given}: {width} column{'s' if width != 1 else ''}."
    return Note(subject="separator", text=text, override="--separator")


def _header_note(header: bool, width: int, options: ReadOptions, lines: int) -> Note:
    given = ", as given" if options.header is not None else ""
    if lines > 1:
        return Note(
            subject="header",
            text=f"The first {lines} rows are a header; their cells are joined.",
            override="--no-header",
        )
    if header:
        return Note(subject="header", text=f"The first row is a header{given}.", override="--no-header")
    named = "column_1" if width == 1 else f"column_1 to column_{width}"
    return Note(
        subject="header", text=f"There is no header{given}: the columns are called {named}.", override="--header"
    )


def _quote_notes(text: str, quote: str | None, options: ReadOptions) -> list[Note]:
    if options.quote is not None:
        return [Note(subject="quote", text=f"The quote character is {quote or 'none'}, as given.", override="--quote")]
    if quote is None:
        told = "Quote marks are part of the text: they do not enclose whole cells."
        return [Note(subject="quote", text=told, override="--quote")]
    if quote not in text:
        return []
    spoken = SPOKEN.get(quote, f"single ({quote})")
    return [Note(subject="quote", text=f"Cells are enclosed in {spoken} quotes.", override="--quote")]
