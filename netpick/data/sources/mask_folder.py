"""Folders of pictures with masks: images/1.png beside masks/1.png, or 1.jpg beside 1_mask.png; in folders of parts, too.

Masks are told by the names of their folders or by what is behind the picture's name, and by a look at some of them: few different values,
and the size of the picture. A folder of masks may hold one folder a class, each with a mask a picture.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.folder_levels import FILLERS, part_of
from netpick.data.sources.image_folder import list_media
from netpick.data.sources.paths import PART_NAMES, readable
from netpick.errors import DataError, RequestError
from netpick.types import TEST, TRAIN, UNASSIGNED, Array, Column, FileColumn, Note, Source

IMAGE, MASK = "image", "mask"
WORDS = {
    *(
        "mask",
        "masks",
        "label",
        "labels",
        "annotation",
        "annotations",
        "annot",
        "gt",
        "groundtruth",
        "truth",
        "seg",
        "segs",
    ),
    *("segmentation", "segmentations", "segmentationclass", "segmentationobject", "target", "targets", "labelids"),
    *("labelstrainids", "trainids", "trimap", "trimaps"),
}
ENDINGS = ("masks", "mask", "annot", "labels", "label", "gt", "truth", "segmentation")
SUFFIX = re.compile(r"(?i)[_\-. ](mask|masks|gt|label|labels|seg|segmentation|annot|truth|P|L|GT|labelids|trainids)$")
NAMED = 3  # files that a note names
LOOKED_AT = 3  # masks that are looked into
MOST_VALUES = 300  # of a mask; photographs have many more
LOOK_FOLDERS, LOOK_FILES = 60, 400  # that are looked at for names
LEAST_PAIRED = 0.5  # of the masks
LEGENDS = ("classes.txt", "codes.txt", "labels.txt", "names.txt", "label_colors.txt", "class_dict.csv", "legend.csv")
MOST_CLASSES = 255


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pictures and their masks, by class where each class has a folder; and what stands alone."""

    pictures: Sequence[str]  # relative to the top
    masks: Mapping[str, Sequence[str]]  # by class, "" where one mask holds all of them; "" for a picture without one
    alone: Sequence[str] = ()  # pictures without a mask
    lost: Sequence[str] = ()  # masks without a picture
    how: str = ""
    fingerprint: str = ""
    parts: Array = field(default_factory=lambda: np.zeros(0, np.int8))


