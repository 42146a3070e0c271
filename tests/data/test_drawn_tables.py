"""Tables whose rows are quoted whole, lined up by blanks, or stand below their own count, read as the cells that they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.data.sources.dialect import detect_dialect
from netpick.errors import DataError
from netpick.types import Source, TableColumn

PEOPLE = [
    ("John Smith", "San Francisco", "34", "12000"),
    ("Mary Ann Lee", "New York", "5", "1200"),
    ("Bob", "Los Angeles", "77", "900"),
    ("Al", "Paris", "8", "100000"),
    ("Cy Young", "Rome", "12", "50"),
    ("Di", "Oslo", "21", "55000"),
]
NAMES = ("name", "city", "age", "income")
WIDTHS = (16, 14, -5, -8)  # below zero: on the right


def read(folder: Path, text: str, name: str = "t.txt", options: ReadOptions | None = None) -> Source:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return open_source(path, options=options or ReadOptions())


def cells(source: Source, name: str) -> list[object]:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def said(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


def lined_up(*rows: tuple[str, ...]) -> str:
    def row(cells: tuple[str, ...]) -> str:
        both = zip(cells, WIDTHS, strict=True)
        return "".join(cell.rjust(-width) if width < 0 else cell.ljust(width) for cell, width in both).rstrip()

    return "\n".join(map(row, rows)) + "\n"


def test_columns_of_fixed_width_may_hold_blanks_and_holes(tmp_path: Path) -> None:
    rows = [*PEOPLE[:3], ("Al", "Paris", "", "100000"), *PEOPLE[4:]]
    source = read(tmp_path, lined_up(NAMES, *rows))
    assert cells(source, "city") == [row[1] for row in PEOPLE]
    assert cells(source, "age") == [34, 5, 77, None, 12, 21]
    assert cells(source, "income") == [int(row[3]) for row in PEOPLE]
    assert "fixed widths" in said(source)


def test_strokes_below_the_names_of_lined_up_columns(tmp_path: Path) -> None:
    plain = lined_up(NAMES, *PEOPLE).split("\n")
    strokes = "-" * 15 + " " + "-" * 13 + " " + "-" * 4 + " " + "-" * 7
    source = read(tmp_path, "\n".join([plain[0], strokes, *plain[1:]]))
    assert cells(source, "age") == [int(row[2]) for row in PEOPLE]


def test_longer_numbers_below_those_that_were_looked_at(tmp_path: Path) -> None:
    many = PEOPLE * 100
    assert cells(read(tmp_path, lined_up(NAMES, *many, ("Eve", "Bern", "1234", "7654321"))), "income")[-1] == 7654321


def test_a_line_that_is_written_across_columns_is_named(tmp_path: Path) -> None:
    text = lined_up(NAMES, *PEOPLE * 100) + "Johann Sebastian Bach senior  Rome  12      50\n"
    with pytest.raises(DataError, match=r"line 602: found 1 cell where the header has 4"):
        read(tmp_path, text)


def test_lines_of_words_are_no_columns() -> None:
    prose = "\n".join(["It  was a dark night", "and  all was still ", "nobody  was about", "so  I went on and"] * 5)
    assert not detect_dialect(prose + "\n", "utf-8", ReadOptions()).drawn.cuts


def test_names_of_two_words_each_are_no_row_names(tmp_path: Path) -> None:
    people = [
        (f"{first} Smith", "Rome", str(20 + n), "5")
        for n, first in enumerate(("Al", "Bob", "Cyd", "Di", "Eve", "Fay", "Guy"))
    ]
    assert cells(read(tmp_path, lined_up(NAMES, *people)), "name")[:2] == ["Al Smith", "Bob Smith"]


WORDS = st.text("abcdefg", min_size=1, max_size=6)
CELLS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.integers(0, 99999)), min_size=8, max_size=20))
def test_lined_up_cells_read_back(rows: list[tuple[str, str, int]]) -> None:
    lines = [f"{'name':<24}{'place':<24}{'count':>8}", *(f"{a:<24}{b:<24}{c:>8}" for a, b, c in rows)]
    dialect = detect_dialect("\n".join(lines) + "\n", "utf-8", ReadOptions())
    assert dialect.names == ("name", "place", "count")


def wrapped(*rows: str) -> str:
    return "".join('"' + row.replace('"', '""') + '"\n' for row in rows)


@pytest.mark.parametrize("quoted", [True, False])
def test_rows_that_are_quoted_whole(tmp_path: Path, quoted: bool) -> None:
    rows = [f'"{name}, {city}",{age},{income}' for name, city, age, income in PEOPLE]
    header = "who,age,income"
    source = read(tmp_path, (wrapped(header) if quoted else header + "\n") + wrapped(*rows), "t.csv")
    assert cells(source, "who") == [f"{name}, {city}" for name, city, _, _ in PEOPLE]
    assert cells(source, "income") == [int(row[3]) for row in PEOPLE]
    assert "Whole rows are enclosed in quotes" in said(source)


def test_quoted_texts_with_commas_are_one_column(tmp_path: Path) -> None:
    source = read(tmp_path, "place\n" + wrapped(*[f"{city}, {name}" for name, city, _, _ in PEOPLE]), "t.csv")
    assert list(source.columns) == ["place"]


def test_the_number_of_rows_above_the_names_of_attributes(tmp_path: Path) -> None:
    rows = "".join(f"{i:06d}.jpg {'-1' if i % 2 else ' 1'}  1 {'-1' if i % 3 else ' 1'}\n" for i in range(9))
    source = read(tmp_path, "9\nBald Male Young \n" + rows)
    assert cells(source, "Bald") == [1, -1] * 4 + [1]
    assert list(source.columns) == ["row", "Bald", "Male", "Young"]
    assert "'9'" in said(source)


def test_the_numbers_of_rows_and_columns_above_rows_without_names(tmp_path: Path) -> None:
    source = read(tmp_path, "8,2,setosa,other\n" + "".join(f"{i}.5,{i},{i % 2}\n" for i in range(8)), "t.csv")
    assert list(source.columns) == ["column_1", "column_2", "column_3"]
    assert cells(source, "column_1")[:2] == [0.5, 1.5]


@pytest.mark.parametrize("mark", ["#", "# ", "% "])
@pytest.mark.parametrize("separator", [" ", ","])
def test_names_in_a_remark(tmp_path: Path, mark: str, separator: str) -> None:
    rows = "".join(separator.join((f"{i}.25", str(i), str(i % 2))) + "\n" for i in range(8))
    source = read(tmp_path, mark + separator.join("xyz") + "\n" + rows)
    assert list(source.columns) == ["x", "y", "z"]
    assert cells(source, "x")[:2] == [0.25, 1.25]


def test_remarks_above_names_stay_remarks(tmp_path: Path) -> None:
    rows = "".join(f"{i}.25,{i}\n" for i in range(8))
    source = read(tmp_path, f"# made by a logger\n# on a day\nx,y\n{rows}", "t.csv")
    assert list(source.columns) == ["x", "y"]


def test_row_names_of_tables_parted_by_blanks(tmp_path: Path) -> None:
    rows = "".join(f'"{i}" {i}.5 "New York {i % 2}"\n' for i in range(1, 9))
    source = read(tmp_path, '"size" "city"\n' + rows)
    assert list(source.columns) == ["row", "size", "city"]
    assert cells(source, "city")[0] == "New York 1"


def test_a_long_table_of_fixed_width_is_no_running_text(tmp_path: Path) -> None:
    assert read(tmp_path, lined_up(NAMES, *PEOPLE * 10)).layout == "csv"
    tilde = "\n".join(["name~age", *[f"{name}~{age}" for name, _, age, _ in PEOPLE * 10]])
    assert cells(read(tmp_path, tilde, options=ReadOptions(separator="~")), "age")[:2] == [34, 5]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("last", ["label", None])
def test_columns_that_are_numbered_have_names(tmp_path: Path, first: int, last: str | None) -> None:
    names = [*map(str, range(first, first + 4)), *([last] if last else [])]
    rows = "".join(f"{i}.5,{i},{i % 3},{i % 5}{',' + 'ab'[i % 2] if last else ''}\n" for i in range(12))
    assert list(read(tmp_path, ",".join(names) + "\n" + rows, "t.csv").columns) == names
    numbers = "".join(f"{i},{i + 1},{i + 2}\n" for i in range(12))  # rows that count themselves
    assert list(read(tmp_path, numbers, "u.csv").columns) == ["column_1", "column_2", "column_3"]
