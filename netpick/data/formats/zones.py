"""Time zones behind points in time: Z, UTC, GMT, +02:00, +0000; and the order of ctime, in which the year comes last."""

from __future__ import annotations

import polars as pl

ZONE = r" ?(?:\(?(?:UTC|GMT|Z)\)?|(?:UTC|GMT)?([+-]\d{2}):?(\d{2}))$"
TIMED = r"\d[:.h]\d{2}"  # a zone stands behind a time
CTIME = r"^(\p{L}{3,9}\.? +\d{1,2}),? +(\d{1,2}:\d{2}(?::\d{2})?)( +(?:[A-Z]{1,4}|[+-]\d{4}))? +(\d{4})$"
READ_BY_KIND = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"  # the kind of dates reads these


def year_before_time(texts: pl.Series) -> pl.Series:
    """Nov 02 10:30:00 +0000 2003 as Nov 02 2003 10:30:00 +0000."""
    return texts.str.replace(CTIME, "$1 $4 $2$3")


def are_zoned(texts: pl.Series) -> bool:
    """Whether every text names a zone. texts: some of a column, no nulls."""
    if not len(texts) or bool(texts.str.contains(READ_BY_KIND).all()):
        return False
    return bool((texts.str.contains(ZONE) & texts.str.contains(TIMED)).all())


def without_zone(texts: pl.Series) -> pl.Series:
    """Texts without their zones; null where there is none."""
    return texts.str.replace(ZONE, "").set(~texts.str.contains(ZONE).fill_null(False), None)


def in_utc(times: pl.Series, texts: pl.Series) -> pl.Series:
    """Times (datetime, microseconds) that were read without the zones of their texts, as UTC."""
    hours = texts.str.extract(ZONE, 1).cast(pl.Int64, strict=False).fill_null(0)
    minutes = texts.str.extract(ZONE, 2).cast(pl.Int64, strict=False).fill_null(0)
    west = texts.str.extract(ZONE, 1).str.starts_with("-").fill_null(False)
    shift = hours * 60 + minutes.zip_with(~west, -minutes)
    return (times.to_physical() - shift * 60_000_000).cast(pl.Datetime("us"))
