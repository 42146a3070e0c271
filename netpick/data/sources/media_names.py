"""Where the media files lie that a column of a table names: beside the table, in folders around it, or in the same zip.

People write such names with and without folders, with and without endings, with backslashes. A name counts only where it can
mean one file alone. Folders are listed up to a limit, and only where a column looks like one of names.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import polars as pl

from netpick.data.sources.paths import MEDIA_NOUNS, MEDIA_SUFFIXES
from netpick.data.sources.unread_media import UNREAD
from netpick.types import FileColumn, Media, Note, Source, TableColumn

LOOKED_AT = 200  # cells that tell whether a column names files
NAMED = 0.9  # share of them that has to
FOUND = 0.5  # share of the names that has to be there, where folders are searched
LISTED_FOLDERS, LISTED_FILES, DEEPEST = 2_000, 500_000, 4
LOOKED_INTO = 40  # folders whose first files are looked at for names without endings
LONGEST_NAME = 200
FILE_NAME = re.compile(
    r"\S\.(?:"
    + "|".join(
        ending[1:]
        for ending in (
            *(ending for endings in MEDIA_SUFFIXES.values() for ending in endings),
            *UNREAD,
            *(
                ".txt",
                ".pdf",
                ".doc",
                ".docx",
                ".html",
                ".xml",
                ".json",
                ".csv",
                ".npy",
                ".npz",
                ".mat",
                ".h5",
                ".pkl",
                ".pt",
            ),
        )
    )
    + r")(?:\.gz)?$"
)
OF_MEDIA = {
    *(
        "image",
        "images",
        "img",
        "imgs",
        "photos",
        "pictures",
        "audio",
        "audios",
        "sounds",
        "wav",
        "wavs",
        "clips",
        "videos",
    ),
}
META = {"meta", "metadata", "labels", "label", "csv", "csvs", "annotations", "annotation", "tables", "splits", "lists"}


@dataclass(frozen=True, kw_only=True)
class MediaFiles:
    """Media files of one kind below a folder or in a zip, by their path relative to it, with plain slashes."""

    root: Path
    paths: frozenset[str]
    kind: Media
    in_zip: bool = False

    def find(self, names: Sequence[str]) -> dict[str, str]:
        """By name, the one file that it means."""
        for key in (_same, _last_two, _base, _without_ending, _last_two_without_ending, _base_without_ending):
            index = self._index(key)
            paths = {name: index[short] for name in names if (short := key(_plain(name))) in index}
            if len(paths) >= FOUND * len(names):
                return paths
        return {}

    def _index(self, key: Callable[[str], str]) -> dict[str, str]:
        counts = Counter(key(path) for path in self.paths)
        return {key(path): path for path in self.paths if counts[key(path)] == 1}


def media_columns(
    columns: Sequence[pl.Series], places: Sequence[MediaFiles | Path], notes: list[Note]
) -> dict[str, FileColumn]:
    """The columns that name media, by their name: those with endings, or else the first one without."""
    texts = [one for one in columns if one.dtype == pl.String]
    if not places or not columns:
        return {}
    named = {one.name: kind for one in texts if (kind := _named_kind(_sample(one))) is not None}
    media = {one.name: _named_media(one, named[one.name], places, notes) for one in texts if one.name in named}
    if named:
        return {name: column for name, column in media.items() if column is not None}
    bare = [one for one in [*texts, *(c for c in columns if c.dtype.is_integer())] if _may_be_bare(_sample(one))]
    nearby = [_Nearby.of(place) for place in places] if bare else []  # looked at once, for all columns
    for one in bare if any(near.folders for near in nearby) else ():
        column = _without_endings(one, _sample(one), nearby, notes)
        if column is not None:
            return {one.name: column}
    return {}


@dataclass(frozen=True, kw_only=True)
class _Nearby:
    """A place, and the folders near its top that hold media, each with the endings seen there, by kind."""

    place: MediaFiles | Path
    folders: Sequence[tuple[Media, Path, Sequence[str]]]

    @classmethod
    def of(cls, place: MediaFiles | Path) -> _Nearby:
        if isinstance(place, MediaFiles):
            return cls(place=place, folders=[(place.kind, place.root, ())])
        seen = [(kind, folder, endings) for folder in _shallow(place) for kind, endings in _endings(folder).items()]
        return cls(place=place, folders=seen)

    def listed(self, names: Sequence[str]) -> MediaFiles | None:
        """The files of the place, where some of the names are among them."""
        if isinstance(self.place, MediaFiles):
            return self.place
        for kind, folder, endings in self.folders:
            if any(_is_file(folder, f"{_plain(name)}{ending}") for name in names for ending in endings):
                return list_folder(self.place, kind)
        return None


def _may_be_bare(sample: Sequence[str]) -> bool:
    """Whether cells could be names without endings: all different, none empty or long."""
    return (
        len(sample) > 1
        and len(set(sample)) == len(sample)
        and 0 < min(map(len, sample)) <= max(map(len, sample)) <= LONGEST_NAME
    )


def _sample(series: pl.Series) -> list[str]:
    # An expression of polars costs more than a short column, and there may be thousands of them.
    cells = series.drop_nulls() if series.null_count() else series
    every = max(1, len(cells) // LOOKED_AT)
    return (cells.gather_every(every) if every > 1 else cells).cast(pl.String).to_list()


def _named_media(
    series: pl.Series, kind: Media, places: Sequence[MediaFiles | Path], notes: list[Note]
) -> FileColumn | None:
    """A column of names with endings, as one of files where they are found in one of the places; a note in any case.

    A place that is a folder is listed only when it is needed.
    """
    sample = _sample(series)
    folder = next((place for place in places if isinstance(place, Path)), None)
    paths = {cell: cell for cell in sample if folder is not None and _is_file(folder, cell)}
    if folder is not None and (paths or not places):
        return _column(series, folder, kind, notes, (paths, len(sample)))
    for place in _listed(places, kind):
        paths = place.find(sample)
        if paths:
            return _found_column(series, place, notes)
    noun = MEDIA_NOUNS[kind]
    text = (
        f"Column {series.name!r} names {noun.removesuffix('s')} files such as {sample[0][:100]!r}, but none of them is in "
        f"{_where(places)}; it is left out."
    )
    notes.append(Note(subject=noun, text=text, override="--kind"))
    return None


def names_files(series: pl.Series) -> bool:
    """Whether nine of ten cells of a column of text are names of files: media, or documents such as 12.dcm and a/b.txt."""
    cells = series.drop_nulls()
    sample = cells.gather_every(max(1, len(cells) // LOOKED_AT)).to_list()
    named = sum(FILE_NAME.search(cell.lower()) is not None and "://" not in cell for cell in sample)
    return bool(sample) and named >= NAMED * len(sample)


def with_media(source: Source, places: Sequence[MediaFiles | Path]) -> Source:
    """A table once more, with its columns of names looked up in other places."""
    notes = [note for note in source.notes if note.subject not in MEDIA_NOUNS.values()]
    tables = [column.values for column in source.columns.values() if isinstance(column, TableColumn)]
    media = media_columns(tables, places, notes)
    return replace(source, columns={**source.columns, **media}, notes=notes)


def folders_around(folder: Path) -> list[Path]:
    """Where the files that a table names may lie: its folder; of one called meta or labels, that above it; else the folders
    beside it that are called after media."""
    absolute = folder.absolute()
    if absolute.name.lower() in META:
        return [folder, absolute.parent]
    if _holds_folders(absolute):
        return [folder]
    beside = [Path(entry.path) for entry in _entries(absolute.parent, LISTED_FOLDERS) if entry.name.lower() in OF_MEDIA]
    return [folder, *(one for one in beside if one.is_dir() and one != absolute)]


def list_folder(root: Path, kind: Media) -> MediaFiles:
    """The media below a folder, nearest ones first, up to a limit; hidden files and links to folders are left out."""
    paths: list[str] = []
    waiting, listed = [(0, "")], 0
    while waiting and listed < LISTED_FOLDERS and len(paths) < LISTED_FILES:
        depth, relative = waiting.pop(0)
        listed += 1
        prefix = f"{relative}/" if relative else ""
        for entry in _entries(root / relative):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth < DEEPEST:
                    waiting.append((depth + 1, prefix + entry.name))
            elif entry.name.lower().endswith(MEDIA_SUFFIXES[kind]):
                paths.append(prefix + entry.name)
    return MediaFiles(root=root, paths=frozenset(paths), kind=kind)


# --- one column ------------------------------------------------------------------------------------------------------


def _named_kind(sample: Sequence[str]) -> Media | None:
    for kind, suffixes in MEDIA_SUFFIXES.items():
        named = sum(cell.lower().endswith(suffixes) for cell in sample)
        if named and named >= NAMED * len(sample):
            return kind
    return None


def _without_endings(
    series: pl.Series, sample: Sequence[str], nearby: Sequence[_Nearby], notes: list[Note]
) -> FileColumn | None:
    """Names such as 0001, of files 0001.jpg: only where the first of them are found at once, and nine of ten in the end."""
    for near in nearby:
        listed = near.listed(sample[:5])
        if listed is not None and len(listed.find(sample)) >= NAMED * len(sample):
            return _found_column(series, listed, notes)
    return None


def _endings(folder: Path) -> dict[Media, list[str]]:
    """Endings of the first media in a folder, as they are spelled there, by kind."""
    found: dict[Media, list[str]] = {}
    for entry in _entries(folder, LOOKED_INTO):
        ending = os.path.splitext(entry.name)[1]
        for kind, suffixes in MEDIA_SUFFIXES.items():
            if ending.lower() in suffixes and ending not in found.get(kind, ()):
                found.setdefault(kind, []).append(ending)
    return found


def _shallow(folder: Path) -> Iterator[Path]:
    """A folder and those in it, two levels deep, some of them."""
    yield folder
    shown = 0
    level = [folder]
    for _ in range(2):
        level = [
            Path(entry.path)
            for one in level
            for entry in _entries(one, LISTED_FOLDERS)
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
        ][:LOOKED_INTO]
        for one in level:
            shown += 1
            if shown > LOOKED_INTO:
                return
            yield one


def _listed(places: Sequence[MediaFiles | Path], kind: Media) -> Iterator[MediaFiles]:
    for place in places:
        if isinstance(place, Path):
            yield list_folder(place, kind)
        elif place.kind == kind:
            yield place


def _found_column(series: pl.Series, place: MediaFiles, notes: list[Note]) -> FileColumn:
    """All cells as the files that they mean; those that mean none stay as they are, and are missing then."""
    texts = series.cast(pl.String)
    names = texts.drop_nulls().unique().to_list()
    resolved = place.find(names)
    noun = MEDIA_NOUNS[place.kind]
    folders = sorted({path.rpartition("/")[0] for path in resolved.values()})
    where = "the zip" if place.in_zip else str(place.root)
    inside = (
        f", in {folders[0]}/"
        if len(folders) == 1 and folders[0]
        else f", in {len(folders):,} folders"
        if len(folders) > 1
        else ""
    )
    text = f"Column {series.name!r} names {noun}, found in {where}{inside}."
    if len(resolved) < len(names):
        text += f" {len(names) - len(resolved):,} of {len(names):,} are not there."
    notes.append(Note(subject=noun, text=text))
    paths = [resolved.get(cell, _plain(cell)) if cell else "" for cell in texts.fill_null("").to_list()]
    return FileColumn(name=series.name, root=place.root, paths=paths, kind=place.kind, in_zip=place.in_zip)


def _column(
    series: pl.Series, folder: Path, kind: Media, notes: list[Note], seen: tuple[dict[str, str], int]
) -> FileColumn:
    """A column whose cells are paths as they stand, relative to a folder."""
    found, looked = seen
    noun = MEDIA_NOUNS[kind]
    text = f"Column {series.name!r} names {noun}, found relative to {folder}."
    if len(found) < looked:
        text = f"Column {series.name!r} names {noun}; of {looked:,} looked up, {looked - len(found):,} are not there."
    notes.append(Note(subject=noun, text=text))
    return FileColumn(name=series.name, root=folder, paths=series.fill_null("").to_list(), kind=kind)


def _where(places: Sequence[MediaFiles | Path]) -> str:
    shown = [str(place) if isinstance(place, Path) else "the zip" for place in places]
    return " or ".join(shown) or "any place that is known"


# --- names -----------------------------------------------------------------------------------------------------------


def _plain(name: str) -> str:
    """A name with plain slashes and without ./ in front."""
    name = name.strip().replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name


def _same(path: str) -> str:
    return path


def _last_two(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _without_ending(path: str) -> str:
    """Without an ending of media: 0001.5 keeps its 5."""
    folder, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    known = f".{ending.lower()}"
    is_media = dot and any(known in suffixes for suffixes in MEDIA_SUFFIXES.values())
    return f"{folder}{slash}{stem if is_media else name}"


def _last_two_without_ending(path: str) -> str:
    return _last_two(_without_ending(path))


def _base_without_ending(path: str) -> str:
    return _base(_without_ending(path))


def _is_file(folder: Path, cell: str) -> bool:
    try:
        return (folder / cell).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return False


def _holds_folders(folder: Path) -> bool:
    return any(
        entry.is_dir(follow_symlinks=False)
        for entry in _entries(folder, LISTED_FOLDERS)
        if not entry.name.startswith(".")
    )


def _entries(folder: Path, most: int | None = None) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(islice(entries, most), key=lambda entry: entry.name)
    except OSError:
        return []
