"""Text cells to typed columns, over the whole file: a column is numbers when every cell is one, else it stays text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import polars as pl

from netpick.data.formats.missing import AMONG_NUMBERS
from netpick.data.formats.tidy import AROUND

GROUPED_FROM = 500  # cells that show whether points could stand between thousands
SHORT = 100  # cells: expressions of polars cost more than such a column, of which a file may have thousands
CODE, MANY_DIGITS = re.compile(r"^0[0-9]"), re.compile(r"[+-]?[0-9]{17,}")
TRIED = 100  # cells that are no numbers, before all of them are looked at


class ColumnBuilder:
    """Collects one column, block by block.

    It guesses integers, then floats, then text. A block that refutes numbers after numbers were kept makes `reread` true:
    the text of the earlier blocks is gone, so the caller reads the file again for this column with `as_text`.
    """

    def __init__(self, *, missing: Sequence[str] = (), not_missing: Sequence[str] = (), as_text: bool = False) -> None:
        self._missing = [word for word in (*AMONG_NUMBERS, *missing) if word not in not_missing]
        self._own_missing = list(missing)
        self._integers = not as_text
        self._numbers = not as_text
        self._floats = False  # a block of numbers with decimals was kept
        self._parts: list[pl.Series] = []
        self.reread = False
        self.blanks_removed = 0  # cells that had blanks around them
        self.filled = 0  # cells that were looked at for blanks, empty ones left out
        self.tokens: Counter[str] = Counter()  # texts that were read as missing, the empty one left out

    def add(self, cells: pl.Series) -> None:
        """Takes the next block's cells, as text."""
        if self.reread:
            return
        if self._own_missing:
            cells = self._strip(cells)
            cells = self._null_out(cells, self._own_missing)
        if self._numbers:
            values = self._as_numbers(cells)
            if values is not None:
                self._parts.append(values)
                return
            self._numbers = False
            if self._holds_numbers:
                self.reread = True
                self._parts = []
                return
            self._parts = [part.cast(pl.String) for part in self._parts]
        # Other words that may mean a missing value are left for formats to judge, which sees the whole column.
        cells = self._strip(cells)
        empty = cells == ""
        self._parts.append(cells.set(empty, None) if empty.any() else cells)

    @property
    def _holds_numbers(self) -> bool:
        return any(part.null_count() < len(part) for part in self._parts)

    def finish(self) -> pl.Series:
        """The column, in as many chunks as there were blocks: making it one would need the memory twice."""
        parts, self._parts = self._parts, []
        if any(part.dtype == pl.Float64 for part in parts):
            parts = [part.cast(pl.Float64) for part in parts]
        if all(part.null_count() == len(part) for part in parts):
            parts = [part.cast(pl.String) for part in parts]
        return pl.concat(parts, rechunk=False)

    def _as_numbers(self, cells: pl.Series) -> pl.Series | None:
        if self._integers:
            values = self._cast(cells, pl.Int64())
            if values is not None:
                return values
            self._integers = False
        if not self._floats and _may_be_grouped(cells):
            return None
        values = self._cast(cells, pl.Float64())
        self._floats = values is not None
        return values

    def _cast(self, cells: pl.Series, dtype: pl.DataType) -> pl.Series | None:
        """Numbers, or None when some cell is neither a number nor missing, or its digits would not survive."""
        if self._refuted(cells.head(TRIED), dtype):  # texts are seen to be none by their first cells
            return None
        values = cells.cast(dtype, strict=False)
        if values.null_count() > cells.null_count():
            if self._refuted(cells, dtype, values):
                return None
            cells = self._strip(cells)
            values = cells.cast(dtype, strict=False)
            odd = cells.filter(values.is_null() & cells.is_not_null())
            if len(odd):
                is_missing = odd.is_in(self._missing)
                words_alone = values.null_count() == len(values) and (odd != "").any() and not self._holds_numbers
                if not is_missing.all() or words_alone:
                    return None
                self._count(odd)
        if dtype == pl.Float64 and values.is_nan().any():
            values = values.fill_nan(None)
        return None if _digits_matter(cells, values) else values

    def _refuted(self, cells: pl.Series, dtype: pl.DataType, values: pl.Series | None = None) -> bool:
        """Whether some of the first odd cells is neither a number nor missing: then no other has to be looked at."""
        values = cells.cast(dtype, strict=False) if values is None else values
        if values.null_count() == cells.null_count():
            return False
        odd = cells.filter(values.is_null() & cells.is_not_null()).head(TRIED)
        stripped = odd.str.strip_chars(AROUND)
        return not stripped.filter(stripped.cast(dtype, strict=False).is_null()).is_in(self._missing).all()

    def _strip(self, cells: pl.Series) -> pl.Series:
        stripped = cells.str.strip_chars()
        if (
            stripped.str.len_bytes().sum() != stripped.str.len_chars().sum()
        ):  # letters beyond ASCII, and blanks of no width
            stripped = stripped.str.strip_chars(AROUND)
        lengths = stripped.str.len_bytes()
        self.blanks_removed += int((cells.str.len_bytes() != lengths).sum())
        self.filled += int((lengths > 0).sum())
        return stripped

    def _null_out(self, cells: pl.Series, tokens: Sequence[str]) -> pl.Series:
        is_missing = cells.is_in(list(tokens))
        if not is_missing.any():
            return cells
        self._count(cells.filter(is_missing))
        return cells.zip_with(~is_missing.fill_null(False), pl.Series([None], dtype=pl.String))

    def _count(self, missing_cells: pl.Series) -> None:
        counts = missing_cells.filter(missing_cells != "").alias("token").value_counts()
        self.tokens.update(dict(counts.iter_rows()))


def _may_be_grouped(cells: pl.Series) -> bool:
    """Whether every cell of some is whole or has three digits behind a point: 788 and 1.126 may be thousands."""
    filled = cells.drop_nulls().head(GROUPED_FROM).str.strip_chars()
    filled = filled.filter(~filled.is_in(list(AMONG_NUMBERS)))
    pointed = filled.str.contains(".", literal=True)
    return bool(pointed.any()) and bool(filled.str.contains(r"^[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})*|0)$").all())


def _digits_matter(cells: pl.Series, values: pl.Series) -> bool:
    """Whether digits would be lost as numbers: codes such as 0000000010 or 02134, and numbers of 17 digits and more."""
    floats = values.dtype == pl.Float64
    if len(cells) <= SHORT:
        texts = [text for text in cells.to_list() if text is not None]
        many = [text for text in texts if MANY_DIGITS.fullmatch(text)] if floats else []
        return any(CODE.match(text) for text in texts) or any(abs(float(text)) >= 2.0**53 for text in many)
    zeros = cells.filter(cells.str.starts_with("0"))
    if len(zeros) and zeros.str.contains(CODE.pattern).any():
        return True
    if not floats:
        return False
    large = cells.filter(values.abs() >= 2.0**53)
    return len(large) > 0 and large.str.contains(f"^{MANY_DIGITS.pattern}$").any()
