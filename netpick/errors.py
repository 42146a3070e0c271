"""Every error that netpick raises on purpose.

    NetpickError(ValueError)      exit code
    ├── RequestError              2   an option, a name or a path that cannot be used
    ├── DataError                 2   the data cannot be read or do not fit the task
    ├── ModelFileError            2   a model file is damaged, hostile or of another version
    ├── FindingError              3   a severe finding stopped the run (accept it by code)
    ├── TrainingError             2   nothing could be trained
    └── Interrupted               4   stopped from outside; `netpick resume` goes on

A message is one short paragraph in three parts: what we got (file, row, column, value), what we expected, and what
to type next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NetpickError(ValueError):
    """The root: what the request or the data got wrong, in words for the person who typed it."""

    exit_code = 2


class RequestError(NetpickError):
    """An option, a name or a path that cannot be used."""


class DataError(NetpickError):
    """The data cannot be read, or do not fit the task."""


class ModelFileError(NetpickError):
    """A model file is damaged, hostile, or written by a version that this one cannot read."""


class FindingError(NetpickError):
    """A severe finding about the data stopped the run."""

    exit_code = 3


class TrainingError(NetpickError):
    """No candidate could be trained."""


class Interrupted(NetpickError):
    """The run was asked to stop, and did at a moment from which it can go on."""

    exit_code = 4


def near_matches(name: str, known: Iterable[str]) -> str:
    """Says which known names come near `name`, or lists them all: ' Did you mean cnn? Known: cnn, mlp.'"""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return f"{hint} Known: {', '.join(names)}."
