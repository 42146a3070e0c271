"""`netpick predict --out FILE.txt`, `.html` or `.conll` of a model of tags: the text, marked."""

from __future__ import annotations

import sys
from pathlib import Path

from netpick.disk.files import write_whole
from netpick.errors import RequestError
from netpick.saved.tag_files import MARKED
from netpick.saved.use import Model, heeded


def is_marked(out: Path | None) -> bool:
    """Whether --out names a file of marked text."""
    return out is not None and out.suffix.lower() in MARKED


def predict_marked(loaded: Model, data: object, out: Path, *, strict: bool) -> None:
    """Writes the text with its tags. Raises RequestError for models that give tokens none."""
    from netpick.cli.console import show_unlike

    if not loaded.parts.task.answer.each_token:
        raise RequestError(
            f"{out} would hold a text with its tags, but the model gives tokens none. Pass a name that ends in .csv, .json or .parquet."
        )
    source = loaded.read(data)
    show_unlike(source)
    table = loaded.predict(heeded(source, strict=strict))
    write_whole(out, MARKED[out.suffix.lower()](table, loaded.labels).encode())
    sys.stderr.write(f"{table['sentence'].n_unique():,} sentences with their tags in {out}\n")
