"""What readers of boxes share: the pictures that label files name, their sizes, and what is said of files that do not fit together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from netpick.data.sources.class_folders import is_junk
from netpick.data.sources.folder_levels import part_of
from netpick.data.sources.image_folder import LOOK_DEPTH, holds_media, list_media
from netpick.data.sources.media_names import OF_MEDIA
from netpick.data.sources.paths import IMAGE_SUFFIXES, PART_WORDS, WORD, readable
from netpick.data.sources.upright import sizes_of_file
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, UNASSIGNED, VALIDATION, Note
from netpick.types.objects import Thing

NAMED = 3  # files that a note names
LOOK_FOLDERS, LOOK_FILES = 60, 400  # that are looked at for label files
OF_LABELS = {
    "annotations",
    "annotation",
    "labels",
    "label",
    "ann",
    "anno",
    "annot",
    "boxes",
    "json",
    "csv",
    "coco",
    "meta",
    "metadata",
}
SAME_SHAPE = 0.02  # of the ratio of sides, by which a stated size may differ from the picture's


@dataclass(frozen=True, kw_only=True)
class PictureFiles:
    """The pictures below a folder, by the names that label files use for them."""

    root: Path
    files: Sequence[str]  # relative to the root, sorted

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        return _grouped(self.files, lambda file: file.rpartition("/")[2].lower())

    @cached_property
    def _by_stem(self) -> Mapping[str, list[str]]:
        return _grouped(self.files, lambda file: stem_of(file.rpartition("/")[2]).lower())

    def named(self, name: str, near: str = "") -> str | None:
        """The picture that a label file in the folder `near` names, with or without folders and ending; None where there is none."""
        plain = name.replace("\\", "/").strip().removeprefix("./")
        last = plain.rpartition("/")[2].lower()
        if not last:
            return None
        found = self._by_name.get(last) or self._by_stem.get(last) or self._by_stem.get(stem_of(last))
        if not found:
            return None
        if len(found) == 1:
            return found[0]
        folders = plain.lower().split("/")[:-1]
        return max(
            found, key=lambda file: (_ends_alike(file.lower().split("/")[:-1], folders), _begins_alike(file, near))
        )


@dataclass
class Told:
    """Files and boxes that are left out, by the reason; each reason becomes a note."""

    left_out: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, one: str, many: str, name: str) -> None:
        """one, many: what is said of one and of several such."""
        self.left_out.setdefault((one, many), []).append(name)

    @property
    def notes(self) -> list[Note]:
        """'3 pictures have no label file ...: a.jpg, b.jpg, c.jpg.'"""
        return [
            Note(
                subject="boxes",
                text=f"{len(names):,} {one if len(names) == 1 else many}: {', '.join(map(readable, names[:NAMED]))}"
                f"{', ...' if len(names) > NAMED else ''}.",
            )
            for (one, many), names in self.left_out.items()
        ]


def pictures_below(root: Path) -> PictureFiles:
    """All pictures below a folder."""
    tree = list_media(root, "image")
    files = [f"{folder}/{name}" if folder else name for folder, names in tree.folders.items() for name in names]
    return PictureFiles(root=root, files=sorted(files))


def are_classes(folder: Path) -> bool:
    """Whether pictures lie in several folders that are called after neither parts nor media: these are told apart then, and boxes are left
    alone."""
    try:
        with os.scandir(folder) as entries:
            tops = [e for e in entries if e.is_dir(follow_symlinks=False) and not is_junk(e.name)]
            holding = [e.name for e in tops[:50] if holds_media(e.path, LOOK_DEPTH)]
    except OSError:
        return False
    return len(holding) > 1 and not any(part_of(_without_year(n)) is not None or n.lower() in OF_MEDIA for n in holding)


def root_of(file: Path) -> Path:
    """The folder whose pictures a label file may name: its own, or the one above where its own is called after labels and holds none."""
    own = file.absolute().parent
    for folder in (own, own.parent) if own.name.lower() in OF_LABELS else (own,):
        if any(_is_picture(name) for name in files_below(folder)):
            return folder
    raise DataError(
        f"{file} holds boxes, but no pictures lie beside it. Put it beside its pictures, or name a folder that holds both."
    )


def files_below(folder: Path, endings: tuple[str, ...] | None = None) -> Iterator[str]:
    """Some files of some folders, relative to the top, nearest first; never raises for a folder that cannot be read."""
    waiting = [""]
    for _ in range(LOOK_FOLDERS):
        if not waiting:
            return
        relative = waiting.pop(0)
        try:
            with os.scandir(folder / relative) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        shown = 0
        for entry in ordered:
            name = f"{relative}/{entry.name}" if relative else entry.name
            if is_junk(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
            elif shown < LOOK_FILES and (endings is None or entry.name.lower().endswith(endings)):
                shown += 1
                yield name


def fitted(
    things: Sequence[Thing], stated: tuple[int, int] | None, file: str, root: Path, told: Told
) -> list[Thing] | None:
    """Boxes in pixels of the picture as it is seen, from those of a picture of the stated size (width, height); None where they are of
    the picture before its EXIF orientation."""
    if stated is None or min(stated) <= 0:
        return list(things)
    seen, stored = sizes_of_file(root / file)
    if seen is None or stored is None or stated == seen:
        return list(things)
    if stated == stored:
        told.add(
            "picture is turned by its EXIF data and its boxes are not, so it is left out; save it upright",
            "pictures are turned by their EXIF data and their boxes are not, so they are left out; save them upright",
            file,
        )
        return None
    across, down = seen[0] / stated[0], seen[1] / stated[1]
    if abs(across / down - 1) > SAME_SHAPE:
        told.add(
            "picture has another shape than its labels say, so it is left out",
            "pictures have another shape than their labels say, so they are left out",
            f"{file} ({seen[0]} x {seen[1]}, not {stated[0]} x {stated[1]})",
        )
        return None
    told.add(
        "picture has another size than its labels say, so its boxes are scaled to it",
        "pictures have another size than their labels say, so their boxes are scaled to it",
        file,
    )
    return [scaled(thing, across, down) for thing in things]


def scaled(thing: Thing, across: float, down: float) -> Thing:
    """With so many pixels for one of before."""
    return replace(
        thing, left=thing.left * across, top=thing.top * down, right=thing.right * across, bottom=thing.bottom * down
    )


def part_in(path: str) -> int:
    """The part that a file, or a folder above it, is called after: train/1.jpg, instances_val2017.json; UNASSIGNED where none is."""
    for name in reversed(path.lower().split("/")):
        words = {PART_WORDS[word] for word in WORD.findall(_without_year(name))}
        if len(words) == 1:
            return words.pop()
    return UNASSIGNED


def with_test(parts: Sequence[int]) -> list[int]:
    """Where only training and validation are given, the latter is what is tested on."""
    if TEST in parts or TRAIN not in parts:
        return list(parts)
    return [TEST if part == VALIDATION else part for part in parts]


def stem_of(name: str) -> str:
    """A name without its ending."""
    return name.rpartition(".")[0] or name


def _without_year(name: str) -> str:
    """train for train2017, instances_val.json for instances_val2017.json."""
    return re.sub(r"(?<=[a-z])\d+(?=\.|$)", "", name)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _grouped(files: Sequence[str], key: Callable[[str], str]) -> Mapping[str, list[str]]:
    made: dict[str, list[str]] = {}
    for file in files:
        made.setdefault(key(file), []).append(file)
    return made


def _ends_alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the innermost folders are the same."""
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _begins_alike(file: str, near: str) -> int:
    """How many of the outermost folders are the same."""
    count = 0
    for a, b in zip(file.split("/")[:-1], near.split("/") if near else [], strict=False):
        if a != b:
            break
        count += 1
    return count
