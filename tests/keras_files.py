"""The models that Keras wrote for the tests (bench/keras_models.py), with inputs and the outputs that Keras gave for them."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

from netpick.types import Array

STORED = Path(__file__).parent / "saved" / "imported" / "models.zip"


@cache
def stored() -> dict[str, bytes]:
    """All files, by name."""
    with zipfile.ZipFile(STORED) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def model_names() -> list[str]:
    """Files of whole models."""
    with zipfile.ZipFile(STORED) as archive:
        names = archive.namelist()
    whole = [name for name in names if name.endswith((".keras", ".h5")) and "/" not in name]
    return sorted(name for name in whole if not name.endswith(".weights.h5"))


def written(folder: Path, name: str) -> Path:
    """One of them as a file."""
    path = folder / name
    path.write_bytes(stored()[name])
    return path


def truth(name: str) -> tuple[Array, Array]:
    """Inputs and the outputs that Keras gave."""
    with np.load(io.BytesIO(stored()[f"{name.split('.')[0]}.npz"])) as arrays:
        return arrays["inputs"], arrays["outputs"]
