"""The contract of a decoder: files of one kind of media become one array, made once, by all cores."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from netpick.types import ArrayColumn, FileColumn, Media, Note, Source

Value = TypeVar("Value")

PIECE = 16  # rows that a thread takes at once


class UnreadableFileError(Exception):
    """A file that cannot be decoded; the message is the reason, in words that fit behind "cannot be read: "."""


PHOTO_SIDE = 64  # pixels a side for pictures of many sizes: what a network can be trained on within a minute or two
Loudness = Literal["own", "kept"]


@dataclass(frozen=True, kw_only=True)
class DecodeRequest:
    """What is asked of a decoder. `like` (Kind.decoding) makes new files as those of training; empty while training."""

    like: Mapping[str, Any] = field(default_factory=dict)
    image_size: int | tuple[int, int] | None = None  # a side, or (height, width)
    photo_side: int = PHOTO_SIDE  # pixels a side at most, for pictures of many sizes
    loudness: Loudness = "own"  # of sounds: each in relation to its own loudest moment, or kept as it is
    seconds: float | None = None  # of the budget: scenes are read as large as it can pay for
    every_word: bool = False  # of sounds: all of each is read, a frame every 10 ms
    workers: int | None = None  # None: one per core
    memory_limit: int | None = None  # bytes; more go to a memory-mapped file
    cache: Path | None = None  # where such a file is kept; None: it ends with the array


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The column with values for all rows, the rows that failed with their reasons, and what was settled or changed."""

    column: ArrayColumn
    failures: Sequence[tuple[int, str]]
    notes: Sequence[Note] = ()


class Work(Protocol):
    """Decoding of one column under way."""

    def finish(self) -> Decoded: ...
    def cancel(self) -> None: ...


class Decoder(ABC):
    """One kind of media. Instances are stateless entries of DECODERS."""

    kind: ClassVar[Media]
    noun: ClassVar[str]  # "images"
    expected: ClassVar[str]  # "a whole PNG, JPEG, ..."
    endings: ClassVar[tuple[str, ...]]  # of file names, in lower case, with their dot

    @abstractmethod
    def start(self, source: Source, name: str, request: DecodeRequest) -> Work:
        """Starts to decode the file column `name` of a Source and returns at once. Raises RequestError for a request that
        cannot be met."""

    def try_settings(self, like: Mapping[str, Any]) -> None:  # noqa: B027 - most decoders have nothing that could not fit
        """Decodes a made-up file as `like` says. Raises ValueError and the like where that is not possible."""

    def in_pieces(self, source: Source, name: str, like: Mapping[str, Any]) -> Source:
        """New files with a row a piece, where one is longer than what is read at once and nothing of it may be left out."""
        return source

    def files_in(self, folder: Path) -> list[Path]:
        """What stands for a row each below a folder, when a model is used on it."""
        return sorted(p for p in folder.rglob("*") if p.suffix.lower() in self.endings and not p.name.startswith("."))


class ThreadedWork(Generic[Value]):
    """Decodes row by row in a pool of threads: for libraries that let go of Python's lock.

    `decode` makes one row's value and raises UnreadableFileError; `gather` puts them together (None where one failed).
    """

    def __init__(
        self,
        column: FileColumn,
        decode: Callable[[int], Value],
        gather: Callable[[list[Value | None], list[tuple[int, str]]], Decoded],
        workers: int | None = None,
    ) -> None:
        self._decode, self._gather = decode, gather
        self._pool = ThreadPoolExecutor(max_workers=workers or cores(), thread_name_prefix="decode")
        starts = range(0, len(column), PIECE)
        self._futures: list[Future[list[Value | str]]] = [
            self._pool.submit(self._piece, range(start, min(start + PIECE, len(column)))) for start in starts
        ]

    def _piece(self, rows: range) -> list[Any]:
        made: list[Any] = []
        for row in rows:
            try:
                made.append((self._decode(row), ""))
            except UnreadableFileError as error:
                made.append((None, str(error) or "it cannot be decoded"))
        return made

    def finish(self) -> Decoded:
        made: list[Any] = [pair for future in self._futures for pair in future.result()]
        self.cancel()
        failures = [(row, reason) for row, (_, reason) in enumerate(made) if reason]
        return self._gather([value for value, _ in made], failures)

    def cancel(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
