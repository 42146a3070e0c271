"""Imports files under an audit hook, one after the other, and prints a line of JSON for each.

python -m tests.hostile.keras_child FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.hostile.child import Watch


def main(folder: Path) -> None:
    import torch

    import netpick
    from netpick.api.importing import import_model

    torch.set_num_threads(1)
    files = sorted((folder / "in").iterdir())
    for path in files:  # nothing is imported for the first time later on
        with suppress(netpick.NetpickError):
            import_model(path, folder / "out.netpick", form="table")
    (folder / "out.netpick").unlink(missing_ok=True)
    watch = Watch()
    for path in files:
        watch.seen.clear()
        outcome, message = "imported", ""
        began = time.process_time()
        watch.file = str(path)
        try:
            import_model(path, folder / "out.netpick", form="table")
        except BaseException as error:  # noqa: BLE001 - whatever comes is what the test asks about
            outcome, message = type(error).__name__, str(error)
        watch.file = None
        line = {
            "file": path.name,
            "outcome": outcome,
            "message": message[:2_000],
            "seconds": time.process_time() - began,
            "seen": watch.seen[:5],
            "written": (folder / "out.netpick").exists(),
        }
        (folder / "out.netpick").unlink(missing_ok=True)
        print(json.dumps(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
