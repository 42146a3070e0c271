"""What a person expects of one input: the values that a reading asserts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netpick.data.sources.base import ReadOptions


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a person expects of one input; whatever is empty is not looked at."""

    path: str  # below ../shared/cases; of an object, the case and what it is
    make: Callable[[], object] | None = None  # of cases that are no files
    target: str = ""
    kinds: tuple[tuple[str, str], ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)
    cells: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # the first cells of columns
    arrays: Mapping[str, tuple[str, tuple[int, ...]]] = field(
        default_factory=dict
    )  # kind and shape of columns of arrays
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the first files of columns of files
    parts: tuple[int, int, int] | None = None  # rows of given training, validation and test parts
    labels: tuple[str, ...] = ()  # of several labels in a cell, all of them
    values: Mapping[str, int] = field(default_factory=dict)  # different values of columns, missing ones apart
    roles: Mapping[str, str] = field(default_factory=dict)  # kind of columns, or "left_out"
    task: str = ""
    infers: str = ""  # the target, where none is given
    step: str = ""  # of a forecast, in words
    gaps: int = 0
    says: str = ""  # part of what is said while reading
    refuses: str = ""  # part of the message of a refusal
    open: str = ""  # why it is not met yet

    @property
    def name(self) -> str:
        said = " ".join(filter(None, (self.target, *(f"{name}={kind}" for name, kind in self.kinds))))
        return f"{self.path}{f' ({said})' if said else ''}"
