"""RUN/trials.jsonl: what each trial's rungs gave, a line each, on the disk before anything is decided from it.

It holds no times, so that a search which was killed any number of times, or had any number of workers, ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as strict_dataclass

from netpick.disk.files import append_lines
from netpick.disk.strict import RefusedError, read_as, read_file
from netpick.errors import Interrupted, RequestError
from netpick.types import STRICT

TRIALS = "trials.jsonl"
MOST_BYTES = 64 << 20


@strict_dataclass(config=STRICT, kw_only=True)
class Line:
    """One rung of one trial."""

    search: str = Field(max_length=1000)  # the candidate whose settings are searched
    trial: int = Field(ge=0)
    rung: int = Field(ge=0)
    step: int = Field(ge=0)
    settings: Mapping[str, int | float | str | bool]  # those that are searched
    score: float | None  # of the primary metric on the validation rows; None: it failed
    failed: str = ""  # why
    sum: str = ""  # of the line without it

    def summed(self) -> Line:
        """With the sum that belongs to it."""
        plain = TypeAdapter(Line).dump_json(replace(self, sum=""))
        return replace(self, sum=hashlib.sha256(plain).hexdigest()[:16])


class Journal:
    """The lines of a run's searches."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / TRIALS
        self._lines = {(line.search, line.trial, line.rung): line for line in _read(self.path)}

    def line(self, search: str, trial: int, rung: int) -> Line | None:
        """What is known of a trial's rung."""
        return self._lines.get((search, trial, rung))

    def of(self, search: str) -> list[Line]:
        """All lines of a search, in their order."""
        return [line for line in self._lines.values() if line.search == search]

    def add(self, line: Line) -> None:
        """Writes a line. Raises Interrupted where the disk refuses."""
        whole = TypeAdapter(Line).dump_json(line.summed()).decode() + "\n"
        try:
            append_lines(self.path, [whole], through=True)
        except OSError as error:
            raise Interrupted(f"{self.path} could not be written to ({error.strerror}).") from None
        self._lines[line.search, line.trial, line.rung] = line


def _read(path: Path) -> list[Line]:
    """The lines of an earlier start; a last one that was cut short is none. Raises RequestError for damage."""
    if not path.is_file():
        return []
    try:
        content = bytes(read_file(path, MOST_BYTES))
        *lines, rest = content.split(b"\n")
        read = [read_as(Line, line, MOST_BYTES) for line in lines]
        if any(line != line.summed() for line in read):
            raise RefusedError("a line is not as it was written")
        if rest:  # cut short by a kill: the next line begins where it began
            os.truncate(path, len(content) - len(rest))
    except RefusedError as error:
        raise RequestError(f"{path} cannot be read ({error}). Start the run anew with `netpick fit`.") from None
    return read


def plain_settings(settings: Mapping[str, Any]) -> dict[str, int | float | str | bool]:
    """Settings as the journal and the report have them: lists become words."""
    return {
        name: value if isinstance(value, (int, float, str, bool)) else "+".join(map(str, value))
        for name, value in settings.items()
    }
