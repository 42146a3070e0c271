"""What stands around the rows of a table is left out and said; what only looks like it stays, or is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.errors import DataError
from netpick.types import Source, TableColumn

ROWS = "".join(f"{city},{n},{n / 4}\n" for n, city in enumerate(["Bern", "Genf", "Chur"] * 4, 1))


def read(tmp_path: Path, content: str | bytes, options: ReadOptions | None = None, name: str = "table.csv") -> Source:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_source(path, options=options or ReadOptions())


def names(source: Source) -> list[str]:
    return list(source.columns)


def dtypes(source: Source) -> list[str]:
    return [str(c.values.dtype) for c in source.columns.values() if isinstance(c, TableColumn)]


def said(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


ABOVE = {
    "a report's name": "Sales of January\n\n",
    "remarks": "# made by us\n# on monday\n",
    "pairs": "Period:,January\nCurrency:,CHF\n",
    "a spreadsheet's padding": "Sales,,\nJanuary,,\n,,\n",
    "a separator": "sep=,\n",
}


@pytest.mark.parametrize("above", ABOVE)
def test_lines_above_the_header_are_left_out(tmp_path: Path, above: str) -> None:
    source = read(tmp_path, ABOVE[above] + "city,sold,share\n" + ROWS)
    assert (names(source), source.num_rows) == (["city", "sold", "share"], 12)
    assert dtypes(source) == ["String", "Int64", "Float64"]
    assert "above the header" in said(source)


BELOW = {
    "a total": "Total,78,\n",
    "a total of its own width": "Total\n",
    "remarks": "\n(c) the shop\n",
    "both": "Summe,78,19.5\nSumme,,\n\nSource: the shop\n",
}


@pytest.mark.parametrize("below", ["a total", "a total of its own width", "remarks"])
def test_totals_and_remarks_at_the_foot_are_left_out(tmp_path: Path, below: str) -> None:
    source = read(tmp_path, "city,sold,share\n" + ROWS + BELOW[below])
    assert (source.num_rows, dtypes(source)) == (12, ["String", "Int64", "Float64"])
    assert "left out" in said(source)


def test_a_row_of_units_is_left_out(tmp_path: Path) -> None:
    source = read(tmp_path, "time,mass,n\n[s],kg,\n" + "".join(f"{n / 10},{n},{n}\n" for n in range(1, 9)))
    assert dtypes(source) == ["Float64", "Int64", "Int64"]
    assert "The second row holds units ('[s]', 'kg')" in said(source)


def test_headers_of_joined_files_are_left_out(tmp_path: Path) -> None:
    source = read(tmp_path, "city,sold,share\n" + ROWS + "\ufeffcity,sold,share\n" + ROWS)
    assert (source.num_rows, dtypes(source)) == (24, ["String", "Int64", "Float64"])
    assert "1 row repeats the header" in said(source)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("city,sold,share\n" + ROWS + "Chur,9\n", "line 14: found 2 cells where the header has 3"),
        ("city,sold,share\n" + ROWS + "Chu\n", "line 14: found 1 cell where the header has 3"),
    ],
)
def test_broken_rows_are_no_foot(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(tmp_path, content)


def test_rows_of_data_are_no_lines_above(tmp_path: Path) -> None:
    missing = read(tmp_path, "a,b,c\n,,1\n,x,2\nu,v,3\nw,x,4\ny,z,5\n")
    assert (names(missing), missing.num_rows) == (["a", "b", "c"], 5)
    headless = read(tmp_path, ",1,2\nx,3,4\ny,5,6\nz,7,8\n", ReadOptions(header=False))
    assert headless.num_rows == 4


def test_a_few_bytes_that_are_not_utf8_do_not_change_the_rest(tmp_path: Path) -> None:
    rows = "".join(f"{city},{n}\n" for n, city in enumerate(["Köln", "Zürich", "Genève"] * 5)).encode()
    source = read(tmp_path, b"city,n\n" + rows + "Köln,99\n".encode("cp1252"))
    column = source.columns["city"]
    assert isinstance(column, TableColumn)
    assert sorted(column.values.unique().to_list()) == ["Genève", "Köln", "Zürich"]
    assert "UTF-8, but for some bytes" in said(source)


def test_the_end_that_old_systems_leave_is_no_row(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n1,x\n2,y\n\x1a").num_rows == 2
    assert read(tmp_path, b"a,b\n1,x\n2,y\n\0\0\0").num_rows == 2
    with pytest.raises(DataError, match=r"zero byte|binary"):
        read(tmp_path, b"a,b\n1,x\n\x00\n2,y\n")


def test_years_as_names_below_remarks(tmp_path: Path) -> None:
    years = [str(year) for year in range(1960, 1966)]
    head = ",".join(f'"{name}"' for name in ["Country", "Code", *years])
    rows = "".join(f'"Land {i}","L{i}",{"".join(f"{i}.{year}," for year in years)}\n' for i in range(9))
    path = tmp_path / "bank.csv"
    path.write_text(f'"Data Source","Indicators",\n\n"Last Updated","2023-05-10",\n\n{head},\n{rows}')
    source = open_source(path)
    assert list(source.columns)[:4] == ["Country", "Code", "1960", "1961"]
    assert source.num_rows == 9


@pytest.mark.parametrize(
    ("foot", "lines"),
    [
        ("Mean,5,2.5,\nStd,1,0.5,\n", 2),
        ("Total,90,,\nSource: our own,,,\n", 2),
        ("Max,90,1.5,\n", 0),
        ("(30 rows)\n", 1),
    ],
)
def test_statistics_and_sources_at_the_foot(foot: str, lines: int, tmp_path: Path) -> None:
    rows = "".join(f"{'NS'[i % 2]},{i},{i / 2},{'yes' if i % 3 else 'no'}\n" for i in range(30))
    path = tmp_path / "t.csv"
    path.write_text(f"region,units,price,churn\n{rows}{foot}")
    assert open_source(path).num_rows == 30 + foot.count("\n") - lines


def test_rows_of_empty_cells_are_left_out_but_for_a_model(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1;2\n;\n3;4\n;\n;\n")
    source = open_source(path)
    assert source.num_rows == 2
    assert any(note.text == "3 rows hold nothing but empty cells and are left out." for note in source.notes)
    assert open_source(path, options=ReadOptions(find_formats=False)).num_rows == 5


def test_a_total_below_dates_is_left_out_where_no_cell_of_it_is_empty(tmp_path: Path) -> None:
    days = "".join(f"2020-01-{day:02d},{day}\n" for day in range(1, 13))
    source = read(tmp_path, f"day,sales\n{days}Total,78\n")
    assert source.num_rows == 12
    assert "'Total,78'" in said(source)
    words = "".join(f"{word},{number}\n" for number, word in enumerate(["Bern", "Genf", "Chur", "Total"] * 3))
    assert read(tmp_path, f"town,sales\n{words}").num_rows == 12
