"""What a model is asked about new data: one class for each way in which examples are made of them, and one line here."""

from __future__ import annotations

from netpick.saved.asked.base import Asked
from netpick.saved.asked.rows import AskedRows
from netpick.saved.asked.series import AskedSeries
from netpick.saved.parts import ModelParts
from netpick.types import Examples, Source

ASKED: dict[Examples, type[Asked]] = {"rows": AskedRows, "windows": AskedSeries}


def asked_of(parts: ModelParts, source: Source) -> Asked:
    """The examples that a model finds in a source."""
    return ASKED[parts.task.examples](parts, source)


__all__ = ["ASKED", "Asked", "asked_of"]
