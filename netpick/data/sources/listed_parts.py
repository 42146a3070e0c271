"""Lists beside media that say which files are for testing: testing_list.txt, validation_list.txt, meta/test.txt, splits/train.txt."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from netpick.data.sources.paths import PART_NAMES, PART_WORDS, WORD, readable
from netpick.types import TEST, TRAIN, UNASSIGNED, VALIDATION

SUFFIXES = (".txt", ".lst")
LARGEST = 64 << 20  # bytes
MOST_FOLDERS, MOST_ENTRIES = 20, 2_000
MOSTLY = 0.95  # of the lines that name files


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The part of each file, and what to say of it."""

    parts: Sequence[int]
    text: str


def listed_parts(folder: Path, paths: Sequence[str]) -> Listed | None:
    """What lists in a folder, or in the folders right in it, say of the files there (relative to the folder); None without any."""
    tables = _lists(folder)
    if not set(tables) & {TEST, VALIDATION}:
        return None
    known = _names(paths)
    given: dict[str, int] = {}
    for part, table in tables.items():
        lines = [line.strip() for line in table.read_text("utf-8", "replace").splitlines() if line.strip()]
        named = [known[line] for line in lines if line in known]
        if not named or len(named) < MOSTLY * len(lines):
            return None
        given |= dict.fromkeys(named, part)
    rest = UNASSIGNED if TRAIN in tables else TRAIN
    parts = [given.get(path, rest) for path in paths]
    counts = ", ".join(f"{PART_NAMES[part]} {parts.count(part):,}" for part in PART_NAMES if part in parts)
    names = " and ".join(readable(table.relative_to(folder).as_posix()) for table in tables.values())
    return Listed(parts=parts, text=f"The split is given by {names}: {counts}.") if parts.count(TRAIN) else None


def _names(paths: Sequence[str]) -> Mapping[str, str]:
    """What a list may call each file: its path, with and without the folders that all share, and without its ending."""
    shared = os.path.commonpath([os.path.dirname(path) for path in paths]) if len(paths) > 1 else ""
    known: dict[str, str] = {}
    for path in paths:
        inner = path.removeprefix(f"{shared}/") if shared else path
        for name in (path, inner):
            known[name] = known[name.rpartition(".")[0]] = path
    return known


def _lists(folder: Path) -> dict[int, Path]:
    """By part, the list that is called so; {} where two of one part are."""
    try:
        with os.scandir(folder) as entries:
            top = sorted(islice(entries, MOST_ENTRIES), key=lambda entry: entry.name)
        places = [Path(entry.path) for entry in top if entry.is_dir(follow_symlinks=False)][:MOST_FOLDERS]
        files = [Path(entry.path) for entry in top if entry.name.lower().endswith(SUFFIXES)]
        for place in places:
            with os.scandir(place) as entries:
                some = [entry for entry in islice(entries, MOST_ENTRIES) if entry.name.lower().endswith(SUFFIXES)]
            files += [Path(entry.path) for entry in some]
    except OSError:
        return {}
    found: dict[int, Path] = {}
    for file in sorted(files):
        words = WORD.findall(file.stem.lower())
        if len(words) != 1 or not file.is_file() or file.stat().st_size > LARGEST:
            continue
        if PART_WORDS[words[0]] in found:
            return {}
        found[PART_WORDS[words[0]]] = file
    return dict(sorted(found.items()))
