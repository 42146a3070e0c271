"""A model that answers for a whole table or text, and not row by row: a request is one question, and its answer a table."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import polars as pl

from netpick.serve.forms import frame_of_rows
from netpick.serve.ports.base import Port
from netpick.serve.served import ServedModel


class ServedTable(ServedModel):
    """See ServedModel."""

    alone: ClassVar[bool] = True
    warns: ClassVar[bool] = False
    refused_form: ClassVar[str]  # why a form without a table cannot be answered

    @property
    def ports(self) -> tuple[Port, ...]:
        return ()

    def asked(self, body: bytes) -> object:
        return frame_of_rows(self, body)

    @abstractmethod
    def answered(self, data: object) -> pl.DataFrame:
        """The answer to a table, a row an example. Raises DataError."""
