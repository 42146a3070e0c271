"""Numbers that say an order: those of numbers.py under another name."""

from __future__ import annotations

from typing import ClassVar

from netpick.answers.numbers import Numbers


class Order(Numbers):
    """Places in an order."""

    name: ClassVar[str] = "order"


ORDER = Order()
