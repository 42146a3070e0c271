"""Folders of pieces of music: a CSV of chords a piece (a column a voice, a row a step), or a MIDI file a piece."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.notes import HIGHEST, MOST_CHORDS, MOST_VOICES, chords_of, text_of_chords
from netpick.data.sources import fingerprint
from netpick.data.sources.base import AS_FOUND, Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.folder_levels import part_folders
from netpick.data.sources.midi import MIDI_ENDINGS, UnreadablePiece, midi_chords
from netpick.data.sources.paths import PART_NAMES, readable, short_name
from netpick.errors import DataError
from netpick.types import TRAIN, Array, Note, Source, TableColumn, UnreadableRow
from netpick.types.words import counted

ENDING = ".csv"
COLUMN = "piece"
VOICE = re.compile(r"(note|voice|part|track)[ _-]?\d+|soprano|alto|tenor|bass", re.IGNORECASE)
LOOK_FILES, FEWEST_LINES = 3, 4  # that must look like chords
LOWEST_USUAL = 12  # note; CSV files without names of voices hold such or silence
MOST_FILES, MOST_DEPTH = 100_000, 4
MOST_BYTES = 4 << 20  # of one file


@dataclass(frozen=True, kw_only=True)
class PieceFile:
    """One piece, and which part its folder says."""

    path: Path
    name: str  # below the folder
    part: int | None


class ChordFolderReader(Reader):
    """chorales/train/1.csv, or songs/1.mid: a piece a file."""

    name: ClassVar[str] = "chord_folder"
    description: ClassVar[str] = "chords (CSV, MIDI)"
    reads_beside: ClassVar[bool] = True

    def recognises(self, path: Path) -> bool:
        return holds_chords(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        files = _in_parts([path] if path.is_file() else list(_listed(path)), path)
        pieces, notes = list[tuple[PieceFile, Array]](), list[Note]()
        unreadable = list[UnreadableRow]()
        for file in files:
            try:
                chords = piece_of(file.path)
            except UnreadablePiece as error:
                unreadable.append(UnreadableRow(row=len(pieces), path=readable(file.name), reason=str(error)))
                continue
            if len(chords):
                pieces.append((file, chords))
            else:
                unreadable.append(UnreadableRow(row=len(pieces), path=readable(file.name), reason="it holds no chord"))
        if not pieces:
            why = f" ({unreadable[0].path}: {unreadable[0].reason})" if unreadable else ""
            raise DataError(
                f"{path} holds no piece that can be read{why}, but some chords were expected in each. Check the files."
            )
        pieces, said = _of_as_many_voices(pieces)
        notes += said
        if unreadable:
            listed = "; ".join(f"{one.path}: {one.reason}" for one in unreadable[:3])
            text = f"{counted(len(unreadable), 'file')} left out ({listed}{'; ...' if len(unreadable) > 3 else ''})."
            notes.append(Note(subject="files", text=text))
        return _source(path, pieces, notes, unreadable, find_test=options.find_test)


def _source(
    path: Path,
    pieces: Sequence[tuple[PieceFile, Array]],
    notes: list[Note],
    unreadable: Sequence[UnreadableRow],
    *,
    find_test: bool,
) -> Source:
    texts = pl.Series(COLUMN, [text_of_chords(chords.tolist()) for _, chords in pieces], dtype=pl.String)
    parts = [file.part for file, _ in pieces]
    given = find_test and any(part is not None for part in parts)
    voices, steps = pieces[0][1].shape[1], sum(len(chords) for _, chords in pieces)
    told = f"{counted(len(pieces), 'piece')} of {counted(voices, 'voice')}, {steps:,} chords"
    if given:
        counts = {
            part: sum(one in ((None, part) if part == TRAIN else (part,)) for one in parts) for part in PART_NAMES
        }
        told += f" ({', '.join(f'{PART_NAMES[part]} {count:,}' for part, count in counts.items() if count)})"
    return Source(
        name=short_name(path),
        origin=readable(str(path)),
        layout=ChordFolderReader.name,
        columns={COLUMN: TableColumn(name=COLUMN, values=texts)},
        num_rows=len(pieces),
        fingerprint=fingerprint.of_frame(pl.DataFrame({COLUMN: texts, "part": pl.Series(parts, dtype=pl.Int8)})),
        given_split=np.array([TRAIN if part is None else part for part in parts], dtype=np.int8) if given else None,
        notes=[Note(subject="files", text=f"What was read: {told}."), *notes],
        unreadable=unreadable,
        row_names=[readable(file.name) for file, _ in pieces],
        music=COLUMN,
    )


def piece_of(path: Path) -> Array:
    """(n, V) chords of one file. Raises DataError for a CSV of anything else, UnreadablePiece for MIDI that cannot be read."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnreadablePiece(f"it has {size:,} bytes, but a piece of at most {MOST_BYTES:,} was expected")
    if path.suffix.lower() in MIDI_ENDINGS:
        return midi_chords(path)
    text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    head, _, rest = text.partition("\n")
    names = [cell.strip(" \"'") for cell in re.split(r"[,;\t]", head)]
    has_names = any(not cell.isdecimal() for cell in names if cell)
    try:
        chords = chords_of((rest if has_names else text).replace('"', ""), None)
        if len(chords) and has_names and chords.shape[1] != len(names):
            raise ValueError(f"chord 1 has {chords.shape[1]} notes, but its first line names {len(names)} voices")
    except ValueError as error:
        raise DataError(f"In {readable(str(path))}, {error}. Correct the file, or leave it out.") from None
    return chords


