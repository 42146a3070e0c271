"""Folders of our own that come from elsewhere: plain files and folders, and nothing that leads out of them or waits."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from netpick.disk.strict.files import RefusedError

MOST_ENTRIES = 100_000
MOST_DEPTH = 16


def require_plain(folder: Path) -> None:
    """Raises RefusedError, with its name, for a link, a pipe, a device or a socket.

    The folder itself may be reached by a link, since a person types its name. Files may have second names elsewhere (`cp -al`):
    nothing is written into a file that has one (disk.append_lines).
    """
    count = 0
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    count += 1
                    name = os.path.relpath(entry.path, folder)
                    if count > MOST_ENTRIES or depth > MOST_DEPTH:
                        raise RefusedError(f"it holds more than a run ever does, such as {name}")
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append((Path(entry.path), depth + 1))
                    elif stat.S_ISLNK(status.st_mode):
                        raise RefusedError(f"{name} is a link, which is never written there")
                    elif not stat.S_ISREG(status.st_mode):
                        raise RefusedError(f"{name} is no regular file")
        except OSError as error:
            raise RefusedError(f"{place.name} cannot be read ({error.strerror})") from None
