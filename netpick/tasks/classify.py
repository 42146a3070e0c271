"""Classification: one of two or more classes for a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from pydantic.dataclasses import dataclass

from netpick.errors import DataError, RequestError
from netpick.kinds.cells import as_numbers, as_text, counts_of
from netpick.recipe import Recipe
from netpick.tasks.base import Task
from netpick.tasks.calibration import Calibration, calibrate_classes
from netpick.types import STRICT, Array, Field, Predictions, Rows, TableColumn

if TYPE_CHECKING:
    from torch import Tensor

    from netpick.tasks.base import LossFunction

MAX_CLASSES = 1_000


@dataclass(config=STRICT, kw_only=True)
class ClassifyState:
    """The classes in the order of the outputs: by number when all are numbers, by text otherwise."""

    labels: tuple[str, ...]
    variants: dict[str, str]  # spellings that mean one of the labels ("<=50K." -> "<=50K")
    calibration: Calibration | None = None  # of one candidate's probabilities

    def __post_init__(self) -> None:
        if not 2 <= len(self.labels) <= MAX_CLASSES or len(set(self.labels)) != len(self.labels):
            raise ValueError("classes that differ from each other, at least two")
        curves = 0 if self.calibration is None else len(self.calibration.curves)
        if curves and (curves != 1 or len(self.labels) != 2):
            raise ValueError("a curve of calibration for two classes")


class Classify(Task):
    """Binary and multi-class classification."""

    name: ClassVar[str] = "classify"
    State = ClassifyState

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        if len(columns) != 1:
            return None
        field = fields[0]
        if field.kind in ("category", "boolean"):
            return f"{field.num_distinct} classes"
        whole = field.kind == "number" and _whole(columns[0].values)
        if whole and field.num_distinct <= 20 and field.num_distinct <= max(2, 0.1 * len(columns[0])):
            return f"{field.num_distinct} different whole numbers, read as classes"
        return None

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> ClassifyState:
        name = columns[0].name
        counts = counts_of(as_text(columns[0].values))
        labels = counts["value"].to_list()
        if len(labels) < 2:
            only = f"only {labels[0]!r}" if labels else "no value at all"
            raise DataError(
                f"Column '{name}' holds {only}, but a classification needs at least two classes. "
                "Choose another column with --target, or add rows of another class."
            )
        if len(labels) > MAX_CLASSES:
            raise DataError(
                f"Column '{name}' holds {len(labels):,} different values, but at most {MAX_CLASSES:,} classes can be "
                "told apart. Choose another column with --target, or pass --task regress if it is a quantity."
            )
        single = counts.filter(pl.col("count") == 1)
        if len(single):
            label = single["value"].sort()[0]
            more = f" (and {len(single) - 1} other classes)" if len(single) > 1 else ""
            raise DataError(
                f"Class '{label}' of column '{name}' has one row{more}, but a class needs at least two: one to learn "
                "from and one to test on. Add rows of it, merge it with another class, or remove it."
            )
        return ClassifyState(labels=tuple(sort_labels(labels)), variants={})

    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        text = as_text(columns[0].values)
        if state.variants:
            text = text.replace(state.variants)
        codes = text.cast(pl.Enum(state.labels), strict=False).to_physical().cast(pl.Int64)
        return codes.fill_null(-1).to_numpy()

    def num_outputs(self, state: Any) -> int:
        return len(state.labels)

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.labels  # type: ignore[no-any-return]

    def network_target(self, truth: Array, state: Any) -> Array:
        return truth.astype(np.int64)

    def loss(self, recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
        import torch
        from torch.nn import functional

        if recipe.loss == "binary_cross_entropy":  # one sigmoid an output, one against the rest
            return _one_against_rest(recipe.label_smoothing)
        if recipe.loss not in ("auto", "cross_entropy"):
            raise RequestError(
                f"Loss '{recipe.loss}' was asked for, but a classification is trained with cross_entropy or "
                "binary_cross_entropy. Use one of these, or pass --task regress."
            )
        weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

        def cross_entropy(outputs: Tensor, target: Tensor) -> Tensor:
            scale = None if weight is None else weight.to(outputs.device)
            return functional.cross_entropy(
                outputs.float(), target, weight=scale, label_smoothing=recipe.label_smoothing, reduction="none"
            )

        return cross_entropy

    def answer(self, outputs: Tensor) -> Tensor:
        probabilities = outputs.float().softmax(dim=-1)
        return probabilities.mean(dim=1) if probabilities.ndim == 3 else probabilities

    def decode(self, answers: Array, state: Any) -> Predictions:
        return self.revised(Predictions(probabilities=answers.astype(np.float64)), state)

    def calibrated(self, predictions: Predictions, truth: Array, state: Any) -> ClassifyState:
        assert predictions.probabilities is not None
        rows = self.labelled(truth) & np.isfinite(predictions.probabilities).all(axis=1)
        return replace(state, calibration=calibrate_classes(predictions.probabilities[rows], truth[rows]))  # type: ignore[no-any-return]

    def revised(self, predictions: Predictions, state: Any) -> Predictions:
        stated = predictions.probabilities
        if state.calibration is None or stated is None:
            return predictions
        return replace(predictions, probabilities=state.calibration.of_classes(stated), uncalibrated=stated)

    def calibration_words(self, state: Any) -> str:
        return state.calibration.words if state.calibration else ""

    def labelled(self, truth: Array) -> Array:
        return truth >= 0


def sort_labels(labels: Sequence[str]) -> list[str]:
    """Class names in one order for the whole product: by value when all are plain numbers, else by text."""
    try:
        numbers = {label: float(label) for label in labels}
    except ValueError:
        return sorted(labels)
    # "0010" and "10" are different names; the text settles what the value leaves open.
    return sorted(labels, key=lambda label: (numbers[label], label))


def _whole(series: pl.Series) -> bool:
    if series.dtype.is_integer():
        return True
    numbers = as_numbers(series).drop_nulls()
    return bool((numbers == numbers.round()).all())


def _one_against_rest(smoothing: float) -> LossFunction:
    from torch.nn import functional

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        truth = functional.one_hot(target, outputs.shape[-1]).float()
        truth = truth * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(outputs.float(), truth, reduction="none").sum(dim=-1)

    return loss
