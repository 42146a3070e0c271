"""Texts to numbers of tokens: words, pieces of words, or characters, by a vocabulary that was learned (tokenizing.py).

polars cuts whole columns at once; the `tokenizers` library applies byte-pair merges, on different words only. Neither starts a
process, and nothing is read back but lists of strings.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT, Array

Reading = Literal["words", "pieces", "bytes", "characters", "wordpieces"]
PADDING, UNKNOWN, FIRST = 0, 1, 2  # FIRST: the number of the commonest token
MOST_TOKENS = 30_000  # that a vocabulary learns
MOST_STATED = 1 << 17  # that one may have: those of others are larger
LONGEST_WORD = 40  # characters; longer runs are no words
LONGEST_TOKEN = 4 * LONGEST_WORD  # characters; of bytes, each stands for one
CHARACTERS_A_TOKEN = 32  # a text is not looked at beyond so many characters for each token that is kept
PIECE_ROWS = 4_096  # rows that a thread takes at once
MOST_KEPT = 20_000_000  # characters of words whose pieces are remembered
# Words with their apostrophes, runs of dots and of exclamation and question marks, and every other sign by itself.
WORD = r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}]+)*|\.{2,}|!{2,}|\?{2,}|\S"
# Scripts that part no words: their letters, each with its marks, stand for themselves.
UNPARTED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
LETTER = rf"[[{UNPARTED}ー]&&\p{{L}}]\p{{M}}*"
PARTED = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{UNPARTED}ー]]"
WORD_OR_LETTER = rf"{LETTER}|{PARTED}+(?:['’]{PARTED}+)*|\.{{2,}}|!{{2,}}|\?{{2,}}|\S"
# For pieces of bytes: up to so many letters of such scripts are cut together, since frequent pairs of them are words.
WORD_OR_LETTERS = rf"(?:{LETTER}){{1,{LONGEST_WORD // 2}}}|{WORD_OR_LETTER}"
WORD_START = "▁"  # in front of the first piece of a word, as in SentencePiece (Kudo & Richardson 2018)
# Bytes as characters that can be seen, as GPT-2 writes them (Radford et al. 2019): those of Latin-1 that can, the others from 256 on.
SEEN = (*range(33, 127), *range(161, 173), *range(174, 256))
OF_BYTE = {byte: chr(byte) for byte in SEEN} | {
    byte: chr(256 + n) for n, byte in enumerate(byte for byte in range(256) if byte not in SEEN)
}
BYTE_START = OF_BYTE[ord(" ")]
NO_PIECE, GOES_ON = "[UNK]", "##"  # of WordPiece: the unknown token, and the beginning of a piece that goes on a word
TEXT = pl.col("text").fill_null("")  # a cell of a column of texts
Token = Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN)]


@dataclass(config=STRICT, kw_only=True)
class Vocabulary:
    """How texts are cut, and which tokens are known, commonest first: the first one has the number 2.

    0 is padding, 1 anything unknown. `merges`: of byte-pair encoding (Sennrich et al. 2016), in the order learned.
    """

    reading: Reading
    tokens: tuple[Token, ...] = Field(max_length=MOST_STATED)
    merges: tuple[tuple[Token, Token], ...] = Field(default=(), max_length=MOST_TOKENS)
    letters: bool = False  # whether letters of scripts that part no words stand for themselves

    def __post_init__(self) -> None:
        known = set(self.tokens)
        if len(known) != len(self.tokens):
            raise ValueError("tokens that differ from each other")
        if self.reading == "characters" and any(len(token) != 1 for token in self.tokens):
            raise ValueError("single characters")
        if any(not {a, b, a + b} <= known for a, b in self.merges):
            raise ValueError("merges of known tokens")

    @property
    def size(self) -> int:
        return len(self.tokens) + FIRST

    @property
    def word(self) -> str:
        """The expression that finds its words."""
        if self.reading == "bytes":
            return WORD_OR_LETTERS
        return WORD_OR_LETTER if self.letters else WORD


def count_tokens(texts: pl.Series, vocabulary: Vocabulary, most: int) -> Array:
    """Tokens (N,) int32 of each text, at least 1 (an empty text is one unknown token) and at most `most`."""
    counts = np.ones(len(texts), dtype=np.int32)
    reader = reader_of(vocabulary)

    def fill(start: int) -> None:
        part = texts.slice(start, PIECE_ROWS)
        found, _ = reader.cut(part, TEXT.str.head(CHARACTERS_A_TOKEN * most), most)
        counts[start : start + len(part)] = np.maximum(found, 1)

    _for_pieces(fill, len(texts))
    return counts


class EncodedTexts(NamedTuple):
    """Numbers of tokens (N, length) int32, 0 behind the last one; and which texts (N,) have more than fit."""

    numbers: Array
    longer: Array


def encode_texts(texts: pl.Series, vocabulary: Vocabulary, length: int, *, ends: bool = False) -> Array:
    """Numbers of tokens (N, length) int32, 0 behind the last one. Nulls count as empty texts.

    ends: texts with more tokens keep the first half of the length and the last, not the beginning alone.
    """
    return read_texts(texts, reader_of(vocabulary), length, ends=ends).numbers


def read_texts(texts: pl.Series, reader: Reader, length: int, *, ends: bool) -> EncodedTexts:
    """The same by a reader that is made already, and which texts were cut."""
    out, longer = np.zeros((len(texts), length), dtype=np.int32), np.zeros(len(texts), dtype=bool)
    head = TEXT.str.head(CHARACTERS_A_TOKEN * (length + ends))

    def fill(start: int) -> None:
        part = texts.slice(start, PIECE_ROWS)
        counts, numbers = reader.cut(part, head, length + 1)
        if (counts > length).any():
            longer[start : start + len(part)] = counts > length
            counts, numbers = _shortened(part, reader, (counts, numbers), length, ends=ends)
        rows = out[start : start + len(part)]
        rows[np.arange(length) < counts[:, None]] = numbers
        rows[counts == 0, 0] = UNKNOWN

    _for_pieces(fill, len(texts))
    return EncodedTexts(numbers=out, longer=longer)


def _shortened(
    texts: pl.Series, reader: Reader, read: tuple[Array, Array], length: int, *, ends: bool
) -> tuple[Array, Array]:
    """What was read of texts, up to length + 1 tokens, without the last; with `ends`, of longer ones with the last tokens of all
    in place of their second half."""
    counts, numbers = read
    long = np.flatnonzero(counts > length)
    stops = np.cumsum(counts)
    keep = np.ones(len(numbers), dtype=bool)
    keep[stops[long] - 1] = False  # the token beyond
    if ends:
        reach = 2 * CHARACTERS_A_TOKEN * length
        tail_counts, tail_numbers = reader.cut(texts.gather(long), TEXT.str.tail(reach), reach)
        tail_stops = np.cumsum(tail_counts)
        for place, row in enumerate(long.tolist()):
            behind = min(length // 2, int(tail_counts[place]))
            tail = tail_numbers[tail_stops[place] - behind : tail_stops[place]]
            numbers[stops[row] - 1 - behind : stops[row] - 1] = tail
    return np.minimum(counts, length), numbers[keep]


def _for_pieces(fill: Callable[[int], None], rows: int) -> None:
    """fill(first row) for every few thousand rows, on all cores: polars lets go of Python's lock."""
    starts = range(0, rows, PIECE_ROWS)
    if len(starts) < 2:
        for start in starts:
            fill(start)
        return
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        list(pool.map(fill, starts))