class MaskFolderReader(Reader):
    """images/1.png and masks/1.png; 1.jpg and 1_mask.png; train/images, train/masks; masks/nucleus/1.png."""

    name: ClassVar[str] = "mask_folder"
    description: ClassVar[str] = "a folder of images and masks"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and (holds_masks(path) or _is_called_so(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        pairs = pairs_in(path, options.masks)
        if pairs is None:
            raise DataError(
                f"{path} holds no images with masks of the same names, but some were expected: images/1.png beside masks/1.png, or 1.jpg beside "
                "1_mask.png. Check the names."
            )
        return _source(path, pairs, options)


def holds_masks(path: Path) -> bool:
    """Whether a folder's pictures have masks beside them; never raises."""
    try:
        return _may_hold(path) and pairs_in(path, None) is not None
    except (DataError, RequestError, OSError):
        return False


def _is_called_so(path: Path) -> bool:
    """Whether a folder holds just one of pictures and one of masks, by their names: images/ and masks/; never raises."""
    try:
        names = [
            entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False) and entry.name[0] != "."
        ]
    except OSError:
        return False
    return (
        len(names) == 2
        and any(name.lower() in (MASK, f"{MASK}s") for name in names)
        and any(name.lower() in FILLERS for name in names)
    )


def _may_hold(path: Path) -> bool:
    """Whether any folder or file is called as masks are: a quick look at the first of many."""
    waiting, looked = [""], 0
    while waiting and looked < LOOK_FOLDERS:
        folder, looked = waiting.pop(0), looked + 1
        with os.scandir(path / folder) as entries:
            for entry in islice(entries, LOOK_FILES):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(_join(folder, entry.name))
                    if _is_mask_folder(entry.name):
                        return True
                elif SUFFIX.search(_stem(entry.name)):
                    return True
    return False


def pairs_in(path: Path, masks: str | None) -> Pairs | None:
    """Pictures and masks that belong together. masks: the folder that holds them, where the user says it; relative to `path` or not."""
    tree = list_media(path, "image")
    if not tree.folders:
        return None
    if masks is not None:
        return _paired(path, tree.folders, tree.fingerprint, _asked_folders(path, tree.folders, masks), looked=False)
    named = {folder for folder in tree.folders if _is_mask_folder(folder)}
    if named and named != set(tree.folders):
        found = _paired(path, tree.folders, tree.fingerprint, named)
        if found is not None:
            return found
    return _by_suffix(path, tree.folders, tree.fingerprint)


def _is_mask_folder(folder: str) -> bool:
    """Whether a folder, or one above it, is called as folders of masks are."""
    for name in folder.lower().split("/"):
        plain = re.sub(r"[^a-z]", "", name)
        if plain in WORDS or (plain.endswith(ENDINGS) and len(plain) > 4):
            return True
    return False


def _asked_folders(path: Path, folders: Mapping[str, Sequence[str]], masks: str) -> set[str]:
    wanted = Path(masks)
    relative = (
        wanted.absolute().relative_to(path.absolute()) if wanted.absolute().is_relative_to(path.absolute()) else wanted
    )
    name = relative.as_posix().strip("/")
    found = {f for f in folders if f == name or f.startswith(f"{name}/") or f.split("/")[-1] == name}
    if not found:
        raise RequestError(
            f"--masks {masks} was given, but {path} has no such folder with images in it. Name one of its folders: {', '.join(sorted(folders)[:8]) or 'there is none'}."
        )
    return found


def _paired(
    path: Path, folders: Mapping[str, Sequence[str]], listing: str, masks: set[str], *, looked: bool = True
) -> Pairs | None:
    """Pairs by stem: of folders of masks with those of pictures that lie under the same parts."""
    pictures = {folder: files for folder, files in folders.items() if folder not in masks}
    by_key: dict[tuple[int, str], str] = {}
    for folder, files in pictures.items():
        for name in files:
            by_key.setdefault((_part(folder), _stem(name)), _join(folder, name))
    classes = _class_folders(masks, folders, by_key)
    found: dict[str, dict[str, str]] = {}  # class, picture, mask
    lost: list[str] = []
    for folder in sorted(masks):
        for name in folders[folder]:
            key = (_part(folder), _stem(name))
            picture = by_key.get(key) or by_key.get((key[0], SUFFIX.sub("", key[1])))
            if picture is None:
                lost.append(_join(folder, name))
                continue
            found.setdefault(classes.get(folder, ""), {})[picture] = _join(folder, name)
    count = sum(map(len, found.values()))
    if not count or count < LEAST_PAIRED * (count + len(lost)):
        return None
    some = [(picture, mask) for pairs in found.values() for picture, mask in list(pairs.items())[:LOOKED_AT]]
    if looked and not all(_is_mask(path / mask) for _, mask in some[: 2 * LOOKED_AT]):
        return None
    how = f"masks in {', '.join(sorted({folder or '.' for folder in masks})[:NAMED])}, by the names of their images"
    return _made(found, by_key.values(), lost, how, listing)


def _by_suffix(path: Path, folders: Mapping[str, Sequence[str]], listing: str) -> Pairs | None:
    """1.jpg beside 1_mask.png, in one folder or in several."""
    stems = {(_part(folder), _stem(name)): _join(folder, name) for folder, files in folders.items() for name in files}
    found: dict[str, str] = {}
    marked: set[str] = set()
    for (part, stem), file in stems.items():
        short = SUFFIX.sub("", stem)
        picture = stems.get((part, short)) if short != stem else None
        if picture is not None:
            found[picture] = file
            marked.add(file)
    if not found or len(found) < LEAST_PAIRED * (len(stems) - len(found)):
        return None
    if not all(_is_mask(path / mask) for mask in list(found.values())[:LOOKED_AT]):
        return None
    pictures = [file for file in stems.values() if file not in marked]
    return _made({"": found}, pictures, [], "masks beside their images, by the endings of their names", listing)


def _made(
    found: Mapping[str, Mapping[str, str]], pictures: object, lost: Sequence[str], how: str, listing: str
) -> Pairs:
    named = sorted(pictures, key=natural)  # type: ignore[call-overload]
    kept = [picture for picture in named if any(picture in pairs for pairs in found.values())]
    return Pairs(
        pictures=kept,
        masks={name: [pairs.get(picture, "") for picture in kept] for name, pairs in sorted(found.items())},
        alone=[picture for picture in named if picture not in set(kept)],
        lost=lost,
        how=how,
        fingerprint=fingerprint.of_listing([listing, *(f"{p} {sorted(found)}" for p in kept)]),
        parts=np.array([_part(picture.rpartition("/")[0]) for picture in kept], np.int8),
    )


def _class_folders(
    masks: set[str], folders: Mapping[str, Sequence[str]], pictures: Mapping[tuple[int, str], str]
) -> dict[str, str]:
    """The class of each folder of masks, where several of them hold masks of the same pictures."""
    keys = Counter(
        (_part(folder), _stem(name))
        for folder in masks
        for name in folders[folder]
        if (_part(folder), _stem(name)) in pictures
    )
    if not keys or max(keys.values()) < 2:
        return {}
    return {folder: folder.split("/")[-1] for folder in masks}


def natural(text: str) -> tuple[list[str], list[int]]:
    """Sorts numbers in names as numbers: 2.png before 10.png."""
    return re.split(r"\d+", text), [int(number) for number in re.findall(r"\d+", text)]


def _part(folder: str) -> int:
    """The part that a folder, or one above it, is called after."""
    for name in folder.split("/"):
        part = part_of(name)
        if part is None:
            plain = re.sub(r"(?i)[_\-]?(annot|annotations|masks?|labels?|gt|images?|img)$", "", name)
            part = part_of(plain) if plain and plain != name else None
        if part is not None:
            return part
    return UNASSIGNED


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_mask(file: Path) -> bool:
    """Whether a picture has few different values, as masks have."""
    from netpick.data.decode_worker import PILLOW_ERRORS, UnreadableImageError, read_file
    from netpick.data.decoders.mask import COLOUR, read_values

    try:
        values = np.unique(read_values(read_file(str(file))).pixels)
    except (UnreadableImageError, *PILLOW_ERRORS):
        return True  # which one it is will be said when all are read
    return len(values) <= (64 if values.max(initial=0) >= COLOUR else MOST_VALUES)


def _source(path: Path, pairs: Pairs, options: ReadOptions) -> Source:
    columns: dict[str, Column] = {IMAGE: FileColumn(name=IMAGE, root=path, paths=list(pairs.pictures), kind="image")}
    names = []
    for name, files in pairs.masks.items():
        column = f"{MASK}:{name}" if name else MASK
        columns[column] = FileColumn(name=column, root=path, paths=list(files), kind="mask")
        names.append(column)
    text = f"{len(pairs.pictures):,} images with {pairs.how}."
    notes = [Note(subject="masks", text=text, override="--masks")]
    notes += _left_out(pairs.alone, "image has no mask", "images have no mask")
    notes += _left_out(pairs.lost, "mask has no image", "masks have no image")
    given = pairs.parts if (pairs.parts == TRAIN).any() and (pairs.parts == TEST).any() and options.find_test else None
    if given is not None:
        counts = ", ".join(
            f"{name} {int((given == part).sum()):,}" for part, name in PART_NAMES.items() if (given == part).any()
        )
        notes.append(Note(subject="split", text=f"The parts are given: {counts}.", override="--test none"))
    legend, told = legend_of(path, options.classes)
    return Source(
        name=readable(path.absolute().name),
        origin=str(path),
        layout=MaskFolderReader.name,
        columns=columns,
        num_rows=len(pairs.pictures),
        fingerprint=pairs.fingerprint,
        target=names[0],
        masks=tuple(names),
        legend=legend,
        given_split=given,
        notes=[*notes, *told],
        row_names=[readable(file) for file in pairs.pictures],
    )


def _left_out(names: Sequence[str], one: str, many: str) -> list[Note]:
    if not names:
        return []
    shown = f"{', '.join(map(readable, names[:NAMED]))}{', ...' if len(names) > NAMED else ''}"
    verb = "is" if len(names) == 1 else "are"
    return [
        Note(subject="masks", text=f"{len(names):,} {one if len(names) == 1 else many} and {verb} left out: {shown}.")
    ]


def legend_of(path: Path, given: str | None) -> tuple[dict[int, str], list[Note]]:
    """The names of values: a name a line, from 0 on, or lines of a name and a number or a colour. Raises RequestError."""
    file = (
        Path(given) if given is not None else next((path / name for name in LEGENDS if (path / name).is_file()), None)
    )
    if file is None:
        return {}, []
    if not file.is_file():
        raise RequestError(
            f"--classes {given} was given, but there is no such file. Pass a file with a class name a line."
        )
    lines = [line for line in file.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    if given is None and len(lines) > MOST_CLASSES + 1:
        return {}, []
    legend = _legend(lines)
    if legend is None:
        if given is None:
            return {}, []
        raise RequestError(
            f"{file} is no list of classes. A class name a line was expected, the first one for value 0, or lines of a name and its value "
            "(road, 3) or colour (road, 128, 64, 128)."
        )
    text = f"{readable(file.name)} names {len(legend):,} classes."
    return legend, [Note(subject="classes", text=text, override="--classes")]


def _legend(lines: Sequence[str]) -> dict[int, str] | None:
    from netpick.data.decoders.mask import COLOUR

    legend: dict[int, str] = {}
    for number, line in enumerate(lines):
        cells = [cell.strip() for cell in next(csv.reader([line.replace("\t", ",")]))]
        if len(cells) == 1:
            cells = line.split() if re.fullmatch(r"(\d+\s+)+\S+|\S+(\s+\d+)+", line.strip()) else cells
        numbers = [int(cell) for cell in cells if re.fullmatch(r"\d+", cell)]
        words = [cell for cell in cells if cell and not re.fullmatch(r"\d+", cell)]
        if not numbers and number == 0 and len(cells) > 1:
            continue  # a header
        if len(words) != 1 or len(numbers) not in (0, 1, 3) or any(n > 255 for n in numbers if len(numbers) == 3):
            return None
        if len(numbers) == 3:
            red, green, blue = numbers
            legend[COLOUR + (red << 16) + (green << 8) + blue] = words[0]
        else:
            legend[numbers[0] if numbers else len(legend)] = words[0]
    return legend or None
