"""D020: traits of files other than their format that give the class away: size, dimensions, colours, names, dates."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np

from netpick.checks.base import Check, CheckContext, looked_at, some_of
from netpick.checks.file_formats import MOST_FORMATS, distance_from_others
from netpick.checks.statistics import ks_distance
from netpick.types import Array, ArrayColumn, FileColumn, Finding, Rows, Severity, Source

MOST_FILES, MOST_HEADERS = 2_000, 1_000  # looked at, and opened
FEWEST = 10  # files of a class, and of the others
WARN, STOP = 0.7, 0.95  # how far a class's dimensions or colours are from those of the others; 1: nothing in common
SIZE_APART = 0.9  # contents make some difference: digits "1" take fewer bytes
SIZE_APART_PACKED, PACKED_FACTOR = (
    0.7,
    1.5,
)  # once contents are allowed for, and how many times as large the files then are
MOST_PACKED, HEADER_BYTES = 400, 100  # files that contents are packed of; what a file takes beside them
DATE_APART, ONE_DAY = 0.9, 86_400.0  # copying makes differences of seconds and minutes
NAME_APART = 0.8
LENGTH_APART = 0.95  # words have their length; only all of a class being longer than all others is odd


@dataclass(frozen=True, kw_only=True)
class _Trait:
    """One trait of the sampled files: values as texts, or as numbers."""

    name: str  # "are", "were last changed"
    values: Array
    in_pixels: bool  # whether a network can see it


class FileTraitTellsClass(Check):
    """Compares traits of the files of each class with those of all others."""

    code = "D020"
    title = "A trait of the files gives the class away"
    most_severe = "severe"

    def run(self, context: CheckContext) -> list[Finding] | None:
        if not context.one_class or context.target.ndim != 1:
            return None
        features = {f.name for f in context.schema.features}
        files = {name: column for name, column in context.files.items() if name in features}
        lengths = [
            c
            for name in sorted(features)
            if isinstance(c := context.source.columns[name], ArrayColumn) and c.lengths is not None
        ]
        if not files and not lengths:
            return None
        rows = context.learned
        rows = some_of(rows[context.target[rows] >= 0], MOST_FILES)
        classes = context.target[rows].astype(np.int64)
        findings: list[Finding] = []
        for name, column in files.items():
            for trait in _traits(context, column, rows):
                if trait.name == "size" and not self._beyond_contents(context, name, trait, classes):
                    continue
                findings += self._of_trait(context, name, trait, classes)
        for media in lengths:
            assert media.lengths is not None
            trait = _Trait(name="length", values=media.lengths[rows].astype(np.float64), in_pixels=True)
            findings += self._of_trait(context, media.name, trait, classes)
        return findings

    def _beyond_contents(self, context: CheckContext, name: str, trait: _Trait, classes: Array) -> bool:
        """Whether sizes still differ once they are divided by what the contents take when they are packed alike: a 1 takes
        fewer bytes than an 8 in any format.
        """
        column = context.source.columns[name]
        if not isinstance(column, ArrayColumn):
            return True
        rows = some_of(context.learned[context.target[context.learned] >= 0], MOST_FILES)
        places = np.unique(np.linspace(0, len(rows) - 1, MOST_PACKED).astype(int))
        packed = [
            len(zlib.compress(np.ascontiguousarray(column.values[rows[i]]).tobytes(), 1)) + HEADER_BYTES for i in places
        ]
        relative = _Trait(name="size", values=trait.values[places] / np.array(packed), in_pixels=False)
        own = classes[places]
        for label in np.unique(own).tolist():
            mine = own == label
            if _numbers_told(relative, mine, "", SIZE_APART_PACKED) is None:
                continue
            middles = sorted([float(np.median(relative.values[mine])), float(np.median(relative.values[~mine]))])
            if middles[1] >= PACKED_FACTOR * middles[0]:
                return True
        return False

    def _of_trait(self, context: CheckContext, column: str, trait: _Trait, classes: Array) -> list[Finding]:
        classes = classes[_opened(len(classes))] if trait.name in HEADERS else classes
        told = _texts_told if trait.values.dtype.kind == "O" else _numbers_told
        best: tuple[float, int, str] | None = None
        for label in np.unique(classes).tolist():
            found = told(trait, classes == label, str(_label(context, label)))
            if found is not None and (best is None or found[0] > best[0]):
                best = (found[0], label, found[1])
        if best is None:
            return []
        severity: Severity = "severe" if trait.in_pixels and trait.name in HEADERS and best[0] >= STOP else "warning"
        sampled = looked_at(len(classes), len(context.learned), "files")
        return [
            self.finding(
                severity=severity,
                evidence=f"{best[2]}{sampled}.",
                advice=(
                    "Ask where the files of each class come from. A network may learn the camera, the scanner or the editing in "
                    "place of what is shown: bring files of all classes from the same source, treated alike."
                ),
                clause=f"the {trait.name} of the files give the class away",
                columns=(column,),
            )
        ]


HEADERS = ("dimensions", "colours")


def _label(context: CheckContext, label: int) -> str:
    return str(context.labels[label]) if label < len(context.labels) else str(label)


def kept_files(before: Source, after: Source) -> dict[str, FileColumn]:
    """The files behind columns of media, for the rows that could be decoded; where rows are parts of files, these say nothing of them."""
    keep = None
    if after.num_rows < before.num_rows:
        keep = np.setdiff1d(np.arange(before.num_rows), [row.row for row in after.unreadable]).tolist()
    files = {}
    for name, column in before.columns.items():
        if isinstance(column, FileColumn) and column.spans is None:
            paths = column.paths if keep is None else [column.paths[row] for row in keep]
            if len(paths) == after.num_rows:
                files[name] = replace(column, paths=paths)
    return files


# --- reading the traits ----------------------------------------------------------------------------------------------


def _traits(context: CheckContext, column: FileColumn, rows: Rows) -> list[_Trait]:
    """What can be told of these files; traits of one value are left out."""
    paths = [column.paths[row] for row in rows.tolist()]
    sizes, dates = _sizes_and_dates(column, paths)
    names = [
        _pattern(path, _label(context, int(context.target[row])))
        for path, row in zip(paths, rows.tolist(), strict=True)
    ]
    traits = [
        _Trait(name="size", values=sizes, in_pixels=False),
        _Trait(name="date", values=dates, in_pixels=False),
        _Trait(name="name", values=np.array(names, dtype=object), in_pixels=False),
    ]
    if column.kind == "image":
        dimensions, colours = _headers(column, [paths[i] for i in _opened(len(paths)).tolist()])
        traits += [
            _Trait(name="dimensions", values=dimensions, in_pixels=True),
            _Trait(name="colours", values=colours, in_pixels=True),
        ]
    return [t for t in traits if len(set(t.values.tolist())) > 1]


def _sizes_and_dates(column: FileColumn, paths: list[str]) -> tuple[Array, Array]:
    """Bytes, and seconds since 1970; NaN where they cannot be told."""
    sizes, dates = np.full(len(paths), np.nan), np.full(len(paths), np.nan)
    if column.in_zip:
        try:
            with zipfile.ZipFile(column.root) as archive:
                known = {info.filename: info for info in archive.infolist()}
        except (OSError, zipfile.BadZipFile):
            return sizes, dates
        for i, path in enumerate(paths):
            if path in known:
                year, month, day, *_ = known[path].date_time
                sizes[i] = known[path].file_size
                dates[i] = ((year * 12 + month) * 31 + day) * ONE_DAY
        return sizes, dates
    for i, path in enumerate(paths):
        try:
            found = os.stat(os.path.join(column.root, path))
        except OSError:
            continue
        if os.path.isdir(os.path.join(column.root, path)):
            continue  # a folder of frames
        sizes[i], dates[i] = found.st_size, found.st_mtime
    return sizes, dates


def _headers(column: FileColumn, paths: list[str]) -> tuple[Array, Array]:
    """Width x height and the colour mode of each picture, from its header alone."""
    from netpick.data.decode_worker import PILLOW_ERRORS, UnreadableImageError, open_image

    dimensions, colours = [], []
    opened: zipfile.ZipFile | None = None
    try:
        opened = zipfile.ZipFile(column.root) if column.in_zip else None
        for path in paths:
            try:
                content = opened.read(path) if opened is not None else Path(column.root, path).read_bytes()
                with open_image(content) as image:
                    dimensions.append(f"{image.width} x {image.height}")
                    colours.append(image.mode)
            except (OSError, KeyError, UnreadableImageError, *PILLOW_ERRORS):
                dimensions.append("")
                colours.append("")
    finally:
        if opened is not None:
            opened.close()
    return np.array(dimensions, dtype=object), np.array(colours, dtype=object)


def _opened(count: int) -> Rows:
    """Which of so many files are opened, drawn at random: files lie sorted by class."""
    return some_of(np.arange(count), MOST_HEADERS)


def _pattern(path: str, label: str) -> str:
    """The shape of a file's name: without its folder, its ending, its numbers and the class's own name."""
    stem = PurePath(path).stem.lower()
    if label:
        stem = stem.replace(label.lower(), "CLASS")
    return re.sub(r"\d+", "0", stem)


# --- comparing them --------------------------------------------------------------------------------------------------


def _texts_told(trait: _Trait, own: Array, label: str) -> tuple[float, str] | None:
    values = trait.values.astype(str)
    names, codes = np.unique(values, return_inverse=True)
    if min(own.sum(), (~own).sum()) < FEWEST or len(names) > max(2, MOST_FORMATS * len(values)):
        return None
    counts = np.stack([np.bincount(codes[own], minlength=len(names)), np.bincount(codes[~own], minlength=len(names))])
    apart = distance_from_others(counts, 0)
    if apart < (NAME_APART if trait.name == "name" else WARN):
        return None
    shares = counts / counts.sum(axis=1, keepdims=True)
    most = int((shares[0] - shares[1]).argmax())
    what = {"name": "are named like", "dimensions": "have", "colours": "have the colour mode"}[trait.name]
    unit = " pixels" if trait.name == "dimensions" else ""
    said = (
        f"{counts[0, most]:,} of {counts[0].sum():,} files of '{label}' {what} {names[most] or 'nothing'}{unit}, but "
        f"{counts[1, most]:,} of {counts[1].sum():,} of the other classes"
    )
    return apart, said


def _numbers_told(trait: _Trait, own: Array, label: str, limit: float | None = None) -> tuple[float, str] | None:
    known = ~np.isnan(trait.values)
    mine, others = trait.values[own & known], trait.values[~own & known]
    if min(len(mine), len(others)) < FEWEST:
        return None
    limit = limit or {"size": SIZE_APART, "date": DATE_APART, "length": LENGTH_APART}[trait.name]
    apart = ks_distance(mine, others)
    a, b = float(np.median(mine)), float(np.median(others))
    if apart < limit or (trait.name == "date" and abs(a - b) < ONE_DAY):
        return None
    say: Mapping[str, Callable[[], str]] = {
        "size": lambda: f"are of {a:,.0f} bytes in the middle, those of the other classes of {b:,.0f}",
        "date": lambda: (
            f"were last changed {abs(a - b) / ONE_DAY:,.0f} days {'after' if a > b else 'before'} the others"
        ),
        "length": lambda: f"last {a:,.0f} steps in the middle, those of the other classes {b:,.0f}",
    }
    return apart, f"The files of '{label}' {say[trait.name]()}: the two overlap by {1 - apart:.0%}"
