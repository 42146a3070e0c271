"""Rows that a model keeps to prove itself with: encoded inputs, and the answers that they gave when the model was written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netpick.columns.batches import alike
from netpick.columns.forms import LENGTHS, proved_inputs, stored_as
from netpick.disk.strict import RefusedError
from netpick.disk.strict.tensors import TensorSpec
from netpick.types import Array, Inputs


def input_specs(inputs: Inputs, rows: int) -> dict[str, TensorSpec]:
    """The types and shapes of so many stored rows."""
    specs = {}
    for name, spec in proved_inputs(inputs).items():
        specs[f"input.{name}"] = TensorSpec(dtype=stored_as(spec), shape=(rows, *spec.shape))
        if spec.padded:
            specs[f"input.{name}.lengths"] = TensorSpec(dtype=LENGTHS, shape=(rows,))
    return specs


def require_readable(inputs: Inputs, arrays: Mapping[str, Array]) -> None:
    """Raises RefusedError for codes and lengths that no row has."""
    for name, spec in inputs.items():
        if spec.cardinalities and ((arrays[name] < 0).any() or (arrays[name] >= np.asarray(spec.cardinalities)).any()):
            raise RefusedError("its check holds codes out of range")
        if spec.padded and ((lengths := arrays[f"{name}.lengths"]) < 0).any() | (lengths > spec.shape[0]).any():
            raise RefusedError("its check holds rows of impossible lengths")


def require_same(answers: Array, stored: Array, tolerance: float, where: str = "in training") -> None:
    """Raises RefusedError where answers differ from the stored ones, relative to the largest of these."""
    answers, stored = alike(answers, stored)
    if answers.shape != stored.shape:
        raise RefusedError("its stored rows give answers of another shape")
    difference = float(np.abs(answers - stored).max())
    if not difference <= tolerance * max(1.0, float(np.abs(stored).max())):
        raise RefusedError(f"its stored rows give other answers than they gave {where} (off by {difference:.2g})")
