"""From pictures and the boxes in each to a Source: what readers of boxes end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.objects import IMAGE, MOST_OBJECTS, OBJECTS, Thing, write_cell
from netpick.data.sources import fingerprint
from netpick.data.sources.paths import PART_NAMES, readable
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, FileColumn, Note, Source, TableColumn

NAMED = 3  # that a note names


def objects_source(
    path: Path,
    layout: str,
    files: Sequence[str],
    rows: Sequence[Sequence[Thing] | None],
    *,
    parts: Sequence[int] | None = None,
    notes: Sequence[Note] = (),
    root: Path | None = None,
) -> Source:
    """Pictures (relative to `root`, else to `path`) and what is in each. Objects without area are left out and said; pictures that
    nobody labelled stay, as rows without a target.

    parts: TRAIN, VALIDATION, TEST or UNASSIGNED of each, where the layout gives them. Raises DataError where there is no object.
    """
    told = list(notes)
    kept: list[list[Thing] | None] = []
    empty: list[str] = []
    for file, things in zip(files, rows, strict=True):
        if things is None:
            kept.append(None)
            continue
        if len(things) > MOST_OBJECTS:
            raise DataError(
                f"{readable(file)} has {len(things):,} boxes, but at most {MOST_OBJECTS:,} a picture can be learned from. Cut such pictures into tiles."
            )
        empty += [readable(file) for thing in things if not (thing.has_area and thing.is_finite)]
        kept.append([thing for thing in things if thing.has_area and thing.is_finite])
    if empty:
        verb = "1 box has no area and is" if len(empty) == 1 else f"{len(empty):,} boxes have no area and are"
        told.append(
            Note(
                subject="boxes",
                text=f"{verb} left out ({', '.join(dict.fromkeys(empty[:NAMED]))}{', ...' if len(empty) > NAMED else ''}).",
            )
        )
    counts = Counter(thing.label for things in kept for thing in things or ())
    if not counts:
        raise DataError(
            f"{path} holds no box with an area, but detection learns from some. Check how the boxes were written."
        )
    unlabelled = sum(things is None for things in kept)
    nothing = sum(things == [] for things in kept)
    total = counts.total()
    shares = ", ".join(f"{label} {count / total:.0%}" for label, count in counts.most_common(8))
    words = f"{len(files):,} pictures, {total:,} boxes: {shares}{', ...' if len(counts) > 8 else ''}"
    words += f"; {nothing:,} pictures with nothing in them" if nothing else ""
    words += f"; {unlabelled:,} pictures without labels" if unlabelled else ""
    told.append(Note(subject="boxes", text=f"{words}.", override="--task"))
    given = None if parts is None else np.asarray(parts, np.int8)
    if given is not None and (given == TRAIN).any() and (given == TEST).any():
        named = ", ".join(
            f"{name} {int((given == part).sum()):,}" for part, name in PART_NAMES.items() if (given == part).any()
        )
        told.append(Note(subject="split", text=f"The parts are given: {named}.", override="--test none"))
    else:
        given = None
    cells = [write_cell(things) for things in kept]
    return Source(
        name=readable(path.absolute().name),
        origin=str(path),
        layout=layout,
        columns={
            IMAGE: FileColumn(name=IMAGE, root=root or path, paths=list(files), kind="image"),
            OBJECTS: TableColumn(name=OBJECTS, values=pl.Series(OBJECTS, cells, dtype=pl.String)),
        },
        num_rows=len(files),
        fingerprint=fingerprint.of_listing([f"{file} {cell}" for file, cell in zip(files, cells, strict=True)]),
        target=OBJECTS,
        objects=OBJECTS,
        given_split=given,
        notes=told,
        row_names=[readable(file) for file in files],
    )
