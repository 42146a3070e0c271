"""Being asked to stop from outside: by Ctrl-C, or by the system."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether the run was asked to stop, and whether it is at a place where it does so by itself."""

    asked: bool = False
    training: bool = False  # the loop looks at `asked` before every step
    ending: bool = False  # KeyboardInterrupt was raised

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C, SIGTERM and a terminal that closes ask; outside of training, and the second time, they end things at once."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup leaves it
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._heard) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.ending:
            return  # it is on its way out already; one more would only break that off
        if self.asked or not self.training:
            self.ending = True
            raise KeyboardInterrupt
        self.asked = True
