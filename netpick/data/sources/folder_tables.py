"""Which table in a folder of media names the files there: labels.csv beside train/, meta/esc50.csv beside audio/."""

from __future__ import annotations

import csv
import os
from itertools import islice
from pathlib import Path

import polars as pl

from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.cutting import squeeze
from netpick.data.sources.folder_levels import part_of, shared_word
from netpick.data.sources.media_names import OF_MEDIA, MediaFiles, list_folder, media_columns
from netpick.data.sources.paths import PART_WORDS, WORD
from netpick.types import TRAIN, Media, Note

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
MOST_TABLES, MOST_FOLDERS, MOST_WRAPPERS = 20, 40, 3
MOST_ENTRIES = 2_000  # of a folder that are looked at: one with more holds media
LARGEST = 512 << 20  # bytes
HEAD = 256 << 10  # bytes that are looked at
ROWS = 400


def table_of_media(folder: Path, kind: Media | None) -> tuple[Path, bool] | None:
    """The table that names the media in a folder, and whether the folders there could not be classes themselves.

    kind: of the media in the folder; None where there are none.
    """
    folder = _innermost(folder)
    tables = _tables(folder) if kind is not None else []
    if kind is None or not tables:
        return None
    media = list_folder(folder, kind)
    naming = [table for table in tables if names_media(table, media)]
    if not naming:
        return None
    learned = [table for table in naming if _part(table) == TRAIN] or naming
    return max(learned, key=lambda table: (-len(table.parts), table.stat().st_size)), not _are_classes(media)


def _innermost(folder: Path) -> Path:
    """The folder inside of folders that hold nothing else, as archives unpack."""
    for _ in range(MOST_WRAPPERS):
        entries = [entry for entry in _entries(folder) if not is_junk(entry.name)]
        if len(entries) != 1 or not entries[0].is_dir(follow_symlinks=False):
            break
        folder = Path(entries[0].path)
    return folder


def _tables(folder: Path) -> list[Path]:
    """Small tables of text in a folder, and in the folders right in it."""
    places = [folder, *(Path(e.path) for e in _entries(folder) if e.is_dir(follow_symlinks=False))][:MOST_FOLDERS]
    tables = [
        Path(entry.path)
        for place in places
        for entry in _entries(place)
        if entry.name.lower().endswith(SUFFIXES) and entry.is_file() and 0 < entry.stat().st_size <= LARGEST
    ]
    return tables if len(tables) <= MOST_TABLES else []


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            some = islice((e for e in entries if not e.name.startswith(".")), MOST_ENTRIES)
            return sorted(some, key=lambda entry: entry.name)
    except OSError:
        return []


def names_media(table: Path, media: MediaFiles) -> bool:
    """Whether a column of the first rows names these files, and another column says something of them."""
    for columns in _columns(table):
        notes: list[Note] = []
        series = [pl.Series(str(place), cells) for place, cells in enumerate(columns)]
        named = media_columns(series, [media], notes)
        others = [one for one in series if one.n_unique() > 1 and one.name not in named]
        if named and others:
            return True
    return False


def _columns(table: Path) -> list[list[list[str]]]:
    """The columns of the first rows, the first one left out, by each separator that divides them alike."""
    try:
        with table.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return []
    text = head.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")[: ROWS + 1]
    lines = lines if len(head) < HEAD else lines[:-1]
    found = []
    for separator in (",", "\t", ";", "|", " "):
        try:
            rows = [
                row
                for row in csv.reader(map(squeeze, lines) if separator == " " else lines, delimiter=separator)
                if row
            ]
        except csv.Error:
            continue
        width = len(rows[-1 if separator == " " else 0]) if rows else 0  # names of row names may be left out
        whole = [row for row in rows[1:] if len(row) == width]
        if width > 1 and len(whole) >= 0.9 * max(1, len(rows) - 1) and whole:
            found.append([[row[place] for row in whole] for place in range(width)])
    return found


def _part(table: Path) -> int | None:
    words = WORD.findall(table.name.lower())
    return PART_WORDS[words[-1]] if words else None


def _are_classes(media: MediaFiles) -> bool:
    """Whether the folders of the files could be classes: several, and neither parts nor folds nor named after media."""
    folders = {path.rpartition("/")[0] for path in media.paths}
    last = {folder.rpartition("/")[2] for folder in folders if folder}
    if len(last) < 2:
        return False
    generic = [name for name in last if part_of(name) is not None or _is_of_media(name)]
    return not generic and not shared_word(sorted(last))


def _is_of_media(name: str) -> bool:
    return name.lower() in OF_MEDIA
