"""Tables whose cells are escaped, divided or drawn in other ways than CSV's: read as the plain table that they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from netpick.data.sources import open_source
from netpick.types import Source, TableColumn

ROWS = [(i, i / 4 + 0.5, "uv"[i % 2]) for i in range(40)]


def cells(source: Source) -> list[list[object]]:
    return [c.values.to_list() for c in source.columns.values() if isinstance(c, TableColumn)]


def written(folder: Path, name: str, text: str) -> Source:
    (folder / name).write_text(text)
    return open_source(folder / name)


def psql(rows: list[tuple[int, float, str]]) -> str:
    body = "".join(f" {i:>4} | {x} | {c}\n" for i, x, c in rows)
    return f"  id  | score | label\n------+-------+-------\n{body}({len(rows)} rows)\n"


def mysql(rows: list[tuple[int, float, str]]) -> str:
    line = "+----+-------+-------+\n"
    body = "".join(f"| {i} | {x} | {c} |\n" for i, x, c in rows)
    return f"{line}| id | score | label |\n{line}{body}{line}{len(rows)} rows in set (0.00 sec)\n"


def markdown(rows: list[tuple[int, float, str]]) -> str:
    body = "".join(f"| {i} | {x} | {c} |\n" for i, x, c in rows)
    return f"| id | score | label |\n|---:|:------|-------|\n{body}"


def colons(rows: list[tuple[int, float, str]]) -> str:
    return "id::score::label\n" + "".join(f"{i}::{x}::{c}\n" for i, x, c in rows)


@pytest.mark.parametrize(
    ("name", "write"), [("psql.txt", psql), ("mysql.txt", mysql), ("table.md", markdown), ("ratings.dat", colons)]
)
def test_drawn_and_divided_otherwise(name: str, write: object, tmp_path: Path) -> None:
    source = written(tmp_path, name, write(ROWS))  # type: ignore[operator]
    assert list(source.columns) == ["id", "score", "label"]
    assert cells(source) == [list(column) for column in zip(*ROWS, strict=True)]


def test_a_quote_behind_a_backslash_does_not_end_its_cell(tmp_path: Path) -> None:
    body = "".join(f'{i},"he said \\"hi {i}\\", then left",{c}\n' for i, _, c in ROWS)
    source = written(tmp_path, "t.csv", f"id,text,label\n{body}")
    assert list(source.columns) == ["id", "text", "label"]
    assert cells(source)[1][3] == 'he said "hi 3", then left'
    windows = written(tmp_path, "w.csv", "path,x\n" + "".join(f'"C:\\d{i}\\",{i}\n' for i in range(9)))
    assert cells(windows)[0][2] == "C:\\d2\\"


def test_blanks_and_tabs_between_numbers(tmp_path: Path) -> None:
    lines = [f"{x}   {i}\t{i}.5{chr(9) * (1 + i % 2)}{i % 3}" for i, x, _ in ROWS]
    source = written(tmp_path, "seeds.txt", "\n".join(lines))
    assert [len(source.columns), source.num_rows] == [4, 40]
    assert cells(source)[1] == [i for i, _, _ in ROWS]
    dates = written(tmp_path, "d.tsv", "t\tx\n" + "".join(f"2020-01-01 10:0{i}:00\t{i}.5\n" for i in range(9)))
    assert list(dates.columns) == ["t", "x"]


def test_one_column_of_numbers_needs_no_ending(tmp_path: Path) -> None:
    source = written(tmp_path, "values.txt", "load\n" + "".join(f"{x}\n" for _, x, _ in ROWS))
    assert cells(source) == [[x for _, x, _ in ROWS]]
