"""What a tree of folders says about its images or sounds: classes, given parts, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from netpick.errors import DataError
from netpick.sources.paths import FILE_SUFFIXES, MEDIA_NOUNS, MEDIA_SUFFIXES, PART_NAMES, PART_WORDS, readable
from netpick.types import TEST, TRAIN, FileColumn, Media, Note, Source, TableColumn

JUNK = ("thumbs.db", "desktop.ini", "__macosx")
MASKS = {"mask", "masks", "annotation", "annotations", "segmentation", "segmentations", "ground_truth", "groundtruth"}


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Files by folder. `folders` maps a relative folder ("" is the top) to its sorted file names."""

    folders: Mapping[str, list[str]]
    others: int  # files of other kinds, hidden ones not counted
    fingerprint: str
    kind: Media = "image"

    @property
    def noun(self) -> str:
        return MEDIA_NOUNS[self.kind]

    @property
    def example(self) -> str:
        return f"{self.noun.removesuffix('s')}{MEDIA_SUFFIXES[self.kind][0]}"


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """One folder of files with what its path says."""

    path: str
    label: str
    part: int | None


def is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in JUNK


def is_media(name: str, kind: Media) -> bool:
    return name.lower().endswith(MEDIA_SUFFIXES[kind])


def media_source(tree: Tree, path: Path, *, name: str, layout: str, in_zip: bool, use_parts: bool) -> Source:
    """The Source of a tree of class folders. Raises DataError when there are no files of its kind or no class folders."""
    folders, notes = _interpret(tree, path, use_parts)
    paths: list[str] = []
    labels: list[str] = []
    parts: list[int] = []
    for folder in folders:
        names = tree.folders[folder.path]
        paths.extend(f"{folder.path}/{name}" for name in names)
        labels.extend([readable(folder.label)] * len(names))
        parts.extend([TRAIN if folder.part is None else folder.part] * len(names))
    if len(paths) == 1:
        raise DataError(
            f"{path} holds one {tree.noun.removesuffix('s')} ({paths[0]}), but at least a few per class were expected. Add "
            f"{tree.noun}, or name another folder."
        )
    is_split = any(folder.part is not None for folder in folders)
    if tree.others:
        what = f"{tree.others:,} other file{'s are' if tree.others != 1 else ' is'} left out: no {tree.noun} by their endings."
        notes.append(Note(subject="files", text=what))
    classes = sorted(set(labels))
    if len(classes) == 2 and any(label.lower() in MASKS for label in classes):
        what = (
            f"The folders {classes[0]} and {classes[1]} are told apart as classes. If one marks what is to be found in the pictures of "
            "the other, that is segmentation, which is not learned here."
        )
        notes.append(Note(subject="classes", text=what))
    column = tree.noun.removesuffix("s")
    return Source(
        name=name,
        origin=str(path),
        layout=layout,
        columns={
            column: FileColumn(name=column, root=path, paths=paths, in_zip=in_zip, kind=tree.kind),
            "label": TableColumn(name="label", values=pl.Series("label", labels, dtype=pl.String)),
        },
        num_rows=len(paths),
        fingerprint=tree.fingerprint,
        target="label",
        given_split=np.array(parts, np.int8) if is_split else None,
        notes=notes,
        row_names=paths if all(map(str.isascii, paths)) else [readable(file) for file in paths],
    )


def _interpret(tree: Tree, path: Path, use_parts: bool) -> tuple[list[_Folder], list[Note]]:
    if not tree.folders:
        data = (
            next((p for p in path.rglob("*") if p.name.lower().endswith(FILE_SUFFIXES)), None)
            if path.is_dir()
            else None
        )
        remedy = (
            f"Name the folder that holds them, or one data file, such as {data}."
            if data
            else "Name the folder that holds them."
        )
        raise DataError(
            f"{path} holds no {tree.noun} ({tree.others:,} other files), but folders of "
            f"{', '.join(MEDIA_SUFFIXES[tree.kind][:3])} ... were expected, one per class. {remedy}"
        )
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
    parts = part_folders({components[0] for components in inner.values()})
    if parts:
        return _with_parts(tree, inner, parts, notes, use_parts), notes
    folders = [_Folder(path=key, label=components[0], part=None) for key, components in inner.items()]
    notes.extend(_note_variants({folder.label for folder in folders}))
    return folders, notes


def _wrapper_depth(tree: Tree) -> int:
    """How many folders wrap all others without meaning anything, as in archive.zip/photos/cat/1.png."""
    keys = [key.split("/") for key in tree.folders if key]
    if "" in tree.folders:
        return 0
    depth = 0
    while len({key[depth] for key in keys}) == 1 and all(len(key) > depth + 1 for key in keys):
        depth += 1
    return depth


def part_folders(tops: set[str]) -> dict[str, int]:
    """The folders named train, val, test ...: at least two different parts, one of them for training."""
    parts = {top: PART_WORDS[top.lower()] for top in sorted(tops) if top.lower() in PART_WORDS}
    return parts if TRAIN in parts.values() and len(set(parts.values())) > 1 else {}


def _with_parts(
    tree: Tree, inner: Mapping[str, list[str]], parts: Mapping[str, int], notes: list[Note], use_parts: bool
) -> list[_Folder]:
    folders: list[_Folder] = []
    for key, components in inner.items():
        top, files = components[0], len(tree.folders[key])
        if top not in parts:
            notes.append(
                Note(
                    subject="files",
                    text=f"{files:,} {tree.noun} in {key}/ are left out: it is none of the given parts.",
                )
            )
        elif len(components) < 2:
            notes.append(
                Note(
                    subject="files", text=f"{files:,} {tree.noun} in {key}/ are left out: they lie in no class folder."
                )
            )
        else:
            folders.append(_Folder(path=key, label=components[1], part=parts[top]))
    folders.sort(key=lambda folder: folder.part or TRAIN)
    if not folders:
        told = ", ".join(f"{top}/" for top in parts)
        raise DataError(
            f"The {tree.noun} in {told} lie in no class folders; {next(iter(parts))}/CLASS/{tree.example} was expected. "
            "Move them."
        )
    folders = _one_spelling(folders, notes)
    if not use_parts:
        notes.append(Note(subject="split", text="The folders' own parts are not used, as asked."))
        return [replace(folder, part=None) for folder in folders]
    counts = {
        part: sum(len(tree.folders[f.path]) for f in folders if f.part == part) for part in sorted(set(parts.values()))
    }
    told = ", ".join(f"{PART_NAMES[part]} {count:,}" for part, count in counts.items())
    notes.append(
        Note(
            subject="split",
            text=f"The folders {', '.join(parts)} give the split: {told} {tree.noun}.",
            override="--test none",
        )
    )
    return folders


def _one_spelling(folders: list[_Folder], notes: list[Note]) -> list[_Folder]:
    """A class spelled Cat in train and cat in test is one class; two spellings in train stay two, with a note."""
    known = {folder.label for folder in folders if folder.part == TRAIN}
    spelling = {label.lower(): label for label in sorted(known, reverse=True)}
    notes.extend(_note_variants(known))
    changed: dict[str, str] = {}
    unified = []
    for folder in folders:
        label = folder.label if folder.label in known else spelling.get(folder.label.lower(), folder.label)
        if label != folder.label:
            changed[f"{PART_NAMES[TEST if folder.part is None else folder.part]}/{folder.label}"] = label
        unified.append(replace(folder, label=label))
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
