"""Folders of plain texts: class folders of .txt files, or one .txt file a class with an example a line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.any_texts import hold_texts, may_be_text
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.folder_levels import WITHOUT_LABEL, part_folders, without_label
from netpick.data.sources.image_folder import is_there
from netpick.data.sources.paths import MEDIA_SUFFIXES, PART_NAMES, PART_WORDS, WORD, readable
from netpick.data.sources.text_bytes import TextDecoder, Unreadable, read_bytes
from netpick.errors import DataError
from netpick.types import TRAIN, Note, Source, TableColumn, UnreadableRow

ENDING = ".txt"
ABOUT = ("readme", "license", "licence", "copying", "changelog", "notes", "requirements")  # files about the data
MEDIA = tuple(suffix for suffixes in MEDIA_SUFFIXES.values() for suffix in suffixes)
LOOK_FOLDERS, LOOK_FILES = 20, 500
MOST_LINES_FILE = 1 << 30  # bytes of one file of lines
READING_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """One text: its path below the root, and what the folders above it say."""

    path: str
    folders: tuple[str, ...]  # below the part's folder
    part: int | None

    @property
    def stem(self) -> str:
        return self.path.rpartition("/")[2][: -len(ENDING)]


@dataclass(kw_only=True)
class _Rows:
    """What was read so far."""

    texts: list[str | None] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parts: list[int | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def split(self) -> bool:
        return any(part is not None for part in self.parts)

    def add(self, text: str, label: str, part: int | None, name: str) -> None:
        self.texts.append(text or None)
        self.labels.append(readable(label))
        self.parts.append(part)
        self.names.append(readable(name))


class TextFolderReader(Reader):
    """reviews/good/1.txt, or reviews/train/good/1.txt: one text a file, with any ending or none."""

    name: ClassVar[str] = "text_folder"
    description: ClassVar[str] = "a folder of class folders of .txt files"

    def recognises(self, path: Path) -> bool:
        if not path.is_dir():
            return False
        return not _holds_class_files(path) if mostly_texts(path) else hold_texts(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        rows = _Rows()
        listed = _listed(path, rows) if mostly_texts(path) or not hold_texts(path) else _listed(path, rows, may_be_text)
        files = _in_parts(listed, options.find_test, rows)
        files = _without_unlabelled(files, rows)
        in_folders = [file for file in files if file.folders]
        if len({file.folders[0] for file in in_folders}) < 2:
            raise _no_classes(path, {file.stem for file in files})
        if len(in_folders) < len(files):
            text = f"{len(files) - len(in_folders):,} texts beside the class folders are left out: they have no class."
            rows.notes.append(Note(subject="files", text=text))
        _read_documents(path, in_folders, options, rows)
        return _source(path, rows, self.name)


class TextLinesReader(Reader):
    """names/Irish.txt, or names/train/Irish.txt: one text a line, one file a class."""

    name: ClassVar[str] = "text_lines"
    description: ClassVar[str] = "a folder of a .txt file a class, an example a line"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and mostly_texts(path) and _holds_class_files(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        rows = _Rows()
        files = _in_parts(_listed(path, rows), options.find_test, rows)
        _read_lines(path, [file for file in files if not file.folders and not is_about(file.stem)], options, rows)
        return _source(path, rows, self.name)


def _source(path: Path, rows: _Rows, layout: str) -> Source:
    if not any(rows.texts):
        reason = f" ({rows.unreadable[0].path}: {rows.unreadable[0].reason})" if rows.unreadable else ""
        raise DataError(
            f"{path} holds no text that can be read{reason}, but texts with words in them were expected. Check how they "
            "were written."
        )
    frame = pl.DataFrame(
        {"text": rows.texts, "label": rows.labels, "part": rows.parts},
        schema={"text": pl.String, "label": pl.String, "part": pl.Int8},
    )
    return Source(
        name=readable(path.absolute().name),
        origin=str(path),
        layout=layout,
        columns={name: TableColumn(name=name, values=frame[name]) for name in ("text", "label")},
        num_rows=frame.height,
        fingerprint=fingerprint.of_frame(frame),
        target="label",
        given_split=np.array([TRAIN if p is None else p for p in rows.parts], np.int8) if rows.split else None,
        notes=rows.notes,
        unreadable=rows.unreadable,
        row_names=rows.names,
    )


# --- what lies where -------------------------------------------------------------------------------------------------


def mostly_texts(path: Path) -> bool:
    """Whether there are at least twice as many .txt files as pictures, sounds and clips; looks at some hundred files."""
    texts = media = 0
    waiting, looked = [str(path)], 0
    while waiting and looked < LOOK_FOLDERS and texts + media < LOOK_FILES:
        looked += 1
        try:
            with os.scandir(waiting.pop(0)) as entries:
                for entry in islice(entries, LOOK_FILES):
                    name = entry.name.lower()
                    if is_junk(name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    texts += name.endswith(ENDING) and not is_about(name[: -len(ENDING)])
                    media += name.endswith(MEDIA)
        except OSError:
            continue
    return texts > 2 * media


def _holds_class_files(path: Path) -> bool:
    """Whether .txt files lie in the folder itself, or in its train and test folders, and no class folders do."""
    try:
        inner = [entry for entry in path.iterdir() if not is_junk(entry.name)]
        if len(inner) == 1 and inner[0].is_dir():
            return _holds_class_files(inner[0])
        folders = [path, *(f for f in path.iterdir() if f.is_dir() and f.name.lower() in PART_WORDS)]
        inside = [entry for folder in folders for entry in os.scandir(folder) if not is_junk(entry.name)]
    except OSError:
        return False
    deeper = any(e.is_dir() and e.name.lower() not in PART_WORDS for e in inside)
    return not deeper and any(e.name.lower().endswith(ENDING) for e in inside)


def is_about(stem: str) -> bool:
    return stem.lower() in ABOUT


def _is_txt(name: str) -> bool:
    return name.lower().endswith(ENDING)


def _listed(root: Path, rows: _Rows, is_text: Callable[[str], bool] = _is_txt) -> list[TextFile]:
    """All texts below the root, by path; what else lies there is counted in a note. is_text: by a file's name."""
    paths: list[str] = []
    others = 0
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        prefix = f"{relative}/" if relative else ""
        for entry in _scan(root / relative):
            if is_junk(entry.name):
                continue
            if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(root.resolve()):
                raise DataError(
                    f"{entry.path} is a link to {os.path.realpath(entry.path)}, outside of {root}, but only files inside are "
                    "read. Copy the file there, or name the folder that holds the real files."
                )
            if entry.is_dir(follow_symlinks=False):
                waiting.append(prefix + entry.name)
            elif is_text(entry.name) and is_there(entry):
                paths.append(prefix + entry.name)
            else:
                others += 1
    if others:
        verb = "files are" if others > 1 else "file is"
        rows.notes.append(Note(subject="files", text=f"{others:,} other {verb} left out: no texts by their endings."))
    return [TextFile(path=path, folders=tuple(path.split("/")[:-1]), part=None) for path in sorted(paths)]


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError:
        raise DataError(
            f"The folder {folder} may not be read by this user, but its texts were expected. Change its permissions "
            "(chmod u+rx), or copy it."
        ) from None


