"""What the values of masks mean: classes, left out pixels, single objects, or blurred edges between two values.

Values are counted picture by picture. 255 beside small numbers is no class; one value an object, which differ from picture to picture, are
objects against background; values between a few that fill nearly everything come from resizing or JPEG, and become the nearest of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netpick.data.decoders.mask import COLOUR, OUTSIDE
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, Note

VOID = 255
VOID_NAMES = ("void", "unlabelled", "unlabeled", "ignore", "ignored", "don't care", "dontcare")
MOST_CLASSES = 64
BLURRED = 0.90  # of the pixels, that few values fill where others lie between them
FEW_VALUES = 24  # more are looked at for blur
DOMINANT = 0.004  # of all pixels
DENSE, NEAR = (
    0.02,
    24,
)  # of all pixels, around a grey value that is a class where others are blurred; and how far that reaches
MOST_BLURRED = 0.25  # of the pixels that may be snapped
OBJECTS = 0.8  # of the values of a picture that are one blob each
NAMED = 6


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Classes by name, and which class each value of the files stands for; 255: none."""

    labels: tuple[str, ...]
    values: tuple[int, ...]  # as they lie in files
    classes: tuple[int, ...]  # of each
    notes: tuple[Note, ...] = ()


def meaning_of(column: ArrayColumn, legend: Mapping[int, str]) -> Meaning:
    """What the values of all masks together mean. Raises DataError where they cannot be classes."""
    values = [int(value) for value in column.decoding["values"]]
    counts = _counts(column, len(values))  # (n, V) pixels
    total = counts.sum(axis=0)
    legend = dict(legend)
    if legend and max(values, default=0) >= COLOUR > max(
        legend
    ):  # names alone: the palette's or colours' order is unknown
        legend = {}
    notes: list[Note] = []
    void = _void(values, total, legend)
    plain = [value for value in sorted(values) if value not in void]
    if not legend and _are_objects(column, values, counts):
        text = (
            f"Each object has a value of its own ({len(plain) - 1:,} at most in one mask): they are read as objects against background. "
            "Objects that touch are not told apart."
        )
        notes.append(Note(subject="masks", text=text))
        return _named({value: min(1, value) for value in plain}, ("background", "object"), void, notes, values)
    snapped = _snapped(plain, {v: int(total[values.index(v)]) for v in plain}, legend)
    if snapped is not None:
        share = sum(total[values.index(v)] for v, to in snapped.items() if v != to) / max(1, total.sum())
        kept = sorted(set(snapped.values()))
        text = (
            f"The masks hold {len(plain):,} values, of which {_listed(kept)} fill {1 - share:.1%} of the pixels: others lie between them, as after resizing or "
            "in a JPEG, and are read as the nearest of these. Masks saved as PNG have exact values."
        )
        notes.append(Note(subject="masks", text=text))
    else:
        snapped, kept = {value: value for value in plain}, plain
    if len(kept) > MOST_CLASSES:
        raise DataError(
            f"The masks hold {len(kept):,} different values, but at most {MOST_CLASSES} classes were expected. They look like pictures, or like masks that were "
            "blurred by resizing: save them as PNG with one value a class, or name the folder of masks with --masks."
        )
    if len(kept) < 2:
        raise DataError(
            f"The masks hold one value only ({_listed(kept) or 'none'}), but at least two classes were expected. Check that --masks names the folder of masks."
        )
    number = {value: place for place, value in enumerate(kept)}
    labels = tuple(legend.get(value, _name(value)) for value in kept)
    if len(set(labels)) < len(labels):
        labels = tuple(f"{label} ({_name(value)})" for label, value in zip(labels, kept, strict=True))
    if void:
        share = sum(total[values.index(v)] for v in void) / max(1, total.sum())
        names = ", ".join(legend.get(v, _name(v)) for v in void)
        notes.append(
            Note(
                subject="masks",
                text=f"Pixels of {names} ({share:.1%}) belong to no class: nothing is learned or scored there.",
            )
        )
    return _named({value: number[to] for value, to in snapped.items()}, labels, void, notes, values)


def classes_of(column: ArrayColumn, values: Sequence[int], classes: Sequence[int]) -> tuple[Array, list[int]]:
    """(N, H, W) classes of masks, 255 where there is none; and values that the model does not know."""
    known = dict(zip(values, classes, strict=True))
    own = [int(value) for value in column.decoding["values"]]
    table = np.full(256, OUTSIDE, np.uint8)
    for place, value in enumerate(own):
        table[place] = known.get(value, OUTSIDE)
    unknown = [value for place, value in enumerate(own) if value not in known]
    return table[column.values], unknown


