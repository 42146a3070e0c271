"""Codes that stand for one thing each: hashes, UUIDs, tokens, serial numbers. Their letters tell nothing of the thing."""

from __future__ import annotations

import polars as pl

LOOKED_AT = 2_000  # cells
HEX = r"(?i)^(?:0x|sha\d+[:-]|md5[:-])?[0-9a-f]{8,128}$"
GROUPS = r"(?i)^(?:urn:uuid:)?\{?[0-9a-f]{2,12}(?:[-:][0-9a-f]{2,12}){3,15}\}?$"  # UUIDs, addresses of network cards
TOKEN = r"^[\p{L}\p{N}_+/=.:~|#-]{10,88}$"
DIGIT, LETTER = r"\p{N}", r"\p{L}"
ALL = 0.98  # share of the cells that are written so
ALIKE = 0.95  # share of the cells that have the commonest length
MIXED = 0.7  # share of the cells that hold digits and letters


def are_codes(cells: pl.Series) -> bool:
    """Whether text cells are codes: hexadecimal, or of one length, without blanks, of digits and letters, nearly all different."""
    filled = cells.drop_nulls()
    sample = filled.gather_every(max(1, len(filled) // LOOKED_AT)).str.strip_chars()
    if not len(sample) or not sample[0]:
        return False
    lengths = sample.str.len_chars().alias("length")
    usual = int(lengths.value_counts(sort=True)["count"][0])
    if usual < ALIKE * len(sample):
        return False
    if _share(sample, DIGIT) < MIXED or _share(sample, LETTER) < MIXED:
        return False
    if _share(sample, HEX) >= ALL or _share(sample, GROUPS) >= ALL:
        return True
    return _share(sample, TOKEN) >= ALL and sample.n_unique() >= ALIKE * len(sample)


def _share(cells: pl.Series, pattern: str) -> float:
    return float(cells.str.contains(pattern).mean() or 0.0)  # type: ignore[arg-type]