def _in_parts(files: list[TextFile], use_parts: bool, rows: _Rows) -> list[TextFile]:
    """Folders that wrap all others mean nothing; those called train and test give the split."""
    while files and all(len(file.folders) > 1 for file in files) and len({file.folders[0] for file in files}) == 1:
        files = [TextFile(path=file.path, folders=file.folders[1:], part=None) for file in files]
    if files and all(file.folders for file in files) and len({file.folders[0] for file in files}) == 1:
        files = [TextFile(path=file.path, folders=file.folders[1:], part=None) for file in files]
    parts = part_folders({file.folders[0] for file in files if file.folders})
    if not parts:
        return files
    inside = [file for file in files if file.folders and file.folders[0] in parts]
    if len(inside) < len(files):
        text = (
            f"{len(files) - len(inside):,} texts outside of {', '.join(parts)} are left out: they are in no given part."
        )
        rows.notes.append(Note(subject="files", text=text))
    if use_parts:
        named = ", ".join(f"{folder} ({PART_NAMES[part]})" for folder, part in parts.items())
        note = Note(subject="split", text=f"The folders give the split: {named}.", override="--test none")
        rows.notes.append(note)
    else:
        rows.notes.append(Note(subject="split", text="The folders' own parts are not used, as asked."))
    placed = [
        TextFile(path=f.path, folders=f.folders[1:], part=parts[f.folders[0]] if use_parts else None) for f in inside
    ]
    return sorted(placed, key=lambda file: (file.part or TRAIN, file.path))


