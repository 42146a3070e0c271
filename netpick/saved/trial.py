"""A model file's parts tried on rows of their own before anything trusts them: numbers that pass every check one by one may still
overflow, or divide into nothing, once they meet. What would fail with the first row of a user is refused on loading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from netpick.columns.encode import Encoder
from netpick.columns.forms import FORMS
from netpick.columns.kinds import KINDS
from netpick.disk.strict import RefusedError
from netpick.tasks import Task
from netpick.types.results import Score

LARGEST = 1e30  # of any number of a model: beyond it float32 has no room for differences
MOST_TRIED = 1 << 22  # values of a row; larger ones are tried by the stored rows alone
SCORE = frozenset(("value", "low", "high", "n"))


def try_encoders(encoders: Sequence[Encoder]) -> None:
    """Each encodes a cell that is missing and one that is not. Raises RefusedError."""
    for encoder in encoders:
        kind = KINDS[encoder.kind]
        if kind.decoding(encoder.state):
            from netpick.data.decoders import DECODERS

            DECODERS[encoder.kind].try_settings(kind.decoding(encoder.state))
        if not FORMS[kind.form].joined and prod(kind.spec(encoder.column, encoder.state).shape) > MOST_TRIED:
            continue
        column = kind.sample(encoder.column, encoder.state)
        with np.errstate(all="ignore"):
            encoded = kind.encode(column, encoder.state)
        if encoded.dtype.kind == "f" and not np.isfinite(encoded).all():
            raise RefusedError(f"column '{encoder.column[:60]}' encodes its own sample as numbers that are not finite")
        kind.lengths(column, encoder.state, encoded)


def try_task(task: Task, state: Any) -> None:
    """Answers of zeros must have finite values in the units of the target. Raises RefusedError."""
    answers = np.zeros((1, *task.answer.shape(state)), np.float32)
    with np.errstate(all="ignore"):
        decoded = task.answer.decode(answers, state)
    if not all(part is None or np.isfinite(part).all() for part in vars(decoded).values()):
        raise RefusedError("its answers have no finite values in the units of the target")


def try_scores(scores: Mapping[str, Mapping[str, float]]) -> None:
    """Raises RefusedError for a score that is none."""
    for name, said in scores.items():
        if set(said) != SCORE:
            raise RefusedError(f"its score '{name[:60]}' is not a value with an interval and n")
        Score(value=said["value"], low=said["low"], high=said["high"], n=int(said["n"]))


def require_moderate(value: Any, where: str) -> None:
    """Raises RefusedError for a number that no data can have given. value: as parsed from JSON."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, (list, tuple)):
            waiting.extend(part)
        elif isinstance(part, (int, float)) and not abs(part) <= LARGEST:
            raise RefusedError(f"{where} holds the number {part:.3g}")
