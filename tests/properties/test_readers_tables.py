"""Tables written in any dialect read back as they were; whatever bytes a reader gets, it reads them or says what is wrong."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpick.data.sources import READERS, ReadOptions, open_source
from netpick.errors import NetpickError
from netpick.types import TableColumn

FOLDER = Path(tempfile.mkdtemp(prefix="netpick-properties-"))
# A letter at both ends: cells are texts whose blanks at the ends cannot be lost.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=12).map(
    lambda t: f"a{t}z"
)
WHOLE = st.integers(-(2**53), 2**53)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)
DATES = st.dates().map(str)
KINDS = {"text": TEXTS, "whole": WHOLE, "float": FLOATS, "date": DATES}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[object]]]:
    """Columns of one kind each, some cells missing; the first is full."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=4))
    rows = draw(st.integers(2, 8))
    columns = []
    for number, kind in enumerate(kinds):
        cell = KINDS[kind] if number == 0 else st.one_of(st.none(), KINDS[kind])
        columns.append(draw(st.lists(cell, min_size=rows, max_size=rows)))
    return [f"{kind} {number}" for number, kind in enumerate(kinds)], [list(row) for row in zip(*columns, strict=True)]


def written(names: list[str], rows: list[list[object]], separator: str, end: str, quoting: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(names)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return out.getvalue()


def read(content: bytes, name: str = "table.csv", options: ReadOptions | None = None) -> dict[str, list[object]]:
    path = FOLDER / name
    path.write_bytes(content)
    source = open_source(path, options=options or ReadOptions())
    return {key: c.values.to_list() for key, c in source.columns.items() if isinstance(c, TableColumn)}


def same(cell: object, found: object) -> bool:
    if isinstance(cell, (int, float)) and isinstance(found, (int, float)):
        return math.isclose(cell, found, rel_tol=1e-15, abs_tol=5e-324)
    return cell == found or (cell is not None and str(cell) == found)


@settings(max_examples=80)
@given(
    table=tables(),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
)
def test_a_table_in_any_dialect_reads_back(
    table: tuple[list[str], list[list[object]]], separator: str, end: str, quoting: int, encoding: str
) -> None:
    names, rows = table
    content = written(names, rows, separator, end, quoting).encode(encoding)
    options = ReadOptions(separator=separator, quote='"', header=True, encoding=encoding)
    found = read(content, options=options)
    assert list(found) == names
    for place, name in enumerate(names):
        expected = [row[place] for row in rows]
        assert len(found[name]) == len(expected)
        assert all(same(cell, other) for cell, other in zip(expected, found[name], strict=True)), (
            name,
            expected,
            found,
        )


WORDS = st.text("abcdefghij", min_size=1, max_size=8)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(WORDS, st.integers(-999, 999), FLOATS), min_size=3, max_size=30),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_plain_tables_need_no_options(
    rows: list[tuple[str, int, float]], separator: str, end: str, encoding: str
) -> None:
    content = written(["name", "count", "size"], [list(row) for row in rows], separator, end, csv.QUOTE_MINIMAL)
    found = read(content.encode(encoding))
    assert list(found) == ["name", "count", "size"]
    assert all(same(row[0], cell) for row, cell in zip(rows, found["name"], strict=True))
    assert all(same(row[1], cell) for row, cell in zip(rows, found["count"], strict=True))


@settings(max_examples=60)
@given(
    labels=st.lists(
        st.text(st.characters(exclude_categories=("Cs",)), max_size=20), min_size=2, max_size=6, unique=True
    )
)
def test_any_labels_survive_json_lines(labels: list[str]) -> None:
    import json

    labels = [f"a{label}z" for label in labels]
    lines = [json.dumps({"x": i, "y": label}, ensure_ascii=bool(i % 2)) for i, label in enumerate(labels)]
    found = read(("\n".join(lines) + "\n").encode(), "table.jsonl")
    assert found["y"] == labels


