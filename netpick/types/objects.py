"""Objects in pictures as cells of a table: what each is, and the box around it.

A box is left, top, right, bottom in pixels of the picture as it is seen (after its EXIF orientation), from the top left corner; a box around the first pixel is
(0, 0, 1, 1). A cell is a JSON list of [label, left, top, right, bottom], with a 1 behind them where the object is neither learned nor scored;
an empty list where a picture holds nothing, and null where nobody looked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

IMAGE, OBJECTS = "image", "objects"
MOST_OBJECTS = 1_000  # of a picture
MOST_PIXELS = 1 << 20  # of a side


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An object and the box around it."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    aside: bool = False  # difficult, or a crowd: neither learned nor scored

    @property
    def has_area(self) -> bool:
        return self.right > self.left and self.bottom > self.top

    @property
    def is_finite(self) -> bool:
        """Whether its edges are where a picture could reach."""
        return all(abs(edge) <= MOST_PIXELS for edge in (self.left, self.top, self.right, self.bottom))


def write_cell(things: Sequence[Thing] | None) -> str | None:
    """A cell of a picture's objects; None of a picture that nobody labelled."""
    if things is None:
        return None
    return json.dumps(
        [[t.label, *map(_plain, (t.left, t.top, t.right, t.bottom)), *([1] if t.aside else [])] for t in things]
    )


def read_cell(cell: str | None) -> list[Thing] | None:
    """The inverse of `write_cell`. Raises ValueError for what it did not write."""
    if cell is None:
        return None
    try:
        made = [
            Thing(label=str(label), left=float(a), top=float(b), right=float(c), bottom=float(d), aside=bool(rest))
            for label, a, b, c, d, *rest in json.loads(cell)
        ]
    except (ValueError, TypeError):
        made = None
    if made is None or len(made) > MOST_OBJECTS or not all(thing.is_finite for thing in made):
        raise ValueError(
            f"A cell of objects holds {cell[:60]!r}, but a JSON list of at most {MOST_OBJECTS:,} [label, left, top, right, bottom] was expected."
        )
    return made


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else round(float(value), 3)


__all__ = ["IMAGE", "MOST_OBJECTS", "OBJECTS", "Thing", "read_cell", "write_cell"]
