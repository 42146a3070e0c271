"""What the texts of a command line mean: every default stands in FitOptions and ReadOptions, not here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from netpick.answers.compare.costs import read_cost_words
from netpick.api import parse_duration
from netpick.contest.prepare import FitOptions
from netpick.data.sources.base import ReadOptions
from netpick.errors import RequestError


def fit_options(given: Mapping[str, Any], started: float) -> FitOptions:
    """The options of a run from those of the command; None is an option that was not passed.

    started: time.perf_counter() when the clock of the budget began. Raises RequestError for texts that cannot be read.
    """
    texts = {key: value for key, value in given.items() if value is not None}
    if texts.get("test") == "none":
        texts["find_test"] = False
        del texts["test"]
    values = {key: PARSERS[key](text) if key in PARSERS else text for key, text in texts.items()}
    read = ReadOptions(**_those_of(ReadOptions, values))
    command = " ".join(["netpick", *sys.argv[1:]])
    return FitOptions(**_those_of(FitOptions, values), read=read, command=command, started=started)


def _those_of(record: type[FitOptions | ReadOptions], values: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields(record) if field.name in values}


def rows_given(data: list[str]) -> Any:
    """One path, several, or the cells of one row."""
    if all("=" in item and not Path(item).exists() for item in data):
        return dict(item.split("=", 1) for item in data)
    return data[0] if len(data) == 1 else data


def names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def pairs(expected: str, texts: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple(_pair(text, expected) for text in texts)


def _pair(text: str, expected: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign or not left or not right:
        raise RequestError(f"'{text}' cannot be read. Expected {expected}.")
    return left.strip(), right.strip()


def separator(text: str) -> str:
    return {"\\t": "\t", "tab": "\t"}.get(text, text)


def image_size(text: str) -> tuple[int, int]:
    """(height, width) of a text such as 64 or 96x64."""
    parts = text.lower().replace("*", "x").split("x")
    try:
        width, height = int(parts[0]), int(parts[-1])
    except ValueError:
        width = height = 0
    if len(parts) > 2 or not (4 <= width <= 1024 and 4 <= height <= 1024):
        raise RequestError(
            f"An image size of '{text}' cannot be used. Pass 4 to 1024 pixels, such as 64 or 96x64 (width x height)."
        )
    return height, width


def folds(text: str) -> int | str:
    """How many, or the column that names them."""
    text = text.strip()
    return int(text) if text.lstrip("-").isdecimal() else text


def num_bytes(text: str) -> int:
    units = {"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9}
    number = text.strip().lower().rstrip("bkmg ")
    try:
        return int(float(number) * units[text.strip().lower()[len(number) :].strip()])
    except (ValueError, KeyError):
        raise RequestError(f"A memory limit of '{text}' cannot be read. Pass a size such as 500MB or 2GB.") from None


PARSERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("target", "drop", "accept", "known", "time", "ids", "missing", "not_missing", "merge"), names),
    "separator": separator,
    "formats": partial(pairs, "--format COLUMN=EXAMPLE"),
    "kinds": partial(pairs, "--kind COLUMN=KIND"),
    "layers": tuple,
    "folds": folds,
    "plan": lambda path: str(path.absolute()),
    "cost": read_cost_words,
    "budget": parse_duration,
    "image_size": image_size,
    "memory_limit": num_bytes,
}
