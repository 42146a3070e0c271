"""The next H steps of one or several series, as a mean and the quantiles 10, 50 and 90 %, or those that were asked for.

Networks answer in the units of their series' own scale: (H, V, 4) numbers a row (mean and three quantiles), and behind them
the number of the series, with which `decode` finds the scale again. The truth of a row are (H * V) numbers, step by step, NaN
where one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredHorizon
from netpick.answers.base import Answer, Read, TensorSpec
from netpick.answers.losses import ERRORS
from netpick.answers.metrics.forecast import ForecastRmse, StandardisedMse
from netpick.answers.numbers import named_values
from netpick.answers.quantiles import ANSWERS, QUANTILES, asked_quantiles, quantile_names
from netpick.types import Array
from netpick.types.recipe import Recipe
from netpick.types.results import DecisionRule
from netpick.types.words import counted, significant

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netpick.answers.losses import LossFunction

HISTORY = "history"  # column that says which series are new or short
LARGEST_EXPONENT = 60.0  # of a log-scaled answer; beyond it a network has gone astray


class Horizon(Answer[AnsweredHorizon]):
    """Direct forecasts of several steps."""

    name: ClassVar[str] = "horizon"
    typed = AnsweredHorizon
    quantities = True
    noun, plural = "target", "targets"
    fallback = ForecastRmse.name
    whole_tables = False  # what scale-free metrics divide by is not in them

    def num_outputs(self, state: Any) -> int:
        return state.horizon * len(state.targets) * ANSWERS + 1  # type: ignore[no-any-return]

    def num_values(self, state: Any) -> int:
        return state.horizon * len(state.targets)  # type: ignore[no-any-return]

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.targets  # type: ignore[no-any-return]

    def target(self, truth: Array, state: Any) -> Array:
        """Truth of the first series in the units of its scale; windows.py does it for many series."""
        return scaled(truth, np.zeros(len(truth), dtype=np.int64), state).astype(np.float32)

    def losses(self, recipe: Recipe, class_weights: Sequence[float] | None) -> Mapping[str, LossFunction]:
        return {name: partial(_with_quantiles, error) for name, error in ERRORS.items()}

    def labelled(self, truth: Array) -> Array:
        return np.asarray(~np.isnan(truth).all(axis=1))

    def answer(self, outputs: Tensor) -> Tensor:
        return outputs.float()

    def decode(self, answers: Array, state: Any) -> AnsweredHorizon:
        """Means or medians as `values` (n, H * V), `quantiles` (n, H * V, 3), those that were asked for, and each row's scales
        for the metrics."""
        number = np.nan_to_num(answers[:, -1]).round()  # which a received graph may make up
        series = np.clip(number, 0, len(state.location) - 1).astype(np.int64)
        shape = (len(answers), state.horizon, len(state.targets), (answers.shape[1] - 1) // self.num_values(state))
        steps = answers[:, :-1].reshape(shape).astype(np.float64)
        middle, stretch = steps[..., 2:3], np.asarray(state.stretch or 1.0)[..., None]
        quantiles = np.sort(middle + stretch * (steps[..., 1:ANSWERS] - middle), axis=-1)
        values = unscaled(steps[..., state.point_place].reshape(len(answers), -1), series, state)
        said = AnsweredHorizon(values=values, quantiles=_all_unscaled(quantiles, series, state))
        if state.quantiles:
            chosen = _all_unscaled(asked_quantiles(steps, state), series, state)
            said = replace(said, chosen=chosen, levels=np.tile(np.asarray(state.quantiles), (len(answers), 1)))
        return with_scales(said, series, state)

    def restated(self, predictions: AnsweredHorizon, like: Array, state: Any) -> Array:
        """The numbers that a network states, and behind them the quantiles that were asked for."""
        assert predictions.quantiles is not None, "every model of a forecast gives quantiles"
        series = like[:, -1].round().astype(np.int64)
        columns = [predictions.values, *np.moveaxis(predictions.quantiles, -1, 0)]
        if predictions.chosen is not None:
            columns += [*np.moveaxis(predictions.chosen, -1, 0)]
        steps = np.stack([scaled(values, series, state) for values in columns], axis=-1)
        return np.concatenate([steps.reshape(len(like), -1), like[:, -1:]], axis=1)

    def primary(self, num_outputs: int, balance: float) -> str:
        """RMSE of one target of one series; several are on scales of their own."""
        return ForecastRmse.name if num_outputs == 1 else StandardisedMse.name

    def beside(self, predictions: AnsweredHorizon, rival: Array | None) -> AnsweredHorizon:
        return predictions if rival is None else replace(predictions, seasonal=rival)

    def columns(
        self, predictions: AnsweredHorizon, labels: Sequence[str], rule: DecisionRule, prefix: str = ""
    ) -> dict[str, pl.Series]:
        """A row a window, step and target: prediction, low (10 %), median and high (90 %) or what was asked for, as float32."""
        return {
            f"{prefix}{name}": pl.Series(f"{prefix}{name}", values.ravel().astype(np.float32))
            for name, values in self.tensors(predictions, labels, rule).items()
        }

    def truth_columns(self, truth: Array, labels: Sequence[str]) -> dict[str, pl.Series]:
        return {"truth": pl.Series("truth", truth.ravel()).fill_nan(None)}

    def read(self, table: pl.DataFrame, candidate: str, labels: Sequence[str]) -> Read | None:
        """Windows (n, H * V), and blocks of windows whose horizons overlap."""
        keys = [column for column in ("series", "origin") if column in table.columns]
        starts = table.select(pl.struct(keys).rle_id().alias("window"))["window"]
        width = int((starts == 0).sum())
        if width == 0 or len(table) % width:
            return None
        truth = table["truth"].cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(-1, width)
        values = table[f"{candidate}: prediction"].cast(pl.Float64).to_numpy().reshape(-1, width)
        ones = np.ones((len(values), len(labels)))
        blocks = np.arange(len(values)) // max(1, width // len(labels))
        blocks = blocks if blocks[-1] >= 2 else np.arange(len(values))
        predictions = AnsweredHorizon(values=values, naive=ones, deviation=ones)
        return Read(truth=truth, predictions=predictions, decided=None, groups=blocks)

    def json_schema(self, labels: Sequence[str], state: Any) -> dict[str, Any]:
        """Servers answer with a row a series and step, whose columns are those of `tensor_specs`."""
        return {}

    def tensors(self, predictions: AnsweredHorizon, labels: Sequence[str], rule: DecisionRule) -> dict[str, Array]:
        named = {"prediction": predictions.values}
        levels, quantiles = predictions.stated_quantiles
        if quantiles is not None:
            named |= {name: quantiles[..., i] for i, name in enumerate(quantile_names(levels))}
        return named

    def tensor_specs(self, labels: Sequence[str], state: Any) -> list[TensorSpec]:
        """Columns of the table that continues series: names of the series, the time, each target's forecasts, and of several series
        a remark on short ones."""
        suffixes = [""] if len(state.targets) == 1 else [f"_{name}" for name in state.targets]
        values = [f"{what}{suffix}" for suffix in suffixes for what in ("prediction", *quantile_names(state.quantiles))]
        texts = [*state.id_columns, time_name(state.time_columns)]
        remarks = [HISTORY] if state.id_columns else []
        return [
            TensorSpec(name=name, datatype=datatype, shape=(-1,))
            for datatype, names in (("BYTES", texts), ("FP64", values), ("BYTES", remarks))
            for name in names
        ]

    def graph(self, rule: DecisionRule, state: Any) -> nn.Module:
        from netpick.answers.graphs import Futures

        return Futures(state)

    def graph_words(self, count: int) -> Sequence[tuple[str, str]]:
        return (
            ("answers", "of every step and target mean, 10, 50 and 90 %, then the number of the series, float32"),
            (
                "prediction",
                "means in the targets' units (rows, steps, targets); NaN for series that training did not know",
            ),
            (
                "quantiles",
                "10, 50 and 90 %, or the task_state's quantiles, in the targets' units (rows, steps, targets, quantiles)",
            ),
        )

    def purpose(self, count: int) -> str:
        return f"forecast {counted(count, 'series', 'series')}"

    def words(self, predictions: AnsweredHorizon, labels: Sequence[str], rule: DecisionRule) -> str:
        return f"for the first step ahead {named_values(predictions.values[0], labels)}"

    def truth_words(self, truth: Array, labels: Sequence[str]) -> str:
        return ", ".join(significant(float(value)) for value in np.atleast_1d(truth))

    def evidence(self, outputs: Tensor, index: int, state: Any) -> Tensor:
        """The mean forecast of one target over the horizon, in units of its series' scale."""
        steps = outputs[..., :-1].reshape(*outputs.shape[:-1], state.horizon, len(state.targets), -1)
        return steps[..., index, 0].mean(dim=-1)


