"""Paths as people type them: missing ones with near matches, train / test partners, folders that hold one data file."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from netpick.errors import DataError, RequestError
from netpick.types import TEST, TRAIN, VALIDATION, Media

PART_WORDS: Mapping[str, int] = {
    "train": TRAIN,
    "training": TRAIN,
    "tra": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "tes": TEST,
    "t10k": TEST,
}
PART_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
WORD = re.compile(rf"(?<![a-z0-9])({'|'.join(sorted(PART_WORDS, key=len, reverse=True))})(?![a-z0-9])")
NUMBERED_SUFFIXES, MOST_PIECES, LONGEST_FIRST = (".csv", ".tsv", ".tab"), 10_000, 1 << 20
PIECE = re.compile(r"(?i)part-\d+")
ASIDE = re.compile(r"submission|submit|dictionary|description|codebook|read_?me|licen[cs]e|requirements|data_?types")
UCI_TRAIN_SUFFIX = ".data"  # the UCI archive's pairs are named adult.data and adult.test

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"),
    *(".jfif", ".jpe", ".pjpeg", ".dib", ".pbm", ".pnm"),
)
AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".oga", ".mp3", ".aif", ".aiff", ".au", ".snd", ".opus", ".wave", ".caf"),
    *(".m4a", ".m4b", ".aac", ".wma", ".mka", ".amr", ".ac3"),
)
CLIP_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
MEDIA_SUFFIXES: Mapping[Media, tuple[str, ...]] = {
    "image": IMAGE_SUFFIXES,
    "audio": AUDIO_SUFFIXES,
    "clip": CLIP_SUFFIXES,
}
MEDIA_NOUNS: Mapping[Media, str] = {"image": "images", "audio": "sounds", "clip": "clips"}
PACKED_SUFFIXES = (".gz", ".bz2", ".xz")  # one file each; the first bytes decide


def existing(text: str | Path) -> Path:
    """The path, `~` expanded. Raises RequestError for one that does not exist or may not be read, and for an empty file."""
    path = existing_file(text)
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes), but data were expected. Check how it was written or copied.")
    return path


def existing_file(text: str | Path) -> Path:
    """The path, `~` expanded, which may be empty. Raises RequestError for one that does not exist or may not be read."""
    path = Path(text)
    try:
        path = path.expanduser()
        mode = path.stat().st_mode
    except (OSError, ValueError, RuntimeError) as error:  # a zero in a name, a home of nobody
        if isinstance(error, PermissionError):
            raise _unreadable(path) from None
        if os.path.islink(path):
            raise RequestError(
                f"{path} is a link to {os.readlink(path)}, which is not there, but a file or folder was expected. "
                "Correct the link, or name the file itself."
            ) from None
        raise RequestError(f"There is no file or folder {path}.{_nearby(path)}") from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise RequestError(
            f"{path} is {_special(mode)}, but a file or a folder was expected. Save what it gives to a file first, and name that."
        )
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise _unreadable(path)
    return path


def find_parts(path: Path) -> dict[int, Path]:
    """The train / validation / test siblings of a path by name, itself included; {TRAIN: path} when there are none.

    `x_TRAIN.ts` and `x_TEST.ts`, `digits.tra` and `.tes`, `train-images...` and `t10k-images...`, folders `train` and `test`.
    """
    path = path.absolute()
    name = path.name.lower()
    siblings = {entry.name.lower(): entry.name for entry in os.scandir(path.parent) if not entry.name.startswith(".")}
    for match in reversed(list(WORD.finditer(name))):
        before, after = name[: match.start()], name[match.end() :]
        parts = {PART_WORDS[match[1]]: path}
        for word, part in PART_WORDS.items():
            if part not in parts and before + word + after in siblings:
                parts[part] = path.with_name(siblings[before + word + after])
        if not after and before.endswith(".") and before[:-1] + UCI_TRAIN_SUFFIX in siblings and TRAIN not in parts:
            parts[TRAIN] = path.with_name(siblings[before[:-1] + UCI_TRAIN_SUFFIX])
        if TRAIN in parts and len(parts) > 1:
            return dict(sorted(parts.items()))
    if name.endswith(UCI_TRAIN_SUFFIX) and (test := siblings.get(name.removesuffix(UCI_TRAIN_SUFFIX) + ".test")):
        return {TRAIN: path, TEST: path.with_name(test)}
    return {TRAIN: path}


def data_file_in(folder: Path, endings: tuple[str, ...]) -> tuple[Path, list[str]] | None:
    """The one data file (or the train member of the one family of files) in a folder, and the files beside it that are not
    read; None when it holds none. A folder of nothing but one other folder is that one.

    endings: those of names of data files. Examples of answers and descriptions of columns are left aside; of several families, the one with a train member is
    meant. Raises RequestError when there are several all the same and none is named like the folder.
    """
    names = sorted(entry.name for entry in os.scandir(folder) if _is_data_file(entry, endings))
    if not names:
        inner = [entry for entry in os.scandir(folder) if not entry.name.startswith((".", "__"))]
        only = inner[0] if len(inner) == 1 and inner[0].is_dir(follow_symlinks=False) else None
        return data_file_in(Path(only.path), endings) if only is not None else None
    tables = [name for name in names if not bare(name.lower()).endswith(".json")]
    names = tables or names  # beside a table, JSON describes it
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(_family(name), []).append(name)
    if len(families) > 1:
        families = _without_aside(families)
    if len(families) > 1:
        # `series/X/` often holds X_TRAIN.ts beside variants such as X_eq_TRAIN.ts.
        wanted = [key for key in families if re.split(r"[\W_]*\*", key)[0] == folder.absolute().name.lower()]
        learned = [key for key, members in families.items() if any(_part_of(name) == TRAIN for name in members)]
        wanted = wanted or (learned if len(learned) == 1 else [])
        if len(wanted) != 1:
            listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            example = max(families, key=lambda key: max((folder / name).stat().st_size for name in families[key]))
            raise RequestError(
                f"{folder} holds several data files ({listed}), but one was expected. Name the one to read, for example "
                f"{folder / families[example][0]}."
            )
        families = {wanted[0]: families[wanted[0]]}
    (members,) = families.values()
    chosen = next((name for name in members if _part_of(name) == TRAIN), members[0])
    return folder / chosen, [name for name in names if name not in members]


def pieces_in(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """The pieces of one table: part-00000.csv, part-00001.csv as Spark writes them, or 2021-01.csv, 2021-02.csv with the same
    first line; and nothing else that is seen; [] else."""
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith((".", "_"))]
    except OSError:
        return []
    names = sorted(entry.name for entry in entries if PIECE.match(entry.name) and entry.is_file())
    names = names or _numbered_alike(folder, entries)
    found = {bare(name.lower()).rpartition(".")[2] for name in names}
    whole = len(names) == len(entries) > 1 and len(found) == 1 and f".{next(iter(found))}" in endings
    return [folder / name for name in names if (folder / name).stat().st_size > 0] if whole else []


def _numbered_alike(folder: Path, entries: list[os.DirEntry[str]]) -> list[str]:
    """Files of text that are called alike but for their numbers, and begin with the same line."""
    names = sorted(
        entry.name for entry in entries if entry.is_file() and entry.name.lower().endswith(NUMBERED_SUFFIXES)
    )
    if not 2 <= len(names) <= MOST_PIECES or len({re.sub(r"\d+", "#", name) for name in names}) > 1:
        return []
    firsts = set()
    for name in names:
        with (folder / name).open("rb") as file:
            firsts.add(file.readline(LONGEST_FIRST).strip())
    return names if len(firsts) == 1 and not re.search(rb"\d", firsts.pop()) else []


def _without_aside(families: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Without examples of answers and descriptions, where something else is left."""
    kept = {key: members for key, members in families.items() if not ASIDE.search(key)}
    return kept or dict(families)