class Reader(ABC):
    """A vocabulary made ready to look tokens up."""

    @abstractmethod
    def __init__(self, vocabulary: Vocabulary) -> None: ...

    @abstractmethod
    def cut(self, texts: pl.Series, part: pl.Expr, most: int) -> tuple[Array, Array]:
        """The tokens of each text, counted (n,) and, one behind the other, as numbers; at most `most` of each.

        part: what is read of a text, an expression of TEXT. With it in one expression, short columns cost half as much.
        """


def reader_of(vocabulary: Vocabulary) -> Reader:
    """The reader of this vocabulary."""
    return READERS[vocabulary.reading](vocabulary)


def _selected(texts: pl.Series, expression: pl.Expr) -> pl.Series:
    return texts.alias("text").to_frame().select(expression).to_series()


def _words(texts: pl.Series, part: pl.Expr, most: int, word: str) -> tuple[Array, pl.Series]:
    """Words of each text, counted (n,) and one behind the other."""
    lists = _selected(texts, part.str.extract_all(word).list.head(most))
    counts = lists.list.len().to_numpy().astype(np.int64)
    return counts, lists.filter(pl.Series(counts > 0)).explode()


class CharacterReader(Reader):
    """One number for each character."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        points = np.array([ord(token[0]) for token in vocabulary.tokens], dtype=np.int64)
        self.numbers = np.full(0x110000, UNKNOWN, dtype=np.int32)
        self.numbers[points] = np.arange(FIRST, FIRST + len(points), dtype=np.int32)

    def cut(self, texts: pl.Series, part: pl.Expr, most: int) -> tuple[Array, Array]:
        texts = composed(_selected(texts, part)).str.head(most)
        return texts.str.len_chars().to_numpy().astype(np.int64), self.numbers[code_points(texts)]


def composed(texts: pl.Series) -> pl.Series:
    """One way to write a letter with its accent (NFC)."""
    plain = (texts.str.len_bytes() == texts.str.len_chars()).all()
    return texts if plain else texts.str.normalize("NFC")


def code_points(texts: pl.Series) -> Array:
    """The characters of all texts, one behind the other, as numbers."""
    return np.frombuffer("".join(texts.to_list()).encode("utf-32-le", "replace"), dtype=np.uint32)


class WordReader(Reader):
    """A word as it is, else in lower case, else by the shape of its digits, else unknown."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.tokens, self.word = vocabulary.tokens, vocabulary.word

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens, start=FIRST)}

    @cached_property
    def known(self) -> pl.Enum:
        return pl.Enum(self.tokens)

    def cut(self, texts: pl.Series, part: pl.Expr, most: int) -> tuple[Array, Array]:
        counts, words = _words(texts, part, most, self.word)
        numbers = self._places(words)
        unknown = numbers == UNKNOWN
        if unknown.any():
            left = words.filter(pl.Series(unknown))
            distinct = left.unique()
            lower = lowered(distinct)
            found = self._places(lower)
            shapes = self._places(_selected(lower, shaped(TEXT)))
            found = np.where(found == UNKNOWN, shapes, found)
            numbers[unknown] = found[left.cast(pl.Enum(distinct)).to_physical().to_numpy()]
        return counts, numbers

    def _places(self, words: pl.Series) -> Array:
        if len(words) < len(self.tokens):  # a cast takes all tokens in hand, however few words there are
            get = self.numbers.get
            return np.array([get(word, UNKNOWN) for word in words.to_list()], dtype=np.int32)
        places = words.cast(self.known, strict=False).to_physical().cast(pl.Int32)
        return places.fill_null(UNKNOWN - FIRST).to_numpy() + FIRST


