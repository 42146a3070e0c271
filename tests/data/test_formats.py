"""How cells are written: every way with its values, what decides between two readings, and what stays words."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from netpick.data.formats import FORMATS
from netpick.data.sources import open_source
from netpick.data.sources.base import ReadOptions
from netpick.errors import DataError, RequestError
from netpick.types import Source, TableColumn

NAN = None
WRITTEN: dict[str, list[tuple[list[str], list[float | datetime | None]]]] = {
    "number": [
        (["$1,163.74", "$2.50", "-$3.00"], [1163.74, 2.5, -3.0]),
        (["1.163,74 €", "2,50 €", "-3,00 €"], [1163.74, 2.5, -3.0]),
        (["1 163,74", "2,5", "12 345 678,9"], [1163.74, 2.5, 12345678.9]),
        (["1'163.74", "2.50", "12'345.00"], [1163.74, 2.5, 12345.0]),
        (["34,60,846", "1,00,000", "5"], [3460846, 100000, 5]),
        (["12.5 %", "3 %", "-0.25 %"], [12.5, 3, -0.25]),
        (["(987.65)", "1,000.00", "(3.00)"], [-987.65, 1000.0, -3.0]),
        (["12-", "7.5", "3.25-"], [-12, 7.5, -3.25]),
        (["3.5k", "950", "0.77M"], [3500, 950, 770000]),
        (["<5", "7.25", "6.5"], [5, 7.25, 6.5]),
        (["34.8 kg", "7 kg", "0.5 kg"], [34.8, 7, 0.5]),
        (["1,5", "n.a.", "2,25", "#N/A", "--"], [1.5, NAN, 2.25, NAN, NAN]),
        (["R$ 1.234,50", "R$ 2,00"], [1234.5, 2.0]),
        (["USD 1,234.50", "USD 2.00"], [1234.5, 2.0]),
        (["$ (1,234.50)", "$ 2.00", "$ (0.25)"], [-1234.5, 2.0, -0.25]),
        (["73,478円", "855円"], [73478, 855]),
        (["1.2億", "85万"], [1.2e8, 850_000]),
        (["€ 1.299,-", "€ 2,50", "€ 3,--"], [1299.0, 2.5, 3.0]),
        (["- 1,234.50", "2.00", "- 3.25"], [-1234.5, 2.0, -3.25]),
        (["$2.5bn", "$3.1bn"], [2.5e9, 3.1e9]),
        (["2.5k", "0.9k"], [2500, 900]),
        (["~17.5", "~3"], [17.5, 3]),
    ],
    "duration": [
        (["1:04:30", "0:34:12"], [3870, 2052]),
        (["34:14", "61:05"], [2054, 3665]),
        (["1h 30m", "45m", "2h"], [5400, 2700, 7200]),
        (["01:00", "23:59", "24:00"], [3600, 86340, 86400]),
        (["2 days 03:04:05", "0 days 00:00:10"], [183845, 10]),
        (["1:30 PM", "12:15 AM", "12:00 pm"], [13.5, 0.25, 12.0]),
    ],
    "date": [
        (
            ["[10/Oct/2000:13:55:36 -0700]", "[11/Oct/2000:01:02:03 +0000]"],
            [datetime(2000, 10, 10, 20, 55, 36), datetime(2000, 10, 11, 1, 2, 3)],
        ),
        (
            ["2018-04-20 15:37:00,250", "2018-04-21 00:00:01,000"],
            [datetime(2018, 4, 20, 15, 37, 0, 250000), datetime(2018, 4, 21, 0, 0, 1)],
        ),
        (["2018年4月20日", "2019年12月1日"], [datetime(2018, 4, 20), datetime(2019, 12, 1)]),
        (["4/20/2018 15:37", "11/1/2018 0:05"], [datetime(2018, 4, 20, 15, 37), datetime(2018, 11, 1, 0, 5)]),
        (["20.04.18", "1.5.19"], [datetime(2018, 4, 20), datetime(2019, 5, 1)]),
        (["20/04/96", "01/05/55"], [datetime(1996, 4, 20), datetime(1955, 5, 1)]),
        (["Apr 20, 2018", "May 3, 2018"], [datetime(2018, 4, 20), datetime(2018, 5, 3)]),
        (["20. April 2018", "3. März 2018"], [datetime(2018, 4, 20), datetime(2018, 3, 3)]),
        (["20-Apr-18", "03-Mar-19"], [datetime(2018, 4, 20), datetime(2019, 3, 3)]),
        (
            ["Fri, 20 Apr 2018 10:00:00", "Sat, 21 Apr 2018 11:30:00"],
            [datetime(2018, 4, 20, 10), datetime(2018, 4, 21, 11, 30)],
        ),
        (
            ["04/20/2018 12:00:00 AM", "04/20/2018 1:05:09 p.m."],
            [datetime(2018, 4, 20), datetime(2018, 4, 20, 13, 5, 9)],
        ),
        (["20180420T010000", "20180421T000000"], [datetime(2018, 4, 20, 1), datetime(2018, 4, 21)]),
        (["Mar 20, 2018", "Apr 3, 2018"], [datetime(2018, 3, 20), datetime(2018, 4, 3)]),
        ([f"{day}042018" for day in range(15, 29)], [datetime(2018, 4, day) for day in range(15, 29)]),
        (["2018-110", "2016-366"], [datetime(2018, 4, 20), datetime(2016, 12, 31)]),
        (
            ["2018-04-20T10:00:00+02:00", "2018-12-20T10:00:00+01:00"],
            [datetime(2018, 4, 20, 8), datetime(2018, 12, 20, 9)],
        ),
        (
            ["2018-04-20T10:00:00.250Z", "2018-12-20T10:00:00.000Z"],
            [datetime(2018, 4, 20, 10, 0, 0, 250_000), datetime(2018, 12, 20, 10)],
        ),
        (
            ["Fri, 20 Apr 2018 10:00:00 GMT", "Sat, 21 Apr 2018 11:30:00 GMT"],
            [datetime(2018, 4, 20, 10), datetime(2018, 4, 21, 11, 30)],
        ),
        (
            ["Fri Apr 20 10:00:00 +0000 2018", "Sun May 06 11:30:00 +0000 2018"],
            [datetime(2018, 4, 20, 10), datetime(2018, 5, 6, 11, 30)],
        ),
        (
            ["20/Apr/2018:10:00:00 -0500", "01/May/2018:11:30:00 -0500"],
            [datetime(2018, 4, 20, 15), datetime(2018, 5, 1, 16, 30)],
        ),
        (["2018/04/20", "2018/04/21 13:00"], [datetime(2018, 4, 20), datetime(2018, 4, 21, 13)]),
    ],
    "period": [
        (["2020-W10-3", "2021-W01-7"], [datetime(2020, 3, 4), datetime(2021, 1, 10)]),
        (["2020H1", "2021H2"], [datetime(2020, 1, 1), datetime(2021, 7, 1)]),
        (["2024-Q1", "2024-Q4"], [datetime(2024, 1, 1), datetime(2024, 10, 1)]),
        (["Q1 2024", "Q2 2024"], [datetime(2024, 1, 1), datetime(2024, 4, 1)]),
        (["2024-W01", "2024-W10"], [datetime(2024, 1, 1), datetime(2024, 3, 4)]),
        (["1Q85", "4Q24"], [datetime(1985, 1, 1), datetime(2024, 10, 1)]),
        (["Q1'85", "Q4-24"], [datetime(1985, 1, 1), datetime(2024, 10, 1)]),
        (["KW 1 2024", "KW 10 2024"], [datetime(2024, 1, 1), datetime(2024, 3, 4)]),
        (["2024M01", "2024M12"], [datetime(2024, 1, 1), datetime(2024, 12, 1)]),
        (["Jan 2024", "Feb 2024"], [datetime(2024, 1, 1), datetime(2024, 2, 1)]),
        (["01/2024", "12/2024"], [datetime(2024, 1, 1), datetime(2024, 12, 1)]),
    ],
    "epoch": [],  # columns of numbers: see below
}


def table(**columns: list[str] | list[int]) -> Source:
    return open_source(pl.DataFrame(columns))


def written(tmp_path: Path, text: str, options: ReadOptions | None = None) -> Source:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return open_source(path, options=options or ReadOptions())


def values(source: Source, name: str) -> list[object]:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return list(column.values.to_list())


def said(source: Source, subject: str) -> str:
    return " ".join(f"{note.text} [{note.override}]" for note in source.notes if note.subject == subject)


def test_every_way_has_samples() -> None:
    assert set(WRITTEN) == set(FORMATS)


@pytest.mark.parametrize(
    ("way", "texts", "expected"), [(way, *sample) for way, samples in WRITTEN.items() for sample in samples]
)
def test_a_way_of_writing_gives_its_values(way: str, texts: list[str], expected: list[object]) -> None:
    source = table(x=texts * 3)
    wanted = expected * 3
    assert values(source, "x") == (pytest.approx(wanted) if way in ("number", "duration") else wanted)
    assert source.formats["x"].way == way
    assert any(text.split(", ")[-1] in source.formats["x"].words for text in texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["000001.jpg", "000002.jpg"],
        ["12.png", "7.png"],
        ["0606D", "0012A"],
        ["007", "012"],
        ["1-2", "3-4"],
        ["192.168.1.1", "10.0.0.1"],
        ["5 kg", "7 lb"],
    ],
)
def test_codes_ranges_and_mixed_units_stay_words(texts: list[str]) -> None:
    assert values(table(x=texts * 3), "x") == texts * 3


def test_the_rest_of_the_file_decides_what_a_comma_is(tmp_path: Path) -> None:
    points = written(tmp_path, "a\tb\n1,234\t0.5\n5,678\t1.25\n")
    assert values(points, "a") == [1234, 5678]
    commas = written(tmp_path, "a;b\n1,234;0,5\n5,678;1,25\n")
    assert values(commas, "a") == [1.234, 5.678]


def test_whole_numbers_below_a_thousand_show_grouping(tmp_path: Path) -> None:
    rows = "".join(
        f"{cell};x\n" for cell in ["1.126", "788", "5.248", "590", *(f"{n}.{n * 77 % 900 + 100}" for n in range(1, 20))]
    )
    assert values(written(tmp_path, "a;b\n" + rows), "a")[:4] == [1126, 788, 5248, 590]


def test_what_nothing_decides_is_said_to_be_ambiguous(tmp_path: Path) -> None:
    source = written(tmp_path, "a;b\n1,234;x\n5,678;y\n")
    assert "could be" in said(source, "ambiguous")
    assert "--format a=" in said(source, "ambiguous")
    other = written(tmp_path, "a;b\n1,234;x\n5,678;y\n", ReadOptions(formats=(("a", "1,234.5"),)))
    assert values(other, "a") == [1234, 5678]


def test_a_regular_step_decides_between_days_and_months() -> None:
    months = [(year, month) for year in (2010, 2011) for month in range(1, 13)]
    source = table(x=[f"{month}/1/{year}" for year, month in months])
    assert values(source, "x") == [datetime(year, month, 1) for year, month in months]
    assert said(source, "ambiguous") == ""


def test_one_order_of_days_and_months_a_file() -> None:
    source = table(a=["01/02/2020", "25/03/2020", "07/04/2020"], b=["03/04/2020", "05/04/2020", "01/04/2020"])
    assert values(source, "b") == [datetime(2020, 4, 3), datetime(2020, 4, 5), datetime(2020, 4, 1)]
    assert said(source, "ambiguous") == ""


def test_times_with_am_and_pm_in_another_column_put_months_first(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [
        f"{1 + i // 24:02d}/{1 + i // 24:02d}/2020,{i % 12 or 12:02d}:00 {'AP'[i % 24 // 12]}M,{i}" for i in range(60)
    ]
    path.write_text("\n".join(["day,hour,load", *(row.replace("02/02", "01/02") for row in rows)]))
    source = open_source(str(path))
    assert "01/02/2020 could be 2020-01-02 or 2020-02-01; read as 2020-01-02" in said(source, "ambiguous")
    path.write_text(path.read_text().replace(" AM", "").replace(" PM", ""))
    assert "read as 2020-02-01" in said(open_source(str(path)), "ambiguous")


def test_an_ambiguous_date_names_the_option() -> None:
    source = table(x=["04/08/2021", "08/01/2021", "07/08/2021", "11/07/2021"])
    assert said(source, "ambiguous").endswith("[--format x=%m/%d/%Y]")


def test_unix_times_in_columns_that_speak_of_time() -> None:
    seconds = [1577836800, 1577840400]
    source = table(timestamp=seconds, amount=seconds)
    assert values(source, "timestamp") == [datetime(2020, 1, 1), datetime(2020, 1, 1, 1)]
    assert values(source, "amount") == seconds
    assert values(table(ts=[s * 1000 + 321 for s in seconds]), "ts")[0] == datetime(2020, 1, 1, 0, 0, 0, 321000)
    assert values(table(date=[20180420, 20180421]), "date") == [datetime(2018, 4, 20), datetime(2018, 4, 21)]


def test_a_name_is_a_value_unless_numbers_are_missing_that_way(tmp_path: Path) -> None:
    named = written(tmp_path, "x,c\n" + "1,NA\n2,EU\n3,AS\n" * 3)
    assert values(named, "c")[:3] == ["NA", "EU", "AS"]
    assert "'NA' is read as a value of 'c' (3 cells)" in said(named, "values")
    missing = written(tmp_path, "x,c\n" + "1,NA\nNA,EU\n3,AS\n" * 3)
    assert values(missing, "c")[:3] == [None, "EU", "AS"]
    assert (
        values(written(tmp_path, "x,c\n" + "1,NA\nNA,EU\n3,AS\n" * 3, ReadOptions(not_missing=("NA",))), "c")[0] == "NA"
    )


def test_stray_cells_are_named(tmp_path: Path) -> None:
    source = written(tmp_path, "x\n" + '"1,234.50"\n' * 40 + "about two\n")
    assert source.strays["x"] == [(40, "about two")]
    assert values(source, "x")[-1] is None


def test_a_format_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"Column 'a' \(row 1\) holds '20.04.2018', and 2 of 2 cells are not written like --format a=%m/%d/%Y",
    ):
        written(tmp_path, "a,b\n20.04.2018,1\n21.04.2018,2\n", ReadOptions(formats=(("a", "%m/%d/%Y"),)))
    with pytest.raises(RequestError, match=r"--format a=blue cannot be read\. Pass a number as it is written"):
        written(tmp_path, "a,b\n1,2\n", ReadOptions(formats=(("a", "blue"),)))
    with pytest.raises(RequestError, match="There is no column 'z'"):
        written(tmp_path, "a,b\n1,2\n", ReadOptions(formats=(("z", "1,5"),)))


def test_a_word_that_comes_again_among_numbers_is_a_missing_one(tmp_path: Path) -> None:
    rows = [f"{i / 10}M" if i % 4 else "Varies with device" for i in range(1, 61)]
    source = written(tmp_path, "size,y\n" + "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(rows)))
    assert values(source, "size")[:4] == [0.1, 0.2, 0.3, None]
    assert "'Varies with device' is read as missing" in source.formats["size"].words
    few = ["one", "two", "3", "4"] * 10
    assert values(table(x=few), "x") == few


@pytest.mark.parametrize(
    ("name", "cells", "first"),
    [
        ("date", list(range(44200, 44240)), datetime(2021, 1, 4)),
        ("month", [190000 + 100 * y + m for y in range(2) for m in range(1, 13)], datetime(1900, 1, 1)),
        ("x7", [20210100 + d for d in range(1, 32)], datetime(2021, 1, 1)),
    ],
)
def test_dates_as_numbers(name: str, cells: list[int], first: datetime) -> None:
    assert values(table(**{name: cells}), name)[0] == first


def test_numbers_that_could_be_dates_stay_numbers() -> None:
    for name, cells in {
        "x": list(range(44200, 44240)),
        "y": [202001 + i for i in range(40)],
        "z": [20210100 + d for d in range(40)],
    }.items():
        assert values(table(**{name: cells}), name) == cells


def test_nobody_is_born_in_a_year_to_come() -> None:
    cells = ["03/17/31", "12/24/64", "01/30/01"]
    assert values(table(born=cells * 3), "born")[:3] == [
        datetime(1931, 3, 17),
        datetime(1964, 12, 24),
        datetime(2001, 1, 30),
    ]
    assert values(table(ends=cells * 3), "ends")[0] == datetime(2031, 3, 17)


def test_a_dash_beside_a_plus_is_a_sign(tmp_path: Path) -> None:
    source = written(tmp_path, "a,b\n" + "+,1\n-,2\n" * 20)
    assert values(source, "a")[:2] == ["+", "-"]
    assert values(written(tmp_path, "a,b\n" + "x,1\n-,2\n" * 20), "a")[:2] == ["x", None]


def test_letters_beside_numbers_of_codes_are_codes(tmp_path: Path) -> None:
    codes = [*map(str, range(1, 23)), "X", "Y"] * 4
    assert values(written(tmp_path, "a,b\n" + "".join(f"{code},1\n" for code in codes)), "a")[20:24] == [
        "21",
        "22",
        "X",
        "Y",
    ]


def test_zeros_of_databases_are_no_dates(tmp_path: Path) -> None:
    rows = "".join(f"{'00/00/0000' if day % 4 == 0 else f'{day:02d}/03/2020'},{day}\n" for day in range(1, 29))
    assert values(written(tmp_path, "day,b\n" + rows), "day")[2:4] == [datetime(2020, 3, 3), None]
