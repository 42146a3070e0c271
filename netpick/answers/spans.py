"""Entities among the tags of tokens: how tags say where one begins and ends, which tags may follow each other, and the likeliest
sequence that is allowed.

B- begins an entity, I- goes on with it, E- ends one of several tokens, S- is one of a single token; O is outside. IOB2 begins each
entity with B-, IOB1 only those right behind another of the same type. Spans are read as conlleval reads them, whatever the scheme:
an I- behind O, or behind another type, begins an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from netpick.types import Array

Scheme = Literal["none", "IOB1", "IOB2", "BIOES"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)
POSITIONS = {"B": BEGIN, "I": INSIDE, "M": INSIDE, "E": END, "L": END, "S": SINGLE, "U": SINGLE}
TAG = re.compile(r"([BIMELSU])[-_](.+)")
NOTHING = "O"
LEAST = 1e-30  # of a probability whose logarithm is taken
MOST_TYPES = 1 << 16
NEVER = -1e9  # logarithm of what is not allowed


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Entities in the order of rows and places: row, first and last token, number of the type; (S,) each."""

    rows: Array
    starts: Array
    ends: Array
    types: Array

    def keys(self, steps: int) -> Array:
        """(S,) numbers that are equal for equal entities."""
        return np.asarray(((self.rows * steps + self.starts) * steps + self.ends) * MOST_TYPES + self.types)


def are_entities(labels: Sequence[str]) -> bool:
    """Whether these tags say where entities begin and go on."""
    tagged = [label for label in labels if TAG.fullmatch(label)]
    return bool(tagged) and len(tagged) + (NOTHING in labels) == len(labels)


def types_of(labels: Sequence[str]) -> tuple[str, ...]:
    """The types of entities, in alphabetical order; () where tags name none."""
    if not are_entities(labels):
        return ()
    return tuple(sorted({found[2] for label in labels if (found := TAG.fullmatch(label))}))


@lru_cache(maxsize=64)
def parts_of(labels: tuple[str, ...], scheme: Scheme) -> Array:
    """(K, 3) of each tag: its position, the number of its type, and the number of the scheme."""
    types = {name: number for number, name in enumerate(types_of(labels))}
    parts = np.zeros((len(labels), 3), dtype=np.int16)
    parts[:, 2] = SCHEMES.index(scheme)
    for number, label in enumerate(labels):
        found = TAG.fullmatch(label)
        if types and found:
            parts[number, :2] = POSITIONS[found[1]], types[found[2]]
    parts.flags.writeable = False
    return parts


# --- which scheme ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Found:
    """The scheme of some tags, and where tags stand that it does not allow: (row, place)."""

    scheme: Scheme
    odd: tuple[tuple[int, int], ...] = ()


def find_scheme(tags: Iterable[Sequence[str]], labels: Sequence[str]) -> Found:
    """The scheme of these rows of tags."""
    if not are_entities(labels):
        return Found(scheme="none")
    starts_inside: list[tuple[int, int]] = []
    needless = begins = ends = 0
    for row, line in enumerate(tags):
        before, kind = OUTSIDE, ""
        for place, tag in enumerate(line):
            found = TAG.fullmatch(tag)
            position, own = (POSITIONS[found[1]], found[2]) if found else (OUTSIDE, "")
            goes_on = before in (BEGIN, INSIDE) and own == kind
            if position in (INSIDE, END) and not goes_on:
                starts_inside.append((row, place))
            if position == BEGIN:
                begins += 1
                needless += not goes_on
            ends += position in (END, SINGLE)
            before, kind = position, own
    if ends:
        return Found(scheme="BIOES", odd=tuple(starts_inside))
    if starts_inside and not needless:
        return Found(scheme="IOB1")
    return Found(scheme="IOB2", odd=tuple(starts_inside))


# --- spans -----------------------------------------------------------------------------------------------------------