def told(values: Sequence[int]) -> str:
    """The first of some values, in words."""
    return _listed(values)


def _named(
    of_value: Mapping[int, int],
    labels: tuple[str, ...],
    void: Sequence[int],
    notes: Sequence[Note],
    values: Sequence[int],
) -> Meaning:
    return Meaning(
        labels=labels,
        values=tuple(values),
        classes=tuple(OUTSIDE if value in void else of_value[value] for value in values),
        notes=tuple(notes),
    )


def _counts(column: ArrayColumn, count: int) -> Array:
    return np.stack([np.bincount(mask.ravel(), minlength=256)[:count] for mask in column.values]).astype(np.int64)


def _void(values: Sequence[int], total: Array, legend: Mapping[int, str]) -> list[int]:
    """Values of no class: 255 beside at least two numbers below 200, and what a legend calls void."""
    named = [value for value in values if legend.get(value, "").lower() in VOID_NAMES]
    if legend:
        return named + [value for value in values if value == VOID and value not in legend]
    others = [value for value in values if value != VOID and value < COLOUR]
    return (
        [VOID]
        if VOID in values and len(others) >= 2 and max(others) < 200 and max(others) < 4 * len(others) + 8
        else []
    )


def _snapped(plain: Sequence[int], total: Mapping[int, int], legend: Mapping[int, str]) -> dict[int, int] | None:
    """The value that each one is read as, where a few fill nearly all pixels; None where all are classes."""
    if legend or len(plain) <= 2:
        return None
    pixels = sum(total.values())
    large = [value for value in plain if total[value] >= max(DOMINANT * pixels, 1)]
    if len(plain) <= FEW_VALUES and len(plain) - len(large) <= len(large):
        return None  # rare classes among classes
    held = {value: total[value] for value in large}
    if max(plain) < COLOUR:
        held = _peaks(plain, total, DENSE * pixels)
        large = sorted(held)
    if not 2 <= len(large) <= FEW_VALUES or sum(held.values()) < (1 - MOST_BLURRED) * pixels:
        return None
    return {value: min(large, key=lambda one: _distance(one, value)) for value in plain}


def _peaks(values: Sequence[int], total: Mapping[int, int], least: float) -> dict[int, int]:
    """Of neighbouring grey values the commonest, with the pixels of all of them: a JPEG writes 0 as 0 to 5. Those of few pixels are none."""
    kept: dict[int, int] = {}
    for value in sorted(values, key=lambda one: -total[one]):
        if all(abs(value - other) > NEAR for other in kept):
            kept[value] = sum(total[other] for other in values if abs(other - value) <= NEAR // 2)
    return {value: pixels for value, pixels in kept.items() if pixels >= least}


def _distance(one: int, other: int) -> int:
    if one < COLOUR or other < COLOUR:
        return abs(one - other)
    return sum((((one >> shift) & 255) - ((other >> shift) & 255)) ** 2 for shift in (0, 8, 16))


def _are_objects(column: ArrayColumn, values: Sequence[int], counts: Array) -> bool:
    """Whether values number the objects of a picture: 1 to k, which differ from picture to picture, one blob each."""
    from scipy import ndimage

    there = [sorted(values[place] for place in np.flatnonzero(row).tolist()) for row in counts]
    objects = [[value for value in row if value] for row in there]
    most = [max(row) for row in objects if row]
    if not most or max(values) >= COLOUR or len(set(most)) < 2 or max(most) < 3:
        return False
    if any(row != list(range(1, len(row) + 1)) for row in objects):
        return False
    blobs = looked = 0
    for row in range(0, len(objects), max(1, len(objects) // 20)):
        for value in objects[row]:
            _, number = ndimage.label(column.values[row] == values.index(value))
            blobs, looked = blobs + (number <= 2), looked + 1
    return looked > 0 and blobs >= OBJECTS * looked


def _name(value: int) -> str:
    return f"#{value - COLOUR:06x}" if value >= COLOUR else str(value)


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(_name, values[:NAMED])) + (", ..." if len(values) > NAMED else "")


__all__ = ["Meaning", "classes_of", "meaning_of", "told"]
