"""Words with tags, one word a line and a blank line between sentences: CoNLL columns, and CoNLL-U of Universal Dependencies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.paths import PART_NAMES, PART_WORDS, bare, readable, short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.errors import DataError
from netpick.types import TRAIN, Note, Source, TableColumn

ENDINGS = (".conll", ".conllu", ".conllx", ".iob", ".iob2", ".bio", ".bioes")
UNIVERSAL = ("ID", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")  # columns of CoNLL-U
READ = (1, 3, 4, 5, 7)  # of them, the tokens first
PARTS_OF_SPEECH = "upos"
ID = re.compile(
    r"\d+"
)  # of a word; 1-2 is a piece of text that stands for several words, 1.1 a word that is not written
ENTITY = re.compile(r"[BIMELSU][-_]\S+|O")
START = "-DOCSTART-"
DOCUMENT = "document"
PART = re.compile("|".join(sorted(PART_WORDS, key=len, reverse=True)))
OTHER_BLANKS = re.compile(r"\s+")
NO_BREAK = "\N{NO-BREAK SPACE}"  # for a blank inside of a word
FEWEST_LINES, FEWEST_BLANK, MOST_TAGS = 8, 1, 100  # of a file that is told by its look
MOST_FILES = 20  # of a folder that is looked into
MOSTLY = 0.98  # of its lines
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(kw_only=True)
class _Sentences:
    """What was read: the cells of each sentence, by column, and where each began."""

    columns: list[list[str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)


class TaggedReader(Reader):
    """Tokens with tags; folders of the parts of one set, too."""

    name: ClassVar[str] = "conll"
    description: ClassVar[str] = "words with tags, one a line (CoNLL, CoNLL-U)"

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(_part_files(path))
        return is_tagged(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        files = _part_files(path) if path.is_dir() else [(TRAIN, path)]
        texts = [
            (part, file, whole_text(file, options.encoding).removeprefix(MARK).split("\n")) for part, file in files
        ]
        universal = all(_is_universal(lines) or bare(file.name.lower()).endswith(".conllu") for _, file, lines in texts)
        made = _Sentences()
        width: int | None = len(READ) if universal else None
        for part, file, lines in texts:
            reading = _Reading(file=file, universal=universal, separator=None if universal else _separator(lines))
            width = reading.add(made, lines, part, width)
        if not made.names or width is None:
            raise DataError(
                f"{path} holds no word with a tag, but lines of a word and its tag were expected. Check how it was written."
            )
        if width < 2:
            raise DataError(
                f"{path}: each line holds a single word, but a word and its tag were expected, parted by a tab or blanks. "
                "Add the tags as a second column."
            )
        names = [UNIVERSAL[place] for place in READ] if universal else _column_names(width)
        return _source(path, made, names, files)


def is_tagged(path: Path) -> bool:
    """Whether a file holds words with tags, by its name or the look of its first lines. Never raises."""
    if bare(path.name.lower()).endswith(ENDINGS):
        return True
    if is_junk(path.name) or not path.is_file():
        return False
    lines = first_lines(path)
    filled = [line for line in lines if line.strip()]
    blank = len(lines) - len(filled)
    if len(filled) < FEWEST_LINES or blank <= FEWEST_BLANK:
        return False
    if _is_universal(lines):
        return True
    separator = _separator(lines)
    cells = [line.split(separator) for line in filled if not line.startswith(START)]
    width = len(cells[0]) if cells else 0
    tags = {line[-1].strip() for line in cells}
    alike = width >= 2 and sum(len(line) == width for line in cells) >= MOSTLY * len(cells)
    return alike and all(ENTITY.fullmatch(tag) for tag in tags) and len(tags) > 1


def _part_files(folder: Path) -> list[tuple[int, Path]]:
    """The files of words with tags in a folder, with the parts that their names say; [] where there are none, or several of one part."""
    try:
        files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]
    except OSError:
        return []
    if len(files) > MOST_FILES:
        return []
    tagged = [file for file in files if is_tagged(file)]
    parts: dict[int, Path] = {}
    for file in tagged:
        words = PART.findall(file.name.lower())
        part = PART_WORDS[words[-1]] if words else TRAIN
        if part in parts:
            return []
        parts[part] = file
    if TRAIN not in parts and parts:  # what comes first is learned from
        parts[TRAIN] = parts.pop(min(parts))
    return sorted(parts.items())


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One file: how its lines are cut."""

    file: Path
    universal: bool
    separator: str | None  # None: blanks

    def add(self, made: _Sentences, lines: Sequence[str], part: int, width: int | None) -> int | None:
        """Adds its sentences; how many columns a line has. Raises DataError for lines of another number of columns."""
        document = f"{self.file.name}: 1" if any(self._begins_document(line) for line in lines) else ""
        count = 1
        for start, block in _blocks(lines):
            for line in block:
                if self._begins_document(line):
                    count += 1
                    document = f"{self.file.name}: {count}"
            rows = [
                (start + place, cells) for place, line in enumerate(block) if (cells := self._cells(line)) is not None
            ]
            for number, cells in rows:
                width = len(cells) if width is None else width
                if len(cells) != width:
                    raise self._uneven(number, cells, width)
            if not rows:
                continue
            made.columns.append([" ".join(column) for column in zip(*(cells for _, cells in rows), strict=True)])
            made.names.append(f"{readable(self.file.name)}: line {rows[0][0]}")
            made.documents.append(document)
            made.parts.append(part)
        return width

    def _begins_document(self, line: str) -> bool:
        return line.startswith("# newdoc") if self.universal else line.startswith(START)

    def _cells(self, line: str) -> list[str] | None:
        """The cells of a line; None for one that holds no word."""
        if self.universal:
            cells = line.split("\t")
            if line.startswith("#") or (len(cells) == len(UNIVERSAL) and not ID.fullmatch(cells[0])):
                return None
            kept = [cells[place] for place in READ] if len(cells) == len(UNIVERSAL) else cells
        elif line.startswith(START):
            return None
        else:
            kept = line.split(self.separator)
        return [OTHER_BLANKS.sub(NO_BREAK, cell.strip()) or "_" for cell in kept]

    def _uneven(self, number: int, cells: Sequence[str], width: int) -> DataError:
        lacking = "a word without its tag" if len(cells) < width else "more than a word and its tags"
        expected = len(UNIVERSAL) if self.universal else width
        return DataError(
            f"{self.file}, line {number:,}: found {len(cells)} column{'s' if len(cells) != 1 else ''} ('{' '.join(cells)[:40]}'), {lacking}, "
            f"but {expected} were expected, as in the lines before. Correct the line; blank lines part sentences."
        )


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines between blank ones, with the number of the first."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _is_universal(lines: Sequence[str]) -> bool:
    words = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")][:50]
    return bool(words) and all(len(cells) == len(UNIVERSAL) and cells[0][:1].isdigit() for cells in words)


