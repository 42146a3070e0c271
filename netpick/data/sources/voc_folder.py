"""Pascal VOC: an XML file a picture, with the corners of each object's box; ImageSets/Main/train.txt names the parts.

The first pixel is 1, and the last pixel of a box belongs to it: a box of xmin 1 and xmax 10 is 10 pixels wide. Tools that count from 0 write
the same files; a set that holds more zeros than ones among its smallest coordinates was written by one of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.boxes import objects_source
from netpick.data.sources.class_folders import Tree
from netpick.data.sources.image_folder import list_media
from netpick.data.sources.paths import readable
from netpick.data.sources.upright import sizes_of_file
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, UNASSIGNED, VALIDATION, Note, Source
from netpick.types.objects import Thing

MOST_BYTES = 8 << 20  # of an XML file
LOOKED_AT = 3  # XML files that are looked into
LOOK_FOLDERS = 40
PARTS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
FOLDER_PARTS = {**PARTS, "training": TRAIN, "testing": TEST}
NAMED = 3
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What one file says."""

    name: str  # of the XML file, relative to the top
    picture: str  # as it names it
    size: tuple[int, int] | None  # width, height
    things: tuple[Thing, ...]  # as they are written


class VocFolderReader(Reader):
    """Annotations/1.xml beside JPEGImages/1.jpg, or 1.xml beside 1.jpg."""

    name: ClassVar[str] = "voc_folder"
    description: ClassVar[str] = "boxes (Pascal VOC)"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and holds_voc(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        tree = list_media(path, "image")
        found = [annotation(file, path) for file in sorted(xml_files(path)) if is_voc(file)]
        by_name, by_stem = _pictures(tree)
        rows: dict[str, list[Thing]] = {}
        lost, turned, scaled = [], [], []
        start = first_pixel(found)
        for one in found:
            file = by_name.get(one.picture) or by_stem.get(Path(one.name).stem) or by_stem.get(Path(one.picture).stem)
            if file is None:
                lost.append(one.name)
                continue
            things = [moved(thing, start) for thing in one.things]
            upright, raw = sizes_of_file(path / file)
            if one.size is not None and raw is not None and upright is not None and min(one.size) > 0:
                if upright != raw and one.size == raw != upright:
                    turned.append(file)
                    continue
                if one.size not in (upright, raw):
                    scaled.append(file)
                    across, down = upright[0] / one.size[0], upright[1] / one.size[1]
                    things = [
                        replace(
                            t, left=t.left * across, right=t.right * across, top=t.top * down, bottom=t.bottom * down
                        )
                        for t in things
                    ]
            rows[file] = [*rows.get(file, []), *things]
        if not rows:
            raise DataError(
                f"{path} holds {len(found):,} Pascal VOC files, but none of them belongs to a picture beside them: the first is {readable(found[0].name)}, "
                f"for {readable(found[0].picture) or 'no named picture'}. Check the names."
            )
        files = sorted([*rows, *(file for file in by_name_values(tree) if file not in rows)])
        unlabelled = [file for file in files if file not in rows]
        notes = [_start_note(start, found)]
        notes += _told(lost, "Pascal VOC file belongs", "Pascal VOC files belong", "to no picture, and {} left out")
        notes += _told(
            unlabelled,
            "picture has",
            "pictures have",
            "no Pascal VOC file, and {} left out: an empty one says that nothing is there",
        )
        notes += _told(
            turned,
            "picture is",
            "pictures are",
            "turned by EXIF data while the boxes are not, and {} left out: save the pictures upright",
        )
        notes += _told(
            scaled,
            "picture has",
            "pictures have",
            "another size than its file says: the boxes are scaled to it; {} kept",
        )
        files = [file for file in files if file in rows]
        parts = given_parts(path, files) if options.find_test else None
        return objects_source(path, self.name, files, [rows[file] for file in files], parts=parts, notes=notes)


def holds_voc(path: Path) -> bool:
    """Whether XML files of Pascal VOC lie in a folder; never raises."""
    try:
        files = []
        for file in xml_files(path):
            files.append(file)
            if len(files) == LOOKED_AT:
                break
        return any(map(is_voc, files))
    except OSError:
        return False


def xml_files(path: Path) -> Iterator[Path]:
    """XML files below a folder, those of few folders."""
    waiting, looked = [path], 0
    while waiting and looked < LOOK_FOLDERS:
        folder, looked = waiting.pop(0), looked + 1
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith((".", "__MACOSX")):
                continue
            if entry.is_dir() and not entry.is_symlink():
                waiting.append(entry)
            elif entry.name.lower().endswith(".xml") and entry.is_file() and not entry.is_symlink():
                yield entry


def is_voc(file: Path) -> bool:
    """By a look at how it begins."""
    with file.open("rb") as opened:
        return b"<annotation" in opened.read(400)


def annotation(file: Path, root: Path) -> Annotation:
    """One file. Raises DataError for one that is damaged."""
    name = file.relative_to(root).as_posix()
    if file.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{readable(str(file))} has {file.stat().st_size / 1e6:,.0f} MB, but at most {MOST_BYTES >> 20} MB were expected of boxes."
        )
    content = file.read_bytes()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DataError(
            f"{readable(str(file))} declares entities, but a plain Pascal VOC file was expected. Remove the declaration."
        )
    try:
        root_element = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise DataError(
            f"{readable(str(file))} is no whole XML file ({error}), but a Pascal VOC file was expected. Get another copy."
        ) from None
    size = root_element.find("size")
    return Annotation(
        name=name,
        picture=Path((root_element.findtext("filename") or "").strip().replace("\\", "/")).name,
        size=None if size is None else (_whole(size.findtext("width")), _whole(size.findtext("height"))),
        things=tuple(_thing(element, name) for element in root_element.findall("object")),
    )


