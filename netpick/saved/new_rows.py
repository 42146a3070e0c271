"""Rows to answer for, read as those of training were: by the formats that the model keeps, else by their own when that is plain.

What is written in yet another way is read as missing, counted and named; nothing here guesses between two readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from netpick.columns.encode import Encoder
from netpick.columns.kinds.boolean import PAIRS
from netpick.columns.kinds.cells import as_numbers, as_text, series_of
from netpick.columns.kinds.datetime import format_of, to_days
from netpick.columns.kinds.text import unknown_tokens
from netpick.data.formats import Neighbours
from netpick.data.formats.base import Decimal
from netpick.data.formats.dates import order_of
from netpick.data.formats.missing import AMONG_NUMBERS, MISSING
from netpick.data.formats.reading import Reading, find_alone, given_format, read_as
from netpick.data.formats.spelling import plain_spelling
from netpick.data.formats.tidy import tidy
from netpick.data.formats.units import SCALES
from netpick.errors import UnreadCells, UnseenValues
from netpick.saved.parts import ModelParts
from netpick.types import CellFormat, Column, Note, Source, TableColumn

UNREAD, OTHERWISE, UNSEEN = "unread cells", "read otherwise", "unseen values"  # subjects of notes
WARNED: Mapping[str, type[Warning]] = {UNREAD: UnreadCells, UNSEEN: UnseenValues}  # others are merely said
MOST_TEXTS = 2_000  # whose words are looked up
UNKNOWN_SHARE, UNKNOWN_TIMES = (
    0.1,
    3.0,
)  # of new words that are unknown, and how many times as many as in training, for a warning
FEWEST_TOKENS = 5  # in all, from which on their share means something
NAMED = 3  # cells that a note shows
FAR = 10.0  # times the range of the training values
ZONE = r" ?([+-]\d\d:?\d\d|Z)$"


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A column of new rows as it was read: which cells could not be, and which were read by another format."""

    values: pl.Series
    unread: pl.Series  # bool
    otherwise: str = ""  # the format that they were read by, in words
    unseen: pl.Series | None = None  # bool: no training row has such a value


def as_in_training(source: Source, parts: ModelParts, formats: Sequence[tuple[str, str]] = ()) -> Source:
    """The rows as the model's encoders and its task read them; `strays` and notes tell what is unlike the training rows.

    formats: how the user says that cells of columns are written, which outranks what the model keeps.
    """
    given = {name: given_format(source, name, text) for name, text in formats}
    near = _neighbours(source, parts)
    columns: dict[str, Column] = dict(source.columns)
    notes = list(source.notes)
    strays: dict[str, Sequence[tuple[int, str]]] = {}
    notes += [note for encoder in parts.encoders if (note := _unknown_words(columns, encoder)) is not None]
    for name, meaning in _meanings(parts).items():
        series = series_of(columns[name]) if name in columns else None
        if series is None or series.null_count() == len(series):
            continue
        read = read_cells(series, meaning, given.get(name, parts.record.formats.get(name)), near)
        columns[name] = TableColumn(name=name, values=read.values.alias(name))
        notes += _notes(name, series, read)
        notes += [] if meaning.kind != "number" or meaning.state is None else _far_off(read.values, name, meaning.state)
        if read.unread.any():
            strays[name] = [(row, str(series[row])[:40]) for row in read.unread.arg_true().to_list()]
    return replace(source, columns=columns, notes=notes, strays=strays)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the model takes a column for: a kind's name, and the words that it knows."""

    kind: str
    state: Any = None
    words: Sequence[str] | None = None  # of a category, in training; None: any


def meaning_of(encoder: Encoder) -> Meaning:
    words = encoder.state.values if encoder.kind == "category" else None
    return Meaning(kind=encoder.kind, state=encoder.state, words=words)


def _meanings(parts: ModelParts) -> dict[str, Meaning]:
    record = parts.record
    meanings = {name: Meaning(kind="kept") for name in record.formats}
    answer = parts.task.answer
    if answer.each_token:  # words are words, whatever they look like
        return {}
    for name in () if answer.sequences or answer.texts else record.targets:  # whatever stands in a text is text
        numbers = answer.quantities
        meanings[name] = Meaning(kind="number" if numbers else "words", words=None if numbers else record.labels)
    return meanings | {encoder.column: meaning_of(encoder) for encoder in parts.encoders}


