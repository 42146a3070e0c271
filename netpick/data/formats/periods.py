"""Weeks, months, quarters and half-years as people write them: 2024-W05, 2024-W05-3, 2024H1, KW 5 2024, Q1 2024,
2024M01, Jan 2024, 05/2024; each at its first day."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass as state_dataclass

from netpick.data.formats.base import Cells, Found, Neighbours, Way
from netpick.data.formats.calendar_words import month_words
from netpick.types import STRICT

MOSTLY = 0.95
DAY = 86_400_000_000  # microseconds
PIVOT = 2070  # years of two digits that would be later lie in the 1900s
YEAR = r"(?P<y>(?:1[6-9]|20|21)\d\d)"
PATTERNS: dict[str, tuple[str, ...]] = {
    "quarter": (
        rf"(?i)^{YEAR}[-/ .]?q(?P<n>[1-4])$",
        rf"(?i)^q(?P<n>[1-4])[-/ .']?{YEAR}$",
        rf"(?i)^(?P<n>[1-4])[-/ ]?q[-/ ]?{YEAR}$",
        r"(?i)^(?P<n>[1-4])[-/ ]?q[-/ ']?(?P<y>\d\d)$",
        r"(?i)^q(?P<n>[1-4])[-/ .']{1,2}(?P<y>\d\d)$",
    ),
    "week": (
        rf"(?i)^{YEAR}[-/ .]?(?:w|kw|week) ?(?P<n>\d\d?)$",
        rf"(?i)^(?:w|kw|week|cw)[ .]{{0,2}}(?P<n>\d\d?)[-/ .,]{{1,2}}{YEAR}$",
    ),
    "week day": (rf"(?i)^{YEAR}-?w(?P<n>\d\d)-?(?P<d>[1-7])$",),
    "half": (rf"(?i)^{YEAR}[-/ ]?[hs](?P<n>[12])$", rf"(?i)^[hs](?P<n>[12])[-/ ]?{YEAR}$"),
    "month": (rf"(?i)^{YEAR}m(?P<n>\d\d?)$", rf"^{YEAR}[./](?P<n>\d\d?)$", rf"^(?P<n>\d\d?)[-./]{YEAR}$"),
    "named month": (
        r"^(?P<n>[A-Z][a-z]+)[-/ .,']{1,2}(?P<y>\d{4}|\d{2})$",
        r"^(?P<y>\d{4})[-/ .]{1,2}(?P<n>[A-Z][a-z]+)$",
    ),
}
NUMBER_OF = {
    name: number
    for number, name in enumerate(
        (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
        1,
    )
}


@state_dataclass(config=STRICT, kw_only=True)
class PeriodFormat:
    """Which periods, and which of the patterns they follow."""

    period: Literal["quarter", "week", "week day", "half", "month", "named month"]
    pattern: int = Field(ge=0, le=9)
    example: str = Field(max_length=60)

    def __post_init__(self) -> None:
        if self.pattern >= len(PATTERNS[self.period]):
            raise ValueError("a pattern that is known")


class Periods(Way):
    """Weeks, months and quarters."""

    name: ClassVar[str] = "period"
    mark: ClassVar[str] = r"\p{L}|^\d{4}[./]\d\d?$|^\d\d?[-./]\d{4}$"
    State = PeriodFormat

    def find(self, cells: Cells, near: Neighbours) -> Found | None:
        texts = pl.Series(list(cells.sample), dtype=pl.String)
        for period, patterns in PATTERNS.items():
            for number in range(len(patterns)):
                state = PeriodFormat(period=period, pattern=number, example=cells.sample[0][:60])  # type: ignore[arg-type]
                if len(texts) and self.read(texts, state).null_count() <= (1 - MOSTLY) * len(texts):
                    return Found(state=state)
        return None

    def read(self, texts: pl.Series, state: Any) -> pl.Series:
        pattern = PATTERNS[state.period][state.pattern].replace("(?P<", "(?P<")
        if state.period == "named month":
            texts = _named(texts)
        groups = texts.str.extract_groups(pattern)
        year, part = groups.struct.field("y"), groups.struct.field("n")
        years = year.cast(pl.Int32, strict=False)
        short = (year.str.len_chars() == 2).fill_null(False)
        if short.any():
            years = years.zip_with(~short, years + 2000)
            years = years.zip_with(~(short & (years >= PIVOT)).fill_null(False), years - 100)
        if state.period == "named month":
            return _at(years, part.replace_strict(NUMBER_OF, default=None, return_dtype=pl.Int32), None)
        number = part.cast(pl.Int32, strict=False)
        if state.period == "quarter":
            return _at(years, number * 3 - 2, None)
        if state.period == "half":
            return _at(years, number * 6 - 5, None)
        if state.period == "month":
            return _at(years, number, None)
        mondays = _at(years, None, number)
        if state.period == "week":
            return mondays
        days = groups.struct.field("d").cast(pl.Int64, strict=False)
        return (mondays.to_physical() + (days - 1) * DAY).cast(pl.Datetime("us"))

    def words(self, state: Any) -> str:
        if state.period == "week day":
            return f"days of weeks written like {state.example}"
        noun = "months" if "month" in state.period else "half-years" if state.period == "half" else f"{state.period}s"
        return f"{noun} written like {state.example}, read as their first days"


def _named(texts: pl.Series) -> pl.Series:
    lower = texts.str.replace_all(r"[^\W\d_]{3,}", "~$0~").str.to_lowercase()
    return lower.str.replace_many({f"~{name}~": month for name, month in month_words()}).str.replace_all(
        "~", "", literal=True
    )


def _at(years: pl.Series, months: pl.Series | None, weeks: pl.Series | None) -> pl.Series:
    frame = pl.DataFrame({"y": years, "n": months if months is not None else weeks}).with_columns(
        pl.col("y").cast(pl.Int32), pl.col("n").cast(pl.Int32)
    )
    if months is not None:
        kept = pl.when(pl.col("n").is_between(1, 12)).then(pl.datetime(pl.col("y"), pl.col("n").clip(1, 12), 1))
        return frame.select(kept.alias("t")).to_series()
    # Week 1 of ISO 8601 holds 4 January; its Monday begins it.
    fourth = pl.datetime(pl.col("y"), 1, 4)
    monday = fourth - pl.duration(days=fourth.dt.weekday().cast(pl.Int64) - 1)
    start = monday + pl.duration(days=(pl.col("n").cast(pl.Int64) - 1) * 7)
    return frame.select(pl.when(pl.col("n").is_between(1, 53)).then(start).alias("t")).to_series()