HORIZON = Horizon()


def time_name(names: Sequence[str]) -> str:
    """The column of times in a table that continues series."""
    return names[0] if len(names) == 1 else "time" if names else "step"


# --- scales ----------------------------------------------------------------------------------------------------------


def transformed(values: Array, state: Any) -> Array:
    """(..., V) values as networks see them before scaling: logarithms where the state says so."""
    log = np.asarray(state.log)
    if not log.any():
        return values
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(values > 0, values, np.nan))
    return np.where(log, logs, values)


def scaled(values: Array, series: Array, state: Any) -> Array:
    """(n, H * V) values of these series (n,) in the units of their scales."""
    location, scale = _of_rows(values, series, state)
    return np.asarray((_each_step(values, state, transformed) - location) / scale)


def unscaled(answers: Array, series: Array, state: Any) -> Array:
    """The inverse of `scaled`."""
    location, scale = _of_rows(answers, series, state)
    return _each_step(answers * scale + location, state, _inverse)


def _all_unscaled(quantiles: Array, series: Array, state: Any) -> Array:
    """(n, H * V, K) of (n, H, V, K)."""
    flat = quantiles.reshape(len(quantiles), -1, quantiles.shape[-1])
    return np.stack([unscaled(flat[..., i], series, state) for i in range(flat.shape[-1])], axis=-1)


