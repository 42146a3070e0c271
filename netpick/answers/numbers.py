"""One or several quantities for a row, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredNumbers
from netpick.answers.base import Answer, Read, TensorSpec, numbers_of
from netpick.answers.conformal import COVERAGE, interval_of
from netpick.answers.losses import ERRORS
from netpick.answers.metrics.errors import R2, RootMeanSquaredError
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted, significant

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction


class Numbers(Answer[AnsweredNumbers]):
    """Numbers in the units of the target; networks learn them standardised."""

    name: ClassVar[str] = "numbers"
    typed = AnsweredNumbers
    quantities = True
    noun, plural = "target", "targets"
    fallback = RootMeanSquaredError.name

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.names  # type: ignore[no-any-return]

    def target(self, truth: Array, state: Any) -> Array:
        scaled = (truth - np.asarray(state.mean)) / np.asarray(state.std)
        return np.asarray(np.nan_to_num(scaled), dtype=np.float32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {name: partial(_mean_error, error) for name, error in ERRORS.items()}

    def labelled(self, truth: Array) -> Array:
        return np.asarray(~np.isnan(truth).any(axis=1))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float()

    def decode(self, answers: Array, state: Any) -> AnsweredNumbers:
        values = answers.astype(np.float64) * np.asarray(state.std) + np.asarray(state.mean)
        return self.revised(AnsweredNumbers(values=values), state)

    def standardised(self, answers: Array, state: Any) -> Array:
        return np.asarray((answers - np.asarray(state.mean)) / np.asarray(state.std))

    def calibrated(self, predictions: AnsweredNumbers, truth: Array, state: Any) -> Any:
        intervals = [interval_of(predictions.values[:, i], truth[:, i]) for i in range(truth.shape[1])]
        known = tuple(interval for interval in intervals if interval is not None)
        return replace(state, intervals=known if len(known) == len(intervals) else ())

    def revised(self, predictions: AnsweredNumbers, state: Any) -> AnsweredNumbers:
        if not state.intervals:
            return predictions
        values = predictions.values
        half = np.stack([interval.around(values[:, i]) for i, interval in enumerate(state.intervals)], axis=1)
        return replace(predictions, low=values - half, high=values + half)

    def calibration_words(self, state: Any) -> str:
        described = [
            f"{name}: {interval.words}" if len(state.names) > 1 else interval.words
            for name, interval in zip(state.names, state.intervals, strict=False)
        ]
        return f"{COVERAGE:.0%} interval, {'; '.join(described)}" if described else ""

    def coverage(self, state: Any) -> float | None:
        return COVERAGE if state.intervals else None

    def primary(self, num_outputs: int, balance: float) -> str:
        return R2.name

    def columns(
        self, predictions: AnsweredNumbers, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """prediction, low and high, or prediction_TARGET, low_TARGET and high_TARGET for each of several targets."""
        columns: dict[str, pl.Series] = {}
        for i, label in enumerate(labels):
            for what, values in _named(predictions).items():
                key = f"{prefix}{what}" if len(labels) == 1 else f"{prefix}{what}_{label}"
                columns[key] = pl.Series(key, values[:, i])
        return columns

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read:
        several = len(labels) > 1
        names = [f"{candidate}: prediction_{label}" if several else f"{candidate}: prediction" for label in labels]
        return Read(
            truth=numbers_of(table, [f"truth_{label}" for label in labels]),
            predictions=AnsweredNumbers(values=numbers_of(table, names)),
            decided=None,
        )

    def tensors(self, predictions: AnsweredNumbers, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        return {name: values[:, 0] if len(labels) == 1 else values for name, values in _named(predictions).items()}

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        shape = (-1,) if len(labels) == 1 else (-1, len(labels))
        return [TensorSpec(name=name, datatype="FP64", shape=shape) for name in self._names(state)]

    def _names(self, state: Any) -> tuple[str, ...]:
        return ("prediction", "low", "high") if state.intervals else ("prediction",)

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import Quantities

        return Quantities(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            ("answers", f"standardised values, float32 (rows, {count})"),
            ("prediction", f"in the targets' units, float64 (rows, {count})"),
            ("low, high", f"ends of the 90 % interval where one is known, float64 (rows, {count})"),
        )

    def purpose(self, count: int) -> str:
        return f"predict {counted(count, 'number')}"

    def words(self, predictions: AnsweredNumbers, labels: Sequence[str], rule: DecisionRule) -> str:
        return named_values(predictions.values[0], labels)

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return ", ".join(significant(float(value)) for value in np.atleast_1d(truth))

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        return outputs[..., index] * float(state.std[index]) + float(state.mean[index])


def _mean_error(error: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, target: Tensor) -> Tensor:
    """The loss per row: of all targets alike."""
    return error(outputs.float(), target).mean(dim=-1)


def _named(predictions: AnsweredNumbers) -> dict[str, Array]:
    """What there is of prediction, low and high."""
    named = {"prediction": predictions.values, "low": predictions.low, "high": predictions.high}
    return {name: values for name, values in named.items() if values is not None}


def named_values(values: Array, labels: Sequence[str]) -> str:
    """'price 12.4, weight 3.1'."""
    return ", ".join(f"{n} {significant(float(v))}" for n, v in zip(labels, values, strict=False))


NUMBERS = Numbers()
