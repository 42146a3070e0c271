"""From two columns of texts to pairs: which is the target, symbols, limits, the split, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_pairs import dates, small_pairs

from netpick.answers.answered import texts_of
from netpick.contest.prepare import FitOptions, inspect
from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.tasks.examples import ExampleRequest, Prepared, choose_examples
from netpick.tasks.pairs.examples import PairExamples
from netpick.tasks.pairs.state import new_state, pair_rows
from netpick.tasks.text.levels import END


def frame_of(pairs: list[tuple[str, str]], names: tuple[str, str] = ("en", "fr")) -> pl.DataFrame:
    return pl.DataFrame({name: [pair[side] for pair in pairs] for side, name in enumerate(names)})


def prepared(data: object, **request: object) -> Prepared:
    wanted = ExampleRequest(**request)  # type: ignore[arg-type]
    examples, source = choose_examples(open_source(data), wanted)
    assert isinstance(examples, PairExamples)
    return examples.prepare(source, wanted)


def test_sentences_are_read_by_pieces_and_strings_by_characters() -> None:
    pairs = prepared(frame_of(small_pairs(60)))
    assert pairs.state.level == "pieces"
    assert pairs.primary(0.5) == "bleu"
    strings = prepared(frame_of(dates(60), ("written", "iso")), task="translate", target=("iso",))
    assert strings.state.level == "characters"
    assert strings.primary(0.5) == "exact_match"
    assert strings.state.usual == 11  # a date and its end
    assert prepared(frame_of(small_pairs(60)), level="bytes").state.level == "bytes"


def test_scripts_that_part_no_words_are_judged_by_characters() -> None:
    words = {
        "the": "\u8fd9",
        "cat": "\u732b\u513f",
        "dog": "\u72d7\u72d7",
        "sees": "\u770b\u89c1\u4e86",
        "old": "\u8001\u7684",
    }
    texts = [np.random.default_rng(i).choice(list(words), 40).tolist() for i in range(40)]
    pairs = [(" ".join(text), "".join(words[word] for word in text)) for text in texts]
    made = prepared(frame_of(pairs, ("en", "zh")))
    assert made.state.level == "pieces"
    assert made.primary(0.5) == "chrf"


def test_numbers_give_the_texts_back_and_limits_hold_for_all_of_training() -> None:
    pairs = small_pairs(80)
    sides = [[pair[side] for pair in pairs] for side in range(2)]
    for level in ("pieces", "bytes", "characters", "words"):
        state = new_state(("en", "fr"), (sides[0], sides[1]), level)
        rows = pair_rows(sides[0], sides[1], state)
        longest = state.sides[0]
        for row, target in zip(rows, sides[1], strict=True):
            assert level == "words" or state.spelled(row[longest:].tolist()) == target
        lengths = [(part > 0).sum(axis=1) for part in (rows[:, :longest], rows[:, longest:])]
        assert (lengths[1] <= lengths[0] * state.limits[0] / 100 + state.limits[1]).all()
        assert (rows[:, :longest] == END).sum() == len(pairs)


def test_which_side_is_the_target() -> None:
    pairs = small_pairs(40)
    assert prepared(frame_of(pairs, ("fr", "en"))).state.source == "en"
    assert prepared(frame_of(pairs, ("fr", "en")), target=("en",)).state.source == "fr"
    assert prepared(frame_of(pairs, ("target", "source"))).state.column == "target"
    assert prepared(frame_of(pairs, ("a", "b"))).state.column == "b"
    notes = {note.subject: note for note in prepared(frame_of(pairs, ("a", "b"))).schema.notes}
    assert notes["target"].override == "--target"
    third = frame_of(pairs).with_columns(pl.Series("note", ["a few words"] * 40))
    assert prepared(third, task="translate", target=("fr",), drop=("note",)).state.source == "en"
    longer = third.with_columns(pl.Series("de", ["ein langer Satz mit vielen Worten, laenger als alle anderen"] * 40))
    assert prepared(longer, task="translate", target=("fr",)).state.source == "en"
    with pytest.raises(RequestError, match="Columns of text: en, fr"):
        prepared(frame_of(pairs), task="translate", target=("de",))


def test_pairs_with_a_side_in_common_stay_together_and_empty_sides_are_left_out() -> None:
    pairs = [(f"row {i // 2} of it", f"reihe {i} davon") for i in range(60)] + [
        ("an empty one", ""),
        ("", "leer und leer"),
    ]
    made = prepared(frame_of(pairs), task="translate", target=("fr",))
    parts = (made.split.train, made.split.validation, made.split.test)
    assert sum(map(len, parts)) == 60
    sides = [{pairs[row][0] for row in part} for part in parts]
    assert not sides[0] & sides[1]
    assert not sides[1] & sides[2]
    assert not sides[0] & sides[2]
    groups = made.test_groups(made.split.test)
    assert groups is not None
    assert len(np.unique(groups)) == len(made.split.test) // 2
    assert any("2 pairs with an empty side" in note.text for note in made.schema.notes)


def test_files_beside_each_other_are_read_line_by_line(tmp_path: Path) -> None:
    for part, count in (("train", 40), ("val", 10), ("test_2016_flickr", 10)):
        pairs = small_pairs(count, seed=len(part))
        for side, language in enumerate(("en", "fr")):
            with gzip.open(tmp_path / f"{part}.{language}.gz", "wt") as file:
                file.write("\n".join(pair[side] for pair in pairs) + "\n")
    for given in (tmp_path, tmp_path / "train.en.gz"):
        made = prepared(given)
        assert [len(part) for part in (made.split.train, made.split.validation, made.split.test)] == [40, 10, 10]
        assert (made.state.source, made.state.column) == ("en", "fr")
        assert made.split.validation_given
    assert prepared(tmp_path, target=("en",)).state.source == "fr"


def test_files_of_unequal_numbers_of_lines_are_refused_by_the_first_line_without_a_partner(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text("one dog\ntwo dogs\nthree dogs\n")
    (tmp_path / "train.de").write_text("ein Hund\nzwei Hunde\n")
    with pytest.raises(
        DataError, match=r"train\.en has 3 lines and train\.de 2.* Line 3 of train\.en \('three dogs'\)"
    ):
        open_source(tmp_path)


def test_what_cannot_be_is_refused() -> None:
    pairs = small_pairs(40)
    for request, words in (
        ({"folds": 5}, "--folds was given"),
        ({"private": True}, "--private was given"),
        ({"level": "letters"}, "no level 'letters'"),
    ):
        with pytest.raises(RequestError, match=words):
            prepared(frame_of(pairs), **request)
    with pytest.raises(DataError, match="but at least 20 were expected"):
        prepared(frame_of(pairs[:10]))
    with pytest.raises(RequestError, match="holds 1 column of texts"):
        prepared(pl.DataFrame({"a": ["x y"] * 30, "b": range(30)}), task="translate")


def test_a_target_of_digits_is_a_text_where_translating_is_asked_for(tmp_path: Path) -> None:
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    digits = [f"{7 * number:04}" for number in range(40)]
    lines = ["\t".join([" ".join(names[int(digit)] for digit in cell), cell]) for cell in digits]
    (tmp_path / "digits.tsv").write_text("words\tdigits\n" + "\n".join(lines) + "\n")
    made = inspect(tmp_path / "digits.tsv", FitOptions(target=("digits",), task="translate"))
    assert texts_of(made.truth) == digits
    assert made.primary(0.5) == "exact_match"


def test_a_column_of_texts_beside_its_classes_is_no_pair() -> None:
    frame = pl.DataFrame({"text": [f"some words {i}" for i in range(40)], "label": ["good", "bad"] * 20})
    examples, _ = choose_examples(open_source(frame), ExampleRequest())
    assert not isinstance(examples, PairExamples)
