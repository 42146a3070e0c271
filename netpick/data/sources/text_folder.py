"""Folders of plain texts: class folders of .txt files, or one .txt file a class with an example a line."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.encodings import detect_encoding
from netpick.data.sources.folder_levels import part_folders
from netpick.data.sources.image_folder import is_there
from netpick.data.sources.paths import MEDIA_SUFFIXES, PART_NAMES, PART_WORDS, WORD, readable
from netpick.errors import DataError
from netpick.types import TRAIN, Note, Source, TableColumn, UnreadableRow

ENDING = ".txt"
ABOUT = ("readme", "license", "licence", "copying", "changelog", "notes", "requirements")  # files about the data
MEDIA = tuple(suffix for suffixes in MEDIA_SUFFIXES.values() for suffix in suffixes)
LOOK_FOLDERS, LOOK_FILES = 20, 500
MOST_TEXT = 64 << 20  # bytes of one text
MOST_LINES_FILE = 1 << 30  # bytes of one file of lines
GUESSED_ONE_BY_ONE = 100  # files; of more, the commonest guess is tried first, since guessing takes time
READING_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """One .txt file: its path below the root, and what the folders above it say."""

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
    """reviews/good/1.txt, or reviews/train/good/1.txt: one text a file."""

    name: ClassVar[str] = "text_folder"
    description: ClassVar[str] = "a folder of class folders of .txt files"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and _mostly_texts(path) and not _holds_class_files(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        rows = _Rows()
        files = _in_parts(_listed(path, rows), options.find_test, rows)
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
    description: ClassVar[str] = "a folder of one .txt file a class with an example a line"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and _mostly_texts(path) and _holds_class_files(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        rows = _Rows()
        files = _in_parts(_listed(path, rows), options.find_test, rows)
        _read_lines(path, [file for file in files if not file.folders and not _is_about(file.stem)], options, rows)
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


def _mostly_texts(path: Path) -> bool:
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
                    texts += name.endswith(ENDING) and not _is_about(name[: -len(ENDING)])
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


def _is_about(stem: str) -> bool:
    return stem.lower() in ABOUT


def _listed(root: Path, rows: _Rows) -> list[TextFile]:
    """All .txt files below the root, by path; what else lies there is counted in a note."""
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
            elif entry.name.lower().endswith(ENDING) and is_there(entry):
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
        told = ", ".join(f"{folder} ({PART_NAMES[part]})" for folder, part in parts.items())
        note = Note(subject="split", text=f"The folders give the split: {told}.", override="--test none")
        rows.notes.append(note)
    else:
        rows.notes.append(Note(subject="split", text="The folders' own parts are not used, as asked."))
    placed = [
        TextFile(path=f.path, folders=f.folders[1:], part=parts[f.folders[0]] if use_parts else None) for f in inside
    ]
    return sorted(placed, key=lambda file: (file.part or TRAIN, file.path))


# --- one text a file -------------------------------------------------------------------------------------------------


def _read_documents(root: Path, files: Sequence[TextFile], options: ReadOptions, rows: _Rows) -> None:
    decoder = _Decoder(options.encoding)
    with ThreadPoolExecutor(READING_THREADS) as pool:
        for number, (file, data) in enumerate(zip(files, pool.map(lambda f: _bytes(root, f), files), strict=True)):
            text = data if isinstance(data, Unreadable) else decoder.text(data, root / file.path)
            if isinstance(text, Unreadable):
                rows.unreadable.append(UnreadableRow(row=number, path=readable(file.path), reason=text.reason))
            else:
                rows.add(text.strip(), file.folders[0], file.part, file.path)
    rows.notes.append(decoder.note())


# --- one text a line -------------------------------------------------------------------------------------------------


def _no_classes(root: Path, stems: set[str]) -> DataError:
    named = f"{', '.join(sorted(stems)[:3])}{', ...' if len(stems) > 3 else ''}"
    found = f"{len(stems):,} text file{'s' if len(stems) > 1 else ''} ({named})" if stems else "no texts"
    return DataError(
        f"{root} holds {found} but no classes; {root.name}/CLASS/text.txt, or {root.name}/CLASS.txt with an example a line, was "
        "expected. Move the texts into such folders or files, or write them into a CSV with a column of labels."
    )


def _read_lines(root: Path, files: Sequence[TextFile], options: ReadOptions, rows: _Rows) -> None:
    stems = {file.stem for file in files}
    if (
        len(stems) < 2 or len({WORD.sub("", stem.lower()) for stem in stems}) == 1
    ):  # one text, or its train and test parts
        raise _no_classes(root, stems)
    decoder = _Decoder(options.encoding)
    blank, most, empty = 0, 0, []
    for file in files:
        data = _bytes(root, file, most=MOST_LINES_FILE)
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


# --- bytes to text ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Why a file is no text, in words that fit behind "cannot be read: "."""

    reason: str


def _bytes(root: Path, file: TextFile, most: int = MOST_TEXT) -> bytes | Unreadable:
    path = root / file.path
    try:
        size = path.stat().st_size
        if size > most:
            return Unreadable(reason=f"{size / 1e6:,.0f} MB are more than the {most / 1e6:,.0f} MB of one text")
        return path.read_bytes()
    except OSError as error:
        return Unreadable(reason=error.strerror or "the system refuses it")


