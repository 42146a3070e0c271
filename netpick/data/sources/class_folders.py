"""What a tree of folders says about its images or sounds: classes, given parts, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.sources.folder_levels import Level, Levels, find_levels
from netpick.data.sources.listed_parts import listed_parts
from netpick.data.sources.paths import MEDIA_NOUNS, MEDIA_SUFFIXES, PART_NAMES, readable
from netpick.data.sources.unread_media import unread_words
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, FileColumn, Media, Note, Source, TableColumn

JUNK = ("thumbs.db", "desktop.ini", "__macosx")
ENTITIES = {
    "subject",
    "patient",
    "person",
    "user",
    "speaker",
    "session",
    "device",
}  # rows of one stay on one side of the split
MASKS = {"mask", "masks", "annotation", "annotations", "segmentation", "segmentations", "ground_truth", "groundtruth"}


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Files by folder. `folders` maps a relative folder ("" is the top) to its sorted file names."""

    folders: Mapping[str, list[str]]
    others: int  # files of other kinds, hidden ones not counted
    fingerprint: str
    kind: Media = "image"
    unread: Mapping[str, Mapping[str, int]] = field(
        default_factory=dict
    )  # of those, by folder and ending: media of no reader

    @property
    def noun(self) -> str:
        return MEDIA_NOUNS[self.kind]

    @property
    def example(self) -> str:
        return f"{self.noun.removesuffix('s')}{MEDIA_SUFFIXES[self.kind][0]}"

    def unread_of(self, folder: str) -> dict[str, int]:
        """Files below a folder that are media of no reader, by their ending."""
        counts: Counter[str] = Counter()
        for key, endings in self.unread.items():
            if not folder or key == folder or key.startswith(f"{folder}/"):
                counts.update(endings)
        return dict(counts)


def is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


def is_media(name: str, kind: Media) -> bool:
    return name.lower().endswith(MEDIA_SUFFIXES[kind])


def media_source(tree: Tree, path: Path, *, name: str, layout: str, in_zip: bool, use_parts: bool) -> Source:
    """The Source of a tree of class folders. Raises DataError when there are no files of its kind or no class folders."""
    folders, notes, collection = _interpret(tree, path, use_parts)
    paths: list[str] = []
    rows: list[Level] = []
    for key, folder in folders.items():
        names = tree.folders[key]
        paths.extend(f"{key}/{name}" for name in names)
        rows.extend([folder] * len(names))
    labels = [readable(row.label) for row in rows]
    _require_enough(tree, path, paths, labels)
    is_split = any(folder.part is not None for folder in folders.values())
    _refuse_anomalies(tree, path, rows if is_split else [])
    if not is_split and not in_zip and use_parts and (listed := listed_parts(path, paths)) is not None:
        is_split = True
        rows = [replace(row, part=part) for row, part in zip(rows, listed.parts, strict=True)]
        notes.append(Note(subject="split", text=listed.text, override="--test none"))
    notes += _notes_of_others(tree, path, folders)
    classes = sorted(set(labels))
    if len(classes) == 2 and any(label.lower() in MASKS for label in classes):
        what = (
            f"The folders {classes[0]} and {classes[1]} are told apart as classes. If one marks what is to be found in the pictures of "
            f"the other, say so: --masks {next(label for label in classes if label.lower() in MASKS)}."
        )
        notes.append(Note(subject="classes", text=what))
    column = tree.noun.removesuffix("s")
    return Source(
        name=name,
        origin=str(path),
        layout=layout,
        columns={
            column: FileColumn(name=column, root=path, paths=paths, in_zip=in_zip, kind=tree.kind),
            **_collection_column(collection, rows),
            "label": TableColumn(name="label", values=pl.Series("label", labels, dtype=pl.String)),
        },
        groups=(collection,) if collection in ENTITIES else (),
        num_rows=len(paths),
        fingerprint=tree.fingerprint,
        target="label",
        given_split=np.array([TRAIN if row.part is None else row.part for row in rows], np.int8) if is_split else None,
        notes=notes,
        row_names=paths if all(map(str.isascii, paths)) else [readable(file) for file in paths],
    )


