"""From pictures and the boxes in each to a Source: what readers of boxes end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from netpick.data.sources import fingerprint
from netpick.data.sources.paths import PART_NAMES, readable
from netpick.errors import DataError
from netpick.types import TEST, TRAIN, Array, FileColumn, Note, Source, TableColumn
from netpick.types.objects import IMAGE, MOST_OBJECTS, OBJECTS, Thing, write_cell

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
    kept, told = _with_area(files, rows)
    counts = Counter(thing.label for things in kept for thing in things or ())
    if not counts:
        raise DataError(
            f"{path} holds no box with an area, but detection learns from some. Check how the boxes were written."
        )
    given = None if parts is None else np.asarray(parts, np.int8)
    if given is not None and not ((given == TRAIN).any() and (given == TEST).any()):
        given = None
    cells = [write_cell(things) for things in kept]
    top = root or path
    return Source(
        name=readable(path.absolute().name),
        origin=str(path),
        layout=layout,
        columns={
            IMAGE: FileColumn(name=IMAGE, root=top, paths=list(files), kind="image"),
            OBJECTS: TableColumn(name=OBJECTS, values=pl.Series(OBJECTS, cells, dtype=pl.String)),
        },
        num_rows=len(files),
        fingerprint=fingerprint.of_listing(
            [f"{file} {(top / file).stat().st_size} {cell}" for file, cell in zip(files, cells, strict=True)]
        ),
        target=OBJECTS,
        objects=OBJECTS,
        given_split=given,
        notes=[*notes, *told, _counted(kept, counts), *_parts_note(given)],
        row_names=[readable(file) for file in files],
    )


def _with_area(
    files: Sequence[str], rows: Sequence[Sequence[Thing] | None]
) -> tuple[list[list[Thing] | None], list[Note]]:
    """The objects that have an area within reach of a picture, and what is said of others. Raises DataError for a picture of too many."""
    kept: list[list[Thing] | None] = []
    flat: list[str] = []
    far: list[str] = []
    for file, things in zip(files, rows, strict=True):
        if things is not None and len(things) > MOST_OBJECTS:
            raise DataError(
                f"{readable(file)} has {len(things):,} boxes, but at most {MOST_OBJECTS:,} a picture can be learned from. Cut such pictures into tiles."
            )
        inside = [thing for thing in things or () if thing.is_finite]
        far += [readable(file)] * (len(things or ()) - len(inside))
        solid = [thing for thing in inside if thing.has_area]
        flat += [readable(file)] * (len(inside) - len(solid))
        kept.append(None if things is None else solid)
    return kept, [
        *_left_out(flat, "has no area", "have no area"),
        *_left_out(far, "is beyond any picture", "are beyond any picture"),
    ]


def _left_out(files: Sequence[str], one: str, many: str) -> list[Note]:
    if not files:
        return []
    count = f"1 box {one} and is" if len(files) == 1 else f"{len(files):,} boxes {many} and are"
    named = ", ".join(dict.fromkeys(files[:NAMED])) + (", ..." if len(files) > NAMED else "")
    return [Note(subject="boxes", text=f"{count} left out ({named}).")]


def _counted(kept: Sequence[Sequence[Thing] | None], counts: Counter[str]) -> Note:
    unlabelled = sum(things is None for things in kept)
    nothing = sum(things == [] for things in kept)
    shares = ", ".join(f"{label} {count / counts.total():.0%}" for label, count in counts.most_common(8))
    words = f"{len(kept):,} pictures, {counts.total():,} boxes: {shares}{', ...' if len(counts) > 8 else ''}"
    words += f"; {nothing:,} pictures with nothing in them" if nothing else ""
    words += f"; {unlabelled:,} pictures without labels" if unlabelled else ""
    return Note(subject="boxes", text=f"{words}.", override="--task")


def _parts_note(given: Array | None) -> list[Note]:
    if given is None:
        return []
    counts = [(name, int((given == part).sum())) for part, name in PART_NAMES.items()]
    named = ", ".join(f"{name} {count:,}" for name, count in counts if count)
    return [Note(subject="split", text=f"The parts are given: {named}.", override="--test none")]
