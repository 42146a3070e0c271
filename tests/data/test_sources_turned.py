"""Headers of several rows, tables on their side, several labels in a cell, spellings of one value."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from netpick.data.formats.spelling import alike, plain_spelling
from netpick.data.sources import ReadOptions, open_source
from netpick.data.sources.wide import turned
from netpick.errors import RequestError
from netpick.tasks.label_lists import LISTED, find_delimiter, split_cells
from netpick.types import Source, TableColumn


def cells(source: Source) -> dict[str, list[object]]:
    return {name: c.values.to_list() for name, c in source.columns.items() if isinstance(c, TableColumn)}


def said(source: Source) -> str:
    return " ".join(note.text for note in source.notes)


ROWS = "".join(f"2020-01-{day + 1:02d},{day}.5,{day + 7}.25,{day * 3}\n" for day in range(28))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("day,low,high,rain\n", ["day", "low", "high", "rain"]),
        (",Temp,Temp,Rain\nday,low,high,sum\n", ["day", "Temp low", "Temp high", "Rain sum"]),
        (",Temp,,Rain\nday,low,high,sum\n", ["day", "Temp low", "Temp high", "Rain sum"]),
        ("Price,Close,Open,Volume\nTicker,A,A,A\nDate,,,\n", ["Price Ticker Date", "Close A", "Open A", "Volume A"]),
        ("day,low,high,rain\n,°C,°C,mm\n", ["day", "low", "high", "rain"]),
    ],
)
def test_headers_of_several_rows(tmp_path: Path, header: str, names: list[str]) -> None:
    (tmp_path / "t.csv").write_text(header + ROWS)
    found = cells(open_source(tmp_path / "t.csv"))
    assert list(found) == names
    assert found[names[1]][:2] == [0.5, 1.5]
    assert len(found[names[0]]) == 28


def test_a_row_of_data_with_holes_is_no_header(tmp_path: Path) -> None:
    rows = "".join(
        f"{land},{i}.5,{i}\n"
        for i, land in enumerate(["Chile", "Peru", "Ghana", "Fiji", "Oman", "Cuba", "Mali", "Laos"])
    )
    (tmp_path / "t.csv").write_text(f"land,size,count\nSpain,,\n{rows}")
    assert cells(open_source(tmp_path / "t.csv"))["land"][0] == "Spain"


# --- tables on their side --------------------------------------------------------------------------------------------


def wide(tmp_path: Path, names: list[str], **others: list[object]) -> Source:
    columns = {**others, **{name: [step * 1.5 + row for row in range(4)] for step, name in enumerate(names)}}
    pl.DataFrame(columns).write_csv(tmp_path / "wide.csv")
    return open_source(tmp_path / "wide.csv")


YEARS = [str(year) for year in range(2000, 2012)]
LANDS: list[object] = ["Chile", "Peru", "Ghana", "Fiji"]


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (YEARS, "2000-01-01"),
        ([f"{year} [YR{year}]" for year in range(1990, 2002)], "1990-01-01"),
        ([f"1/{day}/20" for day in range(20, 32)], "2020-01-20"),
        ([f"2020-01-{day:02d}" for day in range(1, 13)], "2020-01-01"),
        ([f"2020-{month:02d}" for month in range(1, 13)], "2020-01-01"),
    ],
)
def test_times_as_names_of_columns_are_turned(tmp_path: Path, names: list[str], first: str) -> None:
    source = turned(wide(tmp_path, names, land=LANDS))
    found = cells(source)
    assert list(found) == ["land", "time", "value"]
    assert (len(found["time"]), found["value"][:2]) == (48, [0.0, 1.5])
    assert str(found["time"][0])[:10] == first
    assert "The table lies on its side" in said(source)


def test_numbered_days_are_turned_where_a_column_tells_rows_apart(tmp_path: Path) -> None:
    days = [f"d_{day}" for day in range(1, 13)]
    assert list(cells(turned(wide(tmp_path, days, item=LANDS)))) == ["item", "step", "value"]
    alone = wide(tmp_path, days)
    assert turned(alone) is alone
    labelled = wide(tmp_path, days, item=LANDS, label=["a", "b", "a", "b"])
    assert turned(labelled) is labelled


def test_features_that_are_numbered_are_not_turned(tmp_path: Path) -> None:
    source = wide(tmp_path, [f"pixel{i}" for i in range(12)], name=LANDS)
    assert turned(source) is source


def test_missing_years_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "land," + ",".join(YEARS) + "\nA," + ",".join(["", *["1"] * 11]) + "\nB," + ",".join(["2"] * 12) + "\n"
    )
    assert len(cells(turned(open_source(tmp_path / "t.csv")))["value"]) == 23


# --- several labels in a cell ----------------------------------------------------------------------------------------

COMBINATIONS = [["a"], ["b"], ["c"], ["a", "b"], ["b", "c"], ["a", "c"], ["a", "b", "c"]] * 6


@pytest.mark.parametrize("mark", ["|", ";", ",", "#", "/", "+", " "])
def test_the_mark_between_labels_is_found(mark: str) -> None:
    found = find_delimiter(pl.Series([mark.join(labels) for labels in COMBINATIONS]))
    assert found == mark


def test_lists_are_read_as_python_and_json_write_them() -> None:
    for write in (repr, lambda labels: str(labels).replace("'", '"')):
        series = pl.Series([write(labels) for labels in COMBINATIONS])
        assert find_delimiter(series) == LISTED
        assert split_cells(series, LISTED)[:4] == [["a"], ["b"], ["c"], ["a", "b"]]
    assert split_cells(pl.Series(["['New York, NY', \"it's\"]", "[]", None]), LISTED) == [
        ["New York, NY", "it's"],
        [],
        None,
    ]


@pytest.mark.parametrize(
    "values",
    [
        ["Portland, OR", "Salem, OR", "Austin, TX", "Dallas, TX", "Boise, ID", "Reno, NV"],
        ["low risk", "high risk", "no risk"],
        ["red light", "red dark", "blue light", "blue dark", "green light", "green dark", "grey light", "grey dark"],
        ["n/a", "yes", "no"],
        ["A+", "A", "B+", "B"],
        ["Iris setosa", "Iris virginica", "Iris versicolor"],
    ],
)
def test_names_with_marks_are_no_lists(values: list[str]) -> None:
    assert find_delimiter(pl.Series(values * 10)) is None


# --- spellings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [("Köln", "ko\u0308ln"), ("Yes", "yes."), ("a b", "a\u00a0 b"), ("1", "1.0"), ("x", "x\u200b"), ("ﬁne", "fine")],
)
def test_spellings_of_one_value(one: str, other: str) -> None:
    assert plain_spelling(one) == plain_spelling(other)


@pytest.mark.parametrize(("one", "other"), [("007", "7"), ("<5", ">5"), ("C", "C+"), ("A-", "A"), ("10", "100")])
def test_values_that_differ(one: str, other: str) -> None:
    assert plain_spelling(one) != plain_spelling(other)


def test_the_commonest_spelling_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "x,city\n" + "".join(f"{i},{city}\n" for i, city in enumerate(["Köln"] * 3 + ["köln", "Bonn"]))
    )
    assert cells(open_source(tmp_path / "t.csv"))["city"][3] == "köln"
    source = open_source(tmp_path / "t.csv", options=ReadOptions(merge=("city",)))
    assert cells(source)["city"] == ["Köln"] * 4 + ["Bonn"]
    assert "'köln' as 'Köln' (1)" in said(source)
    assert alike({"a": 1, "A": 2, "b": 1}) == [["A", "a"]]
    with pytest.raises(RequestError, match="--merge x was given"):
        open_source(tmp_path / "t.csv", options=ReadOptions(merge=("x",)))
