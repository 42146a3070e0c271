"""Ranking: a regression under another name, with an answer of its own."""

from __future__ import annotations

from typing import ClassVar

from netpick.answers.order import ORDER
from netpick.tasks.regress import Regress


class Rank(Regress):
    """Numbers that say an order."""

    name: ClassVar[str] = "rank"
    asked = True
    answer = ORDER