BYTES = st.one_of(
    st.binary(max_size=400),
    st.text("abc,;\t|\"'\n\r 0123456789.-é\x00\ufeff", max_size=200).map(lambda t: t.encode()),
    st.text('{}[]":,abc\\ntrue123.-e\n ', max_size=120).map(lambda t: t.encode()),
    st.text("@dat#classLbel true\n1234,:?.-", max_size=150).map(
        lambda t: ("@classLabel true a b\n@data\n" + t).encode()
    ),
    st.text("ab'\"{}\\,? 0123.%\n", max_size=150).map(
        lambda t: ("@relation r\n@attribute a numeric\n@attribute 'b c' {a, 'b b'}\n@data\n" + t).encode()
    ),
    st.text("01239:.-+e \n#qid", max_size=100).map(lambda t: ("1 1:2\n" + t).encode()),
    st.text("__labelx \n", max_size=100).map(lambda t: ("__label__a text\n" + t).encode()),
    st.text("0129\t.eNa-\n", max_size=100).map(lambda t: ("1\t2\t3\t4\t5\t6\t7\t8\t9\n" + t).encode()),
    st.text('{}[]":, abnul12\n', max_size=80).map(lambda t: ('[{"a": 1}, ' + t).encode()),
)
ENDINGS = {
    "csv": ".csv",
    "json_lines": ".jsonl",
    "ts": ".ts",
    "npz": ".npz",
    "parquet": ".parquet",
    "arrow": ".arrow",
    "image_zip": ".zip",
    "arff": ".arff",
    "libsvm": ".libsvm",
    "fasttext": ".txt",
    "ucr": "_TRAIN.tsv",
    "workbook": ".xlsx",
}


@pytest.mark.parametrize("name", ENDINGS)
@settings(max_examples=60)
@given(content=BYTES)
def test_any_bytes_are_read_or_refused_in_words(name: str, content: bytes) -> None:
    path = FOLDER / f"any{ENDINGS[name]}"
    path.write_bytes(content)
    source, refused = None, ""
    try:
        source = READERS[name].read(path, ReadOptions())
    except NetpickError as error:
        refused = str(error)
    assert (path.name in refused and "\n" not in refused) if source is None else source.num_rows > 0
    assert source is None or all(len(column) == source.num_rows for column in source.columns.values())


@settings(max_examples=100)
@given(name=st.text(max_size=30), text=st.text(max_size=60))
def test_any_name_pattern_is_read_or_refused(name: str, text: str) -> None:
    from netpick.data.sources.name_pattern import parse_pattern

    pattern, refused = None, ""
    try:
        pattern = parse_pattern(text)
    except NetpickError as error:
        refused = str(error)
    values = None if pattern is None else pattern.values(name)
    assert pattern is not None or (refused and "\n" not in refused)
    assert pattern is None or values is None or (len(values) == len(pattern.names) and all(values))


@settings(max_examples=150)
@given(
    fields=st.lists(st.text("ab_-.", min_size=1, max_size=5), min_size=1, max_size=4),
    between=st.lists(st.text("ab_-.", min_size=1, max_size=3), min_size=5, max_size=5),
)
def test_name_patterns_agree_with_regular_expressions(fields: list[str], between: list[str]) -> None:
    import re

    from netpick.data.sources.name_pattern import parse_pattern

    names = ["label", "b", "c", "d"][: len(fields)]
    pattern = parse_pattern(between[0] + "".join(f"{{{n}}}{b}" for n, b in zip(names, between[1:], strict=False)))
    path = between[0] + "".join(f + b for f, b in zip(fields, between[1:], strict=False))
    used = between[: len(fields) + 1]
    for way, read_last in (("(.+?)", False), ("(.+)", True)):
        expected = re.fullmatch(way.join(re.escape(text) for text in used), path)
        assert expected is not None
        assert pattern._read(path, last=read_last) == expected.groups()


@pytest.mark.parametrize("first", ["x^2", "x\x01"])
@pytest.mark.parametrize("quote", [None, "none"])
def test_cells_that_begin_like_a_compressed_stream_are_text(first: str, quote: str | None) -> None:
    content = "term,value\n" + f"{first},1\ny,2\n" + 'z"5,3\n' * (quote == "none")
    found = read(content.encode(), options=ReadOptions(quote=quote))
    assert found["term"][:2] == [first, "y"]
    assert found["value"][:2] == [1, 2]


def test_names_that_repeat_once_quotes_are_read_as_letters_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b'\n\xff,",,\xff,')
    assert list(open_source(path).columns) == ["я", '"', "column_3", "я_2", "column_5"]
