"""Which texts mean that a value is missing: some in every column, some among numbers alone, and some that may be names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "-")
AMONG_NUMBERS = (
    *MISSING,
    *(
        "#N/A",
        "#N/A N/A",
        "#NA",
        "#NV",
        "#DIV/0!",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#WERT!",
        "#BEZUG!",
        "#ZAHL!",
    ),
    *(
        "n.a.",
        "N.A.",
        "n. a.",
        "na",
        "n/d",
        "N/D",
        "n.d.",
        "nd",
        "k.A.",
        "k. A.",
        "s/d",
        "<NA>",
        "(null)",
        "\\N",
        "NIL",
        "Nan",
        "NAN",
    ),
    *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000", "00-00-0000"),  # dates of databases
    *("--", "---", "- -", "\u2013", "\u2014", "\u2212", ".", "..", "...", "\u2026", "??", "???"),
    *(
        "missing",
        "Missing",
        "MISSING",
        "unknown",
        "Unknown",
        "UNKNOWN",
        "not available",
        "Not Available",
        "tbd",
        "TBD",
        "tba",
        "TBA",
    ),
)
SIGNS = {"+", "\u2212", "\u00b1", "+/-", "0", "++", "--"}  # beside which - is a sign, and not a cell left empty
NAMES = ("NA", "None", "NULL", "null")  # North America, Namibia; a kind of therapy; a family name
MOST_WORDS = 3  # of a name
MOST_VALUES = 0.5  # of the cells; columns of more different values name rows
SPOKEN = {"true", "false", "t", "f", "yes", "no", "y", "n", "0", "1", "on", "off"}


def may_be_names(cells: pl.Series) -> list[str]:
    """Which of NAMES stand in a column of names, where they could be one of them. cells: text, nulls allowed."""
    if cells.is_in(["-"]).any():
        beside = set(cells.drop_nulls().unique().to_list()[:20]) - set(MISSING)
        if "+" in beside and beside <= SIGNS:
            return ["-"]
    if not cells.is_in(list(NAMES)).any():
        return []
    counts = cells.drop_nulls().alias("value").value_counts()
    values = counts["value"]
    others = values.filter(~values.is_in(list(MISSING)))
    filled = int(counts["count"].sum())
    if len(others) == 0 or len(others) > MOST_VALUES * filled:
        return []
    if set(others.str.to_lowercase().to_list()[:20]) <= SPOKEN:
        return []
    if float(others.str.count_matches(r"\s+").median() or 0) >= MOST_WORDS:  # type: ignore[arg-type]
        return []
    return [name for name in NAMES if (values == name).any()]


def null_words(cells: pl.Series, words: Sequence[str]) -> tuple[pl.Series, Mapping[str, int]]:
    """The cells without these words, and how often each of them stood there."""
    missing = cells.is_in(list(words))
    if not missing.any():
        return cells, {}
    gone = cells.filter(missing)
    counts = gone.filter(gone != "").alias("word").value_counts()
    return cells.zip_with(~missing.fill_null(False), pl.Series([None], dtype=pl.String)), dict(counts.iter_rows())
