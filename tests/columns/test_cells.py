"""Cells as text: what is kept of texts that are long together."""

from __future__ import annotations

import polars as pl

from netpick.columns.kinds.cells import LEAST_OF_EACH, ends_of


def test_of_long_texts_the_two_ends_are_kept() -> None:
    long = "a" * 5_000 + "b" * 5_000
    kept = ends_of(pl.Series(["short", None, long]), 3_000)
    assert kept.to_list()[:2] == ["short", None]
    assert kept[2] == "a" * (LEAST_OF_EACH // 2) + " " + "b" * (LEAST_OF_EACH // 2)


def test_texts_that_are_few_enough_stay_as_they_are() -> None:
    texts = pl.Series(["x" * 900, "y" * 2_000])
    assert ends_of(texts, 10_000) is texts