def _refuse_anomalies(tree: Tree, path: Path, rows: Sequence[Level]) -> None:
    """Raises DataError where the training part holds one class alone, and the test part others: what is odd is to be found."""
    learned = {row.label for row in rows if row.part == TRAIN}
    others = {row.label for row in rows if row.part not in (TRAIN, None)} - learned
    if len(learned) == 1 and others:
        raise DataError(
            f"{path} is a set for finding what is odd: all {tree.noun} to learn from are '{next(iter(learned))}', and the test part holds "
            f"{_some(sorted(others))} as well. Learning from good examples alone is not done here. To learn the classes, mix the parts: "
            "--test none."
        )


def _require_enough(tree: Tree, path: Path, paths: Sequence[str], labels: Sequence[str]) -> None:
    if len(paths) == 1:
        raise DataError(
            f"{path} holds one {tree.noun.removesuffix('s')} ({paths[0]}), but at least a few per class were expected. Add "
            f"{tree.noun}, or name another folder."
        )


def _notes_of_others(tree: Tree, path: Path, folders: Mapping[str, Level]) -> list[Note]:
    """What is left out of the folder. Raises DataError where a class is lost because its files cannot be read."""
    unread = tree.unread_of("")
    lost = {key: endings for key, endings in tree.unread.items() if _is_lost(key, tree, folders)}
    if lost:
        key, endings = next(iter(lost.items()))
        more = f" So do {len(lost) - 1} other folders." if len(lost) > 1 else ""
        raise DataError(
            f"{path}/{key} holds no {tree.noun} that can be read, but {unread_words(endings)}.{more} A class would be lost "
            "without them: convert them, or move the folder elsewhere."
        )
    notes = []
    if unread:
        notes.append(Note(subject="files", text=f"Left out: {unread_words(unread)}."))
    others = tree.others - sum(unread.values())
    if others:
        what = f"{others:,} other file{'s are' if others != 1 else ' is'} left out: no {tree.noun} by their endings."
        notes.append(Note(subject="files", text=what))
    return notes


def _is_lost(key: str, tree: Tree, folders: Mapping[str, Level]) -> bool:
    """Whether a folder of unreadable files lies beside class folders and holds nothing else."""
    if not key or any(other == key or other.startswith(f"{key}/") for other in tree.folders):
        return False
    parent = key.rpartition("/")[0]
    return any(other.rpartition("/")[0] == parent for other in folders)


def _collection_column(word: str, rows: Sequence[Level]) -> dict[str, TableColumn]:
    """Who or what the folder above the class names, where persons and the like come again."""
    if word not in ENTITIES:
        return {}
    names = pl.Series(word, [readable(row.collection) for row in rows], dtype=pl.String)
    return {word: TableColumn(name=word, values=names)}


def _interpret(tree: Tree, path: Path, use_parts: bool) -> tuple[dict[str, Level], list[Note], str]:
    """What every folder of files means, what to say of it, and the word of the collections above the classes, if any."""
    if not tree.folders:
        raise _without_files(tree, path)
    notes: list[Note] = []
    depth = _wrapper_depth(tree)
    split = {key: key.split("/")[depth:] if key else [] for key in tree.folders}
    loose = sum(len(tree.folders[key]) for key, components in split.items() if not components)
    inner = {key: components for key, components in split.items() if components}
    if not inner:
        raise DataError(
            f"{path} holds {loose:,} {tree.noun if loose != 1 else tree.noun.removesuffix('s')} but no class folders; "
            f"{path.name}/CLASS/{tree.example} was expected. Move the {tree.noun} into one folder per class."
        )
    if loose:
        notes.append(
            Note(subject="files", text=f"{loose:,} {tree.noun} beside the class folders are left out: no class.")
        )
    levels = find_levels(inner)
    notes += [
        Note(subject="files", text=f"{len(tree.folders[key]):,} {tree.noun} in {key}/ are left out: {reason}.")
        for key, reason in levels.left_out.items()
    ]
    if levels.parts:
        return _with_parts(tree, levels, notes, use_parts), notes, ""
    notes += _note_variants({level.label for level in levels.folders.values()})
    if levels.collection:
        text = f"The folders above the classes ({_some(sorted({f.collection for f in levels.folders.values()}))}) hold all of them."
        notes.append(Note(subject="classes", text=text, override="--label-from"))
    if levels.repeated:
        text = (
            f"The folders inside of the classes ({_some(levels.repeated)}) come again in each class and are not learned. If they are "
            f'the classes, pass --label-from "{{group}}/{{label}}/{{name}}".'
        )
        notes.append(Note(subject="classes", text=text, override="--label-from"))
    return dict(levels.folders), notes, levels.collection


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(readable, names[:3])) + (", ..." if len(names) > 3 else "")


