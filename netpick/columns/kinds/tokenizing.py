"""What texts are cut into, learned from training rows: words, pieces of words, or characters.

The `tokenizers` library learns byte-pair merges, on different words only. How texts are read by it: token_readers.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from netpick.columns.kinds.token_readers import (
    FIRST,
    LETTER,
    LONGEST_TOKEN,
    LONGEST_WORD,
    MOST_TOKENS,
    OF_BYTE,
    UNPARTED,
    WORD,
    WORD_OR_LETTER,
    WORD_OR_LETTERS,
    Vocabulary,
    as_bytes,
    code_points,
    composed,
    encode_texts,
    lowered,
    shaped,
)

MOST_PIECES = 8_000
LEARNED_CHARACTERS = 40_000_000  # of training texts; evenly spaced rows of larger data
SEEN_TWICE = 2  # a token that came once teaches nothing but "rare"
SHOUTED = 5  # times that a word must come in capitals to be a word of its own: FREE is not free
RARE_SHARE = 0.15  # of all words: above it, words are cut into pieces
ONE_WORD_SHARE = 0.5  # of all texts
SOME_WORDS = 0.1  # of all texts have blanks, from which on a column of scripts that part no words is a mixed one, where
MANY_LETTERS = 6  # letters of such scripts are more than a word
RANKED_TEXTS, RANKED_LENGTH = 20_000, 256  # that pieces are counted in
SPACED = r"\S\s+\S"


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


def _learn_characters(texts: pl.Series, fewest: int) -> Vocabulary:
    """Every character that comes twice, in so many texts; case matters, since symbols may be anything."""
    texts = composed(texts)
    points, places, counts = np.unique(code_points(texts), return_inverse=True, return_counts=True)
    known = counts >= SEEN_TWICE
    if fewest > 1:
        row = np.repeat(np.arange(len(texts)), texts.str.len_chars().to_numpy())
        known &= np.bincount(np.unique(np.stack([places, row]), axis=1)[0], minlength=len(points)) >= fewest
    points, counts = points[known], counts[known]
    order = np.lexsort((points, -counts))[:MOST_TOKENS]
    return Vocabulary(reading="characters", tokens=tuple(chr(point) for point in points[order]))


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
    lower = lowered(counts["word"])
    capitals = (counts["word"] == counts["word"].str.to_uppercase()) & (counts["word"] != lower)
    shouted = capitals & (counts["word"].str.len_chars() > 1) & (counts["count"] >= SHOUTED)
    counts = counts.with_columns(counts["word"].zip_with(shouted, lower).alias("word"))
    return counts.group_by("word").agg(pl.col("count").sum()).sort(["count", "word"], descending=[True, False])


def _learn_words(counts: pl.DataFrame) -> Vocabulary:
    """Words that came twice; of rarer ones with digits, their shape (00000 for any five digits)."""
    rare = counts.filter(pl.col("count") < SEEN_TWICE).with_columns(shaped(pl.col("word")))
    shapes = rare.filter(pl.col("word").str.contains("0")).group_by("word").agg(pl.col("count").sum())
    known = pl.concat([counts, shapes]).group_by("word").agg(pl.col("count").sum())
    known = known.filter(pl.col("count") >= SEEN_TWICE).sort(["count", "word"], descending=[True, False])
    return Vocabulary(reading="words", tokens=tuple(known["word"].head(MOST_TOKENS).to_list()))


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


def learn_bytes(texts: pl.Series) -> Vocabulary:
    """Byte-pair encoding of the bytes of words in lower case: whatever is written, in whatever script, nothing is unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    words = lowered(texts).str.extract_all(WORD_OR_LETTERS)
    distinct = words.explode().drop_nulls().unique(maintain_order=True)
    written = pl.Series([as_bytes(word) for word in distinct.to_list()], dtype=pl.String)
    size = int(np.clip(len(distinct) // 2, 500, MOST_PIECES)) + len(OF_BYTE)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=SEEN_TWICE,
        show_progress=False,
        initial_alphabet=list(OF_BYTE.values()),
        max_token_length=LONGEST_TOKEN,
    )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    in_bytes = words.list.eval(pl.element().replace_strict(distinct, written, return_dtype=pl.String))
    tokenizer.train_from_iterator(in_bytes.list.join(" ").to_list(), trainer)
    return _ranked(texts, tokenizer, Vocabulary(reading="bytes", tokens=tuple(OF_BYTE.values())))