class _Decoder:
    """Bytes to text, file by file; nothing is replaced, and which encodings were found is said."""

    def __init__(self, given: str | None) -> None:
        self.given = given
        self.found: Counter[str] = Counter()
        self.example: dict[str, str] = {}

    def text(self, data: bytes, path: Path) -> str | Unreadable:
        encoding = self._encoding(data, path)
        if isinstance(encoding, Unreadable):
            return encoding
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            return Unreadable(reason=f"byte {error.start:,} (0x{data[error.start]:02x}) is not {encoding}")
        if "\0" in text:
            return Unreadable(reason=f"character {text.index(chr(0)):,} is zero, so it is binary data rather than text")
        self.found[encoding] += 1
        self.example.setdefault(encoding, path.name)
        return text

    def _encoding(self, data: bytes, path: Path) -> str | Unreadable:
        if self.given is None and self.found.total() - self.found["utf-8"] >= GUESSED_ONE_BY_ONE:
            usual = next(name for name, _ in self.found.most_common() if name != "utf-8")
            for likely in ("utf-8", usual):
                if b"\0" not in data and _decodes(data, likely):
                    return likely
        try:
            return detect_encoding(data, whole=True, given=self.given, path=path)[0]
        except DataError:
            zero = data.find(b"\0")
            return Unreadable(
                reason=f"byte {zero:,} is zero, so it is binary data rather than text"
                if zero >= 0
                else "it looks like binary data rather than text"
            )

    def note(self) -> Note:
        if self.given is not None:
            return Note(subject="encoding", text=f"The encoding is {self.given}, as given.", override="--encoding")
        if set(self.found) <= {"utf-8"}:
            return Note(subject="encoding", text="The encoding is UTF-8.", override="--encoding")
        told = ", ".join(
            f"{count:,} file{'s' if count > 1 else ''} in {name}"
            + ("" if name == "utf-8" else f" ({self.example[name]})")
            for name, count in self.found.most_common()
        )
        text = f"The encodings differ from UTF-8, as guessed from each file's letters or said by its mark: {told}."
        return Note(subject="encoding", text=text, override="--encoding")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


# --- texts without labels --------------------------------------------------------------------------------------------


def loose_texts(data: object, *, column: str, by_line: bool) -> Source | None:
    """Texts that are rows without labels: one text or a list of them, .txt files, or a folder of these; None for anything else.

    by_line: each line of a file is a text. Raises DataError for a file that is no text.
    """
    items = [data] if isinstance(data, str | Path) else data
    if not isinstance(items, list | tuple) or not items or not all(isinstance(item, str | Path) for item in items):
        return None
    if len(items) == 1 and _exists(items[0]) and Path(items[0]).is_dir() and _mostly_texts(Path(items[0])):
        items = sorted(path for path in Path(items[0]).rglob("*") if path.name.lower().endswith(ENDING))
    rows: list[tuple[str, str]] = []
    if all(_is_text_file(item) for item in items):
        for item in items:
            text = _whole_text(Path(item))
            lines = [line.strip() for line in text.split("\n")] if by_line else [text.strip()]
            rows += [
                (readable(f"{item}: line {n}" if by_line else str(item)), line)
                for n, line in enumerate(lines, 1)
                if line or not by_line
            ]
    elif not any(_is_path(item) for item in items):
        rows = [(f"text {number}", str(item)) for number, item in enumerate(items, start=1)]
    if not rows:
        return None
    cells = pl.Series(column, [whole_letters(text) for _, text in rows], dtype=pl.String)
    return Source(
        name="texts",
        origin=str(items[0]) if len(items) == 1 else f"{len(items):,} texts",
        layout="texts",
        columns={column: TableColumn(name=column, values=cells)},
        num_rows=len(rows),
        fingerprint=fingerprint.of_frame(pl.DataFrame([cells])),
        row_names=[name for name, _ in rows],
    )


def whole_letters(cell: Any) -> Any:
    """Text without halves of letters, which a terminal may give and nothing can hold; other cells as they are."""
    return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) and not cell.isascii() else cell


def _is_text_file(item: str | Path) -> bool:
    return str(item).lower().endswith(ENDING) and _exists(item)


def _is_path(item: str | Path) -> bool:
    """Whether it is, or looks like, the name of a file rather than a text."""
    ending = re.search(r"\.[A-Za-z]\w{0,6}$", str(item)) is not None and " " not in str(item).strip()
    return isinstance(item, Path) or ending or _exists(item)


def _exists(item: str | Path) -> bool:
    try:
        return str(item) != "" and Path(item).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero in it
        return False


def _whole_text(path: Path) -> str:
    data = _bytes(path.parent, TextFile(path=path.name, folders=(), part=None))
    text = data if isinstance(data, Unreadable) else _Decoder(None).text(data, path)
    if isinstance(text, Unreadable):
        raise DataError(f"{path} cannot be read: {text.reason}. A file of plain text was expected. Pass another file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
