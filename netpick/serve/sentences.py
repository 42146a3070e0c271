"""A model of tags as the server holds it: a text goes in, its tokens come out, each with its tag."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from netpick.serve.rows import RowSet
from netpick.serve.served import MOST_WARNINGS, NOTHING, ServedModel
from netpick.types import Source

TOKENS = "tokens"
TOKENS_SCHEMA = {TOKENS: {"type": "array", "items": {"type": "string"}}}


class ServedSentences(ServedModel):
    """See ServedModel. Each request is answered by itself: long texts are read in pieces."""

    alone: ClassVar[bool] = True

    @property
    def given_as(self) -> str:
        return "text"

    def tagged(self, source: Source) -> pl.DataFrame:
        """A row a token. Raises DataError."""
        return self.model.predict(source)

    def body_of_rows(self, rows: RowSet) -> bytes:
        """The JSON body of the answers for some texts."""
        table = self.tagged(self.source(rows))
        return self.body_of(
            [{**row, "warnings": self._said(rows, n)} for n, row in enumerate(by_sentence(table, rows.count))]
        )

    def _said(self, rows: RowSet, row: int) -> Any:
        return rows.remarks.get(row, NOTHING)[:MOST_WARNINGS]


def by_sentence(table: pl.DataFrame, count: int) -> list[dict[str, Any]]:
    """The tokens of each of so many texts, with their tags and how likely these are."""
    made: list[dict[str, Any]] = [{TOKENS: [], "prediction": [], "probability": []} for _ in range(count)]
    names = ("token", "prediction", "probability")
    for sentence, *values in table.select("sentence", *names).iter_rows():
        for key, value in zip((TOKENS, *names[1:]), values, strict=True):
            made[sentence - 1][key].append(value)
    return made
