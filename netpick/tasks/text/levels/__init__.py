"""LEVELS: what the symbols of a text are. One level per file; the table below is the only place that lists them."""

from __future__ import annotations

from netpick.tasks.text.levels.base import END, FIRST, PADDING, UNKNOWN, UNSPELLED, Level, Symbols
from netpick.tasks.text.levels.bytes import Bytes
from netpick.tasks.text.levels.characters import Characters
from netpick.tasks.text.levels.pieces import Pieces
from netpick.tasks.text.levels.words import UNKNOWN_WORD, Words

LEVELS: dict[str, Level] = {level.name: level for level in (Characters(), Bytes(), Words(), Pieces())}

__all__ = ["END", "FIRST", "LEVELS", "PADDING", "UNKNOWN", "UNKNOWN_WORD", "UNSPELLED", "Level", "Symbols"]
