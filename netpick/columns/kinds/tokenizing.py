"""Texts to numbers of tokens: words, pieces of words, or characters, by a vocabulary learned from training rows.

polars cuts whole columns at once; the `tokenizers` library learns and applies byte-pair merges, on different words only.
Neither starts a process, and nothing is read back but lists of strings.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.types import STRICT, Array

Reading = Literal["words", "pieces", "bytes", "characters"]

PADDING, UNKNOWN, FIRST = 0, 1, 2  # FIRST: the number of the commonest token
MOST_TOKENS = 30_000
MOST_PIECES = 8_000
LONGEST_WORD = 40  # characters; longer runs are no words
CHARACTERS_A_TOKEN = 32  # a text is not looked at beyond so many characters for each token that is kept
LEARNED_CHARACTERS = 40_000_000  # of training texts; evenly spaced rows of larger data
SEEN_TWICE = 2  # a token that came once teaches nothing but "rare"
SHOUTED = 5  # times that a word must come in capitals to be a word of its own: FREE is not free
RARE_SHARE = 0.15  # of all words: above it, words are cut into pieces
ONE_WORD_SHARE = 0.5  # of all texts
SOME_WORDS = 0.1  # of all texts have blanks, from which on a column of scripts that part no words is a mixed one, where
MANY_LETTERS = 6  # letters of such scripts are more than a word
PIECE_ROWS = 4_096  # rows that a thread takes at once
RANKED_TEXTS, RANKED_LENGTH = 20_000, 256  # that pieces are counted in

# Words with their apostrophes, runs of dots and of exclamation and question marks, and every other sign by itself.
WORD = r"[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}]+)*|\.{2,}|!{2,}|\?{2,}|\S"
# Scripts that part no words: their letters, each with its marks, stand for themselves.
UNPARTED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
LETTER = rf"[[{UNPARTED}ー]&&\p{{L}}]\p{{M}}*"
PARTED = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{UNPARTED}ー]]"
WORD_OR_LETTER = rf"{LETTER}|{PARTED}+(?:['’]{PARTED}+)*|\.{{2,}}|!{{2,}}|\?{{2,}}|\S"
# For pieces of bytes: up to so many letters of such scripts are cut together, since frequent pairs of them are words.
WORD_OR_LETTERS = rf"(?:{LETTER}){{1,{LONGEST_WORD // 2}}}|{WORD_OR_LETTER}"
SPACED = r"\S\s+\S"
WORD_START = "▁"  # in front of the first piece of a word, as in SentencePiece (Kudo & Richardson 2018)
# Bytes as characters that can be seen, as GPT-2 writes them (Radford et al. 2019): those of Latin-1 that can, the others from 256 on.
SEEN = (*range(33, 127), *range(161, 173), *range(174, 256))
OF_BYTE = {byte: chr(byte) for byte in SEEN} | {
    byte: chr(256 + n) for n, byte in enumerate(byte for byte in range(256) if byte not in SEEN)
}
BYTE_START = OF_BYTE[ord(" ")]

Token = Annotated[str, Field(min_length=1, max_length=4 * LONGEST_WORD)]


@dataclass(config=STRICT, kw_only=True)
class Vocabulary:
    """How texts are cut, and which tokens are known, commonest first: the first one has the number 2.

    0 is padding, 1 anything unknown. `merges`: of byte-pair encoding (Sennrich et al. 2016), in the order learned.
    """

    reading: Reading
    tokens: tuple[Token, ...] = Field(max_length=MOST_TOKENS)
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


def learn_vocabulary(texts: pl.Series, fewest: int = 1) -> Vocabulary:
    """The vocabulary of these texts (String, no nulls): characters where most texts are one word, else words; pieces of words
    where too many words would be unknown in new texts. fewest: texts that a word, or a character, must come in.

    The share of unknown words is estimated by that of words seen once (Good & Turing, 1953).
    """
    characters = int(texts.str.len_chars().sum() or 0)
    texts = texts.gather_every(max(1, -(-characters // LEARNED_CHARACTERS)))
    letters = bool(texts.str.contains(rf"[{UNPARTED}]").any())
    parted = texts.str.contains(SPACED)
    if letters and float(parted.mean() or 0.0) >= SOME_WORDS:  # type: ignore[arg-type]
        parted |= texts.str.count_matches(LETTER) >= MANY_LETTERS
    if len(texts) == 0 or float(parted.mean() or 0.0) < ONE_WORD_SHARE:  # type: ignore[arg-type]
        return _learn_characters(texts, fewest)
    word = WORD_OR_LETTER if letters else WORD
    texts = _of_common_words(texts, fewest, word) if fewest > 1 else texts
    counts = _word_counts(texts, word)
    once = counts.filter((pl.col("count") == 1) & ~pl.col("word").str.contains(r"\p{N}")).height  # numbers have shapes
    if once > RARE_SHARE * max(1, int(counts["count"].sum())):
        return learn_bytes(texts)
    return replace(_learn_words(counts), letters=letters)


def count_tokens(texts: pl.Series, vocabulary: Vocabulary, most: int) -> Array:
    """Tokens (N,) int32 of each text, at least 1 (an empty text is one unknown token) and at most `most`."""
    counts = np.ones(len(texts), dtype=np.int32)
    reader = READERS[vocabulary.reading](vocabulary)

    def fill(start: int) -> None:
        part = texts.slice(start, PIECE_ROWS)
        counts[start : start + len(part)] = np.maximum(reader.read(part, most)[0], 1)

    _for_pieces(fill, len(texts))
    return counts


def encode_texts(texts: pl.Series, vocabulary: Vocabulary, length: int, *, ends: bool = False) -> Array:
    """Numbers of tokens (N, length) int32, 0 behind the last one. Nulls count as empty texts.

    ends: texts with more tokens keep the first half of the length and the last, not the beginning alone.
    """
    out = np.zeros((len(texts), length), dtype=np.int32)
    reader = READERS[vocabulary.reading](vocabulary)

    def fill(start: int) -> None:
        part = texts.slice(start, PIECE_ROWS)
        counts, numbers = reader.read(part, length + 1) if ends else reader.read(part, length)
        if ends and (counts > length).any():
            counts, numbers = _with_ends(part, reader, (counts, numbers), length)
        rows = out[start : start + len(part)]
        rows[np.arange(length) < counts[:, None]] = numbers
        rows[counts == 0, 0] = UNKNOWN

    _for_pieces(fill, len(texts))
    return out


def _with_ends(texts: pl.Series, reader: Reader, read: tuple[Array, Array], length: int) -> tuple[Array, Array]:
    """What was read of texts, up to length + 1 tokens, with the last tokens of longer ones behind their first."""
    counts, numbers = read
    long = np.flatnonzero(counts > length)
    reach = 2 * CHARACTERS_A_TOKEN * length
    tails = texts.gather(long).fill_null("").str.tail(reach)
    tail_counts, tail_numbers = reader.cut(tails, reach)
    stops = np.cumsum(counts)
    tail_stops = np.cumsum(tail_counts)
    keep = np.ones(len(numbers), dtype=bool)
    keep[stops[long] - 1] = False  # the token beyond
    for place, row in enumerate(long.tolist()):
        behind = min(length // 2, int(tail_counts[place]))
        numbers[stops[row] - 1 - behind : stops[row] - 1] = tail_numbers[tail_stops[place] - behind : tail_stops[place]]
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
    def cut(self, texts: pl.Series, most: int) -> tuple[Array, Array]:
        """The tokens of each text, counted (n,) and, one behind the other, as numbers; no nulls, at most `most` of each."""

    def read(self, texts: pl.Series, most: int) -> tuple[Array, Array]:
        return self.cut(texts.fill_null("").str.head(CHARACTERS_A_TOKEN * most), most)


def _words(texts: pl.Series, most: int, word: str) -> tuple[Array, pl.Series]:
    """Words of each text, counted (n,) and one behind the other."""
    lists = texts.str.extract_all(word).list.head(most)
    counts = lists.list.len().to_numpy().astype(np.int64)
    return counts, lists.filter(pl.Series(counts > 0)).explode()


# --- characters ------------------------------------------------------------------------------------------------------


def _learn_characters(texts: pl.Series, fewest: int) -> Vocabulary:
    """Every character that comes twice, in so many texts; case matters, since symbols may be anything."""
    texts = _composed(texts)
    points, places, counts = np.unique(_code_points(texts), return_inverse=True, return_counts=True)
    known = counts >= SEEN_TWICE
    if fewest > 1:
        row = np.repeat(np.arange(len(texts)), texts.str.len_chars().to_numpy())
        known &= np.bincount(np.unique(np.stack([places, row]), axis=1)[0], minlength=len(points)) >= fewest
    points, counts = points[known], counts[known]
    order = np.lexsort((points, -counts))[:MOST_TOKENS]
    return Vocabulary(reading="characters", tokens=tuple(chr(point) for point in points[order]))


class CharacterReader(Reader):
    """One number for each character."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        points = np.array([ord(token[0]) for token in vocabulary.tokens], dtype=np.int64)
        self.numbers = np.full(0x110000, UNKNOWN, dtype=np.int32)
        self.numbers[points] = np.arange(FIRST, FIRST + len(points), dtype=np.int32)

    def cut(self, texts: pl.Series, most: int) -> tuple[Array, Array]:
        texts = _composed(texts).str.head(most)
        return texts.str.len_chars().to_numpy().astype(np.int64), self.numbers[_code_points(texts)]


