"""PORTS: how a client gives each kind of column. To add one: a class of base.py, and a line here."""

from __future__ import annotations

from netpick.serve.ports.base import Port
from netpick.serve.ports.media import AudioPort, ClipPort, ImagePort
from netpick.serve.ports.series import SeriesPort
from netpick.serve.ports.table import BooleanPort, CategoryPort, DatetimePort, NumberPort, TextPort

_ALL: tuple[type[Port], ...] = (
    NumberPort, CategoryPort, BooleanPort, DatetimePort, TextPort, SeriesPort, ImagePort, AudioPort, ClipPort,
)  # fmt: skip
PORTS: dict[str, type[Port]] = {port.kind: port for port in _ALL}
