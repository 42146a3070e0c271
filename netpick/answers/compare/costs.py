"""What mistakes cost, for any number of classes: read from words or a file, and decisions of least expected cost.

A cost is that of a row of one class that is called another: cat>dog=5. Mistakes without a cost of their own cost 1, right
answers nothing. Given right probabilities, the decision that costs least on average is the class with the least
sum over classes of probability times cost (Elkan 2001).
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netpick.answers.base import Answer
from netpick.errors import RequestError, near_matches
from netpick.types.words import quoted

Floats = npt.NDArray[np.float64]
Costs = Sequence[Sequence[float]]

OF_TWO = {"fp": (0, 1), "fn": (1, 0)}  # of two classes: the first called the second, and the second called the first
BETWEEN = ">"
MOST_COST = 1e6
NAMED = 8  # classes that a message names
MOST_FILE = 64 << 20  # bytes of a matrix file; 1,000 classes take 8 MB


def as_costs(given: Mapping[str, float] | str | os.PathLike[str] | None) -> dict[str, float]:
    """What Python's `fit` was given: a mapping, or the file that holds a matrix."""
    return read_cost_words([os.fspath(given)]) if isinstance(given, (str, os.PathLike)) else dict(given or {})


def read_cost_words(texts: Sequence[str]) -> dict[str, float]:
    """{"cat>dog": 5.0} from NAME=NUMBER each, or from the name of a matrix file. Raises RequestError.

    Whether there are such classes shows when the data are read: see `cost_matrix`.
    """
    costs: dict[str, float] = {}
    for text in _single(texts):
        name, between, value = (part.strip() for part in text.rpartition("="))
        if not between or (Path(text).suffix.lower() in (".csv", ".tsv") and Path(text).is_file()):
            costs |= _of_file(Path(text))
            continue
        if not name or (name not in OF_TWO and BETWEEN not in name):
            raise RequestError(
                f"The cost '{text}' cannot be read. Pass fn=NUMBER (missed positives) or fp=NUMBER (false alarms) for two "
                "classes, 'TRUE>CALLED=NUMBER' for any, or the name of a CSV file with a matrix."
            )
        costs[name] = _number(value, f"--cost {text}")
    return costs


def _single(texts: Sequence[str]) -> Iterator[str]:
    """fn=10,fp=2 as two; names of classes may hold commas."""
    for text in texts:
        parts = text.split(",")
        yield from parts if all(part.partition("=")[0].strip() in OF_TWO for part in parts) else [text]


def given_costs(answer: Answer[Any], task: str, cost: Mapping[str, float], labels: Sequence[str]) -> Costs | None:
    """`cost_matrix` as rows, of a task (its name is for the message) that may have no classes. Raises RequestError."""
    if not cost:
        return None
    if not answer.one_class:
        raise RequestError(
            f"Costs of mistakes were given, but they are for a target of classes, and the task is {task}. Leave --cost out, or "
            "pass --task classify."
        )
    matrix = cost_matrix(cost, labels)
    return None if matrix is None else tuple(tuple(row) for row in matrix.tolist())


def cost_matrix(cost: Mapping[str, float], labels: Sequence[str]) -> Floats | None:
    """Costs (K, K) of a row of the first class that is called the second; None where no cost was given.

    Raises RequestError for classes that do not exist, with near matches, and for numbers that no mistake can cost.
    """
    if not cost:
        return None
    matrix = 1.0 - np.eye(len(labels))
    for name, value in cost.items():
        true, called = _classes(name, labels)
        if not 0 <= value <= MOST_COST:
            raise RequestError(
                f"The cost {name}={value:g} cannot be used; it must be from 0 to {MOST_COST:,.0f}. Pass --cost '{name}=5', for "
                "example."
            )
        if true == called and value > 0:
            raise RequestError(
                f"The cost {name}={value:g} is that of a right answer, which costs nothing. Leave it out."
            )
        matrix[true, called] = value
    mistakes = matrix[~np.eye(len(labels), dtype=bool)]
    if len(labels) == 2 and not mistakes.min() > 0:
        raise RequestError(
            f"One of the two mistakes costs {mistakes.min():g}, so that one class would be said of every row. Pass costs above 0."
        )
    if not mistakes.max() > 0:
        raise RequestError("All mistakes cost 0, so that every decision is as good. Pass at least one cost above 0.")
    return matrix


def _classes(name: str, labels: Sequence[str]) -> tuple[int, int]:
    """Numbers of the true and the called class. Names may hold '>' themselves: the place that gives two classes counts."""
    if name in OF_TWO:
        if len(labels) != 2:
            raise RequestError(
                f"The cost '{name}' is for two classes, but the target has {len(labels)}: {quoted(labels, NAMED)}. Pass --cost "
                f"'{labels[0]}{BETWEEN}{labels[-1]}=5' for a '{labels[0]}' that is called '{labels[-1]}'."
            )
        return OF_TWO[name]
    places = [i for i, letter in enumerate(name) if letter == BETWEEN]
    if not places:
        raise RequestError(
            f"There is no cost '{name}'.{near_matches(name, tuple(OF_TWO))} Pass fn or fp for two classes, or "
            f"'{labels[0]}{BETWEEN}{labels[-1]}'."
        )
    number = {label: i for i, label in enumerate(labels)}
    pairs = [(name[:place].strip(), name[place + 1 :].strip()) for place in places]
    known = [pair for pair in pairs if pair[0] in number and pair[1] in number]
    if known:
        return number[known[0][0]], number[known[0][1]]
    wrong = next((part for pair in pairs for part in pair if part not in number), name)
    raise RequestError(
        f"The cost '{name}' names '{wrong}', but there is no such class in the target.{near_matches(wrong, labels)}"
    )


def _of_file(path: Path) -> dict[str, float]:
    """A square table: called classes in the first row, true classes in the first column."""
    try:
        if path.stat().st_size > MOST_FILE:
            raise RequestError(
                f"{path} is too large for a matrix of costs. Pass a CSV file of at most {MOST_FILE >> 20} MB."
            )
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError):
        raise RequestError(
            f"The costs '{path}' cannot be read as a file. Pass a CSV file whose first row names the called classes and whose "
            "first column names the true ones, or --cost 'cat>dog=5'."
        ) from None
    separator = "\t" if path.suffix.lower() == ".tsv" else ";" if ";" in text.partition("\n")[0] else ","
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(cell.strip() for cell in row)]
    called = [cell.strip() for cell in rows[0][1:]] if rows else []
    true = [row[0].strip() for row in rows[1:]]
    if len(called) < 2 or sorted(true) != sorted(called) or len(set(true)) != len(true):
        raise RequestError(
            f"{path} is not a matrix of costs: its first row names {quoted(called, NAMED) or 'no classes'}, its first column "
            f"{quoted(true, NAMED) or 'none'}. Name the same classes in both, called ones in the first row, true ones in the first column."
        )
    costs = {}
    for number, row in enumerate(rows[1:]):
        if len(row) != len(rows[0]):
            raise RequestError(f"{path}, row '{row[0]}' has {len(row) - 1} costs, but there are {len(called)} classes.")
        for name, cell in zip(called, row[1:], strict=True):
            if true[number] != name or cell.strip() not in ("", "0", "0.0"):
                costs[f"{true[number]}{BETWEEN}{name}"] = _number(cell, f"{path}, row '{row[0]}', column '{name}'")
    return costs


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MOST_COST:
        raise RequestError(
            f"{where}: '{text.strip()}' is not a cost. Pass a number from 0 to {MOST_COST:,.0f}, for example fn=10 or 'cat>dog=5'."
        )
    return value