def _thing(element: ElementTree.Element, name: str) -> Thing:
    label = (element.findtext("name") or "").strip()
    box = element.find("bndbox")
    texts = [None if box is None else box.findtext(corner) for corner in CORNERS]
    try:
        left, top, right, bottom = (float(text or "") for text in texts)
    except ValueError:
        raise DataError(
            f"{readable(name)} has an object {label!r:.60} whose box is {dict(zip(CORNERS, texts, strict=True))}, but four numbers were expected. Correct the file."
        ) from None
    if not label:
        raise DataError(f"{readable(name)} has an object without a name, but each needs one. Correct the file.")
    aside = (element.findtext("difficult") or "").strip() == "1"
    return Thing(label=label, left=left, top=top, right=right, bottom=bottom, aside=aside)


def first_pixel(found: list[Annotation]) -> int:
    """1, as Pascal VOC has it, or 0 where the smallest coordinates say so."""
    lows = [low for one in found for thing in one.things for low in (thing.left, thing.top)]
    return 0 if sum(low <= 0 for low in lows) > sum(low == 1 for low in lows) else 1


def moved(thing: Thing, start: int) -> Thing:
    """With corners counted from 0, and the right and lower edge behind the last pixel."""
    if (
        not start or not thing.has_area
    ):  # corners that are one point, or in the wrong order, are a mistake and not one pixel
        return thing
    return replace(thing, left=max(0.0, thing.left - start), top=max(0.0, thing.top - start))


def given_parts(path: Path, files: list[str]) -> list[int] | None:
    """By ImageSets/Main/train.txt and so on, or by folders of these names; None where there are none."""
    listed: dict[str, int] = {}
    for folder in sorted(path.rglob("ImageSets/Main")):
        for name, part in PARTS.items():
            file = folder / f"{name}.txt"
            if file.is_file() and file.stat().st_size <= MOST_BYTES:
                stems = [
                    line.split()[0] for line in file.read_text("utf-8", errors="replace").splitlines() if line.strip()
                ]
                listed.update({stem: part for stem in stems if stem not in listed})
    if listed:
        return [listed.get(Path(file).stem, UNASSIGNED) for file in files]
    found = [
        next((FOLDER_PARTS[p] for p in re.split("/", file.lower())[:-1] if p in FOLDER_PARTS), UNASSIGNED)
        for file in files
    ]
    return found if any(part != UNASSIGNED for part in found) else None


def by_name_values(tree: Tree) -> list[str]:
    """All pictures, relative to the top."""
    return [f"{folder}/{name}" if folder else name for folder, names in tree.folders.items() for name in names]


def _pictures(tree: Tree) -> tuple[Mapping[str, str], Mapping[str, str]]:
    files = list(reversed(by_name_values(tree)))
    return {Path(f).name: f for f in files}, {Path(f).stem: f for f in files}


def _start_note(start: int, found: list[Annotation]) -> Note:
    lows = [low for one in found for thing in one.things for low in (thing.left, thing.top)]
    count = sum(low == start for low in lows)
    if start:
        text = f"The first pixel is 1, as in Pascal VOC ({count:,} boxes begin there): one is taken off the left and upper edges."
    else:
        text = (
            f"The first pixel is 0 ({count:,} coordinates are), unlike in Pascal VOC: the boxes are read as they are."
        )
    return Note(subject="boxes", text=text)


def _told(names: list[str], one: str, many: str, rest: str) -> list[Note]:
    if not names:
        return []
    count, verb = (f"1 {one}", "is") if len(names) == 1 else (f"{len(names):,} {many}", "are")
    shown = ", ".join(map(readable, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
    return [Note(subject="boxes", text=f"{count} {rest.format(verb)} ({shown}).")]


def _whole(text: str | None) -> int:
    try:
        return int(float(text or "0"))
    except (ValueError, OverflowError):
        return 0
