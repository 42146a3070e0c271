"""Excel workbooks: the first sheet that holds a table (or the one asked for), read as the CSV that a spreadsheet would save."""

from __future__ import annotations

import csv
import logging
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from netpick.data.sources import fingerprint
from netpick.data.sources.base import Reader, ReadOptions
from netpick.data.sources.delimited import DelimitedReader
from netpick.data.sources.image_zip import HIGHEST_RATIO, RATIO_COUNTS_FROM
from netpick.data.sources.join import join_parts
from netpick.data.sources.parquet_arrow import first_bytes
from netpick.data.sources.paths import PART_NAMES, PART_WORDS, readable, short_name
from netpick.errors import DataError, RequestError, near_matches
from netpick.types import TRAIN, Note, Source

SUFFIXES = (".xlsx", ".xlsm", ".xlsb")
MOST_CELLS = 100_000_000
SMALL_SHARE = 0.1  # of the rows of the largest sheet; smaller ones explain it


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
        book = _Book(path)
        parts = book.parts() if options.find_test and options.sheet is None else {}
        if len(parts) < 2:
            sheet = book.chosen(options.sheet)
            others = [name for name in book.sizes if name != sheet]
            source = self._of_sheet(book, sheet, options)
            return replace(source, notes=[_sheet_note(sheet, others, options), *source.notes])
        joined = join_parts({part: self._of_sheet(book, sheet, options) for part, sheet in parts.items()})
        told = ", ".join(f"{PART_NAMES[part]} {readable(sheet)!r}" for part, sheet in parts.items())
        note = Note(
            subject="split", text=f"The split is given by the names of the sheets: {told}.", override="--sheet NAME"
        )
        return replace(joined, notes=[*joined.notes, note])

    def _of_sheet(self, book: _Book, sheet: str, options: ReadOptions) -> Source:
        with tempfile.TemporaryDirectory(prefix="netpick-sheet-") as folder:
            table = Path(folder, "sheet.csv")
            with table.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(book.rows(sheet))
            asked = replace(options, separator=",", quote='"', encoding="utf-8")
            try:
                source = DelimitedReader().read(table, asked)
            except DataError as error:
                raise DataError(str(error).replace(str(table), f"{book.path}, sheet {sheet!r}")) from None
        about_text = ("encoding", "separator", "quote")
        whole = fingerprint.of_file(book.path)
        return replace(
            source,
            origin=str(book.path),
            layout=self.name,
            name=short_name(book.path),
            fingerprint=whole if options.sheet is None else fingerprint.combined([whole, sheet]),
            notes=[note for note in source.notes if note.subject not in about_text],
        )


def _sheet_note(sheet: str, others: Sequence[str], options: ReadOptions) -> Note:
    text = f"The sheet {readable(sheet)!r} is read{', as given' if options.sheet is not None else ''}."
    if others:
        text += (
            f" Not read: {', '.join(repr(readable(name)) for name in others[:4])}{', ...' if len(others) > 4 else ''}."
        )
    return Note(subject="sheet", text=text, override="--sheet" if others else None)


class _Book:
    """A workbook's sheets and their sizes (rows, columns)."""

    def __init__(self, path: Path) -> None:
        import fastexcel

        self.path = path
        logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of every column of several types
        try:
            self._book = fastexcel.read_excel(path)
            self.sizes = {name: self._size(name) for name in self._book.sheet_names}
        except fastexcel.FastExcelError as error:
            raise _damaged(path, error) from None

    def chosen(self, asked: str | None) -> str:
        """The sheet that the user names; else the first that is no mere remark beside the largest."""
        if asked is not None:
            if asked not in self.sizes:
                raise RequestError(f"{self.path} has no sheet '{asked}'.{near_matches(asked, self.sizes)}")
            return asked
        most = max((rows for rows, _ in self.sizes.values()), default=0)
        for name, (rows, columns) in self.sizes.items():
            if rows > 1 and rows >= SMALL_SHARE * most and (columns > 1 or len(self.sizes) == 1):
                return name
        for name, (rows, columns) in self.sizes.items():
            if rows > 1 and columns > 0:
                return name
        raise DataError(
            f"{self.path} has no sheet with two rows or more, but a header and rows were expected. Check the workbook."
        )

    def parts(self) -> dict[int, str]:
        """The sheets for training, validation and testing, where all of one header are called so; {} else."""
        named = {PART_WORDS[word]: name for name in self.sizes if (word := name.strip().lower()) in PART_WORDS}
        if TRAIN not in named or len(named) < 2:
            return {}
        headers = [self.rows(name, most=1) for name in named.values()]
        return dict(sorted(named.items())) if all(header == headers[0] for header in headers) else {}

    def rows(self, name: str, most: int | None = None) -> list[list[str]]:
        """The cells of a sheet as text."""
        import fastexcel

        try:
            sheet = self._book.load_sheet(name, header_row=None, dtypes=None, schema_sample_rows=1000, n_rows=most)
        except fastexcel.FastExcelError as error:
            raise _damaged(self.path, error) from None
        return [[_text(cell) for cell in row] for row in sheet.to_polars().iter_rows()]

    def _size(self, name: str) -> tuple[int, int]:
        sheet = self._book.load_sheet(name, header_row=None, n_rows=None, schema_sample_rows=1)
        if sheet.height * max(1, sheet.width) > MOST_CELLS:
            raise DataError(f"{self.path}: sheet {name!r} has more than {MOST_CELLS:,} cells. Save it as CSV.")
        return sheet.height, sheet.width


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
