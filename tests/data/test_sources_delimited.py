"""Delimited text: what is detected, how cells are typed over the whole file, and that memory stays in blocks."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpick.data.sources import ReadOptions, blocks, open_source
from netpick.data.sources.dialect import detect_dialect
from netpick.errors import DataError
from netpick.types import FileColumn, Note, Source, TableColumn

AS_DETECTED = ReadOptions()


def read(folder: Path, data: str | bytes, options: ReadOptions = AS_DETECTED, name: str = "t.csv") -> Source:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return open_source(path, options=options)


def cells(source: Source, name: str) -> list[object]:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def dtype(source: Source, name: str) -> pl.DataType:
    column = source.columns[name]
    assert isinstance(column, TableColumn)
    return column.values.dtype


def notes(source: Source) -> dict[str, Note]:
    return {note.subject: note for note in source.notes}


@pytest.mark.parametrize(
    ("separator", "text"), [(",", "comma"), ("\t", "tab"), (";", "semicolon"), ("|", "vertical bar"), (" ", "space")]
)
def test_separator_is_detected_and_said(tmp_path: Path, separator: str, text: str) -> None:
    rows = [["a", "b", "c"], ["1", "2", "x"], ["3", "4", "y"]]
    source = read(tmp_path, "\n".join(separator.join(row) for row in rows) + "\n")
    assert cells(source, "b") == [2, 4]
    assert cells(source, "c") == ["x", "y"]
    assert text in notes(source)["separator"].text
    assert notes(source)["separator"].override == "--separator"


def test_given_options_win(tmp_path: Path) -> None:
    options = ReadOptions(separator="^", header=False, quote="none", encoding="latin-1")
    source = read(tmp_path, "1^'x'\n2^'y'\n", options)
    assert cells(source, "column_2") == ["'x'", "'y'"]
    assert all("as given" in notes(source)[subject].text for subject in ("separator", "header", "quote", "encoding"))


def test_prose_in_a_tab_table_is_not_cut_at_commas(tmp_path: Path) -> None:
    source = read(tmp_path, 'ham\tWell, well; "you" | see\nspam\t"Free" entry, now\nham\tOk\n', name="t.tsv")
    assert list(source.columns) == ["column_1", "column_2"]
    assert cells(source, "column_2")[1] == '"Free" entry, now'
    assert notes(source)["quote"].text == "Quote marks are part of the text: they do not enclose whole cells."


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("age,city\n30,rome\n40,oslo\n", True),
        ("30,rome\n40,oslo\n", False),
        ("ham,go now\nspam,free\nham,ok\n", False),
        ("first,last\nann,lee\nbob,ray\n", True),
        ("1,2\n3,4\n", False),
        ("2019,2020\n1,2\n", False),
        (",x\n0,1.5\n1,2.5\n", True),
    ],
)
def test_header_is_detected(tmp_path: Path, text: str, header: bool) -> None:
    source = read(tmp_path, text)
    assert ("column_2" not in source.columns) == header
    assert notes(source)["header"].override == ("--no-header" if header else "--header")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "name,city\nJosé,São Paulo\nZoë,Köln\nMüller,Zürich\n"
    source = read(tmp_path, text.encode(encoding))
    assert cells(source, "city") == ["São Paulo", "Köln", "Zürich"]
    assert notes(source)["encoding"].override == "--encoding"


def test_encoding_that_changes_late_is_found(tmp_path: Path) -> None:
    text = "name,city\n" + "bob,rome\n" * 150_000 + "Zoë,Köln\nMüller,Zürich\n"
    source = read(tmp_path, text.encode("latin-1"))
    assert cells(source, "city")[-2:] == ["Köln", "Zürich"]
    assert "guessed: byte" in notes(source)["encoding"].text


def test_gzip_byte_order_mark_and_mixed_line_ends(tmp_path: Path) -> None:
    packed = gzip.compress(b'\xef\xbb\xbfa,b\r\n1,x\n2,"y\r\nz"\r3,w')
    source = read(tmp_path, packed, name="t.csv.gz")
    assert cells(source, "a") == [1, 2, 3]
    assert cells(source, "b") == ["x", "y\nz", "w"]


def test_one_stray_cell_makes_a_column_text(tmp_path: Path) -> None:
    source = read(tmp_path, "a,b\n1,1.50\n2,2\noops,3\n")
    assert dtype(source, "a") == pl.String
    assert cells(source, "a") == ["1", "2", "oops"]
    assert dtype(source, "b") == pl.Float64


def test_stray_cell_in_a_late_block_keeps_the_early_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    lines = [f"{row}.50,{row},{row},x" for row in range(1000)]
    lines[900] = "9x,1.5,12,x"
    source = read(tmp_path, "a,b,c,d\n" + "\n".join(lines) + "\n")
    assert cells(source, "a")[:2] == ["0.50", "1.50"]  # not "0.5": the file was read again, nothing was converted back
    assert cells(source, "a")[900] == "9x"
    assert dtype(source, "b") == pl.Float64
    assert dtype(source, "c") == pl.Int64
    assert source.num_rows == 1000


@pytest.mark.parametrize("cell", ["0000000010", "02134", "00", "007"])
def test_leading_zeros_are_kept(tmp_path: Path, cell: str) -> None:
    assert cells(read(tmp_path, f"code,v\n{cell},1\n10001,2\n"), "code") == [cell, "10001"]


def test_zero_and_fractions_are_numbers(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "v,w\n0,1\n0.5,2\n-0.25,3\n1e3,4\n"), "v") == [0.0, 0.5, -0.25, 1000.0]


def test_long_digits_are_kept(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "v,w\n12345678901234567890,1\n1,2\n"), "v")[0] == "12345678901234567890"


def test_blanks_are_removed_and_said(tmp_path: Path) -> None:
    source = read(tmp_path, "age, job\n39, State-gov\n 50, Private \n")
    assert cells(source, "age") == [39, 50]
    assert cells(source, "job") == ["State-gov", "Private"]
    assert notes(source)["blanks"].text == "Blanks around the cells of 'age', 'job' were removed."


def test_missing_words_are_missing_and_said(tmp_path: Path) -> None:
    source = read(tmp_path, "a,b,c\n1,?,NA\n2,x,null\n,y,3\nNaN,-,none left\n", ReadOptions(missing=("none left",)))
    assert cells(source, "a") == [1, 2, None, None]
    assert cells(source, "b") == [None, "x", "y", None]
    assert cells(source, "c") == [None, None, 3, None]
    assert "'?' (1)" in notes(source)["missing"].text


def test_numbers_can_be_missing_words(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "a,b\n1,2\n-999,3\n", ReadOptions(missing=("-999",))), "a") == [1, None]


def test_column_without_values_is_text(tmp_path: Path) -> None:
    assert dtype(read(tmp_path, "a,b\n,1\n,2\n"), "a") == pl.String


def test_decimal_commas(tmp_path: Path) -> None:
    source = read(tmp_path, "a;b\n1,5;x\n2,25;y\n3;z\n")
    assert cells(source, "a") == [1.5, 2.25, 3.0]
    assert "decimal comma" in notes(source)["format"].text


def test_repeated_and_empty_names(tmp_path: Path) -> None:
    source = read(tmp_path, "a,a,,b,a_2\n1,2,3,x,4\n2,3,4,y,5\n")
    assert list(source.columns) == ["a", "a_3", "column_3", "b", "a_2"]
    assert "'a_3' (a second 'a')" in notes(source)["columns"].text


def test_lone_quotes_beside_real_ones(tmp_path: Path) -> None:
    assert cells(read(tmp_path, 'a,b\n1,5" pipe\n2,"x, y"\n3,z\n'), "b") == ['5" pipe', "x, y", "z"]


def test_quote_that_never_closes_is_text(tmp_path: Path) -> None:
    assert cells(read(tmp_path, 'a,b\n1,"x\n2,y\n3,z\n'), "b") == ['"x', "y", "z"]


def test_quotes_behind_blanks(tmp_path: Path) -> None:
    assert cells(read(tmp_path, 'a, b\n1, "x, y"\n2, "z"\n'), "b") == ["x, y", "z"]


def test_row_names_as_r_writes_them(tmp_path: Path) -> None:
    source = read(tmp_path, "a,b\nr1,1,2\nr2,3,4\n")
    assert list(source.columns) == ["row", "a", "b"]


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "\n\na,b\n1,x\n\n2,y\n\n\n"), "a") == [1, 2]


def test_blocks_end_at_rows_not_inside_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    rows = [[str(number), f"text, {number}\nsecond line"] for number in range(60)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([["a", "b"], *rows])
    source = read(tmp_path, out.getvalue())
    assert cells(source, "b") == [row[1] for row in rows]


def test_ragged_row_in_a_late_block_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 256)
    lines = ["a,b"] + [f"{n},x" for n in range(500)]
    lines[400] = "1"
    with pytest.raises(DataError, match="line 401: found 1 cell where"):
        read(tmp_path, "\n".join(lines))


def test_column_of_image_paths(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    for name in ("a.png", "b.jpg"):
        (tmp_path / "pics" / name).touch()
    source = read(tmp_path, "file,label\npics/a.png,x\npics/b.jpg,y\n,y\n")
    column = source.columns["file"]
    assert isinstance(column, FileColumn)
    assert list(column.paths) == ["pics/a.png", "pics/b.jpg", ""]
    assert column.root == tmp_path


def test_image_names_without_images_stay_text(tmp_path: Path) -> None:
    source = read(tmp_path, "file,label\na.png,x\nb.png,y\n")
    assert dtype(source, "file") == pl.String
    assert "none of them" in notes(source)["images"].text


def test_text_of_any_name_is_recognised_when_it_is_a_table(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "1 2 3\n4 5 6\n", name="numbers.txt"), "column_3") == [3, 6]
    with pytest.raises(DataError, match="in no format"):
        read(tmp_path, "# title\n\nhello, world\n", name="README.md")


SAFE = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\x85\u2028\u2029"), max_size=8
)


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(SAFE, SAFE, st.integers(-9999, 9999)), min_size=1, max_size=12))
def test_whatever_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, int]]
) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_NONNUMERIC).writerows([("one", "two", "three"), *rows])
    path = tmp_path_factory.mktemp("rows") / "t.csv"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    source = open_source(path, options=ReadOptions(separator=",", header=True, quote='"', encoding="utf-8"))
    assert cells(source, "three") == [row[2] for row in rows]
    for position, name in ((0, "one"), (1, "two")):
        if name in source.formats:  # 0K: read as a quantity, and said
            assert any(f"'{name}': {source.formats[name].words}" in note.text for note in source.notes)
            continue
        for found, written in zip(cells(source, name), [row[position].strip() for row in rows], strict=True):
            assert found is None or str(found) == written or float(str(found)) == float(written)


@settings(max_examples=100)
@given(text=st.text(st.sampled_from("a1,;\t \"'\n|x0."), min_size=1, max_size=200))
def test_detection_never_fails_on_odd_text(text: str) -> None:
    dialect = detect_dialect(text, "utf-8", ReadOptions())
    assert len(dialect.separator) == 1


@settings(max_examples=100)
@given(data=st.binary(min_size=1, max_size=200))
def test_odd_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("odd") / "t.csv"
    path.write_bytes(data)
    try:
        source = open_source(path)
    except DataError:
        return
    assert source.num_rows > 0


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("tables/telco_churn.csv", 7043, {"TotalCharges": pl.Float64, "SeniorCitizen": pl.Int64, "Churn": pl.String}),
        ("tables/california_housing.csv", 20640, {"total_bedrooms": pl.Float64, "ocean_proximity": pl.String}),
        ("tables/titanic.csv", 891, {"Name": pl.String, "Age": pl.Float64, "Survived": pl.Int64}),
        ("sms_spam/sms.tsv", 5574, {"column_1": pl.String, "column_2": pl.String}),
    ],
)
def test_real_tables(shared_data: Path, name: str, rows: int, columns: dict[str, pl.DataType]) -> None:
    source = open_source(shared_data / name)
    assert source.num_rows == rows
    assert {key: dtype(source, key) for key in columns} == columns


@pytest.mark.parametrize(
    ("text", "encoding", "first"),
    [
        ("sum|word\n3.93 £|north\n0.40 £|south\n8.05 £|plain\n", "cp1252", ["sum", "word"]),
        ("名前|都市\nポール|東京\n山田|大阪\nポチ|札幌\n", "shift_jis", ["名前", "都市"]),
    ],
)
def test_bars_between_cells_are_no_halves_of_letters(
    tmp_path: Path, text: str, encoding: str, first: list[str]
) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    assert list(open_source(tmp_path / "t.csv").columns) == first
