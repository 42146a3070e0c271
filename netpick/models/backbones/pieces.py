"""The pieces of words that an encoder of texts knows, in the order in which netpick has them: the commonest words first."""

from __future__ import annotations

from collections.abc import Sequence

STARTS, ENDS = "[CLS]", "[SEP]"  # stand around a text
UNKNOWN, PADDING = "[UNK]", "[PAD]"
SPECIAL = (PADDING, UNKNOWN, STARTS, ENDS)


def pieces_of(vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Whole words in the order of the vocabulary, which is that of how common they are; then signs, letters and the insides of words.

    What stands in brackets is no piece of any text.
    """
    pieces = list(dict.fromkeys(piece for piece in vocabulary if piece and not _bracketed(piece)))
    words = [piece for piece in pieces if len(piece) > 1 and piece.isalpha()]
    known = set(words)
    return (*words, *(piece for piece in pieces if piece not in known))


def _bracketed(piece: str) -> bool:
    return len(piece) > 2 and piece[0] == "[" and piece[-1] == "]"


def rows_of(vocabulary: Sequence[str]) -> list[int]:
    """Which vector of the encoder belongs to each number of ours: padding, what is unknown, then the pieces.

    Raises ValueError where the vocabulary lacks what every encoder has.
    """
    places = {piece: place for place, piece in enumerate(vocabulary)}
    missing = [piece for piece in SPECIAL if piece not in places]
    if missing:
        raise ValueError(f"its vocabulary holds no '{missing[0]}'")
    return [places[piece] for piece in (PADDING, UNKNOWN, *pieces_of(vocabulary))]
