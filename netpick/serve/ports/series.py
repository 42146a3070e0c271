"""The port of series: a list of numbers, or a list of steps of several channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from netpick.serve.faults import refuse, shown
from netpick.serve.ports.base import Cells, Joined, PaddedCells, Port, Tensor, joined_cells
from netpick.types import Array, ArrayColumn, Column

STEPS = {int, float, type(None)}  # types of values
FAR = 8.0  # standard deviations from the mean of the training series


class SeriesPort(Port):
    """A curve, step by step; null is a step that was not measured."""

    def schema(self) -> dict[str, Any]:
        state, channels = self.state, len(self.state.mean)
        number = {"type": ["number", "null"]}
        step = (
            number if channels == 1 else {"type": "array", "items": number, "minItems": channels, "maxItems": channels}
        )
        return {
            "type": "array",
            "items": step,
            "minItems": 1 if state.padded else state.length,
            "maxItems": self._most(state),
        }

    def describe(self) -> dict[str, Any]:
        state = self.state
        return {
            "length": state.length,
            "channels": len(state.mean),
            "exact": not state.padded,
            "mean": list(state.mean),
            "std": list(state.std),
        }

    def read(self, cells: Sequence[Any]) -> Cells:
        curves = [self._curve(cell, row) for row, cell in enumerate(cells)]
        return self._as_cells(curves)

    def join(self, parts: Sequence[Cells]) -> Joined:
        return joined_cells(parts)

    def of_column(self, column: Column) -> Joined:
        assert isinstance(column, ArrayColumn)
        return PaddedCells(values=column.values, lengths=column.lengths)

    def column(self, joined: Joined) -> Column:
        return ArrayColumn(name=self.name, values=joined.values, kind="series", lengths=joined.lengths)

    def tensor(self) -> Tensor:
        steps = -1 if self.state.padded else self.state.length
        return Tensor(datatype="FP32", shape=(-1, steps, len(self.state.mean)))

    def from_tensor(self, values: Array) -> Cells:
        channels = len(self.state.mean)
        if values.dtype.kind not in "fiu" or values.ndim not in (2, 3) or values.size > self.limits.values:
            refuse(
                "invalid_value",
                f"Input '{self.name}' is {values.dtype} of shape {list(values.shape)}, but FP32 of shape "
                f"{list(self.tensor().shape)} was expected.",
                field=self.name,
            )
        if values.ndim == 2:
            values = values[:, :, None] if channels == 1 else values[None]
        return self._as_cells([self._checked(curve, row) for row, curve in enumerate(values)])

    def unlike(self, joined: Joined) -> Iterator[tuple[int, str]]:
        state, name = self.state, self.name
        scaled = np.abs(joined.values - np.asarray(state.mean)) / np.asarray(state.std)
        steps = joined.values.shape[1]
        lengths = np.full(len(joined), steps) if joined.lengths is None else joined.lengths
        scaled[np.arange(steps)[None, :] >= lengths[:, None]] = 0.0
        far = (np.nan_to_num(scaled) > FAR).mean(axis=(1, 2))
        for row in range(len(joined)):
            if far[row] > 0:
                yield (
                    row,
                    f"Steps of {name} lie further from the mean than {FAR:.0f} standard deviations of the training series.",
                )
            if lengths[row] > state.length:
                yield (
                    row,
                    f"{name} has {int(lengths[row]):,} steps; only its first {state.length:,} count, the most in training.",
                )
            valid = joined.values[row, : lengths[row]]
            if np.isnan(valid).all():
                yield row, f"{name} has no measured step."
            elif len(valid) > 2 and np.nanmin(valid) == np.nanmax(valid):
                yield row, f"{name} is one value throughout."

    def _most(self, state: Any) -> int:
        return int(max(4 * state.length, 1000)) if state.padded else int(state.length)

    def _curve(self, cell: Any, row: int) -> Array:
        state, name = self.state, self.name
        channels = len(state.mean)
        if not isinstance(cell, list) or not cell:
            wanted = "a list of numbers" if channels == 1 else f"a list of steps, each a list of {channels} numbers,"
            refuse(
                "invalid_value",
                f"Field '{name}' (row {row}) holds {shown(cell)}, but {wanted} was expected.",
                field=name,
                row=row,
            )
        if len(cell) * channels > self.limits.values:
            refuse(
                "too_long",
                f"Field '{name}' (row {row}) has {len(cell):,} steps, too many to read.",
                field=name,
                row=row,
            )
        nested = list in set(map(type, cell))
        values = [value for step in cell for value in (step if isinstance(step, list) else (step,))] if nested else cell
        curve = np.empty(())
        if set(map(type, values)) <= STEPS and len(values) <= self.limits.values:
            with suppress(
                ValueError, TypeError, OverflowError
            ):  # lists of different lengths, integers of hundreds of digits
                curve = np.asarray(cell, dtype=np.float64)  # None becomes NaN
        if curve.ndim not in (1, 2):
            refuse(
                "invalid_value",
                f"Field '{name}' (row {row}) holds steps that are not numbers, but "
                + (
                    "numbers or null were expected."
                    if channels == 1
                    else f"lists of {channels} numbers each were expected."
                ),
                field=name,
                row=row,
            )
        return self._checked(curve[:, None] if curve.ndim == 1 else curve, row)

    def _checked(self, curve: Array, row: int) -> Array:
        state, name = self.state, self.name
        channels = len(state.mean)
        if curve.shape[1] != channels:
            refuse(
                "invalid_value",
                f"Field '{name}' (row {row}) has {curve.shape[1]} channel{'s' if curve.shape[1] != 1 else ''}, but the model "
                f"reads {channels}.",
                field=name,
                row=row,
            )
        if np.isinf(curve).any() or (np.abs(np.nan_to_num(curve)) > 1e30).any():
            refuse(
                "invalid_value", f"Field '{name}' (row {row}) holds numbers that are not finite.", field=name, row=row
            )
        if len(curve) < 1 or (not state.padded and len(curve) != state.length):
            refuse(
                "invalid_value",
                f"Field '{name}' (row {row}) has {len(curve):,} steps, but the model was trained on series of exactly "
                f"{state.length:,}. Bring it to that length.",
                field=name,
                row=row,
            )
        return curve.astype(np.float32)

    def _as_cells(self, curves: Sequence[Array]) -> PaddedCells:
        if not self.state.padded:
            return PaddedCells(values=np.stack(curves))
        longest, channels = max(len(curve) for curve in curves), len(self.state.mean)
        if longest * channels * len(curves) > self.limits.values:
            refuse(
                "too_long",
                f"The series of this request take more than {self.limits.values:,} numbers. Send fewer rows.",
            )
        values = np.zeros((len(curves), longest, channels), np.float32)
        for row, curve in enumerate(curves):
            values[row, : len(curve)] = curve
        return PaddedCells(values=values, lengths=np.array([len(curve) for curve in curves], np.int32))
