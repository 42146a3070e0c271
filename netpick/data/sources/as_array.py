"""What people hold as an array, as numpy has it: lists, tensors of torch with or without gradients, sparse matrices."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from netpick.errors import RequestError
from netpick.types import Array

MOST_DENSE = 1 << 30  # cells of a sparse matrix, written out


def as_array(data: object, name: str) -> Array:
    """Raises RequestError for what numpy cannot read, naming the argument."""
    data = _plain(data, name)
    try:
        array = np.asarray(data)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        array = _of_rows(data) if isinstance(data, list | tuple) else None  # type: ignore[assignment]
        if array is None:
            raise RequestError(
                f"{name} is a {type(data).__name__} that numpy cannot read ({error}), but rows of equal length were expected. Pass a "
                "numpy array."
            ) from None
    if array.ndim == 0:
        raise RequestError(
            f"{name} is a single {'value, None' if data is None else type(data).__name__}, but an array with one entry per row was expected. Pass (X, y) arrays."
        )
    return array


def _of_rows(data: Any) -> Array | None:
    """Rows that are arrays of their own, of several lengths, as an array of objects."""
    if not all(isinstance(row, np.ndarray) for row in data):
        return None
    rows = np.empty(len(data), dtype=object)
    for place, row in enumerate(data):
        rows[place] = row
    return rows


def _plain(data: object, name: str) -> object:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(data, torch.Tensor):
        tensor: Any = data.detach().cpu()
        tensor = tensor.to_dense() if tensor.layout != torch.strided else tensor
        return tensor.float().numpy() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor.numpy()
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(data):
        matrix: Any = data
        cells = int(np.prod(matrix.shape, dtype=object))
        if cells > MOST_DENSE:
            raise RequestError(
                f"{name} is a sparse matrix of {matrix.shape[0]:,} x {matrix.shape[1]:,}, and at most {MOST_DENSE:,} cells are written "
                "out. Keep the columns that matter, or reduce them (sklearn.decomposition.TruncatedSVD)."
            )
        return matrix.toarray()
    return data
