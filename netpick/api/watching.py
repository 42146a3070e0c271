"""Progress for whoever looks: one line that is written anew, in a terminal or a notebook, and nothing elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType

from netpick.errors import printable
from netpick.types import Event, OnEvent

SECONDS = 0.1  # between two lines, but for the last one of a stage


def someone_looks() -> bool:
    """Whether standard error is a terminal, or a notebook's cell."""
    return "ipykernel" in sys.modules or sys.stderr.isatty()


class Watching:
    """The receiver of events that was given, else one line on standard error while someone looks; the line is gone at the end.

    with Watching(on_event) as told:
        prepare(data, options, told)
    """

    def __init__(self, given: OnEvent | None) -> None:
        self.given = given
        self.shows = given is None and someone_looks()
        self.started = time.perf_counter()
        self.written, self.last = 0, 0.0

    def __enter__(self) -> OnEvent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.shows and self.written:
            self._write("")

    def __call__(self, event: Event, /) -> None:
        if self.given is not None:
            self.given(event)
        elif self.shows and event.stage != "done":
            now = time.perf_counter()
            if event.stage != "train" or now - self.last >= SECONDS:
                self.last = now
                self._write(f"[{now - self.started:5.1f} s] {printable(event.text)}")

    def _write(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        line = line if len(line) <= width else f"{line[: max(width - 1, 0)]}…"
        encoding = sys.stderr.encoding or "utf-8"
        line = line.encode(encoding, "replace").decode(encoding)
        sys.stderr.write(f"\r{line:<{min(self.written, width)}}" + ("" if line else "\r"))
        sys.stderr.flush()
        self.written = len(line)
