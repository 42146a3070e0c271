"""Codes are told from texts: nothing is learned from the letters of a hash, a UUID or a token."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable

import polars as pl
import pytest

import netpick
from netpick.columns.kinds.codes import are_codes
from netpick.errors import DataError

RANDOM = random.Random(5)


def written(count: int, letters: str) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(count))


CODES: dict[str, Callable[[], str]] = {
    "uuid": lambda: str(uuid.UUID(int=RANDOM.getrandbits(128))),
    "uuid in braces": lambda: "{" + str(uuid.UUID(int=RANDOM.getrandbits(128))).upper() + "}",
    "md5": lambda: written(32, "0123456789abcdef"),
    "sha256": lambda: "sha256:" + written(64, "0123456789abcdef"),
    "network card": lambda: ":".join(written(2, "0123456789ab") for _ in range(6)),
    "token": lambda: written(22, string.ascii_letters + string.digits),
    "vehicle": lambda: written(17, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"),
    "serial": lambda: f"AB{written(3, string.digits)}-{written(2, 'XYZ')}-{written(4, string.digits)}z",
}
TEXTS: dict[str, Callable[[], str]] = {
    "sentence": lambda: " ".join(RANDOM.choice(["rain", "fell", "on", "the", "town", "7", "times"]) for _ in range(8)),
    "DNA": lambda: written(24, "ACGT"),
    "address of a page": lambda: (
        f"http://{written(RANDOM.randrange(3, 9), 'abc')}.com/{written(RANDOM.randrange(3, 9), 'abc')}?id=7"
    ),
    "formula": lambda: "".join(
        RANDOM.choice(["C1", "CC", "O", "N2", "(=O)", "c1"]) for _ in range(RANDOM.randrange(5, 15))
    ),
    "name": lambda: f"{written(RANDOM.randrange(3, 9), 'abcde')} {written(5, 'abc')}",
}


@pytest.mark.parametrize("name", CODES)
def test_codes(name: str) -> None:
    assert are_codes(pl.Series([CODES[name]() for _ in range(200)]))


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_none(name: str) -> None:
    assert not are_codes(pl.Series([TEXTS[name]() for _ in range(200)]))
    assert not are_codes(pl.Series([None, None], dtype=pl.String))


def test_nothing_is_learned_from_codes_even_where_nothing_else_is_left() -> None:
    table = pl.DataFrame({"code": [CODES["md5"]() for _ in range(60)], "label": ["a", "b"] * 30})
    with pytest.raises(DataError, match="'code': identifier: codes, from whose letters nothing is learned"):
        netpick.look(table, target="label")
    field = next(
        f
        for f in netpick.look(table.with_columns(x=pl.Series(range(60)) % 7), "label").schema.fields
        if f.name == "code"
    )
    assert field.role == "left_out"
