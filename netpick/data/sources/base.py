"""The contract of a reader: a path in, a Source out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from netpick.types import Source

# What cells are that were read: numbers and times as such; some may be texts that mean them; all are texts.
Cells = Literal["values", "mixed", "text"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user may say about the file; None and () mean: detect it."""

    separator: str | None = None
    header: bool | None = None
    encoding: str | None = None
    quote: str | None = None
    missing: tuple[str, ...] = ()  # further cell texts that mean "missing"
    not_missing: tuple[str, ...] = ()  # texts that are values, although they mean "missing" elsewhere
    formats: tuple[tuple[str, str], ...] = ()  # (column, an example or a pattern of its cells)
    words: tuple[str, ...] = ()  # columns whose cells are no numbers or dates, whatever they look like
    times: tuple[str, ...] = ()  # columns of numbers that are times
    numbers: tuple[str, ...] = ()  # columns of numbers that are none
    arrays: tuple[tuple[str, str], ...] = ()  # (name, kind) of arrays in memory: ("image", "series")
    pixels: tuple[float, float] | None = None  # values that the bytes 0 and 255 of pictures stood for in training
    channels: int | None = None  # of the series that a model was trained on
    as_text: tuple[str, ...] = ()  # columns of a delimited file that stay text until their format is applied
    merge: tuple[str, ...] = ()  # columns of which the spellings of a value are one value
    find_formats: bool = True  # find out how cells are written; off where a model knows it
    label_from: str | None = None  # "{label}_{speaker}_{index}.wav": what the names of files say
    sheet: str | None = None  # of a workbook
    frames: bool | None = None  # whether folders of numbered pictures are clips
    masks: str | None = None  # the folder of masks
    classes: str | None = None  # a file that names classes
    running: bool = False  # a text file is one that goes on, whatever it looks like
    find_test: bool = True  # look for the partner of a _TRAIN / .tra / train-*-ubyte file beside it


AS_FOUND = ReadOptions()  # nothing is said


class Reader(ABC):
    """One file format or layout."""

    name: ClassVar[str]
    description: ClassVar[str]  # for help and docs: "CSV and TSV, plain or gzip"
    endings: ClassVar[tuple[str, ...]] = ()  # of names, in lower case, that mean data of its kind wherever they lie
    cells: ClassVar[Cells] = "values"
    reads_beside: ClassVar[bool] = False  # whether it reads the files of other parts beside a path itself

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether this reader is for that path, by name or a look at the first bytes; cheap, never raises."""

    @abstractmethod
    def read(self, path: Path, options: ReadOptions) -> Source:
        """Reads it. Raises DataError with the culprit and a remedy."""