def holds_chords(path: Path, *, fewest: int = 2) -> bool:
    """Whether a path is a MIDI file, or a folder of them or of at least so many CSV files of chords; looks into three files."""
    if path.is_file():
        return path.suffix.lower() in MIDI_ENDINGS
    if not path.is_dir():
        return False
    some = list(islice(_listed(path), 2_000))
    midi = [file for file in some if file.suffix.lower() in MIDI_ENDINGS]
    if midi:
        return 2 * len(midi) > len(some)
    return len(some) >= fewest and all(map(_is_chords, some[:: -(-len(some) // LOOK_FILES)]))


def pieces_in(data: object) -> Source | None:
    """Pieces that are known to be such, be it a single file of chords; None for anything else. Raises DataError."""
    if not isinstance(data, str | Path):
        return None
    path = Path(data)
    single = path.is_file() and path.suffix.lower() == ENDING and _is_chords(path)
    return ChordFolderReader().read(path, AS_FOUND) if single or holds_chords(path, fewest=1) else None


def _is_chords(path: Path) -> bool:
    """Whether a CSV file is a piece, by its first lines: names of voices and notes, or usual notes alone."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = [row for row in csv.reader(islice(file, 40)) if row]
    except (OSError, csv.Error):
        return False
    if not rows or not 2 <= len(rows[0]) <= MOST_VOICES:
        return False
    if all(VOICE.fullmatch(cell.strip()) for cell in rows[0]):
        return all(cell.strip().isdecimal() for row in rows[1:2] for cell in row)
    if len(rows) < FEWEST_LINES:
        return False
    notes = [cell.strip() for row in rows for cell in row]
    held = sum(row == before for before, row in pairwise(rows))  # chords last longer than a step
    return 10 * held >= len(rows) and all(
        cell.isdecimal() and (int(cell) == 0 or LOWEST_USUAL <= int(cell) <= HIGHEST) for cell in notes
    )


def _listed(folder: Path) -> Iterator[Path]:
    """The files that can be pieces, in the order of their names; nothing where other files lie among them."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        if len(Path(base).relative_to(folder).parts) >= MOST_DEPTH:
            folders[:] = []
        for name in sorted(names):
            if not is_junk(name) and name.lower().endswith((ENDING, *MIDI_ENDINGS)):
                yield Path(base) / name


def _in_parts(files: Sequence[Path], root: Path) -> list[PieceFile]:
    """Each file with the part that its folder below the root says."""
    if len(files) > MOST_FILES:
        raise DataError(
            f"{root} holds {len(files):,} pieces, but at most {MOST_FILES:,} were expected. Pass a part of them."
        )
    named = [file.name if root.is_file() else file.relative_to(root).as_posix() for file in files]
    tops = {name.partition("/")[0] for name in named if "/" in name}
    parts = part_folders(tops) if tops else {}
    return [
        PieceFile(path=file, name=name, part=parts.get(name.partition("/")[0]) if "/" in name else None)
        for file, name in zip(files, named, strict=True)
    ]


def _of_as_many_voices(pieces: list[tuple[PieceFile, Array]]) -> tuple[list[tuple[PieceFile, Array]], list[Note]]:
    """The pieces with voices that are silent where MIDI files have fewer than others. Raises DataError for CSV files that differ."""
    widths = np.array([chords.shape[1] for _, chords in pieces])
    if (widths == widths[0]).all():
        return pieces, []
    usual = int(np.bincount(widths).argmax())
    other = next(number for number, width in enumerate(widths) if width != usual)
    if not all(file.path.suffix.lower() in MIDI_ENDINGS for file, _ in pieces):
        raise DataError(
            f"{readable(str(pieces[other][0].path))} has {counted(int(widths[other]), 'voice')}, but the other pieces have {usual}. Bring all pieces to "
            "as many voices (0 is silence), or leave this one out."
        )
    most = int(widths.max())
    filled = [(file, np.pad(chords, ((0, 0), (0, most - chords.shape[1])))) for file, chords in pieces]
    fewer = int((widths < most).sum())
    text = f"{counted(fewer, 'piece')} with fewer than {most} voices: the others are silent there."
    return filled, [Note(subject="voices", text=text)]


__all__ = ["MOST_CHORDS", "ChordFolderReader", "holds_chords", "piece_of"]
