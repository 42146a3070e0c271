"""A CSV of boxes: a row an object, with the name of its picture, its class and four numbers.

What the numbers are is read from the header, and checked against the pictures: boxes have to lie in them. A row without numbers says that its
picture holds nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar, TextIO

import numpy as np

from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.box_columns import (
    ORDERS,
    BoxColumns,
    Order,
    columns_by_look,
    columns_by_name,
    fitting,
    plain,
    values_in,
)
from netpick.data.sources.boxes import objects_source
from netpick.data.sources.object_files import (
    PictureFiles,
    Told,
    are_classes,
    files_below,
    part_in,
    pictures_below,
    root_of,
    scaled,
    with_test,
)
from netpick.data.sources.paths import IMAGE_SUFFIXES, readable
from netpick.data.sources.upright import sizes_of_file
from netpick.errors import DataError
from netpick.types import Note, Source
from netpick.types.objects import Thing

ENDINGS = (".csv", ".tsv")
HEAD = 64 << 10
LOOKED_AT = 10  # tables of a folder
LOOK_ROWS = 50
MOST_BYTES = 1 << 30
NO_LABEL = "object"
ONES, ZEROS = 5, 0.02  # edges at pixel 1, at least, and at 0 for each of those, at most, where the first pixel is 1


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a table is written."""

    separator: str
    header: bool
    picture: int
    columns: BoxColumns


class BoxTableReader(Reader):
    """labels.csv: image,label,xmin,ymin,xmax,ymax; beside the pictures, or in a folder above."""

    name: ClassVar[str] = "box_table"
    description: ClassVar[str] = "boxes (CSV)"

    def recognises(self, path: Path) -> bool:
        if path.is_file():
            return path.name.lower().endswith(ENDINGS) and layout_of(path) is not None and _has_pictures(path)
        return path.is_dir() and bool(tables_in(path))

    def read(self, path: Path, options: ReadOptions) -> Source:
        root = root_of(path) if path.is_file() else path
        tables = [path.absolute()] if path.is_file() else [root / name for name in tables_in(root)]
        pictures, told = pictures_below(root), Told()
        rows: dict[str, list[Thing]] = {}
        parts: dict[str, int] = {}
        notes: list[Note] = []
        for table in tables:
            name = table.name
            found, how = boxes_of(table, pictures, told)
            notes.append(how)
            for file, things in found.items():
                if file in rows:
                    raise DataError(
                        f"{readable(file)} is in {readable(name)} and in another table of {root}, but one of them was expected. Name the table to learn from."
                    )
                rows[file] = things
                named = part_in(name)
                parts[file] = named if len(tables) > 1 else part_in(file.rpartition("/")[0])
        for file in pictures.files:
            if file not in rows:
                told.add(
                    "picture has no row and is left out (a row without numbers says that nothing is there)",
                    "pictures have no row and are left out (a row without numbers says that nothing is there)",
                    file,
                )
        files = sorted(rows)
        given = with_test([parts[file] for file in files]) if options.find_test else None
        return objects_source(
            path, self.name, files, [rows[f] for f in files], parts=given, notes=[*notes, *told.notes], root=root
        )


def tables_in(folder: Path) -> list[str]:
    """Tables of boxes in a folder of pictures, relative to it; never raises."""
    if are_classes(folder):
        return []
    names = list(files_below(folder, (*ENDINGS, *IMAGE_SUFFIXES)))
    if not any(name.lower().endswith(IMAGE_SUFFIXES) for name in names):
        return []
    some = list(islice((name for name in names if name.lower().endswith(ENDINGS)), LOOKED_AT))
    return [name for name in some if layout_of(folder / name) is not None]


def layout_of(table: Path) -> Layout | None:
    """How a table of boxes is written; None for any other one. Never raises."""
    try:
        with table.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return None
    lines = head.decode("utf-8-sig", "replace").splitlines()
    lines = lines if len(head) < HEAD else lines[:-1]
    for separator in (",", ";", "\t"):
        try:
            rows = [row for row in csv.reader(lines[: LOOK_ROWS + 1], delimiter=separator) if row]
        except csv.Error:
            continue
        if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
            continue
        named = columns_by_name(rows[0])
        if named is not None:
            picture = _picture_column(rows[1:], rows[0])
            if picture is not None:
                return Layout(separator=separator, header=True, picture=picture, columns=named)
        picture = _picture_column(rows[1:], None)
        if picture is None:
            continue
        looked = columns_by_look(rows[1:], picture)
        if looked is not None:
            header = not _is_picture(rows[0][picture])
            return Layout(separator=separator, header=header, picture=picture, columns=looked)
    return None