def bare(name: str) -> str:
    """A file's name without the ending of what it is packed by."""
    return next((name.removesuffix(ending) for ending in PACKED_SUFFIXES if name.lower().endswith(ending)), name)


def readable(name: str) -> str:
    """A name of a file or folder as text that every file and page can hold: bytes that are no UTF-8 become \\xff."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def short_name(path: Path) -> str:
    """A title for data: the file's name without its endings."""
    name = bare(readable(path.absolute().name))
    return name.rpartition(".")[0] or name


def family_name(path: Path) -> str:
    """A title for data that consist of train and test files: what their names share, else the folder's name."""
    shared = re.split(r"[\W_]*\*", WORD.sub("*", short_name(path).lower()))[0]
    return short_name(path)[: len(shared)] or readable(path.absolute().parent.name)


def _is_data_file(entry: os.DirEntry[str], endings: tuple[str, ...]) -> bool:
    name = bare(entry.name.lower())
    is_data = name.endswith(endings) or ("idx3" in name and "images" in name)
    return is_data and not name.startswith(".") and entry.is_file()


def _family(name: str) -> str:
    return WORD.sub("*", name.lower())


def _part_of(name: str) -> int | None:
    words = WORD.findall(name.lower())
    return PART_WORDS[words[-1]] if words else None


def _special(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a disk"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "no plain file")


def _unreadable(path: Path) -> RequestError:
    kind = "folder" if path.is_dir() else "file"
    return RequestError(
        f"The {kind} {path} may not be read by this user. Change its permissions (chmod u+r), or copy it."
    )


def _nearby(path: Path) -> str:
    parent = path.absolute().parent
    while not os.path.isdir(parent):
        path, parent = parent, parent.parent
    try:
        names = sorted(entry.name for entry in os.scandir(parent) if not entry.name.startswith("."))
    except PermissionError:
        return " Check its spelling."
    lowered = {name.lower(): name for name in names}
    close = [lowered[name] for name in difflib.get_close_matches(path.name.lower(), lowered, n=3, cutoff=0.6)]
    if close:
        return f" Did you mean {' or '.join(str(parent / name) for name in close)}?"
    if not names:
        return f" The folder {parent} is empty. Check the path."
    listed = f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
    return f" The folder {parent} holds: {listed}. Name one of these, or check the path."
