"""Texts to tokens: what is a text, how it is cut, and that nothing odd breaks it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from netpick.columns.kinds.text import LONGEST, Text, described, told, unknown_tokens
from netpick.columns.kinds.token_readers import (
    LONGEST_TOKEN,
    MOST_KEPT,
    MOST_TOKENS,
    PIECE_ROWS,
    UNKNOWN,
    PieceReader,
    Vocabulary,
    count_tokens,
    encode_texts,
    read_texts,
    reader_of,
    spelled,
)
from netpick.columns.kinds.tokenizing import learn_bytes, learn_vocabulary
from netpick.types import TableColumn

KIND = Text()


def column(cells: list[str | None]) -> TableColumn:
    return TableColumn(name="note", values=pl.Series("note", cells, dtype=pl.String))


def learned(*texts: str) -> Vocabulary:
    return learn_vocabulary(pl.Series(texts, dtype=pl.String))


def numbers(text: str | None, vocabulary: Vocabulary, length: int = 12) -> list[int]:
    row: list[int] = encode_texts(pl.Series([text], dtype=pl.String), vocabulary, length)[0].tolist()
    return [number for number in row if number]


def words(text: str, vocabulary: Vocabulary) -> list[str]:
    return [["", "?", *vocabulary.tokens][number] for number in numbers(text, vocabulary)]


SENTENCES = ("the cat sat on the mat", "the dog sat on the cat", "the cat, the dog and the mat!!", "a cat on a mat!!")
REVIEWS = learned(*SENTENCES, *SENTENCES)


def test_words_are_lower_case_with_the_commonest_first() -> None:
    assert REVIEWS.reading == "words"
    assert REVIEWS.tokens[0] == "the"
    assert words("The CAT sat, on a zebra!!", REVIEWS) == ["the", "cat", "sat", ",", "on", "a", "?", "!!"]


def test_a_word_that_is_often_shouted_is_a_word_of_its_own() -> None:
    texts = ["FREE entry now and again"] * 6 + ["are you free now and again"] * 6
    vocabulary = learned(*texts)
    assert words("FREE free Free", vocabulary) == ["FREE", "free", "free"]
    assert words("NOW", vocabulary) == ["now"]  # shouted here, but never in training


def test_rare_numbers_are_known_by_their_shape() -> None:
    vocabulary = learned(*(f"call {81_000 + i} now or never" for i in range(20)), "call 555 now or never")
    assert words("call 12345 or 555", vocabulary) == ["call", "00000", "or", "?"]


def test_strings_without_blanks_are_read_by_characters() -> None:
    vocabulary = learned("acgt", "ccga", "ttaN", "ggca")
    assert vocabulary.reading == "characters"
    assert words("acN", vocabulary) == ["a", "c", "?"]
    assert learned("我喜欢这部电影", "我不喜欢这部电影").reading == "characters"


def test_many_rare_words_are_cut_into_pieces() -> None:
    stems, endings = ["hal", "tal", "kuk", "puu", "ves"], ["issa", "oissa", "lla", "oille", "ksi", "tta", "ineen"]
    generator = np.random.default_rng(0)
    made = ["".join(generator.choice(stems, 5)) + str(generator.choice(endings)) for _ in range(3_000)]
    texts = [" ".join(made[i : i + 10]) for i in range(0, 3_000, 10)]
    vocabulary = learned(*texts)
    assert vocabulary.reading == "bytes"
    assert vocabulary.merges
    assert UNKNOWN not in numbers("haltalkukissa", vocabulary)
    together = encode_texts(pl.Series(texts), vocabulary, 40)
    for row in (0, 7, 299):
        assert np.array_equal(encode_texts(pl.Series([texts[row]]), vocabulary, 40)[0], together[row])
    restored = TypeAdapter(Vocabulary).validate_json(TypeAdapter(Vocabulary).dump_json(vocabulary))
    assert np.array_equal(encode_texts(pl.Series(texts), restored, 40), together)


def test_letters_with_accents_are_the_same_however_they_are_written() -> None:
    composed, split = "caf\u00e9 au lait", "cafe\u0301 au lait"
    vocabulary = learned(composed, composed, "the au pair")
    assert numbers(composed, vocabulary) == numbers(split, vocabulary)
    symbols = learned("\u00e9a", "\u00e9b", "ab")
    assert numbers("\u00e9", symbols) == numbers("e\u0301", symbols)


@pytest.mark.parametrize("reading", ["words", "characters"])
@pytest.mark.parametrize("text", [None, "", "  \n ", "\0", "\U0001f600" * 3, "\u202e", "a" * 100_000, "x y " * 100_000])
def test_odd_texts_are_encoded(text: str | None, reading: str) -> None:
    vocabulary = REVIEWS if reading == "words" else learned("abc", "cab", "bac")
    cells = pl.Series([text], dtype=pl.String)
    encoded = encode_texts(cells, vocabulary, 8)
    assert encoded.shape == (1, 8)
    assert encoded[0, 0] >= UNKNOWN
    assert count_tokens(cells, vocabulary, 8)[0] == (encoded > 0).sum()


def test_a_text_of_ten_megabytes_is_cut_not_refused() -> None:
    cells = column(["a short text about nothing much"] * 40 + ["word and another " * 600_000])
    state = KIND.fit(cells, np.arange(41))
    assert state.length <= LONGEST
    assert state.share_cut == pytest.approx(1 / 41)
    assert f"longer texts (2.4%) lose their middle and keep {state.length // 2} at each end" in told("note", state)
    assert KIND.encode(cells, state).shape == (41, state.length)


def test_pieces_of_the_column_make_no_difference() -> None:
    texts = pl.Series([f"row {i % 70} the cat sat" + " on" * (i % 5) for i in range(2 * PIECE_ROWS + 10)])
    together = encode_texts(texts, REVIEWS, 10)
    assert np.array_equal(
        encode_texts(texts[PIECE_ROWS - 3 : PIECE_ROWS + 3], REVIEWS, 10), together[PIECE_ROWS - 3 : PIECE_ROWS + 3]
    )
    assert np.array_equal((together > 0).sum(axis=1), count_tokens(texts, REVIEWS, 10))


def test_nothing_to_learn_from_is_no_error() -> None:
    for cells in ([], [None, None], ["", " "]):
        state = KIND.fit(column(list(cells)), np.arange(len(cells)))
        assert KIND.encode(column(["new words here"]), state)[0, 0] == UNKNOWN


CLAIMS: dict[str, tuple[list[str | None], bool]] = {
    "sentences": ([f"this is sentence number {i} of many" for i in range(300)], True),
    "full names": ([f"Smith, Mr. John Nr{i}" for i in range(300)], True),
    "single words": ([f"word{i}" for i in range(300)], False),
    "codes": ([f"A/{i} 21-{i}" for i in range(300)], False),
    "two words": ([f"person {i}" for i in range(300)], False),
    "nothing": ([None] * 5, False),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_claimed(name: str) -> None:
    cells, claimed = CLAIMS[name]
    assert (KIND.claim(column(cells)) is not None) == claimed


def test_numbers_are_texts_only_when_told_so() -> None:
    values = TableColumn(name="code", values=pl.Series("code", [12, 13, None]))
    assert KIND.claim(values) is None
    claim = described(values)
    assert claim is not None
    assert (claim.num_missing, claim.num_distinct) == (1, 2)
    state = KIND.fit(values, np.arange(3))
    assert state.vocabulary.reading == "characters"


def test_what_was_learned_is_told() -> None:
    state = KIND.fit(column(list(SENTENCES) * 3), np.arange(12))
    (note,) = KIND.notes("note", state)
    assert note.text == (
        "'note' is read by words, in lower case: the 10 that come twice or more in the training rows (0.0% unknown), "
        "up to 9 tokens a text."
    )
    (note,) = KIND.notes("note", KIND.fit_private(column(list(SENTENCES) * 3), np.arange(12)), private=True)
    assert "in lower case: the 1 that 10 training rows or more hold (" in note.text


BROKEN: dict[str, dict[str, Any]] = {
    "reading": {"reading": "syllables"},
    "repeated": {"tokens": ["a", "a"]},
    "empty token": {"tokens": ["a", ""]},
    "long token": {"tokens": ["a" * 1_000]},
    "many tokens": {"tokens": [str(i) for i in range(MOST_TOKENS + 1)]},
    "no list": {"tokens": "abc"},
    "unknown merge": {"tokens": ["a", "b"], "merges": [["a", "b"]]},
    "characters": {"reading": "characters", "tokens": ["ab"]},
    "further": {"regex": "(a+)+b"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_vocabulary_from_a_file_is_looked_through(name: str) -> None:
    good = {"reading": "pieces", "tokens": ["a", "b", "ab"], "merges": [["a", "b"]]}
    adapter = TypeAdapter(Vocabulary)
    adapter.validate_json(json.dumps(good))
    with pytest.raises(ValidationError):
        adapter.validate_json(json.dumps(good | BROKEN[name]))


def test_long_texts_keep_both_ends() -> None:
    vocabulary = learned(*["one two three four five six seven eight nine ten"] * 2)
    words = dict(zip(vocabulary.tokens, range(2, 12), strict=True))
    text = "one two three four " + "five " * 90 + "seven eight nine ten"
    cells = pl.Series(["one two", text, "ten nine"])
    encoded = encode_texts(cells, vocabulary, 6, ends=True)
    wanted = [words[w] for w in ("one", "two", "three", "eight", "nine", "ten")]
    assert encoded[1].tolist() == wanted
    assert encoded[0].tolist() == [words["one"], words["two"], 0, 0, 0, 0]
    assert encoded[2].tolist() == [words["ten"], words["nine"], 0, 0, 0, 0]


@pytest.mark.parametrize("ends", [True, False])
def test_texts_that_fit_are_the_same_with_and_without_ends(ends: bool) -> None:
    cells = pl.Series(["a cat sat", "the dog", None, "a the cat"] * 3)
    vocabulary = learn_vocabulary(cells.drop_nulls())
    assert (encode_texts(cells, vocabulary, 3, ends=ends) == encode_texts(cells, vocabulary, 3)).all()


def test_letters_of_scripts_without_blanks_stand_for_themselves() -> None:
    mixed = learned(*["東京は good です", "ภาษาไทย und Straße", "مرحبا بالعالم"] * 4)
    assert mixed.letters
    assert {"東", "京", "は", "good", "ภ", "straße", "مرحبا"} <= {token.lstrip("▁") for token in mixed.tokens}
    assert not learned(*["a cat sat", "the dog"] * 4).letters
    assert TypeAdapter(Vocabulary).validate_json(b'{"reading": "words", "tokens": ["a"]}').letters is False


def test_sentences_without_blanks_are_texts_and_no_names() -> None:
    cells = [f"この映画は本当に{word}かった{number}" for word in ("楽し", "悲し", "怖") for number in range(60)]
    claim = KIND.claim(column(cells))
    assert claim is not None
    assert claim.strength >= 0.4
    assert learn_vocabulary(pl.Series(cells)).reading == "characters"
    mixed = learn_vocabulary(pl.Series([*cells, *["a film that is fine"] * 60]))
    assert mixed.reading != "characters"
    assert mixed.letters


def test_unknown_words_are_counted() -> None:
    cells = column(["the cat sat on the mat"] * 20)
    state = KIND.fit(cells, np.arange(20))
    assert unknown_tokens(column(["the dog sat on a log", None]), state, 100) == (3, 6)


def test_pieces_of_bytes_know_every_script() -> None:
    texts = [
        "the cat sat on the mat",
        "この映画はとても素晴らしかったです。",
        "Dieses Hotel war großartig!",
        "هذا الفيلم كان رائعا",
    ]
    vocabulary = learn_bytes(pl.Series(texts * 3))
    assert vocabulary.reading == "bytes"
    for text in (*texts, "шапка 😀", "ｆｕｌｌ width"):
        row = encode_texts(pl.Series([text]), vocabulary, 80)[0]
        assert UNKNOWN not in row
        said = spelled([vocabulary.tokens[number - 2] for number in row if number], vocabulary.reading)
        assert said.replace(" ", "") == unicodedata.normalize("NFKC", text).lower().replace(" ", "")
    adapter = TypeAdapter(Vocabulary)
    again = adapter.validate_json(adapter.dump_json(vocabulary))
    assert again == vocabulary


def test_frequent_runs_of_letters_become_one_piece() -> None:
    vocabulary = learn_bytes(
        pl.Series(["この映画は素晴らしかった", "この本は素晴らしかった", "あの本は素晴らしかったです"] * 4)
    )
    assert len(numbers("この本は素晴らしかった", vocabulary)) < 6


def test_runs_without_end_make_no_token_that_is_too_long() -> None:
    runs = pl.Series([letter * 3_000 for letter in "xxyy"] + ["ab cd"] * 20)
    assert LONGEST_TOKEN // 2 < max(map(len, learn_bytes(runs).tokens)) <= LONGEST_TOKEN


def test_a_reader_forgets_words_and_still_reads_them() -> None:
    vocabulary = learn_bytes(pl.Series(["many small words", "small words"] * 10))
    reader = reader_of(vocabulary)
    assert isinstance(reader, PieceReader)
    texts = pl.Series(["small words", "x" * 50])
    first = read_texts(texts, reader, 6, ends=True)
    reader.kept = MOST_KEPT
    again = read_texts(pl.Series(["words of others"]), reader, 6, ends=True)
    assert reader.kept < 100
    assert (again.numbers > 0).any()
    assert np.array_equal(read_texts(texts, reader, 6, ends=True).numbers, first.numbers)
    assert first.longer.tolist() == [False, True]
