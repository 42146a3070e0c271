"""Dates and times in any usual order and with names of months: 4/20/2018 15:37, 20.04.18, Apr 20, 2018, 20180420T010000.

Day first or month first is told by a day above 12, else by a regular step, else by the other columns of the file; where nothing
tells, the reading is said to be ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass as state_dataclass

from netpick.data.formats.base import Cells, Found, Neighbours, Order, Way
from netpick.data.formats.calendar_words import WEEKDAYS, month_words
from netpick.data.formats.regular import likelier_reading
from netpick.data.formats.zones import are_zoned, in_utc, without_zone, year_before_time
from netpick.types import STRICT, Array

MOSTLY = 0.95
MOST_PATTERNS = 6
PIVOT = 50  # two-digit years from here on lie in the 1900s
BIRTHS = {
    *(
        "born",
        "birth",
        "dob",
        "birthday",
        "birthdate",
        "geburt",
        "geburtstag",
        "geburtsdatum",
        "geboren",
        "naissance",
        "nacimiento",
    )
}
TIME = r"(?P<hour>\d{1,2})(?P<colon>[:.h])(?P<minute>\d{2})(?:(?P=colon)(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?(?P<half> ?[AP]M)?(?: ?Uhr)?"
REST = rf"(?:(?P<between>T|,? |:| - |-(?=\d\d[:.]))(?:at )?{TIME})?"
BEGINS = r"\p{L}{3}|\d{1,4}[-/.]|\d{1,2}(?:st|nd|rd|th)?\.? +(?:de |of )?\p{L}"  # how a date behind a weekday begins
NUMERIC = re.compile(rf"(?P<a>\d{{1,4}})(?P<sign>[-/. ]|\. )(?P<b>\d{{1,2}})(?P=sign)(?P<c>\d{{1,4}})\.?{REST}")
COMPACT = re.compile(
    r"(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?:(?P<between>[T _-]?)(?P<h>[01]\d|2[0-3])(?P<i>[0-5]\d)(?P<s>[0-5]\d)?)?"
)
DAY_OF_YEAR = re.compile(r"(?:19|20)\d\d-(?:[0-2]\d\d|3[0-6]\d)")
EIGHT_DIGITS = re.compile(r"[0-3]\d[0-3]\d(?:19|20)\d\d")
FEWEST_COMPACT = 10  # different ones: fewer may be numbers that look like dates
PLAIN = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?| \d{2}:\d{2})?"
)  # the kind of dates reads these
DIRECTIVES = re.compile(r"%[a-zA-Z]")


@state_dataclass(config=STRICT, kw_only=True)
class DateFormat:
    """The patterns of strptime that cells follow; two-digit years from `pivot` on lie in the 1900s."""

    patterns: tuple[str, ...] = Field(min_length=1, max_length=MOST_PATTERNS)
    example: str = Field(max_length=60)
    named: bool = False  # months by name: texts are brought to English and one order first
    zoned: bool = False  # texts end in a time zone, and are read as UTC
    pivot: int = Field(default=PIVOT, ge=0, le=100)

    def __post_init__(self) -> None:
        if any(len(pattern) > 60 or "%" not in pattern for pattern in self.patterns):
            raise ValueError("patterns of dates")


class Dates(Way):
    """Points in time."""

    name: ClassVar[str] = "date"
    mark: ClassVar[str] = r"\d[-/. ] ?\d{1,2}[-/. ] ?\d|\p{L}{2}|^\d{8}|^\d{4}-\d{3}$|\d ?[年년]"
    State = DateFormat

    def find(self, cells: Cells, near: Neighbours) -> Found | None:
        texts = tidy_dates(pl.Series(list(cells.sample), dtype=pl.String)).drop_nulls()
        zoned = are_zoned(texts)
        sample = (without_zone(texts) if zoned else texts).to_list()
        if not sample or (_plain(sample) and not zoned and sample == list(cells.sample)):
            return None
        for reading in (_numeric, _compact, _with_names):
            found = reading(sample, cells, near)
            if found is not None:
                example = cells.sample[0][:60] if zoned or sample[0] != cells.sample[0] else found.state.example
                pivot = _pivot_of(cells.name)
                return replace(found, state=replace(found.state, zoned=zoned, example=example, pivot=pivot))
        return None

    def read(self, texts: pl.Series, state: Any) -> pl.Series:
        texts = given = tidy_dates(texts)
        if state.zoned:
            texts = without_zone(texts)
        if state.named:
            texts = _canonical(texts)
        times: pl.Series | None = None
        for pattern in state.patterns:
            rest = texts if times is None else texts.set(times.is_not_null(), None)
            read = rest.str.to_datetime(pattern, strict=False, exact=True, time_unit="us")
            if "%y" in pattern:
                read = _in_century(read, state.pivot)
            elif "%Y" in pattern:
                read = pl.select(pl.when(read.dt.year() >= 1000).then(read)).to_series()
            times = read if times is None else times.zip_with(times.is_not_null(), read)
        assert times is not None
        return (in_utc(times, given) if state.zoned else times).alias(texts.name)

    def words(self, state: Any) -> str:
        order = _order_words(state.patterns[0])
        short = any("%y" in pattern for pattern in state.patterns)
        years = f", years of two digits from 19{state.pivot:02d} to 20{state.pivot - 1:02d}" if short else ""
        zone = ", read as UTC" if state.zoned else ""
        return f"dates written like {state.example}{order}{years}{zone}"

    def given(self, text: str) -> DateFormat | None:
        if not DIRECTIVES.search(text):
            return None
        named = any(directive in text for directive in ("%b", "%B", "%h"))
        return DateFormat(patterns=(_canonical_pattern(text) if named else text,), example=text[:60], named=named)


def tidy_dates(texts: pl.Series) -> pl.Series:
    """Without names of weekdays, with AM and PM as strptime knows them, and fractions of seconds behind a point."""
    sample = texts.drop_nulls().head(2000)
    if sample.str.contains(r"^\[.*\]$").any():  # as web servers log them
        texts = texts.str.strip_chars("[]")
    if sample.str.contains(r"\d ?[年년]").any():
        texts = texts.str.replace(r"^(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일]", "$1-$2-$3")
    if sample.str.contains(r"(?i)\d ?[ap]\.? ?m\.?$").any():
        texts = (
            texts.str.replace(r"(?i)(\d) ?([ap])\.? ?m\.?$", "$1 ${2}M")
            .str.replace(r"aM$", "AM")
            .str.replace(r"pM$", "PM")
        )
    if sample.str.contains(r":\d\d,\d").any():
        texts = texts.str.replace(r"(:\d\d),(\d)", "$1.$2")
    if sample.str.contains(r"^[^\W\d_]+\.?,? \S").any():
        # Behind the name of a day there is a whole date: "Mar 20, 2021" is no Tuesday of the French.
        texts = texts.str.replace(rf"(?i)^(?:{WEEKDAYS})\.?,? +({BEGINS})", "$1")
        texts = year_before_time(texts)
    if sample.str.contains(r" Uhr$").any():
        texts = texts.str.strip_suffix(" Uhr")
    return texts


def _pivot_of(name: str) -> int:
    """Nobody is born in a year to come."""
    words = set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
    return date.today().year % 100 + 1 if words & BIRTHS else PIVOT


def _plain(sample: Sequence[str]) -> bool:
    """Dates as ISO 8601 writes them, all alike: they need no format."""
    shapes = {(len(text.partition(".")[0]), "." in text, "T" in text) for text in sample}
    return len(shapes) == 1 and all(PLAIN.fullmatch(text) for text in sample)


# --- dates in figures ------------------------------------------------------------------------------------------------


def _numeric(sample: Sequence[str], cells: Cells, near: Neighbours) -> Found | None:
    matches = [match for text in sample if (match := NUMERIC.fullmatch(text)) is not None]
    if len(matches) < MOSTLY * len(sample):
        return None
    orders = [
        order
        for order in ("dmy", "mdy", "ymd")
        if sum(_fits(match, order) for match in matches) >= MOSTLY * len(matches)
    ]
    if not orders:
        return None
    states = {order: _state(matches, order) for order in orders}
    kept = {order: state for order, state in states.items() if state is not None}
    if not kept:
        return None
    if len(kept) == 1:
        ((order, state),) = kept.items()
        return Found(state=state, order="" if order == "ymd" else order)  # type: ignore[arg-type]
    return _choose(kept, matches, cells, near)


def _choose(kept: dict[str, DateFormat], matches: Sequence[re.Match[str]], cells: Cells, near: Neighbours) -> Found:
    """Of several orders: the one that makes a regular step, else that of the file, else the usual one, said to be in doubt."""
    if near.trained and near.order in kept:
        return Found(state=kept[near.order])
    way = Dates()
    times = {order: _micros(way.read(cells.head, state)) for order, state in kept.items()}
    likelier = likelier_reading(times)
    if likelier is not None:
        return Found(state=kept[likelier], order=likelier)  # type: ignore[arg-type]
    if near.order in kept:
        return Found(state=kept[near.order])
    signs = {match["sign"] for match in matches}
    if signs <= {".", ". "} and "dmy" in kept:  # points stand in dates of those who write days first
        return Found(state=kept["dmy"], order="dmy")
    halves = near.halves or any(match["half"] for match in matches)
    first = "mdy" if halves and "mdy" in kept else "dmy" if "dmy" in kept else next(iter(kept))
    second = next(order for order in ("mdy", "dmy", "ymd") if order in kept and order != first)
    example = max(matches, key=lambda match: match["a"] != match["b"])
    readings = [str(t)[:10] for o in (first, second) for t in way.read(pl.Series([example[0]]), kept[o]).to_list()]
    doubt = f"{example[0]} could be {readings[0]} or {readings[1]}; read as {readings[0]} ({_order_name(first)})"
    return Found(state=kept[first], other=kept[second].patterns[0], doubt=doubt)


def _fits(match: re.Match[str], order: str) -> bool:
    parts = {"dmy": ("c", "b", "a"), "mdy": ("c", "a", "b"), "ymd": ("a", "b", "c")}[order]
    year, month, day = (match[name] for name in parts)
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
        return False
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _state(matches: Sequence[re.Match[str]], order: str) -> DateFormat | None:
    year = "a" if order == "ymd" else "c"
    patterns: dict[str, int] = {}
    for match in matches:
        if _fits(match, order):
            pattern = _pattern(match, order, "%y" if len(match[year]) == 2 else "%Y")
            patterns[pattern] = patterns.get(pattern, 0) + 1
    if len(patterns) > MOST_PATTERNS:
        return None
    most_first = sorted(patterns, key=lambda pattern: -patterns[pattern])
    return DateFormat(patterns=tuple(most_first), example=matches[0][0][:60])


def _pattern(match: re.Match[str], order: str, year: str) -> str:
    names = {"d": "%d", "m": "%m", "y": year}
    date = match["sign"].join(names[letter] for letter in order)
    return date + _time_pattern(match)


def _time_pattern(match: re.Match[str]) -> str:
    if match["between"] is None:
        return ""
    colon = match["colon"]
    seconds = f"{colon}%S{'%.f' if match['fraction'] else ''}" if match["second"] else ""
    return f"{match['between']}{'%I' if match['half'] else '%H'}{colon}%M{seconds}{' %p' if match['half'] else ''}"


def _in_century(times: pl.Series, pivot: int) -> pl.Series:
    """strptime puts 69 to 99 into the 1900s; `pivot` may say otherwise."""
    short = times.dt.year() % 100
    later = ((short < pivot) & (times.dt.year() < 2000)).fill_null(False)
    earlier = ((short >= pivot) & (times.dt.year() >= 2000)).fill_null(False)
    if later.any():
        times = times.zip_with(~later, times.dt.offset_by("100y"))
    if earlier.any():
        times = times.zip_with(~earlier, times.dt.offset_by("-100y"))
    return times


def _micros(times: pl.Series) -> Array:
    return times.drop_nulls().cast(pl.Datetime("us")).to_physical().to_numpy().astype(np.int64)


def _order_words(pattern: str) -> str:
    """The order, where an example alone does not show it."""
    places = {letter: pattern.find(f"%{letter}") for letter in "dm"}
    if places["m"] < 0 or places["d"] < 0:
        return ""
    if pattern.startswith("%Y"):
        return ""
    return f" ({_order_name('ymd' if pattern.startswith('%y') else order_of(pattern))})"


def order_of(pattern: str) -> Order:
    """Whether a pattern has the day or the month first; empty where the year is."""
    if pattern.startswith(("%Y", "%y")) or "%d" not in pattern or "%m" not in pattern:
        return ""
    return "dmy" if pattern.find("%d") < pattern.find("%m") else "mdy"


def _order_name(order: str) -> str:
    return {"dmy": "day first", "mdy": "month first", "ymd": "year first"}[order]


# --- compact dates, months by name -----------------------------------------------------------------------------------


def _compact(sample: Sequence[str], cells: Cells, near: Neighbours) -> Found | None:
    if all(map(DAY_OF_YEAR.fullmatch, sample)):
        return Found(state=DateFormat(patterns=("%Y-%j",), example=sample[0]))
    if all(map(EIGHT_DIGITS.fullmatch, sample)) and len(sample) >= FEWEST_COMPACT:
        return _year_last(cells, near)
    matches = [match for text in sample if (match := COMPACT.fullmatch(text)) is not None]
    if len(matches) < MOSTLY * len(sample):
        return None
    patterns: dict[str, None] = {}
    for match in matches:
        time = f"{match['between']}%H%M{'%S' if match['s'] else ''}" if match["h"] else ""
        patterns[f"%Y%m%d{time}"] = None
    if len(patterns) > MOST_PATTERNS:
        return None
    return Found(state=DateFormat(patterns=tuple(patterns), example=matches[0][0]))


def _year_last(cells: Cells, near: Neighbours) -> Found | None:
    """03101997: eight digits with the year behind."""
    spaced = [f"{text[:2]}/{text[2:4]}/{text[4:]}" for text in cells.sample]
    head = cells.head.str.replace(r"^(\d\d)(\d\d)(\d{4})$", "$1/$2/$3")
    found = _numeric(spaced, replace(cells, sample=spaced, head=head), near)
    if found is None:
        return None
    patterns = tuple(pattern.replace("/", "") for pattern in found.state.patterns)
    state = replace(found.state, patterns=patterns, example=cells.sample[0])
    return replace(found, state=state, other=found.other.replace("/", ""))


def _with_names(sample: Sequence[str], cells: Cells, near: Neighbours) -> Found | None:
    texts = _canonical(pl.Series(list(sample), dtype=pl.String)).to_list()
    matches = [match for text in texts if (match := CANONICAL.fullmatch(text or "")) is not None]
    if len(matches) < MOSTLY * len(sample):
        return None
    patterns: dict[str, None] = {}
    for match in matches:
        year = "%y" if len(match["year"]) == 2 else "%Y"
        patterns[f"{year}-%B-%d{_time_pattern(match)}"] = None
    if len(patterns) > MOST_PATTERNS:
        return None
    example = sample[0][:60]
    return Found(state=DateFormat(patterns=tuple(patterns), example=example, named=True))


CANONICAL = re.compile(rf"(?P<year>\d{{2,4}})-(?P<month>[A-Z][a-z]+)-(?P<day>\d{{1,2}}){REST}")
DAY_FIRST = r"^(\d{1,2})(?:st|nd|rd|th)?(?:\.? |[-/.]| de | of )([A-Z][a-z]+)\.?(?:,? |[-/.]| de )(\d{4}|\d{2})\b"
MONTH_FIRST = r"^([A-Z][a-z]+)\.?[ -](\d{1,2})(?:st|nd|rd|th)?(?:,? |-|,)(\d{4})\b"
YEAR_FIRST = r"^(\d{4})[-/. ]([A-Z][a-z]+)\.?[-/. ](\d{1,2})\b"


def _canonical(texts: pl.Series) -> pl.Series:
    """English names of months, in the order 2018-April-20."""
    texts = (
        texts.str.replace_all(r"[^\W\d_]{3,}", "~$0~")
        .str.to_lowercase()
        .str.replace_many({f"~{name}~": month for name, month in month_words()})
    )
    texts = texts.str.replace_all("~", "", literal=True).str.replace(r"t(\d\d:)", "T$1")
    texts = texts.str.replace("am$", "AM").str.replace("pm$", "PM").str.replace(" at ", " ")
    texts = texts.str.replace(DAY_FIRST, "$3-$2-$1")
    texts = texts.str.replace(MONTH_FIRST, "$3-$1-$2")
    return texts.str.replace(YEAR_FIRST, "$1-$2-$3")


def _canonical_pattern(pattern: str) -> str:
    """A user's pattern with months by name, in the order of `_canonical`."""
    rest = re.sub(r"%-?[dbBhyYe]\.?(?:st|nd|rd|th)?|^[ ,./-]+", "", pattern)
    time = re.search(r"[T ,]+%[HI].*", rest)
    year = "%y" if "%y" in pattern else "%Y"
    return f"{year}-%B-%d" + (time[0].replace(",", "") if time else "")
