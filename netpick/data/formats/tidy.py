"""Texts without what does not show: blanks of all widths around them, marks of spreadsheets, signs that look alike."""

from __future__ import annotations

import polars as pl

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # no soft hyphen: behind a digit it may be the sign of a number
WIDE_BLANKS = ("\u00a0", "\u202f", "\u2009", "\u2007", "\u2002", "\u3000")
MINUS_SIGNS = ("\u2212", "\u2013", "\ufe63", "\uff0d")
APOSTROPHES = ("\u2019", "\u02bc")
AROUND = " \t\n\r\x0b\x0c\x85" + "".join(WIDE_BLANKS) + INVISIBLE
LOOKALIKES = {
    **dict.fromkeys(WIDE_BLANKS, " "),
    **dict.fromkeys(MINUS_SIGNS, "-"),
    **dict.fromkeys(APOSTROPHES, "'"),
}
DIGITS = {  # of full width, Arabic, Persian and Devanagari
    chr(first + digit): str(digit) for first in (0xFF10, 0x0660, 0x06F0, 0x0966) for digit in range(10)
}
LOOKALIKES |= DIGITS | {"\uff0c": ",", "\uff0e": ".", "\uff0b": "+", "\u066b": ".", "\u066c": ","}
FORMULA = ('="', '"')  # ="0034", as spreadsheets keep digits


def tidy(texts: pl.Series) -> pl.Series:
    """Cells as ways look at them; empty ones null."""
    if texts.str.len_bytes().sum() == texts.str.len_chars().sum():  # ASCII has no look-alikes
        texts = texts.str.strip_chars()
    else:
        texts = texts.str.strip_chars(AROUND)
        if texts.str.contains_any(list(LOOKALIKES)).any():
            texts = texts.str.replace_many(LOOKALIKES)
    quoted = texts.str.starts_with(FORMULA[0]) & texts.str.ends_with(FORMULA[1])
    if quoted.any():
        texts = texts.zip_with(~quoted.fill_null(False), texts.str.slice(2).str.strip_suffix('"').str.strip_chars())
    marked = texts.str.starts_with("'")
    if marked.any():  # '34.78: a spreadsheet's mark of text
        texts = texts.zip_with(~marked.fill_null(False), texts.str.slice(1))
    return texts.set(texts == "", None) if (texts == "").any() else texts


def tidied(text: str) -> str:
    """The same for one text."""
    return str(tidy(pl.Series([text], dtype=pl.String))[0] or "")