def _inverse(values: Array, state: Any) -> Array:
    log = np.asarray(state.log)
    made = np.where(log, np.exp(np.minimum(values, LARGEST_EXPONENT)), values) if log.any() else values
    return np.where(state.nonnegative, np.maximum(made, 0.0), made) if any(state.nonnegative) else made


def _each_step(values: Array, state: Any, change: Callable[[Array, Any], Array]) -> Array:
    return change(values.reshape(len(values), -1, len(state.targets)), state).reshape(len(values), -1)


def _of_rows(values: Array, series: Array, state: Any) -> tuple[Array, Array]:
    steps = values.shape[1] // len(state.targets)
    location, scale = np.asarray(state.location), np.asarray(state.scale)
    if len(location) == 1:  # one series: no copy a row
        return np.tile(location, (1, steps)), np.tile(scale, (1, steps))
    return np.tile(location[series], (1, steps)), np.tile(scale[series], (1, steps))


def with_scales(predictions: AnsweredHorizon, series: Array, state: Any) -> AnsweredHorizon:
    """The predictions with what the scale-free metrics divide by, (n, V) each."""
    return replace(predictions, naive=np.asarray(state.naive)[series], deviation=np.asarray(state.deviation)[series])


# --- learning --------------------------------------------------------------------------------------------------------


def _with_quantiles(error: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, target: Tensor) -> Tensor:
    """The loss per row: an error of the mean plus the pinball loss of each quantile, over known values."""
    import torch

    answers = outputs[:, :-1].float().reshape(len(outputs), -1, ANSWERS)  # (B, H * V, 4)
    missing = target.isnan()
    truth = target.nan_to_num(0.0)
    missed = truth.unsqueeze(-1) - answers[..., 1:]
    share = torch.tensor(QUANTILES, device=outputs.device)
    pinball = torch.maximum(share * missed, (share - 1) * missed).sum(dim=-1)
    losses = error(answers[..., 0], truth) + pinball
    return losses.masked_fill(missing, 0.0).sum(dim=1) / (~missing).sum(dim=1).clamp(min=1)
