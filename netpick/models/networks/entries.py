"""A table of architectures whose files are imported when they are first asked for.

Who competes is told before anything trains, by `netpick look` as well, so the table itself needs no torch; and a run imports the
networks that it trains, not all that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from netpick.types import Inputs

if TYPE_CHECKING:
    from netpick.models.networks.base import Architecture

Key = tuple[str, str]  # what people call it, and the form that it reads


def always(inputs: Inputs) -> bool:
    return True


def never(inputs: Inputs) -> bool:
    return False


@dataclass(frozen=True)
class Entry:
    """One architecture: "file.Class" in this folder, and whether it competes unasked for some inputs.

    Who asks for it by name gets it for all inputs that it reads.
    """

    home: str
    suits: Callable[[Inputs], bool] = always


class Architectures(Mapping[Key, "Architecture"]):
    """The architectures by name and form, in the order of the contest. One without a state serves all that ask."""

    def __init__(self, entries: Mapping[Key, Entry]) -> None:
        self._entries = entries

    def __getitem__(self, key: Key) -> Architecture:
        return _made(self._entries[key].home)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries  # without importing it

    def suiting(self, form: str, inputs: Inputs) -> tuple[str, ...]:
        """The names of those that read the form and compete for these inputs."""
        return tuple(name for (name, read), entry in self._entries.items() if read == form and entry.suits(inputs))


@cache
def _made(home: str) -> Architecture:
    file, _, name = home.partition(".")
    architecture: Architecture = getattr(import_module(f"netpick.models.networks.{file}"), name)()
    return architecture
