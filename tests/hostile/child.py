"""Loads model files under an audit hook, one after the other, and prints a line of JSON for each.

    python -m tests.hostile.child FOLDER

Everything that Python reports while a file is loaded is a violation, but for opening that very file for reading and a few
events that touch nothing. Good files go first, so that nothing is left to be imported. `control.*` are not given to the loader
but to a careless one (pickle), which the hook must catch: a test that could not fail would prove nothing.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

HARMLESS = (
    "builtins.id",
    "object.__getattr__",
    "object.__setattr__",
    "sys._getframe",
    "sys._current_frames",
    "gc.get_objects",
)


class Watch:
    """Collects what happens while it is on."""

    def __init__(self) -> None:
        self.file: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.file is None or event in HARMLESS:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int):  # a handle, which was opened before
                return
            if path == self.file and not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        self.seen.append(f"{event} {str(arguments)[:200]}")


def main(folder: Path) -> None:
    import torch

    import netpick

    torch.set_num_threads(1)
    files = sorted(folder.iterdir())
    good = [path for path in files if path.name.startswith("good-")]
    bad = [path for path in files if not path.name.startswith("good-")]
    for path in [*good, *bad[:40]]:  # nothing is imported for the first time later on
        with suppress(netpick.NetpickError):
            netpick.load(path)
    watch = Watch()
    for path in [*good, *bad]:
        before = _reset_peak()
        watch.seen.clear()
        outcome, message = "loaded", ""
        began = time.process_time()
        watch.file = str(path)
        try:
            pickle.loads(path.read_bytes()) if path.name.startswith("control") else netpick.load(path)
        except BaseException as error:  # noqa: BLE001 - whatever comes is what the test asks about
            outcome, message = type(error).__name__, str(error)
        watch.file = None
        seconds = time.process_time() - began
        line = {
            "file": path.name, "outcome": outcome, "message": message[:2_000], "seconds": seconds, "seen": watch.seen[:5],
            "memory": max(0, _peak() - before),
        }  # fmt: skip
        print(json.dumps(line), flush=True)  # noqa: T201


def _reset_peak() -> int:
    """Resident bytes now; the peak counts from here where the system lets us."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
