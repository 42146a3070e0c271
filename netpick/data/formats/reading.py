"""From text cells to values: the format of every column of a table is found, said, and applied.

A column is looked at through a sample; a format stands only when all of its cells read by it, but for words that mean a
missing value and at most one stray cell in twenty, which is named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import polars as pl
from pydantic import TypeAdapter

from netpick.data.formats import FORMATS, Cells, Found, Neighbours
from netpick.data.formats.applied import Rest, values_of
from netpick.data.formats.base import Decimal, Order
from netpick.data.formats.epochs import Epochs
from netpick.data.formats.missing import AMONG_NUMBERS, MISSING, may_be_names, null_words
from netpick.data.formats.numbers import NumberFormat
from netpick.data.formats.tidy import tidy
from netpick.disk.strict import from_parsed
from netpick.errors import DataError, RequestError, near_matches
from netpick.types import CellFormat, Note, Source, TableColumn
from netpick.types.words import quoted

SAMPLED = 1_000  # cells, spread over the column
FIRST = 2_000  # cells that show the order of rows, and whether points stand before decimals
LEAST_MARKED = 0.5  # of the sample; a way that less may be written in is not tried
MOST_STRAY = 0.05  # of the filled cells
MOST_WORDS, MOST_WORDS_SHARE = (
    3,
    0.5,
)  # different words that mean a missing number in a column, and their share of its cells
OFTEN, FEWEST_FIGURES = 2, 20  # how often each comes at least in the sample, beside so many different figures
TRIES = 3  # of taking cells that a format does not read into the sample
LONGEST = 40  # characters of the middle cell; longer ones are prose
HALF_DAY = r"(?i)^\d{1,2}:\d\d.* ?[ap]\.?m\.?$"
TOLD_BY = 20  # cells
SHOWN = 20  # stray cells that are kept by row
MARKS = "[\u0300-\u036f\u3099\u309a]"
NAMED = 3  # columns that a note names
EXACT = 2**53  # whole numbers up to here are all different as floats

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class FormatOptions:
    """What the user says about cells; empty: find out. And what is known of them."""

    formats: tuple[tuple[str, str], ...] = ()  # (column, an example or a pattern)
    not_missing: tuple[str, ...] = ()  # texts that are values although they usually mean a missing one
    words: tuple[str, ...] = ()  # columns that are no numbers or dates, whatever they look like
    times: tuple[str, ...] = ()  # columns of numbers that are times, whatever they are called
    numbers: tuple[str, ...] = ()  # columns of numbers that are no times
    all_text: bool = False  # whether every cell was text, as in a file


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A column as it is read by its format."""

    values: pl.Series
    format: CellFormat | None  # None: numbers as everyone writes them
    found: Found
    missing: Mapping[str, int]
    stray: Sequence[tuple[int, str]]


def with_formats(source: Source, options: FormatOptions) -> Source:
    """The source with its text cells read. Raises RequestError and DataError for what the user says of columns."""
    near = _float_evidence(source) if options.all_text else Neighbours()
    texts = {
        name: column.values
        for name, column in source.columns.items()
        if isinstance(column, TableColumn) and column.values.dtype == pl.String and name != source.target
    }
    readings = {name: _given(source, name, text) for name, text in options.formats}
    asked = {name: cells for name, cells in texts.items() if name not in readings and name not in options.words}
    readings |= {
        name: reading
        for name, reading in _found(asked, near).items()
        # Digits in the text of a frame are left as they are; in a file every number is text.
        if reading.format is not None or (options.all_text and not reading.stray)
    }
    columns, missing = dict(source.columns), {name: dict(words) for name, words in source.missing_words.items()}
    for name, reading in readings.items():
        columns[name] = TableColumn(name=name, values=reading.values.alias(name))
        missing[name] = {**missing.get(name, {}), **reading.missing}
    notes = [*source.notes, *_format_notes({n: r for n, r in readings.items() if n not in dict(options.formats)})]
    if options.all_text:
        rest = [name for name in texts if name not in readings]
        notes += _words_missing(rest, (columns, missing), options)
    formats = {name: reading.format for name, reading in readings.items() if reading.format is not None}
    formats |= _times_in_numbers(columns, options, notes)
    _large_numbers(columns, options, notes)
    return replace(
        source,
        columns=columns,
        notes=_with_missing_note(notes, missing),
        formats={**source.formats, **formats},
        strays={**source.strays, **{name: r.stray for name, r in readings.items() if r.stray}},
        missing_words=missing,
    )