def _without_files(tree: Tree, path: Path) -> DataError:
    unread = tree.unread_of("")
    if unread:
        return DataError(
            f"{path} holds no {tree.noun} that can be read, but {unread_words(unread)}. {tree.noun.capitalize()} such as "
            f"{', '.join(MEDIA_SUFFIXES[tree.kind][:3])} were expected, in one folder per class."
        )
    return DataError(
        f"{path} holds no {tree.noun} ({tree.others:,} other files), but folders of "
        f"{', '.join(MEDIA_SUFFIXES[tree.kind][:3])} ... were expected, one per class. Name the folder that holds them, or one data file."
    )


def _wrapper_depth(tree: Tree) -> int:
    """How many folders wrap all others without meaning anything, as in archive.zip/photos/cat/1.png."""
    keys = [key.split("/") for key in tree.folders if key]
    if "" in tree.folders:
        return 0
    depth = 0
    while len({key[depth] for key in keys}) == 1 and all(len(key) > depth + 1 for key in keys):
        depth += 1
    return depth


def _with_parts(tree: Tree, levels: Levels, notes: list[Note], use_parts: bool) -> dict[str, Level]:
    if not levels.folders:
        told = ", ".join(f"{top}/" for top in levels.parts)
        raise DataError(
            f"The {tree.noun} in {told} lie in no class folders; {next(iter(levels.parts))}/CLASS/{tree.example} was expected. "
            f"Move them, or name the folder to learn from; where the names say the class, pass how: --label-from {_suggested(tree)}."
        )
    ordered = sorted(levels.folders.items(), key=lambda item: item[1].part or TRAIN)
    folders = _one_spelling(dict(ordered), notes)
    if all(folder.part == TRAIN for folder in folders.values()):  # the test part lies in no class folders
        return {key: replace(folder, part=None) for key, folder in folders.items()}
    if not use_parts:
        notes.append(Note(subject="split", text="The folders' own parts are not used, as asked."))
        return {key: replace(folder, part=None) for key, folder in folders.items()}
    counts = {
        part: sum(len(tree.folders[key]) for key, f in folders.items() if f.part == part)
        for part in sorted({f.part for f in folders.values() if f.part is not None} | set(levels.parts.values()))
    }
    told = ", ".join(f"{PART_NAMES[part]} {count:,}" for part, count in counts.items())
    named = ", ".join(levels.parts)
    text = f"The folder{'s' if len(levels.parts) > 1 else ''} {named} give{'' if len(levels.parts) > 1 else 's'} the split: {told} {tree.noun}."
    notes.append(Note(subject="split", text=text, override="--test none"))
    return folders


def _suggested(tree: Tree) -> str:
    """How names such as cat.12.jpg may say the class."""
    name = max(tree.folders.values(), key=len)[0]
    stem, _, ending = name.rpartition(".")
    sign = next((sign for sign in "._-" if sign in stem), "_")
    return f'"{{label}}{sign}{{index}}.{ending}"'


def _one_spelling(folders: dict[str, Level], notes: list[Note]) -> dict[str, Level]:
    """A class spelled Cat in train and cat in test is one class; two spellings in train stay two, with a note."""
    known = {folder.label for folder in folders.values() if folder.part == TRAIN}
    spelling = {label.lower(): label for label in sorted(known, reverse=True)}
    notes.extend(_note_variants(known))
    changed: dict[str, str] = {}
    unified = {}
    for key, folder in folders.items():
        label = folder.label if folder.label in known else spelling.get(folder.label.lower(), folder.label)
        if label != folder.label:
            changed[f"{PART_NAMES[TEST if folder.part is None else folder.part]}/{folder.label}"] = label
        unified[key] = replace(folder, label=label)
    for variant, label in sorted(changed.items()):
        text = f"{variant} differs from the training class {label!r} only in upper and lower case; it is read as {label!r}."
        notes.append(Note(subject="classes", text=text))
    return unified


def _note_variants(labels: set[str]) -> list[Note]:
    spellings: dict[str, list[str]] = {}
    for label in sorted(labels):
        spellings.setdefault(label.lower(), []).append(label)
    return [
        Note(
            subject="classes", text=f"Classes {' and '.join(map(repr, variants))} differ only in upper and lower case."
        )
        for variants in spellings.values()
        if len(variants) > 1
    ]
