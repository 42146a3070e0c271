"""Texts: sentences and documents by words, and strings of symbols (names, DNA) by characters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import FEWEST_ROWS, Claim, Kind
from netpick.columns.kinds.cells import as_text, examples_of, series_of
from netpick.columns.kinds.codes import are_codes
from netpick.columns.kinds.token_readers import LETTER, UNKNOWN, UNPARTED, Vocabulary, count_tokens, encode_texts
from netpick.columns.kinds.tokenizing import learn_vocabulary
from netpick.columns.own_encoding import OwnEncoding
from netpick.types import STRICT, Array, Column, Form, InputSpec, Note, Rows

LONGEST = 4_096  # tokens that are read of a text; of longer ones the two ends
MOST_LENGTH = 1 << 16  # that a model file may ask for
NEARLY_ALL = 0.99  # of the training texts are read to their end, if that takes no more tokens than that
LOOKED_AT = 2_000  # texts
FEW_WORDS = 3  # of letters, in the middle text; below, a cell is a name rather than a text
MANY_WORDS = 5
MANY_TEXTS = 100


@dataclass(config=STRICT, kw_only=True)
class TextState:
    """The vocabulary, how many tokens of a text are read, and what that means for the training texts."""

    vocabulary: Vocabulary
    length: int = Field(ge=1, le=MOST_LENGTH)
    share_cut: float = Field(ge=0, le=1)  # training texts that are longer
    share_unknown: float = Field(ge=0, le=1)  # tokens of training texts that the vocabulary lacks
    ends: bool = False  # whether longer texts keep their two ends, not their start alone


class Text(Kind):
    """Something written. An empty or missing text is read as one unknown token."""

    name: ClassVar[str] = "text"
    form: ClassVar[Form] = "tokens"
    State = TextState

    def claim(self, column: Column) -> Claim | None:
        series = series_of(column)
        if series is None or series.dtype != pl.String:
            return None
        filled = series.drop_nulls()
        words = _words(filled)
        if words < FEW_WORDS or are_codes(filled):
            return None
        distinct = filled.n_unique()
        # Many different sentences are texts, even where half of them come again; "north side, upper floor" is a category.
        prose = words >= MANY_WORDS and distinct > MANY_TEXTS
        return described(column, strength=0.6 if prose else 0.4)

    def fit(self, column: Column, rows: Rows) -> TextState:
        return self._fitted(column, rows, 1)

    def fit_private(self, column: Column, rows: Rows) -> TextState:
        return self._fitted(column, rows, FEWEST_ROWS)

    def _fitted(self, column: Column, rows: Rows, fewest: int) -> TextState:
        """By the tokens that at least so many texts hold."""
        texts = _texts(column).gather(pl.Series(rows)).drop_nulls()
        return read_by(texts, learn_vocabulary(texts, fewest), LONGEST)

    def fit_own(self, column: Column, rows: Rows, own: OwnEncoding) -> TextState:
        """By the pieces of words that a pretrained network knows."""
        texts = _texts(column).gather(pl.Series(rows)).drop_nulls()
        return read_by(texts, Vocabulary(reading="wordpieces", tokens=own.pieces), own.longest)

    def encode(self, column: Column, state: Any) -> Array:
        return encode_texts(_texts(column), state.vocabulary, state.length, ends=state.ends)

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return (name,)

    def spec(self, name: str, state: Any) -> InputSpec:
        return InputSpec(
            form="tokens", shape=(state.length,), cardinalities=(state.vocabulary.size,), padded=True, names=(name,)
        )

    def lengths(self, column: Column, state: Any, encoded: Array) -> Array:
        return np.asarray((encoded > 0).sum(axis=1), dtype=np.int32)

    def notes(self, name: str, state: Any, *, private: bool = False) -> tuple[Note, ...]:
        return (Note(subject="text", text=told(name, state, private=private), override="--kind"),)


def read_by(texts: pl.Series, vocabulary: Vocabulary, most: int) -> TextState:
    """How training texts (String, no nulls) are read by a vocabulary: up to `most` tokens of each."""
    counts = count_tokens(texts, vocabulary, 2 * most)
    longest = int(counts.max(initial=1))
    length = min(most, longest, max(8, round(1.25 * float(np.quantile(counts, NEARLY_ALL))) if len(counts) else 8))
    encoded = encode_texts(texts.gather_every(max(1, len(texts) // (2 * LOOKED_AT))), vocabulary, length)
    return TextState(
        vocabulary=vocabulary,
        length=length,
        share_cut=float((counts > length).mean()) if len(counts) else 0.0,
        share_unknown=float((encoded == 1).sum() / max(1, int((encoded > 0).sum()))),
        ends=True,
    )


def described(column: Column, *, strength: float = 1.0) -> Claim | None:
    """What a column holds when it is read as text, whatever it looks like; None for a column that has no cells of text."""
    series = series_of(column)
    if series is None:
        return None
    text = as_text(series)
    filled = text.drop_nulls()
    words = _words(filled)
    characters = float(filled.str.len_chars().median() or 0)  # type: ignore[arg-type]
    reason = (
        f"texts of some {words:.0f} words" if words >= FEW_WORDS else f"strings of some {characters:.0f} characters"
    )
    return Claim(
        strength=strength,
        reason=reason,
        num_missing=text.null_count(),
        num_distinct=filled.n_unique(),
        examples=examples_of(text),
    )


def told(name: str, state: TextState, *, private: bool = False) -> str:
    """What networks will read of a column of texts, in one sentence."""
    reading, size = state.vocabulary.reading, len(state.vocabulary.tokens)
    kept = (
        f"that {FEWEST_ROWS} training rows or more hold" if private else "that come twice or more in the training rows"
    )
    why = f"of the words {kept}" if private else "since many words come only once"
    what = {
        "words": f"by words, in lower case: the {size:,} {kept}",
        "bytes": f"by {size:,} pieces of words, made of bytes (byte-pair encoding), in lower case, {why}; nothing is unknown",
        "pieces": f"by {size:,} pieces of words (byte-pair encoding), in lower case, {why}",
        "characters": f"by characters: the {size:,} {kept}",
        "wordpieces": f"by {size:,} pieces of words (WordPiece), in lower case, as the pretrained network was trained",
    }[reading]
    noun = "characters" if reading == "characters" else "tokens"
    where = f"lose their middle and keep {state.length // 2} at each end" if state.ends else "are cut there"
    cut = f"; longer texts ({state.share_cut:.1%}) {where}" if state.share_cut else ""
    unknown = "" if reading == "bytes" else f" ({state.share_unknown:.1%} unknown)"
    return f"'{name}' is read {what}{unknown}, up to {state.length} {noun} a text{cut}."


def unknown_tokens(column: Column, state: TextState, most: int) -> tuple[int, int]:
    """Tokens of at most so many texts, evenly spaced, that the vocabulary lacks, and all of theirs."""
    texts = _texts(column).drop_nulls()
    encoded = encode_texts(texts.gather_every(max(1, -(-len(texts) // most))), state.vocabulary, state.length)
    return int((encoded == UNKNOWN).sum()), int((encoded > 0).sum())


def _texts(column: Column) -> pl.Series:
    series = series_of(column)
    assert series is not None
    return as_text(series)


def _words(filled: pl.Series) -> float:
    """Words of letters in the middle one of some texts."""
    sample = filled.gather_every(max(1, len(filled) // LOOKED_AT))
    # Of scripts that part no words, two letters count as one.
    words = rf"(?:{LETTER}){{1,2}}|[\p{{L}}--[{UNPARTED}]][[\p{{L}}\p{{M}}'’]--[{UNPARTED}]]*"
    return float(sample.str.count_matches(words).median() or 0)  # type: ignore[arg-type]
