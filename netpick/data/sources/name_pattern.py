"""Labels and groups that the names of files say: `--label-from "{label}_{speaker}_{index}.wav"`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.sources.class_folders import Tree
from netpick.data.sources.folder_levels import part_folders
from netpick.data.sources.paths import MEDIA_SUFFIXES, readable
from netpick.errors import DataError, RequestError
from netpick.types import TRAIN, Column, FileColumn, Note, Source, TableColumn

LABEL, TRANSCRIPT = "label", "transcript"  # the class of a file, or what is said in it
FIELD = re.compile(r"\{([^{}]*)\}")
# Fields of these names hold who or what was recorded, also when that is a number.
ENTITIES = {
    "patient",
    "subject",
    "person",
    "user",
    "speaker",
    "writer",
    "client",
    "group",
    "session",
    "singer",
    "device",
}
MOST_DISTINCT = 1 / 1.5  # of the rows; a field with more different values names single files, not groups of them
OPTION = "--label-from"


@dataclass(frozen=True, kw_only=True)
class NamePattern:
    """A pattern, taken apart: it is held against as many last parts of a path as it has itself, endings aside."""

    text: str
    names: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]  # of each folder and of the file: the texts around the fields

    def values(self, path: str) -> tuple[str, ...] | None:
        return self._read(path, last=False)

    def is_ambiguous(self, path: str) -> bool:
        """Whether the path could as well be read otherwise: one value holds what parts two of them."""
        return self._read(path, last=False) != self._read(path, last=True)

    def _read(self, path: str, *, last: bool) -> tuple[str, ...] | None:
        """The values, each text between fields being found at its first or last place; not by an expression, since some take
        forever."""
        names = _without_ending(path).split("/")[-len(self.parts) :]
        if len(names) < len(self.parts):
            return None
        found: list[str] = []
        for name, texts in zip(names, self.parts, strict=True):
            values = _from_the_end(name, texts) if last else _from_the_start(name, texts)
            if values is None:
                return None
            found += values
        return tuple(found)


def _from_the_start(name: str, texts: Sequence[str]) -> list[str] | None:
    """What stands between these texts in a name that they fill; at least one letter each."""
    first, *between = texts
    if not between:
        return [] if name == first else None
    if not name.startswith(first) or not name.endswith(between[-1]):
        return None
    end, place, values = len(name) - len(between[-1]), len(first), []
    for text in between[:-1]:
        found = name.find(text, place + 1, end)
        if found < 0:
            return None
        values.append(name[place:found])
        place = found + len(text)
    return [*values, name[place:end]] if place < end else None


def _from_the_end(name: str, texts: Sequence[str]) -> list[str] | None:
    backwards = _from_the_start(name[::-1], [text[::-1] for text in reversed(texts)])
    return None if backwards is None else [value[::-1] for value in reversed(backwards)]


def parse_pattern(text: str) -> NamePattern:
    """Raises RequestError for a pattern without {label} or {transcript}, with a field twice, or with fields that nothing parts."""
    example = 'Write for example --label-from "{label}_{speaker}_{index}.wav".'
    pattern = _without_ending(text.strip().removeprefix("./"))
    names = [name.strip() for name in FIELD.findall(pattern)]
    if (LABEL in names) == (TRANSCRIPT in names):
        both = "both fields {label} and {transcript}" if LABEL in names else "no field {label}"
        raise RequestError(
            f"The pattern {text!r} has {both}, but it has to say where the class stands. {{transcript}} in its place is what is said. {example}"
        )
    twice = next((name for name in names if name not in ("", "_") and names.count(name) > 1), None)
    if twice is not None:
        raise RequestError(
            f"The pattern {text!r} has the field {{{twice}}} twice, but every field needs a name of its own. {example}"
        )
    odd = next((name for name in names if name and not re.fullmatch(r"[A-Za-z_]\w*", name)), None)
    if odd is not None or re.search(r"[{}]", FIELD.sub("", pattern)):
        raise RequestError(
            f"The pattern {text!r} cannot be read, but fields such as {{label}} were expected. {example}"
        )
    if "}{" in pattern:
        raise RequestError(
            f"The pattern {text!r} has two fields with nothing between them, but something must tell them apart. {example}"
        )
    return NamePattern(
        text=text,
        names=tuple(names),
        parts=tuple(
            tuple(FIELD.split(part)[::2]) for part in pattern.split("/")
        ),  # every second part is the name of a field
    )


def _without_ending(path: str) -> str:
    suffixes = [suffix for known in MEDIA_SUFFIXES.values() for suffix in known]
    ending = next((suffix for suffix in suffixes if path.lower().endswith(suffix)), "")
    return path[: len(path) - len(ending)]


def suggested_pattern(paths: Sequence[str]) -> str | None:
    """A pattern that the names seem to follow: as many parts between _, - or . in all of them; None where there is none."""
    stems = [_without_ending(path.rpartition("/")[2]) for path in paths]
    for separator in ("_", "-", "."):
        counts = {stem.count(separator) for stem in stems}
        if len(counts) == 1 and 1 <= (count := counts.pop()) <= 5:
            fields = ["{label}", *(f"{{part{number}}}" for number in range(2, count + 1)), "{index}"]
            return separator.join(fields)
    return None


def named_source(tree: Tree, path: Path, pattern: NamePattern, *, layout: str, use_parts: bool) -> Source:
    """The Source of files whose names say their class. Folders train, val and test above them give the split.

    Raises DataError when the pattern fits no name.
    """
    paths = [f"{folder}/{name}" if folder else name for folder, names in tree.folders.items() for name in names]
    found = [(file, values) for file in paths if (values := pattern.values(file)) is not None]
    if not found:
        fits = suggested_pattern(paths)
        raise DataError(
            f"None of the {len(paths):,} {tree.noun} in {path} has a name like {pattern.text!r}, which was expected; the first is {paths[0]}. "
            f"Pass a pattern that fits{f', for example {OPTION} {fits!r}' if fits else ''}."
            if paths
            else f"{path} holds no {tree.noun}, but names like {pattern.text!r} were expected. Name the folder that holds them."
        )
    files = [file for file, _ in found]
    notes = _left_out(tree, paths, files, pattern)
    fields = {
        name: [readable(values[place]) for _, values in found] for place, name in enumerate(pattern.names) if name
    }
    target = LABEL if LABEL in fields else TRANSCRIPT
    groups, aside, told = _group_fields({name: cells for name, cells in fields.items() if name not in (target, "_")})
    different = len(set(fields[target]))
    meant = f"the label ({different:,} classes)" if target == LABEL else f"what is said ({different:,} transcripts)"
    said = "".join(f"; {text}" for text in told)
    notes.append(Note(subject="names", text=f"The names say {meant}{said}.", override=OPTION))
    column = tree.noun.removesuffix("s")
    columns: dict[str, Column] = {column: FileColumn(name=column, root=path, paths=files, kind=tree.kind)}
    for name in [*groups, *aside, target]:
        columns[name] = TableColumn(name=name, values=pl.Series(name, fields[name], dtype=pl.String))
    return Source(
        name=readable(path.absolute().name),
        origin=str(path),
        layout=layout,
        columns=columns,
        num_rows=len(files),
        fingerprint=tree.fingerprint,
        target=target,
        spoken=TRANSCRIPT if target == TRANSCRIPT else None,
        given_split=_given_parts(files) if use_parts else None,
        groups=tuple(groups),
        aside=tuple(aside),
        notes=notes,
        row_names=[readable(file) for file in files],
    )


def _left_out(tree: Tree, paths: Sequence[str], files: Sequence[str], pattern: NamePattern) -> list[Note]:
    notes = []
    if len(files) < len(paths):
        known = set(files)
        first = next(file for file in paths if file not in known)
        text = (
            f"{len(paths) - len(files):,} of {len(paths):,} {tree.noun} are left out: their names do not fit ({first})."
        )
        notes.append(Note(subject="names", text=text, override=OPTION))
    unclear = [file for file in files if pattern.is_ambiguous(file)]
    if unclear:
        read = ", ".join(
            f"{name} {value!r}"
            for name, value in zip(pattern.names, pattern.values(unclear[0]) or (), strict=True)
            if name
        )
        several = f"{len(unclear):,} names" if len(unclear) > 1 else "One name"
        text = f"{several} can be read in more than one way; {unclear[0]} is read as {read}."
        notes.append(Note(subject="names", text=text, override=OPTION))
    return notes


def _group_fields(fields: dict[str, list[str]]) -> tuple[list[str], list[str], list[str]]:
    """The fields that name things that come again, those that name persons first; those that rows may be split by if asked;
    and what is said about every field."""
    groups: list[str] = []
    aside: list[str] = []
    told: list[str] = []
    left_out: dict[str, list[str]] = {}  # the reason, and the fields
    for name, cells in fields.items():
        distinct = len(set(cells))
        if distinct == 1:
            left_out.setdefault(f"always {cells[0]!r}", []).append(name)
        elif distinct > MOST_DISTINCT * len(cells):
            left_out.setdefault("telling single files apart", []).append(name)
        elif all(cell.isdecimal() for cell in cells) and name.lower() not in ENTITIES:
            aside.append(name)
            told.append(
                f"{name} counts {distinct:,} and is no feature; --split group:{name} keeps those of one together"
            )
        else:
            groups.append(name)
            told.append(f"{name} names {distinct:,} that come again and is no feature, but can keep them together")
    for reason, names in left_out.items():
        told.append(f"{_and(names)} {'is' if len(names) == 1 else 'are'} left out, as {reason}")
    return sorted(groups, key=lambda name: name.lower() not in ENTITIES), aside, told


def _and(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def _given_parts(files: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int8]] | None:
    parts = part_folders({file.split("/")[0] for file in files if "/" in file})
    if not parts or any(file.split("/")[0] not in parts for file in files):
        return None
    return np.array([parts.get(file.split("/")[0], TRAIN) for file in files], np.int8)
