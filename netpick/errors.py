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
import re
from collections.abc import Iterable
from itertools import islice

LONGEST_MESSAGE = 1_200  # characters; names and cells that would make it longer are cut
MOST_COMPARED, MOST_LISTED = 2_000, 40  # known names
LONGEST_WORD = 300  # characters without a blank
# Control characters, and those that turn the direction of writing: a file's name or a cell may hold them, to fool a reader.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class NetpickError(ValueError):
    """The root: what the request or the data got wrong, in words for the person who typed it."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


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


class UnlikeTraining(UserWarning):
    """New rows hold what no training row does; they are answered all the same."""


class UnreadCells(UnlikeTraining):
    """Cells of new rows are written otherwise than those of training; the rows are answered as if these were missing."""


class UnseenValues(UnlikeTraining):
    """Cells of new rows hold categories, words or amounts that the training rows do not have."""


class Interrupted(NetpickError):
    """The run was asked to stop, and did at a moment from which it can go on."""

    exit_code = 4


def near_matches(name: str, known: Iterable[str]) -> str:
    """Says which known names come near `name`, or lists them all: ' Did you mean cnn? Known: cnn, mlp.'"""
    names = sorted(word[:LONGEST_WORD] for word in islice(known, MOST_COMPARED))
    close = difflib.get_close_matches(name.lower()[:LONGEST_WORD], names, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    more = f" and {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else ""
    return f"{hint} Known: {', '.join(names[:MOST_LISTED])}{more}."


def printable(text: str) -> str:
    """One paragraph of letters that a terminal shows, whatever names and cells are quoted in it, and not too long."""
    text = UNPRINTABLE.sub(_spelled, text)
    if len(text) <= LONGEST_WORD:
        return text
    text = re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda word: _shortened(word[0], LONGEST_WORD), text)
    return _shortened(text, LONGEST_MESSAGE)


def shown(text: str) -> str:
    """Lines of text as a terminal may show them: letters that would steer it stand there spelled."""
    return UNPRINTABLE.sub(lambda letter: letter[0] if letter[0] in "\n\t" else _spelled(letter), text)


def _spelled(letter: re.Match[str]) -> str:
    """A character as programmers write it: \\n, \\x1b, \\u202e."""
    return ascii(letter[0])[1:-1]  # a codec would be imported first, in the middle of reading a file


def _shortened(text: str, most: int) -> str:
    """The beginning, which says what is wrong, and the end, which says what to do."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[len(text) - most // 2 + 5 :]}"
