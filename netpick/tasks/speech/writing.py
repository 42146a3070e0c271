"""How transcripts are written: one spelling for what sounds the same, and symbols that a network can tell apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

NORMALISED = (
    "in lower case, without punctuation but apostrophes inside of words, with single blanks (Unicode NFC): as they are learned from, "
    "and as they are scored"
)
APOSTROPHES = "\u2018\u2019\u02bc\u00b4`"
SPOKEN = ("L", "M", "N")  # categories of characters that are said: letters, marks, digits
FEW_WORDS = 200  # different ones, from which transcripts are spelled
TIMES_A_WORD = 10  # that each of few words is said, on average


def normalised(text: str) -> str:
    """A transcript as it is learned from and scored."""
    plain = unicodedata.normalize("NFC", text).lower()
    for sign in APOSTROPHES:
        plain = plain.replace(sign, "'")
    kept = "".join(c if c == "'" or unicodedata.category(c)[0] in SPOKEN else " " for c in plain)
    kept = re.sub(r"(?<!\w)'+|'+(?!\w)", " ", kept)
    return " ".join(unicodedata.normalize("NFC", kept).split())


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A level of symbols, and why it was taken."""

    level: str
    reason: str
    given: bool = False


def chosen_level(texts: Sequence[str], asked: str | None) -> Chosen:
    """What the symbols of these transcripts are: as asked; whole words where there are few; else characters."""
    if asked is not None:
        return Chosen(level=asked, reason="as given", given=True)
    counts = Counter(word for text in texts for word in text.split())
    if counts and len(counts) <= FEW_WORDS and counts.total() >= TIMES_A_WORD * len(counts):
        words = f"{len(counts):,} different words, each said {counts.total() / len(counts):,.0f} times on average"
        return Chosen(level="words", reason=words)
    return Chosen(
        level="characters",
        reason=f"{len(counts):,} different words are too many, or said too seldom, to be told apart whole",
    )
