"""PORTS: how a client gives each kind of column. To add one: a class of base.py, and a line here.

Kinds of a table's cells need none: where there is no port of its own, a column is given as a file would hold it, as texts.
"""

from __future__ import annotations

from netpick.columns.encode import Encoder
from netpick.columns.kinds import KINDS
from netpick.serve.options import Limits
from netpick.serve.ports.base import Port
from netpick.serve.ports.media import AudioPort, ClipPort, ImagePort
from netpick.serve.ports.series import SeriesPort
from netpick.serve.ports.table import (
    BooleanPort,
    CategoryPort,
    CellPort,
    DatetimePort,
    NumberPort,
    SentencePort,
    TextPort,
)
from netpick.types import TableColumn

PORTS: dict[str, type[Port]] = {
    "number": NumberPort,
    "category": CategoryPort,
    "boolean": BooleanPort,
    "datetime": DatetimePort,
    "text": TextPort,
    "sentence": SentencePort,
    "series": SeriesPort,
    "image": ImagePort,
    "audio": AudioPort,
    "clip": ClipPort,
}


def port_of(encoder: Encoder, limits: Limits) -> Port:
    """The port of a column."""
    if encoder.kind not in PORTS and KINDS[encoder.kind].cells is TableColumn:
        return CellPort(encoder, limits)
    return PORTS[encoder.kind](encoder, limits)
