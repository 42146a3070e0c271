"""Data sets that come with scikit-learn, for a first run without any data at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from netpick.errors import RequestError, near_matches

DEMOS = ("digits", "iris", "wine", "breast_cancer", "diabetes")


def demo_data(name: str) -> Any:
    """A frame, or (images, labels) for the 8 x 8 digits. Raises RequestError for an unknown name."""
    if name not in DEMOS:
        raise RequestError(f"There is no demo '{name}'.{near_matches(name, DEMOS)}")
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{name}")()  # the name is one of DEMOS
    if name == "digits":
        return (np.round(loaded.images * (255 / 16)).astype(np.uint8), loaded.target)
    import polars as pl

    columns = {str(column): loaded.data[:, i] for i, column in enumerate(loaded.feature_names)}
    if name == "diabetes":
        return pl.DataFrame({**columns, "target": loaded.target})
    return pl.DataFrame({**columns, "target": [str(loaded.target_names[i]) for i in loaded.target]})
