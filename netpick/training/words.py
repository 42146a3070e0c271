"""Words in a recipe that are names in tables of this room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netpick.errors import RequestError, near_matches
from netpick.training.augment.base import STREAMS
from netpick.training.optimizers import OPTIMIZERS

TABLES: Mapping[str, Iterable[str]] = {"optimizer": OPTIMIZERS, "augment": STREAMS}  # by the recipe's setting


def require_known(settings: Mapping[str, Any], where: str) -> None:
    """Raises RequestError, with near matches, for a word that is in no table. where: what the settings stand in."""
    for setting, table in TABLES.items():
        given = settings.get(setting, ())
        for word in (given,) if isinstance(given, str) else given:
            if word not in table:
                raise RequestError(
                    f"Setting '{setting}' cannot be '{word[:60]}' (in {where}).{near_matches(word, table)}"
                )
