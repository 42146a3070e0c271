"""Durations and times of day: 1:04:30, 34:14, 14:30, 2 days 03:04:05, 1h 30m; read as seconds, times of day as hours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass as state_dataclass

from netpick.data.formats.base import Cells, Found, Neighbours, Way
from netpick.types import STRICT

DOTTED = r"^(\d{1,2})\.(\d{2})\.(\d{2})$"  # 18.00.00
CLOCK = r"^(-)?(?:(\d{1,5}) ?d(?:ays?)?,? ?)?(\d{1,4}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?$"
HALVES = r"(?i)^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))? ?([ap])\.? ?m\.?$"  # 1:05 PM
LETTERS = r"^(?:(\d+) ?d(?:ays?)?,? ?)?(?:(\d+) ?h(?:(?:ou)?rs?)?,? ?)?(?:(\d+) ?m(?:in(?:ute)?s?)?,? ?)?(?:(\d+(?:\.\d+)?) ?s(?:ec(?:ond)?s?)?)?$"
OF_DAY = {"time", "hour", "uhr", "uhrzeit", "zeit", "start", "end", "heure", "hora", "tod", "departure", "arrival"}
MOSTLY = 0.95


@state_dataclass(config=STRICT, kw_only=True)
class DurationFormat:
    """How long, or when in a day. parts: what stands before the last colon is minutes ("m:s"), hours, or both."""

    parts: Literal["h:m:s", "h.m.s", "h:m", "m:s", "letters", "halves"]
    of_day: bool
    example: str = Field(max_length=60)


class Durations(Way):
    """Spans of time and times of day."""

    name: ClassVar[str] = "duration"
    mark: ClassVar[str] = r":|\d ?[dhms]|\.\d\d\.|\d ?[apAP]\.? ?[mM]"
    State = DurationFormat

    def find(self, cells: Cells, near: Neighbours) -> Found | None:
        matches = [match for text in cells.sample if (match := re.match(CLOCK, text)) is not None]
        if len(matches) >= MOSTLY * len(cells.sample) and matches:
            return _of_clock(cells, matches)
        dotted = [match for text in cells.sample if (match := re.match(DOTTED, text)) is not None]
        if len(dotted) >= MOSTLY * len(cells.sample) and all(int(match[1]) < 24 for match in dotted):
            return Found(state=DurationFormat(parts="h.m.s", of_day=True, example=dotted[0][0]))
        halves = [match for text in cells.sample if (match := re.match(HALVES, text)) is not None]
        if len(halves) >= MOSTLY * len(cells.sample) and all(1 <= int(match[1]) <= 12 for match in halves):
            return Found(state=DurationFormat(parts="halves", of_day=True, example=halves[0][0]))
        if _mostly_letters(cells.sample):
            return Found(state=DurationFormat(parts="letters", of_day=False, example=cells.sample[0][:60]))
        return None

    def read(self, texts: pl.Series, state: Any) -> pl.Series:
        if state.parts == "letters":
            texts = texts.set(texts.str.contains(r"^\D*$").fill_null(False), None)
            days, hours, minutes, seconds = _numbers(texts, LETTERS, 4)
            return (
                days.fill_null(0) * 86_400
                + hours.fill_null(0) * 3600
                + minutes.fill_null(0) * 60
                + seconds.fill_null(0)
            ).set(~texts.str.contains(LETTERS).fill_null(False), None)
        if state.parts == "halves":
            hours, minutes, seconds = _numbers(texts, HALVES, 3)
            after = texts.str.contains(r"(?i)p\.? ?m\.?$").cast(pl.Float64)
            return (hours % 12 + after * 12 + minutes.fill_null(0) / 60 + seconds.fill_null(0) / 3600).set(
                ((hours > 12) | (hours < 1)).fill_null(False), None
            )
        if state.parts == "h.m.s":
            texts = texts.set(~texts.str.contains(DOTTED).fill_null(True), None).str.replace_all(".", ":", literal=True)
        sign = texts.str.starts_with("-")
        days, first, second, third = _numbers(texts.str.strip_prefix("-"), CLOCK.replace("(-)?", ""), 4)
        seconds = first * 60 + second if state.parts == "m:s" else first * 3600 + second * 60 + third.fill_null(0)
        seconds = seconds.set(((second >= 60) | (third.fill_null(0) >= 60)).fill_null(False), None)
        if state.parts == "m:s":  # 1:04:30 among 34:14 is hours again
            seconds = seconds.zip_with(third.is_null(), first * 3600 + second * 60 + third)
        seconds = seconds + days.fill_null(0) * 86_400
        seconds = seconds.zip_with(~sign.fill_null(False), -seconds)
        return seconds / 3600 if state.of_day else seconds

    def words(self, state: Any) -> str:
        if state.of_day:
            return f"times of day written like {state.example}, read as hours"
        how = {"m:s": " (minutes and seconds)", "h:m": " (hours and minutes)"}.get(state.parts, "")
        return f"durations written like {state.example}{how}, read as seconds"

    def given(self, text: str) -> DurationFormat | None:
        parts = {
            "h:m:s": "h:m:s",
            "h:mm:ss": "h:m:s",
            "h:m": "h:m",
            "h:mm": "h:m",
            "m:s": "m:s",
            "m:ss": "m:s",
            "mm:ss": "m:s",
        }
        named = parts.get(text.strip().lower())
        return None if named is None else DurationFormat(parts=named, of_day=False, example=text.strip()[:60])  # type: ignore[arg-type]


def _of_clock(cells: Cells, matches: Sequence[re.Match[str]]) -> Found:
    first = max(int(match[3]) for match in matches)
    late = [match for match in matches if int(match[3]) == 24]
    ends = all(int(match[4]) == 0 and float(match[5] or 0) == 0 for match in late)  # 24:00, the end of a day
    in_day = (first < 24 or (first == 24 and ends)) and not any(match[1] or match[2] for match in matches)
    example = matches[0][0][:60]
    hours = [match[3] for match in matches]
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", cells.name)
    of_clock = first > 12 or all(len(hour) == 2 for hour in hours)  # 0:34:12 is how long a race took
    named = of_clock and bool(set(re.split(r"[^a-z]+", spaced.lower())) & OF_DAY)
    if any(match[5] for match in matches):
        return Found(state=DurationFormat(parts="h:m:s", of_day=in_day and named, example=example))
    if in_day:
        state = DurationFormat(parts="h:m", of_day=named, example=example)
        if named:
            return Found(state=state)
        doubt = f"{example} could be hours and minutes or minutes and seconds; read as hours and minutes"
        return Found(state=state, other="m:s", doubt=doubt)
    return Found(state=DurationFormat(parts="m:s", of_day=False, example=example))


def _mostly_letters(sample: Sequence[str]) -> bool:
    """Spans with units of time, of which at least some cells hold two: 1h 30m."""
    matches = [match for text in sample if (match := re.match(LETTERS, text)) is not None and any(match.groups())]
    units = {tuple(group is not None for group in match.groups()) for match in matches}
    return len(matches) >= MOSTLY * len(sample) and len(units) > 0 and (len(units) > 1 or sum(next(iter(units))) > 1)


def _numbers(texts: pl.Series, pattern: str, count: int) -> list[pl.Series]:
    return [
        texts.str.extract(pattern, place).str.replace(",", ".").cast(pl.Float64, strict=False)
        for place in range(1, count + 1)
    ]
