"""Where to write names beside points so that they do not cover each other: greedy, in a frame of nominal pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

CHARACTER, LINE = 6.6, 15.0  # nominal pixels of a letter and a line of text
GAP = 10.0  # from the centre of a point to its name


@dataclass(frozen=True, kw_only=True)
class Label:
    """The offset of a name's anchor from its point, in pixels, and which side of the text the anchor is."""

    x: float
    y: float  # downwards
    anchor: str  # "left", "center", "right"


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in nominal pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The shared area."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)


def place_labels(names: Sequence[str], points: Sequence[tuple[float, float, float]], frame: Box) -> list[Label]:
    """One label per point, (x, y, half the height of its whisker), in frame pixels; the first names choose first."""
    dots = [Box(left=x - 6, right=x + 6, top=y - 6, bottom=y + 6) for x, y, _ in points]
    whiskers = [Box(left=x - 2, right=x + 2, top=y - half, bottom=y + half) for x, y, half in points]
    taken: list[Box] = [*dots, *dots, *dots, *whiskers]  # a covered dot is three times as bad as a covered whisker
    chosen = []
    for name, (x, y, _) in zip(names, points, strict=True):
        options = [(label, _box(label, name, x, y)) for label in _options()]
        label, box = min(options, key=lambda option: _cost(option[0], option[1], taken, frame))
        taken.append(box)
        chosen.append(label)
    return chosen


def _options() -> list[Label]:
    sides = [(GAP, "left"), (-GAP, "right")]
    beside = [Label(x=x, y=y, anchor=a) for y, (x, a) in product((0.0, -16.0, 16.0, -32.0, 32.0, -48.0, 48.0), sides)]
    return [*beside, Label(x=0, y=-20, anchor="center"), Label(x=0, y=20, anchor="center")]


def _box(label: Label, name: str, x: float, y: float) -> Box:
    width = len(name) * CHARACTER
    start = x + label.x - {"left": 0.0, "center": width / 2, "right": width}[label.anchor]
    return Box(left=start, right=start + width, top=y + label.y - LINE / 2, bottom=y + label.y + LINE / 2)


def _cost(label: Label, box: Box, taken: Sequence[Box], frame: Box) -> float:
    area = max(1.0, (box.right - box.left) * LINE)
    outside = area - box.overlap(frame)
    covered = sum(box.overlap(other) for other in taken)
    return 40 * outside + 10 * covered + abs(label.y) * 4 + (label.x < 0) * 8 + (label.x == 0) * 20
