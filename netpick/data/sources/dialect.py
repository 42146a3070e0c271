"""How a delimited file is written: separator, quotes, header and number of columns, detected from its first megabyte.

Deliberately not csv.Sniffer, which guesses letters as separators; here every guess is one of a few, and is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netpick.data.sources.base import ReadOptions
from netpick.data.sources.cutting import (
    SEPARATORS,
    SPOKEN,
    csv_rows,
    detect_quote,
    is_number,
    rank_of,
    sample_rows,
    separator_and_quote,
    spoken_separator,
)
from netpick.data.sources.headers import column_names, has_header
from netpick.data.sources.lines_above import BLANK_CELLS, without_lines_above
from netpick.data.sources.rewritten import (
    DOUBLED,
    PLAIN,
    Drawn,
    drawn_around,
    rewriting,
    strokes_above,
    written_plainly,
)
from netpick.data.sources.surroundings import COUNTED, header_rows, is_row_of_units, joined_names, rows_below
from netpick.types import Note

FEWEST_LINES = 5  # of a column of numbers alone


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
    drawn: Drawn = PLAIN  # around the cells of every line
    notes: tuple[Note, ...] = ()


def detect_dialect(text: str, encoding: str, options: ReadOptions) -> Dialect:
    """The dialect of a text that starts a file (line ends already are newlines, its last line is complete)."""
    rewritten, drawn = rewriting(text, options), drawn_around(text, options)
    given, text = text, written_plainly(text, rewritten, drawn)
    above, text, options = without_lines_above(text, options)
    separator, quote = separator_and_quote(text, options)
    blank = quote is not None and f"{separator} {quote}" in text and f"{separator}{quote}" not in text
    rows = sample_rows(text, separator, quote)
    header = options.header if options.header is not None else has_header(rows)
    lines = header_rows(rows) if header and options.header is None and separator != " " else 1
    if lines > 1:
        rows = [joined_names(rows[:lines]), *rows[lines:]]
    names, remark = column_names(rows, header)
    units = header and options.header is None and len(rows) > 1 and is_row_of_units(rows[0], rows[1:])
    return Dialect(
        encoding=encoding,
        separator=separator,
        quote=quote,
        header=header,
        names=tuple(names),
        blank_before_quote=blank,
        above=len(above) + (strokes_above(given) if drawn else 0),
        header_rows=lines + units,
        rewritten=rewritten,
        drawn=drawn,
        notes=(
            _separator_note(separator, len(names), options, drawn),
            *_drawn_notes(drawn),
            _header_note(header, len(names), options, lines),
            *_quote_notes(text, quote, options),
            *remark,
            *_surroundings_notes(above, rows[1] if units else []),
        ),
    )


def foot_lines(text: str, dialect: Dialect) -> list[str]:
    """The lines at the foot of a table, from the text of its end: totals and remarks, with the blank lines between them."""
    if dialect.separator == " ":
        return []
    text = written_plainly(text, dialect.rewritten, dialect.drawn)
    reader = csv_rows(text, dialect.separator, dialect.quote, strict=False, blanks=True)
    rows, ends = [], [0]
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)
    count = rows_below(rows, len(dialect.names))
    return [line.replace(DOUBLED, " ") for line in text.split("\n")[ends[-1 - count] :]] if count else []


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


def looks_tabular(text: str) -> bool:
    """Whether text of an unknown file is a table: every row divides alike; with blanks, most cells are numbers too."""
    text = written_plainly(text, rewriting(text, ReadOptions()), drawn_around(text, ReadOptions())).rstrip("\n")
    body, _, last = text.rpartition("\n")
    text = body if COUNTED.fullmatch(last.strip()) else text
    _, text, _ = without_lines_above(text, ReadOptions())
    if _is_one_column(text):
        return True
    for separator in SEPARATORS:
        quote = detect_quote(text, separator)
        if rank_of(text, separator, quote)[:2] == (True, 0.99):
            cells = [cell for row in sample_rows(text, separator, quote) for cell in row]
            quoted = quote is not None and all(line.count(quote) > 1 for line in text.split("\n") if line.strip())
            if len(cells) > 3 and (separator != " " or quoted or sum(map(is_number, cells)) > 0.5 * len(cells)):
                return True
    return False


def _is_one_column(text: str) -> bool:
    """Whether every line but the first is a number."""
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) > FEWEST_LINES and all(map(is_number, lines[1:]))


def _separator_note(separator: str, width: int, options: ReadOptions, drawn: Drawn) -> Note:
    if drawn.cuts:
        places = ", ".join(map(str, drawn.cuts[:6])) + (", ..." if len(drawn.cuts) > 6 else "")
        text = f"Cells are lined up by blanks and have fixed widths: lines are cut behind character {places}: {width} columns."
        return Note(subject="separator", text=text, override="--separator space")
    given = ", as given" if options.separator is not None else ""
    text = f"Cells are separated by {spoken_separator(separator)}{given}: {width} column{'s' if width != 1 else ''}."
    return Note(subject="separator", text=text, override="--separator")


def _drawn_notes(drawn: Drawn) -> list[Note]:
    return (
        [Note(subject="quote", text="Whole rows are enclosed in quotes, which are left out.")] if drawn.wrapped else []
    )


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