def read_as(cells: pl.Series, kept: CellFormat) -> pl.Series:
    """Cells by the format of training; cells that are no text any more stay as they are, but for times in numbers."""
    way = FORMATS[kept.way]
    state = from_parsed(way.State, kept.state)
    if cells.dtype == pl.String:
        return values_of(way, cells, state)[0].alias(cells.name)
    if kept.way == "epoch" and cells.dtype.is_numeric():
        return way.read(cells, state).alias(cells.name)
    return cells


def find_alone(cells: pl.Series, near: Neighbours) -> Reading | None:
    """The format of one column of text."""
    return _found({cells.name: cells}, near).get(cells.name)


# --- finding ---------------------------------------------------------------------------------------------------------


def _found(texts: Mapping[str, pl.Series], near: Neighbours) -> dict[str, Reading]:
    """Formats of columns of text; those in doubt are read as the others of the file are."""
    read = _of_each(lambda cells: _read_column(cells, near), texts)
    first = {name: reading for name, reading in read.items() if reading is not None}
    together = _evidence([reading.found for reading in first.values()], near)
    in_doubt = {name: texts[name] for name, reading in first.items() if not reading.found.certain}
    if in_doubt and any(map(_of_half_days, texts.values())):
        together = replace(together, halves=True)
    if together == near or not in_doubt:
        return first
    again = _of_each(lambda cells: _read_column(cells, together), in_doubt)
    return first | {name: reading for name, reading in again.items() if reading is not None}


def _of_half_days(cells: pl.Series) -> bool:
    """Whether a column holds times with AM and PM."""
    head = cells.head(TOLD_BY).drop_nulls()
    return len(head) > 0 and bool(head.str.contains(HALF_DAY).all())


def _of_each(function: Callable[[pl.Series], Made], columns: Mapping[str, pl.Series]) -> dict[str, Made]:
    """What is made of each column. In threads: polars works on one column with one core, and lets go of Python's lock."""
    if len(columns) < 2:
        return {name: function(cells) for name, cells in columns.items()}
    with ThreadPoolExecutor(max_workers=min(len(columns), os.cpu_count() or 1)) as pool:
        return dict(zip(columns, pool.map(function, columns.values()), strict=True))


def _evidence(found: Sequence[Found], near: Neighbours) -> Neighbours:
    decimals = {f.decimal for f in found if f.certain and f.decimal} | ({near.decimal} if near.decimal else set())
    orders = {f.order for f in found if f.certain and f.order in ("dmy", "mdy")}
    decimal: Decimal = next(iter(decimals)) if len(decimals) == 1 else ""
    order: Order = next(iter(orders)) if len(orders) == 1 else ""
    return replace(near, decimal=decimal, order=order)


def _float_evidence(source: Source) -> Neighbours:
    """Columns that were read as numbers show that points stand before decimals."""
    for column in source.columns.values():
        if isinstance(column, TableColumn) and column.values.dtype == pl.Float64:
            head = column.values.drop_nulls().head(FIRST)
            if bool((head != head.round()).any()):
                return Neighbours(decimal=".", separator=source.separator)
    return Neighbours(separator=source.separator)