def _composed(texts: pl.Series) -> pl.Series:
    """One way to write a letter with its accent (NFC)."""
    plain = (texts.str.len_bytes() == texts.str.len_chars()).all()
    return texts if plain else texts.str.normalize("NFC")


def _code_points(texts: pl.Series) -> Array:
    """The characters of all texts, one behind the other, as numbers."""
    return np.frombuffer("".join(texts.to_list()).encode("utf-32-le", "replace"), dtype=np.uint32)


# --- words -----------------------------------------------------------------------------------------------------------


def _of_common_words(texts: pl.Series, fewest: int, word: str) -> pl.Series:
    """The texts with no words but those that at least so many of them hold, in whatever case."""
    words = texts.str.extract_all(word)
    lower = pl.element().str.normalize("NFKC").str.to_lowercase()
    held = words.list.eval(lower.unique()).explode().drop_nulls().alias("word").value_counts()
    common = held.filter(pl.col("count") >= fewest)["word"].to_list()
    return words.list.eval(pl.element().filter(lower.is_in(common))).list.join(" ")


def _word_counts(texts: pl.Series, word: str) -> pl.DataFrame:
    """Columns `word` and `count`: words in lower case, but for those that are often in capitals; no long runs."""
    words = texts.str.extract_all(word).explode().drop_nulls()
    counts = words.alias("word").value_counts().filter(pl.col("word").str.len_chars() <= LONGEST_WORD)
    lower = _lowered(counts["word"])
    capitals = (counts["word"] == counts["word"].str.to_uppercase()) & (counts["word"] != lower)
    shouted = capitals & (counts["word"].str.len_chars() > 1) & (counts["count"] >= SHOUTED)
    counts = counts.with_columns(counts["word"].zip_with(shouted, lower).alias("word"))
    return counts.group_by("word").agg(pl.col("count").sum()).sort(["count", "word"], descending=[True, False])