def _without_unlabelled(files: list[TextFile], rows: _Rows) -> list[TextFile]:
    """The files without those of a folder of the training part that says it holds no classes: unsup beside pos and neg."""
    tops = [(file.part in (None, TRAIN), file.folders[0]) for file in files if file.folders]
    aside = without_label({top for learned, top in tops if learned}, {top for learned, top in tops if not learned})
    for top in sorted(aside):
        count = sum(file.folders[:1] == (top,) for file in files)
        rows.notes.append(Note(subject="files", text=f"{count:,} texts in {top}/ are left out: {WITHOUT_LABEL}."))
    return [file for file in files if not aside.intersection(file.folders[:1])]


# --- one text a file -------------------------------------------------------------------------------------------------


def _read_documents(root: Path, files: Sequence[TextFile], options: ReadOptions, rows: _Rows) -> None:
    decoder = TextDecoder(options.encoding)
    with ThreadPoolExecutor(READING_THREADS) as pool:
        for number, (file, data) in enumerate(
            zip(files, pool.map(lambda f: read_bytes(root / f.path), files), strict=True)
        ):
            text = data if isinstance(data, Unreadable) else decoder.text(data, root / file.path)
            if isinstance(text, Unreadable):
                rows.unreadable.append(UnreadableRow(row=number, path=readable(file.path), reason=text.reason))
            else:
                rows.add(text.strip(), file.folders[0], file.part, file.path)
    rows.notes.append(decoder.note())


# --- one text a line -------------------------------------------------------------------------------------------------


def _no_classes(root: Path, stems: set[str]) -> DataError:
    named = f"{', '.join(sorted(stems)[:3])}{', ...' if len(stems) > 3 else ''}"
    contents = f"{len(stems):,} text file{'s' if len(stems) > 1 else ''} ({named})" if stems else "no texts"
    return DataError(
        f"{root} holds {contents} but no classes; {root.name}/CLASS/text.txt, or {root.name}/CLASS.txt with an example a line, was "
        "expected. Move the texts into such folders or files, or write them into a CSV with a column of labels."
    )


def _read_lines(root: Path, files: Sequence[TextFile], options: ReadOptions, rows: _Rows) -> None:
    stems = {file.stem for file in files}
    if (
        len(stems) < 2 or len({WORD.sub("", stem.lower()) for stem in stems}) == 1
    ):  # one text, or its train and test parts
        raise _no_classes(root, stems)
    decoder = TextDecoder(options.encoding)
    blank, most, empty = 0, 0, []
    for file in files:
        data = read_bytes(root / file.path, MOST_LINES_FILE)
        text = data if isinstance(data, Unreadable) else decoder.text(data, root / file.path)
        if isinstance(text, Unreadable):
            raise DataError(
                f"{root / file.path} cannot be read: {text.reason}. A file of class '{file.stem}' with an example a line was "
                "expected. Write it again, or remove it."
            )
        lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")]
        blank += sum(not line for line in lines) if text else 0
        filled = [(number, line) for number, line in enumerate(lines, start=1) if line]
        most = max(most, len(filled))
        if not filled:
            empty.append(file.path)
        for number, line in filled:
            rows.add(line, file.stem, file.part, f"{file.path}: line {number}")
    if most < 2:
        raise DataError(
            f"{root} holds {len(files):,} text files of one line each and no class folders, so no class has two examples. "
            f"Expected {root.name}/CLASS/text.txt, or {root.name}/CLASS.txt with an example a line. Move them."
        )
    rows.notes.append(Note(subject="lines", text=f"Each of {len(stems):,} files is a class, and each line an example."))
    if blank:
        rows.notes.append(Note(subject="lines", text=f"{blank:,} blank lines are left out."))
    if empty:
        text = f"{', '.join(empty)}: empty, so there is no example of such a class and it is not learned."
        rows.notes.append(Note(subject="classes", text=text))
    rows.notes.append(decoder.note())
