"""Whether a graph says what torch says: on the stored rows of the model file and on generated ones, one by one and together,
at every length that rows may have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netpick.columns.batches import alike
from netpick.errors import ModelFileError
from netpick.saved.engines import Engine
from netpick.saved.generated import generated_rows, with_sizes
from netpick.types import Array, Inputs

BATCHES = (1, 2, 7)
GENERATED = 40  # rows
LARGEST_DIFFERENCE = 1e-5  # of answers; relative to the largest where that is above 1


def largest_difference(one: Engine, other: Engine, stored: Mapping[str, Array], inputs: Inputs) -> float:
    """The largest difference between two engines' answers. Raises ModelFileError when it is too large, or shapes differ."""
    generated = with_sizes(inputs, generated_rows(inputs, GENERATED))
    short = {name: array[_shortest(generated, inputs)] for name, array in generated.items()}
    trials = [stored, generated, short]
    trials += [{name: array[:size] for name, array in rows.items()} for rows in (stored, generated) for size in BATCHES]
    worst = 0.0
    for rows in trials:
        first, second = alike(one.outputs(rows), other.outputs(rows))
        if first.shape != second.shape:
            raise ModelFileError(
                f"The exported graph gives answers of shape {second.shape}, torch {first.shape}. {REMEDY}"
            )
        scale = max(1.0, float(np.abs(first).max(initial=0.0)))
        difference = float(np.abs(first - second).max(initial=0.0)) / scale
        if not difference <= LARGEST_DIFFERENCE:
            raise ModelFileError(
                f"The exported graph's answers differ from torch's by {difference:.2g} on {len(first)} rows, but at most "
                f"{LARGEST_DIFFERENCE:g} is right. {REMEDY}"
            )
        worst = max(worst, difference)
    return worst


REMEDY = "Nothing was written. Please report it with the model's card."


def _shortest(arrays: Mapping[str, Array], inputs: Inputs) -> Array:
    """Rows of at most two steps, which make the shortest batches; the first few where no input is padded."""
    padded = [arrays[f"{name}.lengths"] for name, spec in inputs.items() if spec.padded]
    if not padded:
        return np.arange(3)
    longest = np.max(padded, axis=0)
    return np.argsort(longest, kind="stable")[:3]
