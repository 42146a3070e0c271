"""Models that were trained elsewhere, as model files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from netpick.errors import RequestError

TASKS = ("classify", "multilabel", "regress")
MOST_AXES = 4


class ImportedFile(NamedTuple):
    """The model file, and what was found and taken for granted, a sentence a line."""

    path: Path
    lines: tuple[str, ...]


def import_model(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    form: str | None = None,
    labels: Sequence[str] = (),
    scale: str | None = None,
    shape: str | None = None,
    task: str | None = None,
    columns: Sequence[str] = (),
    target: str | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    pad: str = "behind",
) -> ImportedFile:
    """Writes the model file of a network of Keras (a .keras file, an .h5 file, or a folder); `netpick.load` reads it.

    form: image, series, table or text; labels: names of its outputs; scale: what pixels are divided by; shape: of a row, "96,96,3"; the
    others: see `netpick import --help`. Raises RequestError for what cannot be read or does not fit, with what to do.
    """
    from netpick.saved.imported.importing import import_keras
    from netpick.saved.imported.meaning import Wanted

    source = Path(file)
    if task is not None and task not in TASKS:
        raise RequestError(
            f"--task {task} is nothing that an imported model can have. Choose from: {', '.join(TASKS)}."
        )
    if pad not in ("behind", "before"):
        raise RequestError(f"--pad {pad} is no place for zeros. Choose behind or before.")
    wanted = Wanted(
        form=form,
        labels=tuple(labels),
        scale=scale,
        shape=_extents(shape),
        task=task,
        columns=tuple(columns),
        target=target,
        vocabulary=None if vocabulary is None else Path(vocabulary),
        zeros=pad,
    )
    target_file = source.with_suffix(".netpick") if out is None else Path(out)
    if out is None and target_file.exists():
        raise RequestError(f"{target_file} exists already, and may be another model. Pass --out FILE, or remove it.")
    made = import_keras(source, target_file, wanted)
    return ImportedFile(made.path, made.lines)


def _extents(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = text.split(",")
    if len(parts) > MOST_AXES or not all(part.strip().isdecimal() and 1 <= len(part.strip()) <= 6 for part in parts):
        raise RequestError(f"--shape {text[:60]} is no shape. Write the sizes of a row, such as --shape 96,96,3.")
    return tuple(int(part) for part in parts)