def lowered(words: pl.Series) -> pl.Series:
    """Lower case in one way to write each letter (NFKC: a ligature is its letters)."""
    return words.str.normalize("NFKC").str.to_lowercase()


def shaped(words: pl.Expr) -> pl.Expr:
    return words.str.replace_all(r"\p{N}", "0")


class PieceReader(Reader):
    """Every different word is cut once; then rows are put together from the pieces. Only older files have pieces of characters."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        from tokenizers import Tokenizer, models

        numbers = {piece: number for number, piece in enumerate(vocabulary.tokens, start=FIRST)}
        self.word = vocabulary.word
        self.tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=list(vocabulary.merges)))
        self.pieces: dict[str, Array] = {}
        self.kept = 0  # characters of their words

    def cut(self, texts: pl.Series, part: pl.Expr, most: int) -> tuple[Array, Array]:
        counts, words = _words(texts, part, most, self.word)
        if len(words) == 0:
            return counts, np.zeros(0, np.int32)
        distinct = words.unique()
        pieces = self._pieces(distinct)
        sizes = np.array([len(piece) for piece in pieces], dtype=np.int64)
        places = words.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64)
        lengths = sizes[places]
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        numbers = np.concatenate(pieces)[np.repeat((np.cumsum(sizes) - sizes)[places], lengths) + within]
        row = np.repeat(np.repeat(np.arange(len(counts)), counts), lengths)
        counts = np.bincount(row, minlength=len(counts))
        kept = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) < most
        return np.minimum(counts, most), numbers[kept]

    def _pieces(self, words: pl.Series) -> list[Array]:
        cells, known = words.to_list(), self.pieces
        new = [word for word in cells if word not in known]
        lower = lowered(pl.Series(new, dtype=pl.String)).to_list()
        unknown = np.array([UNKNOWN], dtype=np.int32)
        for word, encoded in zip(
            new, self.tokenizer.encode_batch_fast([self._spelled(text[:LONGEST_WORD]) for text in lower]), strict=True
        ):
            known[word] = np.array(encoded.ids, dtype=np.int32) if encoded.ids else unknown
        self.kept += sum(map(len, new))
        if self.kept > MOST_KEPT:  # a server reads words without end; other threads go on with what they have
            self.pieces, self.kept = {}, 0
        return [known[word] for word in cells]

    def _spelled(self, word: str) -> str:
        return WORD_START + word


class WordPieceReader(Reader):
    """The pieces that a pretrained encoder was trained on: the longest known one first (WordPiece, Schuster & Nakajima 2012), words in
    lower case without accents. A word whose letters are not all known is one unknown token."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.tokenizer = _word_pieces(vocabulary.tokens)

    def cut(self, texts: pl.Series, part: pl.Expr, most: int) -> tuple[Array, Array]:
        encoded = self.tokenizer.encode_batch_fast(_selected(texts, part).to_list(), add_special_tokens=False)
        numbers = [np.array(one.ids[:most], dtype=np.int32) for one in encoded]
        counts = np.array([len(one) for one in numbers], dtype=np.int64)
        return counts, np.concatenate([np.zeros(0, np.int32), *numbers])


