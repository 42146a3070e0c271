"""Masks of COCO, written as lengths of runs: columns from left to right, each from top to bottom, the first run is outside.

Lengths are a list, or a text of pycocotools: five bits a character from code 48 on, the sixth says that more follow, and from the fourth
length on it is the difference to the one two before. (cocodataset/cocoapi, maskApi.c.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

FIRST = 48  # the code of five bits that are 0
LAST = FIRST + 63


def lengths_of(text: str) -> list[int]:
    """The lengths of runs in a text of pycocotools. Raises ValueError for a text that is none."""
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - FIRST
        if not 0 <= code <= LAST - FIRST or shift > 50:
            raise ValueError("it holds characters that are no run lengths")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("it ends in the middle of a length")
    return lengths


def box_of_runs(lengths: Sequence[int], height: int, width: int) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is inside; None where nothing is. Raises ValueError where the runs are not of such a mask."""
    if any(not isinstance(length, int) or length < 0 for length in lengths):
        raise ValueError("it holds lengths that are no whole numbers from 0 on")
    total = sum(lengths)
    if total != height * width:
        raise ValueError(f"its runs are {total:,} pixels long together, but the mask has {height:,} x {width:,}")
    ends = list(accumulate(lengths))
    left, top, right, bottom = width, height, 0, 0
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        if end == start:
            continue
        first, last = start // height, (end - 1) // height
        left, right = min(left, first), max(right, last + 1)
        if first != last:
            top, bottom = 0, height
        else:
            top, bottom = min(top, start % height), max(bottom, (end - 1) % height + 1)
    return None if right <= left else (left, top, right, bottom)
