"""Excel workbooks: the first sheet that holds rows, read as the CSV that a spreadsheet would save."""

from __future__ import annotations

import csv
import tempfile
import zipfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.delimited import DelimitedReader
from netpick.data.sources.image_zip import HIGHEST_RATIO, RATIO_COUNTS_FROM
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import readable, short_name
from netpick.errors import DataError
from netpick.types import Note, Source

SUFFIXES = (".xlsx", ".xlsm", ".xlsb")
MOST_CELLS = 100_000_000


class WorkbookReader(Reader):
    """.xlsx, by the package fastexcel."""

    name: ClassVar[str] = "workbook"
    description: ClassVar[str] = "Excel (.xlsx)"
    endings = (".xlsx",)
    cells = "text"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.name.lower().endswith(SUFFIXES) and first_bytes(path, 2) == b"PK"

    def read(self, path: Path, options: ReadOptions) -> Source:
        if find_spec("fastexcel") is None:
            raise DataError(
                f"{path} is an Excel workbook, which is read by a package that is not installed. Install it: pip install "
                "'netpick[excel]', or save the sheet as CSV."
            )
        _require_small(path)
        rows, sheet, others = _first_sheet(path)
        with tempfile.TemporaryDirectory(prefix="netpick-sheet-") as folder:
            table = Path(folder, "sheet.csv")
            with table.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
            asked = replace(options, separator=",", quote='"', encoding="utf-8")
            try:
                source = DelimitedReader().read(table, asked)
            except DataError as error:
                raise DataError(str(error).replace(str(table), f"{path}, sheet {sheet!r}")) from None
        said = f"The sheet {readable(sheet)!r} is read."
        if others:
            said += f" Not read: {', '.join(repr(readable(name)) for name in others[:4])}{', ...' if len(others) > 4 else ''}."
        about_text = ("encoding", "separator", "quote")
        notes = [note for note in source.notes if note.subject not in about_text]
        return replace(
            source,
            origin=str(path),
            layout=self.name,
            name=short_name(path),
            fingerprint=fingerprint.of_file(path),
            notes=[Note(subject="sheet", text=said), *notes],
        )


def _require_small(path: Path) -> None:
    """Refuses a workbook that would unpack to very much more than it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            packed = sum(member.compress_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged(path, error) from None
    if unpacked > RATIO_COUNTS_FROM and unpacked > HIGHEST_RATIO * max(1, packed):
        raise DataError(
            f"{path} says it unpacks from {packed:,} to {unpacked:,} bytes, but a workbook packed no more than {HIGHEST_RATIO} times was "
            "expected. Save the sheet as CSV if it is what it should be."
        )


def _first_sheet(path: Path) -> tuple[list[list[str]], str, list[str]]:
    """The cells of the first sheet with at least two rows, as text; its name, and those of the others."""
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        names = list(book.sheet_names)
        for name in names:
            sheet = book.load_sheet(name, header_row=None, dtypes=None, schema_sample_rows=1000)
            if sheet.height * max(1, sheet.width) > MOST_CELLS:
                raise DataError(f"{path}: sheet {name!r} has more than {MOST_CELLS:,} cells. Save it as CSV.")
            if sheet.height > 1 and sheet.width > 0:
                frame = sheet.to_polars()
                rows = [[_text(cell) for cell in row] for row in frame.iter_rows()]
                return rows, name, [other for other in names if other != name]
    except fastexcel.FastExcelError as error:
        raise _damaged(path, error) from None
    raise DataError(
        f"{path} has no sheet with two rows or more, but a header and rows were expected. Check the workbook."
    )


def _text(cell: Any) -> str:
    """A cell as a spreadsheet would save it; whole numbers without a fraction."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell)


def _damaged(path: Path, error: Exception) -> DataError:
    reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
    return DataError(
        f"{path} cannot be read as an Excel workbook ({reason}), and a whole one was expected. Save it again, or as CSV."
    )
