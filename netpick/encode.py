"""Columns to inputs: encoders are fitted on training rows only, and every row is encoded once.

All vector columns make one input, all codes another; a series or image column is an input of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from netpick.errors import DataError, near_matches
from netpick.kinds import KINDS
from netpick.store import Allocator, Store
from netpick.types import Array, ArrayColumn, Column, Inputs, InputSpec, Rows, Schema, Source, TableColumn


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A column's kind and what it learned from the training rows."""

    column: str
    kind: str
    state: Any

    def to_json(self) -> dict[str, Any]:
        state = TypeAdapter(KINDS[self.kind].State).dump_python(self.state, mode="json")
        return {"column": self.column, "kind": self.kind, "state": state}


def fit_encoders(source: Source, schema: Schema, rows: Rows) -> tuple[Encoder, ...]:
    """Fits one encoder a feature column on these rows and no others."""
    fields = schema.features
    rich = [f.name for f in fields if KINDS[f.kind or ""].form in ("series", "grid")]
    if len(rich) > 1:
        raise DataError(
            f"Columns '{rich[0]}' and '{rich[1]}' both hold images or series, but one such column a row is supported. "
            f"Leave the others out with --drop {','.join(rich[1:])}."
        )
    return tuple(
        Encoder(column=f.name, kind=f.kind or "", state=KINDS[f.kind or ""].fit(source.columns[f.name], rows))
        for f in fields
    )


def input_specs(encoders: Sequence[Encoder]) -> Inputs:
    """What the networks will get, by input name."""
    names: dict[str, list[str]] = {}
    cardinalities: list[int] = []
    specs: dict[str, InputSpec] = {}
    for encoder in encoders:
        kind = KINDS[encoder.kind]
        outputs = kind.outputs(encoder.column, encoder.state)
        if kind.form in ("vector", "codes"):
            names.setdefault(kind.form, []).extend(outputs)
            cardinalities.extend(kind.cardinalities(encoder.state))
        elif kind.form == "grid":
            state = encoder.state
            specs["grid"] = InputSpec(form="grid", shape=state.shape, mean=state.mean, std=state.std, names=outputs)
        else:
            state = encoder.state
            shape = (state.length, len(state.mean))
            specs["series"] = InputSpec(form="series", shape=shape, padded=state.padded, names=outputs)
    if "vector" in names:
        specs["vector"] = InputSpec(form="vector", shape=(len(names["vector"]),), names=tuple(names["vector"]))
    if "codes" in names:
        shape_of_codes = (len(names["codes"]),)
        specs["codes"] = InputSpec(
            form="codes", shape=shape_of_codes, cardinalities=tuple(cardinalities), names=tuple(names["codes"])
        )
    return specs


def encode(columns: Mapping[str, Column], encoders: Sequence[Encoder], allocator: Allocator) -> Store:
    """Encodes all rows. Raises DataError when a column is missing or of another nature than in training."""
    specs = input_specs(encoders)
    arrays: dict[str, Array] = {}
    filled = {"vector": 0, "codes": 0}
    for encoder in encoders:
        kind = KINDS[encoder.kind]
        column = _column(columns, encoder)
        encoded = kind.encode(column, encoder.state)
        if kind.form in ("vector", "codes"):
            if kind.form not in arrays:
                dtype = "float32" if kind.form == "vector" else "int32"
                arrays[kind.form] = allocator.empty(kind.form, (len(column), *specs[kind.form].shape), dtype)
            start = filled[kind.form]
            arrays[kind.form][:, start : start + encoded.shape[1]] = encoded
            filled[kind.form] += encoded.shape[1]
        elif kind.form == "grid":
            if encoded.shape[1:] != tuple(encoder.state.shape):
                raise DataError(
                    f"Column '{encoder.column}' holds images of shape {encoded.shape[1:]}, but the model was trained on "
                    f"{tuple(encoder.state.shape)} (channels, height, width). Resize them first."
                )
            arrays["grid"] = allocator.adopt("grid", encoded)
        else:
            arrays["series"] = allocator.adopt("series", _fit_length(encoded, encoder, column))
            if encoder.state.padded:
                arrays["series.lengths"] = _lengths(column, encoder.state.length)
    return Store(arrays=arrays, on_disk=any(isinstance(a, np.memmap) for a in arrays.values()))


def _column(columns: Mapping[str, Column], encoder: Encoder) -> Column:
    if encoder.column not in columns:
        raise DataError(
            f"The data have no column '{encoder.column}', but the model was trained with it."
            f"{near_matches(encoder.column, columns)} Add the column, or name it as in training."
        )
    column = columns[encoder.column]
    wants_array = KINDS[encoder.kind].form in ("series", "grid")
    if wants_array != isinstance(column, ArrayColumn):
        found = "cells of a table" if isinstance(column, TableColumn) else "images or series"
        raise DataError(
            f"Column '{encoder.column}' holds {found}, but the model was trained on the kind {encoder.kind}. "
            "Pass data of the same layout as in training."
        )
    return column


def _fit_length(encoded: Array, encoder: Encoder, column: Column) -> Array:
    """Series that are shorter than the longest of training are padded, if the model knows of padding."""
    missing = encoder.state.length - encoded.shape[1]
    if missing <= 0:
        return encoded
    if not encoder.state.padded:
        raise DataError(
            f"Column '{encoder.column}' holds series of {encoded.shape[1]} steps, but the model was trained on series "
            f"of exactly {encoder.state.length}. Bring them to that length first."
        )
    return np.pad(encoded, ((0, 0), (0, missing), (0, 0)))


def _lengths(column: Column, most: int) -> Array:
    assert isinstance(column, ArrayColumn)
    if column.lengths is None:
        return np.full(len(column), min(column.values.shape[1], most), dtype=np.int32)
    return np.minimum(column.lengths, most).astype(np.int32)
