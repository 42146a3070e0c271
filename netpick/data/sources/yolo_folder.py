"""YOLO: a text file a picture, a line an object, with its class and the middle and the size of its box in shares of the picture.

labels/1.txt beside images/1.jpg, or 1.txt beside 1.jpg. Longer lines are outlines, of which the box around them counts. data.yaml, classes.txt or
obj.names names the classes, and data.yaml the parts. An empty file says that nothing is there; without a file nobody looked.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.boxes import objects_source
from netpick.data.sources.folder_levels import part_of
from netpick.data.sources.mask_folder import legend_of
from netpick.data.sources.object_files import (
    Told,
    are_classes,
    files_below,
    part_in,
    pictures_below,
    scaled,
    stem_of,
    with_test,
)
from netpick.data.sources.paths import PART_WORDS, readable
from netpick.data.sources.plain_yaml import MOST_BYTES as MOST_YAML
from netpick.data.sources.plain_yaml import Value, read_plain_yaml
from netpick.data.sources.upright import sizes_of_file
from netpick.errors import DataError
from netpick.types import UNASSIGNED, Note, Source
from netpick.types.objects import Thing

MOST_BYTES = 8 << 20  # of a label file
LOOKED_AT = 20  # label files that are looked into
LISTS = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels", "names.txt", "class.names", "coco.names")
YAMLS = (".yaml", ".yml")
OVER = 1.01  # of the picture, that boxes reach by rounding
NOT_LABELS = {*LISTS, "train.txt", "val.txt", "valid.txt", "test.txt", "trainval.txt", "readme.txt", "requirements.txt"}


@dataclass(frozen=True, kw_only=True)
class Described:
    """What data.yaml or a list of names says."""

    file: str = ""  # its name
    names: Mapping[int, str] = field(default_factory=dict)
    parts: Mapping[str, int] = field(default_factory=dict)  # of folders, or of single files
    points: bool = False  # whether key points are behind each box


class YoloReader(Reader):
    """labels/1.txt beside images/1.jpg; data.yaml names the classes."""

    name: ClassVar[str] = "yolo_folder"
    description: ClassVar[str] = "boxes (YOLO)"

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and holds_yolo(path)

    def read(self, path: Path, options: ReadOptions) -> Source:
        pictures, told = pictures_below(path), Told()
        described = described_in(path, options.classes)
        labels = _label_files(path)
        by_key = {_key(name): name for name in reversed(labels)}
        rows: list[list[Thing] | None] = []
        used: set[str] = set()
        for file in pictures.files:
            name = by_key.get(_key(file))
            if name is None:
                rows.append(None)
                continue
            used.add(name)
            rows.append(_in_pixels(things_in(path / name, f"{path.absolute().name}/{name}", described), path / file))
        for name in labels:
            if name not in used:
                told.add(
                    "label file has no picture and is left out", "label files have no picture and are left out", name
                )
        if not used:
            raise DataError(
                f"{path} holds {len(labels):,} label files, but none of them is called as one of its {len(pictures.files):,} pictures: the first is "
                f"{readable(labels[0]) if labels else 'missing'}. Check the names."
            )
        notes = [*_names_note(described, rows), *told.notes, *_missing_note(pictures.files, rows)]
        parts = with_test([_part(file, described) for file in pictures.files]) if options.find_test else None
        return objects_source(path, self.name, list(pictures.files), rows, parts=parts, notes=notes)


def holds_yolo(path: Path) -> bool:
    """Whether text files of YOLO lie beside pictures; never raises."""
    if are_classes(path):
        return False
    names = list(files_below(path))
    keys = {_key(name) for name in names if not name.lower().endswith((".txt", *YAMLS))}
    beside = [name for name in names if _may_label(name) and _key(name) in keys]
    if not beside or len({_key(name) for name in beside}) < 0.02 * len(keys):
        return False
    looked = [_looks(path / name) for name in beside[:LOOKED_AT]]
    # Most of them: a file that is damaged is then told by its name.
    return looked.count(True) > looked.count(False)


def described_in(path: Path, classes: str | None = None) -> Described:
    """What a file of the folder says of classes and parts; one of the folder above where this one is a part. `classes`: a file of names that
    the user gives. Raises DataError for one that cannot be read or leads out of the folder."""
    if classes is not None:
        legend, _ = legend_of(path, classes)
        return Described(file=classes, names=legend)
    found = _described(path, list(files_below(path)))
    if not found.names and part_of(path.absolute().name) is not None:
        above = path.absolute().parent
        with os.scandir(above) as entries:
            beside = sorted(entry.name for entry in entries if entry.is_file())
        found = replace(_described(above, beside), parts={})
    return found


def _described(path: Path, names: Sequence[str]) -> Described:
    for name in sorted((n for n in names if n.lower().endswith(YAMLS)), key=lambda n: (n.count("/"), n)):
        if (path / name).stat().st_size > MOST_YAML:
            continue
        text = (path / name).read_text("utf-8-sig", errors="replace")
        if "names" not in text:
            continue
        try:
            entries = read_plain_yaml(text)
        except ValueError as error:
            raise DataError(
                f"{readable(name)} cannot be read: {error}. Write 'names:' with a list of the classes, or remove the file."
            ) from None
        if "names" in entries or "train" in entries:
            return _from_yaml(path, name, entries)
    for name in names:
        if name.rpartition("/")[2].lower() in LISTS:
            lines = (path / name).read_text("utf-8-sig", errors="replace").splitlines()
            listed = [line.strip() for line in lines if line.strip()]
            if listed and not all(_numeric(line) for line in listed):
                return Described(file=name, names=dict(enumerate(listed)))
    return Described()


def _from_yaml(path: Path, name: str, entries: Mapping[str, Value]) -> Described:
    given = entries.get("names", [])
    if isinstance(given, dict):
        if not all(number.isdecimal() for number in given):
            raise DataError(
                f"{readable(name)} names the classes {', '.join(list(given)[:4])}, but numbers from 0 on were expected before them. Correct the file."
            )
        names = {int(number): label for number, label in given.items()}
    else:
        names = dict(enumerate([given] if isinstance(given, str) and given else given))
    count = entries.get("nc")
    if isinstance(count, str) and count.isdecimal() and names and int(count) != len(names):
        raise DataError(
            f"{readable(name)} says nc: {count} and names {len(names)} classes, but both have to agree. Correct the file."
        )
    parts: dict[str, int] = {}
    for key in ("train", "val", "valid", "test"):
        places = entries.get(key, [])
        for place in [places] if isinstance(places, str) else list(places):
            inside = _inside(path, name, entries.get("path"), place) if place else None
            if inside is None:
                continue
            if inside in parts and parts[inside] != PART_WORDS[key]:
                parts[inside] = UNASSIGNED  # one folder for two parts gives none
            else:
                parts[inside] = PART_WORDS[key]
    listed = {
        file: part for place, part in list(parts.items()) if place.endswith(".txt") for file in _listed(path, place)
    }
    return Described(file=name, names=names, parts={**parts, **listed}, points="kpt_shape" in entries)


def _inside(path: Path, name: str, base: Value | None, place: str) -> str | None:
    """A folder or list of files that a yaml names, relative to the folder; None where there is none. Raises DataError for one outside of it."""
    root = path.resolve()
    plain = place.replace("\\", "/")
    tails = [plain.strip("/").split("/")[start:] for start in range(plain.count("/") + 1)]
    own = (path / name).parent
    starts = [own, path, *([path / base, own / base] if isinstance(base, str) and base else [])]
    for start in starts:
        target = Path(os.path.normpath(start.absolute() / plain))
        if target.resolve().is_relative_to(root) and target.exists():
            return target.resolve().relative_to(root).as_posix()
    for tail in tails:  # Roboflow writes ../train/images for train/images
        kept = [part for part in tail if part not in ("..", ".")]
        if kept and (path / "/".join(kept)).exists():
            return "/".join(kept)
    leads = [Path(os.path.normpath(start.absolute() / plain)) for start in starts]
    if any(lead.exists() and not lead.resolve().is_relative_to(root) for lead in leads) or Path(plain).is_absolute():
        raise DataError(
            f"{readable(name)} names {place[:80]!r}, which is outside of {path}, but only files inside are read. Copy the pictures there, or correct the file."
        )
    return None


def _listed(path: Path, place: str) -> list[str]:
    """The pictures of a list, relative to the folder, whatever stands before them."""
    file = path / place
    if not file.is_file() or file.stat().st_size > MOST_BYTES:
        return []
    found = []
    for line in file.read_text("utf-8", errors="replace").splitlines():
        pieces = [piece for piece in line.strip().replace("\\", "/").split("/") if piece not in ("", ".", "..")]
        tails = ["/".join(pieces[start:]) for start in range(len(pieces))]
        found += [tail for tail in tails if (path / tail).is_file()][:1]
    return found


def things_in(file: Path, name: str, described: Described) -> list[Thing]:
    """What a label file says, in shares of the picture. Raises DataError with the line that is no label."""
    if file.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{readable(name)} has {file.stat().st_size / 1e6:,.0f} MB, but at most {MOST_BYTES >> 20} MB were expected of boxes."
        )
    text = file.read_text("utf-8-sig", errors="replace")
    return [
        _thing(line.split(), f"{readable(name)}, line {number}", described)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]


def _thing(cells: Sequence[str], where: str, described: Described) -> Thing:
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = []
    if len(values) < 5 or not all(map(math.isfinite, values)):
        raise DataError(
            f"{where}, is {' '.join(cells)[:60]!r}, but a class and four shares of the picture were expected. Correct the file."
        )
    number = int(values[0])
    if number != values[0] or number < 0:
        raise DataError(
            f"{where}, has the class {cells[0][:20]}, but a whole number from 0 on was expected. Correct the file."
        )
    if described.names and number not in described.names:
        last = max(described.names)
        raise DataError(
            f"{where}, has the class {number}, but {readable(described.file)} names {len(described.names)} classes (0 to {last}). Correct one of the two."
        )
    label = described.names.get(number, str(number))
    if len(values) in (5, 6) or described.points:
        across, down, width, height = values[1:5]
        if min(width, height) < 0 or max(across, down, width, height) > OVER or min(across, down) < 1 - OVER:
            what = "they look like pixels" if max(values[1:5]) > 2 else "they lie outside of it"
            raise DataError(
                f"{where}, has the box {' '.join(cells[1:5])}, but shares of the picture from 0 to 1 were expected: {what}. Correct the file."
            )
        box = across - width / 2, down - height / 2, across + width / 2, down + height / 2
    else:
        points = values[1:]
        if len(points) % 2:
            raise DataError(
                f"{where}, has {len(points)} numbers behind its class, but a box of 4 or an outline of pairs was expected. Correct the file."
            )
        if max(points) > 2 or min(points) < -1:
            raise DataError(
                f"{where}, has an outline up to {max(points):g}, but shares of the picture from 0 to 1 were expected. Correct the file."
            )
        box = min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])
    left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in box)
    return Thing(label=label, left=left, top=top, right=right, bottom=bottom)


def _in_pixels(things: Sequence[Thing], file: Path) -> list[Thing]:
    size = sizes_of_file(file)[0] if things else None
    width, height = size or (1, 1)  # a picture that cannot be opened is left out when it is decoded
    return [scaled(thing, width, height) for thing in things]


def _part(file: str, described: Described) -> int:
    if described.parts:
        for place in (file, *_parents(file)):
            if place in described.parts:
                return described.parts[place]
    return part_in(file.rpartition("/")[0])


def _parents(file: str) -> list[str]:
    pieces = file.split("/")[:-1]
    return ["/".join(pieces[:count]) for count in range(len(pieces), 0, -1)]


def _label_files(path: Path) -> list[str]:
    """All text files below a folder that may be labels."""
    found = []
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        relative = Path(folder).relative_to(path).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        found += [f"{prefix}{name}" for name in sorted(names) if _may_label(name)]
    return found


def _may_label(name: str) -> bool:
    last = name.rpartition("/")[2].lower()
    return last.endswith(".txt") and last not in NOT_LABELS and not last.startswith(("readme", "."))


def _key(name: str) -> str:
    """What a picture and its label file have in common: their folders but for images and labels, and their name without its ending."""
    *folders, last = name.split("/")
    kept = [
        folder.lower()
        for folder in folders
        if folder.lower() not in ("images", "labels", "image", "label", "imgs", "obj_train_data")
    ]
    return "/".join([*kept, stem_of(last)])


def _looks(file: Path) -> bool | None:
    """Whether a file holds lines of YOLO; None for an empty one."""
    try:
        with file.open("rb") as opened:
            head = opened.read(1 << 14)
    except OSError:
        return False
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return None
    return all(_numeric(line) and len(line.split()) >= 5 for line in lines[:-1] or lines)


def _numeric(line: str) -> bool:
    try:
        list(map(float, line.split()))
    except ValueError:
        return False
    return True


def _names_note(described: Described, rows: Sequence[Sequence[Thing] | None]) -> list[Note]:
    seen = {thing.label for things in rows for thing in things or ()}
    if not described.names:
        numbers = ", ".join(sorted(seen, key=lambda label: (len(label), label))[:8])
        return [
            Note(
                subject="classes",
                text=f"No data.yaml or classes.txt names the classes, so they are called by their numbers: {numbers}.",
                override="--classes",
            )
        ]
    never = [label for label in described.names.values() if label not in seen]
    text = f"{readable(described.file)} names {len(described.names)} classes"
    text += f"; no box is of {', '.join(never[:4])}{', ...' if len(never) > 4 else ''}" if never else ""
    return [Note(subject="classes", text=f"{text}.", override="--classes")]


def _missing_note(files: Sequence[str], rows: Sequence[object]) -> list[Note]:
    missing = [file for file, things in zip(files, rows, strict=True) if things is None]
    if not missing:
        return []
    shown = ", ".join(map(readable, missing[:3])) + (", ..." if len(missing) > 3 else "")
    verb = "picture has no label file and is" if len(missing) == 1 else "pictures have no label file and are"
    text = f"{len(missing):,} {verb} not learned from: nobody looked. Where nothing is there, write an empty file ({shown})."
    return [Note(subject="boxes", text=text)]
