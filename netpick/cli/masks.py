"""`netpick predict --out FOLDER`: masks as files."""

from __future__ import annotations

import sys
from pathlib import Path

from netpick.saved.use import Model, heeded


def is_folder(out: Path | None) -> bool:
    """Whether --out names a folder."""
    return out is not None and (out.suffix == "" or out.is_dir())


def predict_masks(loaded: Model, data: object, out: Path, *, strict: bool) -> None:
    """Writes a PNG for each picture and a legend, and prints the share of each class. Raises RequestError for other models."""
    from netpick.cli.console import show_unlike, write_table
    from netpick.saved.mask_files import require_masks, write_masks

    require_masks(loaded)
    source = loaded.read(data)
    show_unlike(source)
    made = write_masks(loaded, heeded(source, strict=strict), out)
    sys.stderr.write(f"{len(made):,} masks and their legend in {out}\n")
    write_table(made, None)
