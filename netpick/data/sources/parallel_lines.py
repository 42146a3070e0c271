"""Texts in two languages, line by line: train.en beside train.de, plain or packed, with the other parts where their names say so."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.languages import SIDES, is_language
from netpick.data.sources.paths import PART_NAMES, PART_WORDS, WORD, bare, readable, short_name
from netpick.data.sources.plain_text import first_lines, whole_text
from netpick.errors import DataError
from netpick.types import TRAIN, Note, Source, TableColumn

NAME = re.compile(r"(.+)\.([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?|source|target)")
MOST_FILES = 2_000


@dataclass(frozen=True, kw_only=True)
class Together:
    """Files of the same lines: by language."""

    stem: str
    files: Mapping[str, Path]

    @property
    def part(self) -> int | None:
        """Which part their name says; None where it says none."""
        words = WORD.findall(self.stem.lower())
        return PART_WORDS[words[-1]] if words else None


class ParallelLinesReader(Reader):
    """Lines of two files or more that belong together."""

    name: ClassVar[str] = "parallel_lines"
    description: ClassVar[str] = "lines in two languages (train.en, train.de)"
    reads_beside: ClassVar[bool] = True

    def recognises(self, path: Path) -> bool:
        return bool(parallel_files(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        found = parallel_files(path)
        if not options.find_test and path.is_file():
            found = [one for one in found if path.absolute() in one.files.values()]
        if not found:
            raise DataError(
                f"{path} has no partner in another language beside it, but train.en beside train.de was expected."
            )
        languages = list(found[0].files)
        columns: dict[str, list[str]] = {language: [] for language in languages}
        parts: list[int] = []
        told = []
        split = any(one.part not in (None, TRAIN) for one in found) and any(one.part in (None, TRAIN) for one in found)
        for one in found:
            lines = {language: _lines(file, options.encoding) for language, file in one.files.items()}
            _require_alike(one, lines)
            part = one.part if split and one.part is not None else TRAIN
            count = len(lines[languages[0]])
            for language in languages:
                columns[language] += lines[language]
            parts += [part] * count
            told.append(f"{readable(one.stem)} ({count:,} lines{', ' + PART_NAMES[part] if split else ''})")
        return _source(path, columns, np.array(parts, dtype=np.int8) if split else None, told)


def parallel_files(path: Path) -> list[Together]:
    """The files of a folder, or beside a file, that hold the same lines in several languages, the training part first; [] where none do."""
    folder = path if path.is_dir() else path.parent
    own = None if path.is_dir() else NAME.fullmatch(bare(path.name))
    if not path.is_dir() and (own is None or not path.is_file()):
        return []
    stems: dict[str, dict[str, Path]] = {}
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(MOST_FILES), strict=False) if entry.is_file()]
    except OSError:
        return []
    for name in sorted(names):
        match = NAME.fullmatch(bare(name))
        if match and not is_junk(name) and _is_side(match[2]):
            stems.setdefault(match[1], {}).setdefault(match[2], folder.absolute() / name)
    together = [Together(stem=stem, files=files) for stem, files in stems.items() if len(files) > 1]
    if own is not None:
        together = [one for one in together if one.stem == own[1] or one.part is not None]
        if all(one.stem != own[1] for one in together):
            return []
    if not together:
        return []
    leader = next((one for one in together if own and one.stem == own[1]), None)
    leader = leader or min(together, key=lambda one: (one.part or TRAIN, one.stem))
    alike = [one for one in together if set(one.files) == set(leader.files)]
    if not any(first_lines(file) for file in leader.files.values()):  # one that is no text is named when it is read
        return []
    return sorted(alike, key=lambda one: (one.part or TRAIN, one.stem))


def own_lines(path: str | Path, column: str, encoding: str | None) -> Source | None:
    """The lines of a file that is named after its language and has no partner beside it; None for any other."""
    path = Path(path)
    try:
        match = NAME.fullmatch(bare(path.name)) if path.is_file() else None
    except (OSError, ValueError):  # a text, and no name of a file
        return None
    if match is None or not _is_side(match[2]) or parallel_files(path):
        return None
    cells = pl.Series(column, _lines(path, encoding), dtype=pl.String)
    return Source(
        name=short_name(path),
        origin=readable(str(path)),
        layout=ParallelLinesReader.name,
        columns={column: TableColumn(name=column, values=cells)},
        num_rows=len(cells),
        fingerprint=fingerprint.of_frame(cells.to_frame()),
    )


def _is_side(word: str) -> bool:
    return is_language(word) or word.lower() in SIDES


def _lines(file: Path, encoding: str | None) -> list[str]:
    text = whole_text(file, encoding).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").removesuffix("\n")
    return [line.strip() for line in text.split("\n")]


def _require_alike(together: Together, lines: Mapping[str, Sequence[str]]) -> None:
    """Raises DataError for files of unequal numbers of lines."""
    counts = {language: len(found) for language, found in lines.items()}
    if len(set(counts.values())) == 1:
        return
    longest, shortest = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    first = counts[shortest] + 1
    names = {language: readable(file.name) for language, file in together.files.items()}
    extra = lines[longest][first - 1][:60]
    gap = next((n for n, line in enumerate(lines[shortest], start=1) if not line and lines[longest][n - 1]), None)
    hint = "" if gap is None else f" Line {gap:,} of {names[shortest]} is empty, and that of {names[longest]} is not."
    raise DataError(
        f"{names[longest]} has {counts[longest]:,} lines and {names[shortest]} {counts[shortest]:,}, but line by line they should say the same. "
        f"Line {first:,} of {names[longest]} ({extra!r}) has no partner.{hint} Give both files the same number of lines."
    )


def _source(path: Path, columns: Mapping[str, list[str]], parts: np.ndarray | None, told: Sequence[str]) -> Source:
    frame = pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name, cells in columns.items()})
    keyed = frame if parts is None else frame.with_columns(pl.Series("\0part", parts))
    if not any(map(str.strip, next(iter(columns.values())))):
        raise DataError(
            f"{path} holds no text, but lines in {len(columns)} languages were expected. Check how it was written."
        )
    return Source(
        name=short_name(path),
        origin=readable(str(path)),
        layout=ParallelLinesReader.name,
        columns={name: TableColumn(name=name, values=frame[name]) for name in columns},
        num_rows=frame.height,
        fingerprint=fingerprint.of_frame(keyed),
        given_split=parts,
        pairs=True,
        notes=[Note(subject="files", text=f"Read line by line in {', '.join(columns)}: {', '.join(told)}.")],
    )
