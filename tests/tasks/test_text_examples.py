"""From a text to blocks: levels, parts, what is unknown, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_texts import small_text

import netpick
from netpick.answers.symbols import stretches
from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.running_text import part_files
from netpick.errors import DataError, RequestError
from netpick.tasks.examples import ExampleRequest, choose_examples
from netpick.tasks.text.blocks import chosen_level, cut_blocks, divided
from netpick.tasks.text.levels import END, LEVELS, UNKNOWN
from netpick.tasks.text.state import NextState, new_state, numbers_of, sizes_of, text_of
from netpick.types import TEST, TRAIN, VALIDATION

LINES = ["to be, or not to be", "that is the question", "", "café und Über"]


def state_of(level: str, lines: list[str] = LINES) -> NextState:
    return new_state("text", level, lines, apart=False)


@pytest.mark.parametrize("level", LEVELS)
def test_numbers_give_the_text_back(level: str) -> None:
    lines = LINES * 2  # a word that comes once is unknown
    state = state_of(level, lines)
    numbers = numbers_of(lines, state)
    assert text_of(numbers.tolist(), state) == "\n".join(lines) + "\n"
    assert (numbers == END).sum() == len(lines)
    assert UNKNOWN not in numbers
    assert len(set(state.symbols)) == len(state.symbols)


def test_what_a_symbol_stands_for_adds_up_to_the_text() -> None:
    lines = ["to be, or not to be", "that is the question", "café und Über"] * 2
    for level in LEVELS:
        state = state_of(level, lines)
        assert sizes_of(state)[numbers_of(lines, state)].sum() == sum(len(line) + 1 for line in lines), level


def test_rare_words_are_unknown_unless_the_text_hides_them_itself() -> None:
    assert state_of("words", ["a b b", "a c"]).symbols == ("a", "b")
    hidden = state_of("words", ["a b <unk>", "a c"])
    assert hidden.symbols == ("a", "b", "c")
    assert numbers_of(["<unk> d a"], hidden).tolist() == [UNKNOWN, UNKNOWN, 3, END]
    assert text_of([UNKNOWN, 3], hidden) == "<unk> a"


@pytest.mark.parametrize("level", ["bytes", "pieces"])
def test_bytes_and_pieces_of_them_know_every_character(level: str) -> None:
    state = state_of(level, ["abc abc"])
    numbers = numbers_of(["日本語 ß"], state)
    assert UNKNOWN not in numbers
    assert text_of(numbers.tolist(), state) == "日本語 ß\n"


@pytest.mark.parametrize(
    ("lines", "apart", "level"),
    [
        (["Once upon a time, there was a king."] * 50, False, "characters"),
        (["once upon a <unk> there was a king"] * 50, False, "words"),
        (["it rained , and rained . then it stopped ."] * 50, False, "words"),
        ([chr(0x4E00 + i) * 3 for i in range(2_500)], False, "bytes"),
        (["anna", "berta"] * 50, True, "characters"),
        (["Many words, as in a book. " * 40] * 6_000, False, "pieces"),
    ],
)
def test_the_level_follows_from_size_and_content(lines: list[str], apart: bool, level: str) -> None:
    assert chosen_level(lines, apart, None).level == level


def test_the_end_of_a_text_is_tested_and_its_beginning_chooses() -> None:
    rows = divided([f"line {i:04}" for i in range(1_000)], None, apart=False, seed=0)
    assert np.array_equal(np.concatenate([rows[VALIDATION], rows[TRAIN], rows[TEST]]), np.arange(1_000))
    assert len(rows[TEST]) == 100
    assert len(rows[VALIDATION]) == 100


def test_texts_that_are_equal_stay_on_one_side() -> None:
    lines = [f"name {i % 300}" for i in range(900)]
    rows = divided(lines, None, apart=True, seed=0)
    sides = [{lines[row] for row in rows[part].tolist()} for part in (TRAIN, VALIDATION, TEST)]
    assert sum(map(len, sides)) == 300
    assert sum(map(len, rows.values())) == 900
    assert 20 <= len(sides[2]) <= 40


def test_blocks_hold_what_went_before_and_every_symbol_once() -> None:
    state = state_of("characters")
    numbers = numbers_of(LINES * 9, state)
    blocks = cut_blocks(numbers, state)
    block, context = state.block, state.context
    assert np.array_equal(blocks.truth[:, 0].ravel()[: len(numbers)], numbers)
    assert not blocks.truth[-1, 0, len(numbers) - (len(blocks) - 1) * block :].any()
    assert blocks.windows[0, context] == END
    assert not blocks.windows[0, :context].any()
    assert np.array_equal(blocks.windows[5, : context + 1], numbers[5 * block - context - 1 : 5 * block])


def test_intervals_are_of_stretches() -> None:
    assert len(np.unique(stretches(1_000))) == 40
    assert len(np.unique(stretches(70))) == 20
    assert len(np.unique(stretches(5))) == 5


def test_files_of_parts_are_one_text(tmp_path: Path) -> None:
    for part, seed in (("train", 0), ("valid", 1), ("test", 2)):
        (tmp_path / f"tale.{part}.txt").write_text(small_text(60, seed))
    assert [file.name for _, file in part_files(tmp_path)] == ["tale.train.txt", "tale.valid.txt", "tale.test.txt"]
    for path in (tmp_path, tmp_path / "tale.train.txt"):
        source = open_source(path)
        examples, source = choose_examples(source, ExampleRequest())
        prepared = examples.prepare(source, ExampleRequest())
        assert prepared.split.method == "given"
        assert prepared.split.validation_given
        tested = prepared.source.columns["text"].values.gather(prepared.split.test)  # type: ignore[union-attr]
        assert "".join(tested.to_list()) == small_text(60, 2)


def test_a_folder_of_one_text_is_that_text_and_one_of_several_where_it_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text(small_text(60))
    (tmp_path / "README.txt").write_text("What this is, and where it is from.")
    alone = open_source(tmp_path)
    assert (alone.running, alone.num_rows) == ("text", len(small_text(60).splitlines()))
    (tmp_path / "second.txt").write_text(small_text(60, 1))
    assert open_source(tmp_path).target == "label"  # an example a line, a file a class
    both = open_source(tmp_path, options=ReadOptions(running=True))
    assert both.running == "text"
    assert "".join(both.columns["text"].values.to_list()).startswith(small_text(60).splitlines()[0])  # type: ignore[union-attr]
    assert both.num_rows == sum(len(small_text(60, seed).splitlines()) for seed in (0, 1))
    assert any("input.txt" in note.text and "second.txt" in note.text for note in both.notes)


def test_a_mark_of_the_encoding_and_ends_of_lines_of_other_systems_are_no_symbols(tmp_path: Path) -> None:
    text = small_text(60)
    (tmp_path / "plain.txt").write_text(text)
    (tmp_path / "marked.txt").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    first, second = (open_source(tmp_path / name) for name in ("plain.txt", "marked.txt"))
    assert first.columns["text"].values.equals(second.columns["text"].values)  # type: ignore[union-attr]


def test_a_text_of_one_line_is_cut_at_blanks_and_a_missing_part_is_taken_from_training(tmp_path: Path) -> None:
    text = small_text(400).replace("\n", " ")
    (tmp_path / "line.txt").write_text(text)
    source = open_source(tmp_path / "line.txt")
    assert source.running
    assert " ".join(source.columns["text"].values.to_list()) == text  # type: ignore[union-attr]
    for part, content in (("train", small_text(300)), ("valid", ""), ("test", small_text(60, 1))):
        (tmp_path / f"tale.{part}.txt").write_text(content)
    prepared = netpick.look(tmp_path / "tale.train.txt")
    assert len(prepared.split.validation)
    assert not prepared.split.validation_given


def test_a_short_text_is_read_as_one_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("".join(f"word{i}, {i} words\n" for i in range(80)))
    assert netpick.look(tmp_path / "short.txt", task="next").source.layout == "running_text"


def test_names_one_a_line_are_texts_of_their_own(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    names = ["".join(generator.choice(list("aeiounmrst"), 6)).title() for _ in range(400)]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    prepared = netpick.look(tmp_path / "names.txt")
    assert prepared.task.name == "next"
    assert prepared.state.apart
    assert prepared.split.method == "random"


def test_a_column_of_a_table_is_asked_for() -> None:
    frame = pl.DataFrame({"text": [small_text(2, seed) for seed in range(80)], "label": ["a", "b"] * 40})
    prepared = netpick.look(frame, task="next", level="words")
    assert prepared.state.column == "text"
    assert prepared.state.level == "words"
    assert netpick.look(frame).task.name == "classify"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("a short text\n" * 25, {"task": "next"}, "holds 325 characters, but a text of at least 500 was expected"),
        ("a" * 2_000, {"task": "next"}, "holds a single symbol, 'a', again and again"),
        (small_text(60), {"level": "syllables"}, "There is no level 'syllables'"),
        (small_text(60), {"folds": 3}, "--folds was given, but a text is tested on its end"),
        (
            small_text(60),
            {"private": True, "level": "pieces"},
            "--private was given, but --level pieces learns pieces of the text",
        ),
        (small_text(60), {"target": "words"}, "the next symbol is one of a column of text"),
        (small_text(60), {"task": "classify", "level": "words"}, "--level belongs to texts that go on"),
    ],
)
def test_what_cannot_be_is_refused_in_words(text: str, options: dict[str, object], words: str, tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text(text)
    with pytest.raises((DataError, RequestError), match=words):
        netpick.look(tmp_path / "story.txt", **options)
