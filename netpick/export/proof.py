"""Whether a graph says what torch says: on the stored rows of the model file and on generated ones, one by one and together,
at every length that rows may have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netpick.engines import Engine
from netpick.errors import ModelFileError
from netpick.model_folder import stored_type
from netpick.types import Array, Inputs, InputSpec

BATCHES = (1, 2, 7)
GENERATED = 40  # rows
LARGEST_DIFFERENCE = 1e-5  # of answers; relative to the largest where that is above 1


def sample_rows(inputs: Inputs, count: int, seed: int = 0) -> dict[str, Array]:
    """Rows that an encoder could have made, of all lengths: empty ones, single steps, whole ones."""
    random = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    for name, spec in inputs.items():
        arrays[name] = _values(name, spec, inputs, count, random)
        if spec.padded:
            lengths = random.integers(0, spec.shape[0] + 1, count).astype(np.int32)
            lengths[: min(count, 3)] = (spec.shape[0], 0, 1)[: min(count, 3)]
            arrays[f"{name}.lengths"] = lengths
            valid = np.arange(spec.shape[0])[None, :] < lengths[:, None]
            arrays[name][~valid] = 0
    return arrays


def _values(name: str, spec: InputSpec, inputs: Inputs, count: int, random: np.random.Generator) -> Array:
    dtype = stored_type(name, inputs)
    shape = (count, *spec.shape)
    if spec.form == "codes":
        return np.stack([random.integers(0, size, count) for size in spec.cardinalities], axis=1).astype(dtype)
    if spec.form == "tokens":
        return random.integers(1, max(2, spec.cardinalities[0]), shape).astype(dtype)
    if dtype == "uint8":
        return random.integers(0, 256, shape).astype(dtype)
    if name == "window.series":
        return np.zeros(shape, dtype=dtype)
    return random.normal(size=shape).astype(dtype)


def largest_difference(one: Engine, other: Engine, stored: Mapping[str, Array], inputs: Inputs) -> float:
    """The largest difference between two engines' answers. Raises ModelFileError when it is too large, or shapes differ."""
    generated = sample_rows(inputs, GENERATED)
    short = {name: array[_shortest(generated, inputs)] for name, array in generated.items()}
    trials = [stored, generated, short]
    trials += [{name: array[:size] for name, array in rows.items()} for rows in (stored, generated) for size in BATCHES]
    worst = 0.0
    for rows in trials:
        first, second = one.outputs(rows), other.outputs(rows)
        if first.shape != second.shape:
            raise ModelFileError(
                f"The exported graph gives answers of shape {second.shape}, torch {first.shape}. {_REMEDY}"
            )
        scale = max(1.0, float(np.abs(first).max(initial=0.0)))
        difference = float(np.abs(first - second).max(initial=0.0)) / scale
        if not difference <= LARGEST_DIFFERENCE:
            raise ModelFileError(
                f"The exported graph's answers differ from torch's by {difference:.2g} on {len(first)} rows, but at most "
                f"{LARGEST_DIFFERENCE:g} is right. {_REMEDY}"
            )
        worst = max(worst, difference)
    return worst


_REMEDY = "Nothing was written. Please report it with the model's card."


def _shortest(arrays: Mapping[str, Array], inputs: Inputs) -> Array:
    """Rows of at most two steps, which make the shortest batches; the first few where no input is padded."""
    padded = [arrays[f"{name}.lengths"] for name, spec in inputs.items() if spec.padded]
    if not padded:
        return np.arange(3)
    longest = np.max(padded, axis=0)
    return np.argsort(longest, kind="stable")[:3]
