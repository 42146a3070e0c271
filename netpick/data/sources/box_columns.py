"""What the columns of a table of boxes are: by their names, and by a look at whether the boxes then lie in their pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netpick.types import Array

FIT = 0.98  # of the boxes, that lie in their pictures where the columns are read rightly
OVER = 2.0  # pixels, by which edges may lie outside
CORNERS = ("left", "top", "right", "bottom")
NAMES: Mapping[str, tuple[str, ...]] = {
    "left": (
        "xmin",
        "x_min",
        "left",
        "x1",
        "x0",
        "bbox_x1",
        "bbox_left",
        "box_left",
        "startx",
        "roi_x1",
        "minx",
        "min_x",
    ),
    "top": ("ymin", "y_min", "top", "y1", "y0", "bbox_y1", "bbox_top", "box_top", "starty", "roi_y1", "miny", "min_y"),
    "right": ("xmax", "x_max", "right", "x2", "bbox_x2", "bbox_right", "box_right", "endx", "roi_x2", "maxx", "max_x"),
    "bottom": (
        "ymax",
        "y_max",
        "bottom",
        "y2",
        "bbox_y2",
        "bbox_bottom",
        "box_bottom",
        "endy",
        "roi_y2",
        "maxy",
        "max_y",
    ),
    "x": ("x", "bbox_x", "box_x", "bx"),
    "y": ("y", "bbox_y", "box_y", "by"),
    "middle_x": ("xcenter", "x_center", "center_x", "cx", "xc", "x_centre", "centre_x"),
    "middle_y": ("ycenter", "y_center", "center_y", "cy", "yc", "y_centre", "centre_y"),
    "width": ("w", "width", "bbox_w", "bbox_width", "box_width", "box_w", "bw"),
    "height": ("h", "height", "bbox_h", "bbox_height", "box_height", "box_h", "bh"),
    "box": ("bbox", "box", "bounding_box", "boundingbox"),
}
LABELS = (
    "label",
    "class",
    "class_name",
    "classname",
    "cell_type",
    "category",
    "category_name",
    "labelname",
    "name",
    "object",
    "type",
    "species",
)
SIZES = (("width", "height"), ("image_width", "image_height"), ("img_width", "img_height"))
NUMBERS = re.compile(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A way to read four numbers: what they are, and how that is said."""

    name: str
    words: str

    def corners(self, values: Array) -> Array:
        """(n, 4) left, top, right, bottom of values (n, 4)."""
        a, b, c, d = values.T
        made = {
            "corners": (a, b, c, d),
            "sides": (a, c, b, d),
            "sizes": (a, b, a + c, b + d),
            "middles": (a - c / 2, b - d / 2, a + c / 2, b + d / 2),
            "turned": (b, a, d, c),
        }[self.name]
        return np.stack(made, axis=1)


ORDERS = (
    Order(name="corners", words="left, top, right, bottom"),
    Order(name="sides", words="left, right, top, bottom"),
    Order(name="sizes", words="left, top, width, height"),
    Order(name="middles", words="middle across, middle down, width, height"),
    Order(name="turned", words="top, left, bottom, right"),
)


@dataclass(frozen=True, kw_only=True)
class BoxColumns:
    """Places of columns: the four numbers, or one cell that holds them, and which orders of them their names allow."""

    places: tuple[int, ...]
    orders: tuple[Order, ...]
    label: int | None


def plain(name: str) -> str:
    """A name as NAMES has it: 'XMin', 'x min' and 'x-min' are alike."""
    snake = re.sub(r"[\s\-.]+", "_", name.strip().strip("'\"").lower())
    return snake.strip("_")


def columns_by_name(header: Sequence[str]) -> BoxColumns | None:
    """The columns of boxes in a header; None where it names none."""
    names = [plain(name) for name in header]

    def place(what: str) -> int | None:
        known = [names.index(name) for name in NAMES[what] if name in names]
        return known[0] if known else None

    label = next((names.index(name) for name in LABELS if name in names), None)
    by = {order.name: order for order in ORDERS}
    for wanted, allowed in (
        (CORNERS, (by["corners"],)),
        (("middle_x", "middle_y", "width", "height"), (by["middles"],)),
        (("x", "y", "width", "height"), (by["sizes"], by["middles"])),
        (("left", "top", "width", "height"), (by["sizes"],)),
    ):
        found = [place(what) for what in wanted]
        if all(one is not None for one in found):
            return BoxColumns(places=tuple(one for one in found if one is not None), orders=allowed, label=label)
    whole = place("box")
    if whole is not None:
        return BoxColumns(places=(whole,), orders=(by["sizes"], by["corners"], by["middles"]), label=label)
    return None


def columns_by_look(rows: Sequence[Sequence[str]], picture: int) -> BoxColumns | None:
    """Of a table without such names: four columns of numbers side by side, and one of words beside them; None where there are none."""
    width = len(rows[0]) if rows else 0
    filled = [row for row in rows if any(cell.strip() for place, cell in enumerate(row) if place != picture)]
    numeric = [
        place != picture and bool(filled) and all(_number(row[place]) for row in filled) for place in range(width)
    ]
    for first in range(width - 3):
        if all(numeric[first : first + 4]):
            four = tuple(range(first, first + 4))
            words = [p for p in range(width) if p != picture and p not in four and not numeric[p]]
            label = min(words, key=lambda p: len({row[p] for row in filled})) if words else None
            return BoxColumns(places=four, orders=ORDERS, label=label)
    return None


def values_in(row: Sequence[str], columns: BoxColumns) -> list[float] | None:
    """The four numbers of a row; None where it holds none (nothing is there). Raises ValueError for what is neither."""
    cells = [row[place].strip() for place in columns.places]
    if len(cells) == 1:
        cells = NUMBERS.findall(cells[0]) if cells[0].strip("[]() ") else [""] * 4
    if not any(cells):
        return None
    if len(cells) != 4:
        raise ValueError("four numbers were expected")
    made = [float(cell) for cell in cells]
    if not all(map(np.isfinite, made)):
        raise ValueError("four finite numbers were expected")
    return made


def fitting(values: Array, sizes: Array, orders: Sequence[Order]) -> list[tuple[Order, bool]]:
    """The orders in which the boxes (n, 4) have an area and lie in their pictures of width and height (n, 2), best first, and whether they are
    shares of the picture."""
    shares = bool(len(values)) and bool((np.abs(values) <= 1.0 + 1e-6).mean() > 0.999) and bool((values % 1 != 0).any())
    sides = np.ones_like(sizes) if shares else sizes
    over = 0.01 if shares else OVER
    found = []
    for order in orders:
        left, top, right, bottom = order.corners(values).T
        inside = (left >= -over) & (top >= -over) & (right <= sides[:, 0] + over) & (bottom <= sides[:, 1] + over)
        share = float((inside & (right >= left) & (bottom >= top)).mean()) if len(values) else 1.0
        if share >= FIT:
            found.append((share, order))
    best = max((share for share, _ in found), default=0.0)
    return [(order, shares) for share, order in found if share >= best - 1e-9]


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