def _learn_words(counts: pl.DataFrame) -> Vocabulary:
    """Words that came twice; of rarer ones with digits, their shape (00000 for any five digits)."""
    rare = counts.filter(pl.col("count") < SEEN_TWICE).with_columns(_shaped(pl.col("word")))
    shapes = rare.filter(pl.col("word").str.contains("0")).group_by("word").agg(pl.col("count").sum())
    known = pl.concat([counts, shapes]).group_by("word").agg(pl.col("count").sum())
    known = known.filter(pl.col("count") >= SEEN_TWICE).sort(["count", "word"], descending=[True, False])
    return Vocabulary(reading="words", tokens=tuple(known["word"].head(MOST_TOKENS).to_list()))


class WordReader(Reader):
    """A word as it is, else in lower case, else by the shape of its digits, else unknown."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.known, self.word = pl.Enum(vocabulary.tokens), vocabulary.word

    def cut(self, texts: pl.Series, most: int) -> tuple[Array, Array]:
        counts, words = _words(texts, most, self.word)
        numbers = _places(words, self.known)
        unknown = numbers == UNKNOWN
        if unknown.any():
            left = words.filter(pl.Series(unknown))
            distinct = left.unique()
            lower = _lowered(distinct)
            found = _places(lower, self.known)
            shapes = _places(lower.to_frame("word").select(_shaped(pl.col("word")))["word"], self.known)
            found = np.where(found == UNKNOWN, shapes, found)
            numbers[unknown] = found[left.cast(pl.Enum(distinct)).to_physical().to_numpy()]
        return counts, numbers


def _places(words: pl.Series, known: pl.Enum) -> Array:
    places = words.cast(known, strict=False).to_physical().cast(pl.Int32)
    return places.fill_null(UNKNOWN - FIRST).to_numpy() + FIRST


def _lowered(words: pl.Series) -> pl.Series:
    """Lower case in one way to write each letter (NFKC: a ligature is its letters)."""
    return words.str.normalize("NFKC").str.to_lowercase()


def _shaped(words: pl.Expr) -> pl.Expr:
    return words.str.replace_all(r"\p{N}", "0")


# --- pieces of words -------------------------------------------------------------------------------------------------


def _ranked(texts: pl.Series, tokenizer: Any, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with what was learned of these texts, the commonest pieces first."""
    model = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    learned = replace(vocabulary, tokens=tuple(pieces), merges=tuple(merges))
    # The library numbers pieces by how they were made; the commonest first is what shorter views of a text count on.
    encoded = encode_texts(texts.gather_every(max(1, len(texts) // RANKED_TEXTS)), learned, RANKED_LENGTH)
    used = np.bincount(encoded.ravel(), minlength=learned.size)[FIRST:]
    order = np.argsort(-used, kind="stable")
    return replace(learned, tokens=tuple(pieces[place] for place in order))


class PieceReader(Reader):
    """Every different word is cut once; then rows are put together from the pieces. Only older files have pieces of characters."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        from tokenizers import Tokenizer, models

        numbers = {piece: number for number, piece in enumerate(vocabulary.tokens, start=FIRST)}
        self.word = vocabulary.word
        self.tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=list(vocabulary.merges)))
        self.pieces: dict[str, Array] = {}

    def cut(self, texts: pl.Series, most: int) -> tuple[Array, Array]:
        counts, words = _words(texts, most, self.word)
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
        cells = words.to_list()
        new = [word for word in cells if word not in self.pieces]
        lower = _lowered(pl.Series(new, dtype=pl.String)).to_list()
        unknown = np.array([UNKNOWN], dtype=np.int32)
        for word, encoded in zip(
            new, self.tokenizer.encode_batch_fast([self._spelled(text[:LONGEST_WORD]) for text in lower]), strict=True
        ):
            self.pieces[word] = np.array(encoded.ids, dtype=np.int32) if encoded.ids else unknown
        return [self.pieces[word] for word in cells]

    def _spelled(self, word: str) -> str:
        return WORD_START + word


def learn_bytes(texts: pl.Series) -> Vocabulary:
    """Byte-pair encoding of the bytes of words in lower case: whatever is written, in whatever script, nothing is unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    words = _lowered(texts).str.extract_all(WORD_OR_LETTERS)
    distinct = words.explode().drop_nulls().unique(maintain_order=True)
    written = pl.Series([as_bytes(word) for word in distinct.to_list()], dtype=pl.String)
    size = int(np.clip(len(distinct) // 2, 500, MOST_PIECES)) + len(OF_BYTE)
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=SEEN_TWICE, show_progress=False, initial_alphabet=list(OF_BYTE.values())
    )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    in_bytes = words.list.eval(pl.element().replace_strict(distinct, written, return_dtype=pl.String))
    tokenizer.train_from_iterator(in_bytes.list.join(" ").to_list(), trainer)
    return _ranked(texts, tokenizer, Vocabulary(reading="bytes", tokens=tuple(OF_BYTE.values())))


def as_bytes(word: str) -> str:
    """A word with its start, a character a byte."""
    return BYTE_START + "".join(OF_BYTE[byte] for byte in word.encode("utf-8", "replace"))


def spelled(tokens: Sequence[str], reading: Reading) -> str:
    """Tokens of a text put together as a person would write them; of a letter whose bytes are cut, a replacement."""
    joined = (" " if reading == "words" else "").join(tokens)
    if reading == "bytes":
        known = {written: byte for byte, written in OF_BYTE.items()}
        joined = bytes(byte for one in joined for byte in _bytes_of(one, known)).decode("utf-8", "replace")
    return joined.replace(WORD_START, " ").strip()


def _bytes_of(one: str, known: Mapping[str, int]) -> bytes:
    return bytes([known[one]]) if one in known else one.encode()


class ByteReader(PieceReader):
    """The same, of bytes."""

    def _spelled(self, word: str) -> str:
        return as_bytes(word)


READERS: dict[Reading, type[Reader]] = {
    "words": WordReader,
    "pieces": PieceReader,
    "bytes": ByteReader,
    "characters": CharacterReader,
}
