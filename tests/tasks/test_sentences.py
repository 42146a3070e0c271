"""Sentences as rows: columns of tokens and tags, pieces of long sentences, documents, and what is said of odd tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import netpick
from netpick.data.sources import open_source
from netpick.errors import DataError, RequestError
from netpick.tasks.examples import ExampleRequest, choose_examples
from netpick.tasks.tag.sentences import as_pieces, split_marks
from netpick.types import Source, TableColumn


def table(**columns: list[str | None]) -> Source:
    return open_source(pl.DataFrame(columns))


def cells(source: Source, name: str) -> list[str]:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def test_long_sentences_are_cut_behind_a_mark_that_is_near() -> None:
    words = [f"w{n}" for n in range(25)]
    words[8] = "."
    source = table(tokens=[" ".join(words), "a b"], tags=[" ".join("X" * 25), "Y Y"])
    pieces = as_pieces(source, "tokens", "tags", 10)
    assert [len(cell.split()) for cell in cells(pieces.source, "tokens")] == [9, 10, 6, 2]
    assert pieces.rows.tolist() == [0, 0, 0, 1]
    assert pieces.starts.tolist() == [0, 9, 19, 0]
    assert pieces.groups is not None
    assert len(np.unique(pieces.groups)) == 2


def test_empty_sentences_are_left_out_and_said() -> None:
    source = table(tokens=["a b", "", "c d"], tags=["X Y", "", "Y X"])
    _, taken = choose_examples(source, ExampleRequest(task="tag", target=("tags",)))
    assert cells(taken, "tokens") == ["a b", "c d"]
    assert any(note.text == "1 row has no token, and is left out." for note in taken.notes)


def test_tags_that_no_scheme_allows_are_read_and_said() -> None:
    source = table(words=["in Rome now", "in New York"], label=["O I-place O", "O B-place I-place"])
    _, taken = choose_examples(source, ExampleRequest(task="tag"))
    assert taken.target == "label"
    (note,) = [note.text for note in taken.notes if note.subject == "tags"]
    assert "IOB2" in note
    assert "1 tag stands where no scheme allows it (I-place behind O, token 2 of row 1)" in note


def test_the_tags_that_are_meant_can_be_said() -> None:
    source = table(words=["a b c", "d e"], one=["X Y X", "Y Y"], other=["P Q P", "Q R"])
    for name in ("one", "other"):
        _, taken = choose_examples(source, ExampleRequest(task="tag", target=(name,)))
        assert (taken.tokens, taken.target) == ("words", name)
    with pytest.raises(RequestError, match="There is no column 'none'"):
        choose_examples(source, ExampleRequest(task="tag", target=("none",)))


def test_a_table_without_tags_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="holds no column of tokens with a column of as many tags"):
        choose_examples(table(words=["a b c", "d e"], label=["x", "y"]), ExampleRequest(task="tag"))


def test_marks_at_the_ends_of_unknown_words_are_tokens() -> None:
    known = {"U.S.", "in", "Rome"}.__contains__
    assert split_marks('He said: "in Rome."  (U.S.) ...', known) == 'He said : " in Rome . " ( U.S . ) ...'


def test_the_same_sentence_on_both_sides_and_one_tagged_in_two_ways_are_found() -> None:
    words = [f"in place{n} now" for n in range(60)] + ["in Rome now"] * 4
    tags = ["O B-place O"] * 61 + ["O O O"] * 3
    looked = netpick.look(pl.DataFrame({"tokens": words, "tags": tags}), task="tag")
    found = {finding.code: finding.evidence for finding in looked.findings}
    assert "have the same features as a row with another label, in 1 groups" in found["D023"]


# --- files -----------------------------------------------------------------------------------------------------------


def test_columns_documents_marks_and_ends_of_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_bytes(
        "\ufeff-DOCSTART- -X- O\r\n\r\nRome NNP B-LOC\r\nis VBZ O\r\n\r\n\r\n-DOCSTART- -X- O\r\n\r\nYes UH O\r\n".encode()
    )
    source = open_source(path)
    assert list(source.columns) == ["token", "column_2", "tag", "document"]
    assert cells(source, "token") == ["Rome is", "Yes"]
    assert cells(source, "tag") == ["B-LOC O", "O"]
    assert len(set(cells(source, "document"))) == 2
    assert (source.tokens, source.target) == ("token", "tag")
    assert source.row_names == ["x.conll: line 3", "x.conll: line 9"]


def test_universal_dependencies_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.conllu"
    words = [
        "1-2\tcan't\t_\t_\t_\t_\t_\t_\t_\t_",
        "1\tca\tcan\tAUX\tMD\t_\t0\troot\t_\t_",
        "2\tn't\tnot\tPART\tRB\t_\t1\tadvmod\t_\t_",
    ]
    path.write_text("# newdoc id = a\n# text = can't\n" + "\n".join(words) + "\n\n")
    source = open_source(path)
    assert cells(source, "form") == ["ca n't"]
    assert cells(source, "upos") == ["AUX PART"]
    assert (source.tokens, source.target) == ("form", "upos")


def test_a_line_without_its_tag_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.iob"
    path.write_text("Rome\tB-LOC\nis\n\n")
    with pytest.raises(
        DataError, match=r"x\.iob, line 2: found 1 column \('is'\), a word without its tag, but 2 were expected"
    ):
        open_source(path)


def test_files_are_told_by_their_look_and_parts_by_their_names(tmp_path: Path) -> None:
    text = "".join(f"In\tO\nRome{n}\tB-LOC\n\n" for n in range(9))
    for name in ("wikitrain.conll", "emerging.dev.conll", "emerging.test.annotated"):
        (tmp_path / name).write_text(text)
    (tmp_path / "LICENSE").write_text("You may use it.\n")
    source = open_source(tmp_path)
    assert source.given_split is not None
    assert np.bincount(source.given_split).tolist() == [9, 9, 9]
    assert source.tokens == "token"
