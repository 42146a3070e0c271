"""Being asked to stop from outside: by Ctrl-C, or by the system."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether the run was asked to stop, and whether it is at a place where it does so by itself."""

    asked: bool = False
    training: bool = False  # the loop looks at `asked` before every step

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM ask; outside of training, and the second time, they end things at once."""
        before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked or not self.training:
            raise KeyboardInterrupt
        self.asked = True
