"""`netpick import`: a model that was trained elsewhere, as a model file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from netpick.errors import shown


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A model of Keras: model.keras, model.h5, or the folder of such a file."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Model file to write. Default: FILE with the ending .netpick.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--as", help="What its rows are: image, series, table or text. Default: by their shape."),
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Names of its outputs, in their order: cat,dog.")] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="What pixels of 0 to 255 are divided by: 255, 1, or -1..1. Default: 1 before a Rescaling layer, else 255."
        ),
    ] = None,
    shape: Annotated[str | None, typer.Option(help="Shape of a row where the file leaves it open: 96,96,3.")] = None,
    task: Annotated[
        str | None, typer.Option(help="classify, multilabel or regress. Default: by its last layer.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Of a table: names of its columns, in their order.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Name of the column that holds the truth in labelled rows.")
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Of texts: a file with a word a line, line 0 for padding, 1 for unknown words.")
    ] = None,
    pad: Annotated[str, typer.Option(help="Of texts: where zeros stand, behind or before the words.")] = "behind",
) -> None:
    """Write a model file from a network of Keras: it is scored, explained, served, exported and trained on like any other."""
    from netpick.api.importing import import_model

    path, lines = import_model(
        file,
        out,
        form=form,
        labels=_listed(labels),
        scale=scale,
        shape=shape,
        task=task,
        columns=_listed(columns),
        target=target,
        vocabulary=vocabulary,
        pad=pad,
    )
    for line in lines:
        print(shown(line), file=sys.stderr)
    print(shown(str(path)))


def _listed(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(part.strip() for part in text.split(","))
