"""What the texts of a command line mean: every default stands in FitOptions and ReadOptions, not here."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netpick.answers.compare.costs import read_cost_words
from netpick.contest.prepare import FitOptions
from netpick.contest.quantities import parse_bytes, parse_duration, parse_size
from netpick.data.sources.base import ReadOptions
from netpick.errors import RequestError

if TYPE_CHECKING:
    from netpick.saved.use import Model


def fit_options(given: Mapping[str, Any], started: float) -> FitOptions:
    """The options of a run from those of the command; None is an option that was not passed.

    started: time.perf_counter() when the clock of the budget began. Raises RequestError for texts that cannot be read.
    """
    texts = dict(given)
    if texts.get("test") == "none":
        texts["find_test"] = False
        del texts["test"]
    values = _parsed(texts)
    read = ReadOptions(**_those_of(ReadOptions, values))
    return FitOptions(**_those_of(FitOptions, values), read=read, command=command_line(), started=started)


def command_line() -> str:
    """The command as it was typed, quoted so that it can be pasted."""
    return shlex.join(["netpick", *sys.argv[1:]])


def reading(given: Mapping[str, Any]) -> ReadOptions:
    """How a file of new rows is read, from the options of a command."""
    return ReadOptions(**_those_of(ReadOptions, _parsed(given)))


def told(model: Model, given: Mapping[str, Any]) -> Model:
    """The model as the options of a command have it: how it reads files, from which probability on it decides, how wide its beam is."""
    model = replace(model, given=reading(given))
    threshold, beam = given.get("threshold"), given.get("beam")
    model = model if threshold is None else model.at(threshold)
    return model if beam is None else model.with_beam(beam)


def _parsed(given: Mapping[str, Any]) -> dict[str, Any]:
    texts = {key: value for key, value in given.items() if value is not None}
    return {key: PARSERS[key](text) if key in PARSERS else text for key, text in texts.items()}


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


def folds(text: str) -> int | str:
    """How many, or the column that names them."""
    text = text.strip()
    return int(text) if text.lstrip("-").isdecimal() else text


def levels(text: str) -> tuple[float, ...]:
    """Quantiles, as shares."""
    try:
        return tuple(float(part) for part in names(text))
    except ValueError:
        raise RequestError(
            f"--quantiles {text} cannot be read. Pass shares between 0 and 1, such as --quantiles 0.05,0.5,0.95."
        ) from None


PARSERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("target", "drop", "accept", "known", "time", "ids", "missing", "not_missing", "merge"), names),
    "separator": separator,
    "formats": partial(pairs, "--format COLUMN=EXAMPLE"),
    "kinds": partial(pairs, "--kind COLUMN=KIND"),
    "layers": tuple,
    "folds": folds,
    "quantiles": levels,
    "plan": lambda path: str(path.absolute()),
    "cost": read_cost_words,
    "budget": parse_duration,
    "image_size": parse_size,
    "memory_limit": parse_bytes,
}