def read_cells(series: pl.Series, meaning: Meaning, kept: CellFormat | None, near: Neighbours) -> Cells:
    """One column of new rows."""
    if meaning.kind in ("number", "datetime", "kept"):
        return _values(series, meaning, kept, near)
    if meaning.kind == "boolean":
        return _truths(series, meaning)
    if meaning.kind == "category":
        return _categories(series, meaning)
    if series.dtype == pl.String:
        known = set(meaning.words or ())
        words = [word for word in MISSING if word not in known]
        series = series.set(series.is_in(words).fill_null(False), None)
        if meaning.words is not None:  # labels in another spelling
            names = _aliases(meaning.words)
            unknown = series.drop_nulls().unique().to_list()
            read = {text: names[key] for text in unknown if text not in known and (key := _key(text)) in names}
            series = series.replace(read) if read else series
    return Cells(values=series, unread=_none(series))


def _none(series: pl.Series) -> pl.Series:
    return pl.Series([False]).new_from_index(0, len(series)) if len(series) else pl.Series([], dtype=pl.Boolean)


# --- numbers and dates -----------------------------------------------------------------------------------------------


def _values(series: pl.Series, meaning: Meaning, kept: CellFormat | None, near: Neighbours) -> Cells:
    if series.dtype != pl.String and kept is None:
        return Cells(values=series, unread=_none(series))
    if kept is not None:
        values = read_as(series, kept)
        if series.dtype != pl.String:
            return Cells(values=values, unread=_none(series))
    elif meaning.kind == "datetime":
        values = (
            pl.from_numpy(to_days(series, meaning.state.format or "%Y-%m-%d"), schema=["d"]).to_series().fill_nan(None)
        )
        values = (values * 86_400e6).round().cast(pl.Int64).cast(pl.Datetime("us"))
    else:
        values = as_numbers(series)
    texts = tidy(series)
    words = () if kept is None else kept.state.get("missing", ())
    unread = texts.is_not_null() & values.is_null() & ~texts.is_in([*AMONG_NUMBERS, *words]).fill_null(False)
    if not unread.any():
        return Cells(values=values, unread=unread)
    written = texts.is_not_null() & ~texts.is_in([*AMONG_NUMBERS, *words]).fill_null(False)
    for some in (written, unread):  # one order of days and one sign of decimals a column, else only the odd cells
        odd = texts.filter(some).alias(series.name)
        own = _own_dates(odd, kept) if values.dtype.is_temporal() else _own_numbers(odd, kept, near)
        if own is None or (some is not unread and own[0].null_count()):
            continue
        read, said = own
        values = values.scatter(some.arg_true(), read.cast(values.dtype)) if values.dtype != pl.Int64 else values
        return Cells(values=values, unread=unread & values.is_null(), otherwise=said)
    return Cells(values=values, unread=unread)


def _own_numbers(odd: pl.Series, kept: CellFormat | None, near: Neighbours) -> tuple[pl.Series, str] | None:
    if kept is not None and kept.way == "duration":
        return _own_durations(odd, kept)
    shares = kept is not None and "%" in kept.state.get("after", ())  # 0.125 may be 12.5 %, or an eighth of one
    if shares and not odd.str.ends_with("%").all():
        return None
    found = find_alone(odd, near)
    if found is None:
        numbers = as_numbers(odd)
        return None if numbers.null_count() == len(numbers) else (numbers, "numbers without a unit")
    if found.format is not None and found.format.way == "duration":  # seconds and numbers are different units
        return None
    if not found.found.certain or not found.values.dtype.is_numeric() or _other_unit(found, kept):
        return None
    return found.values.cast(pl.Float64), found.format.words if found.format is not None else "plain numbers"


def _own_durations(odd: pl.Series, kept: CellFormat) -> tuple[pl.Series, str] | None:
    """Times of day in hours and spans in seconds, as in training, however they are written."""
    found = find_alone(odd, Neighbours())
    if found is None or found.format is None or found.format.way != "duration":
        return None
    of_day = bool(kept.state.get("of_day"))
    if not (found.found.certain or of_day):
        return None
    state = {**found.format.state, "of_day": of_day}
    if of_day and state["parts"] == "m:s":
        return None
    return read_as(odd, CellFormat(way="duration", state=state, words="")), found.format.words.partition(",")[0]


