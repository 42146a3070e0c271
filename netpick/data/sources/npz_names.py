"""Which arrays of a file are inputs and labels, and of which part: by their names, or by their shapes where they have none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from netpick.data.sources.paths import PART_WORDS
from netpick.types import TEST, TRAIN, Array

INPUTS = (
    "x",
    "data",
    "images",
    "image",
    "imgs",
    "img",
    "features",
    "feature",
    "inputs",
    "input",
    "series",
    "signals",
    "samples",
    "vectors",
    "pixels",
)
LABELS = ("y", "t", "labels", "label", "targets", "target", "classes", "class", "outputs", "output", "ys", "ts")
UNNAMED = re.compile(r"arr_(\d+)")

Pair = tuple[str, str]


def find_pairs(arrays: Mapping[str, Array]) -> dict[int, Pair]:
    """By part, the names of inputs and labels; a single pair is TRAIN; {} where names and shapes do not tell."""
    if arrays and all(UNNAMED.fullmatch(name) for name in arrays):
        return _unnamed(arrays)
    pairs = named_pairs([*arrays])
    return pairs if TRAIN in pairs else {}


def named_pairs(names: Sequence[str]) -> dict[int, Pair]:
    """The same by names alone."""
    found: dict[int, dict[str, list[str]]] = {}
    for name in names:
        part, role = _meaning(name)
        if role:
            found.setdefault(part if part is not None else TRAIN, {}).setdefault(role, []).append(name)
    return {
        part: (_first(roles["inputs"], INPUTS), _first(roles["labels"], LABELS))
        for part, roles in sorted(found.items())
        if "inputs" in roles and "labels" in roles
    }


def lone_inputs(arrays: Mapping[str, Array]) -> str | None:
    """The one array of inputs where there are no labels, as new rows have it; None where several could be."""
    if len(arrays) == 1:
        return next(iter(arrays))
    inputs = [name for name in arrays if _meaning(name)[1] == "inputs"]
    return inputs[0] if len(inputs) == 1 else None


def _meaning(name: str) -> tuple[int | None, str]:
    """The part and the role that an array's name says: x_train, trainLabels, X, imgs_test, testset_data."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    words = [word for word in re.split(r"[^a-z]+", spaced) if word]
    glued = (
        re.fullmatch(r"([xyt])(train|test|val|valid)|(train|test|val|valid)([xyt])", words[0])
        if len(words) == 1
        else None
    )
    if glued is not None:
        words = [word for word in glued.groups() if word]
    parts = {PART_WORDS[word.removesuffix("set")] for word in words if word.removesuffix("set") in PART_WORDS}
    rest = [word for word in words if word.removesuffix("set") not in PART_WORDS]
    if len(parts) > 1:
        return None, ""
    part = parts.pop() if parts else None
    if any(word in LABELS for word in rest):
        return part, "labels"
    if any(word in INPUTS for word in rest) or (part is not None and not rest):
        return part, "inputs"
    return part, ""


def _first(names: list[str], order: tuple[str, ...]) -> str:
    """Of several arrays of one role the one with the most usual name."""
    return min(
        names, key=lambda name: next((place for place, word in enumerate(order) if word in name.lower()), len(order))
    )


def _fit(x: Array, y: Array) -> bool:
    return x.ndim > 0 and y.ndim > 0 and (len(x) == len(y) or len(x) == 0)


def _unnamed(arrays: Mapping[str, Array]) -> dict[int, Pair]:
    """Two arrays are inputs and labels; four are those of a training and a test part, in either usual order."""
    names = sorted(arrays, key=lambda name: int(name.removeprefix("arr_")))
    if len(names) == 2:
        return {TRAIN: (names[0], names[1])} if _fit(arrays[names[0]], arrays[names[1]]) else {}
    if len(names) != 4:
        return {}
    for one, two in (((0, 1), (2, 3)), ((0, 2), (1, 3))):
        pairs = {TRAIN: (names[one[0]], names[one[1]]), TEST: (names[two[0]], names[two[1]])}
        alike = all(_fit(arrays[x], arrays[y]) and arrays[y].ndim <= 2 < arrays[x].ndim + 1 for x, y in pairs.values())
        if alike and all(arrays[y].ndim <= arrays[x].ndim for x, y in pairs.values()):
            return pairs
    return {}