def boxes_of(table: Path, pictures: PictureFiles, told: Told) -> tuple[dict[str, list[Thing]], Note]:
    """What is in each picture that a table names. Raises DataError for what is no box, and where boxes do not lie in their pictures."""
    name = table.name
    if table.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{readable(name)} has {table.stat().st_size / 1e9:.1f} GB, but at most {MOST_BYTES >> 30} GB are read. Cut it into parts."
        )
    layout = layout_of(table)
    if layout is None:
        raise DataError(
            f"{readable(name)} is no table of boxes, but columns of pictures and of four numbers were expected, such as image,label,xmin,ymin,xmax,ymax."
        )
    found: dict[str, list[tuple[str, list[float]]]] = {}
    known: dict[str, str | None] = {}
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        for line, cells in _rows(opened, layout):
            picture = cells[layout.picture].strip()
            file = known[picture] = known[picture] if picture in known else pictures.named(picture)
            if file is None:
                told.add(
                    "row names a picture that is not there",
                    "rows name pictures that are not there",
                    f"{picture} (line {line})",
                )
                continue
            try:
                values = values_in(cells, layout.columns)
            except ValueError as error:
                shown = ", ".join(cells[place] for place in layout.columns.places)[:60]
                raise DataError(
                    f"{readable(name)}, line {line}, has the box {shown!r}, but {error}. Correct the file."
                ) from None
            boxes = found.setdefault(file, [])
            if values is not None:
                label = NO_LABEL if layout.columns.label is None else cells[layout.columns.label].strip()
                boxes.append((label or NO_LABEL, values))
    if not found:
        raise DataError(
            f"{readable(name)} names none of the {len(pictures.files):,} pictures of {pictures.root}. Put it beside its pictures, or check the names."
        )
    sizes = {file: sizes_of_file(pictures.root / file)[0] for file in found}
    order, shares = _order(name, found, sizes, layout)
    start = 0 if shares else _first_pixel(order, found)
    made = {}
    for file, boxes in found.items():
        corners = order.corners(np.array([values for _, values in boxes]).reshape(-1, 4))
        width, height = sizes[file] or (1, 1)
        things = [
            Thing(label=label, left=max(0.0, a - start), top=max(0.0, b - start), right=c, bottom=d)
            for (label, _), (a, b, c, d) in zip(boxes, corners.tolist(), strict=True)
        ]
        made[file] = [scaled(thing, width, height) for thing in things] if shares else things
    return made, _note(name, layout, order, shares=shares, start=start)


def _rows(opened: TextIO, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(opened, delimiter=layout.separator)
    width = max(layout.picture, layout.columns.label or 0, *layout.columns.places) + 1
    for number, cells in enumerate(reader):
        if (number == 0 and layout.header) or not any(cell.strip() for cell in cells):
            continue
        if len(cells) < width:
            raise DataError(
                f"Line {reader.line_num} of the table of boxes has {len(cells)} cells, but {width} were expected. Correct the file."
            )
        yield reader.line_num, cells


def _order(
    name: str,
    found: Mapping[str, Sequence[tuple[str, list[float]]]],
    sizes: Mapping[str, tuple[int, int] | None],
    layout: Layout,
) -> tuple[Order, bool]:
    pairs = [(values, sizes[file]) for file, boxes in found.items() for _, values in boxes if sizes[file] is not None]
    values = np.array([value for value, _ in pairs], dtype=np.float64).reshape(-1, 4)
    sides = np.array([size for _, size in pairs], dtype=np.float64).reshape(-1, 2)
    if not len(values):
        return layout.columns.orders[0], False
    fit = fitting(values, sides, layout.columns.orders)
    if len(fit) == 1 or (fit and layout.header and len(layout.columns.places) == 4 and len(layout.columns.orders) < 3):
        return fit[0]
    if not fit:
        others = fitting(values, sides, ORDERS)
        hint = (
            f" They would if the columns were {others[0][0].words}: rename them."
            if others
            else " Check that the table is of these pictures."
        )
        raise DataError(
            f"{readable(name)} holds boxes that do not lie in their pictures when they are read as {layout.columns.orders[0].words}.{hint}"
        )
    ways = "; or ".join(order.words for order, _ in fit)
    raise DataError(
        f"{readable(name)} holds four numbers for each box that can be read in several ways: {ways}. Name the columns in a first line, such as xmin,ymin,xmax,ymax or x,y,w,h."
    )


def _picture_column(rows: Sequence[Sequence[str]], header: Sequence[str] | None) -> int | None:
    """The column of names of pictures: those with an ending of pictures, else one that is called so."""
    for place in range(len(rows[0])):
        cells = [row[place] for row in rows if row[place].strip()]
        if cells and sum(map(_is_picture, cells)) >= 0.9 * len(cells):
            return place
    if header is None:
        return None
    names = [plain(name) for name in header]
    called = (
        "image",
        "image_id",
        "imageid",
        "filename",
        "file_name",
        "file",
        "img",
        "picture",
        "image_name",
        "path",
        "image_path",
    )
    return next((names.index(name) for name in called if name in names), None)


def _is_picture(cell: str) -> bool:
    return cell.strip().lower().endswith(IMAGE_SUFFIXES)


def _has_pictures(table: Path) -> bool:
    try:
        root_of(table)
    except DataError:
        return False
    return True


def _first_pixel(order: Order, found: Mapping[str, Sequence[tuple[str, list[float]]]]) -> int:
    """1 where corners begin there, and hardly any at 0, as in Pascal VOC; else 0."""
    values = np.array([values for boxes in found.values() for _, values in boxes]).reshape(-1, 4)
    if order.name not in ("corners", "sides", "turned") or (values % 1 != 0).any():
        return 0
    lows = order.corners(values)[:, :2]
    ones, zeros = int((lows == 1).sum()), int((lows <= 0).sum())
    return int(ones >= ONES and zeros <= ZEROS * ones)


def _note(name: str, layout: Layout, order: Order, *, shares: bool, start: int) -> Note:
    units = "shares of the picture" if shares else "pixels"
    label = "" if layout.columns.label is not None else f"; it names no classes, so all boxes are of one, '{NO_LABEL}'"
    how = "by the names of the columns, and" if layout.header and len(layout.columns.orders) < 3 else "as only so"
    first = "; the first pixel is 1, as in Pascal VOC, so one is taken off the left and upper edges" if start else ""
    text = f"{readable(name)} is read as {order.words} in {units}: {how} the boxes lie in their pictures{first}{label}."
    return Note(subject="boxes", text=text)