def _separator(lines: Sequence[str]) -> str | None:
    """A tab where most lines have one, else any blanks."""
    filled = [line for line in lines if line.strip() and not line.startswith(START)][:1_000]
    return "\t" if sum("\t" in line for line in filled) > 0.5 * len(filled) else None


def _column_names(width: int) -> list[str]:
    """token, column_2, ..., tag."""
    return ["token", *(f"column_{place}" for place in range(2, width)), "tag"]


def _source(path: Path, made: _Sentences, names: Sequence[str], files: Sequence[tuple[int, Path]]) -> Source:
    columns = {
        name: pl.Series(name, [cells[place] for cells in made.columns], dtype=pl.String)
        for place, name in enumerate(names)
    }
    if any(made.documents):
        columns[DOCUMENT] = pl.Series(DOCUMENT, made.documents, dtype=pl.String)
    parts = np.array(made.parts, dtype=np.int8)
    notes = []
    if len(files) > 1:
        told = ", ".join(
            f"{PART_NAMES[part]} {file.name} ({(parts == part).sum():,} sentences)" for part, file in files
        )
        first = files[0][1].name
        said = PART.findall(first.lower())
        other = (
            "" if not said or PART_WORDS[said[-1]] == TRAIN else f" No training part is there: {first} is learned from."
        )
        text = f"The parts are given by the files' names: {told}.{other}"
        notes.append(Note(subject="split", text=text, override="--test none"))
    frame = pl.DataFrame([*columns.values(), pl.Series("part", parts)])
    return Source(
        name=short_name(path),
        origin=readable(str(path)),
        layout=TaggedReader.name,
        columns={name: TableColumn(name=name, values=values) for name, values in columns.items()},
        num_rows=len(made.names),
        fingerprint=fingerprint.of_frame(frame),
        target=PARTS_OF_SPEECH if PARTS_OF_SPEECH in columns else names[-1],
        tokens=names[0],
        given_split=parts if len(files) > 1 else None,
        row_names=made.names,
        notes=notes,
    )
