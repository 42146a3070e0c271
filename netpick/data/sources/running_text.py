"""Texts that go on: a .txt file of prose, verse or names, a folder of one, or of its parts (ptb.train.txt, ptb.valid.txt, ptb.test.txt)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.dialect import looks_tabular
from netpick.data.sources.encodings import UNPACKING_ERRORS, open_plain
from netpick.data.sources.paths import PART_NAMES, PART_WORDS, WORD, bare, readable, short_name
from netpick.data.sources.plain_text import HEAD, first_lines, whole_text
from netpick.data.sources.text_folder import is_about
from netpick.errors import DataError
from netpick.types import TRAIN, Note, Source, TableColumn

ENDING = ".txt"
SEPARATORS = "\t;,|"
FEWEST_LINES = 20  # of a text that is told from a table by them
FEWEST_LETTERS = 1_000  # of a text that is one line
FEWEST_CELLS = 3  # words of a line, as many in all, that are the cells of a table
SAME = 0.9  # share of the lines of a table that have as many separators as most
MOST_WORDS_APART = 3  # of a line, where lines are names
MOST_LETTERS_APART = 40  # on average
LONGEST_LINE, SHORTEST_PIECE, FEWEST_PIECES = (
    10_000,
    200,
    40,
)  # characters; longer lines are cut, so that a text has some
MOST_ZEROS = 0.01  # of the bytes of a text
COLUMN = "text"


class RunningTextReader(Reader):
    """A text file, its lines in their order; with the files of the other parts beside it where their names say so."""

    name: ClassVar[str] = "running_text"
    description: ClassVar[str] = "a .txt file of running text, or its parts"

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            files = part_files(path) or [(None, file) for file in texts_in(path)]
            parts = {part for part, _ in files}
            return len(files) > 0 and (len(files) == 1) == (parts == {None}) and _is_running(_head(files[0][1]))
        return bare(path.name.lower()).endswith(ENDING) and _is_running(_head(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        texts = texts_in(path) if path.is_dir() else [path]
        files = part_files(path) or [(None, file) for file in texts]
        lines: list[str] = []
        parts: list[int] = []
        told = []
        for part, file in files:
            text = whole_text(file, options.encoding)
            if not text.strip() and len(files) > 1:
                told.append(f"{file.name} holds no text")
                continue
            found = _lines(text)
            lines += found
            parts += [TRAIN if part is None else part] * len(found)
            told.append(f"{'the text' if part is None else PART_NAMES[part]} {file.name} ({len(found):,} lines)")
        if not any(map(str.strip, lines)):
            raise DataError(f"{path} holds no text, but a text to learn from was expected. Check how it was written.")
        notes = [Note(subject="files", text=f"What was read: {', '.join(told)}.")] if path.is_dir() else []
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
    """A file of text that is known to go on, or a folder of such, however short they are; None for anything else."""
    if not isinstance(data, str | Path) or not may_go_on(Path(data)):
        return None
    return RunningTextReader().read(Path(data), options)


def may_go_on(path: Path) -> bool:
    """Whether it is a text file by its name, or a folder of such and of no other folder."""
    return is_text(path) or bool(texts_in(path))


def is_text(path: Path) -> bool:
    """Whether it is a text file by its name."""
    return bare(path.name.lower()).endswith(ENDING) and path.is_file()


def texts_in(folder: Path) -> list[Path]:
    """The .txt files that lie in a folder, by name, but for those about the data; [] where other folders do."""
    try:
        files = [file for file in sorted(folder.iterdir()) if not is_junk(file.name)]
    except OSError:
        return []
    if any(file.is_dir() for file in files):
        return []
    return [file for file in files if is_text(file) and not is_about(file.name.partition(".")[0])]


def part_files(folder: Path) -> list[tuple[int | None, Path]]:
    """The .txt files of a folder that are the parts of one text by their names, in the order of the parts; [] for any others."""
    parts: dict[int, Path] = {}
    stems = set()
    for file in texts_in(folder):
        words = WORD.findall(file.name.lower())
        if not words or PART_WORDS[words[-1]] in parts:
            return []
        parts[PART_WORDS[words[-1]]] = file
        stems.add(WORD.sub("", file.name.lower()))
    return [(part, file) for part, file in sorted(parts.items())] if TRAIN in parts and len(stems) == 1 else []


def _lines(text: str) -> list[str]:
    """Without a mark of the encoding; lines that are a good part of the text are cut at blanks, so that it can be divided."""
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").removesuffix("\n")
    most = min(max(len(text) // FEWEST_PIECES, SHORTEST_PIECE), LONGEST_LINE)
    return [piece for line in text.split("\n") for piece in _cut(line, most)]


def _cut(line: str, most: int) -> list[str]:
    pieces = []
    while len(line) > most:
        blank = line.rfind(" ", most // 2, most)
        end, rest = (most, most) if blank < 0 else (blank, blank + 1)
        pieces.append(line[:end])
        line = line[rest:]
    return [*pieces, line]


def _head(path: Path) -> list[str]:
    """The first lines of a text, a cut-off one that is alone too; single zeros, which reading names, are no binary data."""
    try:
        with open_plain(path) as file:
            head = file.read(HEAD)
    except UNPACKING_ERRORS:
        return []
    if 0 < head.count(b"\0") <= MOST_ZEROS * len(head):
        return head.replace(b"\0", b"").decode("utf-8", "replace").splitlines()
    return first_lines(path) or ([head.decode("utf-8", "ignore")] if len(head) == HEAD and b"\0" not in head else [])


def _is_running(lines: Sequence[str]) -> bool:
    """Whether these first lines are no table: their separators differ in number from line to line."""
    filled = [line for line in lines if line.strip()]
    if len(filled) < 2:
        return sum(map(len, filled)) >= FEWEST_LETTERS
    letters = sum(character.isalpha() for line in filled for character in line)
    if letters < 0.5 * sum(len(line.replace(" ", "")) for line in filled):
        return False
    words = np.array([len(line.split()) for line in filled])
    usual = int(np.bincount(words).argmax())
    if usual >= FEWEST_CELLS and (words == usual).mean() >= SAME:
        return False  # cells between blanks
    if sum("  " in line.strip() for line in filled) >= 0.5 * len(filled):
        return False  # columns of a fixed width
    for separator in SEPARATORS:
        counts = np.array([line.count(separator) for line in filled])
        usual = int(np.bincount(counts).argmax())
        if usual > 0 and (counts == usual).mean() >= SAME:
            return False
    if len(filled) < FEWEST_LINES and max(map(len, filled)) <= 80:
        return False
    return not looks_tabular("\n".join(filled) + "\n")


def _are_names(lines: Sequence[str]) -> bool:
    """Whether each line is a short text of its own: a name, a word, a title."""
    filled = [line for line in lines if line]
    if not filled or sum(map(len, filled)) > MOST_LETTERS_APART * len(filled):
        return False
    words = np.array([len(line.split()) for line in filled[:: max(1, len(filled) // 2_000)]])
    return len(filled) >= 0.99 * len(lines) and bool((words <= MOST_WORDS_APART).mean() >= 0.95)