def spans_of(tags: Array, parts: Array) -> Spans:
    """The entities of tags (n, T), by conlleval's rules. -1 is no token, K a tag that nobody knows: an entity of a type of its own."""
    unknown, none = [SINGLE, int(parts[:, 1].max(initial=0)) + 1], [OUTSIDE, -1]
    table = np.concatenate([parts[:, :2].astype(np.int64), [unknown, none]])
    position, kind = table[tags, 0], table[tags, 1]
    tagged = position != OUTSIDE
    before = np.pad(position, ((0, 0), (1, 0)))[:, :-1]
    same = np.pad(kind, ((0, 0), (1, 0)), constant_values=-1)[:, :-1] == kind
    fresh = np.isin(position, (BEGIN, SINGLE)) | np.isin(before, (OUTSIDE, END, SINGLE)) | ~same
    begins = tagged & fresh
    follows = np.pad(tagged & ~begins, ((0, 0), (0, 1)))[:, 1:]
    rows, starts = np.nonzero(begins)
    _, ends = np.nonzero(tagged & ~follows)
    return Spans(rows=rows, starts=starts, ends=ends, types=kind[rows, starts])


# --- the likeliest tags ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """Which tags may come first (K,), behind each other (K, K), and last (K,)."""

    first: Array
    behind: Array
    last: Array


def allowed(parts: Array) -> Allowed:
    """What a scheme allows."""
    position, kind, scheme = parts[:, 0], parts[:, 1], SCHEMES[int(parts[0, 2])]
    everything = np.ones(len(parts), dtype=bool)
    same = kind[:, None] == kind[None, :]
    opened = np.isin(position, (BEGIN, INSIDE))
    goes_on = opened[:, None] & same
    if scheme == "IOB1":
        begins = position == BEGIN
        return Allowed(first=~begins, behind=~begins[None, :] | goes_on, last=everything)
    if scheme == "IOB2":
        inside = position == INSIDE
        return Allowed(first=~inside, behind=~inside[None, :] | goes_on, last=everything)
    if scheme == "BIOES":
        inside = np.isin(position, (INSIDE, END))
        return Allowed(first=~inside, behind=np.where(inside[None, :], goes_on, ~opened[:, None]), last=~opened)
    return Allowed(first=everything, behind=np.ones_like(same), last=everything)


def likeliest(probabilities: Array, parts: Array) -> Array:
    """The likeliest sequences (n, T) that the scheme allows, of probabilities (n, T, K) that are zeros where there is no token; -1 there.

    Only rows whose likeliest tags one by one are not allowed are gone through step by step (Viterbi 1967).
    """
    known: Array = np.asarray(probabilities.any(axis=2))
    tags: Array = np.asarray(np.where(known, probabilities.argmax(axis=2), -1))
    if not len(tags) or SCHEMES[int(parts[0, 2])] == "none":
        return tags
    rules = allowed(parts)
    behind, at = tags[:, :-1], tags[:, 1:]
    lengths = known.sum(axis=1)
    some = lengths > 0
    last = tags[np.arange(len(tags)), np.maximum(lengths - 1, 0)]
    inside = np.asarray((known[:, 1:] & ~rules.behind[behind, at]).any(axis=1))
    wrong: Array = inside | (some & ~(rules.first[tags[:, 0]] & rules.last[last]))
    if wrong.any():
        tags[wrong] = _through(probabilities[wrong], known[wrong], rules)
    return tags


def _through(probabilities: Array, known: Array, rules: Allowed) -> Array:
    logs = np.log(np.maximum(probabilities, LEAST, dtype=np.float64))
    count, steps, width = logs.shape
    cost = np.where(rules.behind, 0.0, NEVER)
    scores = logs[:, 0] + np.where(rules.first, 0.0, NEVER)
    came_from = np.zeros((count, steps, width), dtype=np.int16)
    for step in range(1, steps):
        paths = scores[:, :, None] + cost
        best = paths.argmax(axis=1)
        further = np.take_along_axis(paths, best[:, None, :], axis=1)[:, 0] + logs[:, step]
        inside = known[:, step, None]
        came_from[:, step] = np.where(inside, best, np.arange(width))
        scores = np.where(inside, further, scores)
    tags = np.empty((count, steps), dtype=np.int64)
    tags[:, -1] = (scores + np.where(rules.last, 0.0, NEVER)).argmax(axis=1)
    for step in range(steps - 1, 0, -1):
        tags[:, step - 1] = np.take_along_axis(came_from[:, step], tags[:, step, None], axis=1)[:, 0]
    return np.where(known, tags, -1)
