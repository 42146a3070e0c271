"""Texts that go on: a .txt file of prose, verse or names, or a folder of the parts of one (ptb.train.txt, ptb.valid.txt, ptb.test.txt)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.paths import PART_NAMES, PART_WORDS, WORD, bare, readable, short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.errors import DataError
from netpick.types import TRAIN, Note, Source, TableColumn

ENDING = ".txt"
SEPARATORS = "\t;,|"
FEWEST_LINES = 20  # of a text that is told from a table by them
SAME = 0.9  # share of the lines of a table that have as many separators as most
MOST_WORDS_APART = 3  # of a line, where lines are names
COLUMN = "text"


class RunningTextReader(Reader):
    """A text file, its lines in their order; with the files of the other parts beside it where their names say so."""

    name: ClassVar[str] = "running_text"
    description: ClassVar[str] = "a .txt file of running text, or a folder of its parts"

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            files = part_files(path)
            return len(files) > 1 and all(_is_running(first_lines(file)) for _, file in files)
        return bare(path.name.lower()).endswith(ENDING) and _is_running(first_lines(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        files = part_files(path) if path.is_dir() else [(None, path)]
        lines: list[str] = []
        parts: list[int] = []
        told = []
        for part, file in files:
            found = _lines(whole_text(file, options.encoding))
            lines += found
            parts += [TRAIN if part is None else part] * len(found)
            told.append(f"{'the text' if part is None else PART_NAMES[part]} {file.name} ({len(found):,} lines)")
        if not any(map(str.strip, lines)):
            raise DataError(f"{path} holds no text, but a text to learn from was expected. Check how it was written.")
        notes = [Note(subject="files", text=f"Read are {', '.join(told)}.")] if path.is_dir() else []
        apart = _are_names(lines)
        if apart:
            lines = [line.strip() for line in lines]
            notes.append(Note(subject="lines", text="Each line is a text of its own: they are short."))
        frame = pl.DataFrame({COLUMN: pl.Series(lines, dtype=pl.String), "part": pl.Series(parts, dtype=pl.Int8)})
        return Source(
            name=short_name(path),
            origin=readable(str(path)),
            layout=self.name,
            columns={COLUMN: TableColumn(name=COLUMN, values=frame[COLUMN])},
            num_rows=len(lines),
            fingerprint=fingerprint.of_frame(frame),
            given_split=None if set(parts) <= {TRAIN} else np.array(parts, dtype=np.int8),
            running=COLUMN,
            apart=apart,
            notes=notes,
        )


def running_text(data: object, options: ReadOptions) -> Source | None:
    """A file of text that is known to go on, however short it is; None for anything else."""
    if not isinstance(data, str | Path) or not bare(str(data).lower()).endswith(ENDING) or not Path(data).is_file():
        return None
    return RunningTextReader().read(Path(data), options)


def part_files(folder: Path) -> list[tuple[int, Path]]:
    """The .txt files of a folder that are the parts of one text by their names, in the order of the parts; [] for any others."""
    try:
        files = [file for file in sorted(folder.iterdir()) if file.is_file() and not is_junk(file.name)]
    except OSError:
        return []
    texts = [file for file in files if bare(file.name.lower()).endswith(ENDING)]
    parts: dict[int, Path] = {}
    stems = set()
    for file in texts:
        words = WORD.findall(file.name.lower())
        if not words or PART_WORDS[words[-1]] in parts:
            return []
        parts[PART_WORDS[words[-1]]] = file
        stems.add(WORD.sub("", file.name.lower()))
    return sorted(parts.items()) if TRAIN in parts and len(stems) == 1 else []


def _lines(text: str) -> list[str]:
    """Without a mark of the encoding."""
    return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").removesuffix("\n").split("\n")


def _is_running(lines: Sequence[str]) -> bool:
    """Whether these first lines are no table: their separators differ in number from line to line."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return False
    letters = sum(character.isalpha() for line in filled for character in line)
    if letters < 0.5 * sum(len(line.replace(" ", "")) for line in filled):
        return False
    for separator in SEPARATORS:
        counts = np.array([line.count(separator) for line in filled])
        usual = int(np.bincount(counts).argmax())
        if usual > 0 and (counts == usual).mean() >= SAME:
            return False
    return len(filled) >= FEWEST_LINES or max(map(len, filled)) > 80


def _are_names(lines: Sequence[str]) -> bool:
    """Whether each line is a short text of its own: a name, a word, a title."""
    filled = [line for line in lines if line]
    words = np.array([len(line.split()) for line in filled[:: max(1, len(filled) // 2_000)]])
    return len(filled) >= 0.99 * len(lines) and bool((words <= MOST_WORDS_APART).mean() >= 0.95)