def _read_column(series: pl.Series, near: Neighbours) -> Reading | None:
    filled = series.drop_nulls()
    sample = filled.gather_every(max(1, len(filled) // SAMPLED))
    with_digits = sample.str.contains(r"\d")
    middle = float(sample.str.len_chars().median() or 0) if len(sample) else 0.0  # type: ignore[arg-type]
    words = _words_among_numbers(sample, with_digits)
    no_values = [*AMONG_NUMBERS, *words]
    missing = sample.is_in(no_values)
    if (
        not len(sample)
        or middle > LONGEST
        or not with_digits.any()
        or int(with_digits.sum()) < 0.9 * int((~missing).sum())
    ):
        return None
    head = tidy(series.head(FIRST))
    head = head.filter(head.is_not_null() & ~head.is_in(no_values))
    spread = tidy(sample)
    spread = spread.filter(spread.is_not_null() & ~spread.is_in(no_values))
    figures = spread.str.contains(r"\d")
    if int((~figures).sum()) <= MOST_STRAY * len(spread):  # a few words are stray cells
        spread = spread.filter(figures)
    different = spread.unique(maintain_order=True)
    looked_at = different.to_list()
    for name, way in FORMATS.items() if looked_at else ():
        if way.mark and int(different.str.contains(way.mark).sum()) < LEAST_MARKED * len(different):
            continue
        reading = _read_by(name, series, (head, looked_at, words), near)
        if reading is not None:
            return reading
    return None


def _words_among_numbers(sample: pl.Series, with_digits: pl.Series) -> list[str]:
    """Words that stand again and again where the other cells hold many different figures: Varies with device, not recorded."""
    rest = sample.filter(~with_digits & ~sample.is_in(list(AMONG_NUMBERS)))
    if not len(rest) or len(rest) > MOST_WORDS_SHARE * len(sample):
        return []
    counts = tidy(rest).drop_nulls().alias("word").value_counts(sort=True)
    figures = sample.filter(with_digits).n_unique()
    often = counts["count"].min() or 0
    few = len(counts) <= MOST_WORDS and figures >= FEWEST_FIGURES and not _are_of_codes(counts["word"], sample)
    return list(counts["word"]) if few and int(often) >= OFTEN else []  # type: ignore[arg-type]


def _are_of_codes(words: pl.Series, sample: pl.Series) -> bool:
    """Whether words beside numbers are names like these: chromosomes 1 to 22, X and Y."""
    letters = len(words) > 1 and bool((words.str.len_chars() == 1).all())
    return letters and bool((sample.str.contains(r"^\d{1,3}$") | sample.is_in(words.to_list())).all())


def _read_by(
    name: str, series: pl.Series, seen: tuple[pl.Series, list[str], list[str]], near: Neighbours
) -> Reading | None:
    head, sample, words = seen
    if words and name != "number":
        return None
    way = FORMATS[name]
    for _ in range(TRIES):
        found = way.find(Cells(name=series.name, sample=sample, head=head), near)
        if found is None:
            return None
        values, rest = values_of(way, series, found.state)
        odd = ~rest.texts.is_in([*AMONG_NUMBERS, *words])
        if not odd.any():
            break
        more = rest.texts.filter(odd).unique(maintain_order=True).head(SAMPLED).to_list()
        more = [text for text in more if any(map(str.isdigit, text))]
        if set(more) <= set(sample):
            break
        sample = [*dict.fromkeys([*sample, *more])]
    assert found is not None
    if int(odd.sum()) > MOST_STRAY * (rest.filled - int((~odd).sum())):
        return None
    return _reading(series, values, (name, _with_words(found, words)), rest, odd)


def _with_words(found: Found, words: Sequence[str]) -> Found:
    return replace(found, state=replace(found.state, missing=tuple(words))) if words else found


def _reading(series: pl.Series, values: pl.Series, kept: tuple[str, Found], rest: Rest, odd: pl.Series) -> Reading:
    name, found = kept
    way = FORMATS[name]
    gone = series.gather(rest.rows.filter(~odd)).str.strip_chars()
    counts = dict(gone.filter(gone != "").alias("word").value_counts().iter_rows()) if len(gone) else {}
    stray = [(row, str(series[row])[:40]) for row in rest.rows.filter(odd).head(SHOWN).to_list()]
    state = TypeAdapter(way.State).dump_python(found.state, mode="json")
    if name == "number" and not found.state.decimal and _whole(values):
        values = values.cast(pl.Int64)
    kept_format = CellFormat(way=name, state=state, words=way.words(found.state))
    plain = name == "number" and _is_plain(found.state)
    return Reading(values=values, format=None if plain else kept_format, found=found, missing=counts, stray=stray)


def _whole(numbers: pl.Series) -> bool:
    return bool(((numbers == numbers.round()) & (numbers.abs() < 2.0**53)).fill_null(True).all())


def _is_plain(state: NumberFormat) -> bool:
    marks = (
        state.group,
        state.before,
        state.after,
        state.scales,
        state.brackets,
        state.behind,
        state.limits,
        state.missing,
    )
    return not any(marks) and state.decimal != ","


def given_format(source: Source, name: str, text: str) -> CellFormat:
    """The format that the user gives for a column. Raises RequestError for one that is unknown, and for an unknown column."""
    if name not in source.columns:
        raise RequestError(f"There is no column '{name}' in {source.name}.{near_matches(name, source.columns)}")
    for way in FORMATS.values():
        state = way.given(text)
        if state is not None:
            kept = TypeAdapter(way.State).dump_python(state, mode="json")
            return CellFormat(way=way.name, state=kept, words=way.words(state))
    raise RequestError(
        f"--format {name}={text} cannot be read. Pass a number as it is written ({name}=1.234,56), a pattern of dates "
        f"({name}=%d/%m/%Y), or one of unix, ms, h:m:s, m:s."
    )


def _given(source: Source, name: str, text: str) -> Reading:
    """A column by the format that the user gives for it."""
    kept = given_format(source, name, text)
    way, column = FORMATS[kept.way], source.columns[name]
    state = from_parsed(way.State, kept.state)
    series = column.values if isinstance(column, TableColumn) else pl.Series(name, [])
    if series.dtype != pl.String and way.name != "epoch":
        raise RequestError(
            f"--format {name}={text} was given, but column '{name}' of {source.name} holds no text. Leave the option out."
        )
    values, rest = values_of(way, series, state)
    odd = ~rest.texts.is_in(list(AMONG_NUMBERS))
    if odd.any():
        row = rest.rows.filter(odd)[0]
        if int(odd.sum()) > MOST_STRAY * max(1, rest.filled):
            raise DataError(
                f"Column '{name}' (row {row + 1}) holds {str(series[row])[:40]!r}, and {int(odd.sum()):,} of {len(series):,} cells "
                f"are not written like --format {name}={text}. Correct them, or pass another format."
            )
    return _reading(series.cast(pl.String), values, (way.name, Found(state=state)), rest, odd)


# --- words and times -------------------------------------------------------------------------------------------------


def _words_missing(
    names: Sequence[str], table: tuple[dict[str, Any], dict[str, dict[str, int]]], options: FormatOptions
) -> list[Note]:
    """Words that mean a missing value leave the columns of words, unless they are names there."""
    columns, missing = table
    elsewhere = {
        word for words in missing.values() for word in words
    }  # as a number is missing elsewhere, so it is here
    kept: dict[str, list[tuple[str, int]]] = {}
    composed = _of_each(_composed, {name: columns[name].values for name in names})
    columns |= {name: TableColumn(name=name, values=cells) for name, cells in composed.items()}
    with_words = _of_each(lambda cells: bool(cells.is_in(list(MISSING)).any()), composed)
    for name, cells in composed.items():
        if not with_words[name]:
            continue
        names_here = [word for word in may_be_names(cells) if word not in elsewhere]
        values = {*names_here, *options.not_missing}
        cells, counts = null_words(cells, [word for word in MISSING if word not in values])
        columns[name] = TableColumn(name=name, values=cells)
        missing[name] = {**missing.get(name, {}), **counts}
        for word in names_here:
            if word not in options.not_missing:
                kept.setdefault(word, []).append((name, int((cells == word).sum())))
    return [
        Note(
            subject="values",
            text=f"'{word}' is read as a value of {quoted([name for name, _ in where], NAMED)} "
            f"({sum(count for _, count in where):,} cells), not as missing: no number is missing that way.",
            override=f"--missing {word}",
        )
        for word, where in kept.items()
    ]


def _composed(cells: pl.Series) -> pl.Series:
    """Letters with their marks as one character: some systems type ü as u and a mark."""
    if cells.str.len_bytes().sum() == cells.str.len_chars().sum() or not cells.str.contains(MARKS).any():
        return cells
    return cells.str.normalize("NFC")


def _times_in_numbers(columns: dict[str, Any], options: FormatOptions, notes: list[Note]) -> dict[str, CellFormat]:
    way = Epochs()
    formats = {}
    words = {*options.words, *options.numbers, *(name for name, _ in options.formats)}
    for name, column in columns.items():
        if not isinstance(column, TableColumn) or name in words:
            continue
        if not (column.values.dtype.is_integer() or column.values.dtype == pl.Float64):
            continue
        state = way.find_in(column.values.alias(name), said=name in options.times)
        if state is None:
            continue
        columns[name] = TableColumn(name=name, values=way.read(column.values, state).alias(name))
        formats[name] = CellFormat(way=way.name, state={"counted": state.counted}, words=way.words(state))
        text = f"'{name}': {way.words(state)}."
        notes.append(Note(subject="format", text=text, override=f"--kind {name}=number"))
    return formats


def _large_numbers(columns: dict[str, Any], options: FormatOptions, notes: list[Note]) -> None:
    """Whole numbers beyond 2^53, such as ids, would not be told apart as numbers: they are read as words."""
    said = {*options.numbers, *(name for name, _ in options.formats)}
    for name, column in columns.items():
        if not isinstance(column, TableColumn) or not column.values.dtype.is_integer() or name in said:
            continue
        least, largest = column.values.min(), column.values.max()
        if least is not None and largest is not None and (largest > EXACT or least < -EXACT):
            columns[name] = TableColumn(name=name, values=column.values.cast(pl.String))
            text = f"'{name}' holds whole numbers beyond 2^53, which numbers do not tell apart; they are read as words."
            notes.append(Note(subject="format", text=text, override=f"--kind {name}=number"))


# --- what is said ----------------------------------------------------------------------------------------------------


def _format_notes(readings: Mapping[str, Reading]) -> list[Note]:
    said: dict[str, list[str]] = {}
    notes = []
    for name, reading in readings.items():
        if reading.format is not None:
            said.setdefault(reading.format.words, []).append(name)
    for words, names in said.items():
        notes.append(Note(subject="format", text=f"{quoted(names, NAMED)}: {words}.", override="--format"))
    for name, reading in readings.items():
        if not reading.found.certain:
            text = f"'{name}' is ambiguous: {reading.found.doubt}. Nothing in the file tells."
            notes.append(Note(subject="ambiguous", text=text, override=f"--format {name}={reading.found.other}"))
    return notes


def _with_missing_note(notes: Sequence[Note], missing: Mapping[str, Mapping[str, int]]) -> list[Note]:
    """One note of all words that were read as missing."""
    total: dict[str, int] = {}
    for words in missing.values():
        for word, count in words.items():
            total[word] = total.get(word, 0) + count
    others = [note for note in notes if note.subject != "missing"]
    if not total:
        return others
    told = ", ".join(f"{word!r} ({count:,})" for word, count in sorted(total.items()))
    where = quoted([name for name, words in missing.items() if words], NAMED)
    return [
        *others,
        Note(subject="missing", text=f"Read as missing in {where}: {told}.", override="--missing, --not-missing"),
    ]
