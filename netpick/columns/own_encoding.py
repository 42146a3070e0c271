"""An encoding that an architecture brings with it: a second entry of the store, beside the one that all others read.

A pretrained encoder knows the pieces of words that it was trained on. Its candidate reads the same columns of the same rows by them; what
such a column becomes is the same kind, in another state, so that everything behind it (model file, server, explanations) is
as for any other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OwnEncoding:
    """How an architecture reads the first column of a kind. The kind makes its state of it (`Kind.fit_own`)."""

    kind: str
    name: str  # tells it from others, in letters that a file may be named by
    pieces: tuple[str, ...] = ()  # of words, that are known
    longest: int = 0  # tokens that are read of a text