@lru_cache(maxsize=4)  # to make one takes some 20 ms
def _word_pieces(tokens: tuple[str, ...]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    numbers = {piece: number for number, piece in enumerate(tokens, start=FIRST)} | {NO_PIECE: UNKNOWN}
    tokenizer = Tokenizer(models.WordPiece(vocab=numbers, unk_token=NO_PIECE, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


class ByteReader(PieceReader):
    """The same, of bytes."""

    def _spelled(self, word: str) -> str:
        return as_bytes(word)


READERS: dict[Reading, type[Reader]] = {
    "words": WordReader,
    "pieces": PieceReader,
    "bytes": ByteReader,
    "characters": CharacterReader,
    "wordpieces": WordPieceReader,
}


def as_bytes(word: str) -> str:
    """A word with its start, a character a byte."""
    return BYTE_START + "".join(OF_BYTE[byte] for byte in word.encode("utf-8", "replace"))


def spelled(tokens: Sequence[str], reading: Reading) -> str:
    """Tokens of a text put together as a person would write them; of a letter whose bytes are cut, a replacement."""
    joined = (" " if reading in ("words", "wordpieces") else "").join(tokens)
    if reading == "wordpieces":
        return joined.replace(f" {GOES_ON}", "").removeprefix(GOES_ON)
    if reading == "bytes":
        known = {written: byte for byte, written in OF_BYTE.items()}
        joined = bytes(byte for one in joined for byte in _bytes_of(one, known)).decode("utf-8", "replace")
    return joined.replace(WORD_START, " ").strip()


def _bytes_of(one: str, known: Mapping[str, int]) -> bytes:
    return bytes([known[one]]) if one in known else one.encode()