def _other_unit(found: Reading, kept: CellFormat | None) -> bool:
    """Whether cells bear a unit of which nothing says that it is that of the training rows."""
    state = {} if found.format is None else found.format.state
    trained = {} if kept is None else kept.state
    if state.get("needs_unit"):
        return bool(set(state["after"]) != set(trained.get("after", ())))
    currency = {*state.get("before", ()), *state.get("after", ())}
    if not state.get("scales") and SCALES.keys() & {*trained.get("after", ())}:  # 300 beside 5K: thousands, or Kelvin
        return True
    known = {*trained.get("before", ()), *trained.get("after", ())}
    return bool(currency and known and currency != known)


def _own_dates(odd: pl.Series, kept: CellFormat | None) -> tuple[pl.Series, str] | None:
    patterns = () if kept is None else kept.state.get("patterns", ())
    order = order_of(patterns[0]) if patterns else ""
    found = find_alone(odd, Neighbours(order=order, trained=True))
    if found is not None and found.found.certain and found.values.dtype.is_temporal():
        return found.values, found.format.words if found.format is not None else "dates"
    plain = odd.str.replace(ZONE, "")
    text_format = format_of(plain)
    if text_format is None:
        return None
    times = plain.str.to_datetime(text_format, strict=False, time_unit="us")
    offsets = odd.str.extract(ZONE, 1).str.replace("Z", "+0000").str.replace(":", "").fill_null("+0000")
    minutes = offsets.str.slice(1, 2).cast(pl.Int64) * 60 + offsets.str.slice(3, 2).cast(pl.Int64)
    minutes = minutes.zip_with(offsets.str.starts_with("+"), -minutes)
    shifted = (times.to_physical() - minutes * 60_000_000).cast(pl.Datetime("us"))
    return shifted, f"dates written like {odd[0]}"


def _far_off(numbers: pl.Series, name: str, state: Any) -> list[Note]:
    """What is said of numbers that are of another size than those of training: milliseconds for seconds, cents for dollars."""
    if not numbers.dtype.is_numeric():
        return []
    low, high = (
        (state.quantiles[0], state.quantiles[-1])
        if state.quantiles
        else (state.mean - 3 * state.std, state.mean + 3 * state.std)
    )
    reach = FAR * max(high - low, 1e-9)
    far = ~numbers.cast(pl.Float64).is_between(low - reach, high + reach).fill_null(True)
    if not far.any():
        return []
    rows = far.arg_true().head(NAMED).to_list()
    shown = ", ".join(f"{numbers[row]:,.6g} (row {row + 1})" for row in rows)
    count = int(far.sum())
    lie = "1 cell lies" if count == 1 else f"{count:,} cells lie"
    text = f"{lie} far outside of the training values of '{name}' (about {low:,.6g} to {high:,.6g}): {shown}. Check the unit."
    return [Note(subject=UNSEEN, text=text)]


# --- yes and no, categories ------------------------------------------------------------------------------------------


def _truths(series: pl.Series, meaning: Meaning) -> Cells:
    """Yes and no in other words: Y, true, 1."""
    state = meaning.state
    texts = as_text(series).str.strip_chars()
    lower = texts.str.to_lowercase()
    odd = lower.is_not_null() & ~lower.is_in([state.no, state.yes, *(word.lower() for word in MISSING)]).fill_null(
        False
    )
    if not odd.any():
        return Cells(values=series, unread=_none(series))
    words = {text: said for pair in PAIRS for text, said in zip(pair, (state.no, state.yes), strict=True)}
    words |= {f"{text}.0": words[text] for text in ("0", "1")}
    read = lower.replace_strict(
        {**words, state.no: state.no, state.yes: state.yes}, default=None, return_dtype=pl.String
    )
    return Cells(values=read, unread=odd & read.is_null(), otherwise=f"{state.no} and {state.yes} in other words")


