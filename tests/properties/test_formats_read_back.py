"""Tables as any country writes them read back as the values that were written, or are said to be ambiguous; never as others."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from netpick.data.sources import open_source
from netpick.types import TableColumn

FOLDER = Path(tempfile.mkdtemp(prefix="netpick-formats-"))
EPOCH = date(1970, 1, 1)
WORDS = st.sampled_from(["north", "south sea", "Ärger", "O'Neil", "x1", "plain"])
MISSING = st.sampled_from(["", "NA", "n.a.", "-", "NULL", "#N/A", "--"])


@dataclass(frozen=True)
class Locale:
    """How one country's people write."""

    decimal: str
    group: str
    order: str  # of days, months and years
    between: str  # days, months and years
    short_years: bool
    currency: str  # "" for none
    behind: bool  # the currency


def grouped(digits: str, group: str) -> str:
    parts = []
    while len(digits) > 3:
        digits, last = digits[:-3], digits[-3:]
        parts.append(last)
    return group.join([digits, *reversed(parts)])


def number(value: float, places: int, locale: Locale, *, group: bool) -> str:
    whole, _, fraction = f"{abs(value):.{places}f}".partition(".")
    text = (grouped(whole, locale.group) if group else whole) + (locale.decimal + fraction if fraction else "")
    return f"-{text}" if value < 0 and float(f"{value:.{places}f}") != 0 else text


def amount(value: float, locale: Locale) -> str:
    text = number(abs(value), 2, locale, group=True)
    sign = "-" if value < 0 and text.strip("0.,") else ""
    return f"{sign}{text} {locale.currency}" if locale.behind else f"{sign}{locale.currency}{text}"


def day(value: date, locale: Locale) -> str:
    year = f"{value.year % 100:02d}" if locale.short_years else f"{value.year:04d}"
    parts = {"d": f"{value.day:02d}", "m": f"{value.month:02d}", "y": year}
    return locale.between.join(parts[letter] for letter in locale.order)


@dataclass(frozen=True)
class ColumnOf:
    """A sort of column: its values, how a locale writes them, and how close a reading must come."""

    values: st.SearchStrategy[object]
    write: Callable[[object, Locale], str]
    places: int | None = None


def column(values: st.SearchStrategy[object], write: Callable[..., str], places: int | None = None) -> ColumnOf:
    return ColumnOf(values=values, write=write, places=places)


FLOATS = st.floats(-1e7, 1e7, allow_nan=False)
COLUMNS = {
    "whole": column(st.integers(-(10**9), 10**9), lambda v, loc: number(v, 0, loc, group=True), 0),
    "small": column(st.integers(0, 9999), lambda v, loc: number(v, 0, loc, group=True), 0),
    "bare": column(st.integers(0, 10**6), lambda v, loc: str(v), 0),
    "two": column(FLOATS, lambda v, loc: number(v, 2, loc, group=True), 2),
    "three": column(FLOATS, lambda v, loc: number(v, 3, loc, group=False), 3),
    "amount": column(FLOATS, amount, 2),
    "percent": column(st.floats(-200, 200), lambda v, loc: f"{number(v, 1, loc, group=False)} %", 1),
    "day": column(st.dates(date(1950, 1, 1), date(2049, 12, 31)), day),
    "word": column(WORDS, lambda v, loc: str(v)),
}
LOCALES = st.builds(
    lambda signs, order, between, short, currency, behind: Locale(*signs, order, between, short, currency, behind),
    st.sampled_from([(".", ","), (",", "."), (",", " "), (",", "\u202f"), (".", "'"), (".", "\u00a0")]),
    st.sampled_from(["dmy", "mdy", "ymd"]),
    st.sampled_from(["/", "-"]),
    st.booleans(),
    st.sampled_from(["$", "€", "£", "kr"]),
    st.booleans(),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Locale, list[str], list[list[object]], str]:
    locale = draw(LOCALES)
    sorts = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    rows = draw(st.integers(4, 30))
    holes = draw(st.booleans())
    columns = []
    for place, sort in enumerate([*sorts, "word"]):
        values = COLUMNS[sort].values
        filled = draw(st.lists(values, min_size=rows, max_size=rows))
        gaps = draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows)) if holes and place else [1] * rows
        columns.append([value if gap else None for value, gap in zip(filled, gaps, strict=True)])
    return locale, [*sorts, "word"], columns, draw(MISSING)


