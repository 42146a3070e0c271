"""CASES: every case by its name."""

from __future__ import annotations

from corpus import (
    boxed,
    chords,
    files,
    folders,
    masked,
    media,
    models,
    pairs,
    pretrained,
    python,
    running,
    spoken,
    tables,
    tagged,
)
from corpus.case import Case

MODULES = (
    tables,
    files,
    folders,
    running,
    spoken,
    tagged,
    pairs,
    chords,
    masked,
    boxed,
    pretrained,
    media,
    python,
    models,
)
ALL: tuple[Case, ...] = tuple(case for module in MODULES for case in module.CASES)
CASES = {case.name: case for case in ALL}
assert len(CASES) == len(ALL), "two cases of one name"
