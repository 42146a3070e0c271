"""Workbooks of several sheets: which one is read, how another is picked, sheets that are parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from workbooks import write_workbook

from netpick.data.sources import ReadOptions, open_source
from netpick.errors import RequestError
from netpick.types import TableColumn

TABLE = [("size", "label"), *((i * 1.5, "ab"[i % 2]) for i in range(30))]
ABOUT = [("This workbook",), ("holds data",), ("of sizes",)]


def sizes(path: Path, **options: str) -> list[object]:
    column = open_source(path, options=ReadOptions(**options)).columns["size"]  # type: ignore[arg-type]
    assert isinstance(column, TableColumn)
    return column.values.to_list()


def test_a_sheet_that_explains_is_not_the_table(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "t.xlsx", {"Readme": ABOUT, "Data": TABLE, "Codes": TABLE[:3]})
    source = open_source(path)
    assert source.num_rows == 30
    (note,) = (note for note in source.notes if note.subject == "sheet")
    assert (note.text, note.override) == ("The sheet 'Data' is read. Not read: 'Readme', 'Codes'.", "--sheet")


def test_another_sheet_is_picked(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "t.xlsx", {"2021": TABLE, "2022": TABLE[:11]})
    assert (len(sizes(path)), len(sizes(path, sheet="2022"))) == (30, 10)
    with pytest.raises(RequestError, match=r"t.xlsx has no sheet '2023'. Did you mean"):
        open_source(path, options=ReadOptions(sheet="2023"))


def test_sheets_called_train_and_test_are_parts(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "t.xlsx", {"test": TABLE[:6], "train": TABLE})
    source = open_source(path)
    assert source.given_split is not None
    assert np.bincount(source.given_split).tolist() == [30, 0, 5]
    assert any("given by the names of the sheets: train 'train', test 'test'." in note.text for note in source.notes)
    assert len(sizes(path, sheet="train")) == 30
