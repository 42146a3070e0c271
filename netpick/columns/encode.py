"""Columns to inputs: encoders are fitted on training rows only, and every row is encoded once.

All vector columns make one input, all codes another. Every column of a rich form (tokens, series, images, ...) is an input
of its own: the first one is called like its form, further ones "form:COLUMN".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from netpick.columns.forms import FORMS, JOINED, stored_as
from netpick.columns.kinds import KINDS
from netpick.columns.kinds.scene import sizes_of
from netpick.columns.own_encoding import OwnEncoding
from netpick.columns.store import Allocator, Store
from netpick.errors import DataError, RequestError, near_matches
from netpick.types import Array, ArrayColumn, Column, FileColumn, Inputs, InputSpec, Rows, Schema, Source


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A column's kind and what it learned from the training rows."""

    column: str
    kind: str
    state: Any

    def to_json(self) -> dict[str, Any]:
        state = TypeAdapter(KINDS[self.kind].State).dump_python(self.state, mode="json")
        return {"column": self.column, "kind": self.kind, "state": state}


def fit_encoders(source: Source, schema: Schema, rows: Rows, *, private: bool = False) -> tuple[Encoder, ...]:
    """Fits one encoder a feature column on these rows and no others. private: nothing in it comes from a few rows."""
    kinds = {f.name: f.kind or "" for f in schema.features}
    return tuple(
        Encoder(column=name, kind=kind, state=KINDS[kind].learn(source.columns[name], rows, private=private))
        for name, kind in kinds.items()
    )


def input_names(encoders: Sequence[Encoder]) -> list[str]:
    """The input that each encoder's column is (part of), in their order."""
    names: list[str] = []
    for encoder in encoders:
        form = KINDS[encoder.kind].form
        names.append(form if form in JOINED or form not in names else f"{form}:{encoder.column}")
    return names


def input_places(encoders: Sequence[Encoder]) -> list[tuple[str, slice | None]]:
    """The input that each encoder's column is (part of), and which of its columns where several share it."""
    widths = dict.fromkeys(JOINED, 0)
    column_places: list[tuple[str, slice | None]] = []
    for encoder, name in zip(encoders, input_names(encoders), strict=True):
        if name not in widths:
            column_places.append((name, None))
            continue
        start = widths[name]
        widths[name] += len(KINDS[encoder.kind].value_names(encoder.column, encoder.state))
        column_places.append((name, slice(start, widths[name])))
    return column_places


def input_specs(encoders: Sequence[Encoder]) -> Inputs:
    """What the networks will get, by input name."""
    names: dict[str, list[str]] = {}
    cardinalities: dict[str, list[int]] = {}
    specs: dict[str, InputSpec] = {}
    for encoder, input_name in zip(encoders, input_names(encoders), strict=True):
        kind = KINDS[encoder.kind]
        if kind.form in JOINED:
            names.setdefault(kind.form, []).extend(kind.value_names(encoder.column, encoder.state))
            cardinalities.setdefault(kind.form, []).extend(kind.cardinalities(encoder.state))
        else:
            specs[input_name] = kind.spec(encoder.column, encoder.state)
    for form in JOINED:
        if form in names:
            specs[form] = InputSpec(
                form=form,
                shape=(len(names[form]),),
                cardinalities=tuple(cardinalities[form]),
                names=tuple(names[form]),
            )
    return specs


def encode(columns: Mapping[str, Column], encoders: Sequence[Encoder], allocator: Allocator) -> Store:
    """Encodes all rows. Raises DataError when a column is missing or of another nature than in training."""
    specs = input_specs(encoders)
    arrays: dict[str, Array] = {}
    for encoder, (name, place) in zip(encoders, input_places(encoders), strict=True):
        kind = KINDS[encoder.kind]
        column = _column(columns, encoder)
        encoded = kind.encode(column, encoder.state)
        if place is None:
            arrays[name] = allocator.adopt(name.replace("/", "_"), encoded)
            if specs[name].padded:
                lengths = kind.lengths(column, encoder.state, encoded)
                assert lengths is not None
                arrays[f"{name}.lengths"] = lengths
            if FORMS[specs[name].form].sized and isinstance(column, ArrayColumn):
                arrays[f"{name}.sizes"] = sizes_of(column)
            continue
        if name not in arrays:
            arrays[name] = allocator.empty(name, (len(column), *specs[name].shape), stored_as(specs[name]))
        arrays[name][:, place] = encoded
    return Store(arrays=arrays, on_disk=any(isinstance(a, np.memmap) for a in arrays.values()))


def with_own(
    encoders: Sequence[Encoder], own: OwnEncoding, columns: Mapping[str, Column], rows: Rows
) -> tuple[Encoder, ...]:
    """The same encoders, the first of the own encoding's kind in the state that this gives it. Raises RequestError where there is none."""
    place = next((i for i, encoder in enumerate(encoders) if encoder.kind == own.kind), None)
    if place is None:
        raise RequestError(
            f"{own.name} reads columns of the kind {own.kind}, but the data have none. Choose another network with --models."
        )
    first = encoders[place]
    state = KINDS[first.kind].fit_own(columns[first.column], rows, own)
    return (*encoders[:place], replace(first, state=state), *encoders[place + 1 :])


def encode_own(
    columns: Mapping[str, Column],
    encoders: tuple[Sequence[Encoder], Sequence[Encoder]],
    store: Store,
    allocator: Allocator,
    name: str,
) -> Store:
    """The store with the columns encoded anew whose encoders are others now; all else is shared. encoders: before and now."""
    arrays = dict(store.arrays)
    for before, now, place in zip(*encoders, input_names(encoders[1]), strict=True):
        if before is now:
            continue
        kind, column = KINDS[now.kind], columns[now.column]
        encoded = kind.encode(column, now.state)
        arrays[place] = allocator.adopt(f"{place}-{name}".replace("/", "_"), encoded)
        lengths = kind.lengths(column, now.state, encoded)
        if lengths is not None:
            arrays[f"{place}.lengths"] = lengths
    return Store(arrays=arrays, on_disk=store.on_disk)


def _column(columns: Mapping[str, Column], encoder: Encoder) -> Column:
    if encoder.column not in columns:
        raise DataError(
            f"The data have no column '{encoder.column}', but the model was trained with it."
            f"{near_matches(encoder.column, columns)} Add the column, or name it as in training."
        )
    column = columns[encoder.column]
    other_media = isinstance(column, ArrayColumn) and column.kind != encoder.kind
    if isinstance(column, KINDS[encoder.kind].cells) and not other_media:
        return column  # type: ignore[no-any-return]
    contents = f"{column.kind} data" if isinstance(column, (ArrayColumn, FileColumn)) else "cells of a table"
    raise DataError(
        f"Column '{encoder.column}' holds {contents}, but the model was trained on the kind {encoder.kind}. "
        "Pass data of the same layout as in training."
    )