def _categories(series: pl.Series, meaning: Meaning) -> Cells:
    """Values that differ from one of training only in case, blanks or leading zeros are that one."""
    texts = as_text(series)
    known = set(meaning.words or ())
    odd = texts.is_not_null() & ~texts.is_in([*known, *MISSING]).fill_null(False)
    if not odd.any():
        return Cells(values=series, unread=_none(series))
    names = _aliases(meaning.words or ())
    different = texts.filter(odd).unique().to_list()
    read = {text: names[key] for text in different if (key := _key(text)) in names}
    values = texts.replace(read) if read else texts
    shown = ", ".join(f"{value!r} ({text!r})" for text, value in list(read.items())[:NAMED])
    return Cells(
        values=values,
        unread=_none(series),
        otherwise=shown,
        unseen=odd & ~values.is_in(list(known)).fill_null(False),
    )


def _aliases(words: Sequence[str]) -> Mapping[str, str]:
    """By key, the values that no other value shares it with."""
    by_key: dict[str, list[str]] = {}
    for word in words:
        by_key.setdefault(_key(word), []).append(word)
    return {key: values[0] for key, values in by_key.items() if len(values) == 1}


def _key(text: str) -> str:
    """Spellings of one value have the same; codes without their leading zeros, too."""
    plain = plain_spelling(text)
    digits = plain.removesuffix(".0")
    return str(int(digits)) if digits.isdecimal() and len(digits) < 16 else plain


# --- texts -----------------------------------------------------------------------------------------------------------


def _unknown_words(columns: Mapping[str, Column], encoder: Encoder) -> Note | None:
    """What is said where a column of texts holds far more unknown words than the training rows did."""
    column = columns.get(encoder.column)
    if encoder.kind != "text" or column is None or series_of(column) is None:
        return None
    unknown, total = unknown_tokens(column, encoder.state, MOST_TEXTS)
    if total < FEWEST_TOKENS or unknown < max(UNKNOWN_SHARE, UNKNOWN_TIMES * encoder.state.share_unknown) * total:
        return None
    what = "characters" if encoder.state.vocabulary.reading == "characters" else "words or parts of words"
    text = (
        f"{unknown / total:.0%} of the {what} in '{encoder.column}' ({unknown:,} of {total:,} looked at) never came in the training "
        f"texts, where {encoder.state.share_unknown:.1%} were unknown: the model goes by the rest."
    )
    return Note(subject=UNSEEN, text=text)


# --- what is said ----------------------------------------------------------------------------------------------------


def _neighbours(source: Source, parts: ModelParts) -> Neighbours:
    """Where the file shows nothing itself, numbers are written as in training."""
    states = [kept.state for kept in parts.record.formats.values() if kept.way == "number"]
    signs: tuple[Decimal, ...] = (".", ",")
    decimals = [sign for sign in signs if any(state.get("decimal") == sign for state in states)]
    if source.separator == ";" and "," not in decimals:
        return Neighbours(separator=";")  # such files often have decimal commas
    return Neighbours(decimal=decimals[0] if len(decimals) == 1 else ".", separator=source.separator)


def _notes(name: str, series: pl.Series, read: Cells) -> list[Note]:
    notes = []
    count = int(read.unread.sum())
    if count:
        rows = read.unread.arg_true().head(NAMED).to_list()
        shown = ", ".join(f"{str(series[row])[:40]!r} (row {row + 1})" for row in rows)
        cells = "1 cell" if count == 1 else f"{count:,} cells"
        text = (
            f"{cells} of '{name}' {'is' if count == 1 else 'are'} written otherwise than in training and {'is' if count == 1 else 'are'} "
            f"read as missing: {shown}{', ...' if count > NAMED else ''}."
        )
        notes.append(Note(subject=UNREAD, text=text))
    if read.otherwise:
        notes.append(
            Note(subject=OTHERWISE, text=f"'{name}' is written otherwise than in training; read as {read.otherwise}.")
        )
    if read.unseen is not None and read.unseen.any():
        texts = as_text(series).filter(read.unseen)
        shown = ", ".join(repr(text[:40]) for text in texts.unique(maintain_order=True).head(NAMED).to_list())
        cells = "1 cell" if len(texts) == 1 else f"{len(texts):,} cells"
        hold = "holds a value" if len(texts) == 1 else "hold values"
        text = f"{cells} of '{name}' {hold} that no training row has: {shown}."
        notes.append(Note(subject=UNSEEN, text=text))
    return notes