@dataclass(frozen=True)
class Writing:
    """How a file is written, beside its cells."""

    separator: str
    quoting: int
    encoding: str


def read_back(
    table: tuple[Locale, list[str], list[list[object]], str], writing: Writing
) -> tuple[dict[str, list[object]], dict[str, list[str]], str]:
    """What was read, what was written, and everything that was said of it."""
    locale, sorts, columns, missing = table
    names = [f"{sort}{place}" for place, sort in enumerate(sorts)]
    texts = {
        name: [missing if value is None else COLUMNS[sort].write(value, locale) for value in values]
        for name, sort, values in zip(names, sorts, columns, strict=True)
    }
    out = io.StringIO()
    writer = csv.writer(out, delimiter=writing.separator, quoting=writing.quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(names)
    writer.writerows(zip(*texts.values(), strict=True))
    path = FOLDER / "table.csv"
    try:
        data = out.getvalue().encode(writing.encoding)
    except UnicodeEncodeError:  # a blank or a currency that it lacks
        data = out.getvalue().encode()
    path.write_bytes(data)
    source = open_source(path)
    found = {name: c.values.to_list() for name, c in source.columns.items() if isinstance(c, TableColumn)}
    return (
        found,
        texts,
        " ".join(
            note.text
            for note in source.notes
            if note.subject == "ambiguous" or "left out" in note.text or "(guessed" in note.text
        ),
    )


def agrees(value: object, cell: object, text: str, places: int | None) -> bool:
    """Whether a cell was read as what was written, was left as it was written, or is said to be missing."""
    if cell == text or cell == text.strip():
        return True
    if value is None:
        return cell is None
    if isinstance(value, date) and isinstance(cell, datetime):
        return cell == datetime(value.year, value.month, value.day)
    if places is not None and isinstance(value, (int, float)) and isinstance(cell, (int, float)):
        return math.isclose(round(value, places), cell, rel_tol=1e-12, abs_tol=10.0**-places / 1.9)
    return False


def check(table: tuple[Locale, list[str], list[list[object]], str], writing: Writing) -> None:
    found, texts, ambiguous = read_back(table, writing)
    locale, sorts, columns, _ = table
    assert list(found) == list(texts)
    if len(next(iter(found.values()))) < len(next(iter(texts.values()))):
        assert "left out" in ambiguous  # a row of units, or a foot
        return
    guessed = "(guessed" in ambiguous  # of a legacy encoding letters beyond ASCII may be others, and it is said
    for (name, cells), sort, values in zip(found.items(), sorts, columns, strict=True):
        if guessed and not all(text.isascii() for text in texts[name]):
            continue
        if f"'{name}' is ambiguous" in ambiguous:
            continue
        wrong = _wrong(values, cells, texts[name], COLUMNS[sort].places)
        assert not wrong, (name, locale, wrong[:3], texts[name][:20])


def _wrong(
    values: Sequence[object], cells: Sequence[object], texts: Sequence[str], places: int | None
) -> list[tuple[object, object, str]]:
    return [
        (value, cell, text)
        for value, cell, text in zip(values, cells, texts, strict=True)
        if not agrees(value, cell, text, places)
    ]


WRITINGS = st.builds(
    Writing,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking takes longer than a reader does


@settings(max_examples=60, suppress_health_check=CHECKS, phases=PHASES)
@given(table=tables(), writing=WRITINGS)
def test_no_value_becomes_another_in_silence(
    table: tuple[Locale, list[str], list[list[object]], str], writing: Writing
) -> None:
    check(table, writing)


@pytest.mark.slow
@settings(max_examples=10_000, suppress_health_check=CHECKS, phases=PHASES, deadline=None)
@given(table=tables(), writing=WRITINGS)
def test_no_value_becomes_another_in_ten_thousand_tables(
    table: tuple[Locale, list[str], list[list[object]], str], writing: Writing
) -> None:
    check(table, writing)
